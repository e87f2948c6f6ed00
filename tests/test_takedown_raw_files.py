"""Raw files and corpora without the rows of a purge: every form is rewritten, and all else in it stays."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import REF, corpus_of, files_below
from raw_rows import lmsys, tutor, write_array, write_lines, write_parquet
from takedown_steps import (
    again,
    assert_raw_rows_are_those_of_origins,
    dialogues,
    erase,
    holding,
    side_file,
    take,
)

from quimbot_data.ingest import ingest
from quimbot_data.ledger import PURGED, check_conservation
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


def rows_of(name: str, path: Path) -> None:
    """Write tutor rows in one of the forms in which they may come."""
    rows = tutor(12)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name == "array":
        write_array(rows, path)
    elif name == "parquet":
        write_parquet([row for row in rows if "messages" in row], path)
    elif name == "gzip":
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_bytes(b"\xef\xbb\xbf" + "\n\n".join([*lines[:5], '{"broken', "[1]", *lines[5:], ""]).encode())


@pytest.mark.parametrize(
    ("form", "file"),
    [("array", "a.json"), ("parquet", "a.parquet"), ("gzip", "a.json"), ("lines", "deep/er/a.jsonl")],
)
def test_every_form_of_raw_file_is_rewritten(tmp_path: Path, form: str, file: str) -> None:
    workspace = Workspace(tmp_path / "w")
    path = workspace.raw("tutor") / file
    rows_of(form, path)
    ingest(workspace, corpus_of("tutor"), [workspace.raw("tutor")], Options())
    take(workspace, "tutor:t0")
    take(workspace, "tutor:t7")
    done = erase(workspace)
    assert [(f.path, len(f.rows)) for f in done.files] == [(f"raw/tutor/{file}", 2)]
    assert holding(workspace.root, "lesson 7.") == []
    assert holding(workspace.root, "lesson 8.")
    assert_raw_rows_are_those_of_origins(workspace, "tutor")
    if form == "gzip":
        assert path.read_bytes().startswith(b"\x1f\x8b")
    if form == "lines":
        assert b'{"broken\n' in path.read_bytes()


def test_a_file_of_taken_rows_alone_goes(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    for name, rows in (("a", tutor(1)), ("b", tutor(3)[1:])):
        workspace.raw("tutor").mkdir(parents=True, exist_ok=True)
        write_lines(rows, workspace.raw("tutor") / f"{name}.jsonl")
    ingest(workspace, corpus_of("tutor"), [workspace.raw("tutor")], Options())
    take(workspace, "tutor:t0")
    erase(workspace)
    assert [path.name for path in workspace.raw("tutor").iterdir()] == ["b.jsonl"]
    take(workspace, "tutor:t1", "tutor:t2")
    erase(workspace)
    manifest = workspace.corpus_manifest("tutor")
    assert (manifest.dialogues, manifest.record["raw_files"]) == ([], [])
    check_conservation(manifest.ledger)


def test_parquet_keeps_its_schema_and_metadata(tmp_path: Path) -> None:
    import pyarrow as pa

    workspace = Workspace(tmp_path / "w")
    path = workspace.raw("lmsys") / "train.parquet"
    write_parquet(lmsys(40), path)
    table = pq.read_table(path).replace_schema_metadata({"quimbot.fetched": "stamp"})
    pq.write_table(table, path, row_group_size=16, compression="gzip")
    ingest(workspace, corpus_of("lmsys"), [workspace.raw("lmsys")], Options())
    take(workspace, f"lmsys:{20:032x}")
    erase(workspace)
    after = pq.read_table(path)
    assert after.schema.equals(table.schema, check_metadata=True)
    assert after.equals(pa.concat_tables([table.slice(0, 20), table.slice(21)]))
    assert [pq.ParquetFile(path).metadata.row_group(n).num_rows for n in range(3)] == [16, 15, 8]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "GZIP"


def test_an_essay_goes_with_its_files_and_its_row(ready: Workspace) -> None:
    folder = ready.raw("toefl11") / "data" / "text" / "responses"
    (folder / "tokenized").mkdir()
    (folder / "tokenized" / "900003.txt").write_text("I am agree with essay 3 .")
    take(ready, "toefl11:900003")
    erase(ready)
    assert holding(ready.root, "essay 3.") == holding(ready.root, "essay 3 .") == []
    assert holding(ready.root, "essay 4.")
    assert list(folder.rglob("900003.txt")) == []
    assert "900003" not in (folder.parent / "index.csv").read_text("utf-8")
    manifest = ready.corpus_manifest("toefl11")
    check_conservation(manifest.ledger)
    (line,) = [line for line in manifest.ledger if line.step == PURGED and line.reason]
    assert (line.unit, line.reason, line.rows) == ("learner texts", "taken-down", 1)


def test_a_refused_row_goes(ready: Workspace) -> None:
    entry = take(ready, raw_ids=["tutor:t15"])
    assert not entry.rows.dialogues
    before = dialogues(ready, "tutor")
    erase(ready)
    assert all(place.startswith("takedowns/") for place in holding(ready.root, "t15"))
    assert dialogues(ready, "tutor").equals(before)
    assert_raw_rows_are_those_of_origins(ready, "tutor")
    assert ready.versions() == [REF], "no version held it"


def said(key: str, role: str, text: str, *replies: dict[str, Any]) -> dict[str, Any]:
    return {"message_id": key, "role": role, "text": text, "replies": list(replies)}


def trees(count: int) -> list[dict[str, Any]]:
    """Nested trees, a raw row each, of three dialogues."""
    return [
        said(f"q{tree}", "prompter", f"What is the question of the tree with number {tree}?", *answers)
        for tree in range(count)
        if (
            answers := [
                said(f"a{tree}-{n}", "assistant", f"This is answer number {n} in the tree {tree}.") for n in range(3)
            ]
        )
    ]


def test_a_raw_row_of_several_dialogues_goes_whole_and_they_stay(tmp_path: Path, quimbot: Any) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.raw("tree").mkdir(parents=True)
    file = workspace.raw("tree") / "t.jsonl"
    write_lines(trees(3), file)
    lines = file.read_text().splitlines()
    for source in ("tree", "twin"):  # two corpora of one file
        corpus = messages.corpus(source, "conversation", "CC0-1.0", [])
        ingest(workspace, corpus, [workspace.raw("tree")], Options())
    take(workspace, "tree:a1-0")
    ran = quimbot("takedown", "purge", "--all", "--yes", "--workspace", workspace.root)
    assert "  raw/tree/t.jsonl: 1 row\n" in ran.out
    for source in ("tree", "twin"):
        assert f"row 1 goes whole: 2 other dialogues of {source} stay, and cannot be read from raw again" in ran.out
        assert sorted(dialogues(workspace, source)["dialogue_id"]) == [
            f"{source}:a{tree}-{n}" for tree in range(3) for n in range(3) if (tree, n) != (1, 0)
        ]
        origins = side_file(workspace, source, "origins")
        assert {(name[-4:], row) for name, row in origins.select("dialogue_id", "raw_row").iter_rows()} == {
            (f"a{tree}-{n}", row) for tree, row in ((0, 0), (2, 1)) for n in range(3)
        }, "no origin leads to another row in the place of the one that went"
    assert file.read_text().splitlines() == [lines[0], lines[2]]
    assert holding(workspace.root, "answer number 0 in the tree 1") == []
    assert "nothing is left of it here" in quimbot("takedown", "purge", "--all", "--workspace", workspace.root).out
    take(workspace, "tree:a1-1", "twin:a1-1", "tree:a2-1", "twin:a2-1")
    erase(workspace)
    assert file.read_text().splitlines() == [lines[0]]


def test_rows_with_personal_data_are_told_by_what_stands_around_it(tmp_path: Path) -> None:
    def said(key: str, asked: str) -> dict[str, Any]:
        return {"id": key, "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "Done."}]}

    workspace = Workspace(tmp_path / "w")
    workspace.raw("tutor").mkdir(parents=True)
    rows = [said("a", "Mail ann@example.org now"), said("b", "Mail bob@example.org now"), said("c", "Mail no one now")]
    write_lines(rows, workspace.raw("tutor") / "a.jsonl")
    again(workspace, "tutor")
    assert "Mail [EMAIL] now" in str(dialogues(workspace, "tutor")["messages"].to_list())
    take(workspace, "tutor:a")  # and b, whose content is the same once redacted
    erase(workspace)
    assert holding(workspace.root, "example.org") == []
    assert (workspace.raw("tutor") / "a.jsonl").read_text() == json.dumps(rows[2]) + "\n"


def test_no_other_row_goes_in_the_place_of_one_that_moved(ready: Workspace) -> None:
    entry = take(ready, "tutor:t2")
    for path in ready.raw("tutor").iterdir():
        path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[::-1]), "utf-8")
    before = files_below(ready.raw("tutor"))
    done = erase(ready, entry)
    assert files_below(ready.raw("tutor")) == before
    assert any(
        "is not the file that tutor was ingested from, or was changed since: row " in line for line in done.unreachable
    )


def test_what_was_made_of_an_essay_goes_with_it(ready: Workspace) -> None:
    turns = [{"role": "user", "content": "I has a bike."}, {"role": "assistant", "content": "You have a bike, do you?"}]
    learner = {"l1": "ko", "target_language": "en", "cefr": None, "background": "l2", "variety": None}
    learner |= {"shared_languages": []}
    pedagogy = {"learner": learner, "topic": None, "turns": [], "errors": []}
    made = {"id": "s1", "generator": "hand@1", "messages": turns, "pedagogy": pedagogy, "seed_id": "toefl11:900003#1"}
    other = made | {"id": "s2", "messages": [turns[0], turns[1] | {"content": "Great!"}], "seed_id": None}
    ready.raw("synthetic").mkdir()
    write_lines([made, other], ready.raw("synthetic") / "made.jsonl")
    again(ready, "synthetic")
    take(ready, "toefl11:900003")
    erase(ready)
    assert holding(ready.root, "do you?") == []
    assert dialogues(ready, "synthetic")["dialogue_id"].to_list() == ["synthetic:s2"]
    assert [path.name for path in ready.raw("synthetic").iterdir()] == ["made.jsonl"]
