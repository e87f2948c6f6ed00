"""Asking a model: out of the cache where it was paid for, else within the budget, with patience, and kept at once."""

import asyncio
import hashlib
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from quimbot_data.endpoint import Endpoint
from schemas.errors import EndpointError
from synth.cache import ReplyCache
from synth.llm.attempts import Again, Outcome, attempt
from synth.llm.budget import Budget
from synth.llm.prices import FREE, Price
from synth.llm.replies import Failed, Reply
from synth.llm.request import Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI

#: Requests in a row that were given up on as unreachable before the run stops: the endpoint is gone.
_GONE_AFTER: Final = 3


class Stopped(Exception):  # noqa: N818
    """The run is being ended: what is under way is awaited, nothing new is sent."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for an endpoint, in seconds, and how often to try."""

    attempts: int = 6
    timeout: float = 120.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    """Of the waits that double from the first."""
    longest_asked: float = 600.0
    """Of those that the endpoint asks for: a longer one ends the request."""


PATIENT: Final = Patience()


@dataclass
class Tally:
    """What this run has done so far."""

    asked: int = 0
    """Requests that brought a reply."""
    cached: int = 0
    """Requests that the cache answered."""
    repeated: int = 0
    """Tries after the first."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    """Replies whose tokens the endpoint did not count: upper bounds stand in."""


@dataclass
class Client:
    """Whom to ask, at what price, within which budget."""

    endpoint: Endpoint
    cache: ReplyCache
    budget: Budget = field(default_factory=Budget)
    price: Price = FREE
    patience: Patience = PATIENT
    at_once: int = 1_024
    """Requests that may be under way at the same time."""
    tally: Tally = field(default_factory=Tally)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _openai: "AsyncOpenAI | None" = None
    _locks: "defaultdict[str, asyncio.Lock]" = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _slots: asyncio.Semaphore = field(init=False)
    _not_before: float = 0.0
    _given_up: int = 0
    _answered: bool = False
    _silence: EndpointError | None = None

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.at_once)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Client"]:
        """Hold connections while the block runs."""
        async with self.endpoint.client(self.patience.timeout) as self._openai:
            yield self

    def most(self, request: Request) -> int:
        """The most that a request can cost, in picodollars."""
        return request.most_cost(self.price)

    async def ask(self, request: Request) -> Reply | Failed:
        """The reply to a request; equal requests are sent once.

        Raises:
            BudgetError: it is not covered.
            EndpointError: the endpoint takes no requests of this run, or is gone.
            WorkspaceError: the cache cannot be written.
            Stopped: the run ends.
        """
        async with self._locks[request.key]:
            if (kept := self.cache.find(request.key)) is not None:
                self.tally.cached += 1
                return kept
            return await self._insist(request)

    async def _insist(self, request: Request) -> Reply | Failed:
        """Try until there is a reply or patience ends."""
        for number in itertools.count():
            async with self._slots:
                await self._hold_until(self._not_before)
                outcome = await self._try(request)
            if not isinstance(outcome, Again):
                self._given_up, self._answered = 0, True
                return outcome
            wait = self._wait_after(outcome, request, number)
            if wait is None:
                return self._give_up(outcome, number + 1)
            if outcome.crowded:
                self._not_before = max(self._not_before, time.monotonic() + wait)
            self.tally.repeated += 1
            await self._hold_until(time.monotonic() + wait)
        raise AssertionError("unreachable")

    async def _try(self, request: Request) -> Outcome:
        """One paid try: reserved for, written down, sent, kept and settled."""
        if self._openai is None:
            raise RuntimeError("the client is not open")
        most = self.most(request)
        await self.budget.reserve(most)
        cost = doubtful = 0
        try:
            if self.stopping.is_set():
                raise Stopped
            intent = self.cache.intend(request.key, most)
            doubtful = most  # until more is known: whatever breaks from here on may have been paid for
            try:
                outcome = await attempt(self._openai, self.endpoint, request, self.patience.timeout)
            except EndpointError:
                doubtful = 0
                self.cache.settle(intent, "unpaid")
                raise
            if isinstance(outcome, Reply):
                cost, doubtful = self.price.cost(outcome.prompt_tokens, outcome.completion_tokens), 0
                self.cache.keep(intent, request.key, outcome, cost)
                self._count(outcome)
            else:
                doubtful = most if isinstance(outcome, Again) and outcome.doubtful else 0
                self.cache.settle(intent, "doubtful" if doubtful else "unpaid")
            return outcome
        finally:
            await self.budget.settle(most, cost=cost, doubtful=doubtful)

    def _count(self, reply: Reply) -> None:
        self.tally.asked += 1
        self.tally.prompt_tokens += reply.prompt_tokens
        self.tally.completion_tokens += reply.completion_tokens
        self.tally.uncounted += not reply.counted

    def _wait_after(self, outcome: Again, request: Request, number: int) -> float | None:
        """Seconds until the next try; None where there is none."""
        if number + 1 >= self.patience.attempts or (outcome.wait or 0) > self.patience.longest_asked:
            return None
        doubled = min(self.patience.first_wait * 2.0**number, self.patience.longest_wait)
        return max(doubled * _jitter(request.key, number), outcome.wait or 0.0)

    async def _hold_until(self, moment: float) -> None:
        """Wait for a moment, unless the run ends before.

        Raises:
            Stopped: it ends.
        """
        while (left := moment - time.monotonic()) > 0 or self.stopping.is_set():
            if self.stopping.is_set():
                raise Stopped
            try:
                async with asyncio.timeout(left):
                    await self.stopping.wait()
            except TimeoutError:
                continue

    def _give_up(self, outcome: Again, tries: int) -> Failed:
        self._given_up += outcome.unreachable
        self._silence = EndpointError(
            f"{self.endpoint.shown} does not answer: {outcome.why}, tried {_times(tries)} for each request.",
            next_step="What was paid for is kept: run again when it answers.",
        )
        if self._given_up >= _GONE_AFTER:
            raise self._silence
        asked = f", which asks to wait {outcome.wait:,.0f} s" if outcome.wait else ""
        return Failed("unanswered", f"{outcome.why}{asked}; tried {_times(tries)}")

    def refuse_silence(self) -> None:
        """Refuse to take a run for done in which the endpoint answered nothing.

        Raises:
            EndpointError: requests were given up on, and none was answered.
        """
        if self._silence and not self._answered:
            raise self._silence


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _jitter(key: str, number: int) -> float:
    """Between .5 and 1, by request and try: requests that failed together come back one after another."""
    return 0.5 + hashlib.sha256(f"{key}|{number}".encode()).digest()[0] / 510
