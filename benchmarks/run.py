"""`make bench`: ingest against a bare copy, datasets.map and datatrove on the same generated rows, in one run.

Every run is a fresh process that is held to two cores; contenders take turns; the first round warms the page cache and
is not counted, but its output is compared: all but the copies must write the same rows and refuse the same rows.
"""

import argparse
import os
import platform
import shutil
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import measured
import polars as pl
from contenders import BARE, CONTENDERS, MAP, OURS, TROVE
from lmsys_layout import ROWS_A_CHUNK, ROWS_A_FILE, describe, write
from measured import Measured

HERE = Path(__file__).resolve().parent
DATA, SCRATCH, RESULTS = HERE / "data", HERE / "data" / "scratch", HERE / "RESULTS.md"
CORES = 2
ROWS, QUICK_ROWS = 200_000, 20_000
MEMORY_ROWS = (100_000, 400_000)
ENVIRONMENT = {
    "POLARS_MAX_THREADS": str(CORES),
    "OMP_NUM_THREADS": str(CORES),  # pyarrow's threads
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": str(SCRATCH / "hf"),
    "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),  # this checkout, whatever is installed
}
#: Least ratio of our speed to another's that is to be reached.
TARGETS = {BARE: 0.5, MAP: 1.5, TROVE: 4.0}
MEMORY_TARGET = 1.3

Runs = dict[str, list[Measured]]


def main() -> None:
    arguments = parsed()
    pin()
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    names = [name for name in CONTENDERS if not arguments.only or name == OURS or CONTENDERS[name][0] in arguments.only]
    files = data(rows)
    runs = compare(names, files, rows, arguments.repeat)
    memory = {} if arguments.quick or arguments.only else memory_growth(arguments.repeat)
    report = (
        "\n".join([*heading(rows, arguments.repeat, files), *speed_table(runs, rows), *memory_table(memory)]) + "\n"
    )
    sys.stdout.write(report)
    if memory:
        RESULTS.write_text(report, encoding="utf-8")
        sys.stderr.write(f"Written to {RESULTS}.\n")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=3, help="counted rounds")
    parser.add_argument("--only", nargs="+", choices=sorted({module for module, _ in CONTENDERS.values()}))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, no memory; writes no results")
    return parser.parse_args()


