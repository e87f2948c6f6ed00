"""Train, validation and test by a published hash over connected components, so that no duplicate straddles splits.

A member's own hash is the first 8 bytes of sha256(`quimbot-split-1|<content hash>`) as a share of 2⁶⁴. Its component
is test if any member's hash falls below the test share, else validation if any falls in the next range, else train.
The salt is fixed: no recipe's seed moves a row, and while sources only grow and shares stay, a held-out row never
becomes training data in a later version. Components have several chances to fall in a range, so held-out shares come
out a little above the asked ones; the surplus is printed.
"""

from typing import Final

import polars as pl

from schemas.frame import sha256
from schemas.recipe import Splits

SALT: Final = "quimbot-split-1"


def unit_interval(digest: pl.Expr) -> pl.Expr:
    """The first 8 bytes of a hex digest, big-endian, / 2⁶⁴: float64 in [0, 1)."""
    return digest.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64).cast(pl.Float64) / 2.0**64


def assign_splits(rows: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Give whole components their split.

    Args:
        rows: all rows of some components: group, content_hash, language.
        splits: shares, and languages held out whole.

    Returns:
        The rows with `split`.
    """
    own = unit_interval(sha256(pl.concat_str(pl.lit(f"{SALT}|"), "content_hash")))
    in_test = (own < splits.test) | pl.col("language").is_in(splits.languages)
    in_validation = own < splits.test + splits.validation
    return rows.with_columns(
        split=pl.when(in_test.any().over("group"))
        .then(pl.lit("test"))
        .when(in_validation.any().over("group"))
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
