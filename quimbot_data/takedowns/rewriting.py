"""A corpus rewritten without rows that are taken down; its raw rows move up as they did in the raw files."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from quimbot_data.buckets import ROW_GROUP, read_parquet, write_parquet, write_row_groups
from quimbot_data.ledger import PURGED, check_conservation, step_lines
from quimbot_data.shard import REJECTED_SCHEMA
from quimbot_data.takedowns import ledger
from quimbot_data.takedowns.exclusion import TAKEN
from quimbot_data.takedowns.marks import Marks, owners
from quimbot_data.takedowns.resolve import raw_hash
from quimbot_data.workspace import MANIFEST, Workspace, publish, write_model
from schemas.manifest import CorpusManifest, FileEntry, LedgerLine
from schemas.takedown import PurgeJournal, Takedown

#: Rows taken out of a raw file, ascending, by the name that origins have for it.
_Moved = dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]


def rewrite_corpus(workspace: Workspace, source: str, made: PurgeJournal, wanted: Sequence[Takedown]) -> None:
    """A corpus without taken rows, its later raw rows moved up; the manifest goes last."""
    manifest, folder, marks = workspace.corpus_manifest(source), workspace.corpus(source), Marks.of(wanted)
    each = {entry.id: Marks.of([entry]) for entry in wanted}
    gone: dict[str, set[str]] = {}
    dialogues = _files_without(folder, manifest.dialogues, marks.of_dialogue(), each, gone)
    texts = _files_without(folder, manifest.learner_texts, marks.of_text(), each, gone)
    moved = {
        named.raw_file: np.array(file.rows, np.int64)
        for file in made.files
        for named in file.named
        if named.source == source
    }
    refused = {row.sha256 for entry in wanted for row in entry.rows.refused if row.source == source}
    whose = set[str]().union(*gone.values(), *_refused_by(folder, manifest, wanted))
    origins = read_parquet(folder / manifest.origins.path)
    rejected = _rejected_without(folder, manifest.rejected, refused, moved)
    changed = manifest.model_copy(
        update={
            "dialogues": dialogues,
            "learner_texts": texts,
            "rejected": rejected,
            "origins": _origins_without(folder, origins, set(gone), moved),
            "ledger": _ledger_after(manifest, len(gone)),
            "record": _record_after(
                manifest, sorted(whose), len(gone), _rows(manifest.rejected) - _rows(rejected), moved
            ),
        }
    )
    write_model(folder / MANIFEST, changed)


def _rows(files: Sequence[FileEntry]) -> int:
    return sum(entry.rows for entry in files)


def _refused_by(folder: Path, manifest: CorpusManifest, wanted: Sequence[Takedown]) -> Iterator[set[str]]:
    """The entries that take refused raw rows that a corpus holds."""
    for entry in manifest.rejected if any(entry.rows.refused for entry in wanted) else ():
        held = {raw_hash(raw) for raw in read_parquet(folder / entry.path, ["raw"])["raw"]}
        yield {each.id for each in wanted if any(row.sha256 in held for row in each.rows.refused)}


def _files_without(
    folder: Path,
    files: Sequence[FileEntry],
    taken: pl.Expr,
    each: Mapping[str, Marks],
    gone: dict[str, set[str]],
) -> list[FileEntry]:
    """Shards without the rows that are taken, which go into `gone` with their entries; others stay as they are."""
    kept = []
    for entry in files:
        rows = read_parquet(folder / entry.path)
        left = rows.filter(taken.is_null())
        gone.update(owners(rows.filter(taken.is_not_null()), each))
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
    manifest: CorpusManifest, entries: Sequence[str], gone: int, refused: int, moved: _Moved
) -> dict[str, Any]:
    files = [
        file | {"rows": file["rows"] - len(moved.get(file["path"], ()))}
        for file in manifest.record.get("raw_files", [])
    ]
    noted = {
        "when": ledger.now(),
        "takedowns": entries,
        "digest_before": manifest.digest(),
        "rows": gone,
        "refused": refused,
        "raw_rows": sum(len(rows) for rows in moved.values()),
    }
    return manifest.record | {
        "raw_files": [file for file in files if file["rows"] > 0],
        PURGED: [*manifest.record.get(PURGED, []), noted],
    }
