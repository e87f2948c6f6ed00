"""Annotations in SQL: turns and errors are those of the dialogues, joined by position and number."""

import json
from collections import Counter

import pytest
from conftest import ingest_all
from scaffolding import VALID

from quimbot_data.ingest import ingest
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    place = tmp_path_factory.mktemp("pedagogy")
    rows = [{**each, "generator": "hand-written@1"} for each in VALID]
    (place / "dialogues.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    ingest(Workspace(place / "w"), SOURCES["synthetic"], [place / "dialogues.jsonl"], Options(), threads=1)
    return Workspace(place / "w")


@pytest.fixture(scope="module")
def ask(workspace):
    return lambda query: run_query(workspace, query).to_pylist()


def test_turns_are_the_annotations(ask):
    rows = ask("SELECT * FROM turns ORDER BY dialogue_id, position")
    told = {(f"synthetic:{each['id']}", note["position"]): note for each in VALID for note in each["pedagogy"]["turns"]}
    assert {(row["dialogue_id"], row["position"]) for row in rows} == set(told)
    for row in rows:
        note = told[row["dialogue_id"], row["position"]]
        for key in ("signals", "uptake", "latency_seconds", "moves", "strategy", "target", "languages"):
            assert row[key] == note[key], key
        assert row["role"] == ("user", "assistant")[row["position"] % 2]
        assert row["note_region"] == (note["cultural_note"] or {}).get("region")


def test_turns_join_with_their_messages(ask):
    [row] = ask(
        "SELECT content, cefr, background FROM turns JOIN messages USING (dialogue_id, position) "
        "WHERE list_contains(signals, 'slow_response') AND target_language = 'es'"
    )
    assert row == {"content": "Mmm...", "cefr": "A2", "background": "heritage"}


def test_errors_are_the_spans_and_turns_name_them_by_number(ask):
    rows = ask("SELECT * FROM errors ORDER BY dialogue_id, number")
    assert len(rows) == sum(len(each["pedagogy"]["errors"]) for each in VALID)
    cited = ask(
        "SELECT content[start_char + 1 : end_char] AS cited, original "
        "FROM errors JOIN messages USING (dialogue_id, position)"
    )
    assert all(row["cited"] == row["original"] for row in cited)
    [target] = ask(
        "SELECT original, corrected, type "
        "FROM turns JOIN errors ON turns.dialogue_id = errors.dialogue_id AND target = number "
        "WHERE strategy = 'explore' AND turns.target_language = 'zh'"
    )
    assert target == {"original": "见面", "corrected": "见", "type": "R:LEXIS"}


def test_moves_are_counted_by_language_and_background(quimbot, workspace):
    rows = json.loads(quimbot("-w", workspace.root, "sql", "@moves", "--json").out)
    told = Counter(
        (each["language"], each["pedagogy"]["learner"]["background"], move)
        for each in VALID
        for note in each["pedagogy"]["turns"]
        for move in note["moves"]
    )
    assert {(row["target_language"], row["background"], row["move"]): row["turns"] for row in rows} == told
    ran = quimbot("-w", workspace.root, "sql", "@moves", "--param", "language=zh", "--json")
    assert {row["target_language"] for row in json.loads(ran.out)} == {"zh"}


def test_error_types_say_how_they_were_supported_and_repaired(quimbot, workspace):
    rows = json.loads(quimbot("-w", workspace.root, "sql", "@error-types", "--json").out)
    [number] = [row for row in rows if (row["target_language"], row["type"]) == ("en", "R:NOUN:NUM")]
    assert number == {
        "target_language": "en", "type": "R:NOUN:NUM", "errors": 1, "recasts": 0, "questions": 1, "hints": 1,
        "explores": 0, "repair_rate": 0.5,
    }  # fmt: skip
    assert sum(row["errors"] for row in rows) == sum(len(each["pedagogy"]["errors"]) for each in VALID)


def test_corpora_without_annotations_have_neither(tmp_path):
    workspace = Workspace(tmp_path / "w")
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    (tmp_path / "chat.jsonl").write_text(json.dumps(row) + "\n")
    ingest_all(workspace, {"tutor": tmp_path})
    assert run_query(workspace, "SELECT * FROM turns").num_rows == 0
    assert run_query(workspace, "SELECT * FROM errors").num_rows == 0
