"""Full and read-only disks, two builds at once, flipped bytes, a clock gone back: one clear error, nothing lost."""

import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from conftest import Ran, corpus_of
from raw_rows import prosocial, tutor, write_lines
from test_kill import assert_corpora_whole, assert_no_remains, finished

from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace

pytestmark = pytest.mark.slow  # whole workspaces and commands, many times over

RECIPE = """
name = "small"
unit = "dialogues"
size = 40
components = [
  { family = "pedagogical", weight = 0.6, sources = ["tutor"] },
  { family = "safety", weight = 0.4, sources = ["prosocial"] },
]
near_duplicates = { action = "tie" }
splits = { validation = 0.1, test = 0.1 }
"""
REF = Ref("small", "1.0.0")
AS_TUTOR = ("--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0", "--terms", "attribution")
Quimbot = Callable[..., Ran]


@dataclass(frozen=True)
class Prepared:
    """Raw rows, a recipe file, a workspace with both corpora, and the same one with the version built."""

    rows: Path
    recipe: Path
    ready: Workspace
    built: Workspace

    def ingest(self, workspace: Path) -> tuple[object, ...]:
        return "ingest", "messages", self.rows, *AS_TUTOR, "--workspace", workspace

    def build(self, workspace: Path) -> tuple[object, ...]:
        return "build", self.recipe, "--version", REF.version, "--workspace", workspace


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    root = tmp_path_factory.mktemp("prepared")
    write_lines(tutor(60), root / "rows.jsonl")
    write_lines(prosocial(40), root / "train.json")
    (root / "small.toml").write_text(RECIPE, "utf-8")
    ready = Workspace(root / "ready")
    ingest(ready, corpus_of("tutor"), [root / "rows.jsonl"], Options())
    ingest(ready, corpus_of("prosocial"), [root / "train.json"], Options())
    found = Prepared(root / "rows.jsonl", root / "small.toml", ready, Workspace(root / "built"))
    shutil.copytree(ready.root, found.built.root)
    done = process(*found.build(found.built.root))
    assert done.code == 0, done.err
    return found


