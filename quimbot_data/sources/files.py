"""Which raw files there are, and what they hold whatever their names say."""

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import polars as pl

from schemas.errors import InputError

Kind = Literal["parquet", "json-array", "json-lines", "text"]

#: Rows a batch: large enough for columnar speed, small enough that fresh memory, dear on virtual machines, is spared; a
#: multiple of the 1,000 rows that `datasets` puts into a row group.
BATCH_ROWS: Final = 20_000

_SNIFF_BYTES: Final = 4096
_GZIP_MAGIC: Final = b"\x1f\x8b"
#: What a download, or a generator of dialogues, writes beside its files: no rows of a corpus.
_BESIDE: Final = ("fetched.json", ".parquet.report.json", ".parquet.failures.jsonl", ".parquet.account.json")


@dataclass(frozen=True, order=True)
class RawFile:
    """A raw file and the name it goes by in `origins` and messages: its path below the folder that was given."""

    name: str
    path: Path


def raw_files(paths: Sequence[Path], suffixes: Sequence[str] = ()) -> list[RawFile]:
    """All files at and below `paths`, sorted by name; hidden files and records of downloads and generators are no part.

    Args:
        paths: files and folders.
        suffixes: endings to keep when a folder is walked (lower case, with dot); all where empty. A file that is
            named outright is always taken: extensions lie.

    Raises:
        InputError: a path that does not exist, or no file at all.
    """
    found: dict[Path, RawFile] = {}
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and _wanted(file.relative_to(path), suffixes):
                    found.setdefault(file.resolve(), RawFile(file.relative_to(path).as_posix(), file))
        elif path.is_file():
            found.setdefault(path.resolve(), RawFile(path.name, path))
        else:
            raise InputError(f"{path} does not exist.", next_step="Name a raw file or a folder of raw files.")
    if not found:
        folders = ", ".join(str(path) for path in paths) or "no path"
        wanted = f" ending in {', '.join(suffixes)}" if suffixes else ""
        raise InputError(
            f"{folders} holds no file{wanted}.", next_step="Put the raw files there, or name their folder."
        )
    return sorted(_told_apart(list(found.values())))


def _told_apart(files: list[RawFile]) -> list[RawFile]:
    """Files of two folders that were given may go by one name: then all go by their paths below the common folder."""
    if len({file.name for file in files}) == len(files):
        return files
    common = Path(os.path.commonpath([file.path.absolute() for file in files]))
    return [RawFile(file.path.absolute().relative_to(common).as_posix(), file.path) for file in files]


def _wanted(relative: Path, suffixes: Sequence[str]) -> bool:
    if any(part.startswith(".") for part in relative.parts) or relative.name.endswith(_BESIDE):
        return False
    return not suffixes or relative.name.lower().endswith(tuple(suffixes))


def open_raw(file: RawFile) -> BinaryIO:
    """Open for reading, through gzip where the content (not the name) says so."""
    with file.path.open("rb") as stream:
        zipped = stream.read(2) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(file.path, "rb")) if zipped else file.path.open("rb")


def sniff(file: RawFile) -> Kind:
    """What a file holds, judged by its first bytes.

    Raises:
        InputError: an empty file, one that cannot be read, or gzip that breaks within the first bytes.
    """
    try:
        with open_raw(file) as stream:
            head = stream.read(_SNIFF_BYTES)
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{file.path} is broken gzip: {error}.", next_step="Download it again.") from error
    except OSError as error:
        raise InputError(
            f"{file.path} cannot be read: {error.strerror}.", next_step="Check its permissions."
        ) from error
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise InputError(f"{file.path} is empty.", next_step="Download it again, or take it out of the folder.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if text.startswith(b"["):
        return "json-array"
    return "json-lines" if text.startswith(b"{") else "text"


def origins(name: str, rows: Sequence[int] | range) -> pl.DataFrame:
    """Rows of one raw file, in `ORIGIN_SCHEMA`."""
    raw_row = pl.Series("raw_row", rows, dtype=pl.Int64)
    return pl.DataFrame(
        {"raw_file": pl.Series([name], dtype=pl.String).new_from_index(0, len(raw_row)), "raw_row": raw_row}
    )
