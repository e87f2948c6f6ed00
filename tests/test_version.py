"""Versions on disk: what `verify` finds, and that a version never changes once it is there."""

import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from conftest import REF, files_below

from quimbot_data.build import build, rebuilt_id
from quimbot_data.ingest import ingest
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, entry_of, write_model
from schemas.errors import ExistsError, LockedError, MissingError, WorkspaceError

pytestmark = pytest.mark.usefixtures("plain_card")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def silent(step: str, rows: int) -> None:
    """Progress that nobody reads."""


def test_a_version_as_built_is_whole(built):
    assert verify(built, REF) == []


@pytest.mark.parametrize("name", ["data/train-00000-of-00001.parquet", "fates.parquet", "README.md"])
def test_one_flipped_byte_is_found(copied, name):
    path = copied.version(REF) / name
    for at in (0, path.stat().st_size // 2, path.stat().st_size - 1):
        flip(path, at)
        (problem,) = verify(copied, REF)
        assert problem.startswith(f"{name}: ")
        flip(path, at)
    assert verify(copied, REF) == []


@pytest.mark.parametrize("name", ["data/test-00000-of-00001.parquet", "fates.parquet", "README.md", "documents.json"])
def test_a_missing_file_is_found(copied, name):
    (copied.version(REF) / name).unlink()
    assert f"{name}: missing" in verify(copied, REF)


@pytest.mark.parametrize("name", ["data/train-00001-of-00002.parquet", "notes.txt", "plots/deeper/x.png"])
def test_an_extra_file_is_found(copied, name):
    path = copied.version(REF) / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"PAR1")
    assert verify(copied, REF) == [f"{name}: not part of the version"]


def test_data_changed_together_with_its_manifest_is_found(copied):
    folder, manifest = copied.version(REF), copied.version_manifest(REF)
    place = next(at for at, entry in enumerate(manifest.data) if entry.path.startswith("data/train"))
    path = folder / manifest.data[place].path
    rows = pl.read_parquet(path)
    rows.with_columns(license=pl.lit("MIT")).write_parquet(path)
    data = list(manifest.data)
    data[place] = entry_of(path, folder, rows.height)
    write_model(folder / "manifest.json", manifest.model_copy(update={"data": data}))
    assert verify(copied, REF) == ["train: its rows are not those of the version's identity"]
    path.write_bytes(b"PAR1 but no more")
    data[place] = entry_of(path, folder, rows.height)
    write_model(folder / "manifest.json", manifest.model_copy(update={"data": data}))
    assert data[place].path in verify(copied, REF)[0]


def test_an_identity_changed_without_its_id_is_found(copied):
    path = copied.version(REF) / "manifest.json"
    stated = json.loads(path.read_text("utf-8"))
    stated["identity"]["recipe"]["seed"] += 1
    path.write_text(json.dumps(stated), "utf-8")
    assert "manifest.json: the id does not follow from the identity" in verify(copied, REF)


def test_counts_that_the_manifest_states_are_held_against_the_files(copied):
    path = copied.version(REF) / "manifest.json"
    stated = json.loads(path.read_text("utf-8"))
    stated["data"][0]["rows"] += 1
    path.write_text(json.dumps(stated), "utf-8")
    assert verify(copied, REF) != []


def test_fates_changed_together_with_the_manifest_are_found(copied):
    folder, manifest = copied.version(REF), copied.version_manifest(REF)
    path = folder / "fates.parquet"
    fates = pl.read_parquet(path)
    pl.concat([fates.filter(pl.col("fate") == "dropped"), fates.filter(pl.col("fate") == "kept")[1:]]).write_parquet(
        path
    )
    entry = entry_of(path, folder, fates.height - 1)
    write_model(folder / "manifest.json", manifest.model_copy(update={"fates": entry}))
    assert verify(copied, REF) == ["fates.parquet: its kept dialogues are not those of the data"]


def test_a_version_that_is_not_there(built):
    with pytest.raises(MissingError, match=r"Built here: small@1\.0\.0"):
        verify(built, Ref("small", "1.0.1"))


def test_rebuilding_the_same_changes_nothing(copied, recipe):
    before, stamps = files_below(copied.version(REF)), mtimes(copied.version(REF))
    manifest, new = build(copied, recipe, REF, threads=1)
    assert (manifest, new) == (copied.version_manifest(REF), False)
    assert (files_below(copied.version(REF)), mtimes(copied.version(REF))) == (before, stamps)
    assert files_below(copied.root / ".scratch") == {}


def mtimes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def test_another_build_under_the_same_number_is_refused(copied, recipe):
    before, stamps = files_below(copied.version(REF)), mtimes(copied.version(REF))
    with pytest.raises(ExistsError, match="immutable"):
        build(copied, recipe.model_copy(update={"seed": 1}), REF)
    assert (files_below(copied.version(REF)), mtimes(copied.version(REF))) == (before, stamps)
    assert files_below(copied.root / ".scratch") == {}


def test_a_folder_in_the_way_is_refused(copied, recipe):
    ref = Ref("small", "1.0.1")
    copied.version(ref).mkdir()
    (copied.version(ref) / "mine.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match=r"1\.0\.1"):
        build(copied, recipe, ref)
    assert files_below(copied.version(ref)) == {"mine.txt": b"mine"}


@pytest.mark.slow
def test_rebuilt_id_follows_the_corpora(copied, raw):
    manifest = copied.version_manifest(REF)
    assert rebuilt_id(copied, manifest, progress=silent) == manifest.id
    ingest(copied, SOURCES["lmsys"], [raw["lmsys"]], Options(revision="another"))
    assert rebuilt_id(copied, manifest, progress=silent) != manifest.id
    assert copied.version_manifest(REF) == manifest
    assert verify(copied, REF) == []


HOLD = """
import sys, time
from pathlib import Path
from quimbot_data.workspace import Workspace
with Workspace(Path(sys.argv[1])).lock(*sys.argv[2:]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("names", [("version", "small", "1.0.1"), ("corpus", "waxal")])
def test_two_writers_of_one_thing_get_one_locked_error(copied, recipe, raw, names):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, copied.root, *names], stdout=subprocess.PIPE, text=True)
    assert holder.stdout

    def write() -> None:
        if names[0] == "version":
            build(copied, recipe, Ref("small", "1.0.1"))
        else:
            ingest(copied, SOURCES["waxal"], [raw["waxal"]], Options())

    try:
        assert holder.stdout.readline() == "held\n"
        started = time.monotonic()
        with pytest.raises(LockedError, match="Another process"):
            write()
        assert time.monotonic() - started < 5
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    write()  # the lock goes with the process that held it


def test_a_corpus_is_not_replaced_under_a_build(copied, raw, recipe, monkeypatch):
    def replace(step: str, rows: int) -> None:
        if step == "look":
            with pytest.raises(LockedError):
                ingest(copied, SOURCES["waxal"], [raw["waxal"]], Options(revision="another"))

    build(copied, recipe, Ref("small", "1.0.1"), progress=replace)
    assert copied.version_manifest(Ref("small", "1.0.1")).id == copied.version_manifest(REF).id


def test_sources_and_versions_show_finished_ones_only(tmp_path):
    workspace = Workspace(tmp_path)
    assert (workspace.sources(), workspace.versions()) == ([], [])
    (workspace.corpus("half")).mkdir(parents=True)
    (workspace.version(REF) / "data").mkdir(parents=True)
    assert (workspace.sources(), workspace.versions()) == ([], [])
