"""What a run will take of memory and disk, from the base's shapes alone; and on what it will run."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel

from quimbot_data.terminal import counted
from schemas.errors import ModelError
from schemas.training import TrainRecipe
from train.models import load_config

if TYPE_CHECKING:
    from torch import nn

#: AdamW keeps two moments in float32 beside the weight and its gradient.
_TRAINED_BYTES: Final = 16
#: Bytes of a checkpoint for each trained weight: the weight and two moments.
_SAVED_BYTES: Final = 12
#: Activations of one layer that its backward pass needs, in multiples of the hidden size a token: attention in- and
#: outputs, norms and the three of the gated MLP at four times the hidden size each (after Korthikanti et al. 2022).
_LAYER: Final = 34
#: Layers' worth of activations held at once where they are computed again (gradient checkpointing): one. But on a CPU
#: glibc keeps what layers freed, in pieces whose sizes rarely fit together: of SmolLM2-135M at 1,024 and 2,048 tokens a
#: row 11 and 12 were resident, and one with MALLOC_MMAP_THRESHOLD_=1000000, under which pieces are given back.
_HELD: Final = {"cpu": 12, "gpu": 1}
#: Bytes a token of the vocabulary: on a GPU 1,024 positions at a time in TRL's fused head, float32 with their gradient;
#: on a CPU 128 in ours (`train.head`): logits, their logarithms, probabilities and a product of these.
_LOGITS: Final = {"cpu": 128 * 16, "gpu": 1024 * 8}
#: Of a weight in an export's two GGUF files: F16, and Q8_0 with a scale of two bytes for each 32.
_GGUF_BYTES: Final = 2 + 34 / 32
#: What the interpreter, torch and its libraries hold themselves; a CUDA context is about as large.
_RUNTIME: Final = 700_000_000
_MEMORY: Final = Path("/proc/meminfo")


class Estimate(BaseModel):
    """Weights in numbers, the rest in bytes."""

    parameters: int
    trained_parameters: int
    weights: int
    optimizer: int
    activations: int
    runtime: int
    memory: int
    disk: int
    """Checkpoints, adapter, and the base that stage 2 merged."""
    export: int
    """Disk of `train export` in all formats; beside an export that is there already, until the new one is whole."""


@dataclass(frozen=True)
class Device:
    """What a run computes on.

    Attributes:
        kind: `cpu` or `gpu`.
        told: its name.
        precision: of the computation.
        free: bytes of memory that are free there.
    """

    kind: Literal["cpu", "gpu"]
    told: str
    precision: Literal["bf16", "fp32"]
    free: int


def device_of(recipe: TrainRecipe) -> Device:
    """The device that a recipe asks for; `auto` takes a GPU where there is one, and bfloat16 where that knows it.

    Raises:
        ModelError: it asks for a GPU, and there is none.
    """
    import torch

    gpu = torch.cuda.is_available()
    if recipe.device == "gpu" and not gpu:
        raise ModelError(
            'The recipe asks for device = "gpu", and torch finds none on this machine.',
            valid='device = "cpu", or "auto" for a GPU where there is one.',
            next_step="Run it on a machine with a GPU and a torch that was built for it, or change `device`.",
        )
    asked = recipe.optimization.precision
    if gpu and recipe.device != "cpu":
        knows = torch.cuda.is_bf16_supported()
        if asked == "bf16" and not knows:
            raise ModelError(
                f"{torch.cuda.get_device_name()} computes no bfloat16.", next_step='Set precision = "fp32" or "auto".'
            )
        precision: Literal["bf16", "fp32"] = "fp32" if asked == "fp32" or not knows else "bf16"
        return Device("gpu", torch.cuda.get_device_name(), precision, torch.cuda.mem_get_info()[0])
    threads = counted(torch.get_num_threads(), "thread")
    return Device("cpu", f"CPU, {threads}", "bf16" if asked == "bf16" else "fp32", _free_memory())


def _free_memory() -> int:
    """Bytes that a process can have without swapping: what files are cached in can be had, too."""
    told = _MEMORY.read_text("ascii") if _MEMORY.exists() else ""
    available = re.search(r"^MemAvailable: +(\d+) kB", told, re.MULTILINE)
    if available:
        return int(available[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def estimate(recipe: TrainRecipe, device: Device) -> Estimate:
    """Memory and disk of a run, within some tenths: the base is laid out without its weights, and counted."""
    asked, config = recipe.optimization, load_config(recipe.base, recipe.base_revision).get_text_config()
    parameters, linear = _shapes(recipe)
    trained = sum(recipe.adapter.rank * (rows + columns) for rows, columns in linear)
    weights = parameters * (2 if device.precision == "bf16" else 4)
    each = config.hidden_size * asked.max_length * asked.rows_at_once * (2 if device.precision == "bf16" else 4)
    layers = config.num_hidden_layers
    whole = each * layers * _LAYER
    again = each * (layers + min(_HELD[device.kind], layers) * _LAYER)
    activations = (again if asked.gradient_checkpointing else whole) + config.vocab_size * _LOGITS[device.kind]
    optimizer = trained * _TRAINED_BYTES
    merged = weights if recipe.parent and recipe.parent.mode == "merge" else 0
    stored = merged or parameters * _stored_bytes(recipe)
    return Estimate(
        parameters=parameters,
        trained_parameters=trained,
        weights=weights,
        optimizer=optimizer,
        activations=activations,
        runtime=_RUNTIME,
        memory=weights + optimizer + activations + _RUNTIME,
        disk=trained * (_SAVED_BYTES * (recipe.keep_checkpoints + 1) + 4) + merged,
        export=stored + round(parameters * _GGUF_BYTES),
    )


def _stored_bytes(recipe: TrainRecipe) -> int:
    """Of a weight of the base as its files hold it, and as the export's safetensors will."""
    import torch

    stored = load_config(recipe.base, recipe.base_revision).dtype
    return stored.itemsize if isinstance(stored, torch.dtype) else 4


def _shapes(recipe: TrainRecipe) -> tuple[int, list[tuple[int, int]]]:
    """Weights of the base, and the shapes of the linear layers that get an adapter."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        config = load_config(recipe.base, recipe.base_revision)
        model: nn.Module = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    named = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    targets = recipe.adapter.targets
    chosen = [
        (module.out_features, module.in_features)
        for name, module in named
        if (name != "lm_head" if targets == "all-linear" else name.rpartition(".")[2] in targets)
    ]
    if not chosen:
        known = sorted({name.rpartition(".")[2] for name, _ in named} - {"lm_head"})
        raise ModelError(
            f"{recipe.base} has no linear layer named {', '.join(targets)}.",
            valid=f"It has {', '.join(known)}.",
            next_step="Mend adapter.targets in the recipe.",
        )
    return sum(weight.numel() for weight in model.parameters()), chosen
