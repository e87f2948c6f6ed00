"""Ingest against a bare copy, datasets.map and datatrove on the same generated rows, in one run.

    .venv/bin/python benchmarks/ingest.py [--rows 200000] [--repeat 3] [--only MODULE ...] [--quick]

Every run is a fresh process that is held to two cores; contenders take turns; the first round warms the page cache and
is not counted, but its output is compared: all but the copies must write the same rows and refuse the same rows.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import measured
import polars as pl
from contenders import BARE, CONTENDERS, MAP, OURS, TROVE
from lmsys_layout import ROWS_A_CHUNK, ROWS_A_FILE, describe, write
from measured import Measured
from rounds import (
    CORES,
    DATA,
    HERE,
    Runs,
    cleared,
    environment,
    markdown,
    middle_and_range,
    pin,
    ratio,
    say,
    seconds,
    take_turns,
)

SCRATCH = DATA / "scratch"
ROWS, QUICK_ROWS = 200_000, 20_000
MEMORY_ROWS = (100_000, 400_000)
#: Least ratio of our speed to another's that is to be reached.
TARGETS = {BARE: 0.5, MAP: 1.5, TROVE: 4.0}
MEMORY_TARGET = 1.3


def section(rows: int = ROWS, repeat: int = 3, only: Sequence[str] = (), *, memory: bool = True) -> list[str]:
    """Markdown: speed of all contenders, and the memory of `ingest` as rows grow."""
    names = [name for name in CONTENDERS if not only or name == OURS or CONTENDERS[name][0] in only]
    files = data(rows)
    expected: dict[str, int | str] = {}

    def check(name: str) -> None:
        expected.update(checked(name, expected, rows))

    runs = take_turns(names, lambda name, watch: once(name, files, watch=watch), check, repeat)
    grown = memory_growth(repeat) if memory else {}
    cleared(SCRATCH).rmdir()
    return [*heading(rows, repeat, files), *speed_table(runs, rows), *memory_table(grown)]


def data(rows: int) -> list[Path]:
    """At least two files, so that peers that share work by files can."""
    say(f"Rows: {rows:,} (generated once, about 10 s per 50,000)")
    # In whole chunks, so that fewer rows are the first of more rows.
    half = -(-rows // (CORES * ROWS_A_CHUNK)) * ROWS_A_CHUNK if rows > ROWS_A_CHUNK else -(-rows // CORES)
    return write(DATA, rows, rows_a_file=min(ROWS_A_FILE, half))


def once(name: str, files: Sequence[Path], *, watch: bool = False) -> Measured:
    out = cleared(SCRATCH) / "out"
    fresh = environment() | {"HF_HOME": str(SCRATCH / "hf")}  # `datasets` would find the last run's rows
    return measured.run(HERE / "contenders.py", name, str(out), *map(str, files), environment=fresh, watch=watch)


def checked(name: str, expected: dict[str, int | str], rows: int) -> dict[str, int | str]:
    """Hold what was written against what `ingest` wrote, and copies against the number of rows.

    Raises:
        ValueError: the work was not the same.
    """
    found = measured.run(HERE / "outcome.py", name, str(SCRATCH / "out"), environment=environment()).printed
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
        say(f"memory: {rows:,} rows: {peaks[rows]:.0f} MB")
    return peaks


def heading(rows: int, repeat: int, files: Sequence[Path]) -> list[str]:
    lengths, shares = describe(pl.read_parquet(files[0]))
    found = ", ".join(f"{name.replace('_', ' ')} {share:.3g}" for name, share in shares.row(0, named=True).items())
    libraries = ", ".join(f"{name} {version(name)}" for name in ("polars", "pyarrow", "datasets", "datatrove"))
    size = sum(path.stat().st_size for path in files) / 1e6
    return [
        "## Ingest, against a bare copy and against peers",
        "",
        f"{rows:,} generated rows in the layout of LMSYS-Chat-1M ({size:.0f} MB), medians of {repeat} rounds after a"
        f" warm-up, each run in a fresh process held to {CORES} cores; contenders take turns, ratios are taken within a"
        f" round; imports are left out. {libraries}.",
        "",
        "All but the copies read, clean, check and write the same rows and keep the refused ones aside: contents,"
        " roles, content hashes, counts and reasons were compared and are equal. Annotation is left out.",
        "",
        f"Rows as found in the first file, in percent of conversations (turns: mean): {found}.",
        "",
        *markdown(["characters", *lengths.columns[1:]], [[str(value) for value in row] for row in lengths.rows()]),
        "",
    ]


def speed_table(runs: Runs, rows: int) -> list[str]:
    taken = seconds(runs)
    cells = [
        [
            name,
            f"{rows / statistics.median(times):,.0f}",
            middle_and_range(times),
            f"{ratio(taken, name, BARE):.2f}" if BARE in taken else "",
            f"{ratio(taken, OURS, name):.2f}",
            f"{max(run.tree_mb for run in runs[name]):,.0f}",
        ]
        for name, times in taken.items()
    ]
    header = ["", "rows/s", "seconds", "speed against the bare copy", "ingest is … times as fast", "peak memory, MB"]
    reached = [
        f"- {OURS} against {other}: {ratio(taken, OURS, other):.2f} (to reach: {least})"
        for other, least in TARGETS.items()
        if other in taken
    ]
    return [*markdown(header, cells), "", *reached, ""]


def memory_table(peaks: dict[int, float]) -> list[str]:
    if not peaks:
        return []
    few, many = MEMORY_ROWS
    cells = [[f"{rows:,}", f"{peak:,.0f}"] for rows, peak in peaks.items()]
    growth = f"- Growth: {peaks[many] / peaks[few]:.2f} (to reach: at most {MEMORY_TARGET})"
    return ["Memory of ingest as rows grow:", "", *markdown(["rows", "highest resident set, MB"], cells), "", growth]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=3, help="counted rounds")
    parser.add_argument("--only", nargs="+", choices=sorted({module for module, _ in CONTENDERS.values()}))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, no memory")
    arguments = parser.parse_args()
    pin()
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    whole = not (arguments.quick or arguments.only)
    sys.stdout.write("\n".join(section(rows, arguments.repeat, arguments.only or (), memory=whole)) + "\n")


if __name__ == "__main__":
    main()
