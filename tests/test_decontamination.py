"""Decontamination: what counts as shared text, and what is told of it."""

import random
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from evaluation_items import ITEM, SHORT, TH_ITEM, THIRTEEN, ZH_ITEM, hits, ids, set_of
from hypothesis import example, given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.decontamination import runs as word_runs
from quimbot_data.decontamination.index import Rule, seek
from quimbot_data.decontamination.matching import (
    MATCHES_SCHEMA,
    SUMMARY_SCHEMA,
    contaminated,
    first_hits,
    matches,
    summary,
    unmatched,
)
from quimbot_data.decontamination.sets import Item, Said, evaluation_set
from quimbot_data.words import own_texts, words
from schemas.errors import InputError, RecipeError
from schemas.frame import dialogue_schema

# The rule


@pytest.mark.parametrize(
    "dialogue",
    [
        ITEM,
        f"Can you help me with my homework?\n{ITEM}\nOf course! The first basket weighs two kilos.",
        ITEM.upper(),
        ITEM.replace(",", "").replace(" ", "\n * "),
        f"Before that, {THIRTEEN} kilos, so we said.",
    ],
    ids=["alone", "within a longer dialogue", "in capitals", "punctuated otherwise", "thirteen words of it"],
)
def test_an_item_within_a_dialogue_is_found(dialogue: str) -> None:
    assert hits(
        [set_of("Something else of the same length, which the dialogue never says, is not hit at all.", ITEM)], dialogue
    ) == [("d0", "bench", "q1", "ngram", f"{THIRTEEN} kilos")]


def test_the_words_shown_are_the_first_that_are_shared() -> None:
    tail = "basket weighs four kilos more than the last what is the total"
    assert hits([set_of(ITEM)], f"We know that each {tail}, don't we?") == [
        ("d0", "bench", "q0", "ngram", f"each {tail}")
    ]


@pytest.mark.parametrize(
    "dialogue",
    [
        f"{THIRTEEN} pounds",
        "a farmer sells three baskets of plums and each basket weighs five kilos more than the last what is the sum",
        "what is the total " * 10,
    ],
    ids=["twelve words", "one word changed in the middle", "common words"],
)
def test_twelve_words_are_not_enough(dialogue: str) -> None:
    assert len(THIRTEEN.split()) == 12
    assert hits([set_of(ITEM)], dialogue) == []
    assert hits([set_of(ITEM)], f"{THIRTEEN} pounds", n=12)[0][3] == "ngram"


@pytest.mark.parametrize(
    ("item", "dialogue", "found"),
    [
        (SHORT, "Tell me: WHAT is the capital - of Mongolia", True),
        (
            SHORT,
            "I asked him what is the capital of Mongolia and he said that it is Ulaanbaatar, as far as he knew.",
            True,
        ),
        (
            SHORT,
            "What is the capital of Outer Mongolia? I have never been there, so please tell me all that you know.",
            False,
        ),
        (SHORT, f"It is asked {' and '.join(SHORT[:22] for _ in range(5))} and Mongolia", False),
        ("Who wrote Hamlet?", "Who wrote Hamlet?", False),
        ("One two three four five", "one two three four five", True),
        ("One two three four", "one two three four", False),
    ],
)
def test_an_item_too_short_for_an_ngram_is_looked_for_whole(item: str, dialogue: str, found: bool) -> None:
    expected = [("d0", "bench", "q0", "exact", " ".join(words(pl.Series([item]))[0]))] if found else []
    assert hits([set_of(item)], dialogue) == expected


@pytest.mark.parametrize(
    ("dialogue", "found"),
    [
        ("Three baskets of plums?\nAnd each basket!", True),
        ("Three baskets of pears?\nAnd each basket!", False),
        ("baskets of plums", False),
    ],
    ids=["whole within an item", "one word differs", "too short to compare"],
)
def test_a_dialogue_too_short_for_an_ngram_is_looked_for_whole(dialogue: str, found: bool) -> None:
    expected = [("d0", "bench", "q0", "exact", "three baskets of plums and each basket")] if found else []
    assert hits([set_of(ITEM)], dialogue) == expected


