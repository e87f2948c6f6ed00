"""The mix: whole budgets, feasible sizes, and a prefix of each component by its published order."""

import hashlib
import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.mix import DIGEST, Thresholds, amount, budgets, largest, sampling_columns, with_repeats
from schemas.errors import MixError
from schemas.recipe import Component, Recipe

FAMILIES = ["conversation", "instruction", "multilingual", "pedagogical", "safety"]
PLENTY = 10**15


def recipe(size: int | str, *weights: float, unit: str = "dialogues") -> Recipe:
    parts = [
        Component.model_validate({"family": FAMILIES[at % 5], "weight": weight, "sources": [f"source{at}"]})
        for at, weight in enumerate(weights)
    ]
    return Recipe.model_validate({"name": "small", "unit": unit, "size": size, "components": parts})


@st.composite
def weights(draw: st.DrawFn) -> list[float]:
    """Shares as people write them: hundredths that sum to 1."""
    cuts = sorted(draw(st.sets(st.integers(1, 99), max_size=5)))
    return [(end - start) / 100 for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]


# Budgets


@pytest.mark.parametrize(
    ("size", "shares", "expected"),
    [
        (50_000_000, (0.4, 0.2, 0.15, 0.15, 0.1), [20_000_000, 10_000_000, 7_500_000, 7_500_000, 5_000_000]),
        (10, (0.4, 0.2, 0.15, 0.15, 0.1), [4, 2, 2, 1, 1]),
        (7, (0.5, 0.5), [4, 3]),
        (1, (0.4, 0.6), [0, 1]),
        (3, (1.0,), [3]),
        (10, (0.1, 0.2, 0.7), [1, 2, 7]),
        (50, (0.88, *[0.012] * 10), [40, *[1] * 10]),  # many small shares round up at the cost of the large one
    ],
)
def test_budgets_are_the_shares_in_whole_numbers(size: int, shares: tuple[float, ...], expected: list[int]) -> None:
    assert budgets(recipe(size, *shares), [PLENTY] * len(shares)) == expected


@given(weights(), st.integers(1, 10**13))
def test_budgets_sum_to_the_size_and_stay_by_their_shares(shares: list[float], size: int) -> None:
    found = budgets(recipe(size, *shares), [PLENTY] * len(shares))
    assert sum(found) == size
    for share, budget in zip(shares, found, strict=True):
        assert abs(budget - Fraction(str(share)) * size) <= len(shares) / 2


@pytest.mark.parametrize("size", [10, 10**10 + 1, 3 * 10**12])
@pytest.mark.parametrize(
    "shares", [(0.333333333, 0.333333333, 0.333333333), (0.5000000005, 0.5), (1 / 3, 1 / 3, 1 / 3)]
)
def test_budgets_sum_to_the_size_where_weights_almost_sum_to_1(size: int, shares: tuple[float, ...]) -> None:
    assert sum(budgets(recipe(size, *shares), [PLENTY] * len(shares))) == size


@given(weights(), st.integers(1, 400))
def test_budgets_are_those_of_sainte_lague(shares: list[float], size: int) -> None:
    naive = [0] * len(shares)
    for _ in range(size):  # seat by seat
        exact = [Fraction(str(share)) / (2 * seats + 1) for share, seats in zip(shares, naive, strict=True)]
        naive[exact.index(max(exact))] += 1
    assert budgets(recipe(size, *shares), [PLENTY] * len(shares)) == naive


def test_no_budget_shrinks_when_the_size_grows() -> None:
    # By largest remainders the third would have two of ten, and one of eleven.
    shares = (0.43, 0.43, 0.14)
    found = [budgets(recipe(size, *shares), [PLENTY] * 3) for size in range(1, 300)]
    for smaller, larger in pairwise(found):
        assert all(old <= new for old, new in zip(smaller, larger, strict=True))


# What the corpora can fill


@tried(80)
@given(weights(), st.data())
def test_the_largest_size_is_feasible_and_one_more_is_not(shares: list[float], data: st.DataObject) -> None:
    have = data.draw(st.lists(st.integers(1, 60), min_size=len(shares), max_size=len(shares)))
    size = largest(recipe("max", *shares), have)
    assert budgets(recipe("max", *shares), have) == budgets(recipe(size, *shares), have)
    for larger in range(size + 1, size + 4):
        with pytest.raises(MixError):
            budgets(recipe(larger, *shares), have)
    if size > 1:
        budgets(recipe(size - 1, *shares), have)


