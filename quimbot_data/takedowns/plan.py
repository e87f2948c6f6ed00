"""What a purge has to erase, and what it cannot reach; made while the text is still there, and carried out without it.

Corpora and the raw rows behind them (`raw_rows`), versions, copies (`copies`), and what no manifest lists (`sweep`).
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.export.register import exports_of
from quimbot_data.takedowns.copies import Copies, find_copies
from quimbot_data.takedowns.earlier import left_by_earlier
from quimbot_data.takedowns.holders import holders
from quimbot_data.takedowns.ledger import entries, now
from quimbot_data.takedowns.left import left_of, where_now
from quimbot_data.takedowns.marks import owners
from quimbot_data.takedowns.raw_rows import COLUMNS, Plan, note_dialogues, origins_of, plan_corpus
from quimbot_data.takedowns.replies import cache_of
from quimbot_data.takedowns.report import patched_version
from quimbot_data.takedowns.staying import rows_that_stay
from quimbot_data.takedowns.sweep import sweep
from quimbot_data.takedowns.told import Told
from quimbot_data.takedowns.traces import Traces
from quimbot_data.takedowns.trained import runs_on
from quimbot_data.terminal import counted
from quimbot_data.workspace import MANIFEST, Ref, Workspace, file_digest
from schemas.takedown import FileErasure, NamedFile, PurgeJournal, ReplyErasure, SharedRow, Takedown, Tombstone

_ALWAYS: Final = "backups, copies on the Hub or elsewhere outside this workspace, and what was trained on the rows"
#: Rows that are named where there are more.
_NAMED: Final = 5


def plan(workspace: Workspace, wanted: Sequence[Takedown]) -> PurgeJournal:
    """What has to be erased for some entries of the ledger; writes nothing.

    Raises:
        IntegrityError: a manifest is not valid.
    """
    made = Plan.of(workspace, wanted)
    copies = made.copies
    copies.told = Told.of(wanted)
    for source in workspace.sources():
        plan_corpus(made, source)
    stones = _plan_versions(made)
    find_copies(copies, {f"{stone.name}@{stone.version}": stone.takedowns for stone in stones})
    going = {workspace.version(Ref(stone.name, stone.version)): stone.takedowns for stone in stones}
    going |= {workspace.corpus(source): sorted(found) for source, found in made.corpora.items()}
    _plan_tokens(made, stones)
    sweep(copies, wanted, going)
    for stone in stones:
        _leave_version(made, stone)
    traces = Traces(wanted)
    found = {entry.id: [*copies.left.get(entry.id, ()), *left_by_earlier(workspace, entry)] for entry in wanted}
    left = {entry.id: left_of(workspace, entry, found[entry.id], traces) for entry in wanted}
    return PurgeJournal(
        takedowns=[entry.id for entry in wanted],
        files=_erasures(made),
        removed=sorted(map(copies.below, copies.removed)),
        documents=sorted(map(copies.below, copies.documents)),
        replies=_replies(copies),
        corpora={source: file_digest(workspace.corpus(source) / MANIFEST) for source in sorted(made.corpora)},
        versions=stones,
        unread=[*copies.unread, *_too_short(copies.told)],
        left=left,
        unreachable=[
            *dict.fromkeys(where_now(workspace, part) for parts in left.values() for part in parts),
            *rows_that_stay(made),
            _ALWAYS,
        ],
    )


def _too_short(told: Told) -> list[str]:
    if not told.short:
        return []
    rows = f"{counted(told.short, 'row')} that {'is' if told.short == 1 else 'are'} too short to be told by text"
    return [f"copies that nobody listed, for {rows}: they were looked for by id and hash alone"]


def _replies(copies: Copies) -> list[ReplyErasure]:
    cache = cache_of(copies.workspace)
    return [ReplyErasure(path=copies.below(cache), keys=sorted(copies.replies))] if copies.replies else []


def _erasures(made: Plan) -> list[FileErasure]:
    """Rows by file; every corpus that was made of a file has to move its later rows up."""
    files, named = made.copies.rows, made.named
    for source in made.workspace.sources() if files else ():
        for held in made.workspace.corpus_manifest(source).record.get("raw_files", []):
            path = made.workspace.raw(source) / held["path"]
            if path in files:
                named.setdefault(path, set()).add((source, held["path"]))
    for path in files:
        for source, _ in named.get(path, ()):
            made.corpora.setdefault(source, set())
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


def _shared(made: Plan) -> dict[Path, dict[int, dict[str, int]]]:
    """How many dialogues that stay stand on each row that goes: by file, row and source."""
    found: dict[Path, dict[int, dict[str, int]]] = {}
    places = [(source, name, path) for path in made.copies.rows for source, name in made.named.get(path, ())]
    for source in sorted({source for source, _, _ in places}):
        origins = origins_of(made.workspace, source)
        stay = origins.filter(~pl.col(origins.columns[0]).is_in(list(made.taken[source])))
        for name, path in ((name, path) for of, name, path in places if of == source):
            rows = stay.filter(pl.col("raw_file") == name, pl.col("raw_row").is_in(list(made.copies.rows[path])))
            for row, dialogues in rows.group_by("raw_row").agg(pl.col(rows.columns[0]).n_unique()).iter_rows():
                found.setdefault(path, {}).setdefault(row, {})[source] = dialogues
    return found


# Versions


def _plan_versions(made: Plan) -> list[Tombstone]:
    """A tombstone for each version that holds a taken row, for the entries whose rows it holds."""
    workspace, taken = made.workspace, dict[Ref, int]()
    whose: dict[Ref, set[str]] = {}
    for ref in workspace.versions():
        for entry in workspace.version_manifest(ref).data:
            rows = read_parquet(workspace.version(ref) / entry.path, COLUMNS)
            rows = rows.filter(made.marks.of_dialogue().is_not_null())
            if rows.height:
                taken[ref] = taken.get(ref, 0) + rows.height
                whose.setdefault(ref, set()).update(*owners(rows, made.each).values())
                note_dialogues(made, rows)
    clean = [ref for ref in workspace.versions() if ref not in taken]
    return [_tombstone(workspace, ref, count, whose[ref], clean) for ref, count in taken.items()]


def _tombstone(workspace: Workspace, ref: Ref, taken: int, whose: Collection[str], clean: Sequence[Ref]) -> Tombstone:
    manifest, held = workspace.version_manifest(ref), holders(workspace, ref)
    return Tombstone(
        name=ref.name,
        version=ref.version,
        id=manifest.id,
        withdrawn=now(),
        takedowns=[entry.id for entry in entries(workspace) if entry.id in whose],
        clear=sorted(entry.id for entry in entries(workspace) if entry.id not in held and entry.id not in whose),
        dialogues=sum(split.rows for split in manifest.identity.splits.values()),
        taken=taken,
        patched=patched_version(ref, clean),
        recipe=manifest.identity.recipe,
    )


def _plan_tokens(made: Plan, stones: Sequence[Tombstone]) -> None:
    """What was tokenized of versions that go, and of such as nobody can look into any more."""
    workspace, going = made.workspace, {stone.id for stone in stones}
    stay = {workspace.version_manifest(ref).id for ref in workspace.versions()} - going
    for place in (workspace.root / "cache" / "tokens").glob("*"):
        if place not in {workspace.tokens(version) for version in stay}:
            made.copies.remove(place)


def _leave_version(made: Plan, stone: Tombstone) -> None:
    """Where a version that goes went before, or what was trained on it."""
    workspace, name = made.workspace, f"{stone.name}@{stone.version}"
    for transfer in workspace.version_manifest(Ref(stone.name, stone.version)).record.get("transfers", []):
        made.copies.leave(f"{name} was pushed to {transfer['to']}", stone.takedowns)
    for run in runs_on(workspace, stone.id):
        made.copies.leave(f"runs/{run} was trained on {name}", stone.takedowns, workspace.run(run))
    for export in exports_of(workspace, {stone.id}):
        if export.outside or export.gone:
            made.copies.leave(export.written(), stone.takedowns, workspace.root / export.folder, "export")
