"""The pipelines that are compared. Each reads LMSYS-layout files and writes Parquet below a folder of its own.

`ingest.py` gives each a fresh process: `python benchmarks/contenders.py NAME OUT FILE...` prints the seconds that the
work took, without the imports, as JSON.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType

OURS, BARE = "quimbot ingest", "bare polars copy"
MAP, TROVE = "datasets.map, 2 processes", "datatrove, 2 tasks"
#: Name in the tables: the module, which holds `run(paths, out, lean=…)` and, but for copies, `result(out)`; and whether
#: it is the lean one, which is spared moderation labels (copies: their scores). `ingest` always reads them.
CONTENDERS = {
    OURS: ("ours", False),
    BARE: ("bare_copy", False),
    f"{BARE}, no scores": ("bare_copy", True),
    MAP: ("peer_datasets", False),
    f"{MAP}, no moderation": ("peer_datasets", True),
    TROVE: ("peer_datatrove", False),
    f"{TROVE}, no moderation": ("peer_datatrove", True),
}


def module(name: str) -> ModuleType:
    return importlib.import_module(CONTENDERS[name][0])


def timed(name: str, paths: list[Path], out: Path) -> float:
    """Seconds of one run."""
    contender, lean = module(name), CONTENDERS[name][1]
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    contender.run(paths, out, lean=lean)
    return time.perf_counter() - started


if __name__ == "__main__":
    _, name, out, *files = sys.argv
    sys.stdout.write(json.dumps({"seconds": timed(name, [Path(file) for file in files], Path(out))}) + "\n")
