"""Decontamination: what counts as shared text, what is told of it, and how evaluation sets are read."""

import gzip
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
from quimbot_data.decontamination.sets import EvaluationSet, Item, Said, evaluation_set, load_set, row_texts
from quimbot_data.words import own_texts, words
from schemas.errors import InputError, RecipeError
from schemas.frame import dialogue_schema

ITEM = "A farmer sells three baskets of plums, and each basket weighs four kilos more than the last. What is the total?"
THIRTEEN = "a farmer sells three baskets of plums and each basket weighs four"
ZH_ITEM = "小明的爷爷今年七十二岁，正好是小明年龄的六倍，请问再过几年爷爷的年龄是小明的四倍？"
TH_ITEM = "แม่ค้าขายมะม่วงวันแรกได้สามสิบลูก วันที่สองขายได้มากกว่าวันแรกเจ็ดลูก รวมสองวันขายมะม่วงได้ทั้งหมดกี่ลูก"


def set_of(*texts: str, name: str = "bench") -> EvaluationSet:
    return evaluation_set(name, [Item(f"q{number}", [Said(True, text)]) for number, text in enumerate(texts)])


def hits(sets: list[EvaluationSet], *dialogues: str, **numbers: int) -> list[tuple[str, ...]]:
    """Matches as (dialogue, set, item, rule, match)."""
    found = matches(seek(sets, Rule(**numbers)), ids(len(dialogues)), pl.Series(dialogues, dtype=pl.String))
    assert found.schema == MATCHES_SCHEMA
    return found.rows()


def ids(count: int) -> pl.Series:
    return pl.Series([f"d{number}" for number in range(count)], dtype=pl.String)


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


SHORT = "What is the capital of Mongolia?"


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


@settings(max_examples=150, deadline=None)
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


@settings(max_examples=40, deadline=None)
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


# The identity of a set


def digest(*items: tuple[str, str]) -> str:
    return evaluation_set("any", [Item(key, [Said(True, text)]) for key, text in items]).digest


def test_a_digest_is_of_ids_and_words_whatever_their_order() -> None:
    base = digest(("a", ITEM), ("b", SHORT))
    assert base == digest(("b", SHORT.upper()), ("a", ITEM.replace(",", " ")))
    others = [
        digest(("a", ITEM), ("c", SHORT)),
        digest(("a", ITEM)),
        digest(("a", ITEM), ("b", SHORT), ("b", SHORT)),
        digest(("a", SHORT), ("b", ITEM)),
        digest(("a", ITEM), ("b", f"{SHORT} Tell me")),
        evaluation_set("any", [Item("a", [Said(True, ITEM)]), Item("b", [Said(False, SHORT)])]).digest,
    ]
    assert len({base, *others}) == len(others) + 1


def test_a_digest_is_what_is_published() -> None:
    texts = [Said(False, "The answer"), Said(True, "Hello, world")]
    items = [b"1:b,12:?hello world,11:=the answer,", b"1:c,"]
    digests = sorted(hashlib.sha256(item).digest() for item in items)
    expected = hashlib.sha256(b"".join(digests)).hexdigest()
    assert evaluation_set("any", [Item("b", texts), Item("c", [])]).digest == expected


def test_text_is_compared_in_nfc() -> None:
    composed, decomposed = (
        "El pingüino bebió café en la terraza",
        "El pingu\u0308ino bebio\u0301 cafe\u0301 en la terraza",
    )
    assert digest(("a", composed)) == digest(("a", decomposed))
    assert len(hits([set_of(decomposed)], f"Ayer {composed.lower()}.")) == 1


def test_items_of_one_id_are_told_apart() -> None:
    made = evaluation_set("bench", [Item("q", [Said(True, text)]) for text in (ITEM, SHORT, SHORT)])
    assert made.items.rows() == [("q", 1), ("q~2", 2)]


# Rows


