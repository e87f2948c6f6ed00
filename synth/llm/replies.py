"""Replies, and what can be wrong with one: classified once, here, where a reply comes in."""

import json
import re
from typing import Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from quimbot_data.quality.stock_phrases import REFUSALS
from schemas.fields import LongCount, Strict

M = TypeVar("M", bound=BaseModel)

Reason = Literal[
    "refused",  # by the model, or by a filter of the endpoint
    "cut",  # at the limit of tokens
    "empty",
    "not-json",
    "not-schema",  # JSON, but not what was asked for
    "not-accepted",  # the endpoint does not take this request (400, 413, 422)
    "unanswered",  # no reply after all tries
    "unclean-text",  # blank, or with control characters
    "error-not-kept",  # the learner's first message lacks the seed's sentence
    "critics",  # invariants that are broken, also after one repair
    "evidence-not-in-text",  # a judge's quote that nobody said
]


class Failed(NamedTuple):
    """What came of a request that brought nothing to use."""

    reason: Reason
    detail: str


class Reply(Strict):
    """What a model answered, and what that took."""

    content: str
    refusal: str | None
    finish_reason: str | None
    model: str | None
    """As the endpoint names it, which may be more exact than what was asked for."""
    prompt_tokens: LongCount
    completion_tokens: LongCount
    counted: bool
    """By the endpoint; else both are upper bounds."""


class UnreadableReply(Exception):  # noqa: N818
    """A body that is no chat completion, as a proxy or a server in trouble sends one."""


def read_reply(body: str, *, at_most: tuple[int, int]) -> Reply:
    """A reply out of the body of a response.

    Args:
        body: JSON of a chat completion.
        at_most: tokens of prompt and completion that stand in where the endpoint does not count.

    Raises:
        UnreadableReply: the body is something else.
    """
    try:
        completion = json.loads(body)
        choice = completion["choices"][0]
        message = choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
        usage = completion.get("usage") or {}
        told: tuple[Any, Any] = usage.get("prompt_tokens"), usage.get("completion_tokens")
        counted = all(_is_count(number) for number in told)
        prompt, written = told if counted else at_most
        return Reply(
            content=_whole(content or ""),
            refusal=_whole(refusal) if refusal else None,
            finish_reason=choice.get("finish_reason"),
            model=completion.get("model"),
            prompt_tokens=prompt,
            completion_tokens=written,
            counted=counted,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadableReply(f"no chat completion: {type(error).__name__}") from error


def _whole(text: str) -> str:
    """Text that has a UTF-8 form: JSON can hold half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def parse(reply: Reply, model: type[M]) -> M | Failed:
    """What a reply says, as the structure that was asked for; or why it cannot be used."""
    if reply.refusal is not None:
        return Failed("refused", _short(reply.refusal))
    if reply.finish_reason == "content_filter":
        return Failed("refused", "The endpoint's filter held the reply back.")
    if reply.finish_reason == "length":
        return Failed("cut", f"The reply ended at its limit, after {reply.completion_tokens:,} tokens.")
    text = _unfenced(reply.content)
    if not text:
        return Failed("empty", "The reply holds no text.")
    try:
        value = json.loads(text)
    except ValueError as error:
        if _REFUSES.match(text):
            return Failed("refused", _short(text))
        return Failed("not-json", f"{_short(str(error))} In: {_short(text)}")
    return _validated(value, model)


def _validated(value: Any, model: type[M]) -> M | Failed:
    try:
        return model.model_validate_json(json.dumps(value))  # as JSON: strict models take no coercion otherwise
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return Failed("not-schema", _short(f"{place}: {first['msg']}"))


_FENCE: Final = re.compile(r"\A```[a-zA-Z]*\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


def _unfenced(text: str) -> str:
    """Text without the Markdown fence that models put around JSON."""
    text = text.strip()
    fenced = _FENCE.match(text)
    return fenced[1].strip() if fenced else text


_REFUSES: Final = re.compile(rf"\W*(?:{'|'.join(REFUSALS.values())})", re.IGNORECASE)


def _short(text: str, most: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
