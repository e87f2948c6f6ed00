"""The rows that the curation benchmark reads: LMSYS-layout rows with known faults planted for each step to find.

Rows are those of `lmsys_layout.py`; in each chunk of 10,000 rows but the first, which lends its conversations out,

- 3 % hold the very conversation of a row of the first chunk, under their own id: exact duplicates;
- 3 % hold one with a word set into the middle of its longest message, and are at least `NEAR_CHARS` characters long:
  near-duplicates, with nine in ten of all runs of three words in common;
- 1 % end in an answer of symbols, 1 % in one of numbers: what the filters' shares are for.

A conversation is lent once in ten chunks or more. Other filters, and the refusals of ingest, have their share in the
rows as generated. Equal seeds give equal rows.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from lmsys_layout import ROWS_A_CHUNK, ROWS_A_FILE, chunk

COPIES, NEAR_COPIES, SYMBOLS, NUMBERS = 0.03, 0.03, 0.01, 0.01
#: Some 130 words at the least: one more in the middle of a word takes 3 of 128 runs of three words away and brings 5:
#: 125/133 = .94, and less where runs come twice.
NEAR_CHARS = 800
PLANTED = "interpolated"
#: Columns that follow a conversation from row to row.
LENT = ("conversation", "turn", "language", "openai_moderation")


def write(folder: Path, count: int, seed: int = 1, rows_a_file: int = ROWS_A_FILE) -> list[Path]:
    """Write `count` rows as Parquet files, a row group a chunk; reuses what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for start in range(0, count, rows_a_file):
        end = min(count, start + rows_a_file)
        paths.append(folder / f"planted-{start:07}-to-{end:07}-seed-{seed}.parquet")
        if not paths[-1].exists():
            unfinished = paths[-1].with_suffix(".unfinished")
            write_file(unfinished, seed, start, end, min(rows_a_file, ROWS_A_CHUNK))
            unfinished.replace(paths[-1])
    return paths


def write_file(path: Path, seed: int, start: int, end: int, rows_a_chunk: int) -> None:
    lender, writer = chunk(seed, 0, rows_a_chunk), None
    for at in range(start, end, rows_a_chunk):
        rows = planted(chunk(seed, at, min(rows_a_chunk, end - at)), lender, seed, at) if at else lender
        table = rows.head(end - at).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table)
    if writer:
        writer.close()


def planted(rows: pl.DataFrame, lender: pl.DataFrame, seed: int, start: int) -> pl.DataFrame:
    """A chunk with its faults, at positions drawn for it."""
    rng = np.random.default_rng([seed, start, 1])
    sizes = [round(share * rows.height) for share in (COPIES, NEAR_COPIES, SYMBOLS, NUMBERS)]
    copies, near, symbols, numbers = np.split(rng.permutation(rows.height)[: sum(sizes)], np.cumsum(sizes)[:-1])
    originals, long = lendable(lender, seed)
    turn = start // lender.height - 1
    lent_before = [turn * round(share * lender.height) for share in (COPIES, NEAR_COPIES)]
    found = np.concatenate([turned(originals, lent_before[0], len(copies)), turned(long, lent_before[1], len(near))])
    rows = lent(rows, np.concatenate([copies, near]), lender[found])
    conversations = rows["conversation"].to_list()
    for row in near:
        interpolate(conversations[row])
    for row in symbols:
        conversations[row][-1]["content"] = "=|" * length(conversations[row])
    for row in numbers:
        conversations[row][-1]["content"] = "7, 31; " * length(conversations[row])
    return rows.with_columns(pl.Series("conversation", conversations, rows.schema["conversation"]))


def lendable(lender: pl.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of originals for copies, and of other ones, long enough, for near copies: in an order of their own."""
    order = np.random.default_rng([seed, 2]).permutation(lender.height)
    content = pl.element().struct.field("content")
    chars = lender.select(pl.col("conversation").list.eval(content.str.len_chars()).list.sum()).to_series().to_numpy()
    half = lender.height // 2
    return order[:half], order[half:][chars[order[half:]] >= NEAR_CHARS]


def turned(positions: np.ndarray, start: int, size: int) -> np.ndarray:
    """`size` of them from `start` on, beginning again at the end."""
    return positions[np.arange(start, start + size) % len(positions)]


def lent(rows: pl.DataFrame, to: np.ndarray, originals: pl.DataFrame) -> pl.DataFrame:
    """These rows' conversations replaced by those of the originals, moderation with them."""
    both = pl.concat([rows.select(LENT), originals.select(LENT)])
    positions = np.arange(rows.height)
    positions[to] = rows.height + np.arange(len(to))
    return rows.with_columns(both[positions])


def length(conversation: list[dict[str, str]]) -> int:
    return sum(len(message["content"]) for message in conversation)


def interpolate(conversation: list[dict[str, str]]) -> None:
    longest = max(conversation, key=lambda message: len(message["content"]))
    text = longest["content"]
    longest["content"] = f"{text[: len(text) // 2]} {PLANTED} {text[len(text) // 2 :]}"
