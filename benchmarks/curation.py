"""The whole curation, raw rows to curated dialogues, against a datatrove pipeline that does the same work.

    .venv/bin/python benchmarks/curation.py [--rows 100000] [--repeat 3]

Cleaning, the check, filters on length and on shares of symbols and digits, exact duplicates, near-duplicates, writing;
rows as `curation_rows.py` makes them. The outcome is compared in the uncounted first round: refused rows, filtered
rows and the contents that are left after exact duplicates must be the same; near-duplicates as many but for
`NEAR_TOLERANCE`, where words are cut alike. Languages, tokens, personal data and the other quality signals, which the
command always adds, are not the peers' work: they are left out of the comparison and timed apart, each on top of the
others.
"""

import argparse
import statistics
import sys
from pathlib import Path

import measured
from curated import ANNOTATION
from curation_contenders import CUT, OURS, TRIMMED, TROVE
from curation_rows import write
from curation_settings import NEAR_DUPLICATES, NEAR_TOLERANCE
from lmsys_layout import ROWS_A_CHUNK
from measured import Measured
from rounds import CORES, DATA, Runs, cleared, environment, markdown, middle_and_range, pin, ratio, seconds, take_turns

SCRATCH = DATA / "scratch-curation"
SCRIPT = Path(__file__).with_name("curation_contenders.py")
ROWS = 100_000
LEAST_RATIO = 10.0
Outcome = dict[str, int | str]


def section(rows: int = ROWS, repeat: int = 0) -> list[str]:
    """Markdown: speed against datatrove, what each step did, and what annotation costs on top."""
    files = data(rows)
    outcomes: dict[str, Outcome] = {}

    def check(name: str) -> None:
        outcomes[name] = outcome(name)
        same_work(name, outcomes[name], outcomes[OURS])

    runs = take_turns([OURS, TROVE, CUT, TRIMMED], lambda name, watch: once(name, files, watch=watch), check, repeat)
    added = annotated(files, repeat)
    cleared(SCRATCH).rmdir()
    return [
        *heading(rows, repeat),
        *speed_table(runs, rows),
        *outcome_table(outcomes),
        *annotation_table(seconds(runs)[OURS], added, rows),
    ]


def data(rows: int) -> list[Path]:
    """Two files at the least, a task each."""
    half = -(-rows // (CORES * ROWS_A_CHUNK)) * ROWS_A_CHUNK if rows > ROWS_A_CHUNK else -(-rows // CORES)
    return write(DATA, rows, rows_a_file=half)


def once(name: str, files: list[Path], *, watch: bool = False) -> Measured:
    cleared(SCRATCH)
    return measured.run(SCRIPT, name, str(SCRATCH / "out"), *map(str, files), environment=environment(), watch=watch)


def outcome(name: str) -> Outcome:
    return measured.run(SCRIPT, "outcome", name, str(SCRATCH / "out"), environment=environment()).printed


def same_work(name: str, found: Outcome, expected: Outcome) -> None:
    """Hold a contender's outcome against ours.

    Raises:
        ValueError: it did other work.
    """
    exact = [key for key in expected if key not in ("near", "kept") and found[key] != expected[key]]
    near = abs(int(found["near"]) - int(expected["near"])) > NEAR_TOLERANCE * int(expected["near"])
    near &= name != TROVE  # other words are other shingles
    if exact or near:
        raise ValueError(f"{name} wrote {found}, {OURS} {expected}")


def annotated(files: list[Path], repeat: int) -> dict[str, list[float]]:
    """Seconds of ours with the first annotation step on top, with the first two, and so on."""
    names = [f"{OURS} + {number}" for number in range(1, len(ANNOTATION) + 1)]
    runs = take_turns(names, lambda name, watch: once(name, files, watch=watch), lambda name: None, repeat)
    return dict(zip(ANNOTATION, seconds(runs).values(), strict=True))


def heading(rows: int, repeat: int) -> list[str]:
    rounds = f"medians of {repeat} rounds after a warm-up" if repeat else "one round"
    near = "not looked for" if NEAR_DUPLICATES is None else f"from a Jaccard of {NEAR_DUPLICATES} on"
    return [
        "## The whole curation, against datatrove",
        "",
        f"{rows:,} generated rows in the layout of LMSYS-Chat-1M with planted faults, {CORES} cores, {rounds},"
        f" imports left out; near-duplicates are {near}. Ours also splits, writes the fates of all"
        " dialogues, the ledger, the card and its plots, and syncs what it writes.",
        "",
    ]


def speed_table(runs: Runs, rows: int) -> list[str]:
    taken = seconds(runs)
    cells = [
        [
            name,
            f"{rows / statistics.median(times):,.0f}",
            middle_and_range(times),
            f"{ratio(taken, OURS, name):.2f}",
            f"{max(run.tree_mb for run in runs[name]):,.0f}",
        ]
        for name, times in taken.items()
    ]
    header = ["", "rows/s", "seconds", "ours is … times as fast", "peak memory, MB"]
    reached = [
        f"- {OURS} against {name}: {ratio(taken, OURS, name):.2f} (to reach: {LEAST_RATIO:.0f})"
        for name in taken
        if name != OURS
    ]
    return [*markdown(header, cells), "", *reached, ""]


def outcome_table(outcomes: dict[str, Outcome]) -> list[str]:
    steps = ("rejected", "filtered", "exact", "near", "kept")
    header = ["rows", "refused", "filtered", "exact duplicates", "near-duplicates", "kept"]
    cells = [[name, *(f"{found[step]:,}" for step in steps)] for name, found in outcomes.items()]
    return ["What became of the rows:", "", *markdown(header, cells), ""]


def annotation_table(bare: list[float], added: dict[str, list[float]], rows: int) -> list[str]:
    before, cells = statistics.median(bare), []
    for step, times in added.items():
        middle = statistics.median(times)
        cells.append(
            [step, f"{middle:.1f}", f"{middle:.1f} - {before:.1f} = {middle - before:.1f}", f"{middle / before:.2f}"]
        )
        before = middle
    rate = f"With all of them: {rows / before:,.0f} rows/s."
    # Counted once over 2,000 rows: the first two agree on 218, and langdetect knows both guesses for none of the rest.
    note = "On made-up words the third and slowest language detector is not asked: real text may cost more."
    header = ["annotation, each on top of those above", "seconds in all", "seconds of its own", "times as long"]
    return ["What annotation adds to ours:", "", *markdown(header, cells), "", f"{rate} {note}", ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=0, help="rounds after the first, which then is not counted")
    arguments = parser.parse_args()
    pin()
    sys.stdout.write("\n".join(section(arguments.rows, arguments.repeat)) + "\n")


if __name__ == "__main__":
    main()
