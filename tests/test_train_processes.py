"""Training in processes of its own: killed by the system, and spread by launchers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from tiny_run import tiny_llama
from versions_to_share import MIXED

from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Workspace
from schemas.run import ADAPTER_WEIGHTS
from train.recipe import find_recipe
from train.record import METRICS, read_metrics, read_record
from train.run import run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning")]
ROOT = Path(__file__).parents[1]
STEPS = 12


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    base = tiny_llama(tmp_path_factory.mktemp("base"))
    file: Path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(
        f'name = "tiny"\nversion = "{MIXED}"\nbase = "{base}"\ncheckpoint_every = 3\n'
        "[adapter]\nrank = 2\nalpha = 4\ndropout = 0.1\n"
        f"[optimization]\nsteps = {STEPS}\nbatch = 2\nmax_length = 64\nlearning_rate = 1e-2\nwarmup = 0\n"
    )
    return file


@pytest.fixture
def places(shared, tmp_path):
    made = [Workspace(tmp_path / name) for name in ("a", "b")]
    for place in made:
        shutil.copytree(shared.root / "versions", place.root / "versions")
    return made


def started(place: Workspace, recipe: Path, *rest: str, launcher: Sequence[str] = ()) -> "subprocess.Popen[str]":
    arguments = ["train", "run", str(recipe), "--workspace", str(place.root), "--json", *rest]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, *(launcher or ["-m"]), "quimbot_data", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> dict[str, object]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    record: dict[str, object] = json.loads(out)
    return record


def trained_here(place: Workspace, recipe: Path) -> dict[str, object]:
    """The same, in this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        record, _ = run(place, find_recipe(str(recipe)))
    finally:
        torch.set_num_threads(threads)
    return record.model_dump(mode="json")


def kill_after(process: "subprocess.Popen[str]", place: Workspace, steps: int) -> None:
    """SIGKILL as soon as that many steps are told of."""
    for _ in range(3000):
        if len(read_metrics(place.run("tiny"))) >= steps:
            break
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    assert place.run_status(read_record(place, "tiny")) == "running"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(read_metrics(place.run("tiny"))) < STEPS


def test_a_run_that_the_system_killed_twice_ends_as_one_that_it_did_not(places, recipe):
    broken, whole = places
    kill_after(started(broken, recipe), broken, 4)
    assert read_record(broken, "tiny").status == "running", "nobody was left to say otherwise"
    (row,) = run_query(broken, "SELECT status, steps_done FROM runs").to_pylist()
    assert row == {"status": "interrupted", "steps_done": 3}
    kill_after(started(broken, recipe), broken, 8)
    assert ended(started(broken, recipe))["adapter"] == trained_here(whole, recipe)["adapter"]
    assert (broken.run("tiny") / "adapter" / ADAPTER_WEIGHTS).read_bytes() == (
        whole.run("tiny") / "adapter" / ADAPTER_WEIGHTS
    ).read_bytes()
    assert [line["step"] for line in read_metrics(broken.run("tiny"))] == list(range(1, STEPS + 1))


#: `--multi_gpu` has accelerate hand on to torchrun; where there is no GPU its processes meet on CPUs (gloo).
LAUNCHER = (
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
    *("--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no", "-m"),
)


def test_two_processes_of_accelerate_train_what_one_trains(places, recipe):
    """They share each batch and give what one gives, but for the order of sums (dropout is off here)."""
    text = recipe.read_text().replace("dropout = 0.1", "dropout = 0.0").replace(f"steps = {STEPS}", "steps = 3")
    calm = recipe.with_name("calm.toml")
    calm.write_text(text)
    spread, alone = places
    ended(started(spread, calm, launcher=LAUNCHER))
    trained_here(alone, calm)
    states = list(spread.run("tiny").glob("checkpoints/checkpoint-3/rng_state*"))
    assert len(states) == 2, "both took part"
    for there, here in zip(read_metrics(spread.run("tiny")), read_metrics(alone.run("tiny")), strict=True):
        assert there["loss"] == pytest.approx(here["loss"], abs=1e-4)
        assert there["trained"] == here["trained"]
        assert there["losses"] == pytest.approx(here["losses"], abs=1e-3)
    assert (spread.run("tiny") / METRICS).exists()
    assert read_record(spread, "tiny").status == "finished"
