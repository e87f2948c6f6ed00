"""Killed before any of its writes and run again: the same bytes, and nothing half-written was ever taken for finished.

The kill matrix: a run of one thread tells every write that ingest or build makes, and for each a run is killed right
before it. `make test` takes every write, the ordinary loop a few of an ingest's; see `killed.py`.
"""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import REF, corpus_of, files_below
from killed import small_recipe
from raw_rows import prosocial, question, tutor, write_lines

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Workspace, file_digest

pytestmark = pytest.mark.usefixtures("plain_card")

#: File lengths within whose writing a run of two threads is killed.
LENGTHS = (200, 3_000, 6_000)
#: Of all writes, the ordinary loop takes this many, evenly spread, the last among them.
FEW = 3


@cache
def warm() -> "subprocess.Popen[str]":
    """The process that jobs are forked from (see `killed.py`); it ends when its input does, with this one."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # numpy's threads would not survive the forks
    command = [sys.executable, Path(__file__).with_name("killed.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    atexit.register(process.communicate)
    return process


def killed(jobs: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Run jobs in processes of their own, whose logs go to a folder."""
    folder.mkdir()
    for number, job in enumerate(jobs):
        job["log"] = str(folder / f"{number}.log")
    asked, told = warm().stdin, warm().stdout
    assert asked
    assert told
    asked.write(json.dumps(jobs) + "\n")
    asked.flush()
    found: list[dict[str, Any]] = json.loads(told.readline())
    return found