def test_short_answers_and_options_are_looked_for_by_ngram_only() -> None:
    option, long = "all of the above are true", ITEM
    made = evaluation_set("bench", [Item("q", [Said(True, SHORT), Said(False, option), Said(False, long)])])
    assert hits([made], "I would say that all of the above are true, and that there is no more to say about it.") == []
    assert hits([made], f"Well: {long} That is what I was asked.")[0][3] == "ngram"


def test_texts_of_an_item_and_items_of_a_set_are_not_run_together() -> None:
    one, other = "A farmer sells three baskets of plums", "and each basket weighs four kilos more than the last"
    dialogue = f"And so it was said: {one} {other}. That was all."
    apart = evaluation_set("apart", [Item("q", [Said(False, one), Said(False, other)])])
    assert hits([apart, set_of(f"x {one}", f"{other} x", name="two")], dialogue) == []
    assert [found[1:4] for found in hits([apart, set_of(f"{one} {other}", name="one")], dialogue)] == [
        ("one", "q0", "ngram")
    ]


def test_neighbouring_dialogues_are_not_run_together() -> None:
    cut = ("He said: a farmer sells three baskets of plums,", "and each basket", "weighs four kilos more, I say")
    assert hits([set_of(ITEM, SHORT)], *cut, "So, tell me: what is the capital", "of Mongolia") == []


# Scripts without blanks: a character is half a word (Chinese, Japanese) or a quarter (Thai and its like)


@pytest.mark.parametrize(("item", "length"), [(ZH_ITEM, 26), (TH_ITEM, 52)], ids=["zh", "th"])
def test_ngrams_of_scripts_without_blanks_are_longer(item: str, length: int) -> None:
    characters = words(pl.Series([item]))[0].to_list()
    assert all(len(character) == 1 for character in characters)
    assert len(characters) > length
    shared, short = "".join(characters[:length]), "".join(characters[: length - 1])
    assert hits(
        [set_of(item)], f"Please: {shared}!", f"Please: {short}! And now to something else entirely, my friend."
    ) == [("d0", "bench", "q0", "ngram", " ".join(characters[:20]))]


def test_a_greeting_in_chinese_is_not_contamination() -> None:
    greeting = "你好！请问有什么可以帮助你的吗？"
    assert len(words(pl.Series([greeting]))[0]) >= 13
    assert hits([set_of(f"{greeting}{ZH_ITEM}")], f"{greeting}今天的天气很好，我想去公园散步，你有什么建议吗？") == []


def test_short_chinese_items_are_looked_for_whole() -> None:
    item = "蒙古国的首都是哪里？"  # nine characters: too few
    assert hits([set_of(item)], f"请告诉我，{item}谢谢。") == []
    item = "请问蒙古国的首都是哪里？"  # eleven
    assert hits([set_of(item)], f"老师您好，{item}谢谢您的回答，祝您生活愉快，身体健康，万事如意。")[0][2:4] == (
        "q0",
        "exact",
    )


def test_mixed_text_counts_each_script_by_its_own_measure() -> None:
    item = "Translate 今天的天气很好 into English and then explain every single word"
    assert hits([set_of(item)], f"Please: {item}.")[0][4] == (
        "translate 今 天 的 天 气 很 好 into english and then explain every single word"
    )
    assert hits([set_of(item)], "Translate 今天的天气很好 into English and then explain it, or do something else") == []


# Boilerplate


