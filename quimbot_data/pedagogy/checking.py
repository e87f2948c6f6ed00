"""`quimbot critics check`: every critic over every dialogue of a file or version, and over them as a batch."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import write_parquet
from quimbot_data.pedagogy.batch import BatchReport, Configured, check_batch
from quimbot_data.pedagogy.critics import check, unchecked
from quimbot_data.pedagogy.invariants import DIALOGUE_CHECKS, Failure
from quimbot_data.workspace import atomic
from schemas.errors import InputError

#: Columns of the Parquet file of rejected dialogues; a row of it is one dialogue.
REJECTED: Final = pl.Schema(
    {
        "place": pl.Int64(),
        "dialogue_id": pl.String(),
        "failed": pl.List(pl.String()),
        "failures": pl.List(pl.Struct({"name": pl.String(), "position": pl.Int32(), "detail": pl.String()})),
        "row": pl.String(),
    }
)
_ID_KEYS: Final = ("dialogue_id", "id")
_EVERY: Final = 200


@dataclass
class CheckReport:
    """What the critics found: dialogues counted, by check where they failed or could not be checked, and the batch."""

    dialogues: int = 0
    annotated: int = 0
    valid: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    batch: BatchReport = field(default_factory=lambda: BatchReport([], [], {}))

    @property
    def rejected(self) -> int:
        """Dialogues with a failure."""
        return self.dialogues - self.valid

    def to_json(self) -> dict[str, object]:
        """Plain values for one JSON document."""
        return {
            "dialogues": self.dialogues,
            "annotated": self.annotated,
            "valid": self.valid,
            "rejected": self.rejected,
            "failed": {name: self.failed[name] for name in DIALOGUE_CHECKS if self.failed[name]},
            "unchecked": {name: self.unchecked[name] for name in DIALOGUE_CHECKS if self.unchecked[name]},
            "batch": {
                "failures": [failure._asdict() for failure in self.batch.failures],
                "rates": [rate._asdict() for rate in self.batch.rates],
                "unchecked": self.batch.unchecked,
            },
        }


@dataclass(frozen=True)
class Rejected:
    """A dialogue that failed, and its place in what was read, from 0."""

    place: int
    row: Mapping[str, object]
    failures: list[Failure]

    def names(self) -> list[str]:
        """What failed, each name once."""
        return list(dict.fromkeys(failure.name for failure in self.failures))

    def dialogue_id(self) -> str | None:
        """The dialogue's own id."""
        return next((str(self.row[key]) for key in _ID_KEYS if self.row.get(key)), None)


def check_all(
    dialogues: Iterable[Mapping[str, object]],
    *,
    configured: Configured | None = None,
    progress: Callable[[str, int], None] = lambda step, rows: None,
) -> tuple[CheckReport, list[Rejected]]:
    """Check dialogues one by one and as a batch; they are read once.

    Args:
        dialogues: rows with `messages`, and `pedagogy` where they are annotated.
        configured: rates that a generator was asked for.
        progress: told the step and the dialogues done in it.
    """
    report, rejected = CheckReport(), list[Rejected]()

    def checked() -> Iterator[Mapping[str, object]]:
        for row in dialogues:
            failures = check(row)
            if failures:
                rejected.append(Rejected(report.dialogues, row, failures))
            report.dialogues += 1
            report.annotated += bool(row.get("pedagogy"))
            report.valid += not failures
            report.failed.update({failure.name for failure in failures})
            report.unchecked.update(unchecked(row))
            if report.dialogues % _EVERY == 0:
                progress("dialogues", report.dialogues)
            yield row

    report.batch = check_batch(checked(), configured)
    return report, rejected


def write_rejected(rejected: Iterable[Rejected], output: Path) -> None:
    """Write rejected dialogues with the names of what failed: Parquet, or JSON Lines, by the file's ending.

    Raises:
        InputError: another ending.
        WorkspaceError: the place is not writable.
    """
    if output.suffix not in (".parquet", ".jsonl"):
        raise InputError(f"{output} names no format.", valid="Endings: .parquet, .jsonl.")
    lines = [_line(each) for each in rejected]
    with atomic(output) as stream:
        if output.suffix == ".parquet":
            rows = [{**line, "row": _json(line["row"])} for line in lines]
            write_parquet(pl.DataFrame(rows, schema=REJECTED, orient="row"), stream)
        else:
            stream.write("".join(_json(line) + "\n" for line in lines).encode())


def _line(each: Rejected) -> dict[str, object]:
    return {
        "place": each.place,
        "dialogue_id": each.dialogue_id(),
        "failed": each.names(),
        "failures": [failure._asdict() for failure in each.failures],
        "row": each.row,
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
