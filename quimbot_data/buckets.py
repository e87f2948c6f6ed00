"""Hash buckets on disk: where rows of different shards meet, in bounded memory and in one order.

Each shard is spilled as one run, an uncompressed Arrow file with a record batch for each bucket, so that a bucket is
read by itself. (A mapped file counts towards the memory of the process, with several times what is read of it.) Buckets
follow a published hash and their number follows from the data, so neither the machine, the threads nor the order of the
shards can be seen in what comes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from quimbot_data.workspace import writing

#: Buckets of a spill: the first six bits of a sha256. Neighbours are joined to files of `TARGET_WEIGHT`.
FANOUT: Final = 64
#: Weight that one output file may hold: a worker sorts that much at a time.
TARGET_WEIGHT: Final = 64 * 2**20
#: What a row counts towards it: its characters and a flat sum for its other columns, or a flat sum for rows without
#: text. Bytes in memory would depend on how the rows were cut into runs.
TEXT_WEIGHT: Final = pl.col("n_chars") + 1024
NARROW_WEIGHT: Final = pl.lit(128, pl.Int64)


def bucket_of(digest: pl.Expr) -> pl.Expr:
    """Bucket of a hex digest, 0 to `FANOUT` - 1, as uint32."""
    return digest.str.slice(0, 2).str.to_integer(base=16, dtype=pl.UInt32) // (256 // FANOUT)


@dataclass
class Spill:
    """Runs in a scratch folder. Writing is thread-safe as long as each run has its own number."""

    folder: Path
    weight: pl.Expr = TEXT_WEIGHT
    runs: dict[int, Path] = field(default_factory=dict)
    weights: dict[int, dict[int, int]] = field(default_factory=dict)
    """Per run: bucket to weight."""
    counts: dict[int, dict[int, int]] = field(default_factory=dict)
    """Per run: bucket to rows."""
    schema: pl.Schema = field(default_factory=pl.Schema)
    """Of the rows; empty before any were spilled. A run is spared the columns that are null in all its rows."""

    def write(self, number: int, rows: pl.DataFrame, digest: pl.Expr) -> None:
        """Spill one shard as run `number`, bucketed by a hex digest column."""
        bucket = rows.select(bucket_of(digest).alias("bucket")).to_series()
        # As a column first: a constant summed within a group counts once a group, not once a row.
        weighed = rows.select(bucket, self.weight.alias("weight"))
        sizes = weighed.group_by("bucket").agg(pl.col("weight").sum(), pl.len().alias("rows"))
        held = [name for name in rows.columns if rows[name].null_count() < rows.height]
        ordered = rows.select(held)[bucket.arg_sort()].rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        path = self.folder / f"run-{number:06}.arrow"
        self.weights[number] = dict(sizes.select("bucket", "weight").iter_rows())
        self.counts[number] = dict(sizes.sort("bucket").select("bucket", "rows").iter_rows())
        with writing(self.folder):
            _write_run(path, ordered, self.counts[number].values())
        self.runs[number] = path
        self.schema = rows.schema

    def rows(self, buckets: range) -> int:
        """How many rows some buckets hold."""
        return sum(counts.get(bucket, 0) for counts in self.counts.values() for bucket in buckets)

    def groups(self, target: int = TARGET_WEIGHT) -> list[range]:
        """Neighbouring buckets joined until they weigh about `target`; follows from the rows alone."""
        totals = [sum(weights.get(bucket, 0) for weights in self.weights.values()) for bucket in range(FANOUT)]
        return joined(totals, target) if self.runs else []

    def read(self, buckets: range) -> pl.DataFrame:
        """All rows of some buckets, from every run."""
        tables = [_read_run(path, self._places(number, buckets)) for number, path in sorted(self.runs.items())]
        # One chunk a column: to sort and write many small chunks costs more than this copy.
        table = pa.concat_tables(tables, promote_options="default").combine_chunks()
        if not table.num_rows:
            return self.schema.to_frame()
        rows = cast(pl.DataFrame, pl.from_arrow(table))
        null = {name: pl.lit(None, dtype) for name, dtype in self.schema.items() if name not in rows.columns}
        return rows.with_columns(**null).select(list(self.schema))

    def _places(self, number: int, buckets: range) -> list[int]:
        """Which record batches of a run hold some buckets; an empty bucket has none."""
        return [place for place, bucket in enumerate(self.counts[number]) if bucket in buckets]


def joined(sizes: Sequence[int], target: int) -> list[range]:
    """Cut a sequence of sizes into at least one and as few as possible equal-width ranges below about `target` each.

    Widths are powers of two, so that a corpus that doubles keeps its cuts and halves them.
    """
    width = len(sizes)
    while width > 1 and max(sum(sizes[start : start + width]) for start in range(0, len(sizes), width)) > target:
        width //= 2
    return [range(start, start + width) for start in range(0, len(sizes), width)]


def _write_run(path: Path, rows: pa.Table, sizes: Iterable[int]) -> None:
    """Rows as record batches of these sizes."""
    start = 0
    (whole,) = rows.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], rows.schema)]
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, rows.schema) as writer:
        for size in sizes:
            writer.write_batch(whole.slice(start, size))
            start += size


def _read_run(path: Path, places: Sequence[int]) -> pa.Table:
    with pa.OSFile(str(path)) as stream:
        reader = pa.ipc.open_file(stream)
        return pa.Table.from_batches([reader.get_batch(place) for place in places], reader.schema)


#: Rows a row group: small enough for a reader to skip, large enough to compress well.
ROW_GROUP: Final = 16_384


def write_parquet(rows: pl.DataFrame, stream: IO[bytes], *, level: int = 3) -> None:
    """Write rows so that equal rows give equal bytes: one chunk, fixed row groups, zstd, an open file."""
    rows.rechunk().write_parquet(stream, compression="zstd", compression_level=level, row_group_size=ROW_GROUP)


def write_row_groups(stream: IO[bytes], parts: Iterable[pl.DataFrame], schema: pl.Schema) -> int:
    """Write frames as they come, a row group each; returns the rows written."""
    rows, arrow = 0, pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    with pq.ParquetWriter(stream, arrow, compression="zstd") as writer:
        for part in parts:
            if part.height:
                writer.write_table(part.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks())
                rows += part.height
    return rows


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a file through an open file object."""
    with path.open("rb") as stream:
        return pl.read_parquet(stream, columns=list(columns) if columns is not None else None)