def test_words_that_many_items_share_count_for_nothing() -> None:
    rubric = "Read the passage below with care and choose the one answer that fits it best of all four"
    items = [
        f"{rubric}. Number {number}: {' '.join(f'{word}{number}' for word in 'abcdefghijk')}" for number in range(11)
    ]
    dialogue = f"My teacher said: {rubric}. I did not."
    assert hits([set_of(*items)], dialogue) == []
    assert [found[2] for found in hits([set_of(*items)], dialogue, items[7])] == ["q7"]
    assert len(hits([set_of(*items[:10])], dialogue)) == 10
    # Another set's items do not make it boilerplate, and copies of one item are one item.
    assert len(hits([set_of(*items[:6], name="a"), set_of(*items[6:], name="b")], dialogue)) == 11
    assert len(hits([set_of(*[items[0]] * 20)], dialogue)) == 1


def test_short_boilerplate_counts_for_nothing_either() -> None:
    instruction = "Translate the following sentence into Spanish"
    made = evaluation_set(
        "bench", [Item(f"q{n:02}", [Said(True, instruction), Said(True, f"{ITEM} {n}")]) for n in range(11)]
    )
    assert (
        hits([made], f"{instruction}: I have never seen such a large number of plums in a single basket before.") == []
    )
    assert hits([made], "translate the following sentence into") == []
    assert hits([set_of(*[f"{ITEM} {n}" for n in range(11)])], "three baskets of plums and each basket") == []


# Who hit what


def test_the_first_hit_goes_by_sets_then_items_and_all_are_counted() -> None:
    first = evaluation_set("first", [Item(key, [Said(True, f"{ITEM} {key}")]) for key in ("b", "a", "c")])
    second = set_of(ITEM, name="second")
    texts = pl.Series([f"{ITEM} And more.", "Nothing of the kind.", f"{SHORT} {ITEM}"])
    found = contaminated([second, first], ids(3), texts)
    assert found.select("dialogue_id", "set", "item", "n_hits").rows() == [
        ("d0", "second", "q0", 4),
        ("d2", "second", "q0", 4),
    ]
    found = contaminated([first, second], ids(3), texts)
    assert found.select("dialogue_id", "set", "item", "n_hits").rows() == [
        ("d0", "first", "a", 4),
        ("d2", "first", "a", 4),
    ]
    assert found.columns == [*MATCHES_SCHEMA, "n_hits"]


def test_one_row_a_dialogue_and_item_whatever_they_share() -> None:
    assert len(hits([set_of(ITEM, SHORT)], f"{ITEM} {ITEM} {SHORT} {SHORT}")) == 2


@pytest.mark.parametrize("texts", [[], [""], [None], ["..."], ["", ITEM, None, ""]])
def test_dialogues_without_words(texts: list[str | None]) -> None:
    found = contaminated([set_of(ITEM)], ids(len(texts)), pl.Series(texts, dtype=pl.String))
    assert found["dialogue_id"].to_list() == [f"d{n}" for n, text in enumerate(texts) if text == ITEM]
    assert contaminated([], ids(len(texts)), pl.Series(texts, dtype=pl.String)).is_empty()


def test_what_a_template_wrote_is_invisible() -> None:
    head = f"{ITEM} Transcribe the following:\n"
    messages = [{"role": "user", "content": f"{head}webale nnyo ssebo"}, {"role": "assistant", "content": "Yes."}]
    derived = {"by": "template", "template": [{"position": 0, "head": len(head), "tail": 0}]}
    provenance = {"raw_id": None, "revision": None, "lineage": None, "derived": derived}
    schema = {name: dialogue_schema()[name] for name in ("messages", "provenance")}
    rows = pl.DataFrame([(messages, provenance)], schema, orient="row")
    assert contaminated([set_of(ITEM)], ids(1), pl.Series([messages[0]["content"]])).height == 1
    assert contaminated([set_of(ITEM)], ids(1), own_texts(rows)).is_empty()


