"""How contenders are compared: turns on the same cores, ratios within a round, medians, tables."""

import os
import shutil
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from measured import Measured

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
CORES = 2

Runs = dict[str, list[Measured]]


def environment(cores: int = CORES) -> dict[str, str]:
    """What every contender's process is given: this many threads, no network, this checkout whatever is installed."""
    return {
        "POLARS_MAX_THREADS": str(cores),
        "OMP_NUM_THREADS": str(cores),  # pyarrow's and numpy's threads
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
    }


def pin(cores: int = CORES) -> None:
    """Hold this process, and all that it starts, to the first cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def cleared(folder: Path) -> Path:
    """An empty folder; what is left to write of an earlier run is no burden of the next."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    return folder


def take_turns(
    names: Sequence[str], once: Callable[[str, bool], Measured], check: Callable[[str], None], repeat: int
) -> Runs:
    """Rounds of all contenders; the first warms the page cache and is watched (see `measured.run`), not counted, and
    its output is checked; the runs that come back carry its memory. Of no more rounds, where runs take minutes, the
    first one counts: that it is watched slows down most who holds most."""
    runs: Runs = defaultdict(list)
    memory: dict[str, float] = {}
    for turn in range(repeat + 1):
        for name in names:
            done = once(name, not turn)
            if turn:
                runs[name].append(replace(done, tree_mb=memory[name]))
            else:
                memory[name] = done.tree_mb
                check(name)
            if not repeat:
                runs[name].append(done)
            say(f"{'run ' + str(turn) if turn or not repeat else 'warm-up'}: {name}: {done.printed['seconds']:.1f} s")
    return runs


def seconds(runs: Runs) -> dict[str, list[float]]:
    return {name: [run.printed["seconds"] for run in done] for name, done in runs.items()}


def ratio(taken: dict[str, list[float]], name: str, other: str) -> float:
    """How many times as fast `name` is as `other`: the median over rounds, which a slow spell of the machine spares."""
    return statistics.median(theirs / own for own, theirs in zip(taken[name], taken[other], strict=True))


def middle_and_range(taken: Sequence[float]) -> str:
    return f"{statistics.median(taken):.1f} ({min(taken):.1f} to {max(taken):.1f})"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
