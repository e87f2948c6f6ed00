"""Train, validation and test by a published hash over connected components, so that no duplicate straddles splits.

A member's own hash is the first 8 bytes of sha256(`quimbot-split-1|<source>:<lineage>`) as a share of 2⁶⁴, or, where
it has no lineage, of sha256(`quimbot-split-1|<content hash>`). Its component is test if any member's hash falls below
the test share, else validation if any falls in the next range, else train. The salt is fixed: no recipe's seed moves a
row, and while sources only grow and shares stay, a held-out row never becomes training data in a later version.

All dialogues of one conversation tree or prompt seed share one chance, so a hundred dialogues of a seed are no likelier
to be held out than two. Components that duplicates join of several lineages or contents have as many chances to fall in
a range, so held-out shares come out a little above the asked ones; the surplus is printed.
"""

from typing import Final

import polars as pl

from schemas.frame import sha256
from schemas.recipe import Splits

SALT: Final = "quimbot-split-1"
#: Standard deviations that chance may move a share by; one share in 370 is moved further.
_CHANCE: Final = 3


def unit_interval(digest: pl.Expr) -> pl.Expr:
    """The first 8 bytes of a hex digest, big-endian, / 2⁶⁴: float64 in [0, 1)."""
    return digest.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64).cast(pl.Float64) / 2.0**64


def assign_splits(rows: pl.DataFrame, splits: Splits) -> pl.DataFrame:
    """Give whole components their split.

    Args:
        rows: all rows of some components: group, lineage (`<source>:<lineage>`, or null), content_hash, language.
        splits: shares, and languages held out whole.

    Returns:
        The rows with `split`.
    """
    own = unit_interval(sha256(pl.concat_str(pl.lit(f"{SALT}|"), pl.coalesce("lineage", "content_hash"))))
    in_test = (own < splits.test) | pl.col("language").is_in(splits.languages)
    in_validation = own < splits.test + splits.validation
    return rows.with_columns(
        split=pl.when(in_test.any().over("group"))
        .then(pl.lit("test"))
        .when(in_validation.any().over("group"))
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )


def strays(asked: float, got: int, of: int) -> bool:
    """Whether a held-out share is not what was asked: off by more than half of it, and by more than chance explains.

    Chance is that of `of` dialogues drawn each by itself, three standard deviations wide; what goes beyond comes of few
    or uneven trees and seeds.

    >>> strays(0.05, 102, 1000), strays(0.05, 70, 1000), strays(0.1, 13, 100)
    (True, False, False)
    """
    off = abs(got / of - asked) if of else 0.0
    return off > asked / 2 and off > _CHANCE * (asked * (1 - asked) / max(of, 1)) ** 0.5