@pytest.fixture
def copied(prepared: Prepared, tmp_path: Path) -> Workspace:
    """`ready`, to be spoiled."""
    shutil.copytree(prepared.ready.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def rows_of(workspace: Workspace) -> dict[str, bytes]:
    """All finished files but the documents of versions, which say how long the build took."""
    documents = ("README.md", "croissant.json", "documents.json")
    files = finished(workspace).items()
    return {path: data for path, data in files if "/plots/" not in path and not path.endswith(documents)}


def started(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from quimbot_data.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(running: "subprocess.Popen[str]") -> Ran:
    out, err = running.communicate(timeout=120)
    return Ran(running.returncode, out, err)


def process(*arguments: object) -> Ran:
    """The command line in a process of its own."""
    return ended(started(*arguments))


# --- a full disk ------------------------------------------------------------------------------------------------------


class Disk:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], capture_output=True, text=True, check=False
        )

    def change(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    made.folder.mkdir()
    try:
        tried = made.mount("size=4m")
    except FileNotFoundError:
        pytest.skip("no `mount` here: a small disk cannot be made")
    if tried.returncode:
        pytest.skip(f"mounting is not permitted here: {tried.stderr.strip()}")
    yield made
    subprocess.run(["umount", "--lazy", made.folder], check=True)  # a failed run may leave a file mapped for a while


def used(folder: Path) -> int:
    """KiB that a file system holds."""
    state = os.statvfs(folder)
    return (state.f_blocks - state.f_bfree) * state.f_frsize // 1024


def fill_and_run(disk: Disk, quimbot: Quimbot, command: tuple[object, ...], steps: range) -> list[Ran]:
    """Run a command with ever more room, in KiB, until it succeeds."""
    before, runs = used(disk.folder), []
    for room in steps:
        disk.change(f"size={before + room}k")
        runs.append(quimbot(*command))
        if runs[-1].code == 0:
            return runs
        runs[-1].told_at_last("cannot be written", "No space left on device", "Free some space")
        assert_no_remains(Workspace(disk.folder))
        gc.collect()  # what a failed run had mapped holds room until then
    raise AssertionError(f"{max(steps)} KiB did not do: {runs[-1].err}")


@pytest.mark.slow
def test_ingest_on_a_full_disk(prepared, disk, quimbot):
    workspace = Workspace(disk.folder)
    runs = fill_and_run(disk, quimbot, prepared.ingest(disk.folder), range(8, 1000, 16))
    assert len(runs) > 3, "the disk was full at several moments"
    expected = {path: data for path, data in finished(prepared.ready).items() if path.startswith("corpus/tutor")}
    assert finished(workspace) == expected
    assert_no_remains(workspace)


def test_a_full_disk_leaves_the_old_corpus(prepared, disk, quimbot, tmp_path):
    workspace = Workspace(disk.folder)
    write_lines(tutor(30), tmp_path / "old.jsonl")
    ingest(workspace, corpus_of("tutor"), [tmp_path / "old.jsonl"], Options())
    old = finished(workspace)
    disk.change(f"size={used(disk.folder) + 24}k")
    quimbot(*prepared.ingest(disk.folder)).told_at_last("No space left on device")
    assert_corpora_whole(workspace)
    assert {path: finished(workspace)[path] for path in old} == old


@pytest.mark.usefixtures("plain_card")
def test_build_on_a_full_disk(prepared, disk, quimbot):
    workspace = Workspace(disk.folder)
    shutil.copytree(prepared.ready.root, disk.folder, dirs_exist_ok=True)
    corpora = finished(workspace)
    runs = fill_and_run(disk, quimbot, prepared.build(disk.folder), range(16, 4000, 24))
    assert len(runs) > 3, "the disk was full at several moments"
    assert verify(workspace, REF) == []
    assert rows_of(workspace) == rows_of(prepared.built)
    assert {path: finished(workspace)[path] for path in corpora} == corpora


@pytest.mark.slow
def test_a_full_disk_while_the_documents_are_written(prepared, disk, quimbot):
    """Card and plots come last: the room that data and scratch files leave does for some of them."""
    workspace = Workspace(disk.folder)
    shutil.copytree(prepared.ready.root, disk.folder, dirs_exist_ok=True)
    runs = fill_and_run(disk, quimbot, prepared.build(disk.folder), range(432, 4000, 48))
    assert len(runs) > 1
    assert verify(workspace, REF) == []
    assert rows_of(workspace) == rows_of(prepared.built)


@pytest.mark.slow
def test_a_file_that_may_not_grow(prepared, copied):
    """`RLIMIT_FSIZE` needs no mount: the system refuses in the middle of a Parquet file."""

    def limited(*arguments: object, limit: int) -> Ran:
        script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY}))"
        command = [sys.executable, "-c", f"{script}\nfrom quimbot_data.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)

    corpora = finished(copied)
    limited(*prepared.build(copied.root), limit=3000).told("cannot be written: File too large")
    limited(*prepared.ingest(copied.root), limit=3000).told("cannot be written: File too large")
    assert copied.versions() == []
    assert {path: finished(copied)[path] for path in corpora} == corpora
    assert_corpora_whole(copied)


# --- a read-only disk -------------------------------------------------------------------------------------------------


def test_a_read_only_workspace_reads_and_refuses_to_write(prepared, disk, quimbot):
    shutil.copytree(prepared.built.root, disk.folder, dirs_exist_ok=True)
    before = finished(Workspace(disk.folder))
    disk.change("ro")
    refused = [
        prepared.ingest(disk.folder),
        ("build", prepared.recipe, "--version", "1.1.0", "--workspace", disk.folder),
    ]
    for command in refused:
        quimbot(*command).told("Read-only file system", "--workspace")
    for command in (("sources",), ("versions",), ("show", REF), ("verify", REF), ("sql", "SELECT 1")):
        done = quimbot(*command, "--workspace", disk.folder)
        assert done.code == 0, done.err
    assert finished(Workspace(disk.folder)) == before


def test_a_workspace_that_is_a_file(prepared, quimbot, tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    quimbot(*prepared.ingest(tmp_path / "file")).told("cannot be written", "Not a directory")


# --- two at once ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_builds_of_one_version_raced(prepared, copied):
    """Started together: one wins; the other is refused while it runs, or finds the version built."""
    runs = [ended(running) for running in [started(*prepared.build(copied.root)) for _ in range(2)]]
    assert 0 in [run.code for run in runs], runs
    for run in runs:
        if run.code:
            run.told("Another process uses version small 1.0.0", "run the command again")
    assert verify(copied, REF) == []
    assert rows_of(copied) == rows_of(prepared.built)
    assert_no_remains(copied)


@pytest.mark.slow
@pytest.mark.parametrize("second", ["build", "ingest"])
def test_a_second_command_in_the_midst_of_a_build_is_refused(prepared, copied, quimbot, second):
    """The build is stopped in its tracks, so the second command meets it for certain."""
    first = started(*prepared.build(copied.root))
    try:
        await_folder(copied.root / ".scratch" / "version-small-1.0.0" / "version")
        first.send_signal(signal.SIGSTOP)
        command = prepared.build(copied.root) if second == "build" else prepared.ingest(copied.root)
        quimbot(*command).told("Another process", "run the command again")
        assert copied.versions() == []
    finally:
        first.send_signal(signal.SIGCONT)
    won = ended(first)
    assert won.code == 0, won.err
    assert verify(copied, REF) == []
    assert rows_of(copied) == rows_of(prepared.built)
    assert_no_remains(copied)


def await_folder(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not folder.exists():
        assert time.monotonic() < deadline, f"{folder} was never made"
        time.sleep(0.001)


# --- bytes that changed -----------------------------------------------------------------------------------------------


def flip(path: Path, place: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.usefixtures("plain_card")
@pytest.mark.parametrize("harm", ["first byte", "in the middle", "last byte", "cut", "gone"])
def test_a_corrupted_shard_is_named_refused_and_mended_by_ingest(prepared, copied, quimbot, harm):
    shard = copied.corpus("tutor") / copied.corpus_manifest("tutor").dialogues[0].path
    if harm == "gone":
        shard.unlink()
    elif harm == "cut":
        os.truncate(shard, shard.stat().st_size // 2)
    else:
        flip(shard, {"first byte": 0, "in the middle": 0.5, "last byte": 1}[harm])
    quimbot(*prepared.build(copied.root)).told(str(shard), "tutor", "ingest")
    assert copied.versions() == []
    assert_no_remains(copied)
    assert quimbot(*prepared.ingest(copied.root)).code == 0
    assert quimbot(*prepared.build(copied.root)).code == 0
    assert verify(copied, REF) == []
    assert rows_of(copied) == rows_of(prepared.built)


@pytest.mark.parametrize("place", [0, 0.3, 0.6, 1])
def test_a_flipped_byte_of_a_version_is_named(prepared, tmp_path, quimbot, place):
    shutil.copytree(prepared.built.root, tmp_path / "w")
    folder = Workspace(tmp_path / "w").version(REF)
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".parquet", ".png")):
        whole = path.read_bytes()
        flip(path, place)
        done = quimbot("verify", REF, "--workspace", tmp_path / "w")
        assert done.code == 1
        assert path.relative_to(folder).as_posix() in done.out + done.err
        assert "Traceback" not in done.err
        path.write_bytes(whole)
    assert quimbot("verify", REF, "--workspace", tmp_path / "w").code == 0


# --- a clock that went back -------------------------------------------------------------------------------------------

YEARS = timedelta(days=3650)


class Earlier(datetime):
    """A clock ten years behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Earlier":
        return super().now(tz) - YEARS


@pytest.mark.usefixtures("plain_card")
def test_a_clock_moved_back_changes_no_bytes(prepared, copied, quimbot, monkeypatch):
    """Ten years earlier than the files that stand there: the same corpus, the same version, and found again."""
    before = finished(copied)
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() - YEARS.total_seconds())
    for module in ("ingest", "build"):
        monkeypatch.setattr(f"quimbot_data.{module}.datetime", Earlier)
    for command in (prepared.ingest(copied.root), prepared.build(copied.root)):
        done = quimbot(*command)
        assert done.code == 0, done.err
    assert {path: finished(copied)[path] for path in before} == before
    assert rows_of(copied) == rows_of(prepared.built)
    for manifest in (copied.corpus_manifest("tutor"), copied.version_manifest(REF)):
        assert datetime.fromisoformat(manifest.record["created"]) < datetime.now(UTC) - YEARS / 2
    again = quimbot(*prepared.build(copied.root), "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["written"] is False
