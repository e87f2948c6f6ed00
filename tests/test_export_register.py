"""The register of exports: every folder is known, wherever it lies, so that takedowns can name it."""

import shutil

import pytest
from versions_to_share import MIXED, OPEN

from quimbot_data.export import Choice, export
from quimbot_data.export.register import exports_of, strike
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import ExistsError, IntegrityError


def ids(workspace: Workspace, *refs: Ref) -> set[str]:
    return {workspace.version_manifest(ref).id for ref in refs}


def known(workspace: Workspace, *refs: Ref) -> list[tuple[str, bool, bool]]:
    """Folder, whether outside, whether gone of the exports of some versions."""
    return [(held.folder, held.outside, held.gone) for held in exports_of(workspace, ids(workspace, *refs))]


def test_every_export_is_registered_wherever_it_lies(to_share, tmp_path):
    assert exports_of(to_share, ids(to_share, OPEN)) == []
    export(to_share, OPEN, Choice("parquet", "private"))
    export(to_share, OPEN, Choice("sharegpt-jsonl", "private"), output=tmp_path / "out")
    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "other")
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, False), ("exports/open-1.0.0-parquet", False, False)]
    outside, _ = exports_of(to_share, ids(to_share, OPEN))
    assert (outside.version, outside.format) == ("open@1.0.0", "sharegpt-jsonl")
    assert outside.when
    assert len(known(to_share, OPEN, MIXED)) == 3


def test_an_export_that_is_there_already_is_registered_once(to_share, tmp_path):
    register, choice = to_share.root / "exports.json", Choice("parquet", "private")
    export(to_share, OPEN, choice, output=tmp_path / "out")
    before = register.read_bytes()
    assert export(to_share, OPEN, choice, output=tmp_path / "out")[2] is False
    assert register.read_bytes() == before
    register.unlink()  # as it was before there was one
    assert export(to_share, OPEN, choice, output=tmp_path / "out")[2] is False
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, False)]


def test_what_gave_way_to_another_export_is_no_longer_told(to_share, tmp_path):
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    before = (to_share.root / "exports.json").read_bytes()
    with pytest.raises(ExistsError):
        export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out")
    assert (to_share.root / "exports.json").read_bytes() == before
    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([], [(str(tmp_path / "out"), True, False)])
    shutil.rmtree(tmp_path / "out")
    assert known(to_share, OPEN) == []


def test_folders_that_are_gone_may_have_been_moved_and_are_told(to_share, tmp_path):
    _, within, _ = export(to_share, OPEN, Choice("parquet", "private"))
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    shutil.rmtree(within)
    (tmp_path / "out").rename(tmp_path / "moved")
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, True), ("exports/open-1.0.0-parquet", False, True)]
    strike(to_share, ["exports/open-1.0.0-parquet"])  # as a purge does
    (told,) = exports_of(to_share, ids(to_share, OPEN))
    assert told.written() == f"open@1.0.0 was exported to {tmp_path / 'out'}"


def test_a_workspace_that_is_moved_takes_its_exports_along(to_share, tmp_path):
    export(to_share, OPEN, Choice("parquet", "private"), output=to_share.root / "exports" / "a" / "b")
    to_share.root.rename(tmp_path / "elsewhere")
    moved = Workspace(tmp_path / "elsewhere")
    assert known(moved, OPEN) == [("exports/a/b", False, False)]
    (moved.root / "exports.json").unlink()  # of before there was one
    assert known(moved, OPEN) == [("exports/a/b", False, False)]


def test_an_export_is_registered_before_it_is_there(to_share, tmp_path, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out")
    monkeypatch.setattr("quimbot_data.export.strike_replaced", killed)
    with pytest.raises(KeyboardInterrupt):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([(str(tmp_path / "out"), True, False)], [])
    monkeypatch.setattr("quimbot_data.export.settle", killed)
    with pytest.raises(KeyboardInterrupt):
        export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([(str(tmp_path / "out"), True, False)], [])


def test_a_broken_register_is_not_written_over(to_share, tmp_path):
    (to_share.root / "exports.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"exports\.json.*Restore it"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (to_share.root / "exports.json").read_text() == "{}"
