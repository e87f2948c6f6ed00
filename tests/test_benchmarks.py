"""The benchmark's contenders do the same work, and its generator keeps its word."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
ROWS = 500


def python(script: str, *arguments: str) -> str:
    paths = {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(ROOT)]), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def layout() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lmsys_layout", BENCHMARKS / "lmsys_layout.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return layout().write(tmp_path_factory.mktemp("layout"), ROWS, rows_a_file=ROWS // 2)


def outcome(name: str, files: list[Path], out: Path) -> dict[str, object]:
    seconds = json.loads(python("contenders.py", name, str(out), *map(str, files)).splitlines()[-1])["seconds"]
    assert seconds > 0
    return json.loads(python("outcome.py", name, str(out)))


@pytest.fixture(scope="module")
def ours(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return outcome("quimbot ingest", files, tmp_path_factory.mktemp("ours") / "out")


def test_every_row_is_written_or_refused(ours: dict[str, int]) -> None:
    assert ours["rows"] + ours["rejected"] == ROWS
    assert ours["rejected"] > 0


@pytest.mark.parametrize("lean", ["", ", no moderation"])
@pytest.mark.parametrize(
    ("module", "name"), [("datasets", "datasets.map, 2 processes"), ("datatrove", "datatrove, 2 tasks")]
)
def test_peers_write_and_refuse_the_same_rows(
    module: str, name: str, lean: str, files: list[Path], ours: dict[str, object], tmp_path: Path
) -> None:
    if not importlib.util.find_spec(module):
        pytest.skip(f"{module} is not installed")
    assert outcome(name + lean, files, tmp_path / "out") == ours


@pytest.mark.parametrize("lean", ["", ", no scores"])
def test_copies_hold_every_row(lean: str, files: list[Path], tmp_path: Path) -> None:
    assert outcome("bare polars copy" + lean, files, tmp_path / "out") == {"rows": ROWS}


def test_the_generator_keeps_its_word() -> None:
    generator = layout()
    frame = pl.concat(generator.rows(2_000))
    lengths, shares = generator.describe(frame)
    found = {name: round(share, 3) for name, share in shares.row(0, named=True).items() if name != "turns"}
    assert found == {
        "non_latin": 35,
        "not_nfc": 10,
        "crlf": 3,
        "control": 0.5,
        "no_break_space": 0.5,
        "empty": 2,
        "dangling_user": 1,
        "flagged": 5,
    }
    medians = dict(lengths.select("role", "q50").iter_rows())
    assert medians["user"] == pytest.approx(60, rel=0.1)
    assert medians["assistant"] == pytest.approx(440, rel=0.1)
    assert frame.equals(pl.concat(generator.rows(2_000)))
