"""Intervals by the bootstrap (Efron 1979): dialogues, or prompts, are drawn again with replacement, whole.

Turns of one dialogue are no independent draws, so the dialogue is the unit. Base and adapter are drawn together: an
interval of their difference is that of paired samples.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

#: Samples drawn; the 2.5 and 97.5 per cent quantiles of 2,000 are steady to about a tenth of the interval's width.
SAMPLES: Final = 2_000
_SEED: Final = 20260208
#: Draws held at once, samples times units.
_AT_ONCE: Final = 4_000_000
Values = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its 95 per cent interval, of a single unit without one; in JSON a list of three."""

    value: float
    low: float | None
    high: float | None

    @property
    def side(self) -> int:
        """-1 or 1 where the interval lies on one side of zero; 0 where it does not, or where there is none."""
        if self.low is None or self.high is None:
            return 0
        return (self.low > 0) - (self.high < 0)

    def shown(self, form: str) -> str:
        """The value with its interval, both in a format such as `+.3f`."""
        if self.low is None or self.high is None:
            return f"{self.value:{form}} (one alone: no interval)"
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


def ratios(numerators: Values, denominators: Values) -> list[Interval]:
    """Sums by sums, each with its interval; all columns are drawn together.

    Args:
        numerators: (units, columns), losses of dialogues say.
        denominators: (units,), their tokens.

    Returns:
        One interval a column. Of one unit it has no bounds: what is drawn is that unit again and again.

    Raises:
        ValueError: there is no unit.
    """
    if not len(denominators):
        raise ValueError("there is nothing to draw from")
    whole = numerators.sum(0) / denominators.sum()
    if len(denominators) == 1:
        return [Interval(float(value), None, None) for value in whole]
    drawn = _drawn(np.column_stack([numerators, denominators]))
    low, high = np.quantile(drawn[:, :-1] / drawn[:, -1:], (0.025, 0.975), axis=0)
    return [Interval(float(value), float(a), float(b)) for value, a, b in zip(whole, low, high, strict=True)]


def mean(values: Values) -> Interval:
    """The mean of values (units,) with its interval."""
    return ratios(values[:, None], np.ones(len(values)))[0]


def _drawn(columns: Values) -> Values:
    """Sums of columns (units, columns) over samples of units: (samples, columns)."""
    units = len(columns)
    random = np.random.default_rng(_SEED)
    at_once = max(1, _AT_ONCE // units)
    sums = []
    for start in range(0, SAMPLES, at_once):
        picks = random.integers(0, units, (min(at_once, SAMPLES - start), units))
        counts = np.zeros((len(picks), units))
        for row, pick in enumerate(picks):
            counts[row] = np.bincount(pick, minlength=units)
        sums.append(counts @ columns)
    return np.concatenate(sums)
