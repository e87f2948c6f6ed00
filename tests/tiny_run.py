"""A finished run over a tiny random Qwen3: an adapter of random weights, recorded as a trained one is."""

import shutil
from functools import cache
from pathlib import Path

import torch
from tiny_qwen import tiny_qwen3

from quimbot_data.workspace import Ref, Workspace, file_digest, write_model
from schemas.run import Ancestor, RunRecord
from schemas.training import Adapter, Parent, TrainRecipe
from train.models import base_facts, load_base, load_tokenizer, tokenizer_hash
from train.render import template_hash

# Tests run side by side: threads of theirs would only wait for each other.
torch.set_num_threads(1)
#: Read once: Qwen's takes seconds.
tokenizer = cache(load_tokenizer)
#: Of the random adapter's weights: large enough to change what the model says.
SPREAD = 0.3


def write_adapter(base: Path, folder: Path, seed: int) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = get_peft_model(load_base(str(base)), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=SPREAD)
    model.save_pretrained(folder)
    tokenizer(str(base)).save_pretrained(folder)


def write_run(workspace: Workspace, name: str, ref: Ref, base: Path, parent: str | None = None) -> RunRecord:
    """Write `runs/<name>/` with an adapter over `base`, as if trained on a version."""
    folder = workspace.root / "runs" / name
    write_adapter(base, folder / "adapter", seed=len(name))
    stage = 2 if parent else 1
    recipe = TrainRecipe(
        name=name, version=str(ref), base=str(base), stage=stage, parent=Parent(run=parent) if parent else None,
        adapter=Adapter(rank=4),
    )  # fmt: skip
    lineage = [Ancestor(kind="base", name=str(base), stage=0, version_id=None, adapter=None, mode=None)]
    if parent:
        lineage.append(
            Ancestor(kind="run", name=parent, stage=1, version_id="a" * 64, adapter="b" * 64, mode="continue")
        )
    record = RunRecord(
        schema_version=1, run=name, status="finished", stage=stage, use="research", version=str(ref),
        version_id=workspace.version_manifest(ref).id, recipe=recipe, recipe_sha256="c" * 64,
        template_sha256=template_hash(), tokenizer_sha256=tokenizer_hash(tokenizer(str(base))),
        data_sha256="d" * 64, base=base_facts(str(base)), lineage=lineage, seed=recipe.seed, git_revision=None,
        packages={}, device="cpu", precision="fp32", steps=1, steps_done=1, families=[], final_loss=1.0,
        adapter={path.name: file_digest(path) for path in sorted((folder / "adapter").iterdir())}, seconds=1.0,
        started="2026-02-08", finished="2026-02-08",
    )  # fmt: skip
    write_model(folder / "run.json", record)
    return record


def with_versions(workspace: Workspace, folder: Path) -> Workspace:
    """A workspace with the versions of another."""
    shutil.copytree(workspace.root / "versions", folder / "versions")
    return Workspace(folder)


__all__ = ["tiny_qwen3", "tokenizer", "with_versions", "write_run"]
