"""What verdicts and preferences come to, and the file of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import write_parquet
from quimbot_data.workspace import atomic
from schemas.errors import BudgetError, InputError
from schemas.fields import Count, Strict
from synth.judge.judging import JudgeRun, PairRow, VerdictRow
from synth.judge.rubric import rubric

#: Columns of the file of verdicts, one row a turn and dimension; and of the file of pairs.
VERDICT_COLUMNS: Final = pl.Schema(
    {name: pl.Int32() if name == "position" else pl.String() for name in VerdictRow.model_fields}
)
PAIR_COLUMNS: Final = pl.Schema({name: pl.String() for name in PairRow.model_fields})


class DimensionReport(Strict):
    """One dimension over all turns."""

    dimension: str
    labels: dict[str, Count]
    """In the rubric's order; what no turn got is 0."""
    desired: float | None
    """Share of labels that are the one of a good turn; null where there is none."""
    unsupported: Count
    """Labels that do not count: their evidence does not stand in the turn."""
    failed: Count
    """Turns without a usable reply."""


class PairReport(Strict):
    """Two files' dialogues against each other."""

    pairs: Count
    a: Count
    b: Count
    neither: Count
    inconsistent: Count
    """The answer turned with the order: a bias of the judge's, no preference."""
    failed: Count


def dimensions(rows: Sequence[VerdictRow]) -> list[DimensionReport]:
    """The verdicts, dimension by dimension."""
    return [_dimension(name, [row for row in rows if row.dimension == name]) for name in rubric()]


def _dimension(name: str, rows: Sequence[VerdictRow]) -> DimensionReport:
    known = rubric()[name]
    found = Counter(row.label for row in rows if row.label)
    unsupported = sum(row.reason == "evidence-not-in-text" for row in rows)
    desired = found[known.desired] / found.total() if known.desired and found else None
    return DimensionReport(
        dimension=name,
        labels={label: found[label] for label in known.labels},
        desired=desired,
        unsupported=unsupported,
        failed=len(rows) - found.total() - unsupported,
    )


def preferences(rows: Sequence[PairRow]) -> PairReport:
    """The pairs, counted."""
    found = Counter(row.better for row in rows)
    return PairReport(
        pairs=len(rows),
        a=found["a"],
        b=found["b"],
        neither=found["neither"],
        inconsistent=found["inconsistent"],
        failed=found[None],
    )


@contextmanager
def written(
    output: Path | None, *, paired: bool
) -> Iterator[Callable[[JudgeRun[VerdictRow] | JudgeRun[PairRow]], None]]:
    """Write what a run judged, if there is a file to write: Parquet, or JSON Lines, by its ending.

    Raises:
        InputError: another ending; before anything is paid for.
        WorkspaceError: the place cannot be written.
        BudgetError: the budget ended the run; what was judged was written.
    """
    if output and output.suffix not in (".parquet", ".jsonl"):
        raise InputError(f"{output} names no format.", valid="Endings: .parquet, .jsonl.")

    def write(run: JudgeRun[VerdictRow] | JudgeRun[PairRow]) -> None:
        if output:
            _write_rows(output, run.rows, paired=paired)
        if run.budget:
            done = f"{output} holds the {len(run.rows):,} rows that it did cover." if output else ""
            raise BudgetError(run.budget.found, valid=done, next_step=run.budget.next_step)

    yield write


def _write_rows(output: Path, rows: Sequence[VerdictRow] | Sequence[PairRow], *, paired: bool) -> None:
    with atomic(output) as stream:
        if output.suffix == ".jsonl":
            stream.write("".join(row.model_dump_json() + "\n" for row in rows).encode())
        else:
            columns = PAIR_COLUMNS if paired else VERDICT_COLUMNS
            write_parquet(pl.DataFrame([row.model_dump() for row in rows], columns, orient="row"), stream)
