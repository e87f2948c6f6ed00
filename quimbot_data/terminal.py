"""What commands say and how: tables, JSON, progress, and errors without tracebacks. Reports go to stdout, the rest to
stderr, so that output can be piped.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

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
def progress(title: str) -> Iterator[Callable[[str, int], None]]:
    """Tell of rows as they are done: a live line on a terminal, a log line now and then elsewhere."""
    if not err.is_terminal:
        yield _log_lines(title)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda step, rows: bar.update(task, description=f"{title}: {step}, {rows:,} rows")


def _log_lines(title: str) -> Callable[[str, int], None]:
    last = time.monotonic()

    def tell(step: str, rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _LOG_EVERY:
            last = time.monotonic()
            note(f"{title}: {step}, {rows:,} rows")

    return tell


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
