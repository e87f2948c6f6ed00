"""What a purge has to erase, and what it cannot reach; made while the text is still there, and carried out without it.

Raw rows are told by the corpus's `origins`, and then held against the text: a raw file may have been replaced since it
was ingested, and no other row may go in the place of the one that is meant.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.export.register import exports_of
from quimbot_data.takedowns.copies import Copies, find_copies
from quimbot_data.takedowns.earlier import left_by_earlier
from quimbot_data.takedowns.erasing import essay_files, is_essay, row_strings
from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.holders import holders
from quimbot_data.takedowns.ledger import entries, now
from quimbot_data.takedowns.left import left_of
from quimbot_data.takedowns.marks import Marks, StoredSets, sets_of
from quimbot_data.takedowns.report import patched_version
from quimbot_data.takedowns.resolve import dialogue_frames, raw_hash, text_frames
from quimbot_data.takedowns.texts import fold, fragments, redacted, strings_of_json, tells
from quimbot_data.takedowns.trained import runs_on
from quimbot_data.terminal import counted
from quimbot_data.words import own_texts
from quimbot_data.workspace import MANIFEST, Ref, Workspace, file_digest
from schemas.errors import InputError
from schemas.takedown import FileErasure, NamedFile, PurgeJournal, SharedRow, Takedown, Tombstone

_COLUMNS: Final = ("dialogue_id", "source", "content_hash", "messages", "provenance")
_ALWAYS: Final = "backups, copies on the Hub or elsewhere outside this workspace, and what was trained on the rows"

#: Raw rows that are named where there are more.
_NAMED: Final = 5

#: A raw file's name in origins -> row -> fragments of text, of which the raw row must hold one.
_Places = dict[str, dict[int, set[str]]]


@dataclass
class _Plan:
    """What has been found so far."""

    workspace: Workspace
    marks: Marks
    refused: frozenset[tuple[str, str]]
    copies: Copies
    corpora: set[str] = field(default_factory=set)
    taken: dict[str, set[str]] = field(default_factory=dict)
    """Ids of the dialogues or learner texts that are taken, by source."""
    named: dict[Path, set[tuple[str, str]]] = field(default_factory=dict)
    """Source and name in its origins of each raw file."""


def plan(workspace: Workspace, wanted: Sequence[Takedown]) -> PurgeJournal:
    """What has to be erased for some entries of the ledger; writes nothing.

    Raises:
        IntegrityError: a manifest is not valid.
    """
    refused = frozenset((row.source, row.sha256) for entry in wanted for row in entry.rows.refused)
    made = _Plan(workspace, Marks.of(wanted), refused, Copies(workspace))
    for source in workspace.sources():
        _plan_corpus(made, source)
    stones, copies = _plan_versions(made, wanted), made.copies
    find_copies(copies, {f"{stone.name}@{stone.version}" for stone in stones})
    copies.removed.update(place for stone in stones if (place := workspace.tokens(stone.id)).exists())
    for stone in stones:
        for run in runs_on(workspace, stone.id):
            copies.leave(f"runs/{run} was trained on {stone.name}@{stone.version}", workspace.run(run))
    for export in exports_of(workspace, {stone.id for stone in stones}):
        if export.outside:
            copies.leave(export.told(), Path(export.folder))
    left = {entry.id: left_of(workspace, entry, [*copies.left, *left_by_earlier(workspace, entry)]) for entry in wanted}
    told = dict.fromkeys(part.what for parts in left.values() for part in parts)
    return PurgeJournal(
        takedowns=[entry.id for entry in wanted],
        files=_erasures(made),
        removed=sorted(map(copies.below, copies.removed)),
        documents=sorted(map(copies.below, copies.documents)),
        corpora={source: file_digest(workspace.corpus(source) / MANIFEST) for source in sorted(made.corpora)},
        versions=stones,
        left=left,
        unreachable=[*told, *_near_copies(made, wanted), _ALWAYS],
    )


def _erasures(made: _Plan) -> list[FileErasure]:
    """Rows by file; every corpus that was made of a file has to move its later rows up."""
    files, named = made.copies.rows, made.named
    for source in made.workspace.sources() if files else ():
        for held in made.workspace.corpus_manifest(source).record.get("raw_files", []):
            path = made.workspace.raw(source) / held["path"]
            if path in files:
                named.setdefault(path, set()).add((source, held["path"]))
    made.corpora.update(source for path in files for source, _ in named.get(path, ()))
    shared = _shared(made)
    return [
        FileErasure(
            path=made.copies.below(path),
            sha256=file_digest(path),
            rows=sorted(rows),
            named=[NamedFile(source=source, raw_file=name) for source, name in sorted(named.get(path, ()))],
            shared=[SharedRow(row=row, dialogues=found) for row, found in sorted(shared.get(path, {}).items())],
        )
        for path, rows in sorted(files.items())
    ]


def _shared(made: _Plan) -> dict[Path, dict[int, dict[str, int]]]:
    """How many dialogues that stay stand on each row that goes: by file, row and source."""
    found: dict[Path, dict[int, dict[str, int]]] = {}
    places = [(source, name, path) for path in made.copies.rows for source, name in made.named.get(path, ())]
    for source in sorted({source for source, _, _ in places}):
        origins = _origins(made, source)
        stay = origins.filter(~pl.col(origins.columns[0]).is_in(list(made.taken[source])))
        for name, path in ((name, path) for of, name, path in places if of == source):
            rows = stay.filter(pl.col("raw_file") == name, pl.col("raw_row").is_in(list(made.copies.rows[path])))
            for row, dialogues in rows.group_by("raw_row").agg(pl.col(rows.columns[0]).n_unique()).iter_rows():
                found.setdefault(path, {}).setdefault(row, {})[source] = dialogues
    return found


def _origins(made: _Plan, source: str) -> pl.DataFrame:
    """Which raw rows each dialogue or learner text of a corpus, named in the first column, stands on."""
    manifest = made.workspace.corpus_manifest(source)
    return read_parquet(made.workspace.corpus(source) / manifest.origins.path)


# Corpora and their raw files


def _plan_corpus(made: _Plan, source: str) -> None:
    """What is a corpus's own, and the raw rows behind it."""
    texts, refused, raw = _texts_of(made, source), _refused_of(made, source), made.workspace.raw(source)
    made.taken[source] = set(texts)
    if not texts and refused.is_empty():
        return
    made.corpora.add(source)
    places = _places(made, source, texts)
    for raw_file, raw_row, row in refused.select("raw_file", "raw_row", "raw").iter_rows():
        found = fragments(strings_of_json(row))
        places.setdefault(raw_file, {})[raw_row] = set(found)
        made.copies.note(found)
    for raw_file, rows in sorted(places.items()):
        _plan_raw(made, source, raw_file, rows)
    if (raw / "fetched.json").exists():
        told = f"`quimbot fetch {source}` would bring the published files back, rows and all"
        made.copies.leave(told, raw / "fetched.json")
    if (staged := raw / ".fetching" / "files").exists() and made.copies.within(staged):
        made.copies.removed.add(staged)