def pin() -> None:
    """Hold this process, and so every contender, to the first two cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def data(rows: int) -> list[Path]:
    """At least two files, so that peers that share work by files can."""
    sys.stderr.write(f"Rows: {rows:,} (generated once, about 10 s per 50,000)\n")
    # In whole chunks, so that fewer rows are the first of more rows.
    half = -(-rows // (CORES * ROWS_A_CHUNK)) * ROWS_A_CHUNK if rows > ROWS_A_CHUNK else -(-rows // CORES)
    return write(DATA, rows, rows_a_file=min(ROWS_A_FILE, half))


def compare(names: Sequence[str], files: Sequence[Path], rows: int, repeat: int) -> Runs:
    """Rounds of all contenders; the first, uncounted, is checked."""
    runs: Runs = defaultdict(list)
    expected: dict[str, int | str] = {}
    for turn in range(repeat + 1):
        for name in names:
            done = once(name, files)
            if turn:
                runs[name].append(done)
            else:
                expected = checked(name, expected, rows)
            sys.stderr.write(f"{'run ' + str(turn) if turn else 'warm-up'}: {name}: {done.printed['seconds']:.1f} s\n")
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return runs


def once(name: str, files: Iterable[Path]) -> Measured:
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    os.sync()  # what the one before left to write is not this one's burden
    return measured.run(HERE / "contenders.py", name, str(SCRATCH / "out"), *map(str, files), environment=ENVIRONMENT)


def checked(name: str, expected: dict[str, int | str], rows: int) -> dict[str, int | str]:
    """Hold what was written against what `ingest` wrote, and copies against the number of rows.

    Raises:
        ValueError: the work was not the same.
    """
    found = measured.run(HERE / "outcome.py", name, str(SCRATCH / "out"), environment=ENVIRONMENT).printed
    expected = expected or found
    right = found == expected if "digest" in found else found == {"rows": rows}
    if not right:
        raise ValueError(f"{name} wrote {found}, {OURS} {expected}")
    return expected


def memory_growth(repeat: int) -> dict[int, float]:
    """Median of the highest resident set of `ingest` in MB, by rows."""
    peaks = {}
    for rows in MEMORY_ROWS:
        files = write(DATA, rows)
        peaks[rows] = statistics.median(once(OURS, files).process_mb for _ in range(repeat))
        sys.stderr.write(f"memory: {rows:,} rows: {peaks[rows]:.0f} MB\n")
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return peaks


def heading(rows: int, repeat: int, files: Sequence[Path]) -> list[str]:
    lengths, shares = describe(pl.read_parquet(files[0]))
    found = ", ".join(f"{name.replace('_', ' ')} {share:.3g}" for name, share in shares.row(0, named=True).items())
    libraries = ", ".join(f"{name} {version(name)}" for name in ("polars", "pyarrow", "datasets", "datatrove"))
    size = sum(path.stat().st_size for path in files) / 1e6
    return [
        "# Ingest, measured against a bare copy and against peers",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {rows:,} generated rows in the layout of"
        f" LMSYS-Chat-1M ({size:.0f} MB), medians of {repeat} rounds after a warm-up, each run in a fresh process held"
        f" to {CORES} cores; contenders take turns, ratios are taken within a round; imports are left out.",
        "",
        f"{processor()}, Python {platform.python_version()}, {libraries}.",
        "",
        "All but the copies read, clean, check and write the same rows and keep the refused ones aside: contents,"
        " roles, content hashes, counts and reasons were compared and are equal. Annotation is left out.",
        "",
        f"Rows as found in the first file, in percent of conversations (turns: mean): {found}.",
        "",
        *markdown(["characters", *lengths.columns[1:]], [[str(value) for value in row] for row in lengths.rows()]),
        "",
    ]


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def speed_table(runs: Runs, rows: int) -> list[str]:
    seconds = {name: [run.printed["seconds"] for run in done] for name, done in runs.items()}
    cells = []
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        cells.append(
            [
                name,
                f"{rows / middle:,.0f}",
                f"{middle:.1f} ({min(taken):.1f} to {max(taken):.1f})",
                f"{ratio(seconds, name, BARE):.2f}" if BARE in seconds else "",
                f"{ratio(seconds, OURS, name):.2f}",
                f"{max(run.tree_mb for run in runs[name]):,.0f}",
            ]
        )
    header = ["", "rows/s", "seconds", "speed against the bare copy", "ingest is … times as fast", "peak memory, MB"]
    reached = [
        f"- {OURS} against {other}: {ratio(seconds, OURS, other):.2f} (to reach: {least})"
        for other, least in TARGETS.items()
        if other in seconds
    ]
    return [*markdown(header, cells), "", *reached, ""]


def ratio(seconds: dict[str, list[float]], name: str, other: str) -> float:
    """How many times as fast `name` is as `other`: the median over rounds, which a slow spell of the machine spares."""
    return statistics.median(theirs / own for own, theirs in zip(seconds[name], seconds[other], strict=True))


def memory_table(peaks: dict[int, float]) -> list[str]:
    if not peaks:
        return []
    few, many = MEMORY_ROWS
    cells = [[f"{rows:,}", f"{peak:,.0f}"] for rows, peak in peaks.items()]
    growth = f"- Growth: {peaks[many] / peaks[few]:.2f} (to reach: at most {MEMORY_TARGET})"
    return ["Memory of ingest as rows grow:", "", *markdown(["rows", "highest resident set, MB"], cells), "", growth]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    main()
