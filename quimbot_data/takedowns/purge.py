"""Erasing taken rows from a workspace: raw files, corpora, copies; versions that hold them leave a tombstone.

    plan -> journal -> files rewritten or removed -> corpora, manifest last -> versions withdrawn -> ledger

The journal holds what is to be done, by places and hashes and without text. Each part of it sees whether it is done
already, so a purge that was killed ends, run again, as it would have.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from quimbot_data.buckets import ROW_GROUP, read_parquet, write_parquet, write_row_groups
from quimbot_data.ledger import PURGED, check_conservation, step_lines
from quimbot_data.shard import REJECTED_SCHEMA
from quimbot_data.takedowns import ledger
from quimbot_data.takedowns.erasing import erase_rows
from quimbot_data.takedowns.exclusion import TAKEN
from quimbot_data.takedowns.ledger import JOURNAL
from quimbot_data.takedowns.marks import Marks
from quimbot_data.takedowns.plan import plan
from quimbot_data.takedowns.resolve import raw_hash
from quimbot_data.takedowns.withdraw import remove, withdraw, withdraw_document
from quimbot_data.workspace import (
    MANIFEST,
    Workspace,
    file_digest,
    publish,
    read_model,
    sweep,
    write_model,
)
from schemas.errors import LockedError
from schemas.manifest import CorpusManifest, FileEntry, LedgerLine
from schemas.takedown import PurgeJournal, Takedown

#: Rows taken out of a raw file, ascending, by the name that origins have for it.
_Moved = dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]


def purge(workspace: Workspace, wanted: Sequence[Takedown]) -> list[PurgeJournal]:
    """Erase the rows of some entries from the workspace.

    Returns:
        What was done: a purge that was under way and is ended now, if there was one, then this one.

    Raises:
        LockedError: another process works on a corpus or version, or takes rows down.
        WorkspaceError: the workspace cannot be written.
        IntegrityError: a manifest is not valid.
    """
    journal, done = ledger.folder(workspace) / JOURNAL, []
    with workspace.lock(ledger.LOCK), _corpora_held(workspace) as held:
        if journal.exists():
            done.append(read_model(journal, PurgeJournal))
            _carry_out(workspace, done[0], held)
        wanted = ledger.named(workspace, [entry.id for entry in wanted])  # the purge that was ended has written there
        made = plan(workspace, wanted)
        if _does_something(made) or any(entry.purged is None for entry in wanted):
            write_model(journal, made)
            _carry_out(workspace, made, held)
        for entry in ledger.named(workspace, made.takedowns):
            if entry.left != made.left[entry.id]:
                ledger.write(workspace, entry.model_copy(update={"left": made.left[entry.id]}))
        return [*done, made]


def _does_something(made: PurgeJournal) -> bool:
    return bool(made.files or made.removed or made.documents or made.corpora or made.versions)


@contextmanager
def _corpora_held(workspace: Workspace) -> Iterator[set[str]]:
    """All corpora, so that nothing is built or ingested meanwhile; yields the names of the locks."""
    with ExitStack() as held:
        for source in workspace.sources():
            held.enter_context(workspace.lock("corpus", source))
        yield {f"corpus-{source}" for source in workspace.sources()}


def _carry_out(workspace: Workspace, made: PurgeJournal, held: set[str]) -> None:
    wanted = ledger.named(workspace, made.takedowns)
    for file in made.files:
        path = workspace.root / file.path
        if path.exists() and file_digest(path) == file.sha256:
            erase_rows(path, set(file.rows))
    for place in made.removed:
        remove(workspace.root / place)
    for source, before in made.corpora.items():
        if file_digest(workspace.corpus(source) / MANIFEST) == before:
            _rewrite_corpus(workspace, source, made, wanted)
        sweep(workspace.corpus(source), {MANIFEST, *workspace.corpus_manifest(source).paths()})
    for stone in made.versions:
        withdraw(workspace, stone)
    for document in made.documents:
        withdraw_document(workspace, document)
    _clear_remains(workspace, held)
    for entry in wanted:
        ledger.write(workspace, entry.model_copy(update={"purged": ledger.now(), "left": made.left[entry.id]}))
    remove(ledger.folder(workspace) / JOURNAL)


# Corpora


def _rewrite_corpus(workspace: Workspace, source: str, made: PurgeJournal, wanted: Sequence[Takedown]) -> None:
    """A corpus without taken rows, its later raw rows moved up; the manifest goes last."""
    manifest, folder, marks = workspace.corpus_manifest(source), workspace.corpus(source), Marks.of(wanted)
    gone: set[str] = set()
    dialogues = _files_without(folder, manifest.dialogues, "dialogue_id", marks.of_dialogue(), gone)
    texts = _files_without(folder, manifest.learner_texts, "text_id", marks.of_text(), gone)
    moved = {
        named.raw_file: np.array(file.rows, np.int64)
        for file in made.files
        for named in file.named
        if named.source == source
    }
    refused = {row.sha256 for entry in wanted for row in entry.rows.refused if row.source == source}
    origins = read_parquet(folder / manifest.origins.path)
    rejected = _rejected_without(folder, manifest.rejected, refused, moved)
    changed = manifest.model_copy(
        update={
            "dialogues": dialogues,
            "learner_texts": texts,
            "rejected": rejected,
            "origins": _origins_without(folder, origins, gone, moved),
            "ledger": _ledger_after(manifest, len(gone)),
            "record": _record_after(manifest, made, len(gone), _rows(manifest.rejected) - _rows(rejected), moved),
        }
    )
    write_model(folder / MANIFEST, changed)


def _rows(files: Sequence[FileEntry]) -> int:
    return sum(entry.rows for entry in files)


def _files_without(
    folder: Path, files: Sequence[FileEntry], name: str, taken: pl.Expr, gone: set[str]
) -> list[FileEntry]:
    """Shards without the rows that are taken, whose ids go into `gone`; shards that hold none stay as they are."""
    kept = []
    for entry in files:
        rows = read_parquet(folder / entry.path)
        left = rows.filter(taken.is_null())
        gone.update(rows.filter(taken.is_not_null())[name])
        if left.height == rows.height:
            kept.append(entry)
        elif left.height:
            kept.append(publish(folder, ".parquet", partial(write_parquet, left, level=1), rows=left.height))
    return kept


def _rejected_without(folder: Path, files: Sequence[FileEntry], refused: set[str], moved: _Moved) -> list[FileEntry]:
    if not files or not (refused or moved):
        return list(files)
    rows = pl.concat([read_parquet(folder / entry.path) for entry in files])
    rows = rows.filter(pl.Series([raw_hash(raw) not in refused for raw in rows["raw"]], dtype=pl.Boolean))
    rows = _moved_up(rows, moved)
    if rows.is_empty():
        return []

    def write(stream: Any) -> None:
        write_row_groups(stream, rows.iter_slices(ROW_GROUP), REJECTED_SCHEMA)

    return [publish(folder, ".parquet", write, rows=rows.height, prefix="rejected-")]


def _origins_without(folder: Path, rows: pl.DataFrame, gone: set[str], moved: _Moved) -> FileEntry:
    rows = _moved_up(rows.filter(~pl.col(rows.columns[0]).is_in(list(gone))), moved)
    return publish(folder, ".parquet", partial(write_parquet, rows, level=1), rows=rows.height, prefix="origins-")


def _moved_up(rows: pl.DataFrame, moved: _Moved) -> pl.DataFrame:
    """Rows with `raw_file` and `raw_row` as they stand once some were taken out of the raw files; rows of those go."""
    taken_out = [
        (pl.col("raw_file") == raw_file) & pl.col("raw_row").is_in(taken.tolist()) for raw_file, taken in moved.items()
    ]
    rows = rows.filter(~pl.any_horizontal(taken_out)) if taken_out else rows
    numbers = rows["raw_row"].to_numpy().copy()
    for raw_file, taken in moved.items():
        of_file = (rows["raw_file"] == raw_file).to_numpy()
        numbers[of_file] -= np.searchsorted(taken, numbers[of_file])
    return rows.with_columns(raw_row=pl.Series(numbers, dtype=pl.Int64))


def _ledger_after(manifest: CorpusManifest, gone: int) -> list[LedgerLine]:
    """The corpus's ledger with what purges have erased so far, so that its sums hold."""
    story = [line for line in manifest.ledger if line.step != PURGED]
    before = sum(line.rows for line in manifest.ledger if line.step == PURGED and line.reason)
    if before + gone:
        last = story[-1]
        story += step_lines(manifest.source, PURGED, last.unit, last.rows_out, {TAKEN: before + gone})
    check_conservation(story)
    return story


def _record_after(
    manifest: CorpusManifest, made: PurgeJournal, gone: int, refused: int, moved: _Moved
) -> dict[str, Any]:
    files = [
        file | {"rows": file["rows"] - len(moved.get(file["path"], ()))}
        for file in manifest.record.get("raw_files", [])
    ]
    noted = {
        "when": ledger.now(),
        "takedowns": made.takedowns,
        "digest_before": manifest.digest(),
        "rows": gone,
        "refused": refused,
        "raw_rows": sum(len(rows) for rows in moved.values()),
    }
    return manifest.record | {
        "raw_files": [file for file in files if file["rows"] > 0],
        PURGED: [*manifest.record.get(PURGED, []), noted],
    }


def _clear_remains(workspace: Workspace, held: set[str]) -> None:
    """What killed runs left: scratch folders that nobody works in, and files that were never finished."""
    for place in sorted((workspace.root / ".scratch").glob("*")):
        if place.name in held:
            remove(place)
            continue
        try:
            with workspace.lock(place.name):
                remove(place)
        except LockedError:  # a run that began before this purge, on corpora of its own
            continue
    for top in ("raw", "evaluation", "takedowns"):
        for path in (workspace.root / top).rglob(".writing-*"):
            remove(path)
