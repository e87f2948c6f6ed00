"""Whether a GGUF file says what the model says: llama.cpp against transformers, token by token.

Both are given the same ids and decode greedily. Transformers runs on weights rounded to F16, so what is compared is the
file and its reader, not the rounding. The divergence is KL(transformers ‖ llama.cpp) of next-token distributions along
transformers' own answer, over its `LIKELIEST` tokens and all others as one event, hence a lower bound of the whole.
"""

import json
import math
import urllib.request
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from schemas.errors import ModelError
from schemas.fields import Count, NonEmpty, Strict

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel
    from xllamacpp import Server

#: Tokens of each answer that are compared.
TOKENS: Final = 24
#: Tokens of a distribution that are compared one by one.
LIKELIEST: Final = 1_000
#: Share of prompts whose answers must be the same, of a file that rounds no further than the model was rounded (F16).
LEAST_EQUAL: Final = 0.9
#: Nats a token that a file may differ which rounds further (Q8_0): greedy answers part at near ties, and then differ.
MOST_KL: Final = 0.05
_CONTEXT: Final = 1_024
#: Past any proxy that the environment names: the server is on loopback.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PromptParity(Strict):
    """One prompt: of how many compared tokens the first that are equal, and the mean divergence in nats."""

    prompt: NonEmpty
    compared: Count
    """`TOKENS`, or fewer where the answer ends before."""
    equal: Count
    kl: float | None
    """Null where llama.cpp told no probabilities."""


class Parity(Strict):
    """What a comparison found."""

    file: NonEmpty
    quantized: bool
    """Whether it rounds further than F16."""
    prompts: list[PromptParity] = Field(min_length=1)
    tokenizer_equal: Count
    """Prompts that llama.cpp's own tokenizer cuts into the same ids."""
    template_equal: Count
    """Prompts that llama.cpp renders by the template in the file as training did."""

    @property
    def equal(self) -> int:
        """Prompts whose answers are the same in all compared tokens."""
        return sum(each.equal == each.compared for each in self.prompts)

    @property
    def kl(self) -> float:
        """Mean divergence a token, in nats; 0 where no probabilities were told."""
        kls = [each.kl for each in self.prompts if each.kl is not None]
        return math.fsum(kls) / max(1, len(kls))

    @property
    def holds(self) -> bool:
        """Whether the file says what the model says, and every prompt is read as training read it."""
        close = self.kl <= MOST_KL if self.quantized else self.equal >= LEAST_EQUAL * len(self.prompts)
        return close and self.tokenizer_equal == self.template_equal == len(self.prompts)


class Asked(Strict):
    """A prompt in the three forms that are compared."""

    id: NonEmpty
    messages: list[dict[str, str]]
    text: NonEmpty
    ids: list[int]


