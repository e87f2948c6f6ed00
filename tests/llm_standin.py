"""An OpenAI-compatible endpoint on a loopback port that answers as a script says: whole, late, broken, refused, never.

It counts what a provider would bill: work that was done, whether or not its reply arrived. Where it honours
`Idempotency-Key`, a repeat gets the stored answer and is not billed again. `python llm_standin.py SECONDS` serves from
a process of its own what `llm_author` writes, each reply after so many seconds; it
prints its address, and at a line on its standard input the moments at which requests came.
"""

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Payload = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What becomes of a request."""

    content: str | None = ""
    status: int = 200
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: tuple[int, int] | None = (20, 50)
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    """In place of a completion or an error of its own."""
    delay: float = 0.0
    fate: Literal["whole", "cut", "reset", "hang"] = "whole"

    def text(self, payload: Payload) -> str:
        if self.body is not None:
            return self.body
        if self.status != 200:
            return json.dumps({"error": {"message": f"status {self.status}", "code": None}})
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        completion = {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": payload.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
        }
        if self.usage:
            prompt, written = self.usage
            completion["usage"] = {
                "prompt_tokens": prompt,
                "completion_tokens": written,
                "total_tokens": prompt + written,
            }
        return json.dumps(completion)


Script = Callable[[Payload, int], Answer]
"""What to answer to a payload that comes for the n-th time (from 0)."""


@dataclass(frozen=True)
class Seen:
    """One request that came."""

    at: float
    key: str
    payload: Payload
    headers: dict[str, str]


class LlmStandIn:
    """An endpoint on `url`; use as a context manager."""

    def __init__(self, script: Script, *, honours_keys: bool = True) -> None:
        self.script, self.honours_keys = script, honours_keys
        self.seen: list[Seen] = []
        self.paid: Counter[str] = Counter()
        """Times that each key's work was done."""
        self.most_at_once = 0
        self._now = 0
        self._answered: dict[str, Answer] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "LlmStandIn":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self.serve(), self._loop).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve a request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        payload = json.loads(await reader.readexactly(int(headers["content-length"])))
        key = headers.get("idempotency-key", "")
        again = sum(each.key == key for each in self.seen) if len(self.seen) < 2_000 else 0
        self.seen.append(Seen(asyncio.get_running_loop().time(), key, payload, headers))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            answer = self._answer(key, payload, again)
            if answer.delay:
                await asyncio.sleep(answer.delay)
        finally:
            self._now -= 1
        return await self._send(writer, answer, answer.text(payload).encode())

    def _answer(self, key: str, payload: Payload, again: int) -> Answer:
        if self.honours_keys and key in self._answered:
            return self._answered[key]
        answer = self.script(payload, again)
        if answer.status == 200:
            self.paid[key] += 1
            if answer.fate == "whole":
                self._answered[key] = answer
            else:  # the work was done, though its reply will not arrive: a repeat gets it whole
                self._answered[key] = Answer(answer.content, usage=answer.usage)
        return answer

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, body: bytes) -> bool:
        if answer.fate == "hang":
            await asyncio.sleep(3600)
        if answer.fate == "reset":
            writer.transport.abort()
            return False
        lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} .\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(head.encode() + b"\r\n" + (body[: len(body) // 2] if answer.fate == "cut" else body))
        await writer.drain()
        return answer.fate == "whole"


async def _serve(seconds: float) -> None:
    from llm_author import author

    def late(payload: Payload, again: int) -> Answer:
        return replace(author(payload, again), delay=seconds)

    standin = LlmStandIn(late)
    server = await standin.serve()
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps([seen.at for seen in standin.seen]), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
