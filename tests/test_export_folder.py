"""An export's folder is whole or not there, and nothing that no export wrote is replaced."""

import subprocess
import sys

import pytest
from conftest import files_below
from versions_to_share import MIXED, OPEN

from quimbot_data.export import Choice, export
from quimbot_data.workspace import Ref
from schemas.errors import ExistsError, IntegrityError, LockedError, MissingError, WorkspaceError
from schemas.manifest import SPLITS


def test_another_export_is_replaced_only_if_asked(to_share, tmp_path):
    place = tmp_path / "out"
    export(to_share, OPEN, Choice("parquet", "private"), output=place)
    before = files_below(place)
    with pytest.raises(ExistsError, match=r"another export.*--replace"):
        export(to_share, MIXED, Choice("messages-jsonl", "private"), output=place)
    assert files_below(place) == before
    export(to_share, MIXED, Choice("messages-jsonl", "private"), output=place, replace=True)
    assert {path.name for path in place.iterdir()} == {*(f"{split}.jsonl" for split in SPLITS), "export.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "out"]


@pytest.mark.parametrize("replace", [False, True])
def test_files_that_no_export_wrote_are_never_replaced(to_share, tmp_path, replace):
    place = tmp_path / "out"
    export(to_share, OPEN, Choice("parquet", "private"), output=place)
    (place / "notes.txt").write_text("mine")
    before = files_below(place)
    with pytest.raises(ExistsError, match=r"notes\.txt, which no export wrote"):
        export(to_share, OPEN, Choice("sharegpt-jsonl", "private"), output=place, replace=replace)
    with pytest.raises(ExistsError, match="no export wrote"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path, replace=replace)
    assert files_below(place) == before


def test_an_empty_folder_is_filled(to_share, tmp_path):
    (tmp_path / "out").mkdir()
    assert export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")[2]


@pytest.mark.parametrize("inside", ["", ".", "exports", "versions/open/1.0.0/x", "corpus", "x", "exports/../raw/x"])
def test_among_what_the_workspace_keeps_there_is_no_place(to_share, inside):
    before = files_below(to_share.root)
    with pytest.raises(WorkspaceError, match=r"in the workspace, among what it keeps\. Name a folder below"):
        export(to_share, OPEN, Choice("parquet", "private"), output=to_share.root / inside)
    assert files_below(to_share.root) == before


def test_what_is_no_folder(to_share, tmp_path):
    (tmp_path / "file").write_text("x")
    for output in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("n" * 300), tmp_path / "a\udcffb"):
        with pytest.raises(WorkspaceError):
            export(to_share, OPEN, Choice("parquet", "private"), output=output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "file"]


def test_damaged_data_is_not_exported(to_share, tmp_path):
    entry = to_share.version_manifest(OPEN).data[0]
    path = to_share.version(OPEN) / entry.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"not the file that its manifest states.*quimbot verify"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    path.unlink()
    with pytest.raises(IntegrityError, match="not the file"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_broke_off_leaves_nothing_and_can_be_made_again(to_share, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("quimbot_data.export.write_model", full)
        with pytest.raises(WorkspaceError, match="Free some space"):
            export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets"]
    (tmp_path / ".writing-out" / "new").mkdir(parents=True)  # of a run that was killed
    (tmp_path / ".writing-out" / "new" / "train.parquet").write_text("half")
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "out"]


KILLED = """
import os, sys
from pathlib import Path
from quimbot_data.export import Choice, export
from quimbot_data.workspace import Ref, Workspace
root, out, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def hook(event, arguments):
    global left
    if event in ("os.rename", "os.mkdir", "os.rmdir") and str(out.parent) in str(arguments[0]):
        if left == 0:
            os._exit(9)
        left -= 1
sys.addaudithook(hook)
export(Workspace(root), Ref("open", "1.0.0"), Choice("messages-jsonl", "private"), output=out, replace=True)
"""


@pytest.mark.slow
def test_killed_before_any_step_the_folder_is_whole_or_not_there(to_share, tmp_path):
    out = tmp_path / "place" / "out"
    export(to_share, OPEN, Choice("messages-jsonl", "private"), output=tmp_path / "new")
    for point in range(30):
        export(to_share, OPEN, Choice("parquet", "private"), output=out, replace=True)
        before = files_below(out)
        command = [sys.executable, "-c", KILLED, str(to_share.root), str(out), str(point)]
        code = subprocess.run(command, timeout=60, check=False).returncode
        assert files_below(out) in (before, {}, files_below(tmp_path / "new")), point
        if code == 0:
            break
        assert code == 9
    assert point > 6
    assert files_below(out.parent) == {f"out/{path}": data for path, data in files_below(tmp_path / "new").items()}


def test_one_export_at_a_time_and_none_while_the_version_is_written(to_share):
    for held in (("export",), ("version", "open", "1.0.0")):
        with to_share.lock(*held), pytest.raises(LockedError):
            export(to_share, OPEN, Choice("parquet", "private"))


def test_no_such_version(to_share):
    with pytest.raises(MissingError, match="holds no version"):
        export(to_share, Ref("open", "9.9.9"), Choice("parquet", "private"))
    assert not (to_share.root / "exports").exists()
    assert not (to_share.root / ".locks").exists()
