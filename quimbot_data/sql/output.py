"""Write a query's result: a table to look at, or all of it as JSON, CSV or Parquet."""

import csv
import datetime
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, Literal, get_args

import pyarrow as pa

from schemas.errors import QueryError

Format = Literal["table", "json", "csv", "parquet"]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
_ROWS_SHOWN: Final = 1000
_CELL_CHARS: Final = 200
_COLUMN_CHARS: Final = 14
"""What a column gets at least before the ones to its right are left out of a terminal's width."""
_SLICE_ROWS: Final = 1024
#: Control characters, and the direction overrides that could reorder a line of the terminal.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_UNSAFE_IN_LINES: Final = re.compile(f"(?!\n){_UNSAFE.pattern}")
_SPELLED: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def write_result(table: pa.Table, form: Format, target: IO[str] | Path) -> None:
    """Write a result to an open text stream, or to a file, which then appears whole or not at all.

    Args:
        table: what `run_query` returned.
        form: `table` shows up to 1,000 rows and 200 characters a cell, on a terminal the columns that fit its width,
            and says below what it left out. `json` is one array of objects, one a line; `csv` has a header, and
            lists and structs as JSON; `parquet` keeps the types.
        target: for Parquet on a stream, the bytes go to its `buffer`.

    Raises:
        QueryError: Parquet cannot hold a type, or is asked for on a terminal; an unknown form.
        WorkspaceError: the file cannot be written.
    """
    if form not in FORMATS:
        raise QueryError(f"There is no format {form!r}.", valid=f"Formats: {', '.join(FORMATS)}.")
    if isinstance(target, Path):
        _write_file(table, form, target)
    elif form == "parquet":
        _write_parquet_stream(table, target)
    else:
        _write_text(table, form, target)


def _write_file(table: pa.Table, form: Format, path: Path) -> None:
    from quimbot_data.workspace import atomic, writing

    if path.exists() and not path.is_file():  # a device or a pipe has nothing to replace
        with writing(path), path.open("wb") as stream:
            _write_bytes(table, form, stream)
    else:
        with atomic(path) as stream:
            _write_bytes(table, form, stream)


def _write_bytes(table: pa.Table, form: Format, stream: IO[bytes]) -> None:
    if form == "parquet":
        _write_parquet(table, stream)
    else:
        import io

        text = io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
        _write_text(table, form, text)
        text.flush()
        text.detach()


def _write_text(table: pa.Table, form: Format, stream: IO[str]) -> None:
    writers = {"table": _write_table, "json": _write_json, "csv": _write_csv}
    writers[form](table, stream)


# Whole results


def _write_parquet_stream(table: pa.Table, stream: IO[str]) -> None:
    if stream.isatty():
        raise QueryError("Parquet is no text for a terminal.", next_step="Add --output FILE.")
    stream.flush()
    _write_parquet(table, getattr(stream, "buffer", stream))


def _write_parquet(table: pa.Table, stream: Any) -> None:
    import pyarrow.parquet as pq

    try:
        pq.write_table(table.combine_chunks(), stream)
    except pa.ArrowNotImplementedError as error:
        raise QueryError(f"Parquet cannot hold this result: {error}.", next_step="Cast the column to text.") from error


def _write_json(table: pa.Table, stream: IO[str]) -> None:
    names, before = table.column_names, "[\n"
    for row in _rows(table):
        entry = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        stream.write(before + json.dumps(entry, ensure_ascii=False, allow_nan=False))
        before = ",\n"
    stream.write("[]\n" if before == "[\n" else "\n]\n")


def _write_csv(table: pa.Table, stream: IO[str]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(["" if value is None else _cell(value) for value in row] for row in _rows(table))


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Rows as Python values, a slice at a time."""
    for start in range(0, table.num_rows, _SLICE_ROWS):
        part = table.slice(start, _SLICE_ROWS)
        yield from zip(*(column.to_pylist(maps_as_pydicts="lossy") for column in part.columns), strict=True)


def _plain(value: Any) -> Any:
    """A value as JSON has it: numbers stay numbers (NaN and infinity are null), dates are ISO 8601, bytes are hex."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and _scale(value) == 0 else float(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_cell(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _cell(value: Any) -> str:
    """A value as one piece of text."""
    plain = value if isinstance(value, float | Decimal) else _plain(value)
    if isinstance(plain, str | float | Decimal):
        return str(plain)
    return json.dumps(plain, ensure_ascii=False)


# A table to look at


def _write_table(table: pa.Table, stream: IO[str]) -> None:
    if table.column_names == ["explain_key", "explain_value"]:  # a drawing of many lines, no value of one
        stream.writelines(f"{_UNSAFE_IN_LINES.sub('', plan)}\n" for plan in table["explain_value"].to_pylist())
        return
    _write_grid(table, stream)


def _write_grid(table: pa.Table, stream: IO[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = [[_shown(value) for value in row] for row in _rows(table.slice(0, _ROWS_SHOWN))]
    columns = [[_shown(name), *(row[i] for row in rows)] for i, name in enumerate(table.column_names)]
    widths = [max(map(len, cells)) for cells in columns]
    terminal = Console(file=stream).width if stream.isatty() else None
    fitting = _fitting(widths, terminal)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i in range(fitting):
        right = pa.types.is_integer(table.schema.field(i).type) or pa.types.is_floating(table.schema.field(i).type)
        grid.add_column(Text(columns[i][0]), justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row[:fitting]))
    width = terminal or 2 * sum(widths) + 4 * len(widths) + 80  # wide letters take two places
    Console(file=stream, width=width, highlight=False).print(grid)
    cut = any(len(cell) > _CELL_CHARS for row in rows for cell in row)
    stream.write(_footer(table, fitting, cut=cut) + "\n")


def _fitting(widths: list[int], terminal: int | None) -> int:
    """How many leading columns to show."""
    if terminal is None:
        return len(widths)
    room, count = terminal, 0
    for width in widths:
        room -= min(width, _COLUMN_CHARS) + 2
        if room < 0:
            break
        count += 1
    return max(count, 1)


def _footer(table: pa.Table, fitting: int, *, cut: bool) -> str:
    rows, columns = table.num_rows, table.num_columns
    notes = []
    if rows > _ROWS_SHOWN:
        notes.append(f"the first {_ROWS_SHOWN:,} are shown")
    if fitting < columns:
        left_out = ", ".join(_shown(name) for name in table.column_names[fitting:])
        notes.append(f"{fitting} of {columns} columns are shown, without {left_out}")
    if cut:
        notes.append(f"cells are cut at {_CELL_CHARS} characters")
    counted = f"{rows:,} row" + ("" if rows == 1 else "s")
    hint = "; --format csv or json gives all" if notes else ""
    return f"({'; '.join([counted, *notes])}{hint})"


def _shown(value: Any) -> str:
    """A value as one safe line; one character longer than the limit where it is cut."""
    text = "" if value is None else _cell(value)
    safe = _UNSAFE.sub(lambda match: _SPELLED.get(match[0], f"\\u{ord(match[0]):04x}"), text[: _CELL_CHARS + 1])
    return safe if len(text) <= _CELL_CHARS else safe[:_CELL_CHARS] + "…"
