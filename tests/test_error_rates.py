"""Profiles differ in their errors as the figures say, and divergence is what its definition says."""

import difflib
import json
import math
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.pedagogy.error_rates import MOST_DIVERGENCE, error_rates, family_mix, jensen_shannon
from schemas.seed import ErrorFamily

#: Errors per 1,000 words over the whole of COWS-L2H: heritage, L2 beginners.
WHOLE_CORPUS: dict[ErrorFamily, tuple[float, float]] = {
    "gender": (3.1, 7.1),
    "copula": (0.8, 2.0),
    "orthography": (13.7, 9.9),
}

#: The same by what can be told from words alone.
COMPARED = {
    "accent only": (13.7, 9.9),
    "missing article": (3.2, 6.5),
    "ser/estar": (0.8, 2.0),
    "por/para": (0.34, 0.83),
}
ESSAYS = Path(__file__).parents[1] / ".." / "shared" / "real" / "cowsl2h" / "essays_corrected.jsonl"

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 100), min_size=1)


def test_rates_of_the_whole_corpus() -> None:
    by_group = {(group.background, group.levels[0]): group.rates for group in error_rates()}
    heritage, beginners = by_group["heritage", "A1"], by_group["l2", "A1"]
    assert {family: (heritage[family], beginners[family]) for family in WHOLE_CORPUS} == WHOLE_CORPUS


def test_a_mix_is_shares() -> None:
    for group in error_rates():
        for level in group.levels:
            mix = family_mix(group.language, group.background, level)
            assert math.isclose(math.fsum(mix.values()), 1)
            assert list(mix.values()) == sorted(mix.values(), reverse=True)
            assert jensen_shannon(mix, group.rates) == pytest.approx(0, abs=1e-12)


def test_backgrounds_are_further_apart_than_a_generator_may_be() -> None:
    assert jensen_shannon(family_mix("es", "heritage", "A2"), family_mix("es", "l2", "A2")) > MOST_DIVERGENCE / 2


def test_no_figures_no_mix() -> None:
    assert family_mix("zh", "heritage", "A1") == family_mix("es", "l2", "C2") == {}


def test_divergence_by_hand() -> None:
    assert jensen_shannon({"a": 1}, {"b": 1}) == 1
    # Halves against one: H(3/4, 1/4) - 1/2.
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert jensen_shannon({"a": 1, "b": 1}, {"a": 5}) == pytest.approx(entropy - 0.5)


@given(WEIGHTS, WEIGHTS)
def test_divergence_is_symmetric_and_bounded(one: dict[str, float], other: dict[str, float]) -> None:
    assert 0 <= jensen_shannon(one, other) <= 1 + 1e-9
    assert jensen_shannon(one, other) == pytest.approx(jensen_shannon(other, one))
    assert jensen_shannon(one, {key: 3 * weight for key, weight in one.items()}) == pytest.approx(0, abs=1e-9)


def bare(word: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))


def kind(said: list[str], meant: list[str]) -> str | None:
    """What an edit between an essay and its correction is, where that is plain from the words alone."""
    if not said and set(meant) <= {"el", "la", "los", "las", "un", "una", "unos", "unas"}:
        return "missing article"
    if len(said) != 1 or len(meant) != 1 or said == meant:
        return None
    pair = {*said, *meant}
    if len({bare(word) for word in pair}) == 1:
        return "accent only"
    if pair == {"por", "para"}:
        return "por/para"
    sides = {bool(re.fullmatch(r"est[aáeéuo]\w*", word)) for word in pair}
    copulas = all(re.fullmatch(r"est[aáeéuo]\w*|es|son|soy|era[ns]?|fue|fueron|ser|sea[ns]?", word) for word in pair)
    return "ser/estar" if copulas and len(sides) == 2 else None


@pytest.mark.skipif(not ESSAYS.exists(), reason="no real rows beside the project (../shared/real)")
def test_real_essays_have_the_rates_of_the_table() -> None:
    counts: dict[str, Counter[str]] = {"heritage": Counter(), "L2-beginner": Counter()}
    for line in ESSAYS.read_text(encoding="utf-8").splitlines():
        essay = json.loads(line)
        if essay["group"] in counts:
            said, meant = (re.findall(r"\w+", text.lower()) for text in (essay["essay"], essay["corrected"][0]))
            counts[essay["group"]]["words"] += len(said)
            for _, i, j, m, n in difflib.SequenceMatcher(None, said, meant, autojunk=False).get_opcodes():
                counts[essay["group"]][kind(said[i:j], meant[m:n]) or "other"] += 1
    rates = {group: {k: 1000 * n / c["words"] for k, n in c.items()} for group, c in counts.items()}
    for name, (heritage, beginners) in COMPARED.items():
        measured = rates["heritage"][name], rates["L2-beginner"][name]
        assert (measured[0] > measured[1]) == (heritage > beginners), name
        # Open essays are part of the corpus, and an edit of several words counts as none of these kinds.
        assert heritage / 2.2 <= measured[0] <= heritage * 1.3, (name, measured)
        assert beginners / 2.2 <= measured[1] <= beginners * 1.3, (name, measured)
