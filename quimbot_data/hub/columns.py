"""Some columns of a Parquet file that lies elsewhere, read by byte range.

A corpus of recordings keeps a few kilobytes of text beside megabytes of sound. Parquet stores each column of a row
group as one run of bytes and says in its footer where, so the text can be had without the sound. Only the footer and
the wanted runs are asked for: the reader below holds nothing else, so no buffering or read-ahead can widen a request.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError

#: Bytes `start` up to, not including, `end` of the remote file.
ReadRange = Callable[[int, int], bytes]
Span = tuple[int, int]

#: A Parquet file ends in the footer's length (4 bytes, little-endian) and these four bytes.
MAGIC: Final = b"PAR1"
TAIL: Final = 8


def copy_columns(
    read: ReadRange, size: int, columns: Sequence[str], sink: IO[bytes], *, stamp: dict[str, str]
) -> tuple[str, ...]:
    """Write those of `columns` that a remote Parquet file has to `sink`, as Parquet: same rows, same order.

    Args:
        read: gives a byte range of the remote file.
        size: bytes of the remote file.
        columns: top-level column names; names that the file lacks are passed over.
        sink: an open binary file.
        stamp: key-value pairs for the new footer. The old ones go: they describe columns that are not here.

    Returns:
        The columns written, in the file's own order.

    Raises:
        InputError: the file is no Parquet file, or has none of the columns.
    """
    footer = read_footer(read, size)
    names = _present(footer, columns)
    schema = footer.schema.to_arrow_schema()
    kept = pa.schema([schema.field(name) for name in names], metadata=stamp)
    with pq.ParquetWriter(sink, kept, compression="zstd") as writer:
        for group in range(footer.num_row_groups):
            writer.write_table(_row_group(read, size, footer, group, names).cast(kept))
    return names


def read_footer(read: ReadRange, size: int) -> pq.FileMetaData:
    """Footer of a remote Parquet file, in two requests: its length first, so that no column byte comes along.

    Raises:
        InputError: the file does not end as Parquet does.
    """
    tail = read(size - TAIL, size) if size > TAIL else b""
    length = int.from_bytes(tail[:4], "little") + TAIL
    if tail[4:] != MAGIC or length > size:
        raise InputError(f"This is no Parquet file: {size} bytes, ending in {tail!r}.")
    try:
        return pq.read_metadata(pa.BufferReader(read(size - length, size)))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"The Parquet footer cannot be read: {error}.") from error


def spans(footer: pq.FileMetaData, group: int, names: Sequence[str]) -> list[Span]:
    """Byte runs of some columns in one row group, neighbours joined: one request each."""
    joined: list[Span] = []
    for start, end in sorted(_chunks(footer, group, names)):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _chunks(footer: pq.FileMetaData, group: int, names: Sequence[str]) -> Iterator[Span]:
    row_group = footer.row_group(group)
    for position in range(row_group.num_columns):
        chunk = row_group.column(position)
        if chunk.path_in_schema.split(".")[0] in names:
            # The dictionary page, where there is one, comes first.
            start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            yield start, start + chunk.total_compressed_size


def _present(footer: pq.FileMetaData, columns: Sequence[str]) -> tuple[str, ...]:
    held = footer.schema.to_arrow_schema().names
    names = tuple(name for name in held if name in columns)
    if not names:
        raise InputError(f"The file has none of the wanted columns; it has {held}.", valid=f"Wanted: {list(columns)}.")
    return names


def _row_group(read: ReadRange, size: int, footer: pq.FileMetaData, group: int, names: Sequence[str]) -> pa.Table:
    islands = _Islands(size, {start: read(start, end) for start, end in spans(footer, group, names)})
    with pq.ParquetFile(islands, metadata=footer, pre_buffer=False) as file:
        return file.read_row_group(group, columns=list(names), use_threads=False)


class _Islands(io.RawIOBase):
    """A read-only file of which only some runs of bytes are there; reading elsewhere raises."""

    def __init__(self, size: int, runs: dict[int, bytes]) -> None:
        super().__init__()
        self._size, self._runs, self._at = size, runs, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else self._at + size
        for start, run in self._runs.items():
            if start <= self._at and end <= start + len(run):
                data = run[self._at - start : end - start]
                self._at = end
                return data
        raise OSError(f"bytes {self._at} to {end} were not asked for")
