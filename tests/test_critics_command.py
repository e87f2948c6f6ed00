"""`quimbot critics check`: what it counts, names, keeps and refuses."""

import json

import polars as pl
import pytest
from scaffolding import VALID, valid_dialogues


def test_the_command_counts_names_and_keeps_the_rejected(quimbot, tmp_path):
    broken = valid_dialogues()[0]
    broken["messages"][1]["content"] = "That's wrong."
    plain = {"id": "plain", "messages": VALID[1]["messages"]}
    path = tmp_path / "dialogues.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*VALID, broken, plain]))
    rejected = tmp_path / "rejected.parquet"
    ran = quimbot("critics", "check", path, "--json", "--output", rejected)
    found = json.loads(ran.out)
    assert (found["dialogues"], found["annotated"], found["rejected"]) == (len(VALID) + 2, len(VALID) + 1, 1)
    assert found["failed"] == {"explicit-correction": 1, "hint": 1}
    assert found["unchecked"]["recast"] == 1
    assert "splits" in found["batch"]["unchecked"]
    [row] = pl.read_parquet(rejected).to_dicts()
    assert (row["place"], row["dialogue_id"], row["failed"]) == (
        len(VALID),
        "en-narrower",
        ["explicit-correction", "hint"],
    )
    assert json.loads(row["row"])["messages"] == broken["messages"]
    first = rejected.read_bytes()
    quimbot("critics", "check", path, "--output", rejected)
    assert rejected.read_bytes() == first
    shown = quimbot("critics", "check", path)
    assert "1 rejected" in shown.out
    assert "explicit-correction" in shown.out


def test_all_failures_of_the_first_rejected_are_shown_and_how_many_there_are(quimbot, tmp_path):
    said = [{"role": "user", "content": "I go there."}, {"role": "assistant", "content": "That's wrong. Say it again."}]
    path = tmp_path / "plain.jsonl"
    path.write_text("".join(json.dumps({"id": f"d{at}", "messages": said}) + "\n" for at in range(12)))
    shown = quimbot("critics", "check", path)
    assert shown.code == 0
    assert "The first 10 of 12 rejected dialogues" in shown.out
    assert shown.out.count(": structure: ") == shown.out.count(": explicit-correction: ") == 10


RECIPE = """
name = "tutor"
unit = "dialogues"
size = "max"

[[components]]
family = "pedagogical"
weight = 1
sources = ["synthetic"]

[splits]
validation = 0.3
test = 0.3
"""


@pytest.mark.slow
def test_the_command_reads_a_version_with_its_splits(quimbot, built, tmp_path):
    path = tmp_path / "dialogues.jsonl"
    rows = [{**each, "generator": "hand-written@1"} for each in VALID]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = tmp_path / "tutor.toml"
    recipe.write_text(RECIPE)
    place = ("-w", tmp_path / "w")
    assert quimbot(*place, "ingest", "synthetic", path).code == 0
    assert quimbot(*place, "build", recipe, "--version", "1.0.0").code == 0
    found = json.loads(quimbot(*place, "critics", "check", "tutor@1.0.0", "--json").out)
    assert found["dialogues"] == found["annotated"] == found["valid"] > 10
    assert "splits" not in found["batch"]["unchecked"]
    quimbot("-w", built.root, "critics", "check", "small@1.0.0").told("holds no annotated dialogue")


def test_the_command_reads_parquet_and_other_layouts(quimbot, tmp_path):
    path = tmp_path / "dialogues.parquet"
    pl.DataFrame(valid_dialogues()).write_parquet(path)
    assert json.loads(quimbot("critics", "check", path, "--json").out)["valid"] == len(VALID)
    other = tmp_path / "other.json"
    other.write_text(
        json.dumps([{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Wrong."}]}])
    )
    rows = tmp_path / "rows.jsonl"
    found = json.loads(quimbot("critics", "check", other, "--json", "--output", rows).out)
    assert found["failed"] == {"structure": 1, "explicit-correction": 1}
    assert json.loads(rows.read_text())["failed"] == ["structure", "explicit-correction"]


def test_critics_see_turns_as_they_stand_and_read_what_measures_read(quimbot, tmp_path):
    twice = [{"role": "user", "content": text} for text in ("Hi.", "I goed home.")]
    path = tmp_path / "chats.jsonl"
    rows = [{"messages": [*twice, {"role": "assistant", "content": "You went home?"}]}]
    rows.append({"conversation": "Teacher: (focus)How many?|EOM|Ada: Ten|EOM|Teacher: (generic)Why ten?"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(quimbot("critics", "check", path, "--json").out)
    assert (found["dialogues"], found["failed"]) == (2, {"structure": 2})


def test_the_command_says_what_it_cannot_read(quimbot, tmp_path):
    quimbot("critics", "check", tmp_path / "nothing.jsonl").told("neither a file nor a version", "NAME@X.Y.Z")
    bare_rows = tmp_path / "rows.jsonl"
    bare_rows.write_text('{"text": "x"}\n')
    quimbot("critics", "check", bare_rows).told("row 0 is no dialogue", "no messages", "text")
    bare_rows.write_text("{}\n{")
    quimbot("critics", "check", bare_rows).told("row 1 is no record")
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(VALID[0]) + "\n")
    quimbot("critics", "check", good, "--output", tmp_path / "x.csv").told(".parquet, .jsonl")
