"""The rows that differ between two versions: removed, added, changed or moved, each with its reason."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from quimbot_data.diff.reasons import Pair, reasons_of_absence, reasons_of_change
from quimbot_data.diff.sides import Side, column_digests
from schemas.errors import IntegrityError

#: One row a dialogue that differs. `file_a` and `file_b` say where it lies, null where that version does not hold it.
DIFFERING: Final = pl.Schema(
    {
        **dict.fromkeys(("change", "dialogue_id", "source", "reason", "detail", "because"), pl.String()),
        **dict.fromkeys(("split_a", "split_b"), pl.String()),
        **dict.fromkeys(("file_a", "file_b"), pl.UInt32()),
    }
)


def differing(a: pl.DataFrame, b: pl.DataFrame, pair: Pair, columns: Sequence[str]) -> pl.DataFrame:
    """Find what differs, in `DIFFERING`.

    Args:
        a: the rows of version A, in `sides.ROWS`.
        b: those of version B.
        pair: the versions.
        columns: what the digests of both were taken over.

    Raises:
        IntegrityError: a row differs and nothing that the versions record explains it.
    """
    found = pl.concat(
        [
            _absent("removed", "a", a.join(b, on="dialogue_id", how="anti"), pair.a, pair.b, pair),
            _absent("added", "b", b.join(a, on="dialogue_id", how="anti"), pair.b, pair.a, pair),
            _changed(a.join(b, on="dialogue_id", how="inner", suffix="_b"), pair, columns),
        ]
    )
    unexplained = found.filter(pl.col("reason").is_null()).sort("dialogue_id")
    if unexplained.height:
        change, dialogue_id = unexplained.row(0)[:2]
        raise IntegrityError(
            f"Nothing that {pair.a} and {pair.b} record of themselves explains why {dialogue_id} was {change}, "
            f"nor {unexplained.height - 1:,} others.",
            next_step=f"Run `quimbot verify` for {pair.a} and {pair.b}: one of them is not what it was built as.",
        )
    return found


def _absent(change: str, side: str, rows: pl.DataFrame, own: Side, other: Side, pair: Pair) -> pl.DataFrame:
    """Rows that one side alone holds; `side` is its letter."""
    explained = reasons_of_absence(rows, own, other, pair)
    return _differing(
        explained.with_columns(pl.lit(change).alias("change"), pl.lit(None, pl.String).alias(f"split_{_other(side)}"))
        .with_columns(pl.lit(None, pl.UInt32).alias(f"file_{_other(side)}"))
        .rename({"split": f"split_{side}", "file": f"file_{side}"})
    )


def _other(side: str) -> str:
    return "b" if side == "a" else "a"


def _changed(both: pl.DataFrame, pair: Pair, columns: Sequence[str]) -> pl.DataFrame:
    """Rows that both sides hold, and not alike."""
    rewritten = both.filter(pl.col("digest") != pl.col("digest_b"))
    splits = pl.col("split") != pl.col("split_b")
    rows = both.filter((pl.col("digest") != pl.col("digest_b")) | splits)
    rows = rows.join(_columns(rewritten, pair, columns), on="dialogue_id", how="left")
    other = pl.col("columns").fill_null([])
    rows = rows.with_columns(
        columns=pl.when(splits).then(pl.concat_list(other, pl.lit("split"))).otherwise(other),
        change=pl.when(other.list.len() > 0).then(pl.lit("changed")).otherwise(pl.lit("moved")),
        because=pl.lit(None, pl.String),
    )
    named = rows.rename({"split": "split_a", "file": "file_a"})
    return _differing(reasons_of_change(named, pair))


def _columns(rewritten: pl.DataFrame, pair: Pair, columns: Sequence[str]) -> pl.DataFrame:
    """dialogue_id, columns: the names of those that differ; `content_hash` stands for the messages."""
    left = column_digests(pair.a, rewritten.select("dialogue_id", "file"), columns)
    right = column_digests(pair.b, rewritten.select("dialogue_id", file="file_b"), columns)
    met = left.join(right, on="dialogue_id", how="inner", suffix="_b")
    names = [name for name in columns if name != "dialogue_id"]
    told = {"content_hash": "messages"}
    differs = [
        pl.when(pl.col(name) != pl.col(f"{name}_b")).then(pl.lit(told.get(name, name))).alias(name) for name in names
    ]
    return met.select("dialogue_id", columns=pl.concat_list(differs).list.drop_nulls())


def _differing(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select([pl.col(name).cast(dtype) for name, dtype in DIFFERING.items()])
