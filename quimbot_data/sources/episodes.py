"""ProsocialDialog's rows gathered into whole dialogues, whatever files and places they lie in.

Rows with a `dialogue_id` belong to the dialogue of that id in their split, in the order of `response_id`. Rows without
belong to an episode: consecutive rows of a file, up to one that is `episode_done` or does not say. A dialogue that is
one JSON list of turns is one raw row, held as `{LIST: turns}`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, Final

import polars as pl

from quimbot_data.sources.files import BATCH_ROWS, RawFile
from quimbot_data.sources.json_text import Decoder
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import ORIGIN_SCHEMA, RawBatch

_SPLIT: Final = re.compile(r"(train|valid|test)(?:(?<=valid)ation)?(?:[-_.]?[0-9].*)?")
#: What a dialogue that is one raw row of turns goes by, since a raw row is a mapping.
LIST: Final = "(a list of turns)"

Row = Mapping[str, Any]


def whole_dialogues(files: Sequence[RawFile]) -> Iterator[RawBatch]:
    """Batches of whole dialogues, split by split; a split's rows are gathered from all its files first.

    Raises:
        InputError: see `records.records`.
    """
    for _, group in groupby(sorted(files, key=lambda file: (split_of(file), file)), key=split_of):
        gathered = _Gathered()
        for file in group:
            gathered.take(file)
        yield from gathered.batches()


def split_of(file: RawFile) -> str:
    """The split that a file's stem names (`train`, `valid-00000-of-00002`), else the file's own name."""
    found = _SPLIT.fullmatch(PurePosixPath(file.name).name.split(".")[0].lower())
    return found[1] if found else file.name


@dataclass
class _Gathered:
    """The rows of one split, as JSON text: a quarter of the memory that they take as mappings."""

    places: list[tuple[Any, ...]] = field(default_factory=list)
    order: list[tuple[str, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unreadable: list[pl.DataFrame] = field(default_factory=list)
    repaired: Counter[str] = field(default_factory=Counter)

    def take(self, file: RawFile) -> None:
        """Add a file's rows."""
        episode = 0
        for batch in records(file):
            self.repaired.update(batch.repaired)
            for place, row in (*zip(batch.origins.rows(), mappings(batch), strict=True), *self._lists(batch)):
                self._add(place, row, f"{file.name}#{episode:012}")
                episode += ends(row) is not False

    def _lists(self, batch: RawBatch) -> Iterator[tuple[tuple[Any, ...], Row]]:
        """Dialogues that are lists of turns: no JSON objects, so they were laid aside as unreadable."""
        if batch.unreadable is None:
            return
        decoder = Decoder()
        decoded = [
            decoder.at(raw, 0).value if reason == "not-an-object" else None
            for reason, raw in batch.unreadable.select("reason", "raw").iter_rows()
        ]
        are_lists = pl.Series([isinstance(value, list) for value in decoded], dtype=pl.Boolean)
        self.unreadable.append(batch.unreadable.filter(~are_lists))
        for place, value in zip(batch.unreadable.select(ORIGIN_SCHEMA.names()).iter_rows(), decoded, strict=True):
            if isinstance(value, list):
                yield place, {LIST: value}

    def _add(self, place: tuple[Any, ...], row: Row, episode: str) -> None:
        dialogue = id_of(row) if "dialogue_id" in row else episode
        response = whole(row.get("response_id"))
        self.places.append(place)
        self.order.append((dialogue or "", place[1] if response is None else response))
        self.texts.append(json.dumps(row, ensure_ascii=False, default=str))

    def batches(self) -> Iterator[RawBatch]:
        """All rows in the order of their dialogues, then of their responses."""
        unreadable, repaired = pl.concat(self.unreadable) if self.unreadable else None, dict(self.repaired)
        ordered = sorted(range(len(self.places)), key=lambda at: (self.order[at], self.places[at]))
        for chunk in _chunks(ordered, [dialogue for dialogue, _ in self.order]):
            places = pl.DataFrame([self.places[at] for at in chunk], schema=ORIGIN_SCHEMA, orient="row")
            yield RawBatch(places, [json.loads(self.texts[at]) for at in chunk], unreadable, repaired)
            unreadable, repaired = None, {}
        if unreadable is not None:
            yield RawBatch(pl.DataFrame(schema=ORIGIN_SCHEMA), [], unreadable, repaired)


def _chunks(ordered: Iterable[int], keys: Sequence[str]) -> Iterator[list[int]]:
    """Positions of rows in chunks of at least `BATCH_ROWS`, cut between dialogues only."""
    chunk: list[int] = []
    for _, rows in groupby(ordered, key=lambda at: keys[at]):
        chunk.extend(rows)
        if len(chunk) >= BATCH_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def dialogues(places: Sequence[tuple[Any, ...]], rows: Sequence[Row]) -> list[list[int]]:
    """Positions of the rows of each dialogue, in a batch of whole dialogues with their origins as (file, row)."""
    found: list[list[int]] = []
    for part, row in enumerate(rows):
        before = rows[part - 1] if part else {}
        if "dialogue_id" in row:
            joined = "dialogue_id" in before and id_of(before) == id_of(row)
        else:
            joined = "dialogue_id" not in before and ends(before) is False and places[part - 1][0] == places[part][0]
        if joined:
            found[-1].append(part)
        else:
            found.append([part])
    return found


def id_of(row: Row) -> str | None:
    """`dialogue_id` as text, null for none or a blank one."""
    number = whole(row.get("dialogue_id"))
    return str(number) if number is not None else str(row.get("dialogue_id") or "").strip() or None


def whole(value: Any) -> int | None:
    """A whole number, however the export spells it (7, 7.0, "7")."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
        return int(value) if number.is_integer() else None
    except ValueError:
        return None


def ends(row: Row) -> bool | None:
    """Whether the row is marked as its dialogue's last; null where it does not say."""
    value = row.get("episode_done")
    return value if isinstance(value, bool) else None if value is None else str(value).lower() in ("true", "1")
