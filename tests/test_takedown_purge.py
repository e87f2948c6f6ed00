"""A purge: the text is gone from every file of the workspace, all else stays, and what is out of reach is named."""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
import test_real_rows as real
from conftest import REF, corpus_of, files_below, write_plain_card
from raw_rows import Cut, lay_out, lmsys, tutor, waxal, write_array, write_lines, write_parquet
from run_records import write_run_record
from test_kill import assert_corpora_whole, assert_no_remains, kill_at_every_write

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.ledger import PURGED, check_conservation
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.takedowns import purge as purging
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.purge import purge
from quimbot_data.takedowns.report import report
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.version import verify
from quimbot_data.why import why
from quimbot_data.words import own_texts
from quimbot_data.workspace import Workspace, write_model
from schemas.errors import LockedError, WithdrawnError
from schemas.recipe import Recipe, parse_recipe
from schemas.takedown import PurgeJournal, Takedown

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]

REASON = "its author asked"


def take(workspace: Workspace, *ids: str, **more: Any) -> Takedown:
    return add(workspace, Request(ids, **more), REASON, "the curator").entry


def erase(workspace: Workspace, *wanted: Takedown) -> PurgeJournal:
    return purge(workspace, list(wanted) or entries(workspace))[-1]


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """What every file below a folder says: Parquet decoded, gzip unpacked, JSON unescaped."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if data.startswith(b"PAR1"):
            yield path, json.dumps(pl.read_parquet(path).to_dicts(), ensure_ascii=False, default=str)
        else:
            data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
            yield path, data.decode("utf-8", "replace")


def holding(root: Path, text: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path, told in texts(root) if text in told]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> Workspace:
    """Every corpus with its raw files in the workspace, and a version. Not to be written to: see `ready`."""
    workspace = Workspace(tmp_path_factory.mktemp("whole") / "w")
    for source, folder in lay_out(workspace.root / "raw", Cut(files=2)).items():
        ingest(workspace, corpus_of(source), [folder], Options())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        build(workspace, recipe, REF)
    return workspace


@pytest.fixture
def ready(whole: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(whole.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def kept(workspace: Workspace, source: str) -> str:
    fates = pl.read_parquet(workspace.version(REF) / "fates.parquet")
    return str(fates.filter(source=source, fate="kept").sort("dialogue_id")["dialogue_id"][0])


def dialogues(workspace: Workspace, source: str) -> pl.DataFrame:
    manifest = workspace.corpus_manifest(source)
    return pl.concat([pl.read_parquet(workspace.corpus(source) / entry.path) for entry in manifest.dialogues])


def telling(workspace: Workspace, name: str) -> str:
    """The longest line of a dialogue that names its number, which no other dialogue holds."""
    rows = dialogues(workspace, name.partition(":")[0]).filter(dialogue_id=name)
    return max((line for line in own_texts(rows)[0].split("\n") if re.search("[0-9]", line)), key=len)


SLOWER = [pytest.param(source, marks=pytest.mark.slow) for source in ("lmsys", "magpie", "tutor")]


@pytest.mark.parametrize("source", ["openhermes", "waxal", "prosocial", *SLOWER])
def test_the_text_is_nowhere_and_everything_else_is_where_it_was(ready: Workspace, source: str) -> None:
    name = kept(ready, source)
    text = telling(ready, name)
    before = dialogues(ready, source)
    assert any(place.startswith("raw/") for place in holding(ready.root, text))
    entry = take(ready, name)
    done = erase(ready)
    assert holding(ready.root, text) == []
    assert not [line for line in done.unreachable if source in line and "near-copies" not in line]
    after = dialogues(ready, source)
    assert after.equals(before.filter(~pl.col("dialogue_id").is_in(entry.rows.dialogues)))
    assert_raw_rows_are_those_of_origins(ready, source)
    check_conservation(ready.corpus_manifest(source).ledger)
    assert_no_remains(ready)
    assert erase(ready).files == [], "a second purge finds nothing"


def assert_raw_rows_are_those_of_origins(workspace: Workspace, source: str) -> None:
    """Read again, the raw files give the same corpus, origins and rejects."""
    again = Workspace(workspace.root.parent / "again")
    ingest(again, corpus_of(source), [workspace.raw(source)], Options())
    assert dialogues(again, source).sort("dialogue_id").equals(dialogues(workspace, source).sort("dialogue_id"))
    for kind in ("origins", "rejected"):
        one, other = (side_file(place, source, kind) for place in (workspace, again))
        assert one.sort(one.columns[:4]).equals(other.sort(one.columns[:4])), kind
    files = workspace.corpus_manifest(source).record["raw_files"]
    assert files == again.corpus_manifest(source).record["raw_files"]
    shutil.rmtree(again.root)


def side_file(workspace: Workspace, source: str, kind: str) -> pl.DataFrame:
    """A corpus's origins or rejects; no rows where there is no file."""
    found = [pl.read_parquet(path) for path in workspace.corpus(source).glob(f"{kind}-*")]
    assert len(found) < 2
    return found[0] if found else pl.DataFrame()


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


