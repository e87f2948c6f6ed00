"""A lower floor: polars copies only the columns that rows of a corpus hold on to, so not the moderation scores."""

from pathlib import Path

import polars as pl


def run(paths: list[Path], out: Path) -> None:
    label = pl.element().struct
    kept = pl.scan_parquet(paths).select(
        *("conversation_id", "conversation", "language"),
        pl.col("openai_moderation").list.eval(pl.struct(label.field("categories"), label.field("flagged"))),
    )
    kept.sink_parquet(out / "copy.parquet", compression="zstd", compression_level=3)