def _texts_of(made: _Plan, source: str) -> dict[str, set[str]]:
    """Text by which the raw rows of each taken dialogue or learner text of a corpus are told, by id."""
    manifest, folder = made.workspace.corpus_manifest(source), made.workspace.corpus(source)
    found: dict[str, set[str]] = {}
    for entry in manifest.dialogues:
        rows = read_parquet(folder / entry.path, _COLUMNS).filter(made.marks.of_dialogue().is_not_null())
        owns = fold(own_texts(rows).to_list())  # a template may have cut a short raw text in two
        told = zip(rows["dialogue_id"], owns, _contents(rows), _noted(made, rows), strict=True)
        for name, own, messages, parts in told:
            found[name] = {*parts, own, *redacted(messages)} - {""}
    for entry in manifest.learner_texts:
        rows = read_parquet(folder / entry.path).filter(made.marks.of_text().is_not_null())
        for name, text in rows.select("text_id", "text").iter_rows():
            found[name] = set(fragments([text]))
            made.copies.note(found[name], fold([text]))
    return found


def _noted(made: _Plan, rows: pl.DataFrame) -> list[list[str]]:
    """Fragments of each dialogue: of its messages, and of the lines that no template wrote; copies are told by them."""
    contents = _contents(rows)
    owns = [own.split("\n") for own in own_texts(rows)]
    found = [fragments([*messages, *own]) for messages, own in zip(contents, owns, strict=True)]
    for parts, own in zip(found, owns, strict=True):
        made.copies.note(parts, fold(own))
    return found


