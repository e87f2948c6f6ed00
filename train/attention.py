"""Attention over packed rows on a CPU: dialogue by dialogue.

With a dense mask every token of a row attends to all of the row, and most of what comes out is masked away. Here each
dialogue attends to itself alone, causally: for dialogues of a fourth of a row, an eighth of the work.
"""

from typing import TYPE_CHECKING, Any, Final

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

if TYPE_CHECKING:
    from torch import Tensor

DIALOGUES_APART: Final = "dialogues_apart"


def attend(
    module: torch.nn.Module,
    query: "Tensor",
    key: "Tensor",
    value: "Tensor",
    attention_mask: "Tensor | None",
    cu_seq_lens_q: "Tensor | None" = None,
    **named: Any,
) -> "tuple[Tensor, None]":
    """Attention of (1, heads, tokens, size) as transformers' sdpa computes it.

    Args:
        module: the layer.
        query: likewise `key` and `value`, which may have fewer heads.
        attention_mask: counts where no lengths are given, or where a layer looks back a limited way only.
        cu_seq_lens_q: where each dialogue of the row begins, and the end.
        named: what else sdpa takes.
    """
    if cu_seq_lens_q is None or named.get("sliding_window"):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **named)
    lengths = cu_seq_lens_q.diff().tolist()
    dialogues = zip(*(torch.split(states, lengths, dim=2) for states in (query, key, value)), strict=True)
    found = [sdpa_attention_forward(module, q, k, v, None, **named)[0] for q, k, v in dialogues]
    return torch.cat(found, dim=1), None


def keep_dialogues_apart(model: PreTrainedModel) -> None:
    """Have a model attend so, wherever it is told the lengths of a row's dialogues."""
    AttentionInterface.register(DIALOGUES_APART, attend)
    AttentionMaskInterface.register(DIALOGUES_APART, sdpa_mask)
    model.set_attn_implementation(DIALOGUES_APART)
