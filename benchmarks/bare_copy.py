"""The floor: polars reads all raw columns, as `ingest` must (it keeps refused rows whole), and writes them unchanged."""

from pathlib import Path

import polars as pl


def run(paths: list[Path], out: Path) -> None:
    pl.scan_parquet(paths).sink_parquet(out / "copy.parquet", compression="zstd", compression_level=3)
