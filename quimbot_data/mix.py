"""The mix: which dialogues each component contributes, by rising `u`, and whether the corpora can fill it at all.

`u` is the first 8 bytes of sha256(`<seed>|<dialogue_id>`) / 2⁶⁴. A component takes its rows by rising u until the next
would exceed its budget, so a mix that grows keeps the rows it had.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

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
    elif sum(available) > have and recipe.size != "max":
        fair = have / recipe.size
        ways.append(f"lower its weight from {component.weight:g} to {fair:.4f} and raise the others' accordingly")
    return MixError(found, next_step="Ways out: " + "; ".join(ways) + ".")


@dataclass
class Thresholds:
    """Where each component stops: found by one pass over all candidates in order of `u`.

    Attributes:
        budgets: each component's, in the recipe's unit.
        taken: what it took so far.
        stop: digest and id of its first row that was not taken; none while it still takes.
    """

    budgets: list[int]
    taken: dict[int, int] = field(default_factory=dict)
    stop: dict[int, tuple[str, str]] = field(default_factory=dict)

    def scan(self, buckets: Iterable[pl.DataFrame]) -> None:
        """Take rows bucket by bucket; buckets come in rising order of the digest.

        Args:
            buckets: candidates only: component, sampling_digest, dialogue_id, amount.
        """
        for rows in buckets:
            for (component,), candidates in rows.sort(DIGEST, "dialogue_id").group_by("component", maintain_order=True):
                if component not in self.stop:
                    self._take(int(str(component)), candidates)

    def _take(self, component: int, candidates: pl.DataFrame) -> None:
        before = self.taken.get(component, 0)
        total = before + candidates["amount"].cum_sum()
        fitting = int((total <= self.budgets[component]).sum())  # cumulative sums rise: fitting rows come first
        self.taken[component] = int(total[fitting - 1]) if fitting else before
        if fitting < candidates.height:
            self.stop[component] = (candidates[DIGEST][fitting], candidates["dialogue_id"][fitting])

    def kept(self) -> pl.Expr:
        """Whether a candidate is in the mix."""
        digest, dialogue_id = pl.col(DIGEST), pl.col("dialogue_id")
        kept = pl.lit(value=True)
        for component, (stop, stop_id) in self.stop.items():
            below = (digest < stop) | ((digest == stop) & (dialogue_id < stop_id))
            kept = pl.when(pl.col("component") == component).then(below).otherwise(kept)
        return kept

    def threshold(self) -> pl.Expr:
        """The `u` at which a row's component stopped: 1 where it took all it had."""
        threshold = pl.lit(1.0)
        for component, (stop, _) in self.stop.items():
            threshold = (
                pl.when(pl.col("component") == component).then(int(stop[:16], 16) / 2.0**64).otherwise(threshold)
            )
        return threshold
