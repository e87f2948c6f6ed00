"""The mix: which dialogues each component contributes, by rising `u`, and whether the corpora can fill it at all.

`u` is the first 8 bytes of sha256(`<seed>|<dialogue_id>`) / 2⁶⁴. A component takes its rows by rising u until the next
would exceed its budget, so a mix that grows keeps the rows it had. Where it runs out of rows first, it begins again
with its training rows, as often as its `max_epochs` allows.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

import polars as pl

from quimbot_data.split import unit_interval
from schemas.errors import MixError
from schemas.frame import sha256
from schemas.recipe import Recipe

#: Digest that orders a component's rows; `u` is its first 8 bytes.
DIGEST: Final = "sampling_digest"


def sampling_columns(seed: int) -> list[pl.Expr]:
    """`sampling_digest` (hex) and `u` of each dialogue."""
    digest = sha256(pl.concat_str(pl.lit(f"{seed}|"), "dialogue_id"))
    return [digest.alias(DIGEST), unit_interval(digest).alias("u")]


def amount(unit: str) -> pl.Expr:
    """What a dialogue counts in the recipe's unit, as int64."""
    return (pl.col("n_tokens") if unit == "tokens" else pl.lit(1)).cast(pl.Int64).alias("amount")


def budgets(recipe: Recipe, available: list[int]) -> list[int]:
    """Each component's budget in the recipe's unit: whole numbers that sum to the size.

    Args:
        recipe: whose size and weights these are; size "max" is the largest that every component can fill.
        available: what each component can give, in the unit.

    Raises:
        MixError: a component can give less than its share of the size.
    """
    size = largest(recipe, available) if recipe.size == "max" else recipe.size
    whole = _apportioned(recipe, size)
    if not _can_fill(whole, available):
        raise _shortage(recipe, whole, available)
    return whole


def largest(recipe: Recipe, available: list[int]) -> int:
    """The largest size that every component can fill.

    Raises:
        MixError: a component has nothing to give.
    """
    if not all(available):
        raise _shortage(recipe, [1] * len(available), available)
    return _feasible(recipe, available)


def _feasible(recipe: Recipe, available: list[int]) -> int:
    """The largest size within what there is, by bisection: budgets never shrink when the size grows."""
    low, high = 0, sum(available)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _can_fill(_apportioned(recipe, middle), available) else (low, middle - 1)
    return low


def _can_fill(whole: list[int], available: list[int]) -> bool:
    return all(budget <= have for budget, have in zip(whole, available, strict=True))


def _apportioned(recipe: Recipe, size: int) -> list[int]:
    """The size in whole budgets after Sainte-Laguë: each next unit goes to the highest weight / (2 budget + 1).

    So a budget never shrinks when the size grows, as it may by largest remainders (the Alabama paradox).
    """
    weights = [Fraction(str(component.weight)) for component in recipe.components]  # as written: 0.4 is 2/5
    total, parts = sum(weights), len(weights)
    whole = [max(0, int(weight / total * size) - parts) for weight in weights]  # none ends lower
    for _ in range(size - sum(whole)):
        whole[max(range(parts), key=lambda part: (weights[part] / (2 * whole[part] + 1), -part))] += 1
    return whole


def _shortage(recipe: Recipe, wanted: list[int], available: list[int]) -> MixError:
    ratios = [Fraction(have) / want if want else Fraction(10**9) for want, have in zip(wanted, available, strict=True)]
    binding = min(range(len(ratios)), key=ratios.__getitem__)
    component, unit, have = recipe.components[binding], recipe.unit, available[binding]
    found = (
        f"{recipe.name} cannot be filled: {component.family} ({', '.join(component.sources)}) binds. "
        f"Its share is {wanted[binding]:,} {unit}, after all steps it has {have:,}."
    )
    ways = [f"ingest at least {wanted[binding] - have:,} more {unit} of {component.family}"]
    if feasible := _feasible(recipe, available) if all(available) else 0:
        ways.append(f'set size to {feasible:,} (or "max"), the largest that every component can fill')
    if not have and len(available) > 1:
        ways.append("take it out and raise the others' weights accordingly")
    elif recipe.size != "max" and (fair := _lowered(recipe, recipe.size, binding, available)):
        ways.append(f"lower its weight from {component.weight:g} to {fair:.4f} and raise the others' accordingly")
    return MixError(found, next_step="Ways out: " + "; ".join(ways) + ".")


def _lowered(recipe: Recipe, size: int, binding: int, available: list[int]) -> float | None:
    """The weight that a component can fill at this size, if the others can then fill theirs."""
    fair = math.floor(available[binding] / size * 10_000) / 10_000
    rest = math.fsum(component.weight for number, component in enumerate(recipe.components) if number != binding)
    for number, component in enumerate(recipe.components):
        raised = component.weight * (1 - fair) / rest if number != binding else fair
        if raised * size > available[number]:
            return None
    return fair or None


