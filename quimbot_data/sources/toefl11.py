"""TOEFL11: English essays by learners of eleven first languages (LDC2014T06).

What: 12,100 essays from the TOEFL test, 1,100 by speakers of each first language, on 8 prompts, scored low, medium or
high. No corrections come with them; published annotations point into the text by character offset.
Who: Blanchard, Tetreault, Higgins, Cahill and Chodorow, "TOEFL11: A Corpus of Non-Native English" (ETS RR-13-24, 2013).
Licence: LDC user agreement, research only, no redistribution. There is no download: users point at their own copy.
Link: https://catalog.ldc.upenn.edu/LDC2014T06

Layouts: LDC's `data/text/index.csv` with `data/text/responses/original/<id>.txt`, and the 2013 shared task's
`index-training-dev.csv` with `original/<id>.txt` beside it, other codes (CHI, FRE, GER) and sometimes no header row.
`tokenized/` is never read: offsets count the characters of `original/`.

One raw row of an index, after its header:

    Filename,Prompt,Language,Score Level
    900001.txt,P3,KOR,medium

A raw row is a row of an index, or an essay in `original/` that no index names; an empty line is neither, a line of
empty cells is. Essays become learner texts, not dialogues. Their text is kept to the character, CRLF and byte-order
marks included, so what is not UTF-8 is refused rather than mended.

Rejects: `bad-index-row`, `repeated-essay` (the file stands in an earlier row), `missing-essay`, `no-original` (it
exists only in `tokenized/`), `not-utf-8`, `empty-essay`, `not-in-index`.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl

from quimbot_data.language import subtag
from quimbot_data.sources.files import RawFile, raw_files
from quimbot_data.sources.records import mappings
from quimbot_data.sources.source import (
    ORIGIN_SCHEMA,
    TEXT_SCHEMA,
    Corpus,
    Dossier,
    Normalized,
    Options,
    RawBatch,
    drafts,
    rejects,
)
from schemas.errors import InputError

DOSSIER: Final = Dossier(
    name="toefl11",
    title="TOEFL11: A Corpus of Non-Native English",
    family="pedagogical",
    license="LicenseRef-LDC-TOEFL11",
    terms=("no-transfer", "research-only"),
    url="https://catalog.ldc.upenn.edu/LDC2014T06",
    obtain="License LDC2014T06 from the Linguistic Data Consortium and point at your copy; there is no open download.",
    attribution="TOEFL11 (LDC2014T06), © 2014 Educational Testing Service.",
)

#: Essays a batch: 1,000 of about 2 KB.
BATCH_ESSAYS: Final = 1_000

_HEADERS: Final = {
    "filename": ("filename", "file", "text", "essay"),
    "prompt": ("prompt",),
    "l1": ("language", "l1", "native language"),
    "level": ("score level", "score", "level", "proficiency"),
}
_LEVELS: Final = ("low", "medium", "high")
#: A plain name: an index cannot send the reader to another folder.
_FILENAME: Final = re.compile(r"(?!\.)[^/\\\x00]+")

Row = dict[str, Any]
Origin = tuple[str, int]


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Rows of every index below `paths` with their essays, in batches, then the essays that no index names.

    Raises:
        InputError: no index below `paths`, or one that is no UTF-8 CSV with a file name a row.
    """
    indexes = [file for file in raw_files(paths, (".csv",)) if _is_index(file, paths)]
    if not indexes:
        folders = ", ".join(str(path) for path in paths)
        next_step = "Point at the folder that holds index.csv (LDC) or index-training-dev.csv (2013 shared task)."
        raise InputError(f"{folders} holds no TOEFL11 index.", next_step=next_step)
    rows = _walk(indexes)
    while batch := list(islice(rows, BATCH_ESSAYS)):
        origins = pl.DataFrame([origin for origin, _ in batch], schema=ORIGIN_SCHEMA, orient="row")
        yield RawBatch(origins, [row for _, row in batch])


def _is_index(file: RawFile, paths: Sequence[Path]) -> bool:
    return file.path in paths or file.path.name.lower().startswith("index")


@dataclass(frozen=True)
class _Essays:
    """The essays below an index's folder."""

    index: RawFile
    original: dict[str, Path]
    """By file name; of two equal names the one in the shallower folder."""
    all_originals: tuple[Path, ...]
    tokenized: frozenset[str]

    @classmethod
    def beside(cls, index: RawFile) -> "_Essays":
        """Find them: LDC keeps them in `responses/`, the shared task right beside the index."""
        found = sorted(index.path.parent.rglob("*.txt"), key=lambda path: (len(path.parts), path))
        originals = tuple(path for path in found if path.parent.name == "original")
        tokenized = frozenset(path.name for path in found if path.parent.name == "tokenized")
        return cls(index, {path.name: path for path in reversed(originals)}, originals, tokenized)

    def origin(self, path: Path) -> str:
        """The essay's path as `origins` name it: below the folder that was given."""
        below = path.relative_to(self.index.path.parent).as_posix()
        return (PurePosixPath(self.index.name).parent / below).as_posix()


def _walk(indexes: Sequence[RawFile]) -> Iterator[tuple[Origin, Row]]:
    seen: set[str] = set()
    unnamed: dict[Path, str] = {}
    named: set[Path] = set()
    for index in indexes:
        essays = _Essays.beside(index)
        unnamed |= {path: essays.origin(path) for path in essays.all_originals}
        for number, cells in enumerate(_index_rows(index)):
            row = _essay(cells, essays, seen)
            named |= {essays.original[name] for name in [row.get("name")] if name in essays.original}
            yield (index.name, number), row
    for path, name in sorted(unnamed.items(), key=lambda item: item[1]):
        if path not in named:
            yield (name, 0), {"filename": path.name, "fault": "not-in-index", "detail": "no index names this essay"}


