"""Unique ids, equal on every run and file order: given where all rows of one key meet, in its bucket.

An id is `<source>:<key>`; the key is the corpus's own id, or the content hash where it has none. Where a corpus
repeats its id, all its rows add `#` and 12 hex digits of the content hash; where content repeats too, the second and
later copies add `~2`, `~3`, …, in the order of their canonical rows.
"""

from typing import Final

import polars as pl
from pydantic import BaseModel

from schemas.frame import row_digests

#: A corpus's own id that looks like one of ours gets the suffix as well, so it cannot meet one.
_LIKE_OURS: Final = r"#[0-9a-f]{12}(~[0-9]+)?$|^[0-9a-f]{64}(~[0-9]+)?$"


def give_ids(rows: pl.DataFrame, model: type[BaseModel], column: str) -> pl.DataFrame:
    """Give the rows of whole buckets their final ids and order.

    Args:
        rows: columns of `model` + `key`, `origins`, where every row of a key is present.
        model: what the rows are.
        column: the id column, `dialogue_id` or `text_id`.

    Returns:
        The rows sorted by id, without `key`.
    """
    base = pl.coalesce("key", "content_hash")
    repeated = pl.col("key").is_not_null() & ((pl.len().over(base) > 1) | pl.col("key").str.contains(_LIKE_OURS))
    suffix = pl.when(repeated).then(pl.concat_str(pl.lit("#"), pl.col("content_hash").str.slice(0, 12)))
    rows = rows.with_columns(pl.concat_str("source", pl.lit(":"), base, suffix.fill_null("")).alias(column))
    twins = pl.len().over(column) > 1
    if rows.select(twins.any()).item():
        rows = _number_twins(rows, model, column, twins)
    return rows.drop("key").sort(column)


def _number_twins(rows: pl.DataFrame, model: type[BaseModel], column: str, twins: pl.Expr) -> pl.DataFrame:
    alone, copies = rows.filter(~twins), rows.filter(twins)
    # Rows that are equal in every column are interchangeable: their places only decide which raw row keeps which id.
    places = pl.col("origins").list.first()
    copies = copies.sort(column, row_digests(model), places.struct.field("raw_file"), places.struct.field("raw_row"))
    number = pl.int_range(1, pl.len() + 1).over(column)
    numbered = pl.when(number > 1).then(pl.concat_str(column, pl.lit("~"), number.cast(pl.String)))
    return pl.concat([alone, copies.with_columns(numbered.fill_null(pl.col(column)).alias(column))])
