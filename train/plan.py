"""What a recipe comes to before any weight is loaded: data, shares, steps, memory, disk, and what stands in the way."""

import itertools
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import BaseModel

from quimbot_data.observe import Progress, silent
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import MixError
from schemas.run import Ancestor, BaseFacts, FamilySeen
from schemas.training import TrainRecipe
from train.checks import check_name, check_trackers, check_version, check_vocabulary
from train.data import Trainable, shuffle_by, tokenized, trainable
from train.estimate import Device, Estimate, device_of, estimate
from train.models import base_facts, load_tokenizer, tokenizer_hash
from train.packing import packed_rows
from train.remarks import problems, taken, too_large
from train.shares import FamilyLine, family_lines, strays
from train.stages import Found, lineage_of, requirements

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class TrainPlan(BaseModel):
    """What a recipe comes to."""

    run: str
    version: str
    version_id: str
    profile: str
    use: str
    stage: int
    lineage: list[Ancestor]
    base: BaseFacts
    dialogues: int
    cut: int
    """Dialogues that lose exchanges at their end."""
    too_long: int
    """Left out: their first exchange alone is longer than a row."""
    untrained: int
    """Left out: nothing in them is trained on."""
    tokens: int
    trained_tokens: int
    families: list[FamilyLine]
    steps: int
    epochs: float
    batch: int
    max_length: int
    filled: float
    """Share of the rows' room that is no padding."""
    device: str
    precision: str
    estimate: Estimate
    memory_free: int
    disk_free: int
    requirements: list[Found]
    problems: list[str]
    """What keeps the run from starting."""
    warnings: list[str]


