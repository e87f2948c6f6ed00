"""A model as judge of two models' answers, by any OpenAI-compatible endpoint; every pair is shown in both orders.

What it prefers counts only where it prefers the same in both orders; the share in which it does is told.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import ValidationError

from quimbot_data.endpoint import Endpoint
from quimbot_data.workspace import read_model, write_model
from schemas.errors import EndpointError
from schemas.fields import Count, Hash, NonEmpty, Strict
from train.evaluate.bootstrap import Interval, mean
from train.evaluate.replies import Asked, Reply
from train.prompts import Prompt

if TYPE_CHECKING:
    from openai import AsyncOpenAI

#: Requests at once.
_AT_ONCE: Final = 8
#: Seconds of silence after which a request counts as broken.
_TIMEOUT: Final = 120.0
Better = Literal["first", "second", "neither"]
#: First answers of a model, by prompt.
Answers = Mapping[str, Reply]


class _Said(Strict):
    better: Better


class Preference(Strict):
    """What the judge preferred of one prompt's two answers."""

    prompt: NonEmpty
    base_first: Better | None
    """With the base's answer first; null where the judge gave no answer that could be read."""
    base_second: Better | None

    @property
    def value(self) -> float | None:
        """1 where the adapter's answer is preferred in both orders, 0 where the base's, else a half; None if unread."""
        if self.base_first is None or self.base_second is None:
            return None
        both = (self.base_first, self.base_second)
        return {("second", "first"): 1.0, ("first", "second"): 0.0}.get(both, 0.5)

    @property
    def consistent(self) -> bool:
        """Whether both orders gave the same verdict."""
        return (self.base_first, self.base_second) in {("second", "first"), ("first", "second"), ("neither", "neither")}


class Judgement(Strict):
    """What a judge said of a run against its base."""

    judge: NonEmpty
    endpoint: NonEmpty
    preferences: list[Preference]

    @property
    def read(self) -> Count:
        """Pairs whose two answers could be read."""
        return sum(each.value is not None for each in self.preferences)

    @property
    def consistent(self) -> Count:
        """Pairs with one verdict in both orders."""
        return sum(each.consistent for each in self.preferences)

    @property
    def preferred(self) -> Interval | None:
        """How often the adapter's answer is preferred, a tie counting half; None where nothing could be read."""
        values = [each.value for each in self.preferences if each.value is not None]
        return mean(np.array(values)) if values else None


class _Kept(Strict):
    """A judgement, and what it was asked: endpoint, judge, prompts and answers, by their hash."""

    asked: Hash
    judgement: Judgement


def judge_once(
    kept: Path, endpoint: Endpoint, model: str, asked: Sequence[Asked], base: Answers, adapted: Answers
) -> Judgement:
    """As `judge`, but what it said of the same answers before is read from a file: requests may cost money."""
    answers = [each.model_dump_json() for said in (base, adapted) for _, each in sorted(said.items())]
    prompts = [prompt.model_dump_json() for _, prompt in asked]
    digest = hashlib.sha256("\n".join([endpoint.shown, model, _told(), *prompts, *answers]).encode()).hexdigest()
    if kept.exists() and (before := read_model(kept, _Kept)).asked == digest:
        return before.judgement
    found = judge(endpoint, model, asked, base, adapted)
    write_model(kept, _Kept(asked=digest, judgement=found))
    return found


def judge(endpoint: Endpoint, model: str, asked: Sequence[Asked], base: Answers, adapted: Answers) -> Judgement:
    """Ask a judge about answers to prompts with an error or a confusion.

    Args:
        endpoint: whoever serves the judge.
        model: its name there.
        asked: prompts.
        base: the base's first answers by prompt.
        adapted: the adapter's.

    Raises:
        EndpointError: it cannot be reached, or refuses.
    """
    prompts = [prompt for name, prompt in asked if name in ("scaffolding", "simplification")]
    found = asyncio.run(_all(endpoint, model, prompts, base, adapted))
    return Judgement(judge=model, endpoint=endpoint.shown, preferences=found)


async def _all(
    endpoint: Endpoint, model: str, prompts: Sequence[Prompt], base: Answers, adapted: Answers
) -> list[Preference]:
    room = asyncio.Semaphore(_AT_ONCE)
    async with endpoint.client(_TIMEOUT) as client:

        async def of(prompt: Prompt) -> Preference:
            answers = base[prompt.id].text, adapted[prompt.id].text
            async with room:
                first = await _ask(client, endpoint, model, prompt, *answers)
                second = await _ask(client, endpoint, model, prompt, *answers[::-1])
            return Preference(prompt=prompt.id, base_first=first, base_second=second)

        return list(await asyncio.gather(*(of(prompt) for prompt in prompts)))


async def _ask(
    client: "AsyncOpenAI", endpoint: Endpoint, model: str, prompt: Prompt, first: str, second: str
) -> Better | None:
    from openai import OpenAIError

    try:
        reply = await client.chat.completions.create(
            model=model,
            messages=[
                {"role": "system", "content": _told()},
                {"role": "user", "content": _shown(prompt, first, second)},
            ],
            temperature=0,
            max_tokens=64,
            response_format={"type": "json_object"},
        )
    except OpenAIError as error:
        raise EndpointError(
            f"The judge at {endpoint.shown} does not answer: {endpoint.redact(str(error))[:200]}",
            next_step="See whether it serves that model, or evaluate without --judge.",
        ) from None
    return _read(reply.choices[0].message.content or "")


def _told() -> str:
    """What the judge is told to do."""
    return (files("train.evaluate") / "judge.md").read_text("utf-8").strip()


def _read(text: str) -> Better | None:
    """The verdict in a reply: its first JSON object; None where there is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return _Said.model_validate(json.loads(text[start : end + 1])).better
    except (ValueError, ValidationError):
        return None


def _shown(prompt: Prompt, first: str, second: str) -> str:
    chat = "\n".join(f"{'Learner' if each.role == 'user' else 'Tutor'}: {each.content}" for each in prompt.messages)
    level = f"The learner's level is {prompt.cefr}.\n" if prompt.cefr else ""
    return f"{level}The chat:\n{chat}\n\nThe first answer:\n{first}\n\nThe second answer:\n{second}"
