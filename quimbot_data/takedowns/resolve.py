"""What a request takes: rows of corpora, versions and rejects, their equal copies, and what was made of them."""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.sources.messages import KEYS
from quimbot_data.takedowns.marks import Marks, base_id, packed, sets_of
from quimbot_data.takedowns.texts import fold, folded, holds, strings_of_json
from quimbot_data.version import FATES
from quimbot_data.words import own_texts
from quimbot_data.workspace import Workspace
from schemas.takedown import Ask, RefusedRow, TakenContent, TakenRows

#: Columns by which dialogues are looked for, and by which it is seen what was made of others.
_TOLD: Final = ("dialogue_id", "source", "content_hash", "messages", "provenance", "pedagogy", "safety")
_MADE: Final = ("dialogue_id", "source", "content_hash", "messages", "provenance")
#: Where a refused raw row may state its own id.
_KEYS: Final = (*KEYS, "filename")
#: Ids that a misspelled one is compared with.
_NEIGHBOURS: Final = 2_000


class Request(NamedTuple):
    """What is asked to be taken down."""

    ids: Sequence[str] = ()
    matches: Sequence[str] = ()
    raw_ids: Sequence[str] = ()

    def asked(self) -> list[Ask]:
        """As the ledger notes it: of texts to be matched, the hash."""
        ids = [Ask(kind="id", value=value) for value in sorted(set(self.ids))]
        matches = [Ask(kind="match", value=value) for value in sorted({text_hash(text) for text in self.matches})]
        return ids + matches + [Ask(kind="raw-id", value=value) for value in sorted(set(self.raw_ids))]


def text_hash(text: str) -> str:
    """What the ledger knows of a text to be matched."""
    return hashlib.sha256(fold([text])[0].encode()).hexdigest()


class Refused(NamedTuple):
    """A refused raw row that is taken: its hash, where it stands, and why it was refused."""

    source: str
    sha256: str
    raw_file: str
    raw_row: int
    reason: str


@dataclass
class Found:
    """What a request takes.

    Attributes:
        dialogues, learner_texts: ids.
        contents: own text by content hash.
        refused: raw rows.
        matched: what of the request matched anything.
    """

    dialogues: set[str] = field(default_factory=set)
    learner_texts: set[str] = field(default_factory=set)
    contents: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    matched: set[str] = field(default_factory=set)

    def take_dialogues(self, rows: pl.DataFrame) -> None:
        """Take dialogues: `_MADE`."""
        if rows.is_empty():
            return
        self.dialogues.update(rows.select(base_id(pl.col("dialogue_id"))).to_series())
        self.contents |= dict(zip(rows["content_hash"], own_texts(rows), strict=True))

    def take_texts(self, rows: pl.DataFrame) -> None:
        """Take learner texts."""
        self.learner_texts.update(rows["text_id"])
        self.contents |= dict(rows.select("content_hash", "text").iter_rows())

    def marks(self) -> Marks:
        """By what these rows and their copies are known."""
        ids = self.dialogues | self.learner_texts
        return Marks(dict.fromkeys(ids, ""), {}, dict.fromkeys(self.contents, ""))

    def rows(self, raw_ids: Sequence[str]) -> TakenRows:
        """As an entry of the ledger holds them."""
        contents = dict(sorted(self.contents.items()))
        sets = sets_of(pl.Series(list(contents.values()), dtype=pl.String))
        bounds = zip(contents, sets.offsets[:-1].tolist(), sets.offsets[1:].tolist(), strict=True)
        refused = sorted({(row.source, row.sha256) for row in self.refused})
        return TakenRows(
            dialogues=sorted(self.dialogues),
            learner_texts=sorted(self.learner_texts),
            raw_ids=sorted(set(raw_ids)),
            refused=[RefusedRow(source=source, sha256=sha256) for source, sha256 in refused],
            contents=[
                TakenContent(content_hash=content, shingles=packed(sets.hashes[start:end]))
                for content, start, end in bounds
            ],
        )


def resolve(workspace: Workspace, request: Request) -> Found:
    """All rows that a request takes: those it asks for, wherever they stand, then copies and what was made of them."""
    found, texts = Found(), dict(zip(request.matches, fold(request.matches), strict=True))
    for rows in dialogue_frames(workspace, _TOLD):
        raw_id = pl.concat_str("source", pl.lit(":"), pl.col("provenance").struct.field("raw_id"))
        hits = _hits(rows, request, found, base_id(pl.col("dialogue_id")), raw_id, texts, holds)
        found.take_dialogues(hits)
    for rows in text_frames(workspace):
        raw_id = pl.concat_str("source", pl.lit(":"), "raw_id")
        found.take_texts(_hits(rows, request, found, pl.col("text_id"), raw_id, texts, _texts_hold))
    for source, rows in refused_frames(workspace):
        _take_refused(source, rows, request, texts, found)
    _remember(workspace, request, found)
    _spread(workspace, found)
    return found


