"""Phrases that critics look for, by language: `lexicons/<language>.toml`, written so that a teacher can read them.

    that (is|was)? wrong       words in this order; one of several; `?`: or none of them
    change … to                up to five words in between
    ^ incorrect                at the start of a sentence
    should be “                a quotation begins

Case, accents and kinds of quotation marks make no difference. A text is held to the phrases of which a telling word is
there, one by one: on 2,268 tutor turns that took 2 s, one expression of all phrases in polars 54 s.
"""

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from quimbot_data.pedagogy.folding import bare
from schemas.fields import NonEmpty, Strict, Subtag

LANGUAGES: Final = ("en", "es", "zh", "ar")

_PART: Final = re.compile(
    r"(?P<gap> ?… ?)|(?P<choice> ?\([^()]*\)\??)|(?P<start>\^ ?)|(?P<blank> +)|(?P<words>[^ …()^]+)"
)
_QUOTE: Final = "[\"']"
_GAP: Final = r"(?:[^\w.!?。！？؟]+[\w'~\"]+){0,5}?[^\w.!?。！？؟]+"
_UNSPACED_GAP: Final = r"[^.!?。！？؟]{0,12}?"
_START: Final = r"(?:^|[.!?。！？؟:;,\n\"'][\s\"'¡]*|¡)"


_WORD: Final = re.compile(r"\w+")
_ARABIC_AND: Final = "وف"


class Lexicon(Strict):
    """What `lexicons/<language>.toml` holds; each list one kind of phrase."""

    language: Subtag
    reviewed: bool
    """A native teacher of the language has read it."""
    note: NonEmpty
    verdicts: list[NonEmpty]
    directives: list[NonEmpty]
    commands: list[NonEmpty]
    """What tells the learner to say something, unless two things are said side by side to be compared."""
    recitals: list[NonEmpty]
    exempt: list[NonEmpty]
    """What only looks like one of these."""
    contrasts: list[NonEmpty]
    """Between two forms they make a correction: the right one, `not`, the other."""
    deficits: list[NonEmpty]
    """What calls a learner's language less than one."""
    insults: list[NonEmpty]
    """What is said to hurt, whatever the learner's language is like."""
    policing: list[NonEmpty]
    """What forbids another language."""
    terms: list[NonEmpty]
    """Grammar terms, which a recast and its question go without."""
    form: list[NonEmpty]
    """Words of questions that are about language, not about what it says."""
    which: list[NonEmpty]
    alternatives: list[NonEmpty]
    """Between two things to choose from."""
    invitations: list[NonEmpty]
    """What asks without a question mark."""
    asking: list[NonEmpty]
    """How a learner asks for an explanation."""
    hedges: list[NonEmpty]
    absolutes: list[NonEmpty]
    function: list[NonEmpty]
    """Words that say little by themselves."""
    shifts: dict[str, list[NonEmpty]]
    """What the learner's words become when the tutor says them back."""
    cues: dict[str, list[NonEmpty]]
    """What a hint can point at, by family of errors."""


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language; of one that has none, English's."""
    name = language if language in LANGUAGES else "en"
    text = (files("quimbot_data.pedagogy") / "lexicons" / f"{name}.toml").read_text(encoding="utf-8")
    return Lexicon.model_validate(tomllib.loads(text))


def pattern_of(phrase: str, *, unspaced: bool = False, clitics: bool = False) -> str:
    """The regular expression of a phrase, over bare text.

    Args:
        phrase: as the module says.
        unspaced: the script sets no blanks, so a word may stand within others.
        clitics: "and" may be written as one with the word that follows.
    """
    parts = [_translated(match, unspaced) for match in _PART.finditer(phrase)]
    text = "".join(parts)
    if unspaced:
        return text
    head = "" if phrase.startswith("^") else r"\b[وف]?" if clitics else r"\b"
    first, last = phrase.lstrip("^( ")[:1], phrase.rstrip(")? ")[-1:]
    return (head if first.isalnum() or clitics else "") + text + (r"\b" if last.isalnum() else "")


