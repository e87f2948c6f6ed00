"""Observations by measure and model, with intervals over prompts; each model against the base on the same prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from train.evaluate.bootstrap import Interval, mean
from train.evaluate.measures import MEASURES, Observation

_COLUMNS = ("model", "measure", "unit", "language", "value")


@dataclass(frozen=True)
class Measured:
    """A measure under each model.

    Attributes:
        measure: its name in `MEASURES`.
        language: one of the prompts', or `all`.
        units: observations of each model.
        values: means, in the order of the models; None where there is no observation.
        change: mean differences from the first model over prompts that both have, of all others.
    """

    measure: str
    language: str
    units: list[int]
    values: list[Interval | None]
    change: list[Interval | None]


def summary(found: Sequence[Observation], models: Sequence[str], *, by_language: Sequence[str] = ()) -> list[Measured]:
    """Measures in the order of `MEASURES`, those of no prompt left out.

    Args:
        found: observations.
        models: the first is what others are set against.
        by_language: measures that are told by language, too.
    """
    table = pl.DataFrame(found, schema=dict.fromkeys(_COLUMNS[:-1], pl.String) | {"value": pl.Float64}, orient="row")
    told = []
    for measure in MEASURES:
        of = table.filter(pl.col("measure") == measure)
        if of.height:
            told.append(_measured(measure, "all", of, models))
        if measure in by_language:
            languages = of["language"].unique().sort().to_list()
            told += [_measured(measure, each, of.filter(pl.col("language") == each), models) for each in languages]
    return told


def _measured(measure: str, language: str, table: pl.DataFrame, models: Sequence[str]) -> Measured:
    by_model = [dict(table.filter(pl.col("model") == model).select("unit", "value").iter_rows()) for model in models]
    base, *others = by_model
    return Measured(
        measure,
        language,
        [len(each) for each in by_model],
        [_mean(list(each.values())) for each in by_model],
        [_mean([each[unit] - base[unit] for unit in sorted(each.keys() & base.keys())]) for each in others],
    )


def _mean(values: list[float]) -> Interval | None:
    return mean(np.array(values)) if values else None
