"""datatrove: its local executor with two tasks and two workers; reader, filter with an exclusion writer, writer.

To its favour: moderation labels are not read at all, rejects are written without them, and `ParquetWriter` compresses
with zstd at pyarrow's level 1 (it has no setting), the others at level 3.
"""

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

COLUMNS = ["conversation_id", "model", "conversation", "turn", "language", "redacted"]
MESSAGES = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))
CARRIED = {"conversation_id": pa.string(), "model": pa.string(), "turn": pa.int64(), "language": pa.string()}
CARRIED |= {"redacted": pa.bool_()}
MADE = {"messages": MESSAGES, "content_hash": pa.string(), "n_turns": pa.int32(), "n_chars": pa.int64()}
REFUSED = {"conversation": MESSAGES, "filter_reason": pa.string()}


class ColumnsReader(ParquetReader):
    """`ParquetReader` reads two columns or all; this one reads those named."""

    def read_file(self, filepath: str):  # noqa: ANN201
        with self.data_folder.open(filepath, "rb") as stream, pq.ParquetFile(stream) as parquet:
            for batch in parquet.iter_batches(batch_size=self.batch_size, columns=COLUMNS):
                for row in batch.to_pylist():
                    # `text` must not be empty, or the reader leaves the row out.
                    yield Document(text=row["conversation_id"], id=row["conversation_id"], metadata=row)


class Finish(BaseFilter):
    """Clean and check; refused conversations go to the exclusion writer with their reason."""

    name = "clean and check"

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        finished = finish(doc.metadata["conversation"])
        if finished.reason:
            return False, finished.reason
        made = {name: getattr(finished, name) for name in MADE}
        doc.metadata.update(made)
        return True


def writer(folder: Path, columns: dict[str, pa.DataType]) -> ParquetWriter:
    def row(_: ParquetWriter, document: Document) -> dict[str, object]:
        return {name: document.metadata[name] for name in columns}

    # Neither chunks cut by content nor a page index: both cost time, and no contender writes them.
    return ParquetWriter(
        str(folder),
        compression="zstd",
        adapter=row,
        schema=pa.schema(columns),
        use_content_defined_chunking=False,
        write_page_index=False,
    )


def run(paths: list[Path], out: Path) -> None:
    listing = out / "paths.txt"
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    pipeline = [
        ColumnsReader(str(paths[0].parent), paths_file=str(listing)),
        Finish(exclusion_writer=writer(out / "rejected", CARRIED | REFUSED)),
        writer(out / "rows", CARRIED | MADE),
    ]
    LocalPipelineExecutor(pipeline, tasks=2, workers=2, logging_dir=str(out / "logs")).run()


def result(out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Rows and refusals in the layout that `outcome.py` compares."""
    key = pl.col("conversation_id").alias("key")
    rows = pl.scan_parquet(sorted((out / "rows").glob("*.parquet")))
    rejected = pl.scan_parquet(sorted((out / "rejected").glob("*.parquet")))
    return rows.select(key, "messages", "content_hash", "n_turns", "n_chars"), rejected.select(
        key, pl.col("filter_reason").alias("reason")
    )
