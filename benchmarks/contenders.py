"""The pipelines that are compared. Each reads LMSYS-layout files and writes Parquet below a folder of its own.

Run in a fresh process by `run.py`: `python benchmarks/contenders.py NAME OUT FILE...` prints the seconds that the
work took, without the imports, as JSON.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: Name in the tables, and the module that holds `run(paths, out)` and, but for copies, `result(out)`.
CONTENDERS = {
    "quimbot ingest": "ours",
    "bare polars copy": "bare_copy",
    "bare polars copy of what ingest keeps": "bare_copy_kept",
    "datasets.map, 2 processes": "peer_datasets",
    "datatrove, 2 tasks": "peer_datatrove",
}
OURS, BARE = "quimbot ingest", "bare polars copy"


def timed(name: str, paths: list[Path], out: Path) -> float:
    """Seconds of one run."""
    run: Callable[[list[Path], Path], None] = importlib.import_module(CONTENDERS[name]).run
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    run(paths, out)
    return time.perf_counter() - started


if __name__ == "__main__":
    name, out, *files = sys.argv[1:]
    seconds = timed(name, [Path(file) for file in files], Path(out))
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
