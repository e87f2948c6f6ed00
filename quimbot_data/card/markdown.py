"""Pieces of Markdown: numbers as cards print them, text made harmless, aligned tables."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from quimbot_data.card.marks import harmless, unmarked

#: What Markdown or HTML would read as markup, within a line.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~$])")
_RIGHT: Final = ">"


def count(number: int) -> str:
    """A whole number with thousands separators.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def share(part: float, whole: float = 1) -> str:
    """A share in per cent with one decimal; a dash where there is nothing to share.

    >>> share(1, 3), share(1, 10_000), share(0, 5), share(0, 0)
    ('33.3 %', '< 0.1 %', '0.0 %', '–')
    """
    if not whole:
        return "–"
    percent = 100 * part / whole
    return "< 0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"


def points(got: float, asked: float) -> str:
    """The difference of two shares (0 to 1) in percentage points, signed.

    >>> points(0.013, 0.01), points(0.01, 0.01)
    ('+0.3', '±0.0')
    """
    difference = round(100 * (got - asked), 1)
    return f"{difference:+.1f}".replace("-", "−") if difference else "±0.0"


def change(after: int, before: int) -> str:
    """What a step added or took, signed; a dash where it did neither.

    >>> change(5, 1205), change(7, 5), change(5, 5)
    ('−1,200', '+2', '–')
    """
    return f"{after - before:+,}".replace("-", "−") if after != before else "–"


def interval(value: float, low: float, high: float) -> str:
    """A share (0 to 1) with its interval.

    >>> interval(1.0, 0.963, 1.0)
    '1.000 (0.963 to 1.000)'
    """
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def plain(text: str) -> str:
    r"""Text as it is, on one line: nothing in it is read as markup.

    >>> plain("a|b\n<i>")
    'a\\|b \\<i\\>'
    """
    return _MARKUP.sub(r"\\\1", harmless(text))


def code(text: str) -> str:
    """Text as code, on one line, fit for a table.

    >>> code("max_chars")
    '`max_chars`'
    """
    return f"`{harmless(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An aligned table.

    Args:
        columns: headings; one that starts with `>` is of a column of numbers, set flush right.
        rows: cells, already Markdown.

    >>> print(table(["Split", ">Rows"], [["train", "1,200"]]))
    | Split |  Rows |
    | ----- | ----: |
    | train | 1,200 |
    """
    right = [column.startswith(_RIGHT) for column in columns]
    cells = [[column.removeprefix(_RIGHT) for column in columns], *rows]
    widths = [max(3, *(_width(row[place]) for row in cells)) for place in range(len(columns))]
    rule = ["-" * (width - 1) + ":" if flush else "-" * width for width, flush in zip(widths, right, strict=True)]
    lines = [[_padded(*cell) for cell in zip(row, widths, right, strict=True)] for row in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def _padded(cell: str, width: int, flush_right: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if flush_right else cell + blanks


def _width(text: str) -> int:
    """Columns that text takes in a fixed-width font; marks take none."""
    text = unmarked(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