@tried(80)
@given(weights(), st.integers(1, 500), st.data())
def test_a_shortage_names_a_binding_component_and_a_size_that_works(
    shares: list[float], size: int, data: st.DataObject
) -> None:
    have = data.draw(st.lists(st.integers(0, 60), min_size=len(shares), max_size=len(shares)))
    wanted = budgets(recipe(size, *shares), [PLENTY] * len(shares))
    short = [at for at in range(len(shares)) if wanted[at] > have[at]]
    assume(short)
    with pytest.raises(MixError) as caught:
        budgets(recipe(size, *shares), have)
    message = str(caught.value)
    binding = int(re.search(r"\(source(\d)\) binds", message)[1])  # type: ignore[index]
    assert binding in short
    assert Fraction(have[binding], wanted[binding]) == min(Fraction(have[at], wanted[at]) for at in short)
    assert f"Its share is {wanted[binding]:,} dialogues, after all steps it has {have[binding]:,}." in message
    assert f"at least {wanted[binding] - have[binding]:,} more" in message
    told = re.search(r"set size to ([\d,]+)", message)
    assert bool(told) == all(have)
    if told:
        feasible = int(told[1].replace(",", ""))
        budgets(recipe(feasible, *shares), have)
        with pytest.raises(MixError):
            budgets(recipe(feasible + 1, *shares), have)


def test_a_way_out_that_leads_nowhere_is_not_told() -> None:
    with pytest.raises(MixError) as caught:
        budgets(recipe(1000, 0.4, 0.6, unit="tokens"), [200, 700])
    assert "set size to 501" in str(caught.value)
    assert "weight" not in str(caught.value)  # the other one cannot give 800
    with pytest.raises(MixError, match=r"lower its weight from 0.4 to 0.2000"):
        budgets(recipe(1000, 0.4, 0.6, unit="tokens"), [200, 800])


def test_a_shortage_is_told_with_its_ways_out() -> None:
    with pytest.raises(MixError) as caught:
        budgets(recipe(1000, 0.4, 0.6, unit="tokens"), [200, 5000])
    assert str(caught.value) == (
        "small cannot be filled: conversation (source0) binds. Its share is 400 tokens, after all steps it has 200. "
        "Ways out: ingest at least 200 more tokens of conversation; "
        'set size to 501 (or "max"), the largest that every component can fill; '
        "lower its weight from 0.4 to 0.2000 and raise the others' accordingly."
    )


def test_a_component_with_nothing_is_told_to_go() -> None:
    for size in (1000, "max"):
        with pytest.raises(MixError, match=r"instruction \(source1\) binds.* take it out") as caught:
            budgets(recipe(size, 0.4, 0.6), [200, 0])
        assert "set size" not in str(caught.value)
        assert "0.0000" not in str(caught.value)


# Taking rows


def u_digest(seed: int, dialogue_id: str) -> str:
    return hashlib.sha256(f"{seed}|{dialogue_id}".encode()).hexdigest()


def candidates(rows: list[tuple[int, str, int]], seed: int = 7) -> pl.DataFrame:
    """A frame from (component, id, tokens)."""
    schema = {"component": pl.Int32, "dialogue_id": pl.String, "n_tokens": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(sampling_columns(seed)).with_columns(amount("tokens"), split=pl.lit("train"))


def naive_prefix(rows: list[tuple[int, str, int]], limits: list[int], seed: int = 7) -> set[str]:
    """By rising u, until the next would exceed the budget."""
    kept: set[str] = set()
    for component, budget in enumerate(limits):
        taken = 0
        for _, dialogue_id, tokens in sorted(
            (row for row in rows if row[0] == component), key=lambda row: u_digest(seed, row[1])
        ):
            if taken + tokens > budget:
                break
            taken += tokens
            kept.add(dialogue_id)
    return kept


def mixed(rows: list[tuple[int, str, int]], limits: list[int], cuts: list[float]) -> tuple[set[str], Thresholds]:
    """Ids kept when the candidates come in buckets of u, cut at these points."""
    frame = candidates(rows)
    ends = [0.0, *sorted(cuts), 1.1]
    buckets = [frame.filter(pl.col("u").is_between(low, high, closed="left")) for low, high in pairwise(ends)]
    thresholds = Thresholds(limits, [1] * len(limits))
    thresholds.scan(lambda: buckets)
    return set(frame.filter(thresholds.copies() > 0)["dialogue_id"]), thresholds


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=30).map(
    lambda drawn: [(component, f"s:{number}", tokens) for number, (component, tokens) in enumerate(drawn)]
)
LIMITS = st.lists(st.integers(0, 60), min_size=3, max_size=3)
CUTS = st.lists(st.floats(0, 1), max_size=4)


def test_u_is_published() -> None:
    frame = candidates([(0, "waxal:ä#1", 5)], seed=20260208)
    digest = u_digest(20260208, "waxal:ä#1")
    assert frame[DIGEST].item() == digest
    assert frame["u"].item() == int(digest[:16], 16) / 2**64


def test_amounts_are_in_the_recipes_unit() -> None:
    frame = candidates([(0, "a", 5), (0, "b", 0)])
    assert frame.select(amount("tokens"))["amount"].to_list() == [5, 0]
    assert frame.with_columns(amount("dialogues"))["amount"].to_list() == [1, 1]


