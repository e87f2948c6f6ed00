"""Ids: every rule, and that neither the order of rows nor the places they came from decide."""

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from strategies import Row, bare_row, full_text, hashed, messages_of, sealed

from quimbot_data.ids import give_ids
from quimbot_data.shard import KEYED
from schemas.dialogue import Dialogue
from schemas.frame import dialogue_schema, polars_schema
from schemas.learner import LearnerText

SCHEMA = pl.Schema({**dialogue_schema(), **KEYED})


def row(key: str | None, answer: str = "b", at: int = 0, **changes: Any) -> Row:
    """A dialogue under a corpus's own id, from raw row `at`."""
    made = sealed(bare_row() | {"messages": messages_of("a", answer)} | changes)
    return made | {"dialogue_id": "", "key": key, "origins": [{"raw_file": "f", "raw_row": at}]}


def given_ids(rows: list[Row]) -> pl.DataFrame:
    return give_ids(pl.DataFrame(rows, schema=SCHEMA), Dialogue, "dialogue_id")


def ids(*rows: Row) -> list[str]:
    return given_ids(list(rows))["dialogue_id"].to_list()


B, C = row(None)["content_hash"], row(None, "c")["content_hash"]
B12, C12 = B[:12], C[:12]


def test_a_key_that_occurs_once_is_the_id() -> None:
    assert ids(row("k"), row("l")) == ["tutor:k", "tutor:l"]


def test_without_a_key_the_content_hash_is_the_id() -> None:
    assert ids(row(None)) == [f"tutor:{B}"]


def test_all_rows_of_a_repeated_key_add_their_content() -> None:
    assert ids(row("k"), row("k", "c")) == sorted([f"tutor:k#{B12}", f"tutor:k#{C12}"])


def test_later_copies_are_numbered() -> None:
    repeated = [row("k", at=at) for at in range(3)]
    assert ids(*repeated, row("k", "c")) == sorted(
        [f"tutor:k#{B12}", f"tutor:k#{B12}~2", f"tutor:k#{B12}~3", f"tutor:k#{C12}"]
    )
    assert ids(row(None), row(None), row(None, "c")) == sorted([f"tutor:{B}", f"tutor:{B}~2", f"tutor:{C}"])


@pytest.mark.parametrize("key", [f"k#{B12}", f"k#{B12}~2", B, f"{B}~2", f"k#{B12}#{B12}"])
def test_a_key_that_looks_like_an_id_of_ours_adds_its_content(key: str) -> None:
    assert ids(row(key)) == [f"tutor:{key}#{B12}"]
    # So it cannot meet one of ours.
    made = ids(row(key), row("k"), row("k"), row("k", "c"), row(None), row(None))
    assert len(set(made)) == 6


@pytest.mark.parametrize("key", [f"k#{B12.upper()}x", "k#12", "k~2", B[:63], B + "0", "#", "k#000000000000 "])
def test_other_keys_stay_as_they_are(key: str) -> None:
    assert ids(row(key)) == [f"tutor:{key}"]


def test_rows_come_sorted_by_id_without_the_key() -> None:
    made = given_ids([row("z"), row("a"), row("é"), row("Z")])
    assert made["dialogue_id"].to_list() == ["tutor:Z", "tutor:a", "tutor:z", "tutor:é"]
    assert made.columns == [*dialogue_schema(), "origins"]


def test_copies_are_numbered_by_what_they_hold() -> None:
    # Equal content under one key, but another licence: the canonical rows decide, whatever raw row came first.
    first, second = row("k", at=0, license="A"), row("k", at=1, license="B")
    swapped = [row("k", at=1, license="A"), row("k", at=0, license="B")]
    assert given_ids([first, second]).drop("origins").equals(given_ids(swapped).drop("origins"))


def test_learner_texts_get_ids_too() -> None:
    schema = pl.Schema({**polars_schema(LearnerText), **KEYED})
    places = {"origins": [{"raw_file": "f", "raw_row": 0}]}
    rows = [full_text() | places | {"key": key} for key in ("1.txt", "2.txt", "2.txt")]
    made = give_ids(pl.DataFrame(rows, schema=schema), LearnerText, "text_id")
    suffix = hashed(full_text()["text"])[:12]
    assert made["text_id"].to_list() == ["toefl11:1.txt", f"toefl11:2.txt#{suffix}", f"toefl11:2.txt#{suffix}~2"]


KEYS = st.sampled_from([None, None, "k", "l", f"k#{B12}", f"k#{B12}~2", B, f"{B}~2", C])
ROWS = st.lists(st.builds(row, KEYS, st.sampled_from("bc"), license=st.sampled_from("AB")), min_size=1, max_size=8)


@tried(60)
@given(ROWS, st.randoms(use_true_random=False))
def test_ids_are_unique_and_the_same_for_any_order(rows: list[Row], random: Any) -> None:
    numbered = [made | {"origins": [{"raw_file": "f", "raw_row": at}]} for at, made in enumerate(rows)]
    whole = given_ids(numbered)
    assert whole["dialogue_id"].is_unique().all()
    assert whole["dialogue_id"].is_sorted()
    shuffled = random.sample(numbered, len(numbered))
    assert given_ids(shuffled).equals(whole)  # with the same raw rows: the very same table
    elsewhere = [
        made | {"origins": [{"raw_file": f"g{place}", "raw_row": 9 - place}]}
        for made, place in zip(rows, random.sample(range(len(rows)), len(rows)), strict=True)
    ]
    assert given_ids(elsewhere).drop("origins").equals(whole.drop("origins"))  # from other raw rows: the same data


@tried(50)
@given(ROWS)
def test_buckets_of_whole_keys_give_the_ids_of_the_whole(rows: list[Row]) -> None:
    by_base = sorted(rows, key=lambda made: made["key"] or made["content_hash"])
    buckets = [
        given_ids(list(group))
        for _, group in itertools.groupby(by_base, lambda made: made["key"] or made["content_hash"])
    ]
    together = pl.concat(buckets).sort("dialogue_id")
    assert together["dialogue_id"].to_list() == given_ids(rows)["dialogue_id"].to_list()
