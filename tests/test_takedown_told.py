"""What a takedown tells: each entry its own, what stands in other dialogues, what is there now, and clear errors."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chats import talk, unlike
from conftest import corpus_of
from raw_rows import tutor, waxal, write_lines, write_parquet
from stories import REF, STORY, lay, recipe
from takedown_steps import dialogues, erase, take

from quimbot_data.build import build
from quimbot_data.export import Choice, export
from quimbot_data.ingest import ingest
from quimbot_data.ledger import PURGED
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.report import report
from quimbot_data.takedowns.traces import tells_all
from quimbot_data.workspace import Ref, Workspace

pytestmark = pytest.mark.usefixtures("plain_card")

OTHER = Ref("other", "1.0.0")


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two corpora of files outside. Not to be written to: see `place`."""
    first = [talk("z", "Tell me a story.", STORY), *(talk(str(n), f"Say {n}.", unlike(n)) for n in range(12))]
    second = [talk(str(n), f"Say {n}.", unlike(n)) for n in range(20, 30)]
    return lay(tmp_path_factory.mktemp("stories") / "w", {"first": first, "second": second})


@pytest.fixture
def place(stories: Workspace, tmp_path: Path) -> Workspace:
    """`stories`, to be written to."""
    shutil.copytree(stories.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def ran_purge(quimbot: Any, workspace: Workspace, *more: str) -> Any:
    return quimbot("takedown", "purge", "--all", "--yes", *more, "--workspace", workspace.root)


# Each entry its own


def test_of_a_purge_of_several_entries_each_keeps_its_own(place: Workspace, tmp_path: Path) -> None:
    build(place, recipe(["first"]), REF)
    build(place, recipe(["second"], name="other"), OTHER)
    for ref, name in ((REF, "a"), (OTHER, "b")):
        export(place, ref, Choice("messages-jsonl", "private"), output=tmp_path / name)
    for source in ("first", "second"):
        shutil.move(place.raw(source), tmp_path / source)
    one, two, both = take(place, "first:z"), take(place, "second:21"), take(place, "first:3", "second:22")
    erase(place)
    held = {entry.id: " ".join(part.what for part in entry.left) for entry in entries(place)}
    assert "of first (1 row)" in held[one.id]
    assert "meeting@1.0.0 was exported to" in held[one.id]
    assert "second" not in held[one.id]
    assert "other@1.0.0" not in held[one.id]
    assert "of second (1 row)" in held[two.id]
    assert "first" not in held[two.id]
    assert "first" in held[both.id]
    assert "second" in held[both.id]
    stones = [place.tombstone(ref) for ref in (REF, OTHER)]
    assert [set(stone.takedowns) for stone in stones if stone] == [{one.id, both.id}, {two.id, both.id}]
    purged = [place.corpus_manifest(source).record[PURGED][0]["takedowns"] for source in ("first", "second")]
    assert purged == [sorted([one.id, both.id]), sorted([two.id, both.id])]


# What stands in other dialogues


def test_a_question_that_stands_in_other_branches_is_told(tmp_path: Path, quimbot: Any) -> None:
    workspace, at = Workspace(tmp_path / "w"), ("--workspace", tmp_path / "w")
    answers = [
        {"message_id": f"a{n}", "role": "assistant", "text": f"This is answer number {n}.", "replies": []}
        for n in range(3)
    ]
    trees = [
        {"message_id": f"q{tree}", "role": "prompter", "text": f"Which question is {tree}?"}
        | {"replies": [answer | {"message_id": f"{answer['message_id']}-{tree}"} for answer in answers]}
        for tree in range(2)
    ]
    workspace.raw("tree").mkdir(parents=True)
    write_lines(trees, workspace.raw("tree") / "t.jsonl")
    ingest(workspace, messages.corpus("tree", "conversation", "CC0-1.0", []), [workspace.raw("tree")], Options())
    told = "turns of it, a question say, stand in 2 other dialogues of its tree, which stay: tree:a1-0, tree:a2-0"
    assert told in quimbot("takedown", "add", "tree:a0-0", "--reason", "asked", *at).out
    assert told in quimbot("takedown", "report", *at).out
    assert told in ran_purge(quimbot, workspace).out
    take(workspace, "tree:a1-0")
    found = json.loads(quimbot("takedown", "report", "--json", *at).out)
    assert [entry["shared"] for entry in found] == [["tree:a2-0"], ["tree:a2-0"]]


def test_rows_of_no_tree_share_nothing(place: Workspace) -> None:
    assert take(place, "first:z").shared == []


def test_refused_rows_that_quote_it_are_told(tmp_path: Path) -> None:
    quoting = {"id": "n", "note": f"He said: {STORY}"}
    workspace = lay(tmp_path / "w", {"one": [talk("z", "Tell me.", STORY), quoting, talk("u", "Say.", unlike(1))]})
    take(workspace, "one:z")
    told = "1 refused row quotes it and stays, in corpus and raw file: to erase, take down by --match or --raw-id"
    assert f"{told}: one: rows.jsonl, row 1" in erase(workspace).unreachable


# What is there now


@pytest.mark.slow
def test_an_export_is_looked_into(place: Workspace, tmp_path: Path, quimbot: Any) -> None:
    build(place, recipe(["first"]), REF)
    out, at = tmp_path / "out", ("--workspace", place.root)
    export(place, REF, Choice("messages-jsonl", "private"), output=out)
    entry = take(place, "first:z")
    ran_purge(quimbot, place)
    where = f"meeting@1.0.0 was exported to {out}"
    assert f"{where}, which holds 1 row of it or like it" in quimbot("takedown", "list", *at).out
    build(place, recipe(["first"]), Ref("meeting", "1.0.1"))
    export(place, Ref("meeting", "1.0.1"), Choice("messages-jsonl", "private"), output=tmp_path / "new")
    out.rename(tmp_path / "moved")
    for command in ("list", "report"):
        assert f"{where}, not where it was written: moved or deleted" in quimbot("takedown", command, *at).out
    assert f"{where}, not where it was written: moved or deleted" in ran_purge(quimbot, place).out
    (tmp_path / "new").rename(out)  # replaced by hand, or by an export of another workspace
    assert where not in quimbot("takedown", "list", *at).out
    assert [part.what for held in report(place, [entry]) for part in held.left] == []


def test_a_file_is_looked_into_again_once_it_was_changed(place: Workspace, quimbot: Any) -> None:
    notes, at = place.root / "notes.txt", ("--workspace", place.root)
    notes.write_text(f"{STORY}\nAnd more.")
    take(place, "first:z")
    take(place, "first:1")
    ran_purge(quimbot, place)
    held = "notes.txt still holds text of it"
    assert [held in str(entry.left) for entry in entries(place)] == [True, False]
    notes.write_text(f"Changed. {STORY}")
    assert "(changed since, and it still holds 1 row of it or like it)" in quimbot("takedown", "list", *at).out
    notes.write_text("And more.")
    assert held not in quimbot("takedown", "list", *at).out
    assert held not in ran_purge(quimbot, place).out
    assert held not in str(entries(place)[0].left)


def test_what_nobody_can_tell_any_more_stays_named(tmp_path: Path, quimbot: Any) -> None:
    workspace = lay(
        tmp_path / "w", {"one": [talk("s", "Ay?", "Extraordinarily so, yes."), talk("u", "Say.", unlike(1))]}
    )
    (workspace.root / "notes.txt").write_text("He said: Extraordinarily so, yes.")
    assert not tells_all(take(workspace, "one:s"))
    erase(workspace)
    (workspace.root / "notes.txt").write_text("He said: Extraordinarily so, yes. Indeed.")
    assert "nobody can tell whether it holds it still" in quimbot("takedown", "list", "--workspace", workspace.root).out


# Errors


def test_a_corpus_file_that_cannot_be_removed_is_a_clear_error_and_the_purge_goes_on_later(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, quimbot: Any
) -> None:
    take(place, "first:z")
    unlink = Path.unlink

    def refuse(path: Path, *arguments: Any, **more: Any) -> None:
        if "corpus" in path.parts and not path.name.startswith((".writing", "pending")):
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        ran_purge(quimbot, place).told("Permission denied", "corpus/first")
    ran = ran_purge(quimbot, place)
    assert ran.code == 0
    assert "An earlier purge had been interrupted; it was finished first:" in ran.out
    assert "first:z" not in dialogues(place, "first")["dialogue_id"].to_list()
    held = {path.name for path in place.corpus("first").iterdir()}
    assert held == {"manifest.json", *place.corpus_manifest("first").paths()}


def test_an_entry_that_is_no_json_is_told_without_an_empty_place(place: Workspace, quimbot: Any) -> None:
    entry = take(place, "first:z")
    (place.root / "takedowns" / f"{entry.id}.json").write_text("{")
    quimbot("takedown", "list", "--workspace", place.root).told("is not a valid Takedown: Invalid JSON", "Restore it")


def test_a_raw_file_elsewhere_is_told_by_name_and_row(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    write_lines(tutor(4), tmp_path / "mine.jsonl")
    write_parquet(waxal(3), tmp_path / "x.parquet")
    ingest(workspace, corpus_of("tutor"), [tmp_path / "mine.jsonl"], Options())
    take(workspace, "tutor:t2")
    assert erase(workspace).unreachable[0] == (
        "the raw file mine.jsonl of tutor (1 row): it is not in this workspace, which knows its name and no path; "
        "row 2 of it, counted from 0, should go"
    )
