"""The first few rows behind each count, and how they open."""

from typing import Any, Final

import polars as pl

from quimbot_data.diff.reasons import Pair
from quimbot_data.diff.sides import Side, by_file
from schemas.diff import CHANGES, Example

#: Characters of a message that are shown.
_OPENING: Final = 160
_GROUP: Final = ("change", "reason", "detail", "source")


def examples(rows: pl.DataFrame, pair: Pair, count: int) -> list[Example]:
    """The first rows of each change, reason, detail and source, by id.

    Args:
        rows: in `rows.DIFFERING`.
        pair: the versions.
        count: how many of each.

    Raises:
        IntegrityError: a data file cannot be read.
    """
    if not count:
        return []
    chosen = rows.sort("dialogue_id").group_by(_GROUP, maintain_order=True).head(count)
    held = _openings(pair.a, chosen.filter(pl.col("file_b").is_null()), "file_a")
    held |= _openings(pair.b, chosen.filter(pl.col("file_b").is_not_null()), "file_b")
    shown = [_example(row, *held[row["dialogue_id"]]) for row in chosen.iter_rows(named=True)]
    return sorted(shown, key=lambda e: (CHANGES.index(e.change), e.reason, e.detail, e.source, e.dialogue_id))


def _openings(side: Side, rows: pl.DataFrame, file: str) -> dict[str, tuple[list[str], str]]:
    """Terms and opening of each row by its id."""
    found = {}
    with side.reading():
        for number, ids in by_file(rows, file):
            path = side.folder / side.manifest.data[number].path
            wanted = pl.scan_parquet(path).filter(pl.col("dialogue_id").is_in(ids["dialogue_id"].implode()))
            opening = wanted.select("dialogue_id", "terms", pl.col("messages").list.head(2)).collect()
            for dialogue_id, terms, messages in opening.iter_rows():
                found[dialogue_id] = terms, "\n".join(_said(message) for message in messages)
    return found


def _said(message: dict[str, str]) -> str:
    words = " ".join(message["content"].split())
    return f"{message['role']}: {words if len(words) <= _OPENING else words[: _OPENING - 1] + '…'}"


def _example(row: dict[str, Any], terms: list[str], opening: str) -> Example:
    # What was asked to be taken down is not shown again.
    shown = None if row["reason"] == "takedown" else opening
    told = {name: row[name] for name in Example.model_fields if name in row}
    return Example.model_validate(told | {"terms": terms, "text": shown})
