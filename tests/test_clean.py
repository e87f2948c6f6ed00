"""Clean-up of text: each repair by name, and all of them against a plain reading of the table."""

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from strategies import TRICKY, texts

from quimbot_data.clean import BLANK_RUN, clean
from schemas.fields import WHITESPACE, text_fault

#: Texts around the limit of a run of blanks, and pieces that only together need a repair.
PIECES = [
    *TRICKY,
    " " * 150,
    "\t\n" * 60,
    "\r\n" * 101,
    "\xa0" * 201,
    "\u3000" * 201,
    "\r\x00\n",
    "e\x00\u0301",
    "x" * 300,
]
untidy = st.lists(st.one_of(st.sampled_from(PIECES), texts), max_size=6).map("".join)


def cleaned(text: str) -> tuple[str, set[str]]:
    result, repairs = clean(pl.Series([text]))
    assert all(positions.tolist() == [0] for positions in repairs.values())
    return result.item(), set(repairs)


def naive(text: str) -> str:
    """The table of the module, read line by line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(one for one in text if one in "\t\n" or (unicodedata.category(one) != "Cc" and one != "\ufeff"))
    text = text.replace("\xa0", " ")
    text = re.sub(r"[ \t\n]+", lambda run: run.group()[:BLANK_RUN], text)
    return unicodedata.normalize("NFC", text).strip(WHITESPACE)


@pytest.mark.parametrize(
    ("text", "expected", "repairs"),
    [
        ("plain: text", "plain: text", set()),
        (" \n ends \u3000", "ends", set()),
        ("", "", set()),
        ("\u2028", "", set()),
        ("a\x00b\x1bc\x7fd\x85e", "abcde", {"control-character"}),
        ("\ufeffa\ufeff", "a", {"control-character"}),
        ("a\r\nb\rc", "a\nb\nc", {"carriage-return"}),
        ("a\r\x00\nb", "a\n\nb", {"carriage-return", "control-character"}),
        ("a\xa0b", "a b", {"no-break-space"}),
        ("a" + " " * 200 + "b", "a" + " " * 200 + "b", set()),
        ("a" + " " * 201 + "b", "a" + " " * 200 + "b", {"blank-run"}),
        ("a\n" + " \t" * 500 + "b", "a\n" + (" \t" * 500)[:199] + "b", {"blank-run"}),
        ("a" + "\xa0" * 201 + "b", "a" + " " * 200 + "b", {"no-break-space", "blank-run"}),
        ("a" + "\r" * 201 + "b", "a" + "\n" * 200 + "b", {"carriage-return", "blank-run"}),
        ("a" + "\x00 " * 201 + "b", "a" + " " * 200 + "b", {"control-character", "blank-run"}),
        ("cafe\u0301", "café", {"nfc"}),
        ("e\x00\u0301", "é", {"control-character", "nfc"}),
        ("\u1112\u1161\u11ab", "한", {"nfc"}),
        ("\u0958", "क\u093c", {"nfc"}),
        ("a\u0301\u0323", "\u1ea1\u0301", {"nfc"}),
        ("a\u200bb\u2060c\u00add", "a\u200bb\u2060c\u00add", set()),
        ("👩\u200d🌾 🇺🇬", "👩\u200d🌾 🇺🇬", set()),
    ],
)
def test_each_repair(text: str, expected: str, repairs: set[str]) -> None:
    assert cleaned(text) == (expected, repairs)


def test_positions_are_of_the_texts_that_changed() -> None:
    before = pl.Series("content", ["fine", "a\rb", "  fine", "e\u0301\r", "a\xa0"])
    after, repairs = clean(before)
    assert after.to_list() == ["fine", "a\nb", "fine", "é", "a"]
    assert {name: positions.tolist() for name, positions in repairs.items()} == {
        "carriage-return": [1, 3],
        "no-break-space": [4],
        "nfc": [3],
    }
    assert before.to_list() == ["fine", "a\rb", "  fine", "e\u0301\r", "a\xa0"]  # the caller's series is left alone


def test_no_texts_are_no_work() -> None:
    after, repairs = clean(pl.Series([], dtype=pl.String))
    assert after.to_list() == []
    assert repairs == {}


@tried(300)
@given(st.lists(untidy, min_size=1, max_size=6))
def test_clean_text_is_valid_and_stays_as_it_is(contents: list[str]) -> None:
    once, _ = clean(pl.Series(contents))
    assert {text_fault(text) for text in once} <= {None, "empty-content"}
    twice, repairs = clean(once)
    assert twice.equals(once)
    assert repairs == {}


@tried(300)
@given(st.lists(untidy, min_size=1, max_size=6))
def test_clean_up_is_what_the_table_says(contents: list[str]) -> None:
    known = [text for text in contents if all(unicodedata.category(one) != "Cn" for one in text)]  # to this Python
    assert clean(pl.Series(known, dtype=pl.String))[0].to_list() == [naive(text) for text in known]


@tried(100)
@given(untidy, st.sampled_from(["Translate: ", "Tell me more about "]), st.sampled_from([".", " Thank you!"]))
def test_text_of_templates_keeps_its_length(text: str, head: str, tail: str) -> None:
    # Heads and tails begin and end with what clean-up leaves alone, so spans count from both ends afterwards too.
    after, _ = clean(pl.Series([f"{head}x{text}x{tail}"]))
    assert after.item().startswith(head)
    assert after.item().endswith(tail)


@tried(100)
@given(st.lists(untidy, min_size=2, max_size=6), st.data())
def test_a_text_is_cleaned_alike_in_any_company(contents: list[str], data: st.DataObject) -> None:
    together = clean(pl.Series(contents))[0].to_list()
    order = data.draw(st.permutations(range(len(contents))))
    assert [together[at] for at in order] == clean(pl.Series([contents[at] for at in order]))[0].to_list()