def test_neither_row_order_nor_shards_matter() -> None:
    rng = random.Random(7)
    vocabulary = [f"w{number}" for number in range(40)]
    items = [" ".join(rng.choices(vocabulary, k=rng.choice([3, 6, 9, 15, 30]))) for _ in range(60)]
    dialogues = [
        " ".join(rng.choices(vocabulary, k=rng.choice([0, 4, 8, 20]))) + " " + rng.choice([*items, ""])
        for _ in range(400)
    ]
    sought = seek([set_of(*items[:30], name="a"), set_of(*items[30:], name="b")])
    rows = pl.DataFrame({"id": ids(400), "text": dialogues})
    whole = matches(sought, rows["id"], rows["text"])
    assert whole["set"].n_unique() == 2
    assert whole["rule"].n_unique() == 2
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    assert matches(sought, shuffled["id"], shuffled["text"]).equals(whole)
    parts = [shuffled[:1], shuffled[1:150], shuffled[150:150], shuffled[150:]]
    cut = pl.concat([matches(sought, part["id"], part["text"]) for part in parts])
    assert cut.sort("dialogue_id", maintain_order=True).equals(whole)
    assert first_hits(cut).equals(first_hits(whole))
    assert summary(sought, cut).equals(summary(sought, whole))


def test_more_dialogues_than_are_looked_at_at_a_time() -> None:
    texts = pl.Series(
        [f"{SHORT} {number}" if number % 1000 == 999 else f"Number {number}." for number in range(10_000)]
    )
    found = contaminated([set_of(SHORT)], ids(10_000), texts)
    assert sorted(found["dialogue_id"], key=lambda key: int(key[1:])) == [
        f"d{number}" for number in range(999, 10_000, 1000)
    ]


# Against the rule written out


def weight(word: str) -> int:
    return 2 if word in "今天" else 1 if word == "ก" else 4


def naive_windows(text: list[str], least: int) -> list[tuple[str, ...]]:
    """The shortest runs of this weight, one for each word that begins one."""
    ends = (
        next((end for end in range(begin, len(text) + 1) if sum(map(weight, text[begin:end])) >= least), None)
        for begin in range(len(text))
    )
    return [tuple(text[begin:end]) for begin, end in enumerate(ends) if end is not None]


def naive_stands_in(part: list[str], whole: list[str]) -> int | None:
    places = (place for place in range(len(whole) - len(part) + 1) if whole[place : place + len(part)] == part)
    return next(places, None)


def naive(items: list[list[str]], dialogue: list[str], rule: Rule) -> dict[int, tuple[str, list[str]]]:
    """Items hit: rule and words."""
    lows, highs = rule.min_words * 4, rule.n * 4

    def short(text: list[str]) -> bool:
        return lows <= sum(map(weight, text)) < highs

    def rare(holds: Callable[[list[str]], bool]) -> bool:
        return len({tuple(item) for item in items if holds(item)}) <= rule.max_items

    found: dict[int, tuple[str, list[str]]] = {}
    for number, item in enumerate(items):
        shared = [
            gram
            for gram in naive_windows(dialogue, highs)
            if gram in naive_windows(item, highs) and rare(lambda other, gram=gram: gram in naive_windows(other, highs))
        ]
        if shared:
            found[number] = ("ngram", list(shared[0]))
        elif short(item) and naive_stands_in(item, dialogue) is not None:
            found[number] = ("exact", item)
        elif (
            short(dialogue)
            and naive_stands_in(dialogue, item) is not None
            and rare(lambda other: naive_stands_in(dialogue, other) is not None)
        ):
            found[number] = ("exact", dialogue)
    return found


spoken = st.lists(st.sampled_from(["a", "a", "b", "b", "c", "今", "天", "ก"]), min_size=0, max_size=14)


