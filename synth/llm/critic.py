"""Critics beside the requests: in a process of their own where there are many dialogues, else at once.

Critics take a millisecond or two of work a dialogue, and while they work no reply is read. `python -m synth.llm.critic`
takes a dialogue a line of JSON on its standard input, writes its failures as one, and ends when the input does, so it
never outlives whoever started it.
"""

import asyncio
import json
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from quimbot_data.pedagogy.critics import check
from quimbot_data.pedagogy.invariants import Failure

#: Dialogues from which on a process pays: it takes a second to start.
MANY: Final = 200
#: Bytes of the longest line that is read.
_LONGEST: Final = 2**24


class Critics:
    """Critics in this process."""

    def warm(self, dialogue: Mapping[str, object]) -> None:
        """Have the tables read that dialogues in this one's language need, before replies wait for it."""
        check(dialogue)

    async def check(self, dialogue: Mapping[str, object]) -> Sequence[Failure]:
        """What critics find."""
        return check(dialogue)


HERE: Final = Critics()


@asynccontextmanager
async def critics_for(dialogues: int) -> AsyncIterator[Critics]:
    """Critics for so many dialogues."""
    if dialogues < MANY:
        yield HERE
        return
    # A session of its own: Ctrl-C on the terminal is for the run, which awaits replies and still has them checked.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "synth.llm.critic"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST,
        start_new_session=True,
    )
    apart = _Apart(process)
    try:
        yield apart
    finally:
        await apart.end()


class _Apart(Critics):
    """Critics in another process, asked in order and answered in order; until it is warm, critics in this one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        self._process, self._asks, self._answers = process, process.stdin, process.stdout
        self._waiting: deque[asyncio.Future[list[Failure]]] = deque()
        self._warming: list[asyncio.Future[list[Failure]]] = []
        self._reading = asyncio.create_task(self._read())

    def warm(self, dialogue: Mapping[str, object]) -> None:
        self._warming.append(self._ask(dialogue))
        check(dialogue)

    async def check(self, dialogue: Mapping[str, object]) -> Sequence[Failure]:
        if not all(each.done() for each in self._warming):
            return check(dialogue)
        return await self._ask(dialogue)

    def _ask(self, dialogue: Mapping[str, object]) -> "asyncio.Future[list[Failure]]":
        if self._reading.done():
            raise RuntimeError("the critics' process has ended")
        found: asyncio.Future[list[Failure]] = asyncio.get_running_loop().create_future()
        self._waiting.append(found)
        self._asks.write(json.dumps(dialogue).encode() + b"\n")
        return found

    async def _read(self) -> None:
        while line := await self._answers.readline():
            found = self._waiting.popleft()
            if not found.done():
                found.set_result([Failure(*each) for each in json.loads(line)])
        for found in self._waiting:
            found.cancel()

    async def end(self) -> None:
        """End the process: whatever it was asked is answered, or nobody waits for it."""
        if self._process.returncode is None:
            self._process.kill()
        self._asks.close()
        await self._process.wait()
        await self._reading


def main() -> None:
    """Check dialogues until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(check(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
