"""What a recipe would give, before anything is built: what each component has, which one binds, and the exact mix.

All steps but the writing run as in a build, so the figures are those that the build will have.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import Spill
from quimbot_data.decide import alive, candidates, whole_budgets
from quimbot_data.mix import Thresholds, budgets, largest
from quimbot_data.observe import Progress, silent
from quimbot_data.run import Run, running
from quimbot_data.split import strays
from quimbot_data.takedowns.exclusion import TAKEDOWN
from quimbot_data.workspace import Workspace
from schemas.errors import MixError
from schemas.manifest import EvaluationLine
from schemas.recipe import Recipe


class PlannedComponent(BaseModel):
    """One component; amounts are in the recipe's unit unless the name says otherwise."""

    family: str
    sources: list[str]
    weight: float
    dialogues: int
    """What passes all steps before the mix, once."""
    tokens: int
    available: int
    """What it can give, repeats of its training rows included."""
    max_epochs: int
    budget: int
    """Its share of the size: of the asked one where it can be met, else of the largest feasible one."""
    epochs: float | None
    """How often its rows are used on average to fill the budget; null where it has none."""
    takes: int
    """What it takes to the row: the shortfall against the budget is under one dialogue."""
    takes_dialogues: int
    takes_tokens: int
    binds: bool


class PlannedSplit(BaseModel):
    """One split of what the mix takes, repeats and languages held out whole left out."""

    split: str
    asked: float
    dialogues: int
    share: float
    strays: bool
    """Whether few or uneven trees and seeds move it (`quimbot_data.split.strays`)."""


class Plan(BaseModel):
    """The answer of `quimbot plan`."""

    recipe: str
    unit: str
    asked: int | str
    feasible: int
    """The largest size that every component can fill."""
    problem: str | None
    """Why the asked size cannot be met, and the ways out; null where it can."""
    components: list[PlannedComponent]
    splits: list[PlannedSplit]
    taken_down: int
    """Dialogues that takedowns exclude, with their near-duplicates."""
    near_duplicates: bool
    """Whether they are looked for."""
    evaluation: list[EvaluationLine]
    steps: list[dict[str, Any]]


def plan(workspace: Workspace, recipe: Recipe, *, threads: int = 2, progress: Progress = silent) -> Plan:
    """Plan a recipe over the corpora as they are; writes nothing that stays.

    Raises:
        As `quimbot_data.build.build`, but for `MixError`: what cannot be met is part of the answer.
    """
    with running(workspace, recipe, ("plan", recipe.name), threads, progress) as run:
        by_u, available = candidates(run), run.available()
        problem, feasible = None, largest(recipe, available) if all(available) else 0
        try:
            whole = whole_budgets(run)
        except MixError as error:
            problem = str(error)
            smaller = recipe.model_copy(update={"size": feasible})
            whole = budgets(smaller, available) if feasible else [0] * len(available)
        thresholds = Thresholds(whole, [component.max_epochs for component in recipe.components])
        thresholds.scan(lambda: alive(by_u))
        taken = _taken(by_u, thresholds, recipe.splits.languages)
        return Plan(
            recipe=recipe.name,
            unit=recipe.unit,
            asked=recipe.size,
            feasible=feasible,
            problem=problem,
            components=_components(run, thresholds, taken),
            splits=_splits(recipe, taken),
            taken_down=_taken_down(by_u) if run.exclusion else 0,
            near_duplicates=recipe.near_duplicates.action != "off",
            evaluation=run.contamination.lines(),
            steps=run.progress.record(),
        )


def _taken_down(by_u: Spill) -> int:
    return sum(by_u.read(group).filter(pl.col("step") == TAKEDOWN).height for group in by_u.groups())


def _taken(by_u: Spill, thresholds: Thresholds, held_out: Sequence[str]) -> pl.DataFrame:
    """What the mix takes: dialogues, amount and tokens, repeats included, and `once`, the dialogues without.

    Returns:
        A row per component, split, and whether the language is one of those held out whole.
    """
    copies = thresholds.copies().cast(pl.Int64)
    sums = [
        rows.group_by("component", "split", whole=pl.col("language").is_in(held_out)).agg(
            dialogues=copies.sum(),
            amount=(copies * pl.col("amount")).sum(),
            tokens=(copies * pl.col("n_tokens")).sum(),
            once=(copies > 0).sum().cast(pl.Int64),
        )
        for rows in alive(by_u)
    ]
    return pl.concat(sums).group_by("component", "split", "whole").sum()


def _splits(recipe: Recipe, taken: pl.DataFrame) -> list[PlannedSplit]:
    asked = {"validation": recipe.splits.validation, "test": recipe.splits.test}
    drawn = dict(taken.filter(~pl.col("whole")).group_by("split").agg(pl.col("once").sum()).iter_rows())
    total = sum(drawn.values())
    return [
        PlannedSplit(
            split=split,
            asked=round(share, 6),
            dialogues=drawn.get(split, 0),
            share=round(drawn.get(split, 0) / max(total, 1), 6),
            strays=split in asked and strays(share, drawn.get(split, 0), total),
        )
        for split, share in {"train": 1 - sum(asked.values()), **asked}.items()
    ]


def _components(run: Run, thresholds: Thresholds, taken: pl.DataFrame) -> list[PlannedComponent]:
    sums = {row["component"]: row for row in taken.drop("split", "whole").group_by("component").sum().to_dicts()}
    available = run.available()
    ratios = [have / component.weight for have, component in zip(available, run.recipe.components, strict=True)]
    components = []
    for number, component in enumerate(run.recipe.components):
        once, _, dialogues, tokens = run.given.get(number, (0, 0, 0, 0))
        took = sums.get(number, {"dialogues": 0, "amount": 0, "tokens": 0})
        components.append(
            PlannedComponent(
                family=component.family,
                sources=component.sources,
                weight=component.weight,
                dialogues=dialogues,
                tokens=tokens,
                available=available[number],
                max_epochs=component.max_epochs,
                budget=thresholds.budgets[number],
                epochs=round(thresholds.budgets[number] / once, 3) if once else None,
                takes=took["amount"],
                takes_dialogues=took["dialogues"],
                takes_tokens=took["tokens"],
                binds=number == ratios.index(min(ratios)),
            )
        )
    return components
