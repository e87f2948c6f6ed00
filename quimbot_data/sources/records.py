"""JSON records in bounded memory: one array or one record a line, plain or gzip, whatever the file's name says.

Lines are split at the byte `\\n` alone, since U+2028 and its like occur inside strings; a blank line is no raw row.
Of repeated keys in an object the last wins. What is mended is counted in raw rows, by name:

    lone-surrogate   an escaped half of a surrogate pair became U+FFFD
    not-utf-8        undecodable bytes became U+FFFD
    control-byte     a raw control byte inside a string was kept, though JSON wants it escaped
    not-finite       NaN, Infinity or a number beyond a double became null

What is no record is kept aside by name: `not-json` (a broken line) and `not-an-object`. Where the end of a record
cannot be told (a cut or broken array, cut gzip), reading stops with an error: nothing is lost in silence.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from quimbot_data.sources.files import BATCH_ROWS, RawFile, open_raw, origins, sniff
from quimbot_data.sources.json_items import Item, array_items, line_items
from quimbot_data.sources.parquet import parquet_batches, parquet_columns
from quimbot_data.sources.source import ORIGIN_SCHEMA, RawBatch
from schemas.errors import InputError

UNREADABLE_SCHEMA: Final = pl.Schema(
    {**ORIGIN_SCHEMA, "reason": pl.String(), "detail": pl.String(), "raw": pl.String()}
)

#: Characters of JSON a batch, whichever of this and the row limit comes first.
BATCH_CHARS: Final = 32 * 2**20

_BROKEN_GZIP: Final = (EOFError, gzip.BadGzipFile, zlib.error)


def records(file: RawFile, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
    """Read JSON or Parquet as mappings, for corpora whose rows are worked on one by one.

    Raises:
        InputError: see `json_batches` and `parquet.parquet_batches`.
    """
    if sniff(file) != "parquet":
        yield from json_batches(file, rows)
        return
    for places, frame in parquet_batches(file, rows=rows):
        yield RawBatch(places, frame.to_dicts())


def record_keys(file: RawFile, rows: int = 1000) -> frozenset[str]:
    """Parquet columns, or the keys of the first `rows` rows, since rows may be sparse; none where none is an object.

    Raises:
        InputError: see `json_batches`; or Parquet that is cut short.
    """
    if sniff(file) == "parquet":
        return parquet_columns(file)
    first = next(json_batches(file, rows), None)
    return frozenset(key for row in first.rows for key in row) if first else frozenset()


def mappings(batch: RawBatch) -> Sequence[Mapping[str, Any]]:
    """The batch's rows one by one, whichever way they were read."""
    return batch.rows.to_dicts() if isinstance(batch.rows, pl.DataFrame) else batch.rows


def json_batches(file: RawFile, rows: int = BATCH_ROWS) -> Iterator[RawBatch]:
    """Read a JSON array or JSON Lines, in batches of at most `rows` rows or about `BATCH_CHARS` characters.

    `raw_row` counts array elements, or lines that are not blank, from 0.

    Raises:
        InputError: neither JSON array nor JSON Lines; cut or broken within an array or gzip: names row and character.
    """
    with open_raw(file) as stream:
        items = array_items if sniff(file) == "json-array" else line_items
        batch, seen = _Batch(), 0
        try:
            for seen, item in enumerate(items(file, stream), start=1):
                batch.add(seen - 1, item)
                if len(batch.rows) + len(batch.unreadable) >= rows or batch.chars >= BATCH_CHARS:
                    yield batch.closed(file)
                    batch = _Batch()
        except _BROKEN_GZIP as error:
            problem = f"{file.path} is broken gzip: reading stopped in row {seen} ({error})."
            raise InputError(problem, next_step="Download it again.") from error
        if batch.rows or batch.unreadable:
            yield batch.closed(file)


@dataclass
class _Batch:
    """What has been read since the last batch was handed on."""

    places: list[int] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[tuple[int, str, str, str]] = field(default_factory=list)
    repaired: Counter[str] = field(default_factory=Counter)
    chars: int = 0

    def add(self, place: int, item: Item) -> None:
        self.chars += len(item.text)
        self.repaired.update(item.mended)
        if item.fault:
            self.unreadable.append((place, *item.fault, item.text))
        else:
            self.places.append(place)
            self.rows.append(item.value)

    def closed(self, file: RawFile) -> RawBatch:
        refused = [(file.name, *line) for line in self.unreadable]
        unreadable = pl.DataFrame(refused, UNREADABLE_SCHEMA, orient="row") if refused else None
        return RawBatch(origins(file.name, self.places), self.rows, unreadable, dict(self.repaired))
