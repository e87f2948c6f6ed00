"""Magpie: every published variant, in every form, becomes the same dialogues."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from told import DATA, expected, tell

from quimbot_data.sources.magpie import CORPUS

VARIANTS = json.loads((DATA / "provided" / "magpie.json").read_text(encoding="utf-8"))
HUMAN, GPT = {"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello."}


def write(folder: Path, variant: str, rows: list[dict], form: str) -> Path:
    """The rows as one file, in a form that its name does not always tell."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path = folder / f"{variant}.{'parquet' if form == 'parquet' else 'jsonl' if form == 'lines' else 'json'}"
    if form == "parquet":
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    elif form == "gzip":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines if form == "lines" else json.dumps(rows, indent=1), encoding="utf-8")
    return path


def told_row(folder: Path, row: dict):
    return tell(CORPUS, write(folder, "one", [row], "lines"))


def without_places(rows: list[dict]) -> list[dict]:
    return sorted(({key: value for key, value in row.items() if key != "from"} for row in rows), key=lambda r: r["key"])


@pytest.mark.parametrize("form", ["lines", "array", "gzip", "parquet"])
def test_all_variants_as_expected_in_every_form(tmp_path, form):
    for variant, rows in VARIANTS.items():
        write(tmp_path, variant, rows, form)
    told = tell(CORPUS, tmp_path, revision="r1")
    if form == "lines":
        assert told.dialogues == expected("magpie")
    assert without_places(told.dialogues) == without_places(expected("magpie"))
    assert len(told.raw_rows) == sum(map(len, VARIANTS.values()))
    assert told.repaired == {"columns-disagree": 1, "dangling-user-dropped": 1, "blank-system": 1}
    assert {(Path(file).stem, row): reason for file, row, reason in told.rejected} == {
        ("columns", 1): "no-response",
        ("broken", 0): "no-response",
        ("broken", 1): "no-response",
        ("broken", 2): "no-conversation",
        ("broken", 3): "opens-with-assistant",
        ("broken", 4): "unknown-role",
        ("broken", 5): "empty-content",
    }


def test_conversations_win_over_columns_and_only_disagreement_is_counted(tmp_path):
    row = {"uuid": "a", "conversations": [HUMAN, GPT], "instruction": " Hi.", "response": "Hello.\n"}
    assert not told_row(tmp_path, row).repaired
    longer = row | {"conversations": [HUMAN, GPT, HUMAN, GPT]}
    assert not told_row(tmp_path, longer).repaired, "columns may hold the beginning only"
    other = told_row(tmp_path, row | {"response": "Good day."})
    assert other.repaired == {"columns-disagree": 1}
    assert other.dialogues[0]["messages"][1]["content"] == "Hello."


def test_an_empty_conversation_falls_back_to_the_columns(tmp_path):
    row = {"uuid": "a", "conversations": [], "instruction": "Hi.", "response": "Hello."}
    assert [m["content"] for m in told_row(tmp_path, row).dialogues[0]["messages"]] == ["Hi.", "Hello."]


@pytest.mark.parametrize(
    ("verdict", "safety"),
    [
        ("safe", (False, [], "safe", [])),
        ("unsafe\nS2", (True, ["S2"], "unsafe", [0, 1])),
        ("Unsafe\nS1,S10,S1", (True, ["S1", "S10"], "unsafe", [0, 1])),
        (" ", None),
        (None, None),
    ],
)
def test_llama_guard_becomes_safety(tmp_path, verdict, safety):
    found = told_row(tmp_path, {"uuid": "a", "conversations": [HUMAN, GPT], "llama_guard_2": verdict}).dialogues[0]
    names = ("flagged", "categories", "label", "flagged_positions")
    assert (found["safety"] and tuple(found["safety"][name] for name in names)) == safety


def test_near_duplicates_share_a_lineage(tmp_path):
    told = tell(CORPUS, write(tmp_path, "labelled", VARIANTS["labelled"], "lines"))
    assert [row["provenance"]["lineage"] for row in told.dialogues] == ["m-3", "m-3"]


def test_a_truncated_instruction_is_kept(tmp_path):
    assert told_row(tmp_path, {"uuid": "a", "instruction": "Translate this:", "response": "Into what?"}).dialogues


def test_foreign_and_missing_columns_do_not_break(tmp_path):
    row = {"uuid": 7, "conversations": [HUMAN | {"weight": 1}, GPT], "brand_new": {"x": [1]}, "language": ""}
    (found,) = told_row(tmp_path, row).dialogues
    assert (found["key"], found["language_declared"]) == ("7", None)


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({"uuid", "conversations"}, True),
        ({"conversation_id", "conversations", "gen_input_configs"}, True),
        ({"uuid", "input", "output"}, True),
        ({"conversation_id", "conversation", "model"}, False),
        ({"conversations", "source", "id"}, False),
        ({"context", "response", "dialogue_id"}, False),
        (set(), False),
    ],
)
def test_recognizes_its_columns(columns, known):
    assert CORPUS.recognizes(frozenset(columns)) is known
