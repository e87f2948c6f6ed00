"""A purge looks into files that no manifest lists: it erases what it safely can, and names what holds a row still."""

import bz2
import gzip
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from conftest import corpus_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_rows import Rows, tutor, write_array, write_lines, write_parquet
from takedown_steps import dialogues, erase, holding, take

from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.takedowns import purge as purging
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.reading import parts_of
from quimbot_data.takedowns.told import Told
from quimbot_data.workspace import Workspace
from schemas.errors import LockedError

ROWS = tutor(8)
#: How packed files begin.
MAGIC = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh9", b"\xfd7zXZ\0", b"PK\x03\x04"]
#: What row 3 says, and no other.
TEXT = "lesson 3."


def lay(rows: Rows, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lines(rows, path)


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A corpus of eight rows with its raw file. Not to be written to: see `place`."""
    workspace = Workspace(tmp_path_factory.mktemp("lessons") / "w")
    lay(ROWS, workspace.raw("tutor") / "a.jsonl")
    ingest(workspace, corpus_of("tutor"), [workspace.raw("tutor")], Options())
    return workspace


@pytest.fixture
def place(lessons: Workspace, tmp_path: Path) -> Workspace:
    """`lessons`, to be written to."""
    shutil.copytree(lessons.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def said(number: int) -> str:
    return json.dumps(ROWS[number])


def left(workspace: Workspace) -> list[str]:
    return [part.what for entry in entries(workspace) for part in entry.left]


@pytest.mark.parametrize("file", ["raw/tutor/later.jsonl", "raw/nobody/x.json", "backup/x.parquet", "notes/x.gz"])
def test_rows_that_hold_all_of_it_go_and_others_stay(place: Workspace, file: str) -> None:
    path = place.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if file.endswith(".parquet"):
        write_parquet(ROWS, path)
    elif file.endswith(".json"):
        write_array(ROWS, path)
    elif file.endswith(".gz"):
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    else:
        lay(ROWS, path)
    take(place, "tutor:t3")
    done = erase(place)
    assert {held.path: held.rows for held in done.files} == {"raw/tutor/a.jsonl": [3], file: [3]}
    assert holding(place.root, TEXT) == []
    assert file in holding(place.root, "lesson 4.")
    assert left(place) == []


def test_rows_added_to_a_raw_file_after_it_was_ingested_go_too(place: Workspace) -> None:
    with (place.raw("tutor") / "a.jsonl").open("a") as stream:
        stream.write(said(3) + "\n" + json.dumps(ROWS[4] | {"id": "later"}) + "\n")
    take(place, "tutor:t3")
    assert [held.rows for held in erase(place).files] == [[3, 8]]
    assert holding(place.root, TEXT) == []
    assert "later" in (place.raw("tutor") / "a.jsonl").read_text()


PACKED = {
    "plain.txt": lambda text: ("An email.\n> " + text).encode(),
    "wide.txt": lambda text: text.encode("utf-16"),
    "deep.json": lambda text: json.dumps({"log": [{"body": json.dumps({"said": text})}]}, indent=1).encode(),
    "old.jsonl.zst": lambda text: pa.compress(text.encode(), "zstd", asbytes=True),
    "old.bz2": lambda text: bz2.compress(text.encode()),
    "big.bin": lambda text: b"\0" * (2**20 - 30) + text.encode() + b"\0" * 2**20,
}


@pytest.mark.parametrize("name", PACKED)
def test_other_files_are_named_until_they_change(place: Workspace, quimbot: Any, name: str) -> None:
    text = max((message["content"] for message in ROWS[3]["messages"]), key=len)
    (place.root / "notes").mkdir()
    (place.root / "notes" / name).write_bytes(PACKED[name](f"“{text}”"))
    take(place, "tutor:t3")
    at = ("--workspace", place.root)
    ran = quimbot("takedown", "purge", "--all", "--yes", *at)
    told = f"notes/{name} still holds text of it: of a file of this form no rows can be taken out"
    assert told in ran.out
    assert told in quimbot("takedown", "list", *at).out
    assert f"left: {told}" in quimbot("takedown", "report", *at).out
    assert (f"notes/{name} is of no form that is read here" in ran.out) == (name == "big.bin")
    (place.root / "notes" / name).unlink()
    assert told not in quimbot("takedown", "list", *at).out
    assert json.loads(quimbot("takedown", "list", "--json", *at).out)[0]["left"] == []


@pytest.mark.parametrize("message", [0, 1], ids=["question", "longer-answer"])
def test_a_part_of_it_is_left_to_the_user(place: Workspace, message: int) -> None:
    text = ROWS[3]["messages"][message]["content"]
    lay([{"q": "Why?"}, {"q": f"Who said “{text}”?"}], place.root / "quiz.jsonl")
    (place.root / "a-note.txt").write_text(f"Remember “{text}”.", "utf-8")
    take(place, "tutor:t3")
    erase(place)
    assert left(place) == [
        "a-note.txt still holds text of it: of a file of this form no rows can be taken out",
        "quiz.jsonl still holds 1 row with text of it, or its name: a row that holds no more than a part of it is "
        "another one, and is left to you",
    ]
    assert len((place.root / "quiz.jsonl").read_text().splitlines()) == 2


def test_seeds_and_generated_dialogues_go_by_the_name_of_what_they_were_made_of(place: Workspace) -> None:
    seeds = [{"seed_id": f"tutor:t{n}#1", "sentence": f"I goed there {n} times."} for n in range(5)]
    lay(seeds, place.root / "seeds" / "mine.jsonl")
    made = [{"id": f"m{n}", "seed_id": f"tutor:t{n}#1", "messages": []} for n in range(5)]
    failed = [{"reason": "refused", "reply": f"x {n}", "seed_id": f"tutor:t{n}#1"} for n in range(5)]
    lay(made, place.root / "made.jsonl")
    lay(failed, place.root / "raw" / "synthetic" / "m.parquet.failures.jsonl")
    take(place, "tutor:t3")
    assert {held.path: held.rows for held in erase(place).files} == {
        path: [3]
        for path in ("made.jsonl", "raw/synthetic/m.parquet.failures.jsonl", "raw/tutor/a.jsonl", "seeds/mine.jsonl")
    }


def test_short_strings_make_no_row_its_own(tmp_path: Path) -> None:
    """A row is all of another one only where its short turns are turns, too, not letters somewhere."""
    told = Told()
    told.note(["Yes.", "I cannot help you with that one."], ["Yes. I cannot help you with that one."], ["td"])
    same, other = ["Yes.", "I cannot help you with that one."], ["Say: Yes. No.", "I cannot help you with that one."]
    assert [hit.whole for hit in told.hits([same, other], told.quotable()).values()] == [True, False]


def test_a_copy_that_comes_when_the_text_is_gone_is_told_by_its_words(place: Workspace) -> None:
    take(place, "tutor:t3")
    erase(place)
    lay([{"talk": [message["content"] for message in ROWS[n]["messages"]]} for n in (2, 3)], place.root / "back.jsonl")
    (place.root / "back.txt").write_text("\n".join(message["content"] for message in ROWS[3]["messages"]))
    erase(place)
    assert [part.partition(":")[0] for part in left(place)] == [
        "back.jsonl still holds 1 row with text of it, or its name",
        "back.txt still holds text of it",
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from([b"", b"PAR1", b"{", b"[", b"SQLite format 3\0", *MAGIC]), data=st.binary(max_size=300))
def test_no_file_breaks_the_search(tmp_path: Path, head: bytes, data: bytes) -> None:
    (tmp_path / "x").write_bytes(head + data)
    unread: list[str] = []
    for part in parts_of(tmp_path / "x", unread):
        assert all(isinstance(text, str) for text in part.strings)


# Replies of a model


def replies(workspace: Workspace) -> Path:
    """A cache of three replies, the second of which echoes row 3."""
    path = workspace.root / "synth" / "replies.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID")
        for number, content in enumerate(["Fine.", json.dumps(ROWS[3]), "Well."]):
            values = (f"{number}" * 64, json.dumps({"content": content}))
            database.execute("INSERT INTO replies VALUES (?, ?)", values)
    return path


def keys(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [key[0] for (key,) in database.execute("SELECT key FROM replies ORDER BY key")]


def test_cached_replies_go_and_leave_nothing_in_the_file(place: Workspace, quimbot: Any) -> None:
    path = replies(place)
    assert TEXT.encode() in path.read_bytes()
    take(place, "tutor:t3")
    ran = quimbot("takedown", "purge", "--all", "--yes", "--workspace", place.root)
    assert "  synth/replies.sqlite: 1 cached reply\n" in ran.out
    assert keys(path) == ["0", "2"]
    assert all(TEXT.encode() not in file.read_bytes() for file in path.parent.iterdir())


def test_broken_off_after_the_replies_it_ends_and_says_so(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, quimbot: Any
) -> None:
    path, erase_replies = replies(place), purging.erase_replies
    take(place, "tutor:t3")
    with closing(sqlite3.connect(path)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("quimbot_data.takedowns.replies._PATIENCE", 0.1)
        with pytest.raises(LockedError, match=r"uses .*replies\.sqlite"):
            erase(place)
    at = ("--workspace", place.root)
    assert json.loads(quimbot("takedown", "list", "--json", *at).out)[0]["interrupted"] is True

    def break_off(*arguments: Any) -> None:
        erase_replies(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(purging, "erase_replies", break_off)
        with pytest.raises(KeyboardInterrupt):
            erase(place)
    ran = quimbot("takedown", "purge", "--all", "--yes", *at)
    assert "An earlier purge had been interrupted; it was finished first:" in ran.out
    assert (keys(path), holding(place.root, TEXT)) == (["0", "2"], [])
    told = json.loads(quimbot("takedown", "purge", "--all", "--yes", "--json", *at).out)
    assert [made["finished_earlier"] for made in told] == [False]
    assert json.loads(quimbot("takedown", "list", "--json", *at).out)[0]["interrupted"] is False


# What it does not touch


def test_what_runs_and_versions_keep_is_named(place: Workspace) -> None:
    lay(ROWS, place.root / "runs" / "first" / "shown.jsonl")
    lay(ROWS[:3], place.root / "runs" / "first" / "other.jsonl")
    before = (place.root / "runs" / "first" / "shown.jsonl").read_bytes()
    take(place, "tutor:t3")
    erase(place)
    (told,) = left(place)
    assert told.startswith("runs/first/shown.jsonl still holds 1 row")
    assert (place.root / "runs" / "first" / "shown.jsonl").read_bytes() == before


def test_a_shard_that_no_corpus_lists_goes(place: Workspace) -> None:
    shutil.copy(next(place.corpus("tutor").glob("[0-9a-f]*.parquet")), place.root / "corpus" / "stray.parquet")
    take(place, "tutor:t3")
    assert "corpus/stray.parquet" in erase(place).removed


def test_links_are_not_followed_and_hard_links_lose_the_row(place: Workspace, tmp_path: Path) -> None:
    raw, outside = place.raw("tutor") / "a.jsonl", tmp_path / "outside.jsonl"
    os.link(raw, place.root / "linked.jsonl")
    os.link(raw, outside)
    (place.root / "away").symlink_to(tmp_path)
    take(place, "tutor:t3")
    done = erase(place)
    assert holding(place.root, TEXT) == []
    assert left(place) == [
        "files outside of the workspace that are hard links of linked.jsonl, raw/tutor/a.jsonl, and hold it still"
    ]
    assert TEXT in outside.read_text()
    assert done.unread == [f"away is a link out of the workspace, to {tmp_path}"]


def test_files_that_cannot_be_read_are_told(place: Workspace) -> None:
    (place.root / "broken.gz").write_bytes(gzip.compress(b"x" * 10_000)[:30])
    (place.root / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    (place.root / "broken.sqlite").write_bytes(b"SQLite format 3\0" + b"\1" * 5_000)
    take(place, "tutor:t3")
    told = " ".join(erase(place).unread)
    assert "broken.gz cannot be read" in told
    assert "broken.sqlite" in told
    assert "has a name that is no Unicode text" in told


def test_a_line_of_a_document_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"rows": [{"a": 1}]}, indent=1))
    assert [part.number for part in parts_of(path, [])] == [None]


def test_the_rest_of_the_corpus_is_as_it_was(place: Workspace) -> None:
    before = dialogues(place, "tutor")
    lay(ROWS, place.raw("tutor") / "later.jsonl")
    take(place, "tutor:t3")
    erase(place)
    assert dialogues(place, "tutor").equals(before.filter(pl.col("dialogue_id") != "tutor:t3"))
