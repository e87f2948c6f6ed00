"""Answers of queries, whose values know the cell that they stand in.

A path is `<query>.<row, from 0>.<column>`, and for an item of a list a further `.<place, from 0>`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from schemas.manifest import canonical_json


class Whole(int):
    """A whole number of a cell."""

    path: str


class Real(float):
    """A real number of a cell."""

    path: str


class Text(str):
    """A text of a cell."""

    path: str


def traced(value: object, path: str) -> object:
    """A value that knows its cell; null and truth values stay what they are, items of a list know their places."""
    if isinstance(value, list):
        return [traced(item, f"{path}.{place}") for place, item in enumerate(value)]
    cell: Whole | Real | Text
    if isinstance(value, int) and not isinstance(value, bool):
        cell = Whole(value)
    elif isinstance(value, float):
        cell = Real(value)
    elif isinstance(value, str):
        cell = Text(value)
    else:
        return value
    cell.path = path
    return cell


def path_of(value: object) -> str:
    """The cell that a value stands in.

    Raises:
        TypeError: it is of none: a number that no query gave must not be printed.
    """
    if not isinstance(value, Whole | Real | Text):
        raise TypeError(f"{value!r} is no cell of a query.")
    return value.path


@dataclass(frozen=True)
class Answer:
    """What a query gave: whole and real numbers, texts, lists of these, and nulls."""

    columns: list[str]
    rows: list[tuple[object, ...]]

    def sha256(self) -> str:
        """Of the canonical JSON of columns and rows.

        Raises:
            TypeError, ValueError: a value is no JSON.
        """
        value = {"columns": self.columns, "rows": [list(row) for row in self.rows]}
        return hashlib.sha256(canonical_json(value).encode()).hexdigest()

    def traced_rows(self, query: str) -> list[dict[str, Any]]:
        """Rows by column, each value knowing its cell."""
        return [
            {
                column: traced(value, f"{query}.{number}.{column}")
                for column, value in zip(self.columns, row, strict=True)
            }
            for number, row in enumerate(self.rows)
        ]

    def cell(self, path: str) -> object:
        """The value of a cell.

        Raises:
            LookupError, ValueError: there is no such cell.
        """
        _, row, column, *items = path.split(".")
        if not row.isdecimal() or not all(item.isdecimal() for item in items):
            raise LookupError(path)
        value = self.rows[int(row)][self.columns.index(column)]
        for item in items:
            if not isinstance(value, list):
                raise LookupError(path)
            value = value[int(item)]
        return traced(value, path)
