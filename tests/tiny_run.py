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
#: Of the random adapter's weights: large enough to change what the model says, too small for chaos.
SPREAD = 0.1


def tiny_llama(folder: Path, seed: int = 0) -> Path:
    """A random Llama whose tokenizer knows bytes and marks only: where Qwen's real one has no say, this is faster."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    # llama.cpp reads no table of merges without a merge.
    backend = Tokenizer(models.BPE({piece: at for at, piece in enumerate([*letters, "th"])}, [("t", "h")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    marks = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>")
    backend.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    config = LlamaConfig(
        **{"vocab_size": 272, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 16},
        **{"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 4096},
        **{"tie_word_embeddings": True, "initializer_range": 0.05, "eos_token_id": 257, "bos_token_id": None},
    )
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(folder)
    return folder


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


__all__ = ["tiny_llama", "tiny_qwen3", "tokenizer", "with_versions", "write_run"]
