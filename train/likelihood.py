"""How surprised a model is by what the assistant said: negative log likelihood in nats, turn by turn."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from train.render import Rendered

if TYPE_CHECKING:
    import torch

#: Tokens of a batch, padding included.
_BATCH: Final = 4096
#: Positions whose logits are held at once: Qwen's 151,936 float32 logits of each make 155 MB.
_POSITIONS: Final = 256


class Causal(Protocol):
    """What is asked of a causal language model, of transformers' or with peft's adapter over it."""

    @property
    def device(self) -> "torch.device": ...  # noqa: D102

    def get_decoder(self) -> "torch.nn.Module": ...  # noqa: D102

    def get_output_embeddings(self) -> "torch.nn.Module": ...  # noqa: D102


class TurnLoss(NamedTuple):
    """An assistant turn's loss, its stop token included.

    Attributes:
        dialogue: index in what was given.
        position: of the turn in the dialogue's messages.
        tokens: that the loss is summed over.
        nats: the sum.
    """

    dialogue: int
    position: int
    tokens: int
    nats: float


def turn_losses(model: "Causal", dialogues: Sequence[Rendered]) -> list[TurnLoss]:
    """Loss of every trained turn, in the order of the dialogues."""
    losses = [loss for batch in _batches(dialogues) for loss in _of_batch(model, dialogues, batch)]
    return sorted(losses)


def _batches(dialogues: Sequence[Rendered]) -> Iterator[list[int]]:
    """Dialogues with something to score, of similar lengths, the longest first: what fits in no memory fails soon."""
    order = sorted(
        (place for place, each in enumerate(dialogues) if each.spans), key=lambda at: -len(dialogues[at].ids)
    )
    batch: list[int] = []
    for place in order:
        if batch and len(dialogues[batch[0]].ids) * (len(batch) + 1) > _BATCH:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _of_batch(model: "Causal", dialogues: Sequence[Rendered], batch: list[int]) -> Iterator[TurnLoss]:
    import torch

    width = len(dialogues[batch[0]].ids)
    device = model.device
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    seen = torch.zeros_like(ids)
    for row, place in enumerate(batch):
        held = dialogues[place].ids
        ids[row, : len(held)], seen[row, : len(held)] = torch.tensor(held), 1
    with torch.inference_mode():
        # (rows, tokens, hidden): the head is applied only where a token is scored.
        states = model.get_decoder()(input_ids=ids.to(device), attention_mask=seen.to(device)).last_hidden_state
        for row, place in enumerate(batch):
            for position, start, end in dialogues[place].spans:
                nats = _nats(model, states[row, start - 1 : end - 1], ids[row, start:end].to(device))
                yield TurnLoss(place, position, end - start, nats)


def _nats(model: "Causal", states: "torch.Tensor", targets: "torch.Tensor") -> float:
    """Summed loss of targets (tokens,) after states (tokens, hidden)."""
    import torch

    head, total = model.get_output_embeddings(), 0.0
    for start in range(0, len(targets), _POSITIONS):
        logits = head(states[start : start + _POSITIONS]).float()
        total += torch.nn.functional.cross_entropy(logits, targets[start : start + _POSITIONS], reduction="sum").item()
    return total
