"""Duplicates: who survives, and what hangs together."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.dedup import connected, drop_exact_duplicates, label_groups

SCHEMA = {
    "dialogue_id": pl.String,
    "content_hash": pl.String,
    "priority": pl.Int32,
    "step": pl.String,
    "reason": pl.String,
}
Row = tuple[str, str, int, str | None, str | None]


def dropped(rows: list[Row], *, drop: bool = True) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Step, reason and detail by id."""
    frame = drop_exact_duplicates(pl.DataFrame(rows, schema=SCHEMA, orient="row"), drop=drop)
    assert frame.columns == [*SCHEMA, "detail"]
    return {key: (step, reason, detail) for key, _, _, step, reason, detail in frame.iter_rows()}


def duplicate_of(survivor: str) -> tuple[str, str, str]:
    return ("dedup", "exact-duplicate", survivor)


KEPT = (None, None, None)
LONG = ("filter", "max_chars", None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "x", 0, None, None), ("b", "y", 0, None, None)], {"a": KEPT, "b": KEPT}),
        ([("b", "x", 0, None, None), ("a", "x", 0, None, None)], {"a": KEPT, "b": duplicate_of("a")}),
        # The source that the recipe names first goes before the smaller id.
        ([("a", "x", 1, None, None), ("b", "x", 0, None, None)], {"b": KEPT, "a": duplicate_of("b")}),
        # What was dropped before neither survives nor is dropped again.
        ([("a", "x", 0, "filter", "max_chars"), ("b", "x", 1, None, None)], {"a": LONG, "b": KEPT}),
        ([("a", "x", 0, "filter", "max_chars"), ("b", "x", 0, "filter", "max_chars")], {"a": LONG, "b": LONG}),
    ],
)
def test_who_survives(rows: list[Row], expected: dict[str, Any]) -> None:
    assert dropped(rows) == expected
    assert dropped(rows[::-1]) == expected


def test_a_recipe_may_keep_duplicates() -> None:
    assert dropped([("b", "x", 0, None, None), ("a", "x", 0, None, None)], drop=False) == {"a": KEPT, "b": KEPT}


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    count = draw(st.integers(1, 10))
    fates = [(None, None), (None, None), ("filter", "max_chars")]
    made: list[Row] = []
    for number in range(count):
        content, priority, fate = draw(st.sampled_from("xyz")), draw(st.integers(0, 2)), draw(st.sampled_from(fates))
        made.append((f"id{number}", content, priority, *fate))
    return draw(st.permutations(made))


@tried(100)
@given(tables())
def test_the_survivor_is_the_naive_one_whatever_the_order(rows: list[Row]) -> None:
    found = dropped(rows)
    for key, content, _, step, reason in rows:
        rivals = [(other[2], other[0]) for other in rows if other[1] == content and other[3] is None]
        survivor = min(rivals)[1] if rivals else None
        if step is not None:
            assert found[key] == (step, reason, None)
        else:
            assert found[key] == (KEPT if key == survivor else duplicate_of(str(survivor)))


def labels(rows: list[tuple[str, str | None]]) -> tuple[dict[int, str], list[tuple[str, str]]]:
    frame = pl.DataFrame(rows, schema={"content_hash": pl.String, "lineage": pl.String}, orient="row").with_row_index()
    grouped, tied = label_groups(frame)
    return dict(grouped.select("index", "group").iter_rows()), tied


def test_a_group_is_the_smallest_lineage_or_the_content() -> None:
    groups, tied = labels([("x", None), ("x", None), ("y", "t2"), ("y", "t1"), ("y", None), ("z", "t2")])
    assert groups == {0: "x", 1: "x", 2: "t1", 3: "t1", 4: "t1", 5: "t2"}
    assert tied == [("t1", "t2")]


def naive_components(pairs: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Each label's component, by growing sets until nothing changes."""
    component = {label: {label} for pair in pairs for label in pair}
    while True:
        grown = {
            label: members.union(*(component[member] for member in members)) for label, members in component.items()
        }
        for one, other in pairs:
            grown[one] |= {other}
            grown[other] |= {one}
        if grown == component:
            return component
        component = grown


PAIRS = st.lists(st.tuples(*[st.sampled_from([f"t{number}" for number in range(12)])] * 2), max_size=14)


@given(PAIRS, st.randoms(use_true_random=False))
def test_components_are_the_naive_ones(pairs: list[tuple[str, str]], random: Any) -> None:
    roots = connected(pairs)
    assert roots == {label: min(members) for label, members in naive_components(pairs).items() if label != min(members)}
    assert connected(random.sample(pairs, len(pairs))) == roots
    assert connected([(other, one) for one, other in pairs]) == roots


def test_a_long_chain_is_one_component() -> None:
    chain = [(f"{number:05}", f"{number + 1:05}") for number in range(20_000)]
    for pairs in (chain, chain[::-1]):
        assert set(connected(pairs).values()) == {"00000"}


@tried(100)
@given(
    st.lists(
        st.tuples(st.sampled_from("wxyz"), st.sampled_from([None, "t1", "t2", "t3", "t4"])), min_size=1, max_size=10
    )
)
def test_groups_tie_equal_contents_and_equal_lineages(rows: list[tuple[str, str | None]]) -> None:
    groups, tied = labels(rows)
    roots = connected(tied)
    final = [roots.get(groups[at], groups[at]) for at in range(len(rows))]
    # Naively: contents and lineages are nodes, each row ties its two.
    naive = naive_components([(f"content {content}", lineage or f"content {content}") for content, lineage in rows])
    for at, (content, _) in enumerate(rows):
        for other, (other_content, _) in enumerate(rows):
            together = f"content {other_content}" in naive[f"content {content}"]
            assert (final[at] == final[other]) == together
