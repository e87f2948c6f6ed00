"""The ledger: every count of rows in, rows out and rows dropped by reason. Nothing disappears unnamed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

import polars as pl

from schemas.errors import IntegrityError
from schemas.manifest import LedgerLine, Unit

#: Steps that change rows and keep them: their reasons count repairs, not losses.
MENDING: Final = ("repaired", "cleaned", "redacted")
#: The step that turns raw rows into dialogues or learner texts: counts of two units meet there.
ASSEMBLED: Final = "assembled"
#: The step that uses training dialogues again, in further epochs: its reason counts rows that come in addition.
REPEATED: Final = "repeated"
#: The step of a corpus that counts what purges of takedowns have erased since it was ingested.
PURGED: Final = "purged"

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

    Args:
        lines: of any sources, those of one source in the order of its steps.

    Raises:
        IntegrityError: naming source, step and the difference.
    """
    stories: dict[str, list[LedgerLine]] = {}
    for line in lines:
        stories.setdefault(line.source, []).append(line)
    for source, story in stories.items():
        before: LedgerLine | None = None
        for step, group in groupby(story, key=lambda line: line.step):
            counted = list(group)
            _check_step(counted)
            first = counted[0]
            if before is not None and first.rows_in != before.rows_out:
                lost = before.rows_out - first.rows_in
                raise IntegrityError(f"The ledger of {source} loses {lost} {before.unit} before the step {step!r}.")
            if before is not None and first.unit != before.unit and step != ASSEMBLED:
                raise IntegrityError(f"The ledger of {source} turns {before.unit} into {first.unit} at {step!r}.")
            before = first


def _check_step(lines: list[LedgerLine]) -> None:
    first = lines[0]
    dropped = sum(line.rows for line in lines if line.reason is not None)
    passed = [line.rows for line in lines if line.reason is None]
    one_step = len({(line.unit, line.rows_in, line.rows_out) for line in lines}) == 1
    if first.step == ASSEMBLED:
        adds_up = bool(first.rows_in) == bool(first.rows_out)  # rows are joined or split, but not lost altogether
    elif first.step == REPEATED:
        adds_up = first.rows_out == first.rows_in + dropped
    else:
        adds_up = first.rows_out == first.rows_in - (0 if first.step in MENDING else dropped)
    if not (adds_up and one_step and passed == [first.rows_out]):
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
