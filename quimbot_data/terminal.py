"""What commands say and how: tables, JSON, progress, and errors without tracebacks. Reports go to stdout, the rest to
stderr, so that output can be piped.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from quimbot_data.observe import Counted, resident_mb

#: Columns where no terminal says how wide it is: nobody reads a wrapped table in a log.
_LOG_WIDTH: Final = 180


class _Output(Console):
    """A console that ends well when its reader, `head` say, has left: rich would exit with 1."""

    def on_broken_pipe(self) -> NoReturn:
        try:
            super().on_broken_pipe()
        finally:
            raise SystemExit(0)


#: No emoji codes: `:smile:` in a dialogue is text.
out: Final = _Output(highlight=False, soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else _LOG_WIDTH)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

#: Exit code after Ctrl-C: 128 + SIGINT.
INTERRUPTED: Final = 130

#: Seconds between log lines where there is no terminal.
_LOG_EVERY: Final = 10.0


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what it counts: `1 row`, `2,000 rows`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def say(text: str = "") -> None:
    """Print a line of a report, as it is."""
    out.print(text, markup=False)


def note(text: str) -> None:
    """Print a line that is not part of the report."""
    err.print(text, markup=False)


def print_json(value: Any) -> None:
    """Print one JSON document, plain, for machines."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers are right-aligned with thousands separators."""
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = any(_is_number(row[number]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_shown(cell) for cell in row))
    out.print(table, markup=False)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


@contextmanager
def finishing_what_is_in_hand() -> Iterator[None]:
    """For work in large pieces: Ctrl-C says that the pieces in hand are finished first, a second one leaves at once.

    To leave at once is to be killed, which all commands survive: what is unfinished stays unseen.
    """

    def leave(*_: object) -> NoReturn:
        err.show_cursor(show=True)
        os._exit(INTERRUPTED)

    def first(*_: object) -> NoReturn:
        signal.signal(signal.SIGINT, leave)
        note("Stopping once the rows in hand are done; Ctrl-C again leaves at once.")
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress(title: str, *, log_json: bool = False, unit: str = "rows") -> Iterator[Counted]:
    """Tell of rows as they are done: live on a terminal, a log line now and then elsewhere, JSON lines for machines.

    The yielded function takes a step's name, the rows that it has done so far, and of how many where that is known;
    steps come one after another. A step that was told of in a log is told of to its end.

    Args:
        title: of the whole.
        log_json: JSON lines, wherever this runs.
        unit: what is counted, where it is no rows.
    """
    if log_json or not err.is_terminal:
        log = _Log(title, _json_line if log_json else partial(_log_line, unit), every_step=log_json)
        yield log.tell
        log.end()
        return
    columns = (
        *(SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TextColumn("{task.fields[rows]:>12}")),
        *(TextColumn("{task.fields[rate]:>16}"), TextColumn("{task.fields[memory]:>9}"), TimeElapsedColumn()),
    )
    with Progress(*columns, console=err, transient=True) as live:
        yield _live_steps(live, title, unit)


def _live_steps(live: Progress, title: str, unit: str) -> Counted:
    """A line a step: rows, rows a second, memory and time."""
    tasks: dict[str, TaskID] = {}
    begun = last = time.monotonic()

    def tell(step: str, rows: int, of: int | None = None) -> None:
        nonlocal begun, last
        if step not in tasks:
            for task in tasks.values():
                live.update(task, total=1, completed=1)
            begun = last
            tasks[step] = live.add_task(f"{title}: {step}", total=None, rows="", rate="", memory="")
        last = time.monotonic()
        rate = f"{rows / max(last - begun, 1e-3):,.0f} {unit}/s" if rows else ""
        done = _done(rows, of, unit) if rows else ""
        live.update(tasks[step], rows=done, rate=rate, memory=f"{resident_mb():,.0f} MB")

    return tell


@dataclass
class _Log:
    """Lines when a step says that it begins, now and then within it, and where it ends; threads may tell at once, so
    lines go out whole.
    """

    title: str
    line: Callable[[str, str, int, int | None, float], str]
    every_step: bool
    """Whether a step's first rows are a line, too."""
    step: str = ""
    begun: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    shown: int | None = None
    """Rows of the step's last line; None where it has none."""
    rows: tuple[int, int | None] = (0, None)

    def tell(self, step: str, rows: int, of: int | None = None) -> None:
        now = time.monotonic()
        begins = step != self.step
        if begins:
            self.end()
            self.begun, self.step, self.shown = now, step, None
        self.rows = rows, of
        if (begins and (self.every_step or not rows)) or (not begins and now - self.last >= _LOG_EVERY):
            self._note(now)

    def end(self) -> None:
        """What was told of a step is told to its end."""
        if self.shown is not None and self.shown != self.rows[0]:
            self._note(time.monotonic())

    def _note(self, now: float) -> None:
        self.last, self.shown = now, self.rows[0]
        note(self.line(self.title, self.step, *self.rows, now - self.begun))


def _done(rows: int, of: int | None, unit: str) -> str:
    return f"{rows:,} {unit}" if of is None else f"{rows:,} of {of:,} {unit}"


def _log_line(unit: str, title: str, step: str, rows: int, of: int | None, seconds: float) -> str:
    return f"{title}: {step}, {_done(rows, of, unit)}" if rows else f"{title}: {step}"


def _json_line(title: str, step: str, rows: int, of: int | None, seconds: float) -> str:
    """One event: what runs, its step, the rows done in it, of how many where that is known, seconds since it began, and
    memory held, in MB.
    """
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    event = {"time": when, "run": title, "step": step, "rows": rows, "seconds": round(seconds, 3)}
    total = {} if of is None else {"of": of}
    return json.dumps(event | total | {"memory_mb": round(resident_mb())}, ensure_ascii=False)


def log_steps(title: str, record: Mapping[str, Any]) -> None:
    """The finished steps of a manifest's `record`, one JSON line each, on stderr."""
    for step in record.get("steps", []):
        note(json.dumps({"run": title, "finished": True, **step}, ensure_ascii=False))


@contextmanager
def download_progress(title: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """Tell of bytes as they come, file by file."""
    if not err.is_terminal:
        yield lambda path, done, total: None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=err,
        transient=True,
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda path, done, total: bar.update(task, description=f"{title}: {path}", completed=done, total=total)


@contextmanager
def counted_progress(title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Tell how many of `total` are done, and a remark on them (what they cost, say): a bar, or a line now and then."""
    if not err.is_terminal:
        last, untold = time.monotonic(), ""

        def tell(done: int, remark: str) -> None:
            nonlocal last, untold
            untold = f"{title}: {done:,} of {total:,}, {remark}"
            if time.monotonic() - last >= _LOG_EVERY or done == total:
                last = time.monotonic()
                note(untold)
                untold = ""

        yield tell
        if untold:
            note(untold)
        return
    columns = (
        *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("{task.fields[remark]}"), TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=total, remark="")
        yield lambda done, remark: bar.update(task, completed=done, remark=remark)
