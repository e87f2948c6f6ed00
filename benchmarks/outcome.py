"""What a contender wrote, brought down to two digests: equal digests are equal rows and equal refusals.

Content hashes are computed again from the messages that were written, so a digest stands for roles and contents too.
"""

import hashlib
import json
import sys
from pathlib import Path

import polars as pl
from contenders import module

from schemas.frame import content_hashes

MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))


def outcome(name: str, out: Path) -> dict[str, int | str]:
    """Numbers and digests of rows and refusals; of a copy, only the number of rows."""
    contender = module(name)
    if not hasattr(contender, "result"):
        return {"rows": pl.scan_parquet(out / "copy.parquet").select(pl.len()).collect().item()}
    rows, refused = contender.result(out)
    found = content_hashes(pl.col("messages").cast(MESSAGES)).alias("found")
    written = rows.select("key", "content_hash", found, pl.col("n_turns", "n_chars").cast(pl.String)).collect()
    rejected = refused.select("key", "reason").collect()
    return {
        "rows": written.height,
        "digest": digest(written),
        "rejected": rejected.height,
        "rejected_digest": digest(rejected),
    }


def digest(frame: pl.DataFrame) -> str:
    """sha256 over the rows, whatever their order; all columns are text."""
    lines = frame.select(pl.concat_str(pl.all(), separator="\t")).to_series().sort()
    return hashlib.sha256("\n".join(lines.to_list()).encode()).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(outcome(sys.argv[1], Path(sys.argv[2]))) + "\n")