def _contents(rows: pl.DataFrame) -> list[list[str]]:
    contents: list[list[str]] = rows["messages"].list.eval(pl.element().struct.field("content")).to_list()
    return contents


def _refused_of(made: _Plan, source: str) -> pl.DataFrame:
    """Refused raw rows of a corpus that are taken: raw_file, raw_row, raw."""
    files = made.workspace.corpus_manifest(source).rejected
    rows = [read_parquet(made.workspace.corpus(source) / entry.path) for entry in files]
    if not rows or not any(of == source for of, _ in made.refused):
        return pl.DataFrame(schema={"raw_file": pl.String, "raw_row": pl.Int64, "raw": pl.String})
    held = pl.concat(rows)
    return held.filter(pl.Series([(source, raw_hash(raw)) in made.refused for raw in held["raw"]], dtype=pl.Boolean))


def _places(made: _Plan, source: str, texts: dict[str, set[str]]) -> _Places:
    """The raw rows behind taken rows, also those that others stand on, too: erasing comes first."""
    origins = _origins(made, source)
    places: _Places = {}
    mine = origins.filter(pl.col(origins.columns[0]).is_in(list(texts)))
    for key, raw_file, raw_row in mine.select(origins.columns[0], "raw_file", "raw_row").iter_rows():
        places.setdefault(raw_file, {}).setdefault(raw_row, set()).update(texts[key])
    return places


def _plan_raw(made: _Plan, source: str, raw_file: str, rows: dict[int, set[str]]) -> None:
    """The rows of one raw file, each held against the text that it must hold."""
    path, copies = _located(made.workspace, source, raw_file), made.copies
    if path is None:
        where = f"not in this workspace; of where it lies, origins hold no more than its name, and {_numbers(rows)}"
        copies.leave(f"the raw file {raw_file} of {source} ({counted(len(rows), 'row')}): {where}")
        return
    if not copies.within(path):
        return
    try:
        essay = is_essay(path)
        told = [(0, [path.name, path.read_text("utf-8", "replace")])] if essay else row_strings(path, rows)
        found = {number for number, strings in told if tells(strings, rows[number])}
    except InputError as error:
        copies.leave(f"{copies.below(path)}: {error.found}", path)
        return
    if essay:
        copies.removed |= {path} if found else set()
    elif found:
        copies.rows.setdefault(path, set()).update(found)
        made.named.setdefault(path, set()).add((source, raw_file))
        copies.removed.update(essay for essay in essay_files(path, found) if copies.within(essay))
    if missed := rows.keys() - found:
        copies.leave(_elsewhere(copies.below(path), source, raw_file, missed))


def _elsewhere(path: str, source: str, raw_file: str, missed: Collection[int]) -> str:
    """That a file in the workspace is another one than its corpus was ingested from."""
    where = f"{_numbers(missed)} of it {'is another one' if len(missed) == 1 else 'are other ones'}"
    return (
        f"{path} is not the file that {source} was ingested from, or was changed since: {where}. The file that was "
        f"ingested lies elsewhere (origins hold no more than its name, {raw_file}) and may hold "
        f"{counted(len(missed), 'row')} that should go, and so may this one: look for the text in both"
    )