def kill_at_every_write(start: Workspace, do: dict[str, Any], few: int | None, folder: Path) -> list[Workspace]:
    """Copies of a workspace, in each of which a command was killed at another moment."""

    def job(name: str, **moment: int) -> dict[str, Any]:
        shutil.copytree(start.root, folder / name)
        return {"threads": 1, "workspace": str(folder / name)} | do | moment

    (whole,) = killed([job("whole")], folder / "first")
    assert whole["ended"] == 0
    log = Path(whole["log"]).read_text("utf-8").splitlines()
    assert_all_were_seen(log, start, Workspace(folder / "whole"))
    writes = len(log)
    points = range(writes) if few is None else [(writes - 1) * number // (few - 1) for number in range(few)]
    jobs = [job(f"write-{point}", before_write=point) for point in points]
    lengths = LENGTHS if few is None else ()
    jobs += [job(f"length-{length}", beyond_bytes=length, threads=2) for length in lengths]
    for done in killed(jobs, folder / "killed"):
        if "before_write" in done:
            assert done["ended"] == -signal.SIGKILL, done
            assert len(Path(done["log"]).read_text("utf-8").splitlines()) == done["before_write"]
        else:
            assert done["ended"] == -signal.SIGXFSZ, done
    return [Workspace(Path(job["workspace"])) for job in jobs]


def assert_all_were_seen(log: list[str], before: Workspace, after: Workspace) -> None:
    """Native writers that are given a path would escape the audit hook: each new file must have been opened by name."""
    opened = [Path(line.removeprefix("open ")).name for line in log if line.startswith("open ")]
    for path in finished(after).keys() - finished(before).keys():
        name = Path(path).name
        hashed = ".writing-" + re.sub(r"[0-9a-f]{32}", "pending-", name).removesuffix(".parquet")
        assert any(seen in (name, f".writing-{name}") or seen.startswith(hashed) for seen in opened), path


def finished(workspace: Workspace) -> dict[str, bytes]:
    """Every file of corpora and versions; of manifests all but the record of when and how fast it went."""
    files = {}
    for top in ("corpus", "versions"):
        for path, data in files_below(workspace.root / top).items():
            files[f"{top}/{path}"] = without_record(data) if path.endswith("manifest.json") else data
    return files


def without_record(manifest: bytes) -> bytes:
    parsed = json.loads(manifest)
    assert parsed.pop("record")
    return json.dumps(parsed).encode()


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


def add_tutor(workspace: Workspace, rows: Path) -> Workspace:
    ingest(workspace, corpus_of("tutor"), [rows], Options())
    return workspace


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_lines(tutor(60), path)
    return path


def assert_the_same_after_another_run(
    stopped: list[Workspace], run: Callable[[Workspace], object], undisturbed: Workspace
) -> None:
    expected = finished(undisturbed)
    for workspace in stopped:
        run(workspace)
        assert finished(workspace) == expected, workspace.root.name
        assert_no_remains(workspace)


@pytest.mark.parametrize("few", [FEW, pytest.param(None, marks=pytest.mark.slow)])
def test_ingest_killed_and_run_again(tmp_path, rows, few):
    undisturbed = add_tutor(Workspace(tmp_path / "undisturbed"), rows)
    (tmp_path / "empty").mkdir()
    stopped = kill_at_every_write(Workspace(tmp_path / "empty"), {"do": "ingest", "raw": str(rows)}, few, tmp_path)
    for workspace in stopped:
        assert_corpora_whole(workspace)
    unlisted = sum(workspace.sources() == [] for workspace in stopped)
    assert 0 < unlisted < len(stopped), "some moments come before the corpus is there, some after"
    assert_the_same_after_another_run(stopped, lambda workspace: add_tutor(workspace, rows), undisturbed)


@pytest.mark.slow
def test_ingest_killed_over_a_corpus_leaves_the_old_one_or_the_new_one(tmp_path, rows):
    write_lines(tutor(80)[40:], tmp_path / "old.jsonl")
    before = add_tutor(Workspace(tmp_path / "before"), tmp_path / "old.jsonl")
    undisturbed = add_tutor(Workspace(tmp_path / "undisturbed"), rows)
    old, new = finished(before), finished(undisturbed)
    stopped = kill_at_every_write(before, {"do": "ingest", "raw": str(rows)}, None, tmp_path)
    listed = []
    for workspace in stopped:
        assert_corpora_whole(workspace)
        found, manifest = finished(workspace), workspace.corpus_manifest("tutor")
        entries = [*manifest.dialogues, *manifest.rejected, manifest.origins]
        paths = [f"corpus/tutor/{name}" for name in ("manifest.json", *(entry.path for entry in entries))]
        listed.append({path: found[path] for path in paths})
    assert all(files in (old, new) for files in listed)
    assert old in listed
    assert new in listed
    assert_the_same_after_another_run(stopped, lambda workspace: add_tutor(workspace, rows), undisturbed)


@pytest.mark.slow
def test_build_killed_and_run_again(tmp_path, rows):
    ready = add_tutor(Workspace(tmp_path / "ready"), rows)
    write_lines(prosocial(40), tmp_path / "train.json")
    ingest(ready, corpus_of("prosocial"), [tmp_path / "train.json"], Options())
    (ready.root / "evaluation").mkdir()
    (ready.root / "evaluation" / "held.txt").write_text("".join(f"{question(n)}\n" for n in range(5)), "utf-8")
    undisturbed = Workspace(tmp_path / "undisturbed")
    shutil.copytree(ready.root, undisturbed.root)
    build(undisturbed, small_recipe(), REF)
    stopped = kill_at_every_write(ready, {"do": "build"}, None, tmp_path)
    for workspace in stopped:
        for ref in workspace.versions():
            assert verify(workspace, ref) == []
    unlisted = sum(workspace.versions() == [] for workspace in stopped)
    assert 0 < unlisted < len(stopped), "some moments come before the version is there, some after"
    assert_the_same_after_another_run(stopped, lambda workspace: build(workspace, small_recipe(), REF), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_a_resumable_state(tmp_path, times):
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
    for _ in range(times):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.2)
    said = process.communicate(timeout=60)
    assert (process.returncode, said[0]) == (130, "")
    assert "Ctrl-C again leaves at once" in said[1]
    assert ("run the command again" in said[1]) == (times == 1), "a second one waits for nothing"
    assert "Traceback" not in said[1]
    workspace = Workspace(tmp_path / "w")
    assert workspace.sources() == []
    if times == 2:
        subprocess.run(command, check=True, capture_output=True)
        assert workspace.sources() == ["tutor"]
    assert_no_remains(workspace)