def turn(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("row", "asked", "answers"),
    [
        ({"question": "Q", "choices": ["A", "B"], "answer": 1}, ["Q"], ["A", "B"]),
        ({"question": "Q", "choices": {"text": ["A", "B"], "label": ["x", "y"]}, "answerKey": "x"}, ["Q"], ["A", "B"]),
        ({"question": {"stem": "Q", "choices": [{"text": "A", "label": "x"}]}}, ["Q"], ["A"]),
        ({"task_id": "t/1", "prompt": "P", "canonical_solution": "S", "url": "u"}, ["P"], ["S"]),
        ({"question_id": 81, "category": "C", "turns": ["T1", "T2"]}, ["C", "T1", "T2"], []),
        ({"instruction": "I", "input": "", "output": "O"}, ["I"], ["O"]),
        ({"best_answer": "A", "correct_answers": ["B"], "n": 3, "x": None}, ["A", "B"], []),
        ({"pregunta": "P", "respuesta": "R"}, ["P", "R"], []),
        ({"messages": [turn("system", "S"), turn("user", "U"), turn("assistant", "A")]}, ["U", "S\nU\nA"], []),
        ({"messages": [turn("user", [{"type": "text", "text": "U"}])]}, ["U", "U"], []),
        ({"conversations": [{"from": "gpt", "value": "A"}, {"from": "human", "value": "U"}]}, ["U", "A\nU"], []),
        ({"history": [{"speaker": "tutor", "text": "A"}, {"speaker": "pupil", "text": "B"}]}, ["A", "A\nB"], []),
        ({"dialogue": ["A", "B"], "options": []}, ["A", "A\nB"], []),
        ({"messages": [], "text": " \n"}, [], []),
        ({"id": "x", "image": b"..."}, [], []),
    ],
)  # fmt: skip
def test_the_texts_of_a_row(row: dict[str, Any], asked: list[str], answers: list[str]) -> None:
    read = row_texts(row)
    assert [said.text for said in read if said.asked] == asked
    assert [said.text for said in read if not said.asked] == answers


def test_rows_may_nest_as_deeply_as_they_like() -> None:
    value: Any = ITEM
    for _ in range(20_000):
        value = [{"x": value}]
    assert row_texts({"question": value}) == [Said(True, ITEM)]


# Files

ROWS = [{"id": "first", "question": ITEM}, {"id": "second", "question": SHORT}]
LINES = "".join(f"{json.dumps(row)}\n" for row in ROWS)


def frame_bytes(path: Path, rows: list[dict[str, Any]]) -> None:
    pl.DataFrame(rows).write_parquet(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bench.jsonl", LINES.encode()),
        ("bench.v2.jsonl.gz", gzip.compress(LINES.encode())),
        ("bench.json", json.dumps(ROWS, indent=1).encode()),
        ("bench.json", b"\xef\xbb\xbf" + json.dumps(ROWS).encode()),
        ("bench.parquet", None),
    ],
)
def test_formats_say_the_same(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is None:
        frame_bytes(path, ROWS)
    else:
        path.write_bytes(content)
    made = load_set(path)
    assert made.name == "bench"
    assert made.digest == digest(("first", ITEM), ("second", SHORT))
    assert [found[2:4] for found in hits([made], f"{ITEM} {SHORT}")] == [("first", "ngram"), ("second", "exact")]


def test_plain_text_is_an_item_a_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_bytes(f"{ITEM}\r\n\r\n   \n{SHORT}\nCaf\xe9 au lait".encode("latin-1"))
    made = load_set(path, "mine")
    assert (made.name, made.items["id"].to_list()) == ("mine", ["#0", "#1", "#2"])
    assert [found[1:4] for found in hits([made], SHORT)] == [("mine", "#1", "exact")]


def test_rows_without_an_id_go_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps([{"question": ITEM}, SHORT, ["x", SHORT + " Now"], 5, {"idx": 7, "q": "w"}])
    )
    assert load_set(tmp_path / "a.json").items.rows() == [("#0", 1), ("#1", 1), ("#2", 1), ("#3", 1), ("7", 1)]
    (tmp_path / "b.txt").write_text("One line")
    (tmp_path / "README.md").write_text("Not an item")
    made = load_set(tmp_path)
    assert made.name == tmp_path.name
    assert made.items["id"].to_list() == ["7", "a.json#0", "a.json#1", "a.json#2", "a.json#3", "b.txt#0"]


