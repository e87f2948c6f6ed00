"""Shifts between versions are those of their rows, and as large as they are said to be."""

import doctest
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from chats import data_of, made, mix
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.diff import diff, effects
from quimbot_data.workspace import Ref, Workspace
from schemas.diff import LengthShift, ShareShift

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


# Effect sizes

lengths = st.dictionaries(st.integers(0, 40), st.integers(1, 9), max_size=8)
shares = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), max_size=6)


@given(lengths, lengths)
def test_cliffs_delta_is_that_of_all_pairs(a: dict[int, int], b: dict[int, int]) -> None:
    left, right = ([length for length, times in side.items() for _ in range(times)] for side in (a, b))
    delta = effects.cliffs_delta(a, b)
    if not (left and right):
        assert delta is None
        return
    pairs = sum((y > x) - (y < x) for x in left for y in right)
    assert delta == pytest.approx(pairs / len(left) / len(right), abs=1e-8)
    back = effects.cliffs_delta(b, a)
    assert back == pytest.approx(-delta, abs=1e-8)


@given(shares, shares, st.integers(2, 9))
def test_cramers_v_is_that_of_the_table_whatever_the_sizes(a: dict[str, int], b: dict[str, int], times: int) -> None:
    v = effects.cramers_v(a, b)
    if not (a and b):
        assert v is None
        return
    of_a, of_b = sum(a.values()), sum(b.values())
    table = {key: (a.get(key, 0) * of_b, b.get(key, 0) * of_a) for key in a.keys() | b.keys()}  # equal totals
    half = of_a * of_b
    chi2 = sum((x - (x + y) / 2) ** 2 / ((x + y) / 2) * 2 for x, y in table.values())
    assert v == pytest.approx(math.sqrt(chi2 / (2 * half)), abs=1e-8)
    assert v == effects.cramers_v({key: times * count for key, count in a.items()}, b), "rows alone are no shift"
    assert (v < 1e-8) == all(x == y for x, y in table.values())
    assert 0 <= v <= 1


@given(lengths.filter(bool), st.integers(0, 100))
def test_quantiles_are_lengths_that_so_many_do_not_exceed(counts: dict[int, int], percent: int) -> None:
    every = sorted(length for length, times in counts.items() for _ in range(times))
    found = effects.quantile(counts, percent)
    assert sum(length <= found for length in every) * 100 >= percent * len(every)
    assert found == every[0] or sum(length < found for length in every) * 100 < percent * len(every)


def test_examples_in_docstrings() -> None:
    failed, tried = doctest.testmod(effects)
    assert tried >= 4
    assert not failed


# Shifts


def stated(rows: list[dict[str, Any]], measure: str) -> list[list[str]]:
    """The values of each dialogue that states a measure, worked out row by row."""

    def learner(key: str) -> Callable[[dict[str, Any]], list[str] | None]:
        return lambda row: (
            [row["pedagogy"]["learner"][key]] if (row["pedagogy"] or {}).get("learner", {}).get(key) else None
        )

    def turns(key: str) -> Callable[[dict[str, Any]], list[str] | None]:
        return lambda row: (
            [each for turn in row["pedagogy"]["turns"] for each in turn[key]] if row["pedagogy"] else None
        )

    of: dict[str, Callable[[dict[str, Any]], list[str] | None]] = {
        **{name: (lambda row, name=name: [row[name]]) for name in ("source", "family", "language", "split")},
        "licence": lambda row: [row["license"]],
        "terms": lambda row: row["terms"],
        "CEFR": learner("cefr"),
        "background": learner("background"),
        "first language": learner("l1"),
        "target language": learner("target_language"),
        "tutor moves": turns("moves"),
        "learner signals": turns("signals"),
        "flagged": lambda row: [["no", "yes"][row["safety"]["flagged"]]] if row["safety"] else None,
        "safety label": lambda row: [row["safety"]["label"]] if (row["safety"] or {}).get("label") else None,
        "safety categories": lambda row: row["safety"]["categories"] if row["safety"] else None,
    }
    return [values for row in rows if (values := of[measure](row)) is not None]


def test_shifts_are_those_of_the_rows(scaffolds: Workspace) -> None:
    a, b = Ref("all", "1.0.0"), Ref("heritage", "1.0.0")
    found = diff(scaffolds, a, b)
    left, right = data_of(scaffolds, a).to_dicts(), data_of(scaffolds, b).to_dicts()
    measures = {shift.measure for shift in found.shifts}
    assert {"CEFR", "background", "first language", "target language", "tutor moves", "terms", "flagged"} <= measures
    assert {"safety label", "tokens", "turns", "characters", "licence", "split", "family", "language"} <= measures
    for shift in found.shifts:
        if isinstance(shift, ShareShift):
            mine, theirs = stated(left, shift.measure), stated(right, shift.measure)
            assert (shift.a, shift.b) == (len(mine), len(theirs)), shift.measure
            of_a, of_b = (Counter(value for values in side for value in set(values)) for side in (mine, theirs))
            assert {row.value: (row.a, row.b) for row in shift.values} == {
                value: (of_a[value], of_b[value]) for value in of_a.keys() | of_b.keys()
            }, shift.measure
            for row in shift.values:
                assert row.share_a == pytest.approx(row.a / shift.a)
        else:
            column = {"tokens": "n_tokens", "turns": "n_turns", "characters": "n_chars"}[shift.measure]
            mine, theirs = ([row[column] for row in side] for side in (left, right))
            pairs = sum((y > x) - (y < x) for x in mine for y in theirs)
            assert shift.effect == pytest.approx(pairs / len(mine) / len(theirs), abs=1e-8)
            assert shift.a
            assert shift.a.p50 == sorted(mine)[math.ceil(len(mine) / 2) - 1]


def test_the_largest_shift_comes_first_and_is_called_by_its_band(scaffolds: Workspace) -> None:
    found = diff(scaffolds, Ref("all", "1.0.0"), Ref("heritage", "1.0.0"))
    places = [effects.BANDS.index(shift.band) for shift in found.shifts]
    assert places == sorted(places)
    for shift in found.shifts:
        limits = effects.COHEN if isinstance(shift, ShareShift) else effects.ROMANO
        assert shift.band == effects.band(shift.effect, limits)
    (background,) = [shift for shift in found.shifts if shift.measure == "background"]
    assert background.band in ("large", "medium")
    assert background.values[0].share_b in (0, 1), "heritage alone is left"


@pytest.mark.slow
def test_what_one_version_alone_states_comes_first(scaffolds: Workspace) -> None:
    none = made(scaffolds, mix(name="none", components=[{"family": "safety", "weight": 1.0, "sources": ["prosocial"]}]))
    found = diff(scaffolds, none, Ref("all", "1.0.0"))
    assert (found.shifts[0].band, found.shifts[0].effect) == ("in one alone", None)
    assert {shift.measure for shift in found.shifts if shift.band == "in one alone"} >= {"CEFR", "tutor moves"}


def test_an_empty_version_compares(to_compare: Workspace) -> None:
    a, b = made(to_compare, mix("old", name="full")), made(to_compare, mix("old", name="empty", unit="tokens", size=1))
    found = diff(to_compare, a, b)
    assert (found.b.dialogues, found.rows("removed")) == (0, 45)
    assert {shift.effect for shift in found.shifts if isinstance(shift, LengthShift)} == {None}
