"""Requests to a model: how near to the ideal the client comes, with all that it keeps on disk.

    .venv/bin/python benchmarks/model_requests.py [--requests 1600] [--repeat 3]

A stand-in endpoint (`tests/llm_standin.py`, in a process of its own) answers each request after 200 ms with a dialogue;
32 are under way at a time. Ideal is requests x 0.2 s / 32: what no client can beat. Contenders:

- `openai`: the bare `AsyncOpenAI`, 32 tasks, nothing kept. What anybody would write in ten lines.
- `ask`: `synth.llm.client.Client`: the same library, and for each request an intent and a reply in SQLite, the budget
  reserved and settled, the reply classified.
- `generate`: all of `quimbot synth generate --engine llm`: prompts, structure, every critic, repairs, file and report.
  Requests are counted as they come, repairs included.

Each run is a fresh process with a cache of its own. Time is the endpoint's: from the first request to the last reply;
planning and imports before it and the file after it are left out.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rounds import HERE, environment, markdown, pin, say

if TYPE_CHECKING:
    from synth.llm.generation import Job
    from synth.llm.request import Request

LATENCY, AT_ONCE = 0.2, 32
LEAST = 0.9
CONTENDERS = ("openai", "ask", "generate")
STANDIN = HERE.parent / "tests" / "llm_standin.py"


def section(requests: int = 1_600, repeat: int = 3) -> list[str]:
    """Markdown: the share of the ideal that each contender reaches."""
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(repeat):
        for name in CONTENDERS:
            sent, seconds = run(name, requests)
            found[name].append(sent * LATENCY / AT_ONCE / seconds)
            say(f"{name}: {sent:,} requests in {seconds:.2f} s, {found[name][-1]:.3f} of the ideal")
    rows = [(f"`{name}`", _shares(shares)) for name, shares in found.items()]
    reached = "reached" if all(statistics.median(found[name]) >= LEAST for name in ("ask", "generate")) else "missed"
    told = f"{requests:,} requests of {LATENCY:g} s, {AT_ONCE} at a time, {repeat} runs: share of the ideal throughput."
    return [f"## {TITLE}", "", told, "", *markdown(("contender", "share"), rows), "", f"At least {LEAST:g}: {reached}."]


TITLE = "Requests to a model"


def _shares(shares: list[float]) -> str:
    return f"{statistics.median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})"


def run(name: str, requests: int) -> tuple[int, float]:
    """Requests that a contender sent, and the seconds from the first one to the last reply."""
    with endpoint() as (url, moments):
        command = [sys.executable, str(HERE / "model_requests.py"), "--contender", name, "--url", url]
        subprocess.run([*command, f"--requests={requests}"], env=environment(), check=True)
        came = moments()
    return len(came), max(came) - min(came) + LATENCY


@contextmanager
def endpoint() -> Iterator[tuple[str, Callable[[], list[float]]]]:
    """The address of a fresh stand-in, and what ends it: the moments at which requests came."""
    command = [sys.executable, str(STANDIN), str(LATENCY)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, env=environment(), text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), lambda: json.loads(process.communicate("\n")[0])
        finally:
            process.kill()


# What a contender's process does


def contend(name: str, url: str, requests: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="model-requests-"))
    try:
        if name == "generate":
            generate(url, requests, folder)
        else:
            asyncio.run(bare(url, requests) if name == "openai" else ask(url, requests, folder))
    finally:
        shutil.rmtree(folder)


def job() -> "Job":
    from synth.llm.generation import Job
    from synth.seeds import load_seeds

    return Job(["english-l2"], load_seeds(["en"]), 0)


def asked(requests: int) -> "list[Request]":
    """First requests of dialogues, as `generate` sends them."""
    from synth.llm.client import Client
    from synth.llm.dialogues import Draft, Writer
    from synth.llm.request import DEFAULT_SAMPLING

    writer = Writer(Client.__new__(Client), "small", DEFAULT_SAMPLING)
    return [Draft(writer, scenario).imagined("")[0] for scenario in job().scenarios(requests)]


async def many(requests: "list[Request]", send: "Callable[[Request], Awaitable[object]]") -> None:
    """Send all of them, so many at once."""
    waiting = iter(requests)

    async def take() -> None:
        for request in waiting:
            await send(request)

    await asyncio.gather(*(take() for _ in range(AT_ONCE)))


async def bare(url: str, requests: int) -> None:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=url) as client:

        async def send(request: "Request") -> object:
            return await client.chat.completions.create(**request.payload)

        await many(asked(requests), send)


async def ask(url: str, requests: int, folder: Path) -> None:
    from quimbot_data.endpoint import Endpoint
    from quimbot_data.workspace import Workspace
    from synth.cache import open_cache
    from synth.llm.client import Client

    with open_cache(Workspace(folder), "a" * 64) as cache:
        client = Client(Endpoint(url), cache)
        async with client.open():
            await many(asked(requests), client.ask)


def generate(url: str, requests: int, folder: Path) -> None:
    from quimbot_data.endpoint import Endpoint
    from quimbot_data.workspace import Workspace
    from synth.llm.generation import Asking, generate_by_model

    asking = Asking(Endpoint(url), "small", at_once=AT_ONCE)
    generate_by_model(folder / "made.parquet", workspace=Workspace(folder), job=job(), asking=asking, count=requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_600)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        contend(arguments.contender, arguments.url, arguments.requests)
        return
    pin()
    sys.stdout.write("\n".join(section(arguments.requests, arguments.repeat)) + "\n")


if __name__ == "__main__":
    main()
