"""Hugging Face datasets: `load_dataset`, then `map` over batches with two processes, then Parquet.

Columns that the work leaves alone are carried along as Arrow, unseen by Python. In its favour: `to_parquet` is given
two processes too, and compresses with snappy (it lets nobody choose), which costs less than the others' zstd.
"""

from pathlib import Path

import datasets
import numpy as np
import polars as pl
from conversations import finish
from datasets import Dataset, Features, List, Value
from multiprocess import Pool

LEAN = ["conversation_id", "model", "conversation", "turn", "language", "redacted"]
MADE = {
    "messages": List({"role": Value("string"), "content": Value("string")}),
    "content_hash": Value("string"),
    "n_turns": Value("int32"),
    "n_chars": Value("int64"),
    "reason": Value("string"),
}
PROCESSES = 2


def run(paths: list[Path], out: Path, *, lean: bool) -> None:
    datasets.disable_progress_bars()
    raw = datasets.load_dataset(
        "parquet",
        data_files=[str(path) for path in paths],
        split="train",
        columns=LEAN if lean else None,
        cache_dir=str(out / "cache"),
        num_proc=min(PROCESSES, len(paths)),
    )
    carried = {name: feature for name, feature in raw.features.items() if name != "conversation"}
    made = raw.map(
        finish_batch,
        batched=True,
        input_columns=["conversation"],
        remove_columns=["conversation"],
        features=Features(carried | MADE),
        num_proc=PROCESSES,
    )
    passed = np.array(made.data.column("reason").is_null())
    kept = made.select(np.flatnonzero(passed)).remove_columns("reason")
    with Pool(PROCESSES) as pool:
        parts = [kept.shard(PROCESSES, part, contiguous=True) for part in range(PROCESSES)]
        pool.starmap(write, [(part, out / f"rows-{number}.parquet") for number, part in enumerate(parts)])
    refused = np.flatnonzero(~passed)
    reasons = made.select(refused)["reason"][:]
    write(raw.select(refused).add_column("reason", reasons), out / "rejected.parquet")


def finish_batch(conversations: list) -> dict[str, list]:
    finished = [finish(conversation) for conversation in conversations]
    return {name: [getattr(row, name) for row in finished] for name in MADE}


def write(rows: Dataset, path: Path) -> None:
    # Neither chunks cut by content nor a page index: both cost time, and no contender writes them.
    rows.to_parquet(str(path), batch_size=16_384, use_content_defined_chunking=False, write_page_index=False)


def result(out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Rows and refusals in the layout that `outcome.py` compares."""
    key = pl.col("conversation_id").alias("key")
    rows = pl.scan_parquet(sorted(out.glob("rows-*.parquet")))
    rejected = pl.scan_parquet(out / "rejected.parquet")
    return rows.select(key, "messages", "content_hash", "n_turns", "n_chars"), rejected.select(key, "reason")
