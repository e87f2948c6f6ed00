"""Takedowns: what a request takes, that no build holds it or what is like it, and who is told to hold it still."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import REF as SMALL
from conftest import corpus_bytes, corpus_of, files_below, version_bytes
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried
from raw_rows import tutor, write_lines
from run_records import write_run_record
from test_decide import REF, STORY, data, fates, lay, recipe, row, unlike

from quimbot_data.build import build, changed_inputs
from quimbot_data.export import Choice, export
from quimbot_data.ingest import ingest
from quimbot_data.ledger import check_conservation
from quimbot_data.plan import plan
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import LOCK, entries
from quimbot_data.takedowns.report import report
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.version import verify
from quimbot_data.why import why
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, IntegrityError, LockedError, MissingError
from schemas.run import Ancestor
from schemas.takedown import Takedown

pytestmark = pytest.mark.usefixtures("plain_card")

REASON = "its author asked"
PATCHED = Ref("meeting", "1.0.1")


def take(workspace: Workspace, *ids: str, match: str | None = None, raw_id: str | None = None) -> Takedown:
    request = Request(ids, [match] if match else [], [raw_id] if raw_id else [])
    return add(workspace, request, REASON, "the curator").entry


def again(workspace: Workspace, source: str, rows: list[dict[str, Any]]) -> None:
    """Replace what a source holds."""
    folder = workspace.raw(source)
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(rows, folder / "rows.jsonl")
    ingest(workspace, messages.corpus(source, "conversation", "CC0-1.0", []), [folder], Options())


def reasons(workspace: Workspace, ref: Ref = REF) -> dict[str, tuple[str | None, str | None]]:
    """Step and reason of the dialogues that a takedown dropped."""
    found = fates(workspace, ref)
    return {key: fate["reason"] for key, fate in found.items() if fate["step"] == "takedown"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A story, its copy and two near-copies of it in another source, and 30 rows that have nothing to do with it."""
    first = [row("z", "Tell me a story.", STORY), *(row(str(n), f"Say {n}.", unlike(n)) for n in range(30))]
    second = [
        row("a", "Tell me a story.", STORY.replace("windy", "stormy")),
        row("b", "Tell me a story.", STORY),
        row("c", "Tell me a story.", STORY.replace("sleep", "rest")),
    ]
    return lay(tmp_path_factory.mktemp("story") / "w", {"first": first, "second": second})


