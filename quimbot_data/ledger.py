"""The ledger: every count of rows in, rows out and rows dropped by reason. Nothing disappears unnamed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

import polars as pl

from schemas.errors import IntegrityError
from schemas.manifest import LedgerLine, Unit

#: Steps that change rows and keep them: their reasons count repairs, not losses.
MENDING: Final = ("repaired", "redacted")
#: The step that turns raw rows into dialogues or learner texts: counts of two units meet there.
ASSEMBLED: Final = "assembled"

LEDGER_SCHEMA: Final = pl.Schema(
    {
        "source": pl.String(),
        "step": pl.String(),
        "unit": pl.String(),
        "rows_in": pl.Int64(),
        "rows_out": pl.Int64(),
        "reason": pl.String(),
        "rows": pl.Int64(),
    }
)


def step_lines(
    source: str, step: str, unit: Unit, rows_in: int, reasons: Mapping[str, int], rows_out: int | None = None
) -> list[LedgerLine]:
    """Lines of one step: what passed, then each reason, sorted by name.

    Args:
        source: corpus name.
        step: name of the step.
        unit: what is counted.
        rows_in: rows that reached the step.
        reasons: rows by reason; zero counts are left out.
        rows_out: rows that left it; rows_in minus the reasons' rows where not given.
    """
    passed = rows_in - sum(reasons.values()) if rows_out is None else rows_out

    def line(reason: str | None, rows: int) -> LedgerLine:
        return LedgerLine(
            source=source, step=step, unit=unit, rows_in=rows_in, rows_out=passed, reason=reason, rows=rows
        )

    return [line(None, passed)] + [line(reason, rows) for reason, rows in sorted(reasons.items()) if rows]


def check_conservation(lines: Iterable[LedgerLine]) -> None:
    """Hold that no step lost a row without a name, and that each step starts where the one before it ended.

    Raises:
        IntegrityError: naming source, step and the difference.
    """
    for (source, unit), steps in groupby(lines, key=lambda line: (line.source, line.unit)):
        rows_before: int | None = None
        for step, group in groupby(steps, key=lambda line: line.step):
            counted = list(group)
            _check_step(counted)
            if rows_before is not None and counted[0].rows_in != rows_before:
                lost = rows_before - counted[0].rows_in
                raise IntegrityError(f"The ledger of {source} loses {lost} {unit} before the step {step!r}.")
            rows_before = counted[0].rows_out


def _check_step(lines: list[LedgerLine]) -> None:
    first = lines[0]
    if first.step == ASSEMBLED:
        return
    dropped = sum(line.rows for line in lines if line.reason)
    expected = first.rows_in if first.step in MENDING else first.rows_in - dropped
    if expected != first.rows_out or any(line.rows < 0 for line in lines):
        problem = f"{first.rows_in} in, {dropped} dropped by name, {first.rows_out} out"
        raise IntegrityError(f"The ledger of {first.source} does not add up at {first.step!r}: {problem}.")


def ledger_frame(lines: Iterable[LedgerLine]) -> pl.DataFrame:
    """The lines as a frame in `LEDGER_SCHEMA`."""
    return pl.DataFrame([line.model_dump() for line in lines], schema=LEDGER_SCHEMA)


def merge_counts(*counts: Mapping[str, int]) -> dict[str, int]:
    """Sum of counters, sorted by name."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
