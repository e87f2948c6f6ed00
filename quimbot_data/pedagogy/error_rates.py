"""How often learners of a profile make which errors, and how far a set of dialogues is from that."""

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, TypeVar

from pydantic import Field

from schemas.fields import Strict, Subtag
from schemas.learner import Background, Cefr
from schemas.seed import ErrorFamily

#: Jensen-Shannon divergence, in bits, up to which a mix of error families counts as its profile's.
MOST_DIVERGENCE: Final = 0.05

Key = TypeVar("Key", bound=str)


class ErrorRates(Strict):
    """Errors per 1,000 words of one group of learners, by family."""

    language: Subtag
    background: Background
    levels: list[Cefr]
    rates: dict[ErrorFamily, Annotated[float, Field(gt=0)]] = Field(min_length=1)


class _Table(Strict):
    profiles: list[ErrorRates]


@cache
def error_rates() -> tuple[ErrorRates, ...]:
    """The shipped table, `error_rates.toml`, which gives its sources."""
    text = (files(__package__) / "error_rates.toml").read_text(encoding="utf-8")
    return tuple(_Table.model_validate(tomllib.loads(text)).profiles)


def family_mix(language: str, background: Background, cefr: Cefr) -> dict[ErrorFamily, float]:
    """Shares of error families in what learners of a profile write, largest first, summing to 1.

    Empty where no figures are known, for languages other than Spanish: seeds then are drawn evenly.
    """
    for group in error_rates():
        if (group.language, group.background) == (language, background) and cefr in group.levels:
            total = math.fsum(group.rates.values())
            ranked = sorted(group.rates.items(), key=lambda rate: (-rate[1], rate[0]))
            return {family: rate / total for family, rate in ranked}
    return {}


def jensen_shannon(one: Mapping[Key, float], other: Mapping[Key, float]) -> float:
    """Jensen-Shannon divergence of two distributions in bits: 0 where they are the same, 1 where they share nothing.

    Args:
        one: weights, at least one above 0; they need not sum to 1, so that counts will do.
        other: the same.
    """
    p, q = _shares(one), _shares(other)
    middle = {key: (p.get(key, 0.0) + q.get(key, 0.0)) / 2 for key in {*p, *q}}
    return max(0.0, (_divergence(p, middle) + _divergence(q, middle)) / 2)


def _shares(weights: Mapping[Key, float]) -> dict[Key, float]:
    total = math.fsum(weights.values())
    return {key: weight / total for key, weight in weights.items() if weight > 0}


def _divergence(p: Mapping[Key, float], q: Mapping[Key, float]) -> float:
    """Kullback-Leibler divergence in bits; q is above 0 wherever p is."""
    return math.fsum(share * math.log2(share / q[key]) for key, share in p.items())
