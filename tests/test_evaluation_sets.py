"""Evaluation sets: what is read of their files, and what tells one from another."""

import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evaluation_items import ITEM, SHORT, hits, set_of

from quimbot_data.decontamination.sets import Item, Said, evaluation_set, load_set, row_texts
from schemas.errors import InputError
from schemas.frame import dialogue_schema

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
