"""Supervised fine-tuning by TRL: the only module that knows it (written against trl 1.16, transformers 5.24).

TRL collates, trains, logs, saves and resumes. It is given rows that are packed already (`skip_prepare_dataset`), reads
them in their order (`sequential`), flattens those of one forward pass into one sequence whose position ids start anew
at each dialogue (`padding_free`), and so keeps dialogues apart: by their position ids, with or without flash attention.
On a CPU cheaper attention and a cheaper head that come to the same take their places (`attention.py`, `head.py`).
Loss is a mean over the trained tokens of the whole accumulated batch.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, ProgressCallback
from transformers.utils import logging
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from schemas.training import TrainRecipe
from train.attention import keep_dialogues_apart
from train.checkpoints import checkpoint_at, rotate, seal, whole_or_gone
from train.data import Trainable
from train.head import score_trained_only
from train.hush import hushed
from train.render import STOP, marks_of


@dataclass(frozen=True)
class Step:
    """What an optimizer step came to.

    Attributes:
        step: from 1.
        loss: mean over the trained tokens of the batch, in nats.
        losses: the same by family; families without a trained token are left out.
        trained: trained tokens by family.
        learning_rate: that was applied.
        grad_norm: before clipping.
    """

    step: int
    loss: float
    losses: Mapping[str, float]
    trained: Mapping[str, int]
    learning_rate: float
    grad_norm: float


@dataclass(frozen=True)
class Job:
    """All that a training takes beside the model.

    Attributes:
        tokenizer: of the base.
        rows: see `dataset_of`.
        families: names behind the rows' numbers.
        recipe: for how long, how fast.
        steps: optimizer steps.
        folder: where checkpoints go.
        device: `cpu` or `gpu`.
        bf16: whether to compute in bfloat16.
        processes: that share the batch.
    """

    tokenizer: PreTrainedTokenizerFast
    rows: Dataset
    families: Sequence[str]
    recipe: TrainRecipe
    steps: int
    folder: Path
    device: str
    bf16: bool
    processes: int = 1

    @property
    def dtype(self) -> torch.dtype:
        """Of the base's weights."""
        return torch.bfloat16 if self.bf16 else torch.float32


def dataset_of(data: Trainable, rows: Sequence[Sequence[int]], families: Sequence[str]) -> Dataset:
    """Packed rows as TRL's collator reads them: input_ids, labels, seq_lengths; and each dialogue's family.

    Args:
        data: dialogues.
        rows: places of dialogues, row by row.
        families: names; a dialogue's family is told by its place here.
    """
    number = {family: at for at, family in enumerate(families)}
    of = [number[family] for family in data.dialogues["family"]]
    made = [data.row(places) for places in rows]
    columns = {
        "input_ids": [ids for ids, _, _ in made],
        "labels": [labels for _, labels, _ in made],
        "seq_lengths": [np.asarray(lengths, np.int32) for _, _, lengths in made],
        "families": [np.asarray([of[place] for place in places], np.int32) for places in rows],
    }
    return Dataset(pa.table({name: _list_array(parts) for name, parts in columns.items()}))


def _list_array(parts: Sequence[npt.NDArray[np.int32]]) -> Any:
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return pa.LargeListArray.from_arrays(offsets, np.concatenate([*parts, np.array([], np.int32)]))


def rows_digest(rows: Dataset) -> str:
    """sha256 of packed rows: every token, label and boundary, in order."""
    digest = hashlib.sha256()
    for name in ("input_ids", "labels", "seq_lengths"):
        lists = rows.data.column(name).combine_chunks()
        for array in (lists.offsets, lists.flatten()):
            digest.update(np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).tobytes())
    return digest.hexdigest()


def adapter_config(recipe: TrainRecipe, tokenizer: PreTrainedTokenizerFast) -> LoraConfig:
    """A fresh low-rank adapter."""
    marks, asked = marks_of(tokenizer), recipe.adapter
    return LoraConfig(
        r=asked.rank,
        lora_alpha=asked.alpha,
        lora_dropout=asked.dropout,
        target_modules=asked.targets,
        trainable_token_indices={"embed_tokens": [marks.start, marks.end]} if asked.train_marks else None,
        task_type="CAUSAL_LM",
    )


def train(
    model: PreTrainedModel | PeftModel, job: Job, checkpoint: Path | None, tell: Callable[[Step], None]
) -> PeftModel:
    """Train, from the beginning or from a checkpoint on, up to a checkpoint after the last step.

    Args:
        model: the base, or a base with an adapter that is trained on.
        job: what else there is to it.
        checkpoint: see `last_checkpoint`.
        tell: called after every optimizer step, in the first process only.

    Returns:
        The model with the trained adapter.

    Raises:
        WorkspaceError: a checkpoint could not be written; those before it stay.
    """
    with hushed():
        trainer = _trainer(model, job, tell)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained: PeftModel = trainer.accelerator.unwrap_model(trainer.model)
    return trained


