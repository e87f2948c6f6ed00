"""Runs jobs in processes of their own and kills each before its n-th write: `python killed.py jobs.json`.

A job is {"do": "ingest" or "build", "workspace": …, "raw": …, "log": …} with `before_write` n, `beyond_bytes` n, or
neither. Writes are seen by an audit hook: files opened for writing, renames, removals and folders made below the
workspace; the log gets a line for each. With `beyond_bytes` the system kills the process in the middle of the write
that makes a file longer than that. Each process starts afresh: polars' threads do not survive a fork.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from conftest import RECIPE, REF, corpus_of, write_plain_card

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace
from schemas.recipe import Recipe, parse_recipe

AT_ONCE = 2
CHANGING = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink")


def small_recipe() -> Recipe:
    """Two components of two small sources."""
    parts = [
        {"family": "pedagogical", "weight": 0.6, "sources": ["tutor"]},
        {"family": "safety", "weight": 0.4, "sources": ["prosocial"]},
    ]
    return Recipe.model_validate(parse_recipe(RECIPE, "recipe").model_dump() | {"components": parts, "size": 40})


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
    workspace = Workspace(Path(job["workspace"]))
    watch(job["workspace"], Path(job["log"]), job.get("before_write"))
    if limit := job.get("beyond_bytes"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job["do"] == "ingest":
        ingest(workspace, corpus_of("tutor"), [Path(job["raw"])], Options())
    else:
        card.write_documents = write_plain_card
        build(workspace, small_recipe(), REF)


def main() -> None:
    if sys.argv[1] == "--job":
        work(json.loads(sys.argv[2]))
        return
    jobs = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for job, ended in zip(jobs, pool.map(run, jobs), strict=True):
            job["ended"] = ended
    sys.stdout.write(json.dumps(jobs))


def run(job: dict[str, Any]) -> int:
    return subprocess.run([sys.executable, __file__, "--job", json.dumps(job)], check=False, timeout=120).returncode


if __name__ == "__main__":
    main()
