"""How far two versions lie apart: effect sizes that do not grow with the number of rows, and what they are called.

Cramér's V is for shares: 0 where both versions have the same, 1 where they have nothing in common. It is that of the
table of versions by values with both versions given equal weight, √(½ Σ (p − q)² / (p + q)) over the shares p and q of
each value, so that a small version beside a large one counts as much (Cramér 1946, Mathematical Methods of Statistics,
ch. 21). It was chosen over the total variation distance because it has names for its sizes: with two rows it is Cohen's
w (Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, ch. 7: .1 small, .3 medium, .5 large).

Cliff's delta is for lengths: how much likelier a dialogue of B is longer than one of A than shorter. It minds neither
units nor outliers (Cliff 1993, Psychological Bulletin 114; named sizes .147, .33 and .474 after Romano et al. 2006,
Florida Association of Institutional Research).
"""

import math
from collections.abc import Mapping
from typing import Final

from schemas.diff import Band

#: Least absolute effect of each band.
COHEN: Final[dict[Band, float]] = {"large": 0.5, "medium": 0.3, "small": 0.1}
ROMANO: Final[dict[Band, float]] = {"large": 0.474, "medium": 0.33, "small": 0.147}
#: Bands from the largest shift to none: what only one version states comes first.
BANDS: Final[tuple[Band, ...]] = ("in one alone", "large", "medium", "small", "negligible")
#: Decimals that are kept: what lies beyond depends on the order of sums.
_DECIMALS: Final = 9


def band(effect: float | None, least: Mapping[Band, float]) -> Band:
    """What an effect is called.

    >>> band(-0.2, ROMANO), band(0.5, COHEN), band(0.0, COHEN), band(None, COHEN)
    ('small', 'large', 'negligible', 'in one alone')
    """
    if effect is None:
        return "in one alone"
    return next((name for name, limit in least.items() if abs(effect) >= limit), "negligible")


def cramers_v(a: Mapping[str, int], b: Mapping[str, int]) -> float | None:
    """Cramér's V of two versions' counts by value, each value of its own dialogues; None where one has none.

    >>> cramers_v({"en": 3, "es": 1}, {"en": 30, "es": 10}), cramers_v({"en": 2}, {"es": 5})
    (0.0, 1.0)
    """
    of_a, of_b = sum(a.values()), sum(b.values())
    if not (of_a and of_b):
        return None
    shares = [(a.get(value, 0) / of_a, b.get(value, 0) / of_b) for value in sorted(a.keys() | b.keys())]
    return round(math.sqrt(math.fsum((p - q) ** 2 / (p + q) for p, q in shares if p or q) / 2), _DECIMALS)


def largest_v(a: Mapping[str, int], of_a: int, b: Mapping[str, int], of_b: int) -> float | None:
    """Cramér's V where a dialogue may have several values: of each value, held or not, and the largest of these.

    Args:
        a: dialogues of A by value.
        of_a: all that could have one.
        b: dialogues of B by value.
        of_b: all that could have one.
    """
    if not (of_a and of_b):
        return None
    held = [(a.get(value, 0), b.get(value, 0)) for value in a.keys() | b.keys()]
    pairs = (cramers_v({"+": x, "-": of_a - x}, {"+": y, "-": of_b - y}) for x, y in held)
    return max((v for v in pairs if v is not None), default=0.0)


def cliffs_delta(a: Mapping[int, int], b: Mapping[int, int]) -> float | None:
    """P(b > a) − P(b < a) over all pairs of one length of each, from the counts by length; None where one has none.

    >>> cliffs_delta({1: 2}, {5: 3}), cliffs_delta({5: 1}, {5: 9}), cliffs_delta({2: 1}, {1: 1, 2: 1})
    (1.0, 0.0, -0.5)
    """
    longer = shorter = seen_a = seen_b = 0
    for length in sorted(a.keys() | b.keys()):
        longer += b.get(length, 0) * seen_a
        shorter += a.get(length, 0) * seen_b
        seen_a += a.get(length, 0)
        seen_b += b.get(length, 0)
    return round((longer - shorter) / (seen_a * seen_b), _DECIMALS) if seen_a and seen_b else None


def quantile(counts: Mapping[int, int], percent: int) -> int:
    """The least length that so many per cent of the dialogues do not exceed; there must be some.

    >>> quantile({10: 1, 20: 1, 30: 2}, 50), quantile({10: 1, 20: 1, 30: 2}, 95)
    (20, 30)
    """
    wanted, seen = sum(counts.values()) * percent, 0
    for length in sorted(counts):
        seen += counts[length]
        if seen * 100 >= wanted:
            return length
    return max(counts)
