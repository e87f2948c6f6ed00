"""A random Qwen3 of two million weights with the real Qwen tokenizer: seconds, no network."""

from functools import cache
from pathlib import Path

from train.models import QWEN, load_tokenizer

#: Made once: it takes seconds.
qwen = cache(lambda: load_tokenizer(QWEN))


def tiny_qwen3(folder: Path, seed: int = 0, *, tied: bool = True) -> Path:
    """Write a model and its tokenizer into a folder, as `save_pretrained` does; `tied`: its head is its embeddings."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = qwen()
    config = Qwen3Config(
        **{"vocab_size": 151_936, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 4096},
        **{"tie_word_embeddings": tied, "eos_token_id": 151_643, "bos_token_id": None},
    )
    torch.manual_seed(seed)
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
