"""Files with rows, rewritten without some of them: JSON Lines, a JSON array, Parquet, text, plain or gzip, and TOEFL11.

Rows are numbered as the readers number them in `origins`. What is not taken out stays as it was: lines to the byte,
elements of an array to the character, Parquet with its schema, metadata and row groups.
"""

import codecs
import gzip
from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Final, cast

from quimbot_data.sources import toefl11
from quimbot_data.sources.files import RawFile, open_raw, sniff
from quimbot_data.sources.json_items import array_items
from quimbot_data.sources.parquet import parquet_batches
from quimbot_data.sources.records import json_batches, mappings
from quimbot_data.takedowns.texts import strings, strings_of_json
from quimbot_data.workspace import atomic, writing

_BLANK: Final = b" \t\n\r"


def row_strings(path: Path, wanted: Collection[int] | None = None) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file, each with its number and all strings in it; of an index's row, its essay's text too.

    Args:
        path: the file.
        wanted: numbers of the rows to be told; all where not given.

    Raises:
        InputError: a file that cannot be read.
    """
    file = RawFile(path.name, path)
    kind = sniff(file)
    if kind == "parquet":
        found = _parquet_strings(file)
    elif kind == "text":
        found = _index_strings(file, wanted) if is_index(path) else _line_strings(file)
    else:
        found = _json_strings(file)
    return (row for row in found if wanted is None or row[0] in wanted)


def is_index(path: Path) -> bool:
    """Whether a file is an index of essays, which stand in files of their own."""
    return path.suffix.lower() == ".csv"


def is_essay(path: Path) -> bool:
    """Whether a raw file is one row: an essay.

    Raises:
        InputError: an empty file, or one that cannot be read.
    """
    return sniff(RawFile(path.name, path)) == "text" and not is_index(path)


def essay_files(path: Path, rows: Collection[int]) -> list[Path]:
    """The essays that some rows of an index name, in each form in which they are there; none for another file."""
    if not is_index(path):
        return []
    told = toefl11.rows_with_essays(RawFile(path.name, path))
    return [essay for number in rows for essay in told[number][1]]


def _parquet_strings(file: RawFile) -> Iterator[tuple[int, list[str]]]:
    import pyarrow.parquet as pq

    schema = pq.read_schema(file.path)
    columns = [field.name for field in schema if "binary" not in str(field.type)]  # recordings, say
    for origins, rows in parquet_batches(file, columns):
        for number, row in zip(origins["raw_row"], rows.to_dicts(), strict=True):
            yield number, list(strings(row))


def _json_strings(file: RawFile) -> Iterator[tuple[int, list[str]]]:
    for batch in json_batches(file):
        numbered = zip(batch.origins["raw_row"], mappings(batch), strict=True)
        told = [(number, list(strings(row))) for number, row in numbered]
        if batch.unreadable is not None:
            refused = batch.unreadable.select("raw_row", "raw").iter_rows()
            told += [(number, strings_of_json(raw)) for number, raw in refused]
        yield from sorted(told)


def _index_strings(file: RawFile, wanted: Collection[int] | None) -> Iterator[tuple[int, list[str]]]:
    for number, (cells, essays) in enumerate(toefl11.rows_with_essays(file)):
        told = essays if wanted is None or number in wanted else []
        yield number, [*cells, *(path.read_bytes().decode("utf-8", "replace") for path in told)]


def _line_strings(file: RawFile) -> Iterator[tuple[int, list[str]]]:
    with open_raw(file) as stream:
        lines = (line for line in stream if line.strip(_BLANK))
        for number, line in enumerate(lines):
            yield number, [line.decode("utf-8", "replace")]


def erase_rows(path: Path, rows: Collection[int]) -> None:
    """Rewrite a file without these rows, atomically; a file of which no row is left goes.

    Raises:
        InputError: a file that cannot be read.
        WorkspaceError: it cannot be written.
    """
    file, left = RawFile(path.name, path), _Left()
    kind = sniff(file)
    with atomic(path) as stream:
        if kind == "parquet":
            _parquet_without(path, rows, stream, left)
        elif kind == "text" and is_index(path):
            stream.write(toefl11.without_rows(file, rows))
            left.rows = 1  # its header
        else:
            _text_without(file, rows, stream, left, array=kind == "json-array")
    if not left.rows:
        with writing(path.parent):
            path.unlink()


class _Left:
    """How many rows were written again."""

    rows = 0

    def of(self, numbered: Iterable[tuple[int, bytes]], rows: Collection[int]) -> Iterator[bytes]:
        """Those that stay."""
        for number, text in numbered:
            if number not in rows:
                self.rows += bool(text.strip(_BLANK))
                yield text


def _text_without(file: RawFile, rows: Collection[int], out: IO[bytes], left: _Left, *, array: bool) -> None:
    with open_raw(file) as source:
        zipped = isinstance(source, gzip.GzipFile)
        packed = gzip.GzipFile("", "wb", fileobj=out, mtime=0) if zipped else nullcontext(out)
        with packed as stream:
            if array:
                items = ((number, item.text.encode()) for number, item in enumerate(array_items(file, source)))
                _write_array(cast(IO[bytes], stream), left.of(items, rows))
            else:
                for line in left.of(_numbered(source), rows):
                    stream.write(line)


def _write_array(stream: IO[bytes], items: Iterator[bytes]) -> None:
    stream.write(b"[")
    for place, item in enumerate(items):
        stream.write(item if place == 0 else b",\n" + item)
    stream.write(b"]\n")


def _numbered(source: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their row numbers; a blank line is no row and goes by the number of the next one."""
    number = 0
    for place, line in enumerate(source):
        yield number, line
        text = line.removeprefix(codecs.BOM_UTF8) if place == 0 else line
        number += bool(text.strip(_BLANK))


def _parquet_without(path: Path, rows: Collection[int], out: IO[bytes], left: _Left) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as parquet:
        groups, start = parquet.metadata.num_row_groups, 0
        codec = parquet.metadata.row_group(0).column(0).compression if groups else "SNAPPY"
        codec = "NONE" if codec == "UNCOMPRESSED" else codec
        with pq.ParquetWriter(out, parquet.schema_arrow, compression=codec) as writer:
            for group in range(groups):
                table = parquet.read_row_group(group)
                kept = [number not in rows for number in range(start, start + table.num_rows)]
                writer.write_table(table.filter(pa.array(kept, pa.bool_())))
                start, left.rows = start + table.num_rows, left.rows + sum(kept)