def _translated(match: re.Match[str], unspaced: bool) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "gap":
        return _UNSPACED_GAP if unspaced else _GAP
    if kind == "start":
        return _START
    if kind == "blank":
        return r"\s+"
    if kind == "words":
        return re.escape(bare(text)).replace('"', _QUOTE)
    blank = r"\s+" if text.startswith(" ") else ""
    inner = "|".join(_plain_words(word, unspaced) for word in text.strip(" ()?").split("|"))
    return f"(?:{blank}(?:{inner})){'?' if text.endswith('?') else ''}"


def _plain_words(words: str, unspaced: bool) -> str:
    plain = r"\s+".join(re.escape(bare(word)).replace('"', _QUOTE) for word in words.split())
    return plain if unspaced or not words[-1:].isalnum() else plain + r"\b"


@cache
def patterns(language: str, *kinds: str) -> tuple[str, ...]:
    """The regular expression of each phrase of some lists of a language's lexicon, over bare text.

    Args:
        language: subtag.
        kinds: names of lists of `Lexicon`; `cues.<name>` for cues.
    """
    held = lexicon(language)
    unspaced, clitics = held.language == "zh", held.language == "ar"
    phrases = [phrase for kind in kinds for phrase in _phrases(held, kind)]
    return tuple(pattern_of(phrase, unspaced=unspaced, clitics=clitics) for phrase in phrases)


class Phrases:
    """Phrases to look for in bare text. Only those are tried of which a telling word is there: hundreds cost little."""

    def __init__(self, language: str, *kinds: str) -> None:
        held = lexicon(language)
        self._always: list[int] = []
        self._by_word: dict[str, list[int]] = {}
        self._patterns = [re.compile(pattern) for pattern in patterns(language, *kinds)]
        for place, phrase in enumerate(phrase for kind in kinds for phrase in _phrases(held, kind)):
            told = () if held.language == "zh" else _telling_words(phrase)
            for word in told:
                self._by_word.setdefault(word, []).append(place)
            self._always += [] if told else [place]

    def found(self, text: str) -> list[str]:
        """What matches, phrase by phrase."""
        return [match[0] for pattern in self._tried(text) for match in pattern.finditer(text)]

    def among(self, text: str) -> bool:
        """Whether any matches."""
        return any(pattern.search(text) for pattern in self._tried(text))

    def replaced(self, text: str, other: str) -> str:
        """The text with something else in place of every match."""
        for pattern in self._tried(text):
            text = pattern.sub(other, text)
        return text

    def _tried(self, text: str) -> list[re.Pattern[str]]:
        places = {place for word in _words(text) & self._by_word.keys() for place in self._by_word[word]}
        return [self._patterns[place] for place in sorted(places.union(self._always))]


@lru_cache(maxsize=1 << 12)
def _words(text: str) -> frozenset[str]:
    words = frozenset(_WORD.findall(text))
    return words if text.isascii() else words.union(word[1:] for word in words if word[0] in _ARABIC_AND)


def _telling_words(phrase: str) -> frozenset[str]:
    """Words of which one must be there wherever the phrase matches: of its parts, the one whose words are longest."""
    parts = [_alternatives(match) for match in _PART.finditer(phrase) if match.lastgroup in ("choice", "words")]
    return max((part for part in parts if all(part)), key=lambda part: min(map(len, part)), default=frozenset())


def _alternatives(match: re.Match[str]) -> frozenset[str]:
    """The longest word of each alternative; none where it may be left out."""
    if match[0].endswith(")?"):
        return frozenset({""})
    return frozenset(max(_WORD.findall(bare(each)), key=len, default="") for each in match[0].strip(" ()").split("|"))


@cache
def compiled(language: str, *kinds: str) -> Phrases:
    """The phrases of some lists of a language's lexicon, ready to be looked for."""
    return Phrases(language, *kinds)


def _phrases(held: Lexicon, kind: str) -> list[str]:
    if kind.startswith("cues."):
        return held.cues.get(kind.removeprefix("cues."), [])
    found: list[str] = getattr(held, kind)
    return found


@cache
def function_words(language: str) -> frozenset[str]:
    """Words of a language that say little by themselves: articles, prepositions, pronouns, conjunctions, copulas."""
    return frozenset(lexicon(language).function)
