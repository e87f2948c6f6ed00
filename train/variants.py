"""The models that a run is compared among: its base, the run that it started from, and itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from quimbot_data.workspace import Workspace
from schemas.errors import ModelError
from schemas.run import RunRecord
from train.hush import hushed
from train.models import base_facts, load_base, load_tokenizer
from train.record import ADAPTER, MERGED, finished_run
from train.stages import same_base, told

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

BASE: Final = "base"


@dataclass(frozen=True)
class Variant:
    """A model to load: weights, and the adapter over them where there is one.

    Attributes:
        name: `base`, or the run's name.
        weights: what `train.models.load_base` takes.
        revision: of the Hub.
        adapter: its folder; None for the base alone.
    """

    name: str
    weights: str
    revision: str | None
    adapter: Path | None


def base_of(record: RunRecord) -> Variant:
    """The base that the run's lineage starts from."""
    return Variant(BASE, record.base.name, record.base.revision, None)


def adapted(workspace: Workspace, record: RunRecord) -> Variant:
    """The run's adapter, over the base or over what stage 2 merged."""
    folder = workspace.run(record.run)
    merged = folder / MERGED
    weights, revision = (str(merged), None) if merged.is_dir() else (record.base.name, record.base.revision)
    return Variant(record.run, weights, revision, folder / ADAPTER)


def parent_of(workspace: Workspace, record: RunRecord) -> RunRecord | None:
    """The record of the run that a stage-2 run started from; None at stage 1."""
    return finished_run(workspace, record.recipe.parent.run) if record.recipe.parent else None


def tokenizer_of(record: RunRecord) -> "PreTrainedTokenizerFast":
    """The tokenizer that a run was trained with."""
    return load_tokenizer(record.recipe.tokenizer or record.base.name, record.base.revision)


def check_base(record: RunRecord) -> None:
    """Hold that the base is the one that the run was trained on.

    Raises:
        ModelError: it has other bytes, or another revision.
    """
    found = base_facts(record.base.name, record.base.revision)
    if not same_base(found, record.base):
        raise ModelError(
            f"{told(found)} is not the base that {record.run} was trained on: that was {told(record.base)}.",
            next_step="Put that base back, or train again on this one.",
        )


def load(variant: Variant, *, exact: bool = False) -> "PreTrainedModel":
    """A variant's model, in evaluation mode: on the GPU where there is one, in bfloat16 there.

    Args:
        variant: what to load.
        exact: in float32 on the CPU, wherever this runs.

    Raises:
        MissingError: its weights are not there.
        ModelError: the adapter is of another base.
    """
    import torch

    on_gpu = torch.cuda.is_available() and not exact
    model: torch.nn.Module = load_base(
        variant.weights, dtype=torch.bfloat16 if on_gpu else torch.float32, revision=variant.revision
    )
    if variant.adapter is not None:
        from peft import PeftModel

        try:
            with hushed():
                model = PeftModel.from_pretrained(model, str(variant.adapter))
        except (RuntimeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise ModelError(
                f"The adapter of {variant.name} does not fit on {variant.weights}: {first}",
                next_step="Use the base that the run recorded: see `base` in its run.json.",
            ) from error
    return cast("PreTrainedModel", model.to("cuda" if on_gpu else "cpu").eval())


@dataclass(frozen=True)
class Pair:
    """A run's model and its base, loaded together; where both stand on the same weights, these are held once."""

    adapted: "PreTrainedModel"
    other: "PreTrainedModel | None"

    @contextmanager
    def base(self) -> "Iterator[PreTrainedModel]":
        """The base: for the time of the block the adapter is off."""
        if self.other is not None:
            yield self.other
        else:
            with cast("PeftModel", self.adapted).disable_adapter():
                yield self.adapted


def load_pair(workspace: Workspace, record: RunRecord) -> Pair:
    """A run's model beside its base; see `load`."""
    run, base = adapted(workspace, record), base_of(record)
    return Pair(load(run), None if run.weights == base.weights else load(base))