def version(folder: Path, splits: dict[str, list[tuple[str, str]]]) -> Path:
    """A folder that looks like a version: dialogues of (id, what the user says) by split, all of one template."""
    (folder / "data").mkdir(parents=True)
    schema = {name: dialogue_schema()[name] for name in ("dialogue_id", "messages", "language", "provenance")}
    for split, dialogues in splits.items():
        rows = []
        for key, text in dialogues:
            messages = [
                {"role": "user", "content": f"Correct this: {text}"},
                {"role": "assistant", "content": "It is."},
            ]
            derived = {"by": "template", "template": [{"position": 0, "head": 14, "tail": 0}]}
            provenance = {"raw_id": None, "revision": None, "lineage": None, "derived": derived}
            rows.append((key, messages, "en", provenance))
        pl.DataFrame(rows, schema, orient="row").write_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    (folder / "fates.parquet").write_bytes(b"not read")
    return folder


def test_a_version_is_read_by_its_held_out_splits(tmp_path: Path) -> None:
    other = "Nobody looks for this sentence, for it was in the training split and not held out at all."
    folder = version(
        tmp_path / "stage1" / "1.0.0",
        {"train": [("x:1", other)], "validation": [("x:2", ITEM)], "test": [("x:3", SHORT)]},
    )
    made = load_set(folder)
    assert made.name == "stage1@1.0.0"
    assert made.items["id"].to_list() == ["x:2", "x:3"]
    said = {key: " ".join(found) for key, found in zip(made.items["id"], made.texts["words"], strict=True)}
    assert said["x:3"] == "what is the capital of mongolia it is"
    assert [found[2] for found in hits([made], other, f"{ITEM} Well?")] == ["x:2"]
    assert load_set(folder, splits=["train"]).items["id"].to_list() == ["x:1"]
    one = load_set(folder / "data" / "test-00000-of-00001.parquet", "held-out")
    assert (one.name, one.items["id"].to_list()) == ("held-out", ["x:3"])
    with pytest.raises(InputError, match="validation"):
        load_set(version(tmp_path / "stage1" / "2.0.0", {"train": [("x:1", other)]}))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b' \n{"question": "Why?"}\n{"question": \n', "row 1"),
        ("a.json", b'[{"question": "Why?"}, {"quest', "row 1"),
        ("a.json", b"[]", "no text"),
        ("a.json", b'[{"id": "only", "n": 1}, {"question": "..."}]', "2 items"),
        ("a.txt", b"??\n!!\n", "no text"),
        ("a.txt", b"PK\x03\x04\x00\x00 not text", "NUL"),
        ("a.parquet", b"PAR1 and no more", "Parquet"),
        ("a.jsonl.gz", gzip.compress(LINES.encode() * 500)[:-20], "gzip"),
        ("a.txt.gz", gzip.compress(random.Random(1).randbytes(50_000).hex().encode())[:-20], "gzip"),
    ],
)  # fmt: skip
def test_what_is_no_evaluation_set_is_refused_by_name(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=told) as stop:
        load_set(path)
    assert name in str(stop.value)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_set(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no file"):
        load_set(tmp_path)
    frame_bytes(tmp_path / "empty.parquet", [{"question": "x"}])
    pl.read_parquet(tmp_path / "empty.parquet").clear().write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="no text"):
        load_set(tmp_path / "empty.parquet")
