"""The head of a language model on a CPU: logits where a token is trained on, each computed once.

Without Triton, TRL's fused head scores every position of a row, learners' and padding's too, and computes all logits
again in the backward pass. As only the head's input is trained, and a position's log-probability depends on no other
position, its gradient is at hand as soon as its logits are: they are computed a few positions at a time and forgotten.
"""

from dataclasses import dataclass
from functools import wraps
from types import MethodType
from typing import Any, Final

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from train.render import IGNORED

#: Positions whose logits are held at once: SmolLM2's 49,152 in float32 make 25 MB, Qwen's 151,936 make 78 MB.
_AT_ONCE: Final = 128
#: What a model may do to its logits; those that do are left to TRL.
_CHANGES: Final = (
    *("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling"),
    "output_router_logits",
)


@dataclass
class Scored(ModelOutput):
    """What TRL reads of its own head, (rows, tokens - 1) each: zero where a token is not trained on."""

    log_probs: Tensor | None = None
    entropy: Tensor | None = None
    is_top1: Tensor | None = None
    """Whether no other token is more probable."""
    label_mask: Tensor | None = None
    """Where it is trained on."""


class LogProbabilities(torch.autograd.Function):
    """Of targets (positions,) after states (positions, hidden), with the entropy there and whether they come first."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weight is (vocabulary, hidden); all that comes out is (positions,)."""
        # In float64, so that a sum over a batch does not depend on how its rows share forward passes.
        log_probs, entropy = (states.new_empty(len(states), dtype=torch.float64) for _ in range(2))
        first, gradient = torch.empty_like(targets, dtype=torch.bool), torch.empty_like(states)
        for start in range(0, len(states), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            logs = (states[part] @ weight.T).float().log_softmax(-1)
            log_probs[part] = logs.gather(-1, targets[part, None])[:, 0]
            first[part] = logs.argmax(-1) == targets[part]
            shares = logs.exp()
            entropy[part] = -logs.mul_(shares).sum(-1)
            gradient[part] = weight[targets[part]] - shares.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(entropy, first)
        return log_probs, entropy, first

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Of the states; the head itself is not trained."""
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0][:, None].to(gradient.dtype), None, None


def score_trained_only(model: PreTrainedModel) -> None:
    """Put this head in the place of TRL's, unless the model does more than one product to get its logits."""
    head, config = model.get_output_embeddings(), model.config.get_text_config()  # type: ignore[no-untyped-call]
    changed = any(getattr(config, name, None) not in (None, False, 1.0) for name in _CHANGES)
    if changed or getattr(head, "bias", None) is not None or head.weight.requires_grad:
        return
    whole = type(model).forward

    @wraps(whole)
    def forward(self: Any, *rest: Any, fused_lm_head: bool = False, labels: Any = None, **named: Any) -> Any:
        if not fused_lm_head:
            return whole(self, *rest, labels=labels, **named)
        states = self.base_model(*rest, **named | {"use_cache": False}).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        trained = targets != IGNORED
        weight = self.get_output_embeddings().weight
        found = LogProbabilities.apply(states[trained], weight, targets[trained])  # type: ignore[no-untyped-call]
        spread = [each.new_zeros(trained.shape).masked_scatter(trained, each) for each in found]
        return Scored(log_probs=spread[0], entropy=spread[1], is_top1=spread[2], label_mask=trained)

    model.forward = MethodType(forward, model)
