"""A million rows from raw to version: seconds and memory of `ingest` and `build`, against a tenth of the rows.

    .venv/bin/python benchmarks/million.py [--rows 1000000]

Rows are those of `lmsys_layout.py`, all annotation included; the recipe is one component under the shipped thresholds
of `SHIPPED`, all that passes. Each step is a process of its own on two cores. Rows that were not there before and
everything that is written are removed at the end. It runs once: half an hour's work has no use for a warm-up.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measured
from curated import build_version, ingest_rows
from lmsys_layout import ROWS_A_CHUNK, ROWS_A_FILE, write
from measured import Measured
from rounds import CORES, DATA, cleared, environment, markdown, pin, say

from quimbot_data.recipes import shipped_recipe
from schemas.errors import QuimbotError
from schemas.recipe import Component, Recipe

SCRATCH = DATA / "scratch-million"
SHIPPED = "stage1-linguist"
ROWS, SHARE = 1_000_000, 10
MOST_TIMES, MOST_GB = 12.0, 6.0
#: Raw rows as files, and what ingest and build keep and spill at their fullest: so many bytes a row.
RAW_BYTES, WRITTEN_BYTES = 1_700, 8_500
Steps = dict[str, Measured]


class NoRoomError(RuntimeError):
    """The disk is too full for the run."""


def section(rows: int = ROWS) -> list[str]:
    """Markdown: a table of steps at a tenth of the rows and at all of them, and what is to be reached.

    Raises:
        NoRoomError: less free disk than the run will need.
    """
    check_room(rows)
    few = rows // SHARE
    with generated(rows) as files:
        steps = {count: curate(files[: -(-count * len(files) // rows)], count) for count in (few, rows)}
    return [*heading(rows), *table(steps), *reached(steps[few], steps[rows])]


def check_room(rows: int) -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    free, need = shutil.disk_usage(DATA).free, rows * (RAW_BYTES + WRITTEN_BYTES)
    if free < need:
        raise NoRoomError(
            f"{rows:,} rows need about {need / 1e9:.0f} GB below {DATA}, where {free / 1e9:.0f} are free."
        )


@contextmanager
def generated(rows: int) -> Iterator[list[Path]]:
    """Files of `SHARE` equal parts; those made here are removed after."""
    before = set(DATA.glob("*.parquet"))
    files = write(DATA, rows, rows_a_file=min(ROWS_A_FILE, rows // SHARE))
    try:
        yield files
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
        for file in set(files) - before:
            file.unlink()


def curate(files: list[Path], rows: int) -> Steps:
    out, steps = str(cleared(SCRATCH)), {}
    for step in ("ingest", "build"):
        steps[step] = measured.run(Path(__file__), step, out, *map(str, files), environment=environment())
        done = steps[step]
        say(f"{rows:,} rows: {step}: {done.printed['seconds']:.1f} s, {done.process_mb:,.0f} MB")
    steps["build"].printed["kept"] = kept(Path(out))
    return steps


def kept(out: Path) -> int:
    manifests = list((out / "versions").glob("*/*/manifest.json"))
    return sum(entry["rows"] for entry in json.loads(manifests[0].read_text(encoding="utf-8"))["data"])


def recipe() -> Recipe:
    shipped = shipped_recipe(SHIPPED)
    component = Component(family="conversation", weight=1, sources=["lmsys"])
    return shipped.model_copy(update={"name": "million-benchmark", "size": "max", "components": [component]})


def heading(rows: int) -> list[str]:
    return [
        "## From raw to version, as rows grow",
        "",
        f"{rows // SHARE:,} and {rows:,} generated rows in the layout of LMSYS-Chat-1M, annotated, built under the"
        f" shipped thresholds of `{SHIPPED}`; {CORES} cores, one run; memory is the process's highest resident set.",
        "",
    ]


def table(steps: dict[int, Steps]) -> list[str]:
    header = ["rows", "step", "seconds", "rows/s", "memory, MB", "dialogues kept"]
    cells = [
        [
            f"{rows:,}",
            step,
            f"{done.printed['seconds']:.1f}",
            f"{rows / done.printed['seconds']:,.0f}",
            f"{done.process_mb:,.0f}",
            f"{done.printed['kept']:,}" if "kept" in done.printed else "",
        ]
        for rows, taken in steps.items()
        for step, done in taken.items()
    ]
    return [*markdown(header, cells), ""]


def reached(few: Steps, many: Steps) -> list[str]:
    small, large = (sum(done.printed["seconds"] for done in steps.values()) for steps in (few, many))
    peak = max(done.process_mb for done in many.values()) / 1e3
    return [
        f"- Time for {SHARE} times the rows: {large:.1f} / {small:.1f} = {large / small:.1f} times"
        f" (to reach: at most {MOST_TIMES:.0f})",
        f"- Highest memory: {peak:.2f} GB (to reach: at most {MOST_GB:.0f})",
        "",
    ]


def run_step(step: str, out: Path, files: list[Path]) -> None:
    """One step in this process; prints its seconds as JSON."""
    started = time.perf_counter()
    if step == "ingest":
        ingest_rows(files, out)
    else:
        build_version(recipe(), out)
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - started}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"a multiple of {SHARE * ROWS_A_CHUNK:,} or less")
    arguments = parser.parse_args()
    pin()
    try:
        lines = section(arguments.rows)
    except (NoRoomError, QuimbotError) as error:
        sys.exit(f"{error}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ingest"], ["build"]):
        run_step(sys.argv[1], Path(sys.argv[2]), [Path(file) for file in sys.argv[3:]])
    else:
        main()