class Stop(NamedTuple):
    """Where a component stops: epoch (from 1), digest and id of its first row that was not taken."""

    epoch: int
    digest: str
    dialogue_id: str


@dataclass
class Thresholds:
    """Where each component stops: found by passes over all candidates in order of `u`, one an epoch.

    An epoch starts where the one before it ended below the budget; those after the first repeat training rows only.

    Attributes:
        budgets: each component's, in the recipe's unit.
        max_epochs: each component's.
        taken: what it took so far.
        epochs: how many epochs it went through to their end.
        stop: none for a component that took all there was.
    """

    budgets: list[int]
    max_epochs: list[int]
    taken: dict[int, int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    stop: dict[int, Stop] = field(default_factory=dict)

    def scan(self, buckets: Callable[[], Iterable[pl.DataFrame]]) -> None:
        """Take rows bucket by bucket.

        Args:
            buckets: the candidates, afresh at each call, in rising order of the digest: component, split,
                sampling_digest, dialogue_id, amount.
        """
        for epoch in range(1, max(self.max_epochs) + 1):
            wanting = [number for number in range(len(self.budgets)) if self._wants(number, epoch)]
            if not wanting:
                return
            for rows in buckets():
                repeatable = rows if epoch == 1 else rows.filter(pl.col("split") == "train")
                ordered = repeatable.filter(pl.col("component").is_in(wanting)).sort(DIGEST, "dialogue_id")
                for (component,), candidates in ordered.group_by("component", maintain_order=True):
                    if component not in self.stop:
                        self._take(epoch, int(str(component)), candidates)
            self.epochs |= {number: epoch for number in wanting if number not in self.stop}

    def _wants(self, component: int, epoch: int) -> bool:
        below = self.taken.get(component, 0) < self.budgets[component]
        return component not in self.stop and epoch <= self.max_epochs[component] and (epoch == 1 or below)

    def _take(self, epoch: int, component: int, candidates: pl.DataFrame) -> None:
        before = self.taken.get(component, 0)
        total = before + candidates["amount"].cum_sum()
        fitting = int((total <= self.budgets[component]).sum())  # cumulative sums rise: fitting rows come first
        self.taken[component] = int(total[fitting - 1]) if fitting else before
        if fitting < candidates.height:
            self.stop[component] = Stop(epoch, candidates[DIGEST][fitting], candidates["dialogue_id"][fitting])

    def copies(self) -> pl.Expr:
        """How often a candidate stands in the mix, as int32: 0 for one that is over the budget."""
        copies = pl.lit(0, pl.Int32)
        for component in range(len(self.budgets)):
            once = pl.min_horizontal(self._copies(component), pl.lit(1, pl.Int32))
            held = pl.when(pl.col("split") == "train").then(self._copies(component)).otherwise(once)
            copies = pl.when(pl.col("component") == component).then(held).otherwise(copies)
        return copies

    def _copies(self, component: int) -> pl.Expr:
        if component not in self.stop:
            return pl.lit(self.epochs.get(component, 0), pl.Int32)
        epoch, stop, stop_id = self.stop[component]
        digest = pl.col(DIGEST)
        below = (digest < stop) | ((digest == stop) & (pl.col("dialogue_id") < stop_id))
        return pl.lit(epoch - 1, pl.Int32) + below.cast(pl.Int32)

    def threshold(self) -> pl.Expr:
        """The `u` below which a row's component took it: 1 where it took all it had at least once."""
        threshold = pl.lit(1.0)
        for component, (epoch, stop, _) in self.stop.items():
            if epoch == 1:
                below = int(stop[:16], 16) / 2.0**64
                threshold = pl.when(pl.col("component") == component).then(below).otherwise(threshold)
        return threshold


def with_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row as often as `copies` says: the first under its own id, the others under `<id>@epoch2` and so on.

    Args:
        rows: dialogue_id, copies (int32, at least 1).
    """
    if not (rows["copies"] > 1).any():
        return rows.drop("copies")
    epoch = pl.int_ranges(1, pl.col("copies") + 1)
    repeated = rows.with_columns(epoch.alias("epoch")).explode("epoch", empty_as_null=False, keep_nulls=False)
    suffix = pl.when(pl.col("epoch") > 1).then(pl.format("@epoch{}", "epoch")).otherwise(pl.lit(""))
    return repeated.with_columns(dialogue_id=pl.concat_str("dialogue_id", suffix)).drop("copies", "epoch")
