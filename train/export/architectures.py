"""What llama.cpp must be told of a model, by architecture: metadata, tensor names, order of rows, and how text is cut.

Follows `convert_hf_to_gguf.py` of llama.cpp for its classes `Qwen3Model` and `LlamaModel`: the tensors are the same,
byte for byte, and the metadata hold what loading needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

    Weights = np.ndarray[Any, np.dtype[np.float32]]

_BYTES: Final = {"type": "ByteLevel", "add_prefix_space": False}
_QWEN2: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
#: How text is cut before byte pairs are merged, by llama.cpp's name; as `pre_tokenizer` of `tokenizer.json` says.
CUTTING_RULES: Final[Mapping[str, list[dict[str, Any]]]] = {
    "qwen2": [
        {"type": "Split", "pattern": {"Regex": _QWEN2}, "behavior": "Isolated", "invert": False},
        {**_BYTES, "use_regex": False},
    ],
    "smollm": [{"type": "Digits", "individual_digits": True}, {**_BYTES, "use_regex": True}],
    "gpt-2": [{**_BYTES, "use_regex": True}],
}


@dataclass(frozen=True)
class Architecture:
    """One of llama.cpp's architectures."""

    name: str
    interleaves_rope: bool
    """Rows of the query and key projections are reordered: llama.cpp rotates neighbours, transformers halves."""


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "qwen3": Architecture("qwen3", interleaves_rope=False),
    "llama": Architecture("llama", interleaves_rope=True),
}


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """The architecture of a model, by its `config.json`.

    Raises:
        ModelError: one that this export cannot write, or one that scales its rotary positions.
    """
    found = ARCHITECTURES.get(str(config.get("model_type")))
    if found is None:
        raise ModelError(
            f"The model is of type {config.get('model_type')!r}, which this export to GGUF does not know.",
            valid=f"It knows {', '.join(ARCHITECTURES)}.",
            next_step="Export with `--format safetensors` and convert that with llama.cpp's own script.",
        )
    scaling = _rope(config).get("rope_type", "default")
    if scaling != "default":
        raise ModelError(
            f"The model scales its rotary positions ({scaling!r}), which this export to GGUF does not write.",
            valid="A model without scaling.",
            next_step="Export with `--format safetensors` and convert that with llama.cpp's own script.",
        )
    return found


def cutting_rule(tokenizer: Mapping[str, Any]) -> str:
    """llama.cpp's name for the way in which a tokenizer cuts text, by its `tokenizer.json`.

    Raises:
        ModelError: a tokenizer that is no byte-level BPE, or one that cuts by other rules.
    """
    rules = tokenizer.get("pre_tokenizer") or {}
    steps = rules.get("pretokenizers", [rules])
    # Offsets are nothing to llama.cpp.
    told = [{key: value for key, value in step.items() if key != "trim_offsets"} for step in steps]
    for name, known in CUTTING_RULES.items():
        if told == known and tokenizer["model"]["type"] == "BPE":
            return name
    raise ModelError(
        f"The tokenizer ({tokenizer['model']['type']}) cuts text by rules that have no name in this export's table.",
        valid=f"It knows those of {', '.join(CUTTING_RULES)}.",
        next_step="Export with `--format safetensors` and convert that with llama.cpp's own script.",
    )


def add_shape(writer: "GGUFWriter", config: Mapping[str, Any]) -> None:
    """Tell sizes, heads, rotary base and epsilon."""
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_dimension_count(head_size)
    writer.add_rope_freq_base(float(_rope(config)["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _rope(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rotary parameters, as transformers 5 writes them (`rope_parameters`) or as version 4 did."""
    if found := config.get("rope_parameters"):
        return dict(found)
    scaling = config.get("rope_scaling") or {}
    return {"rope_theta": config.get("rope_theta", 10_000.0), "rope_type": scaling.get("rope_type", "default")}


def arranged(architecture: Architecture, name: str, weights: "Weights", config: Mapping[str, Any]) -> "Weights":
    """A tensor with its rows in llama.cpp's order.

    Args:
        architecture: the model's.
        name: the tensor's in transformers, e.g. `model.layers.0.self_attn.q_proj.weight`.
        weights: float32, (rows, columns) or (rows,).
        config: the model's `config.json`.
    """
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}.get(name.split(".")[-2])
    if not architecture.interleaves_rope or heads is None:
        return weights
    shape = weights.shape
    # (heads, halves, half a head, …): the two halves of a head's rows are dealt out in turn.
    return weights.reshape(config[heads], 2, shape[0] // config[heads] // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
