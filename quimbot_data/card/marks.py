"""Marks that tie printed text to where it came from, while a card is being put together; none is left in the end.

Spelled in noncharacters (U+FDD0 to U+FDEF), which Unicode keeps for such use within a program: no text may hold them,
and `harmless` sees to it that none does.
"""

import re
from typing import Final, NamedTuple

_NIBBLES: Final = "".join(map(chr, range(0xFDD0, 0xFDE0)))
_OPEN, _BETWEEN, _CLOSE = "\ufde0", "\ufde1", "\ufde2"
_MARK: Final = re.compile(f"{_OPEN}([{_NIBBLES}]*){_BETWEEN}|{_CLOSE}")
_LAST_TWO: Final = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
#: What YAML, Markdown and the marks cannot bear in a line of text.
_HARMFUL: Final = re.compile(f"[\x00-\x1f\x7f-\x9f\ufeff\ufdd0-\ufdef{_LAST_TWO}]")


class Span(NamedTuple):
    """A part of a text, from `start` to before `end`, and its origin."""

    start: int
    end: int
    origin: str


def marked(text: str, origin: str) -> str:
    """The text between marks that spell its origin."""
    spelled = "".join(_NIBBLES[byte >> 4] + _NIBBLES[byte & 15] for byte in origin.encode())
    return f"{_OPEN}{spelled}{_BETWEEN}{text}{_CLOSE}"


def unmarked(text: str) -> str:
    """The text without its marks."""
    return _MARK.sub("", text)


def taken_out(text: str) -> tuple[str, list[Span]]:
    """The text without its marks, and where what they enclosed stands in it."""
    parts: list[str] = []
    spans: list[Span] = []
    start, origin, length, done = 0, "", 0, 0
    for mark in _MARK.finditer(text):
        parts.append(text[done : mark.start()])
        length, done = length + len(parts[-1]), mark.end()
        if mark[0] == _CLOSE:
            spans.append(Span(start, length, origin))
        else:
            start, origin = length, _origin(mark[1])
    return "".join([*parts, text[done:]]), spans


def _origin(spelled: str) -> str:
    nibbles = [_NIBBLES.index(char) for char in spelled]
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    return bytes(high << 4 | low for high, low in pairs).decode()


def harmless(text: str) -> str:
    r"""Text on one line, without control characters and noncharacters.

    >>> harmless("a \n b\x07\ufdd0c")
    'a b�c'
    """
    return _HARMFUL.sub(lambda match: "" if match[0] < "\xa0" else "\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
