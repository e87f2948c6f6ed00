"""`quimbot ingest` without annotation (languages, tokens, personal data, quality)."""

from pathlib import Path

import quimbot_data  # noqa: F401 - before polars: it tells the allocators what the command tells them

# isort: split
import polars as pl

from quimbot_data.ingest import ingest
from quimbot_data.sources.lmsys import CORPUS
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace


def run(paths: list[Path], out: Path, *, lean: bool = False) -> None:
    ingest(Workspace(out), CORPUS, paths, Options(), threads=2, annotate=False)


def result(out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Rows and refusals in the layout that `outcome.py` compares."""
    folder = Workspace(out).corpus("lmsys")
    files = sorted(folder.glob("*.parquet"))
    rows = pl.scan_parquet([path for path in files if not path.name.startswith(("rejected-", "origins-"))])
    rejected = pl.scan_parquet([path for path in files if path.name.startswith("rejected-")])
    key = pl.col("dialogue_id").str.strip_prefix("lmsys:").alias("key")
    raw_key = pl.col("raw").str.json_path_match("$.conversation_id").alias("key")
    return rows.select(key, "messages", "content_hash", "n_turns", "n_chars"), rejected.select(raw_key, "reason")
