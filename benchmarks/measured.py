"""A command in a process of its own: what it printed, and the most memory that it and its children held at a time."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """
    Attributes:
        printed: the last line of the output, JSON.
        tree_mb: most memory of the process and its children together in MB: private and shared memory without mapped
            files, shared parts counted once; 0 where it was not watched.
        process_mb: highest resident set of the process itself in MB, as the kernel counted it.
    """

    printed: dict[str, Any]
    tree_mb: float
    process_mb: float


def run(script: Path, *arguments: str, environment: dict[str, str], watch: bool = False) -> Measured:
    """Run a Python script.

    Args:
        watch: sample the memory of the whole tree ten times a second. Each look walks all pages and holds the process
            up, the more the more it holds, so a run that is timed is not watched.

    Raises:
        RuntimeError: it failed; carries what it wrote to stderr.
    """
    command = [sys.executable, str(script), *arguments]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
        peak, done = 0.0, 0
        while not done:
            if watch:
                time.sleep(SAMPLE_SECONDS)
                peak = max(peak, sum(memory_kb(pid) for pid in tree(process.pid)) / 1e3)
            done, status, usage = os.wait4(process.pid, os.WNOHANG if watch else 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode(errors="replace").strip()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{printed[-4000:]}")
    return Measured(json.loads(printed.splitlines()[-1]), peak, usage.ru_maxrss / 1e3)


def tree(root: int) -> list[int]:
    """A process and all below it."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        children[parent].append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def memory_kb(pid: int) -> int:
    """Proportional set size without mapped files."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0  # it ended meanwhile
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sizes["Pss_Anon"] + sizes["Pss_Shmem"]
