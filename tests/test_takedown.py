"""Takedowns: what is asked for goes with its copies and near-copies, and nothing else does."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chats import talk, unlike
from conftest import files_below, version_bytes
from raw_rows import write_lines
from stories import PATCHED, REF, STORY, data, fates, lay, put, recipe
from takedown_steps import REASON, take

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.ledger import check_conservation
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import LOCK, entries
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, IntegrityError, LockedError, MissingError

pytestmark = pytest.mark.usefixtures("plain_card")


def reasons(workspace: Workspace, ref: Ref = REF) -> dict[str, tuple[str | None, str | None]]:
    """Step and reason of the dialogues that a takedown dropped."""
    found = fates(workspace, ref)
    return {key: fate["reason"] for key, fate in found.items() if fate["step"] == "takedown"}


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
    rows = [talk(f"{n}", f"Tell {n}.", STORY.replace("old", f"old{n % 7}")) for n in range(40)]
    rows += [talk(f"u{n}", f"Say {n}.", unlike(n)) for n in range(10)]
    found = []
    for number, threads in enumerate((1, 2)):
        workspace = lay(tmp_path / str(number), {"one": rows if number else rows[::-1]})
        entry = take(workspace, "one:3")
        build(workspace, recipe(["one"]), REF, threads=threads)
        found.append((entry.id, version_bytes(workspace, REF)))
    assert found[0] == found[1]


# What a request takes


def test_by_text_and_the_ledger_never_holds_it(alike: Workspace) -> None:
    entry = take(alike, matches=["walked  down to\nthe harbour every morning"])
    assert entry.rows.dialogues == ["first:z", "second:a", "second:b", "second:c"]
    ledger = b"".join(files_below(alike.root / "takedowns").values())
    for text in ("lighthouse", "harbour", "walked", "Tell me"):
        assert text.encode() not in ledger
    assert json.loads(ledger)["asked"][0]["kind"] == "match"


def test_learner_texts_and_refused_rows_are_found_too(copied: Workspace) -> None:
    by_text = take(copied, matches=["I am agree with essay 3.\nIt have two reason."])
    assert by_text.rows.learner_texts == ["toefl11:900003"]
    assert take(copied, "toefl11:900004").rows.learner_texts == ["toefl11:900004"]
    assert take(copied, raw_ids=["toefl11:900002"]).rows.learner_texts == ["toefl11:900002"]
    refused = take(copied, raw_ids=["tutor:t15"])
    assert (refused.rows.dialogues, len(refused.rows.refused)) == ([], 1)
    dangling = take(copied, matches=["number 12039."])
    assert dangling.rows.refused or dangling.rows.dialogues


def test_a_raw_id_takes_what_comes_under_it_later(alike: Workspace) -> None:
    take(alike, raw_ids=["first:7"])
    put(alike, "first", [talk("7", "Something else?", unlike(900)), talk("8", "Say.", unlike(8))])
    build(alike, recipe(["first"]), REF)
    assert reasons(alike) == {"first:7": "taken-down"}


def test_copies_and_near_copies_are_known_when_the_row_is_long_gone(alike: Workspace) -> None:
    take(alike, "first:z")
    put(alike, "first", [talk("0", "Say 0.", unlike(0))])
    put(alike, "second", [talk("x", "Tell me a story.", STORY), talk("y", "Tell me a story.", STORY + " Good night.")])
    build(alike, recipe(["first", "second"]), REF)
    assert reasons(alike) == {"second:x": "taken-down", "second:y": "near-taken-down"}


@pytest.mark.slow
def test_no_near_copy_slips_through(tmp_path: Path) -> None:
    """At a Jaccard of .8006, MinHash would miss one of these in twenty."""
    words = [f"word{n}" for n in range(299)]  # and "Hm": 298 shingles, of which 31 other words break 33
    copies = []
    for n in range(200):
        edited = [*words[: n + 2], *(f"other{n}x{place}" for place in range(31)), *words[n + 33 :]]
        copies.append(talk(f"c{n}", "Hm?", " ".join(edited)))
    workspace = lay(tmp_path, {"one": [talk("z", "Hm?", " ".join(words)), *copies, talk("u", "Say.", unlike(1))]})
    take(workspace, "one:z")
    build(workspace, recipe(["one"]), REF)
    assert len(reasons(workspace)) == 201
    assert data(workspace)["dialogue_id"].to_list() == ["one:u"]


def test_what_was_made_of_a_row_goes_with_it(copied: Workspace) -> None:
    def made(key: str, number: int, seed: str | None) -> dict[str, Any]:
        turns = talk(key, f"Say {number}.", unlike(number))["messages"]
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
    put(alike, "first", [talk("0", "Say 0.", unlike(0))])
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
    put(alike, "third", [talk("n", "What stands there?", "Just the old lighthouse, as far as one can see.")])
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
