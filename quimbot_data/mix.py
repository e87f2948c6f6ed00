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
    """Each component's budget in the recipe's unit: whole numbers that sum to the size (largest remainder).

    Args:
        recipe: whose size and weights these are; size "max" is the largest that every component can fill.
        available: what each component can give, in the unit.

    Raises:
        MixError: a component can give less than its share of the size.
    """
    size = largest(recipe, available) if recipe.size == "max" else recipe.size
    shares = [_exact(component.weight) * size for component in recipe.components]
    whole = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda number: (whole[number] - shares[number], number))
    for number in by_remainder[: size - sum(whole)]:
        whole[number] += 1
    if recipe.size == "max":  # rounding up may ask the binding component for one more than it has
        whole = [min(budget, have) for budget, have in zip(whole, available, strict=True)]
    if any(budget > have for budget, have in zip(whole, available, strict=True)):
        raise _shortage(recipe, whole, available)
    return whole


def largest(recipe: Recipe, available: list[int]) -> int:
    """The largest size that every component can fill.

    Raises:
        MixError: a component has nothing to give.
    """
    size = min(int(have / _exact(part.weight)) for part, have in zip(recipe.components, available, strict=True))
    if size < 1:
        raise _shortage(recipe, [1] * len(available), available)
    return size


def _exact(weight: float) -> Fraction:
    """The weight as written in the recipe: 0.4 is 2/5, not the nearest binary fraction."""
    return Fraction(str(weight))


def _shortage(recipe: Recipe, wanted: list[int], available: list[int]) -> MixError:
    ratios = [Fraction(have) / want if want else Fraction(10**9) for want, have in zip(wanted, available, strict=True)]
    binding = min(range(len(ratios)), key=ratios.__getitem__)
    component, unit = recipe.components[binding], recipe.unit
    feasible = min(int(have / _exact(part.weight)) for part, have in zip(recipe.components, available, strict=True))
    found = (
        f"{recipe.name} cannot be filled: {component.family} ({', '.join(component.sources)}) binds. "
        f"Its share is {wanted[binding]:,} {unit}, after all steps it has {available[binding]:,}."
    )
    rest = sum(available) - available[binding]
    ways = [f"ingest at least {wanted[binding] - available[binding]:,} more {unit} of {component.family}"]
    if feasible:
        ways.append(f'set size to {feasible:,} (or "max"), the largest that every component can fill')
    if rest and recipe.size != "max":
        fair = available[binding] / recipe.size
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
