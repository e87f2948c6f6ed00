"""Killed at any moment and run again: the same bytes, and nothing half-written was ever taken for finished."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import REF, corpus_bytes, corpus_of, files_below, version_bytes
from killed import small_recipe
from raw_rows import prosocial, tutor, write_lines

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Workspace, file_digest
from schemas.errors import WorkspaceError

pytestmark = pytest.mark.usefixtures("plain_card")

#: File lengths within whose writing a run is killed.
LENGTHS = (200, 3_000, 6_000)
#: Moments before writes at which a run is killed: a dozen takes half a minute, so the ordinary loop makes do with two.
every_moment = pytest.mark.parametrize("count", [2, pytest.param(12, marks=pytest.mark.slow)])


def killed(tmp_path: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run jobs in processes of their own (see `killed.py`)."""
    for number, job in enumerate(jobs):
        job["log"] = str(tmp_path / f"{number}.log")
    (tmp_path / "jobs.json").write_text(json.dumps(jobs), "utf-8")
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, script, tmp_path / "jobs.json"], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def writes(job: dict[str, Any]) -> list[str]:
    return Path(job["log"]).read_text("utf-8").splitlines()


def moments(tmp_path: Path, job: dict[str, Any], root: Path, count: int) -> list[dict[str, Any]]:
    """Jobs, each killed at another moment of a run that writes as the given one does; the last write among them."""
    (tmp_path / "whole").mkdir()
    (whole,) = killed(tmp_path / "whole", [job])
    assert whole["ended"] == 0
    last = len(writes(whole)) - 1
    points = [last // 2, last] if count == 2 else np.linspace(0, last, count).astype(int).tolist()
    assert len(set(points)) == count
    return [job | {"before_write": point, "workspace": str(root / f"write-{point}")} for point in points] + [
        job | {"beyond_bytes": length, "workspace": str(root / f"length-{length}")}
        for length in (LENGTHS if count > 2 else ())
    ]


def assert_killed(jobs: list[dict[str, Any]]) -> None:
    for job in jobs:
        due = -signal.SIGXFSZ if "beyond_bytes" in job else -signal.SIGKILL
        assert job["ended"] == due, job


def assert_corpora_whole(workspace: Workspace) -> None:
    """Whatever is listed reads, and is what its manifest states."""
    for source in workspace.sources():
        manifest = workspace.corpus_manifest(source)
        for entry in [*manifest.dialogues, *manifest.rejected, manifest.origins]:
            path = workspace.corpus(source) / entry.path
            assert file_digest(path) == entry.sha256
            assert pl.read_parquet(path).height == entry.rows


def assert_no_remains(workspace: Workspace) -> None:
    assert files_below(workspace.root / ".scratch") == {}
    assert [path for path in workspace.root.rglob("*") if path.name.startswith((".writing-", "pending-"))] == []


def tutor_workspace(root: Path, rows: Path) -> Workspace:
    workspace = Workspace(root)
    ingest(workspace, corpus_of("tutor"), [rows], Options())
    return workspace


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_lines(tutor(60), path)
    return path


@pytest.mark.slow
def test_ingest_killed_and_run_again(tmp_path, rows):
    count = 12
    undisturbed = tutor_workspace(tmp_path / "undisturbed", rows)
    job = {"do": "ingest", "raw": str(rows), "workspace": str(tmp_path / "first")}
    jobs = killed(tmp_path, moments(tmp_path, job, tmp_path, count))
    assert_killed(jobs)
    unlisted = 0
    for job in jobs:
        workspace = Workspace(Path(job["workspace"]))
        unlisted += workspace.sources() == []
        assert_corpora_whole(workspace)
        tutor_workspace(workspace.root, rows)
        assert corpus_bytes(workspace, "tutor") == corpus_bytes(undisturbed, "tutor")
        assert_no_remains(workspace)
    assert unlisted >= count - 2, "most moments come before the corpus is there"


@every_moment
def test_ingest_killed_over_a_corpus_leaves_the_old_one_or_the_new_one(tmp_path, rows, count):
    before = tmp_path / "old.jsonl"
    write_lines(tutor(80)[40:], before)
    new = corpus_bytes(tutor_workspace(tmp_path / "new", rows), "tutor")
    old = corpus_bytes(tutor_workspace(tmp_path / "first", before), "tutor")
    job = {"do": "ingest", "raw": str(rows), "workspace": str(tmp_path / "first")}
    jobs = moments(tmp_path, job, tmp_path, count)
    for job in jobs:
        tutor_workspace(Path(job["workspace"]), before)
    assert_killed(killed(tmp_path, jobs))
    kept_old = 0
    for job in jobs:
        workspace = Workspace(Path(job["workspace"]))
        assert workspace.sources() == ["tutor"]
        assert_corpora_whole(workspace)
        found, stated = corpus_bytes(workspace, "tutor"), workspace.corpus_manifest("tutor")
        listed = {entry.path for entry in [*stated.dialogues, *stated.rejected, stated.origins]}
        assert {path: found[path] for path in listed} in (old, new)
        kept_old += listed == set(old)
        tutor_workspace(workspace.root, rows)
        assert corpus_bytes(workspace, "tutor") == new
        assert_no_remains(workspace)
    assert kept_old >= count - 3


@every_moment
def test_build_killed_and_run_again(tmp_path, rows, count):
    dialogues = tmp_path / "train.json"
    write_lines(prosocial(40), dialogues)

    def prepared(root: Path) -> Workspace:
        workspace = tutor_workspace(root, rows)
        ingest(workspace, corpus_of("prosocial"), [dialogues], Options())
        return workspace

    undisturbed = prepared(tmp_path / "undisturbed")
    build(undisturbed, small_recipe(), REF)
    prepared(tmp_path / "first")
    jobs = moments(tmp_path, {"do": "build", "workspace": str(tmp_path / "first")}, tmp_path, count)
    for job in jobs:
        prepared(Path(job["workspace"]))
    assert_killed(killed(tmp_path, jobs))
    unlisted = 0
    for job in jobs:
        workspace = Workspace(Path(job["workspace"]))
        unlisted += workspace.versions() == []
        for ref in workspace.versions():
            assert verify(workspace, ref) == []
        build(workspace, small_recipe(), REF)
        assert verify(workspace, REF) == []
        assert version_bytes(workspace) == version_bytes(undisturbed)
        assert_no_remains(workspace)
    assert unlisted >= count - 2, "most moments come before the version is there"


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from quimbot_data.cli import main
main()
"""


def test_a_write_that_fails_is_one_error_and_leaves_nothing(tmp_path, rows):
    options = ["--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0", "--workspace", tmp_path / "w"]
    command = [sys.executable, "-c", FULL, "ingest", "messages", rows, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written: File too large" in done.stderr
    workspace = Workspace(tmp_path / "w")
    assert workspace.sources() == []
    assert_no_remains(workspace)


def test_a_read_only_workspace_is_one_error(tmp_path, rows):
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        tutor_workspace(tmp_path / "file", rows)


def test_ctrl_c_leaves_a_resumable_state(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(tutor(20_000), path)
    script = "from quimbot_data.cli import main; main()"
    options = ["--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0", "--workspace", tmp_path / "w"]
    command = [sys.executable, "-c", script, "ingest", "messages", path, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list((tmp_path / "w").glob(".scratch/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)  # into the work of the threads
    os.kill(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)
    assert (process.returncode, said[0]) == (130, "")
    assert "run the command again" in said[1]
    assert "Traceback" not in said[1]
    workspace = Workspace(tmp_path / "w")
    assert workspace.sources() == []
    assert_no_remains(workspace)
