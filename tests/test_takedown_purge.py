"""A purge: the text is gone from every file of the workspace, all else stays; killed, it ends as it would have."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import test_real_rows as real
from conftest import REF, corpus_of, files_below
from raw_rows import lay_out, tutor, write_lines
from takedown_steps import (
    assert_raw_rows_are_those_of_origins,
    copy_of,
    dialogues,
    erase,
    holding,
    kept,
    take,
    telling,
)
from test_kill import assert_corpora_whole, assert_no_remains, kill_at_every_write

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.ledger import check_conservation
from quimbot_data.sources.source import Options
from quimbot_data.takedowns import purge as purging
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.report import report
from quimbot_data.version import verify
from quimbot_data.workspace import Workspace
from schemas.errors import LockedError
from schemas.recipe import Recipe, parse_recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


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


def test_no_purge_beside_whoever_reads_a_corpus(ready: Workspace) -> None:
    entry, before = take(ready, "tutor:t3"), files_below(ready.raw("tutor"))
    with ready.lock("corpus", "waxal", shared=True), pytest.raises(LockedError):
        erase(ready, entry)
    assert files_below(ready.raw("tutor")) == before


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
    assert left.pop(0).startswith("turns of it, a question say, stand in ")
    assert len(left) == 1, "beside what is always out of reach"
    for source in held:
        if source != "oasst":
            folder = Workspace(tmp_path / "again")
            ingest(folder, real.corpus(source), [workspace.raw(source)], Options())
            assert dialogues(folder, source).equals(dialogues(workspace, source)), source


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
    """Two corpora, a version of one, a raw file that came after, and three takedowns."""
    workspace, laid = Workspace(tmp_path / "start"), lay_out(tmp_path / "laid")
    for source in ("tutor", "prosocial"):
        shutil.copytree(laid[source], workspace.raw(source))
        ingest(workspace, corpus_of(source), [workspace.raw(source)], Options())
    parts = [{"family": "pedagogical", "weight": 1.0, "sources": ["tutor"]}]
    build(workspace, Recipe.model_validate(recipe.model_dump() | {"components": parts, "size": "max"}), REF)
    write_lines(tutor(6), workspace.raw("tutor") / "later.jsonl")
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