def _hits(
    rows: pl.DataFrame,
    request: Request,
    found: Found,
    name: pl.Expr,
    raw_id: pl.Expr,
    texts: dict[str, str],
    hold: Callable[[pl.DataFrame, str], pl.Series],
) -> pl.DataFrame:
    """The rows that a request asks for; notes what of it matched."""
    keys = rows.select(name=name, raw_id=raw_id)
    hit = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    for column, asked in (("name", request.ids), ("raw_id", request.raw_ids)):
        if asked:
            named = keys[column].is_in(list(asked)).fill_null(value=False)
            found.matched.update(keys[column].filter(named))
            hit |= named
    for text, wanted in texts.items():
        held = hold(rows, wanted)
        if held.any():
            found.matched.add(text)
        hit |= held
    return rows.filter(hit)


def _texts_hold(rows: pl.DataFrame, text: str) -> pl.Series:
    found = [
        folded(pl.col(name)).str.contains(text, literal=True).fill_null(value=False) for name in ("text", "prompt")
    ]
    return rows.select(holds=pl.any_horizontal(found))["holds"]


def _take_refused(source: str, rows: pl.DataFrame, request: Request, texts: dict[str, str], found: Found) -> None:
    """Refused raw rows by their own id, or by any of their strings."""
    asked = {*request.ids, *request.raw_ids}
    for raw_file, raw_row, reason, raw in rows.select("raw_file", "raw_row", "reason", "raw").iter_rows():
        named = asked & {f"{source}:{key}" for key in _own_ids(raw)} if asked else set()
        held = fold(strings_of_json(raw)) if texts else []
        quoted = {text for text, wanted in texts.items() if any(wanted in string for string in held)}
        if named or quoted:
            found.matched |= named | quoted
            found.refused.append(Refused(source, raw_hash(raw), raw_file, raw_row, reason))


def raw_hash(raw: str) -> str:
    """The hash by which a refused raw row is known."""
    return hashlib.sha256(raw.encode()).hexdigest()


def _own_ids(raw: str) -> set[str]:
    try:
        row: Any = json.loads(raw, strict=False)
    except (ValueError, RecursionError):
        return set()
    values = [row.get(key) for key in _KEYS] if isinstance(row, dict) else []
    found = {str(value) for value in values if isinstance(value, int | str)}
    return found | {name.removesuffix(".txt") for name in found}  # essays go by file names


def _remember(workspace: Workspace, request: Request, found: Found) -> None:
    """Ids that nothing but a version's fates remembers."""
    if unmatched := sorted(set(request.ids) - found.matched):
        for ref in workspace.versions():
            fates = read_parquet(workspace.version(ref) / FATES, ["dialogue_id"])["dialogue_id"]
            known = fates.filter(fates.is_in(unmatched))
            found.matched.update(known)
            found.dialogues.update(known)


def _spread(workspace: Workspace, found: Found) -> None:
    """Take equal contents, and rows whose lineage or raw id names a taken one, until there is no more."""
    seen = 0
    while (taken := len(found.dialogues) + len(found.learner_texts) + len(found.contents)) > seen:
        seen, marks = taken, found.marks()
        for rows in dialogue_frames(workspace, _MADE):
            found.take_dialogues(rows.filter(marks.of_dialogue().is_not_null()))
        for rows in text_frames(workspace):
            found.take_texts(rows.filter(marks.of_text().is_not_null()))


# Where rows stand


def dialogue_frames(workspace: Workspace, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Dialogues of all corpora, then of all versions."""
    for source in workspace.sources():
        for entry in workspace.corpus_manifest(source).dialogues:
            yield read_parquet(workspace.corpus(source) / entry.path, columns)
    for ref in workspace.versions():
        for entry in workspace.version_manifest(ref).data:
            yield read_parquet(workspace.version(ref) / entry.path, columns)


def text_frames(workspace: Workspace) -> Iterator[pl.DataFrame]:
    """Learner texts of all corpora."""
    for source in workspace.sources():
        for entry in workspace.corpus_manifest(source).learner_texts:
            yield read_parquet(workspace.corpus(source) / entry.path)


def refused_frames(workspace: Workspace) -> Iterator[tuple[str, pl.DataFrame]]:
    """Refused raw rows of all corpora, each with its source."""
    for source in workspace.sources():
        for entry in workspace.corpus_manifest(source).rejected:
            yield source, read_parquet(workspace.corpus(source) / entry.path)


def neighbour(workspace: Workspace, wanted: str) -> str | None:
    """The id that somebody who asked for one that is not there may have meant."""
    source, _, key = wanted.partition(":")
    if source not in workspace.sources():
        near = difflib.get_close_matches(source, workspace.sources(), 1)
        return f"{near[0]}:{key}" if near else None
    ids: list[str] = []
    manifest, beginning = workspace.corpus_manifest(source), wanted[: max(len(source) + 2, len(wanted) // 2)]
    for name, files in (("dialogue_id", manifest.dialogues), ("text_id", manifest.learner_texts)):
        for entry in files:
            column = read_parquet(workspace.corpus(source) / entry.path, [name])[name]
            ids.extend(column.filter(column.str.starts_with(beginning)).head(_NEIGHBOURS - len(ids)))
    return next(iter(difflib.get_close_matches(wanted, ids, 1)), None)
