"""Many pieces of work at once, each of which asks a model: in the order given, ended by Ctrl-C, errors or the budget.

Whatever ends a run, requests under way are awaited and their replies kept: they are paid for. Ctrl-C a second time, or
a kill, leaves them doubtful (see `synth.cache`).
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.errors import BudgetError, QuimbotError
from synth.llm.client import Client, Stopped

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Worked(Generic[R]):
    """What came of the work."""

    results: list[R | None]
    """In the order of the work; None where the budget ended first."""
    budget: BudgetError | None = None
    """Why some is not done."""


async def work_through(
    client: Client,
    work: Sequence[T],
    do: Callable[[T], Awaitable[R]],
    *,
    tell: Callable[[R], None] = lambda _: None,
) -> Worked[R]:
    """Do all of it, twice as many pieces at once as requests: while some are checked, others are asked about.

    Args:
        client: is stopped when the run ends early.
        work: what there is to do.
        do: does one piece; one request at a time.
        tell: told each result as it comes.

    Raises:
        KeyboardInterrupt: Ctrl-C, once what was under way is kept.
        EndpointError: nothing that was asked was answered.
        QuimbotError: the first that a piece raised, but for `BudgetError`, likewise.
    """
    worked: Worked[R] = Worked([None] * len(work))
    errors: list[QuimbotError] = []
    waiting = iter(enumerate(work))

    async def take() -> None:
        for place, piece in waiting:
            try:
                result = await do(piece)
            except BudgetError as error:
                worked.budget = error
                continue  # the rest may be in the cache
            except Stopped:
                return
            except QuimbotError as error:
                errors.append(error)
                client.stopping.set()
                return
            worked.results[place] = result
            tell(result)

    with _interruptible(client) as interrupted:
        await asyncio.gather(*(take() for _ in range(min(2 * client.at_once, len(work)))))
    if errors:
        raise errors[0]
    if interrupted.is_set():
        raise KeyboardInterrupt
    client.refuse_silence()
    return worked


@contextmanager
def _interruptible(client: Client) -> Iterator[threading.Event]:
    """Let Ctrl-C and a polite kill stop the client, and a second one all that runs."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    loop, me = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if interrupted.is_set() and me:
            me.cancel()
        interrupted.set()
        client.stopping.set()

    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, stop)
    try:
        yield interrupted
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for kind in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(kind)