# Versions


def test_a_version_that_held_a_row_leaves_a_tombstone(
    ready: Workspace, quimbot: Any, recipe: Recipe, tmp_path: Path
) -> None:
    name, manifest = kept(ready, "tutor"), ready.version_manifest(REF)
    write_run_record(ready, "first", version_id=manifest.id)
    ready.tokens(manifest.id).mkdir(parents=True)
    (ready.tokens(manifest.id) / "train-0.parquet").write_bytes(b"what was tokenized of it")
    record = manifest.record | {"transfers": [{"to": "lab/small"}]}  # as a push notes it
    write_model(ready.version(REF) / "manifest.json", manifest.model_copy(update={"record": record}))
    at = ("--workspace", ready.root)
    assert quimbot("export", REF, "--format", "messages-jsonl", *at).code == 0
    assert list((ready.root / "exports").iterdir())
    shared = tmp_path / "shared"
    assert quimbot("export", REF, "--format", "messages-jsonl", "--output", shared, *at).code == 0
    entry = take(ready, name)
    ran = quimbot("takedown", "purge", entry.id, "--yes", *at)
    assert ran.code == 0
    assert list((ready.root / "exports").iterdir()) == []
    assert not ready.tokens(manifest.id).exists()
    assert "small@1.0.0 was pushed to lab/small" in ran.out
    assert "small@1.0.0: withdrawn" in ran.out
    assert "runs/first was trained on small@1.0.0" in ran.out
    assert f"small@1.0.0 was exported to {shared}" in ran.out
    assert f"small@1.0.0 was exported to {shared}" in quimbot("takedown", "purge", entry.id, "--yes", *at).out
    assert [path.name for path in ready.version(REF).iterdir()] == ["tombstone.json"]
    stone = ready.tombstone(REF)
    assert stone is not None
    assert (stone.id, stone.takedowns, stone.taken, stone.patched) == (manifest.id, [entry.id], 1, None)
    for command in (("show", REF), ("verify", REF), ("card", REF), ("sample", REF), ("why", name, "--version", REF)):
        quimbot(*command, *at).told("small@1.0.0 was withdrawn", entry.id, "--version 1.0.1")
    quimbot("sql", "SELECT 1", "--version", REF, *at).told("was withdrawn")
    quimbot("build", REF, "--version", "1.0.0", *at).told("was withdrawn", "higher number")
    assert "withdrawn" in quimbot("versions", *at).err
    assert json.loads(quimbot("versions", "--json", *at).out) == []
    assert f"small@1.0.0 withdrawn, for {entry.id}" in "\n".join(why(ready, name).lines())
    assert "small@1.0.0 was withdrawn; trained on it: first" in quimbot("takedown", "report", *at).out
    assert quimbot("build", REF, "--version", "1.0.1", *at).code == 0
    assert ready.versions() == [type(REF)("small", "1.0.1")]
    with pytest.raises(WithdrawnError):
        ready.version_manifest(REF)


