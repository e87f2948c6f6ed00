"""What commands say and how: tables, JSON, progress, and errors without tracebacks. Reports go to stdout, the rest to
stderr, so that output can be piped.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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

from quimbot_data.observe import resident_mb

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
def progress(title: str, *, log_json: bool = False) -> Iterator[Callable[[str, int], None]]:
    """Tell of rows as they are done: live on a terminal, a log line now and then elsewhere, JSON lines for machines.

    The yielded function takes a step's name and the rows that it has done so far; steps come one after another.
    """
    if log_json or not err.is_terminal:
        yield _log_lines(title, _json_line if log_json else _log_line)
        return
    columns = (
        *(SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TextColumn("{task.fields[rows]:>12}")),
        *(TextColumn("{task.fields[rate]:>16}"), TextColumn("{task.fields[memory]:>9}"), TimeElapsedColumn()),
    )
    with Progress(*columns, console=err, transient=True) as live:
        yield _live_steps(live, title)


def _live_steps(live: Progress, title: str) -> Callable[[str, int], None]:
    """A line a step: rows, rows a second, memory and time."""
    tasks: dict[str, TaskID] = {}
    begun = last = time.monotonic()

    def tell(step: str, rows: int) -> None:
        nonlocal begun, last
        if step not in tasks:
            for task in tasks.values():
                live.update(task, total=1, completed=1)
            begun = last
            tasks[step] = live.add_task(f"{title}: {step}", total=None, rows="", rate="", memory="")
        last = time.monotonic()
        rate = f"{rows / max(last - begun, 1e-3):,.0f} rows/s"
        live.update(tasks[step], rows=f"{rows:,} rows", rate=rate, memory=f"{resident_mb():,.0f} MB")

    return tell


def _log_lines(title: str, line: Callable[[str, str, int, float], str]) -> Callable[[str, int], None]:
    """A line when a step begins and now and then within it; threads may tell at once, so lines go out whole."""
    begun = last = time.monotonic()
    current = ""

    def tell(step: str, rows: int) -> None:
        nonlocal begun, last, current
        now = time.monotonic()
        if step != current:
            begun, current = now, step
            if line is not _json_line:
                return
        elif now - last < _LOG_EVERY:
            return
        last = now
        note(line(title, step, rows, now - begun))

    return tell


def _log_line(title: str, step: str, rows: int, seconds: float) -> str:
    return f"{title}: {step}, {rows:,} rows"


def _json_line(title: str, step: str, rows: int, seconds: float) -> str:
    """One event: what runs, its step, the rows done in it, seconds since it began, and memory held, in MB."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    event = {"time": when, "run": title, "step": step, "rows": rows, "seconds": round(seconds, 3)}
    return json.dumps(event | {"memory_mb": round(resident_mb())}, ensure_ascii=False)


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
