"""What a purge has to erase, and what it cannot reach; made while the text is still there, and carried out without it.

Raw rows are told by the corpus's `origins`, and then held against the text: a raw file may have been replaced since it
was ingested, and no other row may go in the place of the one that is meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.copies import Copies, find_copies
from quimbot_data.takedowns.erasing import essay_files, is_essay, row_strings
from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.ledger import now
from quimbot_data.takedowns.marks import Marks, StoredSets, sets_of
from quimbot_data.takedowns.report import patched_version, training_runs
from quimbot_data.takedowns.resolve import dialogue_frames, raw_hash, text_frames
from quimbot_data.takedowns.texts import fold, fragments, redacted, strings_of_json, tells
from quimbot_data.words import own_texts
from quimbot_data.workspace import MANIFEST, Ref, Workspace, file_digest
from schemas.errors import InputError
from schemas.takedown import FileErasure, NamedFile, PurgeJournal, Takedown, Tombstone

#: A purge under way.
JOURNAL: Final = "purging.json"
_COLUMNS: Final = ("dialogue_id", "source", "content_hash", "messages", "provenance")
_ALWAYS: Final = "backups, copies on the Hub or elsewhere outside this workspace, and what was trained on the rows"

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
    _tell_near(made, wanted)
    runs = training_runs(workspace)
    for stone in stones:
        for run in runs.get(stone.id, []):
            copies.unreachable.append(f"runs/{run} was trained on {stone.name}@{stone.version}")
    return PurgeJournal(
        takedowns=[entry.id for entry in wanted],
        files=_erasures(made),
        removed=sorted(map(copies.below, copies.removed)),
        documents=sorted(map(copies.below, copies.documents)),
        corpora={source: file_digest(workspace.corpus(source) / MANIFEST) for source in sorted(made.corpora)},
        versions=stones,
        unreachable=[*dict.fromkeys(copies.unreachable), _ALWAYS],
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
    return [
        FileErasure(
            path=made.copies.below(path),
            sha256=file_digest(path),
            rows=sorted(rows),
            named=[NamedFile(source=source, raw_file=name) for source, name in sorted(named.get(path, ()))],
        )
        for path, rows in sorted(files.items())
    ]


# Corpora and their raw files


def _plan_corpus(made: _Plan, source: str) -> None:
    """What is a corpus's own, and the raw rows behind it."""
    texts, refused, raw = _texts_of(made, source), _refused_of(made, source), made.workspace.raw(source)
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
        made.copies.unreachable.append(f"`quimbot fetch {source}` would bring the published files back, rows and all")
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
    """The raw rows behind taken rows, but for those that others stand on, too."""
    manifest = made.workspace.corpus_manifest(source)
    origins = read_parquet(made.workspace.corpus(source) / manifest.origins.path)
    name, at = origins.columns[0], ["raw_file", "raw_row"]
    taken = pl.col(name).is_in(list(texts))
    mine, others = origins.filter(taken), origins.filter(~taken)
    shared = mine.join(others, on=at, how="semi").select(at).unique()
    if shared.height:
        some = ", ".join(f"{raw_file} row {raw_row}" for raw_file, raw_row in shared.sort(at).head(3).iter_rows())
        made.copies.unreachable.append(
            f"{shared.height:,} raw rows of {source} stay, since dialogues that are not taken down stand on them, too: "
            + some
            + (", …" if shared.height > 3 else "")
        )
    places: _Places = {}
    for key, raw_file, raw_row in mine.join(shared, on=at, how="anti").select(name, *at).iter_rows():
        places.setdefault(raw_file, {}).setdefault(raw_row, set()).update(texts[key])
    return places


def _plan_raw(made: _Plan, source: str, raw_file: str, rows: dict[int, set[str]]) -> None:
    """The rows of one raw file, each held against the text that it must hold."""
    path, copies = _located(made.workspace, source, raw_file), made.copies
    if path is None:
        copies.unreachable.append(f"the raw file {raw_file} of {source} ({len(rows):,} rows): not in this workspace")
        return
    if not copies.within(path):
        return
    try:
        essay = is_essay(path)
        told = [(0, [path.name, path.read_text("utf-8", "replace")])] if essay else row_strings(path, rows)
        found = {number for number, strings in told if tells(strings, rows[number])}
    except InputError as error:
        copies.unreachable.append(f"{copies.below(path)}: {error.found}")
        return
    if essay:
        copies.removed |= {path} if found else set()
    elif found:
        copies.rows.setdefault(path, set()).update(found)
        made.named.setdefault(path, set()).add((source, raw_file))
        copies.removed.update(essay for essay in essay_files(path, found) if copies.within(essay))
    if len(found) < len(rows):
        left = len(rows) - len(found)
        copies.unreachable.append(f"{copies.below(path)}: {left:,} rows are not those that {source} was made of")


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
        made.copies.unreachable += [f"{ref} was pushed to {transfer['to']}" for transfer in transfers]
    return [_tombstone(workspace, ref, count, wanted, clean) for ref, count in taken.items()]


def _tombstone(
    workspace: Workspace, ref: Ref, taken: int, wanted: Sequence[Takedown], clean: Sequence[Ref]
) -> Tombstone:
    manifest = workspace.version_manifest(ref)
    return Tombstone(
        name=ref.name,
        version=ref.version,
        id=manifest.id,
        withdrawn=now(),
        takedowns=[entry.id for entry in wanted],
        dialogues=sum(split.rows for split in manifest.identity.splits.values()),
        taken=taken,
        patched=patched_version(ref, clean),
        recipe=manifest.identity.recipe,
    )


def _tell_near(made: _Plan, wanted: Sequence[Takedown]) -> None:
    """Near-copies are other rows: builds leave them out, and they stay unless they are taken down themselves."""
    stored, near = StoredSets.of(wanted), set[str]()
    for rows in dialogue_frames(made.workspace, _COLUMNS):
        rest = rows.filter(made.marks.of_dialogue().is_null())
        near |= {rest["dialogue_id"][place] for place, _ in stored.near(sets_of(own_texts(rest)), THRESHOLD)}
    for rows in text_frames(made.workspace):
        rest = rows.filter(made.marks.of_text().is_null())
        near |= {rest["text_id"][place] for place, _ in stored.near(sets_of(rest["text"]), THRESHOLD)}
    if near:
        some = ", ".join(sorted(near)[:5]) + (", …" if len(near) > 5 else "")
        made.copies.unreachable.append(
            f"{len(near):,} near-copies stay, though no build takes them: to erase them, take down {some}"
        )
