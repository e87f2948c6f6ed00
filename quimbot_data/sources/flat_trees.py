"""Flat message trees, gathered so that the messages of a tree stand in one batch, though they may lie in many files.

Two passes: the first learns which messages hang together, the second holds a tree's rows only until its last has come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from quimbot_data.sources.files import BATCH_ROWS, RawFile
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import ORIGIN_SCHEMA, RawBatch
from quimbot_data.sources.trees import message_id

_Placed = tuple[str, int, Mapping[str, Any]]


def tree_batches(files: Sequence[RawFile], rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
    """Read flat rows of all files, in batches of about `rows` rows that hold whole trees.

    Raises:
        InputError: see `records.records`.
    """
    trees = _Trees()
    for file in files:
        for batch in records(file):
            for row in mappings(batch):
                trees.note(row)
    ready: list[_Placed] = []
    for file in files:
        for batch in records(file):
            places = batch.origins["raw_row"].to_list()
            for place, row in zip(places, mappings(batch), strict=True):
                ready += trees.completed((file.name, place, row))
            if batch.unreadable is not None or batch.repaired:
                yield RawBatch(batch.origins.clear(), [], batch.unreadable, batch.repaired)
            if len(ready) >= rows:
                yield _batch(ready)
                ready = []
    if ready:
        yield _batch(ready)


def _batch(placed: Sequence[_Placed]) -> RawBatch:
    origins = pl.DataFrame([(name, place) for name, place, _ in placed], ORIGIN_SCHEMA, orient="row")
    return RawBatch(origins, [row for _, _, row in placed])


class _Trees:
    """Which messages hang together (disjoint sets over `parent_id`), and the rows of trees that are not whole yet."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}
        self._due: Counter[str] = Counter()
        self._held: dict[str, list[_Placed]] = defaultdict(list)

    def note(self, row: Mapping[str, Any]) -> None:
        """First pass: learn which tree a row belongs to."""
        key, parent = message_id(row.get("message_id")), message_id(row.get("parent_id"))
        if key:
            top = self._top(key)
            self._due[top] += 1
            if parent and (above := self._top(parent)) != top:
                self._above[top] = above
                self._due[above] += self._due.pop(top)

    def completed(self, placed: _Placed) -> list[_Placed]:
        """Second pass: the rows of the tree that this row completes, if it does."""
        key = message_id(placed[2].get("message_id"))
        if not key:
            return [placed]  # refused by name later
        top = self._top(key)
        self._held[top].append(placed)
        self._due[top] -= 1
        return [] if self._due[top] else self._held.pop(top)

    def _top(self, key: str) -> str:
        above = self._above
        while (higher := above.setdefault(key, key)) != key:
            above[key] = above[higher]
            key = higher
        return key