def test_a_patched_version_stays_and_can_still_be_built_again(ready: Workspace, recipe: Recipe, quimbot: Any) -> None:
    name, patched = kept(ready, "tutor"), type(REF)("small", "1.0.1")
    text = telling(ready, name)
    take(ready, name)
    build(ready, recipe, patched)
    readme = ready.version(patched) / "README.md"
    readme.write_text(f"It no longer holds: {text[:40]}…")
    assert "README.md" in (ready.version(patched) / "documents.json").read_text()
    erase(ready)
    stone = ready.tombstone(REF)
    assert stone is not None
    assert stone.patched == "small@1.0.1"
    assert not readme.exists(), "documents that quote it go, too"
    ran = quimbot("verify", patched, "--rebuild", "--workspace", ready.root)
    assert (ran.code, "it has the same id" in ran.out) == (0, True)
    write_lines(tutor(61), ready.raw("tutor") / "more.jsonl")
    again(ready, "tutor")
    ran = quimbot("verify", patched, "--rebuild", "--workspace", ready.root)
    assert "the corpus of tutor has changed" in ran.err


def again(workspace: Workspace, source: str) -> None:
    ingest(workspace, corpus_of(source), [workspace.raw(source)], Options())


@pytest.mark.slow
def test_what_comes_back_is_kept_out_and_purged_again(whole: Workspace, ready: Workspace, recipe: Recipe) -> None:
    name = kept(ready, "tutor")
    text = telling(ready, name)
    entry = take(ready, name)
    erase(ready)
    shutil.rmtree(ready.raw("tutor"))
    shutil.copytree(whole.raw("tutor"), ready.raw("tutor"))
    again(ready, "tutor")
    later = type(REF)("small", "1.1.0")
    build(ready, recipe, later)
    fates = pl.read_parquet(ready.version(later) / "fates.parquet")
    assert fates.filter(step="takedown")["dialogue_id"].to_list() == [name]
    assert holding(ready.root, text)
    erase(ready, entry)
    assert holding(ready.root, text) == []
    assert ready.versions() == [later], "it never held the row"


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


def test_no_purge_beside_whoever_reads_a_corpus(ready: Workspace) -> None:
    entry, before = take(ready, "tutor:t3"), files_below(ready.raw("tutor"))
    with ready.lock("corpus", "waxal", shared=True), pytest.raises(LockedError):
        erase(ready, entry)
    assert files_below(ready.raw("tutor")) == before


# Copies elsewhere


def test_evaluation_sets_exports_and_histories_lose_it(ready: Workspace) -> None:
    name = kept(ready, "tutor")
    text = telling(ready, name)
    (ready.root / "evaluation").mkdir()
    write_lines([{"q": "Why?"}, {"q": f"Is this good: {text}"}], ready.root / "evaluation" / "quiz.jsonl")
    (ready.root / "evaluation" / "plain.txt").write_text(f"One line.\n\n{text}\nThe last.\n")
    for folder, ref, said in (("a", "small@1.0.0", "x"), ("b", "other@1.0.0", text), ("c", "other@1.0.0", "y")):
        (ready.root / "exports" / folder).mkdir(parents=True)
        (ready.root / "exports" / folder / "export.json").write_text(json.dumps({"ref": ref}))
        write_lines([{"messages": said}], ready.root / "exports" / folder / "train.jsonl")
    (ready.root / ".sql_history").write_text(f"\n# 2026\n+SELECT '{text}'\n")
    (ready.root / ".scratch" / "corpus-old").mkdir(parents=True)
    (ready.root / ".scratch" / "corpus-old" / "run.arrow").write_text(text)
    take(ready, name)
    erase(ready)
    assert holding(ready.root, text) == []
    assert [path.name for path in (ready.root / "exports").iterdir()] == ["c"]
    assert (ready.root / "evaluation" / "quiz.jsonl").read_text() == '{"q": "Why?"}\n'
    assert (ready.root / "evaluation" / "plain.txt").read_text().split() == ["One", "line.", "The", "last."]


# Out of reach


