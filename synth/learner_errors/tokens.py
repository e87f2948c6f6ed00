"""Text cut into tokens, with their places; tokens of a corpus put together as people write; edits between the two."""

from collections.abc import Sequence
from typing import Final, NamedTuple

#: English tokens that no blank precedes, or follows, in text as people write it.
_NO_BLANK_BEFORE: Final = frozenset(
    {*",.!?;:%)]}", "...", "…", "''", "’", "n't", "n’t", "'", "'s", "'m", "'re", "'ve", "'ll", "'d", "’s", "’m", "’re"}
    | {"’ve", "’ll", "’d", "!!", "!!!", "??", "?!", "..", "s'"}
)
_NO_BLANK_AFTER: Final = frozenset({*"([{$£€#", "``"})


class Cut(NamedTuple):
    """Text and its tokens' places (start, end), in characters, rising."""

    text: str
    spans: tuple[tuple[int, int], ...]


class Change(NamedTuple):
    """Characters of a text to be replaced, and by what; the blank belongs to what is inserted or removed."""

    start: int
    end: int
    corrected: str


def joined(tokens: Sequence[str]) -> Cut:
    """Tokens as people write them, by the conventions of the Penn Treebank.

    >>> joined("I do n't like it ( yet ) .".split()).text
    "I don't like it (yet)."
    """
    text, spans, glued, quoted = "", [], True, False
    for piece in tokens:
        mark = piece == '"'
        if not (glued or (mark and quoted) or piece.lower() in _NO_BLANK_BEFORE):
            text += " "
        spans.append((len(text), len(text) + len(piece)))
        text += piece
        quoted ^= mark
        glued = piece in _NO_BLANK_AFTER or (mark and quoted)
    return Cut(text, tuple(spans))


def change(original: Cut, said: tuple[int, int], corrected: Cut, meant: tuple[int, int]) -> Change:
    """The change that turns some tokens of one text into some of another, by characters of the first.

    Args:
        said: first token and the one after the last, in `original`; equal where something is missing.
        meant: the same in `corrected`; equal where something is too much.
    """
    first, last = _between(original, said)
    start, stop = _between(corrected, meant)
    before, after = original.text[first:last], corrected.text[start:stop]
    head = _shared_blanks(before, after)
    before, after = before[head:], after[head:]
    tail = _shared_blanks(before[::-1], after[::-1])
    return Change(first + head, last - tail, after[: len(after) - tail])


def _between(cut: Cut, tokens: tuple[int, int]) -> tuple[int, int]:
    """From the end of the token before to the start of the token after."""
    start, end = tokens
    first = cut.spans[start - 1][1] if start else 0
    return first, cut.spans[end][0] if end < len(cut.spans) else len(cut.text)


def _shared_blanks(one: str, other: str) -> int:
    """How many blanks both begin with."""
    blanks = min(len(one) - len(one.lstrip()), len(other) - len(other.lstrip()))
    return blanks if one[:blanks] == other[:blanks] else 0
