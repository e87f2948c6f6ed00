"""Turns made from plain text by templates, for corpora that hold texts and no dialogue.

    name        user                                                                     assistant
    continue@1  Continue this text in <language>:⏎⏎<first part>                          <second part>
    finish@1    Finish this sentence in <language>:⏎⏎<first part>                        <second part>
    use@1       Use these words in a short text in <language>: <word>, <word>, <word>.   <text>

No template presupposes a picture or a recording that the reader cannot see: that would teach a model to invent one.
What a template wrote stands at the ends of the user's message, so its lengths there mark it exactly.

A text of one sentence is finished, a longer one continued, and of both a quarter go to `use@1`, chosen by the sha256
of the row's id. Texts are cut near their middle: between two sentences where one ends in the middle half, else between
two words, with at least `LEAST_WORDS` words on either side.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from schemas.fields import WHITESPACE

#: Words that each side of a cut must hold, so that there is something to go on and something to learn.
LEAST_WORDS: Final = 3
#: A sentence is finished; beyond this many words without a full stop (speech is often written down so) it is a text.
SENTENCE_WORDS: Final = 20

_USE_SHARE: Final = 64  # of the 256 values of a byte
_BLANKS: Final = re.compile(f"[{WHITESPACE}\x00-\x1f\x7f-\x9f\ufeff]+")
_LETTER: Final = re.compile(r"[^\W\d_]")
#: Two full stops are a filler ("bwaa.. bwama"), not an end. ። and ፧ end Ethiopic sentences.
_SENTENCE_END: Final = re.compile(r"(?<!\.)[.!?።፧…][\"'”’»)]*$")
_EDGES: Final = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True)
class Template:
    """What a user's message holds around the text: `head` (with the language's name put in) before, `tail` after."""

    name: str
    head: str
    tail: str = ""


CONTINUE: Final = Template("continue@1", "Continue this text in {language}:\n\n")
FINISH: Final = Template("finish@1", "Finish this sentence in {language}:\n\n")
USE: Final = Template("use@1", "Use these words in a short text in {language}: ", ".")


@dataclass(frozen=True)
class Exchange:
    """One user message and its answer, with the template that joined them; head and tail count characters."""

    template: str
    user: str
    assistant: str
    head: int
    tail: int


def one_line(text: str) -> str:
    """The text with every run of blanks, line ends and control characters made one space, and none at its ends."""
    return _BLANKS.sub(" ", text).strip()


def word_count(text: str) -> int:
    """Words that hold a letter, cut at blanks."""
    return sum(map(_is_word, text.split(" ")))


def _is_word(text: str) -> bool:
    return text[:1].isalpha() or _LETTER.search(text) is not None


def exchange(text: str, key: str, language: str | None) -> Exchange | None:
    """Make one exchange of a text that `one_line` went over.

    Args:
        text: any language that puts blanks between words.
        key: what chooses among the templates; the row's id.
        language: the language's English name; "the same language" stands for an unknown one.

    Returns:
        None for a text under twice `LEAST_WORDS` words.
    """
    words = text.split(" ")
    allowed = _cuts(words)
    if not allowed:
        return None
    if hashlib.sha256(key.encode("utf-8", "replace")).digest()[0] < _USE_SHARE and (named := _key_words(words)):
        return _filled(USE, ", ".join(named), text, language)
    ends = [place for place, word in enumerate(words[:-1], start=1) if _SENTENCE_END.search(word)]
    cut = _nearest_to_middle(ends, allowed, len(words))
    template = FINISH if len(words) <= SENTENCE_WORDS and not ends else CONTINUE
    return _filled(template, " ".join(words[:cut]), " ".join(words[cut:]), language)


def _filled(template: Template, given: str, answer: str, language: str | None) -> Exchange:
    head = template.head.format(language=language or "the same language")
    return Exchange(template.name, head + given + template.tail, answer, len(head), len(template.tail))


def _cuts(words: list[str]) -> range:
    """Before which words a cut leaves `LEAST_WORDS` words with letters on either side."""
    lettered = [place for place, word in enumerate(words) if _is_word(word)]
    if len(lettered) < 2 * LEAST_WORDS:
        return range(0)
    return range(lettered[LEAST_WORDS - 1] + 1, lettered[-LEAST_WORDS] + 1)


def _nearest_to_middle(ends: list[int], allowed: range, words: int) -> int:
    """The sentence end next to the middle, if one is in the middle half, else the nearest word; of equals the first."""
    central = [place for place in ends if place in allowed and words <= 4 * place <= 3 * words]
    return min(central or allowed, key=lambda place: (abs(2 * place - words), place))


def _key_words(words: list[str]) -> list[str]:
    """The three longest different words, the earlier of equals, in the order of the text; none if there are fewer."""
    bare = [_EDGES.sub("", word) for word in words]
    first = {word.casefold(): place for place, word in reversed(list(enumerate(bare))) if _is_word(word)}
    longest = sorted(first.values(), key=lambda place: (-len(bare[place]), place))[:LEAST_WORDS]
    return [bare[place] for place in sorted(longest)] if len(longest) == LEAST_WORDS else []
