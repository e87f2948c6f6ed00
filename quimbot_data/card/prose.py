"""The numbers of a card's text against those that should stand there, in order."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, NamedTuple

from quimbot_data.card.block import Figure
from quimbot_data.card.numbers import Number, numbers

#: Above this many pairs the numbers between two equal runs are compared one by one, as they stand.
_MOST_PAIRS: Final = 4_000_000


class Wanted(NamedTuple):
    """A number that should stand in the text, the figure that it is, or is part of, and that figure's line."""

    text: str
    figure: Figure
    line: str


class Odd(NamedTuple):
    """A place where the two differ; null where the text lacks a number, or holds one too many."""

    place: int
    says: str | None
    wanted: Wanted | None


def wanted(figures: Iterable[Figure]) -> list[Wanted]:
    """The numbers that figures print."""
    return [
        Wanted(number.text, figure, _line(figure.printed, number.start))
        for figure in figures
        for number in numbers(figure.printed)
    ]


def _line(text: str, place: int) -> str:
    return text[text.rfind("\n", 0, place) + 1 :].partition("\n")[0].strip()


def odd_numbers(text: str, expected: Sequence[Wanted]) -> Iterator[Odd]:
    """Every difference between the numbers of a text and the expected ones, in the order of the text."""
    stand = numbers(text)
    start = _same(stand, expected)
    end = _same(stand[start:][::-1], expected[start:][::-1])
    middle, lacking = stand[start : len(stand) - end], expected[start : len(expected) - end]
    before = stand[start - 1].start if start else 0
    for ours, theirs in _changes(middle, lacking):
        for number, want in zip_longest(middle[ours], lacking[theirs]):
            before = number.start if number else before
            yield Odd(before, number.text if number else None, want)


def _same(stand: Sequence[Number], expected: Sequence[Wanted]) -> int:
    """How many numbers are alike from the start."""
    pairs = zip(stand, expected, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one.text != other.text), min(len(stand), len(expected)))


def _changes(stand: Sequence[Number], expected: Sequence[Wanted]) -> Iterator[tuple[slice, slice]]:
    if len(stand) * len(expected) > _MOST_PAIRS:
        yield slice(None), slice(None)
        return
    ours, theirs = [number.text for number in stand], [want.text for want in expected]
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind != "equal":
            yield slice(a, b), slice(c, d)