def _numbers(rows: Collection[int]) -> str:
    """Raw rows by their numbers, as `origins` count them."""
    some = ", ".join(map(str, sorted(rows)[:_NAMED])) + (", …" if len(rows) > _NAMED else "")
    return f"{'row' if len(rows) == 1 else 'rows'} {some}"


def _located(workspace: Workspace, source: str, raw_file: str) -> Path | None:
    """Where a raw file lies in the workspace: below its source's folder, or the only one of that name below `raw/`."""
    if (path := workspace.raw(source) / raw_file).is_file():
        return path
    tail = Path(raw_file).parts
    named = (path for path in (workspace.root / "raw").rglob("*") if path.parts[-len(tail) :] == tail)
    found = [path for path in named if path.is_file()]
    return found[0] if len(found) == 1 else None


# Versions, and what is like the rows that go


def _plan_versions(made: _Plan, wanted: Sequence[Takedown]) -> list[Tombstone]:
    """A tombstone for each version that holds a taken row."""
    workspace, taken = made.workspace, dict[Ref, int]()
    for ref in workspace.versions():
        for entry in workspace.version_manifest(ref).data:
            rows = read_parquet(workspace.version(ref) / entry.path, _COLUMNS)
            rows = rows.filter(made.marks.of_dialogue().is_not_null())
            if rows.height:
                taken[ref] = taken.get(ref, 0) + rows.height
                _noted(made, rows)
    clean = [ref for ref in workspace.versions() if ref not in taken]
    for ref in taken:
        transfers = workspace.version_manifest(ref).record.get("transfers", [])
        for transfer in transfers:
            made.copies.leave(f"{ref} was pushed to {transfer['to']}")
    return [_tombstone(workspace, ref, count, wanted, clean) for ref, count in taken.items()]


def _tombstone(
    workspace: Workspace, ref: Ref, taken: int, wanted: Sequence[Takedown], clean: Sequence[Ref]
) -> Tombstone:
    manifest, held = workspace.version_manifest(ref), holders(workspace, ref)
    asked = {entry.id for entry in wanted}
    return Tombstone(
        name=ref.name,
        version=ref.version,
        id=manifest.id,
        withdrawn=now(),
        takedowns=[entry.id for entry in wanted],
        clear=sorted(entry.id for entry in entries(workspace) if entry.id not in held and entry.id not in asked),
        dialogues=sum(split.rows for split in manifest.identity.splits.values()),
        taken=taken,
        patched=patched_version(ref, clean),
        recipe=manifest.identity.recipe,
    )


def _near_copies(made: _Plan, wanted: Sequence[Takedown]) -> list[str]:
    """Near-copies are other rows: builds leave them out, and they stay unless they are taken down themselves."""
    stored, near = StoredSets.of(wanted), set[str]()
    for rows in dialogue_frames(made.workspace, _COLUMNS):
        rest = rows.filter(made.marks.of_dialogue().is_null())
        near |= {rest["dialogue_id"][place] for place, _ in stored.near(sets_of(own_texts(rest)), THRESHOLD)}
    for rows in text_frames(made.workspace):
        rest = rows.filter(made.marks.of_text().is_null())
        near |= {rest["text_id"][place] for place, _ in stored.near(sets_of(rest["text"]), THRESHOLD)}
    if not near:
        return []
    some = ", ".join(sorted(near)[:_NAMED]) + (", …" if len(near) > _NAMED else "")
    if len(near) == 1:
        return [f"1 near-copy stays, though no build takes it: to erase it, take down {some}"]
    return [f"{len(near):,} near-copies stay, though no build takes them: to erase them, take down {some}"]
