"""Records of training runs, written by hand."""

from typing import Any

import polars as pl

from quimbot_data.buckets import write_parquet
from quimbot_data.workspace import RUN, SEEN, Workspace, atomic, write_model
from schemas.run import BaseFacts, RunRecord
from schemas.training import TrainRecipe

_HASHES = ("version_id", "recipe_sha256", "template_sha256", "tokenizer_sha256", "data_sha256")


def run_record(run: str, **facts: Any) -> RunRecord:
    """A finished run of one step on `tiny@0.1.0`."""
    recipe = TrainRecipe(name=run, version="tiny@0.1.0", base="tiny")
    told: dict[str, Any] = {
        **{"schema_version": 1, "run": run, "status": "finished", "stage": 1, "use": "research"},
        **{"version": recipe.version, "recipe": recipe, **dict.fromkeys(_HASHES, "0" * 64)},
        **{"base": BaseFacts(name="tiny", revision=None, digest="b" * 64), "lineage": [], "seed": recipe.seed},
        **{"git_revision": None, "packages": {}, "device": "cpu", "precision": "fp32", "steps": 1, "steps_done": 1},
        **{"families": [], "final_loss": 1.0, "adapter": {}, "seconds": 1.0},
        **{"started": "2026-02-08", "finished": "2026-02-08"},
    }
    return RunRecord(**told | facts)


def write_run_record(workspace: Workspace, run: str, seen: list[str] | None = None, **facts: Any) -> RunRecord:
    """Write it to its place, and which dialogues it was shown in its first step; None for a run that did not say."""
    record = run_record(run, **facts)
    write_model(workspace.run(run) / RUN, record)
    if seen is not None:
        rows = pl.DataFrame(
            {"dialogue_id": seen, "first_step": [1] * len(seen)}, schema_overrides={"first_step": pl.Int32}
        )
        with atomic(workspace.run(run) / SEEN) as stream:
            write_parquet(rows, stream)
    return record
