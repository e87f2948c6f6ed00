"""Messages taken apart and put together again."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from strategies import messages_of, texts

from quimbot_data.flat import flatten
from schemas.frame import dialogue_schema

MESSAGES = dialogue_schema()["messages"]
columns = st.lists(st.lists(texts, max_size=4).map(lambda contents: messages_of(*contents)), max_size=5)


def series(rows: list[list[dict[str, str]]]) -> pl.Series:
    return pl.Series("messages", rows, dtype=MESSAGES)


@tried(100)
@given(columns, st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_taken_apart_and_put_together_is_the_same(
    rows: list[list[dict[str, str]]], start: int, length: int, chunked: bool
) -> None:
    whole = pl.concat([series(rows), series(rows)], rechunk=False) if chunked else series(rows)
    for column in (whole, whole[start : start + length]):
        flat = flatten(column)
        assert flat.contents.to_list() == [message["content"] for row in column for message in row]
        assert flat.roles.to_list() == [message["role"] for row in column for message in row]
        assert flat.offsets.tolist() == [0, *np.cumsum([len(row) for row in column]).tolist()]
        assert flat.column(flat.contents).equals(column)


@tried(100)
@given(columns, st.integers(1, 6))
def test_blocks_are_the_dialogues_in_order(rows: list[list[dict[str, str]]], messages: int) -> None:
    flat = flatten(series(rows))
    blocks = list(flat.blocks(messages))
    put = [dialogue for block in blocks for dialogue in block.column(block.contents).to_list()]
    assert put == rows
    longest = max((len(row) for row in rows), default=0)
    assert all(len(block.contents) < messages + longest for block in blocks if len(block.contents))
    assert blocks


def test_other_contents_take_the_places_of_the_old() -> None:
    flat = flatten(series([messages_of("a", "b"), [], messages_of("c", "d", system="s")]))
    put = flat.column(flat.contents.str.to_uppercase())
    assert put.dtype == MESSAGES
    assert put.to_list() == [messages_of("A", "B"), [], messages_of("C", "D", system="S")]


@given(columns)
def test_totals_are_sums_over_each_dialogue(rows: list[list[dict[str, str]]]) -> None:
    flat = flatten(series(rows))
    total = flat.total(flat.contents.str.len_chars().alias("n_chars"))
    assert total.name == "n_chars"
    assert total.dtype == pl.Int64
    assert total.to_list() == [sum(len(message["content"]) for message in row) for row in rows]


@pytest.mark.parametrize(
    ("messages", "dialogues"), [([], []), ([0], [0]), ([1, 0], [0]), ([2], [2]), ([5, 2, 0, 6], [0, 2, 4])]
)
def test_messages_know_their_dialogues(messages: list[int], dialogues: list[int]) -> None:
    # Dialogues 1 and 3 are empty; 0 holds two messages, 2 four, 4 two.
    contents = [["a", "b"], [], ["c", "d", "e", "f"], [], ["g", "h"]]
    flat = flatten(series([messages_of(*row) for row in contents]))
    assert flat.dialogues(np.array(messages, dtype=np.int64)).tolist() == dialogues


@tried(100)
@given(columns, st.integers(0, 3))
def test_texts_of_a_dialogue_are_joined_end_to_end(rows: list[list[dict[str, str]]], start: int) -> None:
    flat = flatten(series(rows)[start:])
    texts = flat.contents + "|"
    assert flat.joined(texts).to_list() == ["".join(m["content"] + "|" for m in row) for row in rows[start:]]
