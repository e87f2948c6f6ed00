"""The README is run: its commands work, and print what it says they print."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def steps() -> list[tuple[str, str]]:
    """(command, output as printed in the README), in order."""
    found = []
    for block in blocks("console"):
        for command, output in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE):
            found.append((command, output))
    return found


def masked(output: str) -> list[str]:
    """Lines without what may differ: the temporary folder, and how tables are padded."""
    output = re.sub(r"/\S*?quimbot-demo-\w+", "TEMPORARY", output)
    output = re.sub(r"(?<=\s)/\S*?/(datasets|shared)\b", r"\1", output)
    return [re.sub(r"\s+", " ", line).strip() for line in output.splitlines() if line.strip()]


@pytest.mark.slow
def test_every_command_prints_what_the_readme_says(tmp_path):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(tmp_path / "tmp")}
    environment.pop("QUIMBOT_WORKSPACE", None)
    (tmp_path / "tmp").mkdir()
    assert len(steps()) >= 6
    for command, expected in steps():
        command = command.replace("make demo", "quimbot demo")
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        shown = masked(done.stdout)
        wanted = masked(expected)
        if wanted and wanted[-1] == "…":
            shown, wanted = shown[: len(wanted) - 1], wanted[:-1]
        assert shown == wanted, command


def test_every_command_is_documented():
    from quimbot_data.cli import app

    names = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    told = set(re.findall(r"(?:quimbot |· `)([\w-]+)", README))
    assert names <= told, f"not in the README: {sorted(names - told)}"


def test_measures_stand_beside_human_teachers_figures():
    from quimbot_data.pedagogy.measures import TARGETS
    from quimbot_data.pedagogy.report import human_figures, number

    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", README, re.MULTILINE)]
    head = next(row for row in rows if row[1:3] == ["measure", "ours"])
    sets = human_figures().sets
    assert head[4:] == list(sets)
    told = {f"{row[0]}/{row[1]}": row[4:] for row in rows[rows.index(head) + 2 :] if len(row) == len(head)}
    wanted = [f"{target.group}/{target.name}" for target in TARGETS[:-1]]
    assert told == {key: [number(figures[key]) for figures in sets.values()] for key in wanted}


def test_the_first_screen_shows_the_demo():
    first_screen = "\n".join(README.splitlines()[:60])
    assert "$ make demo" in first_screen
    assert "Splits" in first_screen


@pytest.mark.slow
def test_python_examples_run(tmp_path):
    workspace = tmp_path / "datasets"
    subprocess.run(
        [BIN / "quimbot", "demo", "--workspace", workspace], check=True, capture_output=True, cwd=tmp_path, timeout=120
    )
    environment = {**os.environ, "HF_DATASETS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    shutil.rmtree(workspace)