@dataclass(frozen=True)
class Prepared:
    """A plan, and what it was made of."""

    plan: TrainPlan
    recipe: TrainRecipe
    tokenizer: "PreTrainedTokenizerFast"
    tokenizer_sha256: str
    data: Trainable
    rows: list[list[int]]
    families: list[str]
    device: Device

    def seen(self, steps: int | None = None) -> pl.DataFrame:
        """Dialogues that the first steps train on: dialogue_id, source, family, first_step, times, tokens."""
        batch = self.recipe.optimization.batch
        rows = self.rows if steps is None else self.rows[: steps * batch]
        places = np.array([place for row in rows for place in row], np.int64)
        step = np.repeat(np.arange(len(rows)) // batch + 1, [len(row) for row in rows])
        used = pl.DataFrame({"place": places, "step": step}).group_by("place", maintain_order=True)
        counted = used.agg(first_step=pl.col("step").min(), times=pl.len())
        told = self.data.dialogues.with_columns(place=pl.int_range(pl.len()))
        found = counted.join(told, on="place", how="left", maintain_order="left")
        return found.select(
            *("dialogue_id", "source", "family"),
            pl.col("first_step").cast(pl.Int32),
            pl.col("times").cast(pl.Int32),
            pl.col("tokens").cast(pl.Int64),
            pl.col("trained_tokens").cast(pl.Int64),
        )

    def families_seen(self, steps: int) -> list[FamilySeen]:
        """What the first steps show of each family, repeats counted."""
        times = pl.col("times")
        seen = (
            self.seen(steps)
            .group_by("family")
            .agg(
                dialogues=times.sum(),
                tokens=(pl.col("tokens") * times).sum(),
                trained_tokens=(pl.col("trained_tokens") * times).sum(),
            )
        )
        return [FamilySeen(**row) for row in seen.sort("family").to_dicts()]


def prepare(workspace: Workspace, recipe: TrainRecipe, run: str, tell: Progress = silent) -> Prepared:
    """Check what a recipe names and lay its rows out; loads no weights.

    Args:
        workspace: of versions and runs.
        recipe: what is to be trained.
        run: the run's name.
        tell: of dialogues as they are tokenized.

    Raises:
        IntegrityError: the version is not what it was built as.
        TermsError: the use is not what the version's profile allows, or it holds what was taken down.
        ModelError: base, tokenizer, parent, device or tracker cannot be used.
        MixError: there is nothing to train on.
        RecipeError: the run may not be called so.
    """
    check_name(run)
    ref = Ref.parse(recipe.version)
    check_version(workspace, ref, recipe)
    check_trackers(recipe)
    device = device_of(recipe)
    base = base_facts(recipe.base, recipe.base_revision)
    tokenizer = load_tokenizer(recipe.tokenizer or recipe.base, recipe.base_revision)
    check_vocabulary(recipe, tokenizer)
    sha = tokenizer_hash(tokenizer)
    lineage = lineage_of(workspace, recipe, base, sha)
    data = trainable(tokenized(workspace, ref, "train", tokenizer, tell), recipe.optimization.max_length)
    if not data.dialogues.height:
        raise MixError(
            f"The training split of {ref} holds nothing to train on in {recipe.optimization.max_length} tokens.",
            next_step="Take another version, or longer rows (optimization.max_length).",
        )
    steps, rows = _rows(recipe, data)
    families = sorted(set(data.dialogues["family"]))
    made = _plan(workspace, ref, recipe, run, data, rows, steps, lineage, base, device)
    return Prepared(made, recipe, tokenizer, sha, data, rows, families, device)


def _rows(recipe: TrainRecipe, data: Trainable) -> tuple[int, list[list[int]]]:
    """Optimizer steps, and the rows that they take. Epochs are rounded to whole steps."""
    asked = recipe.optimization
    shuffle = shuffle_by(recipe.seed, data.dialogues["dialogue_id"])
    families = data.dialogues["family"].to_list()
    coming = packed_rows(data.lengths, families, asked.max_length, shuffle)
    if asked.steps is not None:
        return asked.steps, list(itertools.islice(coming, asked.steps * asked.batch))
    rows: list[list[int]] = []
    wanted = asked.epochs * int(data.lengths.sum())
    while wanted > 0:
        rows.append(next(coming))
        wanted -= int(data.lengths[rows[-1]].sum())
    steps = max(1, round(len(rows) / asked.batch))
    return steps, [*rows, *itertools.islice(coming, asked.batch)][: steps * asked.batch]


def _plan(
    workspace: Workspace,
    ref: Ref,
    recipe: TrainRecipe,
    run: str,
    data: Trainable,
    rows: list[list[int]],
    steps: int,
    lineage: list[Ancestor],
    base: BaseFacts,
    device: Device,
) -> TrainPlan:
    manifest, asked = workspace.version_manifest(ref), recipe.optimization
    needs, found = estimate(recipe, device), requirements(workspace, ref, recipe)
    used = int(sum(data.lengths[row].sum() for row in rows))
    families = family_lines(data, rows, asked)
    disk = shutil.disk_usage(_existing(workspace)).free
    return TrainPlan(
        run=run,
        version=str(ref),
        version_id=manifest.id,
        profile=manifest.identity.recipe.profile,
        use=recipe.use,
        stage=recipe.stage,
        lineage=lineage,
        base=base,
        dialogues=data.dialogues.height,
        cut=data.cut,
        too_long=data.too_long,
        untrained=data.untrained,
        tokens=int(data.lengths.sum()),
        trained_tokens=int(data.dialogues["trained_tokens"].sum()),
        families=families,
        steps=steps,
        epochs=used / int(data.lengths.sum()),
        batch=asked.batch,
        max_length=asked.max_length,
        filled=used / (len(rows) * asked.max_length),
        device=device.told,
        precision=device.precision,
        estimate=needs,
        memory_free=device.free,
        disk_free=disk,
        requirements=found,
        problems=problems(recipe, found, needs, disk),
        warnings=[
            *taken(workspace, run, recipe),
            *strays(families, steps, asked.batch),
            *too_large(needs, device, disk),
        ],
    )


def _existing(workspace: Workspace) -> str:
    place = workspace.root
    while not place.exists():
        place = place.parent
    return str(place)