def _trainer(model: PreTrainedModel | PeftModel, job: Job, tell: Callable[[Step], None]) -> "Trainer":
    """TRL's trainer with a loss a family, sealed checkpoints and no model cards."""
    getLogger("trl").setLevel(ERROR)  # it would have several rows at once: ours are full already
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    made = Trainer(
        model=model,
        args=_arguments(job),
        train_dataset=job.rows,
        processing_class=job.tokenizer,
        peft_config=None if isinstance(model, PeftModel) else adapter_config(job.recipe, job.tokenizer),
    )
    made.prepare(job, tell)
    for printer in (PrinterCallback, ProgressCallback):
        made.remove_callback(printer)
    if job.device == "cpu":
        base = cast(PreTrainedModel, cast(PeftModel, made.model).get_base_model())
        keep_dialogues_apart(base)
        score_trained_only(base)
    return made


def _arguments(job: Job) -> Any:
    asked = job.recipe.optimization
    return SFTConfig(
        output_dir=str(job.folder),
        max_steps=job.steps,
        per_device_train_batch_size=asked.rows_at_once,
        gradient_accumulation_steps=asked.batch // (asked.rows_at_once * job.processes),
        learning_rate=asked.learning_rate,
        lr_scheduler_type=asked.schedule,
        warmup_steps=round(asked.warmup * job.steps),
        weight_decay=asked.weight_decay,
        max_grad_norm=asked.max_grad_norm,
        bf16=job.bf16,
        gradient_checkpointing=asked.gradient_checkpointing,
        padding_free=True,
        packing=False,
        max_length=None,
        shuffle_dataset=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        eos_token=STOP,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=job.recipe.checkpoint_every,
        seed=job.recipe.seed,
        data_seed=job.recipe.seed,
        ddp_find_unused_parameters=False,
        use_cpu=job.device == "cpu",
        dataloader_pin_memory=job.device != "cpu",
        report_to=job.recipe.report_to or "none",
        run_name=job.folder.parent.name,
        disable_tqdm=True,
    )


class Trainer(SFTTrainer):
    """TRL's, with a loss a family, sealed checkpoints, and no model cards."""

    def prepare(self, job: Job, tell: Callable[[Step], None]) -> None:
        """Take what TRL's own constructor has no place for."""
        self._job, self._tell = job, tell
        self._collate, self.data_collator = self.data_collator, self._with_families
        self._sums = torch.zeros(2, len(job.families), dtype=torch.float64, device=self.args.device)
        self._output: Any = None
        cast(torch.nn.Module, self.model).register_forward_hook(self._keep)

    def _with_families(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's batch, and the family of each of its tokens."""
        batch: dict[str, Any] = self._collate(examples)
        numbers = torch.tensor([family for example in examples for family in example["families"]])
        lengths = torch.tensor([length for example in examples for length in example["seq_lengths"]])
        return batch | {"families": numbers.repeat_interleave(lengths)[None]}

    def _keep(self, module: object, inputs: object, output: Any) -> None:
        self._output = output

    def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        """TRL's loss; beside it, what each family adds to it."""
        families = inputs.pop("families")
        loss = super().compute_loss(model, inputs, *rest, **named)  # type: ignore[no-untyped-call]
        losses, mask = -self._output.log_probs.detach(), self._output.label_mask
        self._output = None
        of, losses = families[:, 1:][mask], losses[mask].double()
        self._sums[0].index_add_(0, of, losses)
        self._sums[1].index_add_(0, of, torch.ones_like(losses))
        return loss

    def log(self, logs: dict[str, float], *rest: Any, **named: Any) -> None:
        """Tell trackers and whoever listens."""
        step = self._step(logs) if "loss" in logs else None
        if step:
            logs |= {f"loss/{family}": loss for family, loss in step.losses.items()}
        super().log(logs, *rest, **named)
        if step and self.is_world_process_zero():
            self._tell(step)

    def _step(self, logs: dict[str, float]) -> Step:
        """Sums over all processes since the last step."""
        nll, counts = self.accelerator.reduce(self._sums, "sum").tolist()
        self._sums.zero_()
        named = [(name, *sums) for name, *sums in zip(self._job.families, nll, counts, strict=True) if sums[1]]
        return Step(
            step=self.state.global_step,
            loss=logs["loss"],
            losses={name: total / count for name, total, count in named},
            trained={name: int(count) for name, _, count in named},
            learning_rate=logs["learning_rate"],
            grad_norm=float(logs.get("grad_norm", float("nan"))),
        )

    def create_model_card(self, *rest: object, **named: object) -> None:
        """None: the run's record says what it is."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Without the tokenizer, which is the base's and weighs more than an adapter."""
        tokenizer, self.processing_class = self.processing_class, None
        try:
            super()._save(output_dir, state_dict)
        finally:
            self.processing_class = tokenizer

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = checkpoint_at(self._job.folder, self.state.global_step)
        with whole_or_gone(folder):
            super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
            self.accelerator.wait_for_everyone()
            if self.is_world_process_zero():
                seal(folder)
        if self.is_world_process_zero():
            rotate(self._job.folder, self._job.recipe.keep_checkpoints)
