"""The near-duplicate removers that are compared. Each reads files of id and text and writes the rows that it keeps.

`python benchmarks/near_contenders.py NAME OUT FILE...` prints the seconds that the work took as JSON, imports left out.

- ours: sign, meet, verify by true Jaccard, cluster; then read again and write what is kept, as datatrove does.
- `near_datatrove.py`: its four stages.
- rensa's deduplicator, as its README has it, on the same shingles: `quimbot_data.words`, in runs of three, joined by
  blanks. All rows are held in memory, and similarities estimated.
- rensa's flags: its fastest way in, on our own hashed shingles: one matrix, one index, a flag a row. All is held in
  memory, and a row that shares one band with an earlier row is dropped, unless their signatures are too far apart.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import quimbot_data  # noqa: F401 - before polars: it tells the allocators what the command tells them

# isort: split
import numpy as np
import polars as pl
import rensa
from near_rows import NGRAM, THRESHOLD

from quimbot_data.ingest import in_order
from quimbot_data.near_duplicates import NearDuplicates, Rule, components
from quimbot_data.near_duplicates.shingles import joined, shingle_sets
from quimbot_data.words import words

OURS = "quimbot near-duplicates"
TROVE, CUT_TROVE = "datatrove, as it ships", "datatrove, words by our regex"
LEAN_TROVE = "datatrove, words by our regex, lower case only"
DEDUPLICATOR, FLAGS = "rensa deduplicator, string shingles", "rensa flags, our hashed shingles"
PERMUTATIONS, BANDS, SEED = 128, 16, 42
#: Rows a shard of ours.
SHARD = 2_500


def ours(paths: list[Path], out: Path) -> None:
    near = NearDuplicates(out / "scratch", Rule(THRESHOLD, NGRAM, PERMUTATIONS, BANDS, SEED))
    shards = [(path, start) for path in paths for start in range(0, height(path), SHARD)]

    def look(numbered: tuple[int, tuple[Path, int]]) -> None:
        number, (path, start) = numbered
        rows = pl.scan_parquet(path).slice(start, SHARD).collect()
        near.look(number, rows["id"], rows["text"])

    for _ in in_order(look, enumerate(shards), 2):
        pass
    found = components(near.pairs(2))
    removed = found.filter(pl.col("dialogue_id") != pl.col("component"))["dialogue_id"].implode()

    def keep(path: Path) -> None:
        write(pl.read_parquet(path).filter(~pl.col("id").is_in(removed)), out, path)

    (out / "rows").mkdir()
    for _ in in_order(keep, paths, 2):
        pass


def height(path: Path) -> int:
    return pl.scan_parquet(path).select(pl.len()).collect().item()


def deduplicator(paths: list[Path], out: Path) -> None:
    keeper = rensa.RMinHashDeduplicator(THRESHOLD, PERMUTATIONS, True, BANDS, SEED)
    for path in paths:
        rows = pl.read_parquet(path)
        kept = keeper.add_pairs(
            (key, [" ".join(found[at : at + NGRAM]) for at in range(max(1, len(found) - NGRAM + 1))])
            for key, found in zip(rows["id"], words(rows["text"]).to_list(), strict=True)
        )
        write(rows.filter(pl.Series(kept)), out, path)


def flags(paths: list[Path], out: Path) -> None:
    frames = [pl.read_parquet(path) for path in paths]
    sets = joined([part for frame in frames for part in shingle_sets(frame["text"], NGRAM)])
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        sets.hashes.astype(np.uint64), sets.offsets, PERMUTATIONS, SEED
    )
    index = rensa.RMinHashLSH(THRESHOLD, PERMUTATIONS, BANDS)
    flagged = pl.Series(index.insert_matrix_and_query_duplicate_flags(matrix))
    start = 0
    for path, frame in zip(paths, frames, strict=True):
        write(frame.filter(~flagged[start : start + frame.height]), out, path)
        start += frame.height


def write(rows: pl.DataFrame, out: Path, path: Path) -> None:
    (out / "rows").mkdir(exist_ok=True)
    rows.write_parquet(out / "rows" / path.name, compression="zstd", compression_level=1)


def datatrove(paths: list[Path], out: Path, *, normalized: bool, own_words: bool) -> None:
    importlib.import_module("near_datatrove").run(paths, out, normalized=normalized, own_words=own_words)


CONTENDERS: dict[str, Callable[[list[Path], Path], None]] = {
    OURS: ours,
    TROVE: partial(datatrove, normalized=True, own_words=True),
    CUT_TROVE: partial(datatrove, normalized=True, own_words=False),
    LEAN_TROVE: partial(datatrove, normalized=False, own_words=False),
    DEDUPLICATOR: deduplicator,
    FLAGS: flags,
}


def main() -> None:
    _, name, out, *files = sys.argv
    if name in (TROVE, CUT_TROVE, LEAN_TROVE):
        importlib.import_module("near_datatrove")  # imports are left out
    Path(out).mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    CONTENDERS[name]([Path(file) for file in files], Path(out))
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - started}) + "\n")


if __name__ == "__main__":
    main()