@tried(150)
@given(
    st.lists(spoken.filter(bool), min_size=1, max_size=5, unique_by=tuple),
    st.lists(spoken, max_size=6),
    st.builds(Rule, n=st.integers(3, 4), min_words=st.integers(1, 3), max_items=st.sampled_from([1, 2, 10])),
)
@example([["a"]], [["a"]], Rule(1, 1, 1))
def test_hits_are_those_of_the_rule_written_out(items: list[list[str]], dialogues: list[list[str]], rule: Rule) -> None:
    sought = seek([set_of(*[" ".join(item) for item in items])], rule)
    found = matches(sought, ids(len(dialogues)), pl.Series([" ".join(said) for said in dialogues], dtype=pl.String))
    expected = [
        (f"d{place}", "bench", f"q{number}", kind, " ".join(shared))
        for place, said in enumerate(dialogues)
        for number, (kind, shared) in sorted(naive(items, said, rule).items())
    ]
    assert found.rows() == expected


@tried(40)
@given(st.lists(spoken.filter(bool), min_size=1, max_size=4, unique_by=tuple), st.lists(spoken, max_size=4))
def test_colliding_hashes_give_no_false_alarm(items: list[list[str]], dialogues: list[list[str]]) -> None:
    rule = Rule(n=3, min_words=2, max_items=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_runs, "_word_hashes", lambda column: np.ones(len(column), np.uint64))
        sought = seek([set_of(*[" ".join(item) for item in items])], rule)
        found = matches(sought, ids(len(dialogues)), pl.Series([" ".join(said) for said in dialogues], dtype=pl.String))
    for dialogue, _, item, _, shared in found.rows():
        assert f" {shared} " in f" {' '.join(items[int(item[1:])])} "
        assert f" {shared} " in f" {' '.join(dialogues[int(dialogue[1:])])} "


# What is told of a set


def test_a_summary_counts_what_was_looked_for_and_what_was_hit() -> None:
    texts = [ITEM, SHORT, "Too short", "Too short", "...", f"{ITEM} Again: {ITEM}"]
    first, second = set_of(*texts, name="first"), set_of("Nobody ever says this sentence of nine words.", name="second")
    sought = seek([first, second])
    found = matches(sought, ids(3), pl.Series([ITEM, f"{ITEM} {SHORT}", "Hello"]))
    told = summary(sought, found)
    assert told.schema == SUMMARY_SCHEMA
    assert told.columns[2:] == ["items", "ngram", "exact", "boilerplate", "too_short", "items_hit", "dialogues_hit"]
    assert told.drop("digest").rows() == [("first", 6, 2, 1, 0, 3, 3, 2), ("second", 1, 0, 1, 0, 0, 0, 0)]
    assert told["digest"].to_list() == [first.digest, second.digest]
    assert unmatched(told) == ["second"]


def test_a_set_is_counted_by_itself_where_another_is_named_first() -> None:
    sought = seek([set_of(ITEM, name="a"), set_of(ITEM, name="b")])
    found = matches(sought, ids(1), pl.Series([ITEM]))
    assert first_hits(found)["set"].to_list() == ["a"]
    assert unmatched(summary(sought, found)) == []


def test_items_that_are_nothing_but_boilerplate_are_counted() -> None:
    items = [Item(f"q{number}", [Said(True, ITEM), Said(False, f"Answer {number}")]) for number in range(11)]
    sought = seek([evaluation_set("bench", items), set_of(name="empty")])
    assert summary(sought, matches(sought, ids(0), pl.Series([], dtype=pl.String))).drop("digest").rows() == [
        ("bench", 11, 0, 0, 11, 0, 0, 0),
        ("empty", 0, 0, 0, 0, 0, 0, 0),
    ]


def test_sets_go_by_different_names_and_rules_by_numbers_that_can_be() -> None:
    with pytest.raises(InputError, match="bench"):
        seek([set_of(ITEM), set_of(SHORT)])
    for numbers in ({"n": 0, "min_words": 0}, {"min_words": 0}, {"n": 4}, {"max_items": 0}):
        with pytest.raises(RecipeError, match="min_words <= n"):
            Rule(**numbers)
    assert contaminated([set_of("one two three")], ids(1), pl.Series(["one two three"]), n=3).height == 1
