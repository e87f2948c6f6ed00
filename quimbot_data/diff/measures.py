"""What is compared between two versions: measures with named values, and lengths; counted file by file."""

from typing import Final

import polars as pl

_LEARNER: Final = pl.col("pedagogy").struct.field("learner").struct
_TURNS: Final = pl.col("pedagogy").struct.field("turns").list
_SAFETY: Final = pl.col("safety").struct

#: Measure to the column that it is read from and its value, null where a dialogue does not state it; of a list, each
#: value counts once a dialogue.
SHARES: Final[dict[str, tuple[str, pl.Expr]]] = {
    "source": ("source", pl.col("source")),
    "family": ("family", pl.col("family")),
    "language": ("language", pl.col("language")),
    "split": ("split", pl.col("split")),
    "licence": ("license", pl.col("license")),
    "terms": ("terms", pl.col("terms")),
    "CEFR": ("pedagogy", _LEARNER.field("cefr")),
    "background": ("pedagogy", _LEARNER.field("background")),
    "first language": ("pedagogy", _LEARNER.field("l1")),
    "target language": ("pedagogy", _LEARNER.field("target_language")),
    "tutor moves": ("pedagogy", _TURNS.eval(pl.element().struct.field("moves"))),
    "learner signals": ("pedagogy", _TURNS.eval(pl.element().struct.field("signals"))),
    "flagged": ("safety", _SAFETY.field("flagged").cast(pl.String).replace({"true": "yes", "false": "no"})),
    "safety label": ("safety", _SAFETY.field("label")),
    "safety categories": ("safety", _SAFETY.field("categories")),
}
LENGTHS: Final = {"tokens": "n_tokens", "turns": "n_turns", "characters": "n_chars"}

#: Dialogues by measure and value: `value` of a share, `length` of a length; where both are null, all that state it.
TALLY: Final = pl.Schema({"measure": pl.String(), "value": pl.String(), "length": pl.Int64(), "dialogues": pl.Int64()})


def tally(rows: pl.DataFrame) -> pl.DataFrame:
    """Count some rows by every measure that their columns allow, in `TALLY`."""
    parts = [_share(rows, name, value) for name, (column, value) in SHARES.items() if column in rows.columns]
    parts += [_length(rows, name, column) for name, column in LENGTHS.items() if column in rows.columns]
    return pl.concat(parts)


def _share(rows: pl.DataFrame, measure: str, value: pl.Expr) -> pl.DataFrame:
    stated = rows.select(value=value).drop_nulls().with_row_index("row")
    held = stated
    while isinstance(held.schema["value"], pl.List):
        held = held.explode("value", empty_as_null=False, keep_nulls=False)
    counted = held.unique().group_by("value").agg(dialogues=pl.len())
    whole = pl.DataFrame({"value": [None], "dialogues": [stated.height]}, schema=counted.schema)
    return _in_tally(pl.concat([counted, whole]), measure, pl.col("value"), pl.lit(None))


def _length(rows: pl.DataFrame, measure: str, column: str) -> pl.DataFrame:
    counted = rows.group_by(column).agg(dialogues=pl.len())
    return _in_tally(counted, measure, pl.lit(None), pl.col(column))


def _in_tally(counted: pl.DataFrame, measure: str, value: pl.Expr, length: pl.Expr) -> pl.DataFrame:
    return counted.select(
        measure=pl.lit(measure),
        value=value.cast(pl.String),
        length=length.cast(pl.Int64),
        dialogues=pl.col("dialogues").cast(pl.Int64),
    )