@pytest.fixture
def alike(story: Workspace, tmp_path: Path) -> Workspace:
    """`story`, to be written to."""
    shutil.copytree(story.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


WAYS = [
    {"near_duplicates": {"action": "drop"}},
    {"near_duplicates": {"action": "tie"}},
    {},
    {"near_duplicates": {"action": "drop"}, "filters": {"exact_duplicates": "keep"}},
    {"near_duplicates": {"action": "off"}, "filters": {"max_chars": 180}},
]


@pytest.mark.parametrize("way", WAYS, ids=["drop", "tie", "off", "keep exact", "filtered"])
def test_the_row_its_copies_and_its_cluster_go_whatever_else_would_drop_them(
    alike: Workspace, way: dict[str, Any]
) -> None:
    entry = take(alike, "first:z")
    manifest, _ = build(alike, recipe(["first", "second"], **way), REF)
    assert verify(alike, REF) == []
    near = (
        {} if "max_chars" in way.get("filters", {}) else {"second:a": "near-taken-down", "second:c": "near-taken-down"}
    )
    assert reasons(alike) == {"first:z": "taken-down", "second:b": "taken-down"} | near
    assert {fate["detail"] for fate in fates(alike).values() if fate["step"] == "takedown"} == {entry.id}
    check_conservation(manifest.ledger)
    lines = {(line.source, line.reason): line.rows for line in manifest.ledger if line.step == "takedown"}
    assert lines[("first", "taken-down")] == lines[("second", "taken-down")] == 1
    assert manifest.record["takedowns"] == [entry.id]
    assert data(alike).height == 30


@pytest.mark.parametrize(
    "way", [WAYS[0], *(pytest.param(way, marks=pytest.mark.slow) for way in WAYS[1:3])], ids=["drop", "tie", "off"]
)
def test_all_other_rows_keep_their_fates(alike: Workspace, way: dict[str, Any]) -> None:
    wide = {"splits": {"validation": 0.2, "test": 0.2}}
    build(alike, recipe(["first", "second"], **way, **wide), REF)
    take(alike, "first:z")
    build(alike, recipe(["first", "second"], **way, **wide), PATCHED)
    before, after = fates(alike), fates(alike, PATCHED)
    rest = before.keys() - reasons(alike, PATCHED).keys()
    assert len(rest) == 30
    assert {key: before[key] for key in rest} == {key: after[key] for key in rest}
    assert {key: fate["split"] for key, fate in before.items()} == {key: fate["split"] for key, fate in after.items()}


def test_a_workspace_without_takedowns_builds_the_same_bytes(alike: Workspace, tmp_path: Path) -> None:
    asked = recipe(["first", "second"], near_duplicates={"action": "tie"})
    manifest, _ = build(alike, asked, REF)
    assert "takedown" not in {line.step for line in manifest.ledger}
    assert "takedowns" not in manifest.record
    shutil.copytree(alike.root / "corpus", tmp_path / "other" / "corpus")
    (tmp_path / "other" / "takedowns").mkdir()
    build(Workspace(tmp_path / "other"), asked, REF)
    assert version_bytes(alike, REF) == version_bytes(Workspace(tmp_path / "other"), REF)


@pytest.mark.slow
def test_shards_and_threads_leave_no_trace(tmp_path: Path) -> None:
    rows = [row(f"{n}", f"Tell {n}.", STORY.replace("old", f"old{n % 7}")) for n in range(40)]
    rows += [row(f"u{n}", f"Say {n}.", unlike(n)) for n in range(10)]
    found = []
    for number, threads in enumerate((1, 2)):
        workspace = lay(tmp_path / str(number), {"one": rows if number else rows[::-1]})
        entry = take(workspace, "one:3")
        build(workspace, recipe(["one"]), REF, threads=threads)
        found.append((entry.id, version_bytes(workspace, REF)))
    assert found[0] == found[1]


# What a request takes


def test_by_text_and_the_ledger_never_holds_it(alike: Workspace) -> None:
    entry = take(alike, match="walked  down to\nthe harbour every morning")
    assert entry.rows.dialogues == ["first:z", "second:a", "second:b", "second:c"]
    ledger = b"".join(files_below(alike.root / "takedowns").values())
    for text in ("lighthouse", "harbour", "walked", "Tell me"):
        assert text.encode() not in ledger
    assert json.loads(ledger)["asked"][0]["kind"] == "match"


def test_learner_texts_and_refused_rows_are_found_too(copied: Workspace) -> None:
    by_text = take(copied, match="I am agree with essay 3.\nIt have two reason.")
    assert by_text.rows.learner_texts == ["toefl11:900003"]
    assert take(copied, "toefl11:900004").rows.learner_texts == ["toefl11:900004"]
    assert take(copied, raw_id="toefl11:900002").rows.learner_texts == ["toefl11:900002"]
    refused = take(copied, raw_id="tutor:t15")
    assert (refused.rows.dialogues, len(refused.rows.refused)) == ([], 1)
    dangling = take(copied, match="number 12039.")
    assert dangling.rows.refused or dangling.rows.dialogues


def test_a_raw_id_takes_what_comes_under_it_later(alike: Workspace) -> None:
    take(alike, raw_id="first:7")
    again(alike, "first", [row("7", "Something else?", unlike(900)), row("8", "Say.", unlike(8))])
    build(alike, recipe(["first"]), REF)
    assert reasons(alike) == {"first:7": "taken-down"}


def test_copies_and_near_copies_are_known_when_the_row_is_long_gone(alike: Workspace) -> None:
    take(alike, "first:z")
    again(alike, "first", [row("0", "Say 0.", unlike(0))])
    again(alike, "second", [row("x", "Tell me a story.", STORY), row("y", "Tell me a story.", STORY + " Good night.")])
    build(alike, recipe(["first", "second"]), REF)
    assert reasons(alike) == {"second:x": "taken-down", "second:y": "near-taken-down"}


@pytest.mark.slow
def test_no_near_copy_slips_through(tmp_path: Path) -> None:
    """At a Jaccard of .8006, MinHash would miss one of these in twenty."""
    words = [f"word{n}" for n in range(299)]  # and "Hm": 298 shingles, of which 31 other words break 33
    copies = []
    for n in range(200):
        edited = [*words[: n + 2], *(f"other{n}x{place}" for place in range(31)), *words[n + 33 :]]
        copies.append(row(f"c{n}", "Hm?", " ".join(edited)))
    workspace = lay(tmp_path, {"one": [row("z", "Hm?", " ".join(words)), *copies, row("u", "Say.", unlike(1))]})
    take(workspace, "one:z")
    build(workspace, recipe(["one"]), REF)
    assert len(reasons(workspace)) == 201
    assert data(workspace)["dialogue_id"].to_list() == ["one:u"]


def test_what_was_made_of_a_row_goes_with_it(copied: Workspace) -> None:
    def made(key: str, number: int, seed: str | None) -> dict[str, Any]:
        turns = row(key, f"Say {number}.", unlike(number))["messages"]
        learner = {"l1": "ko", "target_language": "en", "cefr": None, "background": "l2", "variety": None}
        learner |= {"shared_languages": []}
        pedagogy = {"learner": learner, "topic": None, "turns": [], "errors": []}
        return {"id": key, "generator": "hand@1", "messages": turns, "pedagogy": pedagogy, "seed_id": seed}

    from quimbot_data.sources import SOURCES

    seeds = [("s1", "toefl11:900003"), ("s2", "toefl11:900003#2"), ("s3", "toefl11:9000031"), ("s4", None)]
    seeds += [("s5", "synthetic:s1")]
    write_lines([made(key, n, seed) for n, (key, seed) in enumerate(seeds, 700)], copied.root / "made.jsonl")
    ingest(copied, SOURCES["synthetic"], [copied.root / "made.jsonl"], Options())
    entry = take(copied, "toefl11:900003")
    assert entry.rows.dialogues == ["synthetic:s1", "synthetic:s2", "synthetic:s5"]
    parts = [{"family": "pedagogical", "weight": 1.0, "sources": ["synthetic"]}]
    write_lines([made("late", 720, "toefl11:900003"), made("s4", 703, None)], copied.root / "made.jsonl")
    ingest(copied, SOURCES["synthetic"], [copied.root / "made.jsonl"], Options())
    build(copied, recipe([], components=parts), REF)
    assert reasons(copied) == {"synthetic:late": "taken-down"}


@pytest.mark.slow
def test_rows_that_a_version_alone_still_holds(alike: Workspace) -> None:
    build(alike, recipe(["first"]), REF)
    again(alike, "first", [row("0", "Say 0.", unlike(0))])
    entry = take(alike, "first:z")
    assert entry.rows.contents
    build(alike, recipe(["first", "second"], name="later"), Ref("later", "1.0.0"))
    assert reasons(alike, Ref("later", "1.0.0")).keys() == {"second:a", "second:b", "second:c"}


def test_asking_again_changes_nothing_and_new_rows_make_a_new_entry(alike: Workspace) -> None:
    first = add(alike, Request(matches=["the old lighthouse"]), REASON)
    before = files_below(alike.root / "takedowns")
    second = add(alike, Request(matches=["the  old lighthouse"]), "another reason")
    assert (first.new, second.new, second.entry) == (True, False, first.entry)
    assert files_below(alike.root / "takedowns") == before
    again(alike, "third", [row("n", "What stands there?", "Just the old lighthouse, as far as one can see.")])
    third = add(alike, Request(matches=["the old lighthouse"]), REASON)
    assert third.new
    assert "third:n" in third.entry.rows.dialogues
    assert len(entries(alike)) == 2


def test_a_dry_run_writes_nothing(alike: Workspace, quimbot: Any) -> None:
    before = files_below(alike.root)
    arguments = ("takedown", "add", "first:z", "--reason", REASON, "--dry-run", "--workspace", alike.root)
    ran = quimbot(*arguments)
    assert ran.code == 0
    assert "first:z" in ran.out
    assert "second:b" in ran.out
    assert "nothing was written" in ran.out
    assert files_below(alike.root) == before
    assert json.loads(quimbot(*arguments, "--json").out)["new"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["first:zz"], ["Nothing in", "first:zz", "quimbot sql"]),
        (["firts:7"], ["Did you mean first:7?"]),
        (["first:z", "first:none"], ["first:none"]),
        (["first"], ["'first' is no row's id", "SOURCE:KEY"]),
        (["../../etc:passwd"], ["is no row's id"]),
        (["--match", "text that stands nowhere"], ["holds that text of 24 characters"]),
        (["--match", " \n"], ["is blank"]),
        (["--raw-id", "first:none"], ["first:none"]),
        (["--match", "\udcff"], ["no Unicode text"]),
        ([], ["Nothing is asked for"]),
    ],
)
def test_what_matches_nothing_is_told(alike: Workspace, quimbot: Any, arguments: list[str], words: list[str]) -> None:
    ran = quimbot("takedown", "add", *arguments, "--reason", REASON, "--workspace", alike.root)
    ran.told(*words)
    assert "stands nowhere" not in ran.err
    assert not (alike.root / "takedowns").exists()


