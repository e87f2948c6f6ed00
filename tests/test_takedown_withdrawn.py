"""Versions that held rows of a purge leave a tombstone, and what comes back is kept out of later ones."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import REF
from raw_rows import tutor, write_lines
from run_records import write_run_record
from takedown_steps import (
    again,
    erase,
    holding,
    kept,
    take,
    telling,
)

from quimbot_data.build import build
from quimbot_data.why import why
from quimbot_data.workspace import Workspace, write_model
from schemas.errors import WithdrawnError
from schemas.recipe import Recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


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
