"""Any file of a workspace, read for what it says: rows where it has rows, pieces of text where it has none.

    rows      JSON Lines, a JSON array, Parquet, plain or gzip (`erasing`); each with its number
    records   SQLite, row by row of every table
    text      everything else, in pieces that overlap: plain, gzip, bzip2, xz, zstd, each member of a zip

What is of a form that nobody can read here (weights, recordings, encrypted or broken files) is searched byte by byte.
"""

import bz2
import codecs
import gzip
import json
import lzma
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple, cast
from urllib.parse import quote

import pyarrow as pa

from quimbot_data.sources.files import RawFile, open_raw, sniff
from quimbot_data.takedowns.erasing import row_strings
from quimbot_data.takedowns.told import LONGEST_NEEDLE
from schemas.errors import InputError

_PIECE: Final = 2**20
#: Parts, and characters of them, that are searched at once.
_AT_ONCE: Final = 1_000
_BATCH: Final = 2**22
#: Characters of a piece that the next one begins with: as many as a needle may take, many blanks within it included.
_OVERLAP: Final = 20 * LONGEST_NEEDLE
_HEAD: Final = 8_192
_LONGEST_LINE: Final = 2**28
_RUN: Final = re.compile(rb"[^\x00-\x08\x0e-\x1f\x7f]{20,}")
_SQLITE: Final = b"SQLite format 3\0"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BROKEN: Final = (
    *(InputError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError),
    *(sqlite3.Error, pa.ArrowException),
)


class Part(NamedTuple):
    """A row of a file with its number, or without one a piece or record, by its strings."""

    number: int | None
    strings: list[str]
    is_text: bool = False
    """Whether it is a piece of text, which may hold no more than a part of what it quotes."""


def parts_of(path: Path, unread: list[str]) -> Iterator[Part]:
    """What a file says.

    Args:
        path: the file.
        unread: is told why where it could be read only in part, or byte by byte.
    """
    try:
        yield from _structured(path)
        return
    except _BROKEN as error:
        unread.append(f"was searched as text, for it is no whole file of its form: {_told(error)}")
    except _NoRows:
        pass
    try:
        yield from _pieces(path, unread)
    except _BROKEN as error:
        unread[:] = [f"cannot be read: {_told(error)}"]


class _NoRows(Exception):  # noqa: N818
    """A file is of no form that has rows."""


def _structured(path: Path) -> Iterator[Part]:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(_SQLITE):
        yield from _records(path)
    elif _has_rows(path):
        yield from (Part(number, strings) for number, strings in row_strings(path))
    else:
        raise _NoRows


def _has_rows(path: Path) -> bool:
    """Whether rows can be told, and so be taken out: a JSON document of many lines is no JSON Lines."""
    file = RawFile(path.name, path)
    try:
        kind = sniff(file)
        if kind != "json-lines":
            return kind != "text"
        with open_raw(file) as stream:
            return isinstance(json.loads(stream.readline(_LONGEST_LINE)), dict)
    except (InputError, ValueError, RecursionError):  # empty, broken gzip, or no JSON
        return False


def _told(error: BaseException) -> str:
    told = error.found if isinstance(error, InputError) else str(error)
    return (told.splitlines() or [type(error).__name__])[0]


def opened_database(path: Path) -> sqlite3.Connection:
    """A SQLite file, to be read; nothing is written beside it, as SQLite would where it may share it with others."""
    alone = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro{alone}", uri=True)


def _records(path: Path) -> Iterator[Part]:
    with closing(opened_database(path)) as database:
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in tables:
            quoted = name.replace('"', '""')
            for record in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608  -- the file's own names
                yield Part(None, [_text_of(value) for value in record if isinstance(value, str | bytes)])


def _text_of(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _pieces(path: Path, unread: list[str]) -> Iterator[Part]:
    with _streams(path) as streams:
        for stream in streams:
            head = stream.read(_HEAD)
            encoding = _encoding(head)
            if encoding == "utf-8" and b"\0" in head:
                unread.append("is of no form that is read here: it was searched byte by byte")
                yield from _runs(head, stream)
            else:
                yield from _decoded(head, stream, codecs.getincrementaldecoder(encoding)("replace"))


def _runs(head: bytes, stream: IO[bytes]) -> Iterator[Part]:
    """What may be text between other bytes."""
    kept, data = b"", head
    while data:
        held = kept + data
        text = b"\n".join(_RUN.findall(held)).decode("utf-8", "replace")
        yield Part(None, [text], is_text=True)
        kept, data = held[-_OVERLAP:], stream.read(_PIECE)


def _decoded(head: bytes, stream: IO[bytes], decoder: codecs.IncrementalDecoder) -> Iterator[Part]:
    kept, data = "", head
    while data:
        text = kept + decoder.decode(data)
        yield Part(None, [text], is_text=True)
        kept, data = text[-_OVERLAP:], stream.read(_PIECE)


def _encoding(head: bytes) -> str:
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"


@contextmanager
def _streams(path: Path) -> Iterator[Iterator[IO[bytes]]]:
    """What is in a file once it is unpacked: one stream, or one a member."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as members:
            yield (members.open(name) for name in members.namelist())
    else:
        with _unpacked(path, head) as stream:
            yield iter([stream])


def _unpacked(path: Path, head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(path, "rb"))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.open(path, "rb"))
    if head.startswith(b"\xfd7zXZ\0"):
        return cast(IO[bytes], lzma.open(path, "rb"))
    if head.startswith(_ZSTD):
        return cast(IO[bytes], pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")


def batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts, some at a time: as many as memory bears, which are few where they are long."""
    batch: list[Part] = []
    held = 0
    for part in parts:
        batch.append(part)
        held += sum(map(len, part.strings))
        if len(batch) == _AT_ONCE or held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
