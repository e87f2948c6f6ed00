"""Who is told of a takedown: versions, runs, exports, ingests; and any text is answered."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from chats import talk, unlike
from conftest import REF as SMALL
from conftest import corpus_bytes, corpus_of, files_below
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried
from raw_rows import tutor, write_lines
from run_records import write_run_record
from stories import PATCHED, REF, fates, lay, recipe
from takedown_steps import REASON, take

from quimbot_data.build import build, changed_inputs
from quimbot_data.export import Choice, export
from quimbot_data.ingest import ingest
from quimbot_data.plan import plan
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.report import report
from quimbot_data.version import verify
from quimbot_data.why import why
from quimbot_data.workspace import Ref, Workspace
from schemas.run import Ancestor

pytestmark = pytest.mark.usefixtures("plain_card")


# Who is told


def test_the_report_names_versions_runs_and_the_version_to_build(alike: Workspace, quimbot: Any) -> None:
    asked = recipe(["first", "second"], near_duplicates={"action": "tie"}, filters={"exact_duplicates": "keep"})
    manifest, _ = build(alike, asked, REF)
    write_run_record(alike, "tutor-1", version_id=manifest.id)
    entry = take(alike, "first:z")
    ran = quimbot("takedown", "report", "--json", "--workspace", alike.root)
    (found,) = json.loads(ran.out)
    (holder,) = found["holders"]
    assert (holder["version"], holder["dialogues"], holder["near_duplicates"]) == ("meeting@1.0.0", 2, 2)
    assert holder["runs"] == ["tutor-1"]
    assert holder["command"] == "quimbot build meeting@1.0.0 --version 1.0.1"
    assert any(entry.id in line for line in changed_inputs(alike, manifest)), "it cannot be built again"
    assert quimbot(*holder["command"].split()[1:], "--workspace", alike.root).code == 0
    assert alike.version_manifest(PATCHED).identity.recipe == asked
    (holder,) = report(alike, entries(alike))[0].holders
    assert (holder.version, holder.patched, holder.command) == ("meeting@1.0.0", "meeting@1.0.1", None)
    text = quimbot("takedown", "report", entry.id, "--workspace", alike.root).out
    assert "meeting@1.0.1" in text
    quimbot("takedown", "report", "td-000000000000", "--workspace", alike.root).told("no takedown", entry.id)


def test_the_report_names_the_runs_that_saw_a_row(alike: Workspace, quimbot: Any) -> None:
    """Whether it was shown it, up to where it came, or started from a run that was."""
    manifest, _ = build(alike, recipe(["first", "second"]), REF)
    take(alike, "first:z")
    on = {"version": str(REF), "version_id": manifest.id}
    write_run_record(alike, "shown", ["first:y", "first:z"], **on)
    write_run_record(alike, "again", ["first:z@epoch2"], **on)
    write_run_record(alike, "spared", ["first:y"], **on)
    write_run_record(alike, "stopped", ["first:z"], status="interrupted", steps_done=0, **on)
    write_run_record(alike, "elsewhere", ["first:z"], version="gone@1.0.0")
    parent = Ancestor(kind="run", name="shown", stage=1, version_id=manifest.id, adapter="a" * 64, mode="merge")
    write_run_record(alike, "child", ["first:y"], stage=2, lineage=[parent], version="other@1.0.0", version_id="1" * 64)
    (found,) = report(alike, entries(alike))
    assert [(each.run, each.dialogues, each.through) for each in found.learnt] == [
        ("again", 1, []),
        ("child", 0, ["shown"]),
        ("elsewhere", 1, []),
        ("shown", 1, []),
    ]
    assert [holder.runs for holder in found.holders] in ([["again", "shown"]], [])
    text = quimbot("takedown", "report", "--workspace", alike.root).out
    assert "runs/shown was shown 1 row of meeting@1.0.0" in text
    assert "runs/child started from shown, which was shown some" in text
    assert "spared" not in text
    assert "stopped" not in text


def mine(source: str, workspace: Workspace) -> tuple[object, ...]:
    """What ingests the raw files of a source of `lay` again, less the command."""
    facts = ("--as", source, "--family", "conversation", "--license", "CC0-1.0", "--terms", "none")
    return ("messages", workspace.raw(source), *facts, "--workspace", workspace.root)


def test_an_ingest_says_what_of_it_is_taken_down_and_keeps_it_all(alike: Workspace, quimbot: Any) -> None:
    before = corpus_bytes(alike, "second")
    silent = quimbot("ingest", *mine("second", alike), "--json")
    assert (json.loads(silent.out)["taken_down"], "aken down" in silent.err) == ({}, False)
    entry, other = take(alike, "first:z"), take(alike, "second:a", "second:c")
    ran = quimbot("ingest", *mine("second", alike))
    assert f"Taken down by {entry.id}: 1 dialogue of second. " in ran.err
    assert f"Taken down by {other.id}: 2 dialogues of second. " in ran.err
    assert f"`quimbot takedown purge {other.id}` erases it from corpus and raw files" in ran.err
    told = json.loads(quimbot("ingest", *mine("second", alike), "--json").out)["taken_down"]
    assert {name: found["rows"] for name, found in told.items()} == {entry.id: 1, other.id: 2}
    assert corpus_bytes(alike, "second") == before, "a purge needs the origins of all rows"
    lines = quimbot("ingest", *mine("second", alike), "--log-json").err.splitlines()
    assert [line["taken_down"] for line in map(json.loads, lines) if "taken_down" in line] == [entry.id, other.id]


def test_learner_texts_and_refused_rows_come_back_as_loudly(copied: Workspace, raw: Any, quimbot: Any) -> None:
    text, refused = take(copied, "toefl11:900003"), take(copied, raw_ids=["tutor:t15"])
    ran = quimbot("ingest", "toefl11", raw["toefl11"], "--workspace", copied.root)
    assert f"Taken down by {text.id}: 1 learner text of toefl11. " in ran.err
    facts = ("--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0")
    ran = quimbot("ingest", "messages", raw["tutor"], *facts, "--workspace", copied.root)
    assert f"Taken down by {refused.id}: 1 refused row of tutor. " in ran.err
    assert text.id not in ran.err


def test_purged_is_no_all_clear_where_raw_files_bring_rows_back(alike: Workspace, quimbot: Any) -> None:
    entry, kept = take(alike, "first:z"), alike.raw("second") / "rows.jsonl"
    backup = kept.read_bytes()
    found = report(alike, [entry])[0].corpora
    assert [(held.source, held.rows) for held in found] == [("first", 1), ("second", 1)]
    assert quimbot("takedown", "purge", entry.id, "--yes", "--workspace", alike.root).code == 0
    assert report(alike, entries(alike))[0].corpora == []
    kept.write_bytes(backup)
    assert quimbot("ingest", *mine("second", alike)).code == 0
    ran = quimbot("takedown", "report", "--workspace", alike.root)
    assert "  corpus/second holds 1 dialogue of it, though it was purged" in ran.out
    assert "corpus/first" not in ran.out
    told = json.loads(quimbot("takedown", "report", "--json", "--workspace", alike.root).out)
    assert told[0]["corpora"] == [{"source": "second", "unit": "dialogues", "rows": 1, "refused": 0}]


@pytest.mark.slow
def test_the_report_names_exports_also_of_versions_that_were_withdrawn(
    alike: Workspace, tmp_path: Path, quimbot: Any
) -> None:
    build(alike, recipe(["first", "second"]), REF)
    build(alike, recipe(["first"], name="other", filters={"max_chars": 150}), Ref("other", "1.0.0"))
    outside, choice = tmp_path / "for colleagues", Choice("messages-jsonl", "private")
    for ref, output in ((REF, None), (REF, outside), (Ref("other", "1.0.0"), tmp_path / "clean")):
        export(alike, ref, choice, output=output)
    entry = take(alike, "first:z")
    place = ("--workspace", alike.root)
    ran = quimbot("takedown", "report", *place)
    assert f"  meeting@1.0.0 was exported to {outside}, which holds 3 rows of it or like it\n" in ran.out
    within = "exports/meeting-1.0.0-messages-jsonl"
    assert f"  meeting@1.0.0 was exported to {within}, which holds 3 rows of it or like it\n" in ran.out
    assert "clean" not in ran.out
    assert quimbot("takedown", "purge", entry.id, "--yes", *place).code == 0
    told = json.loads(quimbot("takedown", "report", "--json", *place).out)[0]
    assert [(held["folder"], held["outside"], held["gone"]) for held in told["exports"]] == [
        (str(outside), True, False)
    ]
    shutil.rmtree(outside)
    ran = quimbot("takedown", "report", *place)
    assert f"  meeting@1.0.0 was exported to {outside}, not where it was written: moved or deleted" in ran.out


def test_a_version_that_dropped_a_row_may_hold_one_that_is_like_it(alike: Workspace) -> None:
    build(alike, recipe(["second", "first"], near_duplicates={"action": "drop"}), REF)
    assert fates(alike)["first:z"]["fate"] == "dropped"
    take(alike, "first:z")
    (holder,) = report(alike, entries(alike))[0].holders
    assert (holder.dialogues, holder.near_duplicates) == (0, 1)


@pytest.mark.slow
def test_epochs_of_a_row_are_its_rows(tmp_path: Path) -> None:
    workspace = lay(tmp_path, {"one": [talk(str(n), f"Say {n}.", unlike(n)) for n in range(10)]})
    parts = [{"family": "conversation", "weight": 1.0, "sources": ["one"], "max_epochs": 3}]
    build(workspace, recipe([], components=parts, size=30, splits={"validation": 0, "test": 0}), REF)
    entry = take(workspace, "one:4@epoch2")
    assert entry.rows.dialogues == ["one:4"]
    assert report(workspace, [entry])[0].holders[0].dialogues == 3


@pytest.mark.slow
def test_why_plan_and_list_tell_of_it(alike: Workspace, quimbot: Any) -> None:
    entry = take(alike, "first:z")
    asked = recipe(["first", "second"])
    assert plan(alike, asked).taken_down == 4
    build(alike, asked, REF)
    assert f"  meeting@1.0.0 taken down: {REASON} (entry {entry.id})" in why(alike, "first:z").lines()
    near = why(alike, "second:a").lines()
    assert f"  meeting@1.0.0 taken down as a near-duplicate: {REASON} (entry {entry.id})" in near
    assert why(alike, "first:0").takedowns == []
    listed = quimbot("takedown", "list", "--workspace", alike.root)
    assert entry.id in listed.out
    assert "the curator" in listed.out
    told = json.loads(quimbot("takedown", "list", "--json", "--workspace", alike.root).out)
    assert told[0]["rows"]["dialogues"] == ["first:z", "second:b"]
    for command in (("list",), ("report",), ("purge", "--all", "--yes")):
        ran = quimbot("takedown", *command, "--workspace", alike.root / "nowhere")
        ran.told("nowhere does not exist", "--workspace")
        assert (ran.code, ran.out) == (1, "")


@pytest.mark.slow
def test_more_than_a_thousand_rows_are_asked_about(
    tmp_path: Path, quimbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "w")
    write_lines(tutor(1_100), tmp_path / "many.jsonl")
    ingest(workspace, corpus_of("tutor"), [tmp_path / "many.jsonl"], Options())
    at = ("--reason", REASON, "--workspace", workspace.root)
    shown = quimbot("takedown", "add", "--match", "lesson", "--dry-run", *at)
    (line,) = re.findall(r"([0-9,]+) rows would be taken down; nothing was written", shown.out)
    assert int(line.replace(",", "")) > 1_000
    quimbot("takedown", "add", "--match", "lesson", *at).told(f"{line} rows", "no terminal", "--yes", "--dry-run")
    assert entries(workspace) == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert quimbot("takedown", "add", "tutor:t3", *at).code == 0, "few rows need no answer"
    ran = quimbot("takedown", "add", "--match", "lesson", "--yes", *at)
    assert (ran.code, f"Taken down: {line} rows" in ran.out) == (0, True)
    assert len(entries(workspace)) == 2


def test_a_build_needs_no_version_to_take_a_recipe_from_but_says_so(alike: Workspace, quimbot: Any) -> None:
    ran = quimbot("build", "meeting@9.9.9", "--version", "9.9.10", "--workspace", alike.root)
    ran.told("no version meeting@9.9.9")


# Any text


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("fuzzed") / "w"
    return lay(root, {"first": [talk(str(n), f"Say {n}.", unlike(n)) for n in range(3)]})


ANY = st.text(max_size=12) | st.sampled_from(["first:1", "first:", "first:1@epoch2", "../x:y", "Say 1.", "--", "-x"])


@tried(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ANY, option=st.sampled_from(["ID", "--match", "--raw-id", "--reason", "--by"]), verb=st.booleans())
def test_any_text_is_answered_and_nothing_is_written_elsewhere(
    fuzzed: Workspace, quimbot: Any, name: str, option: str, verb: bool
) -> None:
    before = files_below(fuzzed.root.parent)
    arguments = {"--reason": ["first:1"], "--by": ["first:1", "--reason", REASON]}.get(option, ["--reason", REASON])
    given_text = [name] if option == "ID" else [f"{option}={name}"]
    command = ["takedown", "add", *arguments, *given_text]
    if not verb and option == "ID":
        command = ["takedown", "report", name]
    ran = quimbot(*command, "--workspace", fuzzed.root)
    assert ran.code in (0, 1, 2)
    assert "Traceback" not in ran.err
    assert "Unexpected" not in ran.err
    after = files_below(fuzzed.root.parent)
    new = [path for path in after if after[path] != before.get(path)]
    assert all(path.startswith(("w/takedowns/td-", "w/.locks/")) for path in new)
    assert before.keys() <= after.keys()


def test_the_small_version_is_not_touched(built: Workspace) -> None:
    assert verify(built, SMALL) == []


@pytest.mark.slow
def test_exports_and_runs_of_a_version_withdrawn_for_another_entry_are_not_forgotten(
    alike: Workspace, tmp_path: Path, quimbot: Any
) -> None:
    manifest, _ = build(alike, recipe(["first"]), REF)
    outside, place = tmp_path / "for colleagues", ("--workspace", alike.root)
    export(alike, REF, Choice("messages-jsonl", "private"), output=outside)
    write_run_record(alike, "tutor-1", version_id=manifest.id)
    before = take(alike, "first:1")
    stranger = take(alike, "second:a")
    first = take(alike, "first:z")
    assert quimbot("takedown", "purge", first.id, "--yes", *place).code == 0
    later = take(alike, "first:2")
    for entry in (before, later):
        told = quimbot("takedown", "report", entry.id, *place).out
        assert f"meeting@1.0.0 was exported to {outside}" in told
        assert "runs/tutor-1 was trained on it" in told
        assert "may have held" in told
        erased = quimbot("takedown", "purge", entry.id, "--yes", *place).out
        assert f"meeting@1.0.0 was exported to {outside}" in erased
        assert "runs/tutor-1 was trained on meeting@1.0.0" in erased
    assert stranger.id not in alike.tombstone(REF).clear, "a near-copy of it was held"  # type: ignore[union-attr]


def test_an_interrupted_purge_is_no_all_clear(alike: Workspace, quimbot: Any) -> None:
    entry, place = take(alike, "first:z"), ("--workspace", alike.root)
    (alike.root / "takedowns" / "purging.json").write_text("{}")
    for command in ("report", "list"):
        ran = quimbot("takedown", command, *place)
        assert "A purge was interrupted" in ran.err
        assert f"quimbot takedown purge {entry.id}" in ran.err
        assert "No version holds its rows" not in ran.out
    assert json.loads(quimbot("takedown", "report", "--json", *place).out)[0]["interrupted"]