def test_a_blank_reason_a_missing_workspace_and_a_busy_ledger(alike: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The reason is blank"):
        add(alike, Request(["first:z"]), " ")
    with pytest.raises(MissingError, match="does not exist"):
        add(Workspace(tmp_path / "nowhere"), Request(["first:z"]), REASON)
    assert not (tmp_path / "nowhere").exists()
    with alike.lock(LOCK, shared=True), pytest.raises(LockedError):  # as a build holds it
        take(alike, "first:z")


def test_a_broken_entry_stops_every_build(alike: Workspace) -> None:
    entry = take(alike, "first:z")
    (alike.root / "takedowns" / f"{entry.id}.json").write_text("{}")
    with pytest.raises(IntegrityError, match="Restore it"):
        build(alike, recipe(["first"]), REF)


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
    text, refused = take(copied, "toefl11:900003"), take(copied, raw_id="tutor:t15")
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
    workspace = lay(tmp_path, {"one": [row(str(n), f"Say {n}.", unlike(n)) for n in range(10)]})
    parts = [{"family": "conversation", "weight": 1.0, "sources": ["one"], "max_epochs": 3}]
    build(workspace, recipe([], components=parts, size=30, splits={"validation": 0, "test": 0}), REF)
    entry = take(workspace, "one:4@epoch2")
    assert entry.rows.dialogues == ["one:4"]
    assert report(workspace, [entry])[0].holders[0].dialogues == 3


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
    return lay(root, {"first": [row(str(n), f"Say {n}.", unlike(n)) for n in range(3)]})


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
