"""Splits: the published definition, whole groups, and what growing sources may change."""

import hashlib
from collections import defaultdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.dedup import connected, label_groups
from quimbot_data.split import SALT, assign_splits, unit_interval
from schemas.recipe import Splits

SCHEMA = {"group": pl.String, "lineage": pl.String, "content_hash": pl.String, "language": pl.String}
Row = tuple[str, str | None, str, str]


def share(member: str) -> float:
    """The published hash of a lineage or content."""
    digest = hashlib.sha256(f"quimbot-split-1|{member}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def splits_of(rows: list[Row], splits: Splits) -> list[str]:
    return assign_splits(pl.DataFrame(rows, schema=SCHEMA, orient="row"), splits)["split"].to_list()


def naive(rows: list[Row], splits: Splits) -> list[str]:
    def split(group: str) -> str:
        members = [(share(lineage or content), language) for own, lineage, content, language in rows if own == group]
        if any(own < splits.test or language in splits.languages for own, language in members):
            return "test"
        held = splits.test + splits.validation
        return "validation" if any(own < held for own, _ in members) else "train"

    return [split(group) for group, *_ in rows]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("ghijk"),
        st.none() | st.integers(0, 30).map("seeds:{}".format),
        st.integers(0, 300).map(str),
        st.sampled_from(["en", "ny"]),
    ),
    min_size=1,
    max_size=12,
)
SPLITS = st.builds(
    Splits,
    validation=st.sampled_from([0.0, 0.1, 0.3]),
    test=st.sampled_from([0.0, 0.1, 0.3]),
    languages=st.sampled_from([[], ["ny"]]),
)


@tried(150)
@given(ROWS, SPLITS)
def test_splits_follow_the_published_definition(rows: list[Row], splits: Splits) -> None:
    assert splits_of(rows, splits) == naive(rows, splits)


@pytest.mark.parametrize("content", ["0" * 64, "ab" * 32])
def test_the_salt_is_fixed(content: str) -> None:
    assert SALT == "quimbot-split-1"
    digest = hashlib.sha256(f"{SALT}|{content}".encode()).hexdigest()
    assert pl.select(unit_interval(pl.lit(digest))).item() == share(content)


def test_the_ends_of_the_unit_interval() -> None:
    digests = pl.DataFrame({"digest": ["0" * 64, "8" + "0" * 63, "0" * 15 + "1" + "f" * 48]})
    assert digests.select(unit_interval(pl.col("digest"))).to_series().to_list() == [0.0, 0.5, 1 / 2**64]


@tried(100)
@given(ROWS, SPLITS, st.randoms(use_true_random=False))
def test_no_group_straddles_splits_and_order_says_nothing(rows: list[Row], splits: Splits, random: Any) -> None:
    found = dict(zip(rows, splits_of(rows, splits), strict=True))
    for group in {row[0] for row in rows}:
        assert len({split for row, split in found.items() if row[0] == group}) == 1
    shuffled = random.sample(rows, len(rows))
    assert dict(zip(shuffled, splits_of(shuffled, splits), strict=True)) == found


@tried(150)
@given(ROWS, ROWS, SPLITS, st.dictionaries(st.sampled_from("ghijk"), st.sampled_from("ghijk")))
def test_growth_never_trains_on_what_was_held_out(
    rows: list[Row], more: list[Row], splits: Splits, merged: dict[str, str]
) -> None:
    before = splits_of(rows, splits)
    # New rows join groups, and may tie old groups together.
    grown = [(merged.get(group, group), *rest) for group, *rest in rows + more]
    after = splits_of(grown, splits)[: len(rows)]
    for old, new in zip(before, after, strict=True):
        assert old == "train" or new != "train"
        assert old != "test" or new == "test"


MEMBERS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 8).map("seeds:{}".format),
        st.integers(0, 12).map(str),
        st.sampled_from(["en", "en", "ny"]),
    ),
    min_size=1,
    max_size=10,
)


def grouped(members: list[tuple[str | None, str, str]]) -> list[Row]:
    """Members with the component that a build finds for them."""
    rows, ties = label_groups(pl.DataFrame(members, schema=list(SCHEMA)[1:], orient="row"))
    groups = rows["group"].replace(connected(ties))
    return [(group, *member) for group, member in zip(groups, members, strict=True)]


@tried(150)
@given(MEMBERS, MEMBERS, SPLITS)
def test_sources_that_grow_keep_what_was_held_out_and_no_lineage_or_content_straddles(
    old: list[tuple[str | None, str, str]], new: list[tuple[str | None, str, str]], splits: Splits
) -> None:
    before, after = splits_of(grouped(old), splits), splits_of(grouped(old + new), splits)
    rank = ("train", "validation", "test").index
    assert all(rank(was) <= rank(now) for was, now in zip(before, after, strict=False))
    tied: dict[tuple[int, str], set[str]] = defaultdict(set)
    for member, split in zip(old + new, after, strict=True):
        for place, key in enumerate(member[:2]):
            tied[place, key or f"alone {member[1]}"].add(split)
    assert all(len(found) == 1 for found in tied.values())


def test_shares_of_single_rows_come_out_as_asked() -> None:
    rows: list[Row] = [(str(number), None, str(number), "en") for number in range(20_000)]
    found = pl.Series(splits_of(rows, Splits(validation=0.1, test=0.05)))
    assert (found == "test").mean() == pytest.approx(0.05, abs=0.006)
    assert (found == "validation").mean() == pytest.approx(0.1, abs=0.008)


def test_a_lineage_has_one_chance_however_many_dialogues_grow_from_it() -> None:
    rows: list[Row] = [(f"s:{n // 50}", f"s:{n // 50}", str(n), "en") for n in range(50_000)]
    found = pl.Series(splits_of(rows, Splits(validation=0.02, test=0.02)))
    assert (found != "train").mean() == pytest.approx(0.04, abs=0.02)
    few = [row for row in rows if int(row[2]) % 50 == 0]
    assert splits_of(few, Splits(validation=0.02, test=0.02)) == found.gather_every(50).to_list()


def test_a_held_out_language_goes_to_test_with_its_group() -> None:
    rows: list[Row] = [("g", None, "1", "ny"), ("g", None, "2", "en"), ("h", None, "3", "en")]
    assert splits_of(rows, Splits(validation=0, test=0, languages=["ny"])) == ["test", "test", "train"]


def test_without_shares_all_is_train() -> None:
    rows: list[Row] = [(str(number), None, str(number), "en") for number in range(1000)]
    assert set(splits_of(rows, Splits(validation=0, test=0))) == {"train"}
