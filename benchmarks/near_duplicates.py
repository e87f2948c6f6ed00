"""Near-duplicates against datatrove's four MinHash stages and against rensa, on the same generated rows.

    .venv/bin/python benchmarks/near_duplicates.py [--rows 20000] [--repeat 3] [--only rensa ...]

Every run is a fresh process held to two cores; contenders take turns. After the uncounted first round, what each
removed is held against what was planted (`near_rows.py`). `near_contenders.py` says what each contender does.
"""

import argparse
import shutil
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

import measured
import polars as pl
from measured import Measured
from near_contenders import CUT_TROVE, DEDUPLICATOR, FLAGS, LEAN_TROVE, OURS, TROVE
from near_rows import NGRAM, THRESHOLD, Truth, write
from rounds import DATA, Runs, cleared, environment, markdown, middle_and_range, pin, ratio, seconds, take_turns

SCRATCH = DATA / "scratch-near"
ROWS = 20_000
SHORT = {"datatrove": TROVE, "cut": CUT_TROVE, "lean": LEAN_TROVE, "rensa": DEDUPLICATOR, "flags": FLAGS}
#: Least ratio of our speed to another's that is to be reached.
TARGETS = {TROVE: 20.0, CUT_TROVE: 20.0, LEAN_TROVE: 20.0, DEDUPLICATOR: 1.0}


def section(rows: int = ROWS, repeat: int = 3, only: list[str] | None = None) -> list[str]:
    """Markdown: speed, memory, recall and precision of all contenders, and what of the targets was reached."""
    files = write(DATA, rows)
    ids = {key for file in files for key in pl.read_parquet(file, columns=["id"])["id"]}
    truth, shares = Truth(files), {}
    names = [OURS, *(name for short, name in SHORT.items() if not only or short in only)]

    def check(name: str) -> None:
        kept = {key for file in (SCRATCH / "rows").iterdir() for key in pl.read_parquet(file, columns=["id"])["id"]}
        shares[name] = (truth.recall(ids - kept), truth.precision(ids - kept), len(ids - kept))

    runs = take_turns(names, lambda name, watch: once(name, files, watch=watch), check, repeat)
    shutil.rmtree(SCRATCH)
    return [*heading(len(ids), len(truth.pairs), repeat), *table(runs, shares, len(ids)), *reached(runs, shares)]


def once(name: str, files: list[Path], *, watch: bool = False) -> Measured:
    script = Path(__file__).with_name("near_contenders.py")
    return measured.run(script, name, str(cleared(SCRATCH)), *map(str, files), environment=environment(), watch=watch)


def heading(rows: int, pairs: int, repeat: int) -> list[str]:
    rounds = f"medians of {repeat} rounds" if repeat > 1 else "one round"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("datatrove", "spacy", "rensa", "polars", "numpy"))
    return [
        "## Near-duplicates, against datatrove and rensa",
        "",
        f"{rows:,} conversations, {pairs:,} planted pairs with a Jaccard of at least {THRESHOLD} over runs of {NGRAM}"
        f" words; 16 bands of 8 values for all; {rounds} after a warm-up, ratios within a round,"
        f" imports left out; {libraries}.",
        "",
    ]


def table(runs: Runs, shares: dict[str, tuple[float, float, int]], rows: int) -> list[str]:
    taken, cells = seconds(runs), []
    for name, times in taken.items():
        recall, precision, removed = shares[name]
        cells.append(
            [
                name,
                f"{rows / statistics.median(times):,.0f}",
                middle_and_range(times),
                f"{ratio(taken, OURS, name):.2f}",
                f"{max(run.tree_mb for run in runs[name]):,.0f}",
                f"{removed:,}",
                f"{recall:.3f}",
                f"{precision:.3f}",
            ]
        )
    header = ["", "rows/s", "seconds", "ours is … times as fast", "peak memory, MB", "removed", "recall", "precision"]
    return [*markdown(header, cells), ""]


def reached(runs: Runs, shares: dict[str, tuple[float, float, int]]) -> list[str]:
    taken = seconds(runs)
    return [
        f"- {OURS} against {name}: {ratio(taken, OURS, name):.1f} (to reach: {least:.0f}), at a recall of"
        f" {shares[OURS][0]:.3f} against {shares[name][0]:.3f}"
        for name, least in TARGETS.items()
        if name in taken
    ] + [""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=3, help="counted rounds")
    parser.add_argument("--only", nargs="+", choices=sorted(SHORT))
    arguments = parser.parse_args()
    pin()
    sys.stdout.write("\n".join(section(arguments.rows, arguments.repeat, arguments.only)))


if __name__ == "__main__":
    main()
