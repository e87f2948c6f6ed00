"""What models answer to the prompt sets: greedily, so that the same model says the same again."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from schemas.fields import NonEmpty, Strict
from train.prompts import Prompt, SetName
from train.render import marks_of, prompt_ids

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

#: Prompts that are answered side by side.
_BATCH: Final = 8
Asked = tuple[SetName, Prompt]


class Reply(Strict):
    """A model's answer to one turn of a prompt."""

    model: NonEmpty
    set: SetName
    prompt: NonEmpty
    turn: int
    """0 for the answer to the prompt's messages, then one for each further turn."""
    text: str
    stopped: bool
    """Whether the model ended the answer itself, within the tokens that it was given."""


def replies(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerFast",
    name: str,
    asked: Sequence[Asked],
    tokens: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Reply]:
    """Answers to prompts, turn by turn; further turns come after the model's own words.

    Args:
        model: in evaluation mode.
        tokenizer: the model's.
        name: of the model, in the replies.
        asked: prompts with the names of their sets.
        tokens: of an answer at most.
        progress: told answers as they are done, and how many there are to be.
    """
    total = sum(1 + len(prompt.then) for _, prompt in asked)
    found: list[Reply] = []
    chats = [[message.model_dump() for message in prompt.messages] for _, prompt in asked]
    for turn in range(1 + max((len(prompt.then) for _, prompt in asked), default=0)):
        places = [place for place, (_, prompt) in enumerate(asked) if len(prompt.then) >= turn]
        for place in places if turn else ():
            chats[place].append({"role": "user", "content": asked[place][1].then[turn - 1]})
        ids = [prompt_ids(chats[place], tokenizer) for place in places]
        for place, (text, stopped) in zip(places, _answers(model, tokenizer, ids, tokens), strict=True):
            # A turn without words would leave the chat without an answer.
            chats[place].append({"role": "assistant", "content": text or "…"})
            set_name, prompt = asked[place]
            found.append(Reply(model=name, set=set_name, prompt=prompt.id, turn=turn, text=text, stopped=stopped))
            progress(len(found), total)
    return found


def _answers(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast", prompts: Sequence[list[int]], tokens: int
) -> Iterator[tuple[str, bool]]:
    """Greedy answers in the order of the prompts, and whether each was ended by a stop."""
    order = sorted(range(len(prompts)), key=lambda place: (len(prompts[place]), place))
    done: dict[int, tuple[str, bool]] = {}
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        done |= dict(zip(batch, _of_batch(model, tokenizer, [prompts[place] for place in batch], tokens), strict=True))
    yield from (done[place] for place in range(len(prompts)))


def _of_batch(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerFast", prompts: Sequence[list[int]], tokens: int
) -> Iterator[tuple[str, bool]]:
    import torch

    marks = marks_of(tokenizer)
    stops, pad = {marks.stop, marks.end}, tokenizer.pad_token_id
    ids, seen = _padded(prompts, pad)
    with torch.inference_mode():
        said = model.generate(  # type: ignore[operator]
            ids.to(model.device), attention_mask=seen.to(model.device), max_new_tokens=tokens, do_sample=False,
            eos_token_id=sorted(stops), pad_token_id=pad,
        )[:, ids.shape[1] :].tolist()  # fmt: skip
    for answer in said:
        end = next((at for at, token in enumerate(answer) if token in stops), None)
        yield str(tokenizer.decode(answer[:end], skip_special_tokens=True)).strip(), end is not None


def _padded(prompts: Sequence[list[int]], pad: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Prompts (rows, tokens) filled up on the left, and what of it is theirs."""
    import torch

    width = max(map(len, prompts))
    rows = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
    seen = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(rows), torch.tensor(seen)