def test_files_outside_are_named_and_left(copied: Workspace, raw: dict[str, Path]) -> None:
    before = files_below(raw["tutor"])
    take(copied, "tutor:t3")
    done = erase(copied)
    assert any(line.startswith("the raw file lessons-train-00000-of-00001.jsonl of tutor") for line in done.unreachable)
    assert files_below(raw["tutor"]) == before
    assert holding(copied.root, "lesson 3.") == []


def test_a_link_out_of_the_workspace_is_not_followed(ready: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    for path in list(ready.raw("tutor").iterdir()):
        shutil.move(path, tmp_path / "outside")
    ready.raw("tutor").rmdir()
    ready.raw("tutor").symlink_to(tmp_path / "outside")
    before = files_below(tmp_path / "outside")
    take(ready, "tutor:t3")
    done = erase(ready)
    assert any("a link leads out of the workspace" in line for line in done.unreachable)
    assert files_below(tmp_path / "outside") == before


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


def waxal_from_elsewhere(tmp_path: Path, number: int = 3) -> tuple[Workspace, Path]:
    """A corpus of a file outside the workspace, in which another file has its name; and that file."""
    workspace, outside = Workspace(tmp_path / "w"), tmp_path / "mine" / "x.parquet"
    write_parquet(waxal(9), outside)
    ingest(workspace, corpus_of("waxal"), [outside], Options())
    write_parquet([row | {"transcription": "Other words."} for row in waxal(9)], workspace.raw("waxal") / "x.parquet")
    (name,) = [name for name in dialogues(workspace, "waxal")["dialogue_id"] if f"lug_{number}" in name][:1]
    take(workspace, name)
    return workspace, outside


def test_a_file_of_the_same_name_is_not_taken_for_the_one_that_was_ingested(tmp_path: Path, quimbot: Any) -> None:
    workspace, outside = waxal_from_elsewhere(tmp_path)
    before = outside.read_bytes(), (workspace.raw("waxal") / "x.parquet").read_bytes()
    at = ("--workspace", workspace.root)
    told = (
        "raw/waxal/x.parquet is not the file that waxal was ingested from, or was changed since: row 3 of it is "
        "another one. The file that was ingested lies elsewhere (origins hold no more than its name, x.parquet) and "
        "may hold 1 row"
    )
    assert told in quimbot("takedown", "purge", "--all", "--yes", *at).out
    assert (outside.read_bytes(), (workspace.raw("waxal") / "x.parquet").read_bytes()) == before
    (entry,) = entries(workspace)
    assert [part.what[: len(told)] for part in entry.left] == [told]
    (workspace.raw("waxal") / "x.parquet").unlink()
    assert entries(workspace)[0].left == entry.left
    again_told = quimbot("takedown", "purge", "--all", "--yes", *at).out
    assert told in again_told, "the file that goes by its name was never the one"
    assert "nothing is left" not in again_told


def test_what_is_left_is_told_until_it_is_gone(ready: Workspace, quimbot: Any) -> None:
    manifest, at = ready.version_manifest(REF), ("--workspace", ready.root)
    write_run_record(ready, "first", version_id=manifest.id)
    record = manifest.record | {"transfers": [{"to": "lab/small"}]}
    write_model(ready.version(REF) / "manifest.json", manifest.model_copy(update={"record": record}))
    file = sorted(ready.raw("prosocial").iterdir())[0]
    file.write_bytes(b"")  # a layout that cannot be read, let alone rewritten
    some = side_file(ready, "prosocial", "origins").filter(raw_file=file.name)["dialogue_id"][0]
    name = kept(ready, "tutor")
    take(ready, name, str(some))
    lines = [
        "small@1.0.0 was pushed to lab/small",
        "runs/first was trained on small@1.0.0",
        f"raw/prosocial/{file.name}",
    ]
    assert lines_told(quimbot("takedown", "purge", "--all", "--yes", *at).out, lines) == lines
    for _ in range(2):
        ran = quimbot("takedown", "purge", "--all", "--yes", *at)
        assert lines_told(ran.out, lines) == lines
        assert "nothing is left" not in ran.out
        assert "nothing more can be erased here; what is left stands below" in ran.out
    assert lines_told(quimbot("takedown", "list", *at).out, lines) == lines
    assert (
        len(json.loads(quimbot("takedown", "list", "--json", *at).out)[0]["left"]) == len(entries(ready)[0].left) == 3
    )
    assert holding(ready.root / "takedowns", telling_again(name)) == []
    purged = entries(ready)[0].purged
    shutil.rmtree(ready.root / "runs" / "first")
    file.unlink()
    assert lines_told(quimbot("takedown", "list", *at).out, lines) == lines[:1]
    assert lines_told(quimbot("takedown", "purge", "--all", "--yes", *at).out, lines) == lines[:1]
    (entry,) = entries(ready)
    assert [part.what for part in entry.left] == lines[:1]
    assert entry.purged == purged, "nothing was erased"


def lines_told(said: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line in said]


def telling_again(name: str) -> str:
    """What a tutor row says, by its id."""
    return f"lesson {name.removeprefix('tutor:t')}."


def test_what_another_entry_left_is_not_its_own(copied: Workspace) -> None:
    first, second = take(copied, "tutor:t3"), take(copied, "tutor:t4")
    erase(copied, first)
    erase(copied, second)
    assert [len(entry.left) for entry in entries(copied)] == [1, 1]
    assert len({part.what for entry in entries(copied) for part in entry.left}) == 2


def test_a_link_that_is_cut_does_not_erase_what_it_led_to(ready: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    shutil.move(ready.raw("tutor"), tmp_path / "outside" / "tutor")
    ready.raw("tutor").symlink_to(tmp_path / "outside" / "tutor")
    take(ready, "tutor:t3")
    erase(ready)
    ready.raw("tutor").unlink()
    outside = [
        path for path in sorted((tmp_path / "outside" / "tutor").iterdir()) if str(path) in str(erase(ready).left)
    ]
    assert outside
    for path in outside:
        path.unlink()
    assert erase(ready).left == {entry.id: [] for entry in entries(ready)}


def test_near_copies_and_fetched_sources_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.raw("tutor").mkdir(parents=True)
    rows = tutor(4)
    near = json.loads(json.dumps(rows[0]).replace("goed", "went")) | {"id": "near"}
    write_lines([*rows, near], workspace.raw("tutor") / "a.jsonl")
    ingest(workspace, corpus_of("tutor"), [workspace.raw("tutor")], Options())
    (workspace.raw("tutor") / "fetched.json").write_text("{}")
    take(workspace, "tutor:t0")
    told = " ".join(erase(workspace).unreachable)
    assert "quimbot fetch tutor" in told
    assert "1 near-copy stays" in told
    assert "tutor:near" in told
    assert "backups" in told


@pytest.mark.slow
@pytest.mark.skipif(not real.REAL.is_dir(), reason="no real rows beside the project (../shared/real)")
def test_real_rows_are_taken_down_patched_and_erased(tmp_path: Path) -> None:
    workspace, patched = Workspace(tmp_path / "w"), type(REF)("real", "1.0.1")
    (tmp_path / "laid").mkdir()
    for source, folder in real.lay_out(tmp_path / "laid").items():
        shutil.copytree(folder, workspace.raw(source))
        ingest(workspace, real.corpus(source), [workspace.raw(source)], Options())
    asked = parse_recipe(real.RECIPE, "real.toml")
    build(workspace, asked, real.REF)
    held = [source for source in workspace.sources() if source != "magpie"]  # one row
    for source in held:
        take(workspace, *sorted(dialogues(workspace, source)["dialogue_id"])[::20])
    build(workspace, asked, patched)
    assert {holder.patched for found in report(workspace, entries(workspace)) for holder in found.holders} == {
        "real@1.0.1"
    }
    done = erase(workspace)
    assert [f"{stone.name}@{stone.version}" for stone in done.versions] == ["real@1.0.0"]
    assert verify(workspace, patched) == []
    shared = [row.dialogues for file in done.files for row in file.shared]
    assert shared, "a tree is one raw row of many dialogues"
    assert {source for row in shared for source in row} == {"oasst"}
    left = [line for line in done.unreachable if "near-copies" not in line]
    assert len(left) == 1, "beside what is always out of reach"
    for source in held:
        if source != "oasst":
            folder = Workspace(tmp_path / "again")
            ingest(folder, real.corpus(source), [workspace.raw(source)], Options())
            assert dialogues(folder, source).equals(dialogues(workspace, source)), source


# The command


def test_it_asks_and_without_a_terminal_it_wants_yes(ready: Workspace, quimbot: Any) -> None:
    entry = take(ready, "tutor:t3")
    before = files_below(ready.root)
    at = ("--workspace", ready.root)
    ran = quimbot("takedown", "purge", entry.id, *at)
    ran.told("no terminal", "--yes")
    assert "would be erased" in ran.out
    quimbot("takedown", "purge", *at).told("Name the entries to purge, or --all")
    quimbot("takedown", "purge", entry.id, "--all", *at).told("or --all")
    quimbot("takedown", "purge", "td-x", "--yes", *at).told("no takedown 'td-x'", entry.id)
    after = {path: data for path, data in files_below(ready.root).items() if not path.startswith(".locks/")}
    assert after == {path: data for path, data in before.items() if not path.startswith(".locks/")}
    ran = quimbot("takedown", "purge", "--all", "--yes", "--json", *at)
    (done,) = json.loads(ran.out)
    assert done["takedowns"] == [entry.id]
    assert all(listed.purged for listed in entries(ready))
    assert take(ready, "tutor:t3") == entries(ready)[0], "the ledger still knows it"


@pytest.fixture
def three(tmp_path: Path, recipe: Recipe) -> Workspace:
    """Two corpora, a version of one, and three takedowns."""
    workspace, laid = Workspace(tmp_path / "start"), lay_out(tmp_path / "laid")
    for source in ("tutor", "prosocial"):
        shutil.copytree(laid[source], workspace.raw(source))
        ingest(workspace, corpus_of(source), [workspace.raw(source)], Options())
    parts = [{"family": "pedagogical", "weight": 1.0, "sources": ["tutor"]}]
    build(workspace, Recipe.model_validate(recipe.model_dump() | {"components": parts, "size": "max"}), REF)
    for name in ("tutor:t3", "tutor:t4", "prosocial:5"):
        found = dialogues(workspace, name.partition(":")[0])["dialogue_id"]
        take(workspace, str(found.filter(found.str.starts_with(name)).sort()[0]))
    return workspace


STEPS = ("sweep", *(pytest.param(step, marks=pytest.mark.slow) for step in ("erase_rows", "withdraw")))


@pytest.mark.parametrize("step", STEPS)
def test_broken_off_and_run_again(three: Workspace, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    undisturbed = copy_of(three, "undisturbed")
    erase(undisturbed)
    done = getattr(purging, step)

    def break_off(*arguments: Any) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(purging, step, break_off)
        with pytest.raises(KeyboardInterrupt):
            erase(three)
    assert_corpora_whole(three)
    erase(three)
    assert settled(three) == settled(undisturbed)
    assert_no_remains(three)


def copy_of(workspace: Workspace, name: str) -> Workspace:
    shutil.copytree(workspace.root, workspace.root.parent / name)
    return Workspace(workspace.root.parent / name)


@pytest.mark.slow
def test_killed_before_any_write_and_run_again(three: Workspace, tmp_path: Path) -> None:
    undisturbed = copy_of(three, "undisturbed")
    erase(undisturbed)
    for workspace in kill_at_every_write(three, {"do": "purge"}, None, tmp_path):
        assert_corpora_whole(workspace)
        erase(workspace)
        assert settled(workspace) == settled(undisturbed), workspace.root.name
        assert_no_remains(workspace)


def settled(workspace: Workspace) -> dict[str, Any]:
    """Every file but locks; of our own JSON all but the times."""
    found: dict[str, Any] = {}
    for path, content in files_below(workspace.root).items():
        if path.startswith("raw/") or not path.endswith(".json"):
            found[path] = content
        else:
            timed = ("record", "withdrawn", "purged")
            found[path] = {key: value for key, value in json.loads(content).items() if key not in timed}
    return {path: content for path, content in found.items() if not path.startswith(".locks/")}