@tried(200)
@given(ROWS, LIMITS, CUTS)
def test_a_component_takes_a_prefix_by_u(rows: list[Any], limits: list[int], cuts: list[float]) -> None:
    kept, thresholds = mixed(rows, limits, cuts)
    assert kept == naive_prefix(rows, limits)
    for component, taken in thresholds.taken.items():
        assert taken == sum(tokens for own, key, tokens in rows if own == component and key in kept)
        assert taken <= limits[component]


@tried(100)
@given(ROWS, LIMITS, CUTS)
def test_the_threshold_is_the_u_of_the_first_row_left_out(
    rows: list[Any], limits: list[int], cuts: list[float]
) -> None:
    kept, thresholds = mixed(rows, limits, cuts)
    frame = candidates(rows).with_columns(threshold=thresholds.threshold())
    for component, dialogue_id, u, threshold in frame.select("component", "dialogue_id", "u", "threshold").iter_rows():
        left = [int(u_digest(7, key)[:16], 16) / 2**64 for own, key, _ in rows if own == component and key not in kept]
        assert threshold == (min(left) if left else 1.0)
        assert (u < threshold) == (dialogue_id in kept)


@tried(100)
@given(ROWS, LIMITS, LIMITS)
def test_a_mix_that_grows_keeps_its_rows(rows: list[Any], limits: list[int], more: list[int]) -> None:
    grown = [budget + extra for budget, extra in zip(limits, more, strict=True)]
    assert mixed(rows, limits, [0.5])[0] <= mixed(rows, grown, [0.25])[0]


def test_a_recipe_that_grows_keeps_its_rows() -> None:
    rows = [(at % 3, f"s:{at}", 1) for at in range(300)]
    before: set[str] = set()
    for size in range(1, 60):
        limits = budgets(recipe(size, 0.43, 0.43, 0.14), [100, 100, 100])
        kept, _ = mixed(rows, limits, [])
        assert before <= kept
        assert len(kept) == size
        before = kept


def test_rows_of_one_digest_are_told_apart_by_id() -> None:
    # Digests of two ids never meet in practice; where they do, the id decides and not the order of the rows.
    frame = candidates([(0, key, 1) for key in "cab"]).with_columns(pl.lit("f" * 64).alias(DIGEST))
    for rows in (frame, frame[::-1]):
        thresholds = Thresholds([2], [1])
        thresholds.scan(lambda given=rows: [given])
        assert set(rows.filter(thresholds.copies() > 0)["dialogue_id"]) == {"a", "b"}


# Epochs


def naive_copies(rows: list[tuple[int, str, int]], held: set[str], budget: int, epochs: int) -> dict[str, int]:
    """Epoch by epoch by rising u, the first with all rows and the others without the held-out ones."""
    copies = dict.fromkeys((key for _, key, _ in rows), 0)
    taken = 0
    for epoch in range(epochs):
        if epoch and taken >= budget:
            break
        for _, key, tokens in sorted(rows, key=lambda row: u_digest(7, row[1])):
            if epoch and key in held:
                continue
            if taken + tokens > budget:
                return copies
            taken += tokens
            copies[key] += 1
    return copies


@tried(200)
@given(ROWS, st.integers(0, 200), st.integers(1, 4), CUTS)
def test_epochs_repeat_training_rows_by_rising_u(rows: list[Any], budget: int, epochs: int, cuts: list[float]) -> None:
    rows = [(0, key, tokens) for _, key, tokens in rows]
    held = {key for number, (_, key, _) in enumerate(rows) if number % 3 == 0}
    split = pl.when(pl.col("dialogue_id").is_in(list(held))).then(pl.lit("test")).otherwise(pl.lit("train"))
    frame = candidates(rows).with_columns(split=split)
    ends = [0.0, *sorted(cuts), 1.1]
    buckets = [frame.filter(pl.col("u").is_between(low, high, closed="left")) for low, high in pairwise(ends)]
    thresholds = Thresholds([budget], [epochs])
    thresholds.scan(lambda: buckets)
    assert dict(frame.select("dialogue_id", copies=thresholds.copies()).iter_rows()) == naive_copies(
        rows, held, budget, epochs
    )
    took = frame.select((thresholds.copies() * pl.col("n_tokens")).sum()).item() if rows else 0
    assert took == thresholds.taken.get(0, 0) <= budget


def test_repeats_have_ids_of_their_own() -> None:
    rows = pl.DataFrame({"dialogue_id": ["s:a", "s:b"], "split": ["train", "test"], "copies": [3, 1]})
    rows = rows.with_columns(pl.col("copies").cast(pl.Int32))
    assert with_repeats(rows).rows() == [
        ("s:a", "train"),
        ("s:a@epoch2", "train"),
        ("s:a@epoch3", "train"),
        ("s:b", "test"),
    ]
