"""Stages: what a run starts from, and its lineage from the base on; what a variant requires of its data.

Stage 1 puts a fresh adapter on the base. Stage 2 either trains stage 1's adapter on (`continue`), or merges it into the
base, keeps that as `base/` of the run, and puts a fresh adapter on top (`merge`).
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import read_parquet
from quimbot_data.workspace import Ref, Workspace, sync_folder, writing
from schemas.errors import ModelError
from schemas.run import ADAPTER_WEIGHTS, Ancestor, BaseFacts, RunRecord
from schemas.training import Requirement, TrainRecipe
from train.hush import hushed
from train.models import load_base
from train.record import ADAPTER, MERGED, finished_run

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel


def lineage_of(workspace: Workspace, recipe: TrainRecipe, base: BaseFacts, tokenizer_sha256: str) -> list[Ancestor]:
    """From the base to the run that a recipe starts from.

    Args:
        workspace: of the runs.
        recipe: of the run to be.
        base: what its base is.
        tokenizer_sha256: what its tokenizer is.

    Raises:
        MissingError: the parent is not there, or not finished.
        IntegrityError: its adapter is not what it wrote.
        ModelError: it is of another base or tokenizer, or of stage 2 itself.
    """
    root = Ancestor(kind="base", name=base.name, stage=0, version_id=None, adapter=None, mode=None)
    if recipe.parent is None:
        return [root]
    parent = finished_run(workspace, recipe.parent.run)
    _refuse_unfit(parent, base, tokenizer_sha256)
    link = Ancestor(
        kind="run",
        name=parent.run,
        stage=parent.stage,
        version_id=parent.version_id,
        adapter=parent.adapter[ADAPTER_WEIGHTS],
        mode=recipe.parent.mode,
    )
    return [*parent.lineage, link]


def _refuse_unfit(parent: RunRecord, base: BaseFacts, tokenizer_sha256: str) -> None:
    if parent.stage != 1:
        raise ModelError(
            f"{parent.run} is of stage {parent.stage}: a stage-2 run starts from one of stage 1.",
            next_step="Name a run of stage 1 with --parent.",
        )
    if not same_base(parent.base, base):
        raise ModelError(
            f"The adapter of {parent.run} belongs to another base: {told(parent.base)}, not {told(base)}.",
            next_step="Name its base in the recipe, or another parent.",
        )
    if parent.tokenizer_sha256 != tokenizer_sha256:
        raise ModelError(
            f"The adapter of {parent.run} was trained with another tokenizer.",
            next_step=f"Use the one of its recipe: tokenizer = {parent.recipe.tokenizer or parent.recipe.base!r}.",
        )


def same_base(a: BaseFacts, b: BaseFacts) -> bool:
    """Whether two bases are one: by their bytes where they lie here, else by name and commit of the Hub."""
    if a.digest or b.digest:
        return a.digest == b.digest
    return (a.name, a.revision) == (b.name, b.revision)


def told(base: BaseFacts) -> str:
    """A base in words."""
    mark = base.digest or base.revision
    return f"{base.name} ({mark[:12]})" if mark else base.name


def starting_model(
    workspace: Workspace, recipe: TrainRecipe, folder: Path, dtype: "torch.dtype"
) -> "PreTrainedModel | PeftModel":
    """What a run trains: the base, the merged base, or the base with the parent's adapter, which is trained on.

    Args:
        workspace: of the runs.
        recipe: of the run.
        folder: of the run; what was merged is in its `base/`, see `merge_parent`.
        dtype: of the base's weights.

    Raises:
        ModelError: something of it is not there.
    """
    if recipe.parent is None:
        return load_base(recipe.base, dtype=dtype, revision=recipe.base_revision)
    if recipe.parent.mode == "merge":
        return load_base(str(folder / MERGED), dtype=dtype)
    return _adapted(workspace, recipe, dtype, trainable=True)


def merge_parent(workspace: Workspace, recipe: TrainRecipe, folder: Path, dtype: "torch.dtype") -> None:
    """Merge the parent's adapter into the base and keep that as the run's own base; does nothing for other modes."""
    final = folder / MERGED
    if recipe.parent is None or recipe.parent.mode != "merge" or final.exists():
        return
    aside = folder / f".writing-{MERGED}"
    with writing(folder):
        shutil.rmtree(aside, ignore_errors=True)
        merged = _adapted(workspace, recipe, dtype, trainable=False).merge_and_unload(safe_merge=True)
        merged.save_pretrained(aside)
        sync_folder(aside)
        aside.rename(final)
        sync_folder(folder)


def _adapted(workspace: Workspace, recipe: TrainRecipe, dtype: "torch.dtype", *, trainable: bool) -> "PeftModel":
    """The base with the adapter of the recipe's parent."""
    from peft import PeftModel

    parent = finished_run(workspace, recipe.parent.run if recipe.parent else "")
    base = load_base(recipe.base, dtype=dtype, revision=recipe.base_revision)
    adapter = workspace.run(parent.run) / ADAPTER
    with hushed():
        model: PeftModel = PeftModel.from_pretrained(base, adapter, is_trainable=trainable)
    return model


class Found(BaseModel):
    """What a version holds of what a variant requires."""

    told: str
    asked: int
    dialogues: int
    shortfall: int
    """Dialogues that are missing."""


def requirements(workspace: Workspace, ref: Ref, recipe: TrainRecipe) -> list[Found]:
    """What a version's training split holds of each requirement of a recipe."""
    folder = workspace.version(ref)
    files = [entry.path for entry in workspace.version_manifest(ref).data if entry.path.startswith("data/train-")]
    counts = [0] * len(recipe.requires)
    for file in files if recipe.requires else []:
        rows = read_parquet(folder / file, ["language", "pedagogy"])
        for at, wanted in enumerate(recipe.requires):
            counts[at] += rows.filter(_meets(wanted)).height
    return [
        Found(
            told=_told(wanted),
            asked=wanted.dialogues,
            dialogues=count,
            shortfall=max(0, wanted.dialogues - count),
        )
        for wanted, count in zip(recipe.requires, counts, strict=True)
    ]


def _meets(wanted: Requirement) -> pl.Expr:
    pedagogy = pl.col("pedagogy").struct
    learner, rules = pedagogy.field("learner").struct, [pl.lit(value=True)]
    if wanted.native:
        rules += [pl.col("pedagogy").is_null(), pl.col("language") == pl.lit(wanted.target_language)]
    elif wanted.target_language:
        rules.append(learner.field("target_language") == wanted.target_language)
    if wanted.background:
        rules.append(learner.field("background") == wanted.background)
    if wanted.with_errors:
        rules.append(pedagogy.field("errors").list.len() > 0)
    if wanted.with_cultural_note:
        notes = pedagogy.field("turns").list.eval(pl.element().struct.field("cultural_note").is_not_null())
        rules.append(notes.list.any())
    return pl.all_horizontal(rules).fill_null(value=False)


def _told(wanted: Requirement) -> str:
    """`dialogues of heritage learners of es with learner errors`."""
    if wanted.native:
        return f"dialogues in {wanted.target_language} that are no lessons"
    learners = f" of {wanted.background or 'any'} learners" if wanted.background or wanted.target_language else ""
    language = f" of {wanted.target_language}" if wanted.target_language else ""
    with_what = [
        *(["learner errors"] if wanted.with_errors else []),
        *(["a cultural note"] if wanted.with_cultural_note else []),
    ]
    return f"dialogues{learners}{language}" + (f" with {' and '.join(with_what)}" if with_what else "")
