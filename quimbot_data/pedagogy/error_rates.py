"""How often learners of a profile make which errors, and how far a set of dialogues is from that."""

import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, NamedTuple, TypeVar, get_args

from pydantic import Field

from quimbot_data.pedagogy.cowsl2h_tags import spanish_family
from schemas.fields import Strict, Subtag
from schemas.learner import Background, Cefr
from schemas.seed import ErrorFamily

#: Jensen-Shannon divergence, in bits, up to which a mix of error families counts as its profile's.
MOST_DIVERGENCE: Final = 0.05
#: Errors of a group from which on their mix is looked at. By chance alone, families - 1 by 8 ln 2 times errors is what
#: n errors diverge in the mean (a fourth of their Kullback-Leibler divergence): of 14 families and 100 errors, .023.
ENOUGH: Final = 100

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


class FamilyFit(NamedTuple):
    """How far the errors of groups of learners are from their groups' rates: errors, and each group's divergence."""

    errors: int
    by_group: dict[str, float]
    """By language and background; without groups of fewer than `ENOUGH` errors."""


def family_fit(errors: Iterable[tuple[str, Background, Cefr, ErrorFamily]]) -> FamilyFit:
    """Divergence of the families of errors from the rates of those who made them, group by group.

    Args:
        errors: language, background and level of who made each, and its family; those of groups without rates are
            passed over.
    """
    counted: defaultdict[tuple[str, Background], Counter[ErrorFamily]] = defaultdict(Counter)
    expected: defaultdict[tuple[str, Background], defaultdict[ErrorFamily, float]]
    expected = defaultdict(lambda: defaultdict(float))
    for (language, background, cefr, family), number in Counter(errors).items():
        for each, share in family_mix(language, background, cefr).items():
            expected[language, background][each] += number * share
        if (language, background) in expected:
            counted[language, background][family] += number
    enough = {group: counts for group, counts in sorted(counted.items()) if counts.total() >= ENOUGH}
    fits = {" ".join(group): jensen_shannon(counts, expected[group]) for group, counts in enough.items()}
    return FamilyFit(sum(counts.total() for counts in enough.values()), fits)


def family_of(language: str, tag: str, original: str, corrected: str) -> ErrorFamily | None:
    """The family of an error by its tag: one of ours (`R:ORTHOGRAPHY`), or COWS-L2H's; None for other corpora's.

    >>> family_of("es", "R:ORTHOGRAPHY", "mas", "más"), family_of("es", "ga:fm:adj:inan", "roja", "rojo")
    ('orthography', 'gender')
    """
    own = tag.rpartition(":")[2].lower()
    for family in get_args(ErrorFamily):
        if own == family:
            return family  # type: ignore[no-any-return]
    return spanish_family(tag, original, corrected).family if language == "es" else None


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
