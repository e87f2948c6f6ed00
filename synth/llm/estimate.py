"""What a run would ask and cost, before it does: nothing is sent, and what the cache answers is left out."""

import asyncio
from collections.abc import Sequence
from typing import Final

import polars as pl

from quimbot_data.tokens import count_tokens
from quimbot_data.workspace import Workspace
from schemas.fields import LongCount, Strict
from synth.cache import open_cache
from synth.llm.client import Client, Stopped
from synth.llm.dialogues import Draft, Writer
from synth.llm.generation import Asking, Job
from synth.llm.prices import DOLLAR
from synth.llm.request import Request
from synth.scenarios import Scenario

#: Tokens of a learner's or tutor's message with the JSON around it.
TURN: Final = 40
_TEXT: Final = " ".join(["word"] * 30)
#: Share of dialogues that are asked for a second time. A guess: it depends on the model more than on anything else.
REPAIRED: Final = 0.3


class Estimate(Strict):
    """Requests, tokens, dollars as expected; at most: with every reply at its limit and every dialogue repaired."""

    work: LongCount
    """Scenarios, dialogues or pairs."""
    finished: LongCount
    """Of those, what the cache answers altogether."""
    requests: LongCount
    requests_most: LongCount
    prompt_tokens: LongCount
    completion_tokens: LongCount
    dollars: float | None
    """None where the price is not known."""
    dollars_most: float | None


def estimate_generation(workspace: Workspace, job: Job, asking: Asking, count: int) -> Estimate:
    """What the rest of a job would take.

    Raises:
        InputError: no such profile, no seed fits one, or a budget without a price.
        LockedError: another process works on this job.
    """
    scenarios = job.scenarios(count)
    with open_cache(workspace, job.key(asking)) as cache:
        client = asking.client(cache)
        drafts = asyncio.run(_unfinished(client, job, asking, scenarios))
    imagined = [draft.imagined(_TEXT) for draft in drafts]
    first = [request for requests in imagined for request in requests[:-1]]
    repairs = [requests[-1] for requests in imagined]
    messages = 2 * sum(len(draft.steps) for draft in drafts)
    return estimated(
        asking,
        work=len(scenarios),
        finished=len(scenarios) - len(drafts),
        requests=first,
        completion_tokens=messages * TURN,
        repairs=repairs,
    )


async def _unfinished(client: Client, job: Job, asking: Asking, scenarios: Sequence[Scenario]) -> list[Draft]:
    client.stopping.set()  # the cache answers, and nothing else does
    writer = Writer(client, asking.model, asking.sampling, job.roles)
    return [Draft(writer, each) for each in scenarios if not await _finished(writer, each)]


async def _finished(writer: Writer, scenario: Scenario) -> bool:
    try:
        await writer.write(scenario)
    except Stopped:
        return False
    return True


def estimated(
    asking: Asking,
    *,
    work: int,
    finished: int,
    requests: Sequence[Request],
    completion_tokens: int,
    repairs: Sequence[Request] = (),
) -> Estimate:
    """The estimate of some requests.

    Args:
        asking: tells the price.
        work: pieces of it.
        finished: of those, the ones that need nothing more.
        requests: what is surely sent.
        completion_tokens: expected for those together.
        repairs: what is sent where a dialogue fails.
    """
    prompt_tokens = round(_prompt_tokens(requests) + REPAIRED * _prompt_tokens(repairs))
    expected, price = round((1 + (REPAIRED if repairs else 0)) * completion_tokens), asking.price
    return Estimate(
        work=work,
        finished=finished,
        requests=round(len(requests) + REPAIRED * len(repairs)),
        requests_most=len(requests) + len(repairs),
        prompt_tokens=prompt_tokens,
        completion_tokens=expected,
        dollars=price.cost(prompt_tokens, expected) / DOLLAR if price else None,
        dollars_most=sum(each.most_cost(price) for each in [*requests, *repairs]) / DOLLAR if price else None,
    )


def _prompt_tokens(requests: Sequence[Request]) -> int:
    """By the project's own tokenizer, which is near enough to others for an estimate."""
    texts = [message["content"] for request in requests for message in request.payload["messages"]]
    return int(count_tokens(pl.Series(texts, dtype=pl.String)).sum()) + 4 * len(texts)
