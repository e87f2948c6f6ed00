"""The floor: polars reads the raw rows and writes them unchanged, with its default compression.

It copies all columns, as all contenders read them; `lean` leaves out moderation scores, of which a corpus keeps few.
"""

from pathlib import Path

import polars as pl


def run(paths: list[Path], out: Path, *, lean: bool) -> None:
    rows = pl.scan_parquet(paths)
    if lean:
        label = pl.element().struct
        moderation = pl.struct(label.field("categories"), label.field("flagged"))
        rows = rows.with_columns(pl.col("openai_moderation").list.eval(moderation))
    rows.sink_parquet(out / "copy.parquet", compression="zstd", compression_level=3)
