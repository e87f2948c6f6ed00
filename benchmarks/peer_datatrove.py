"""datatrove: its local executor with two tasks and two workers; reader, filter with an exclusion writer, writer.

`ParquetWriter` compresses with zstd at pyarrow's level 1, as `ingest` does. In its favour, the lean one has a reader of
its own, since `ParquetReader` reads two columns or all.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from conversations import finish
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter

LEAN = ["conversation_id", "model", "conversation", "turn", "language", "redacted"]
MADE = {
    "messages": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
    "content_hash": pa.string(),
    "n_turns": pa.int32(),
    "n_chars": pa.int64(),
}


class LeanReader(ParquetReader):
    def read_file(self, filepath: str):
        with self.data_folder.open(filepath, "rb") as stream, pq.ParquetFile(stream) as parquet:
            for batch in parquet.iter_batches(batch_size=self.batch_size, columns=LEAN):
                for number, row in enumerate(batch.to_pylist()):
                    yield Document(**document(self, row, filepath, number))


class Finish(BaseFilter):
    """Clean and check; refused conversations go to the exclusion writer with their reason."""

    name = "clean and check"

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        finished = finish(doc.metadata["conversation"])
        if finished.reason:
            return False, finished.reason
        doc.metadata.update({name: getattr(finished, name) for name in MADE})
        return True


def document(_: ParquetReader, row: dict[str, object], path: str, number: int) -> dict[str, object]:
    """A row becomes metadata; `text` must not be empty, or the reader leaves the row out."""
    return {"text": row["conversation_id"], "id": row["conversation_id"], "metadata": row}


def columns_of(names: list[str]) -> Callable[[ParquetWriter, Document], dict[str, object]]:
    return lambda _, document: {name: document.metadata[name] for name in names}


def writer(folder: Path, schema: pa.Schema) -> ParquetWriter:
    # Neither chunks cut by content nor a page index: both cost time, and no contender writes them.
    return ParquetWriter(
        str(folder),
        compression="zstd",
        adapter=columns_of(schema.names),
        schema=schema,
        use_content_defined_chunking=False,
        write_page_index=False,
    )


def run(paths: list[Path], out: Path, *, lean: bool) -> None:
    listing = out / "paths.txt"
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    raw = [field for field in pq.read_schema(paths[0]) if not lean or field.name in LEAN]
    kept = [field for field in raw if field.name != "conversation"] + [pa.field(*column) for column in MADE.items()]
    reader = LeanReader if lean else ParquetReader
    pipeline = [
        reader(str(paths[0].parent), paths_file=str(listing), adapter=document),
        Finish(exclusion_writer=writer(out / "rejected", pa.schema([*raw, pa.field("filter_reason", pa.string())]))),
        writer(out / "rows", pa.schema(kept)),
    ]
    LocalPipelineExecutor(pipeline, tasks=2, workers=2, logging_dir=str(out / "logs")).run()


def result(out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Rows and refusals in the layout that `outcome.py` compares."""
    key, reason = pl.col("conversation_id").alias("key"), pl.col("filter_reason").alias("reason")
    rows = pl.scan_parquet(sorted((out / "rows").glob("*.parquet")))
    rejected = pl.scan_parquet(sorted((out / "rejected").glob("*.parquet")))
    return rows.select(key, "messages", "content_hash", "n_turns", "n_chars"), rejected.select(key, reason)