def compare(
    model: "PreTrainedModel",
    file: Path,
    prompts: Sequence[Asked],
    stops: Collection[int],
    *,
    quantized: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Parity:
    """Compare a GGUF file with the model that it was made of.

    Args:
        model: float32 on the CPU; its matrices are rounded to F16 here.
        file: the GGUF file.
        prompts: what both are asked.
        stops: ids that end an answer.
        quantized: whether the file rounds further than F16.
        progress: told prompts as they are done, and how many there are.
    """
    round_to_f16(model)
    found, cut, rendered = [], 0, 0
    with served(file) as server:
        for prompt in prompts:
            answer, logs = greedy(model, prompt.ids, TOKENS, stops)
            found.append(_compared(server, prompt, answer, logs))
            told = {"content": prompt.text, "add_special": False, "parse_special": True}
            cut += _post(server, "/tokenize", told)["tokens"] == prompt.ids
            rendered += _post(server, "/apply-template", {"messages": prompt.messages})["prompt"] == prompt.text
            progress(len(found), len(prompts))
    return Parity(file=file.name, quantized=quantized, prompts=found, tokenizer_equal=cut, template_equal=rendered)


def round_to_f16(model: "PreTrainedModel") -> None:
    """Round matrices to what F16 can hold, in place; vectors stay, as GGUF keeps them in F32."""
    import torch

    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.copy_(weights.half().float())


def greedy(
    model: "PreTrainedModel", ids: Sequence[int], tokens: int, stops: Collection[int]
) -> "tuple[list[int], torch.Tensor]":
    """The likeliest next tokens, one after another, up to a stop; and log probabilities (tokens, vocabulary)."""
    import torch

    asked = torch.tensor([list(ids)])
    said = model.generate(  # type: ignore[operator]
        asked, attention_mask=torch.ones_like(asked), max_new_tokens=tokens, do_sample=False,
        eos_token_id=sorted(stops), pad_token_id=min(stops), output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip
    return said.sequences[0, len(ids) :].tolist(), torch.cat(said.logits).float().log_softmax(-1)


def _compared(server: "Server", prompt: Asked, answer: list[int], logs: "torch.Tensor") -> PromptParity:
    asked = {"prompt": prompt.ids, "n_predict": TOKENS, "temperature": 0, "n_probs": LIKELIEST, "cache_prompt": False}
    reply = _post(server, "/completion", {**asked, "return_tokens": True})
    said = reply["tokens"]
    same = [mine == other for mine, other in zip(answer, said, strict=False)]
    equal = same.index(False) if False in same else len(same)
    # After a difference the two go on from different texts, which cannot be compared. llama.cpp tells no probabilities
    # of tokens that are no whole characters.
    told = reply.get("completion_probabilities", [])[: equal + 1]
    kls = [divergence(logs[at], _logs(each)) for at, each in enumerate(told) if each["id"] == said[at]]
    kl = math.fsum(kls) / len(kls) if kls else None
    return PromptParity(prompt=prompt.id, compared=len(answer), equal=equal, kl=kl)


def divergence(mine: "torch.Tensor", theirs: dict[int, float]) -> float:
    """KL(mine ‖ theirs) in nats over tokens that both tell, and the rest as one event.

    Args:
        mine: log probabilities of all tokens.
        theirs: log probabilities by token, of some.
    """
    import torch

    best = torch.topk(mine, min(LIKELIEST, len(mine)))
    pairs = [
        (log, theirs[at]) for log, at in zip(best.values.tolist(), best.indices.tolist(), strict=True) if at in theirs
    ]
    total = math.fsum(math.exp(log) * (log - other) for log, other in pairs)
    rest = 1 - math.fsum(math.exp(log) for log, _ in pairs), 1 - math.fsum(math.exp(other) for _, other in pairs)
    return max(0.0, total + (rest[0] * math.log(rest[0] / rest[1]) if min(rest) > 1e-9 else 0.0))


@contextmanager
def served(file: Path) -> "Iterator[Server]":
    """A GGUF file served by llama.cpp on loopback, for the time of the block."""
    import torch
    import xllamacpp

    asked = xllamacpp.CommonParams()
    asked.model.path = str(file)
    asked.n_ctx, asked.n_parallel, asked.n_gpu_layers, asked.port = _CONTEXT, 1, 0, 0
    asked.cache_type_k = asked.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    # llama.cpp's threads wait for each other busily: on cores that others use, two are slower than one.
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = torch.get_num_threads()
    asked.warmup, asked.ui, asked.use_jinja, asked.verbosity = False, False, True, -1
    try:
        server = xllamacpp.Server(asked)
    except RuntimeError as error:
        raise ModelError(f"llama.cpp cannot load {file}: {error}", next_step="Export as safetensors alone.") from error
    try:
        yield server
    finally:
        del server


def _logs(token: dict[str, Any]) -> dict[int, float]:
    return {each["id"]: each["logprob"] for each in token["top_logprobs"]}


def _post(server: "Server", path: str, body: dict[str, Any]) -> dict[str, Any]:
    asked = urllib.request.Request(  # noqa: S310 - loopback
        server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with _DIRECT.open(asked, timeout=60) as reply:
        return dict(json.load(reply))
