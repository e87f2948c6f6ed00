"""A request to a model: its payload, the hash that it is known by, and the most that it can cost."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from pydantic import Field

from schemas.fields import Strict
from schemas.manifest import canonical_json
from synth.llm.prices import Price

#: Tokens that an endpoint adds around each message and the whole; generous, since it goes into upper bounds only.
_AROUND: Final = 16

#: A chat message as endpoints take it.
ChatMessage = dict[str, str]


class Sampling(Strict):
    """How replies are drawn; whatever else an endpoint takes stands in `extra`, and null there leaves a key out."""

    temperature: float | None = 0.9
    top_p: float | None = None
    max_tokens: int = 1_600
    seeded: bool = True
    """Send a `seed` of each request's own."""
    structured: str = "json_schema"
    """`json_schema`, `json_object`, or `none` for endpoints that know neither."""
    extra: dict[str, Any] = Field(default={})

    def parameters(self) -> dict[str, Any]:
        """The payload's parameters but `model`, `messages`, `seed` and the response format."""
        own = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        return {name: value for name, value in (own | self.extra).items() if value is not None}

    def told(self) -> dict[str, Any]:
        """What a row says of how it was drawn."""
        return self.parameters() | {"seeded": self.seeded, "structured": self.structured}


DEFAULT_SAMPLING: Final = Sampling()


@dataclass(frozen=True)
class Request:
    """One request: what is sent to `/chat/completions`, as it is sent."""

    payload: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """sha256 of the payload's canonical JSON: the cache's key, and what an endpoint may know a repeat by."""
        return hashlib.sha256(canonical_json(self.payload).encode()).hexdigest()

    @property
    def most_prompt_tokens(self) -> int:
        """No more tokens than this: a byte-level tokenizer makes none of less than a byte, schema included."""
        messages: Sequence[Mapping[str, str]] = self.payload["messages"]
        told = sum(len(message["content"].encode()) + _AROUND for message in messages)
        schema = self.payload.get("response_format")
        return told + _AROUND + (len(canonical_json(schema).encode()) if schema else 0)

    @property
    def most_completion_tokens(self) -> int:
        """What the payload allows the reply."""
        allowed = self.payload.get("max_completion_tokens") or self.payload.get("max_tokens")
        return int(allowed) * int(self.payload.get("n") or 1) if allowed else 0

    def most_cost(self, price: Price) -> int:
        """The most that it can cost, in picodollars."""
        return price.cost(self.most_prompt_tokens, self.most_completion_tokens)


def make_request(
    model: str,
    messages: Sequence[ChatMessage],
    sampling: Sampling,
    *,
    seed: int,
    schema: type[Strict] | None = None,
) -> Request:
    """A request for a reply of a given structure.

    Args:
        model: the endpoint's name for it.
        messages: role and content each.
        sampling: how the reply is drawn.
        seed: sent where the sampling is seeded; it also keeps requests of one text apart.
        schema: what the reply has to be, if anything.
    """
    payload: dict[str, Any] = {"model": model, "messages": list(messages), **sampling.parameters()}
    if sampling.seeded:
        payload["seed"] = seed
    if schema is not None and sampling.structured != "none":
        payload["response_format"] = _response_format(schema, sampling.structured)
    return Request(payload)


@cache
def _json_schema(schema: type[Strict]) -> dict[str, Any]:
    return schema.model_json_schema()


def _response_format(schema: type[Strict], structured: str) -> dict[str, Any]:
    if structured == "json_object":
        return {"type": "json_object"}
    told = {"name": schema.__name__, "schema": _json_schema(schema), "strict": True}
    return {"type": "json_schema", "json_schema": told}