def _index_rows(index: RawFile) -> Iterator[Row]:
    """Index rows as filename, prompt, l1 and level, by the header row if there is one, else by position.

    The header row and empty lines have no number in `origins`.
    """
    try:
        text = index.path.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{index.path} is no UTF-8 CSV: {error}.", next_step="Copy the index from the release again."
        ) from error
    header = _header(rows[0]) if rows else None
    positions = header or {name: position for position, name in enumerate(_HEADERS)}
    for row in rows[1:] if header else rows:
        yield {name: row[at].strip() if at < len(row) else None for name, at in positions.items()} | {"cells": row}


def rows_with_essays(index: RawFile) -> list[tuple[list[str], list[Path]]]:
    """Each row of an index, as `origins` count them: its cells, and the files below that hold its essay in any form.

    Raises:
        InputError: no UTF-8 CSV.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(index.path.parent.rglob("*.txt")):
        files.setdefault(path.name, []).append(path)
    rows = [(row["cells"], _file_name(row["filename"] or "")) for row in _index_rows(index)]
    return [(cells, files.get(name, [])) for cells, name in rows]


def without_rows(index: RawFile, rows: Collection[int]) -> bytes:
    """An index without some of its rows, as `origins` count them."""
    text = index.path.read_bytes().decode("utf-8-sig")
    held = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    first = 1 if held and _header(held[0]) else 0
    kept = [row for number, row in enumerate(held[first:]) if number not in rows]
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n" if "\r\n" in text else "\n").writerows(held[:first] + kept)
    return written.getvalue().encode()


def _header(first: Sequence[str]) -> dict[str, int] | None:
    """Where each column stands, if the first row is a header; a header names the column of file names."""
    names = [cell.strip().lower() for cell in first]
    found = {
        column: next((names.index(alias) for alias in aliases if alias in names), len(names))
        for column, aliases in _HEADERS.items()
    }
    return found if found["filename"] < len(names) else None


def _essay(cells: Row, essays: _Essays, seen: set[str]) -> Row:
    """The index row with its essay's text, or with the fault that keeps it out."""
    if detail := _index_fault(cells):
        # A row may be bad and still name its essay, which is then not one that no index names.
        return cells | {"name": _file_name(cells["filename"] or ""), "fault": "bad-index-row", "detail": detail}
    name = _file_name(cells["filename"])
    repeated = name in seen
    seen.add(name)
    return cells | {"name": name} | (_repeated(name) if repeated else _text(name, essays))


def _file_name(cell: str) -> str:
    return cell if cell.lower().endswith(".txt") else f"{cell}.txt"


def _repeated(name: str) -> Row:
    return {"fault": "repeated-essay", "detail": f"{name} stands in an earlier row"}


def _index_fault(cells: Row) -> str | None:
    if not cells["filename"] or not _FILENAME.fullmatch(cells["filename"]):
        return f"no plain file name: {cells['filename']!r}"
    if cells["l1"] and subtag(cells["l1"]) is None:
        return f"unknown first language: {cells['l1']!r}"
    if cells["level"] and cells["level"].lower() not in _LEVELS:
        return f"level is none of {', '.join(_LEVELS)}: {cells['level']!r}"
    if cells["l1"] is None or cells["level"] is None:
        return f"{len(cells['cells'])} cells, too few"
    return None


def _text(name: str, essays: _Essays) -> Row:
    path = essays.original.get(name)
    if path is None and name in essays.tokenized:
        return {"fault": "no-original", "detail": f"{name} is only in tokenized/: offsets would not fit"}
    if path is None:
        return {"fault": "missing-essay", "detail": f"original/ holds no {name}"}
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return {"fault": "not-utf-8", "detail": f"{name}: byte {error.start} of {len(data)}"}
    if not text.strip():
        return {"fault": "empty-essay", "detail": f"{name}: {len(data)} bytes"}
    return {"text": text}


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """Learner texts of one batch; there are no dialogues.

    Returns:
        `texts` keyed by the file name without `.txt`, each made of one raw row, with null for a blank first language,
        prompt or level.
    """
    texts: list[Row] = []
    refused: list[tuple[int, str, str]] = []
    for part, row in enumerate(mappings(batch)):
        if fault := row.get("fault"):
            refused.append((part, fault, row["detail"]))
        else:
            texts.append(_learner_text(part, row, options))
    return Normalized(drafts([]), rejects(refused), texts=pl.DataFrame(texts, schema=TEXT_SCHEMA))


def _learner_text(part: int, row: Mapping[str, Any], options: Options) -> Row:
    return {
        "key": re.sub(r"\.txt$", "", row["filename"], flags=re.IGNORECASE),
        "parts": [part],
        "text": row["text"],
        "language": "en",
        "l1": subtag(row["l1"]),
        "prompt": row["prompt"] or None,
        "level": row["level"].lower() or None,
        "license": DOSSIER.license,
        "terms": list(DOSSIER.terms),
        "revision": options.revision,
    }


def recognizes(columns: frozenset[str]) -> bool:
    """An index by its header, or, where it has none, by a first row that holds `<id>.txt`."""
    names = {column.strip().lower() for column in columns}
    headed = "prompt" in names and not names.isdisjoint(_HEADERS["filename"])
    return headed or any(name.endswith(".txt") for name in names)


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
