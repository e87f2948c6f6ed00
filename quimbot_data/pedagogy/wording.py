"""Critics of a tutor's words alone, whatever was said before: explicit correction, questions, respect.

Explicit correction is what Lyster & Ranta (1997) call so, and what nothing here may do: verdicts, directives, recited
rules, `X → Y`, "X, not Y". Words that the tutor quotes of the learner are the learner's.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from quimbot_data.pedagogy.folding import QUOTED, bare, without_quoted
from quimbot_data.pedagogy.lexicon import compiled
from quimbot_data.pedagogy.tokens import QUESTION_MARKS, sentences_of

MOST_QUESTIONS: Final = 2
ARROW: Final = re.compile(r"[→⟶➔➜➡⇒⟹↦⟼]|[-=~]+>")
_CITED: Final = r"(?:\"[^\"]{1,80}\"|(?<!\w)'[^'\n]{1,80}'(?!\w))"
#: Two quotations, one of them as what is not right: it's A, not B; not B but A; es A, no B; 是A，不是B; هو أ وليس ب.
_NOT: Final = r"(?:(?:and |but |y |و)?(?:not|never|no|nunca|ليس|ليست|لا)\s+|而?不(?:是|说))"
CONTRAST: Final = re.compile(
    rf"{_CITED}[,;:،，]?\s*{_NOT}{_CITED}"
    rf"|\b(?:not|no|no es|ليس)\s+{_CITED}[,،]?\s*(?:but|sino|بل)\s+{_CITED}"
    rf"|不(?:是|说){_CITED}[,，]?(?:而?是|说){_CITED}"
)
#: What stands for words that an exemption took out.
_EXCUSED: Final = " ~ "
_ASIDE: Final = '"~"'
_QUESTION: Final = re.compile(f"[{QUESTION_MARKS}][!！{QUESTION_MARKS}]*")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_ARABIC: Final = re.compile("[\u0620-\u06ff]")
_LATIN: Final = re.compile("[a-z]")


def explicit_corrections(text: str, said: Sequence[str] = (), *, explains: bool = False) -> list[str]:
    """What corrects explicitly in a tutor's turn, each once, the longest match; empty where nothing does.

    Every lexicon whose script occurs has its say: tutors switch languages, too.

    Args:
        text: the turn.
        said: what the learner said before.
        explains: the turn explains, as it may where the learner asked: then a rule is no recital.

    >>> explicit_corrections("That's wrong. You should say 'went'.")
    ['wrong', 'you should say']
    >>> explicit_corrections("Correct me if I'm wrong: you went alone?")
    []
    """
    words = without_quoted(text, said)
    found = [_shown(match[0]) for pattern in (ARROW, CONTRAST) for match in pattern.finditer(words)]
    for language in scripts(words):
        excused = compiled(language, "exempt").replaced(words, _EXCUSED)
        found += _matches(language, excused, ("verdicts", "directives"))
        found += [match for part in sentences_of(excused) if not _compares(part) for match in _commands(language, part)]
        found += [] if explains else _matches(language, words, ("recitals",))
    return [each for each in dict.fromkeys(found) if not any(each != other and each in other for other in found)]


def _commands(language: str, sentence: str) -> list[str]:
    """Commands to say something else than what the learner said."""
    return _matches(language, sentence.replace(_ASIDE, ""), ("commands",))


def _compares(sentence: str) -> bool:
    return sentence.count('"') > 2 or sentence.count("'") > 2


def _matches(language: str, words: str, kinds: tuple[str, ...]) -> list[str]:
    return [_shown(match) for match in compiled(language, *kinds).found(words)]


def _shown(match: str) -> str:
    return match.strip(' .!?:;,\n"¡¿')


@lru_cache(maxsize=1 << 14)
def scripts(words: str) -> tuple[str, ...]:
    """Languages whose lexicons can match in bare text, by its letters."""
    found = ("en", "es") if _LATIN.search(words) else ()
    if words.isascii():
        return found
    return (*found, *(("zh",) if _HAN.search(words) else ()), *(("ar",) if _ARABIC.search(words) else ()))


def phrases_in(text: str, kind: str, said: Sequence[str] = ()) -> list[str]:
    """Phrases of one list of every lexicon whose script occurs, as they stand in a text; see `lexicon.Lexicon`."""
    words = without_quoted(text, said)
    return [match for language in scripts(words) for match in _matches(language, words, (kind,))]


def questions(text: str) -> int:
    """How many questions a turn asks; marks within quotations are no questions of the tutor's."""
    return len(_QUESTION.findall(QUOTED.sub("", bare(text))))


def ends_in_question(text: str) -> bool:
    """Whether the last thing that a turn does is to ask."""
    return bare(text).rstrip(" \n!\"')»~").endswith(tuple(QUESTION_MARKS))
