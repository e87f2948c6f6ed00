"""Parquet in batches of bounded memory, each column by the library that reads it best.

Text comes through polars, which hands out what it unpacked and checks that it is UTF-8; Arrow copies it once more,
takes half as long again, and checks nothing. Everything else comes through Arrow, which reads nested numbers, such as
the eleven scores of each message of LMSYS-Chat-1M, in a quarter of the time.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from quimbot_data.sources.files import BATCH_ROWS, RawFile, origins, sniff
from schemas.errors import InputError
from schemas.frame import holds


def parquet_columns(file: RawFile) -> frozenset[str]:
    """Top-level column names.

    Raises:
        InputError: not Parquet, or cut short.
    """
    with _open_parquet(file) as parquet:
        return frozenset(parquet.schema_arrow.names)


def parquet_note(file: RawFile, key: str) -> str | None:
    """What stands under a key of the file's own metadata; None where there is none.

    Raises:
        InputError: not Parquet, or cut short.
    """
    with _open_parquet(file) as parquet:
        found = (parquet.metadata.metadata or {}).get(key.encode())
    return None if found is None else found.decode("utf-8", "replace")


def parquet_batches(
    file: RawFile, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Read a Parquet file batch by batch, only the columns asked for (those that exist).

    Yields:
        origins in `ORIGIN_SCHEMA` and the raw rows, of equal height.

    Raises:
        InputError: not Parquet, cut short, or damaged; names the file and the row where reading stopped.
    """
    start = 0
    with _open_parquet(file) as parquet:
        present, held = parquet.schema_arrow.names, parquet.metadata.num_rows
        wanted = present if columns is None else [name for name in columns if name in present]
        try:
            for frame in _frames(file.path, parquet, wanted, rows):
                yield origins(file.name, range(start, start + frame.height)), frame
                start += frame.height
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            place = f"reading stopped after row {start} of {held} ({_first_line(error)})."
            if "utf-8" in str(error).lower().replace("utf8", "utf-8"):
                raise InputError(
                    f"{file.path} is damaged, or holds text that is not UTF-8: {place}",
                    next_step="Download it again; if that does not help, mend the text where it was written.",
                ) from error
            raise InputError(f"{file.path} is damaged Parquet: {place}", next_step="Download it again.") from error


def _frames(path: Path, parquet: pq.ParquetFile, columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
    """Whole row groups of at most so many rows together, or even parts of one that has more."""
    schema = _frame(parquet.schema_arrow.empty_table().select(columns)).schema
    texts = [name for name, dtype in schema.items() if holds(dtype, pl.String)]
    others = [name for name in columns if name not in texts]
    start = 0
    for groups, height in _joined_groups(parquet.metadata, rows):
        if height > rows or not texts:  # polars would unpack the whole group anew for each part of it
            yield from _parts(parquet, groups, columns, -(-height // -(-height // rows)))
        else:
            frame = pl.scan_parquet(path, glob=False).select(texts).slice(start, height).collect()
            read = _frame(parquet.read_row_groups(groups, columns=others)) if others else pl.DataFrame()
            yield frame.hstack(read).select(columns)
        start += height


def _joined_groups(metadata: pq.FileMetaData, rows: int) -> Iterator[tuple[list[int], int]]:
    """Neighbouring row groups and how many rows they hold: at most `rows`, or one group."""
    joined: list[int] = []
    held = 0
    for group in range(metadata.num_row_groups):
        height = metadata.row_group(group).num_rows
        if held and held + height > rows:
            yield joined, held
            joined, held = [], 0
        joined.append(group)
        held += height
    if held:
        yield joined, held


def _parts(parquet: pq.ParquetFile, groups: list[int], columns: list[str], rows: int) -> Iterator[pl.DataFrame]:
    for batch in parquet.iter_batches(batch_size=rows, row_groups=groups, columns=columns):
        batch.validate(full=True)  # as polars does: text must be UTF-8
        yield _frame(pa.Table.from_batches([batch]))


def _frame(table: pa.Table) -> pl.DataFrame:
    return cast(pl.DataFrame, pl.from_arrow(table))


def _open_parquet(file: RawFile) -> pq.ParquetFile:
    if sniff(file) != "parquet":
        raise InputError(f"{file.path} is no Parquet file.", next_step="Name the files as they were published.")
    try:
        return pq.ParquetFile(file.path, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        size = file.path.stat().st_size
        problem = f"{file.path} ({size:,} bytes) is not whole Parquet: {_first_line(error).rstrip('.')}."
        raise InputError(problem, next_step="It may have been cut while downloading; fetch it again.") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
