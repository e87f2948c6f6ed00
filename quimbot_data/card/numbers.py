"""Which numbers a text holds: the one rule by which cards are written and verified.

A number is a run of decimal digits, with points or commas inside, a sign or `<` before and a per cent sign behind it,
wherever it stands: in prose, tables, code, the header, within a word or an id. Two places of a card are no text (see
`quimbot_data.card.block.found`): the block that lists the figures, and where its pictures and other documents lie.
"""

import re
from typing import Final, NamedTuple

_NUMBER: Final = re.compile(r"(?:<\s*)?(?:(?<!\w)[+\-−±])?\d+(?:[.,]\d+)*(?:\s*[%‰])?")


class Number(NamedTuple):
    """A number, without blanks, and where in the text it starts."""

    text: str
    start: int


def numbers(text: str) -> list[Number]:
    """All numbers of a text, in order.

    >>> [number.text for number in numbers("1,234 of 5.5 % (< 0.1 %), −3 in toefl11, 2026-02-08.")]
    ['1,234', '5.5%', '<0.1%', '−3', '11', '2026', '02', '08']
    """
    return [Number("".join(found[0].split()), found.start()) for found in _NUMBER.finditer(text)]


def line_of(text: str, place: int) -> int:
    """The line, from 1, in which a place of a text lies."""
    return text.count("\n", 0, place) + 1
