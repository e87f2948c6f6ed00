"""The near-duplicate benchmark's contenders remove what is planted, and its truth holds."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

#: Whole processes of several tools each.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
ROWS = 600
TRUTH = """
import json, sys
from pathlib import Path
from near_rows import Truth, write
files = write(Path(sys.argv[1]), int(sys.argv[2]))
truth = Truth(files)
print(json.dumps({"files": [str(file) for file in files], "pairs": truth.pairs, "alike": sorted(truth.alike)}))
"""


def python(*arguments: str) -> str:
    paths = {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(ROOT)]), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    return json.loads(python("-c", TRUTH, str(tmp_path_factory.mktemp("rows")), str(ROWS)))


def ids(files: list[Path]) -> set[str]:
    return {key for file in files for key in pl.read_parquet(file, columns=["id"])["id"]}


@pytest.mark.parametrize(
    ("name", "needs", "recall", "precision"),
    [
        ("quimbot near-duplicates", "rensa", 0.9, 1.0),
        ("rensa deduplicator, string shingles", "rensa", 0.8, 0.8),
        ("datatrove, words by our regex, lower case only", "tokenizers", 0.9, 0.2),
    ],
)
def test_contenders_remove_what_is_planted(
    name: str, needs: str, recall: float, precision: float, planted: dict[str, list], tmp_path: Path
) -> None:
    if not importlib.util.find_spec("datatrove") or not importlib.util.find_spec(needs):
        pytest.skip(f"datatrove or its {needs} is not installed")
    files = [Path(file) for file in planted["files"]]
    printed = python(str(BENCHMARKS / "near_contenders.py"), name, str(tmp_path / "out"), *map(str, files))
    assert json.loads(printed)["seconds"] > 0
    removed = ids(files) - ids(list((tmp_path / "out" / "rows").iterdir()))
    assert len(planted["pairs"]) > 20
    assert sum(bool(removed & set(pair)) for pair in planted["pairs"]) >= recall * len(planted["pairs"])
    assert len(removed & set(planted["alike"])) >= precision * len(removed)
