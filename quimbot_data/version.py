"""Versions on disk: how their data is written, how they are published by one rename, and how they are verified."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from quimbot_data.buckets import Spill, write_parquet
from quimbot_data.ingest import in_order
from quimbot_data.mix import with_repeats
from quimbot_data.observe import Steps
from quimbot_data.workspace import (
    MANIFEST,
    Ref,
    Workspace,
    atomic,
    entry_of,
    file_digest,
    new_folder,
    read_model,
    sync_folder,
    write_model,
    writing,
)
from schemas.dialogue import Dialogue
from schemas.errors import ExistsError, IntegrityError, WorkspaceError
from schemas.frame import dialogue_schema, faults, row_digests
from schemas.manifest import SPLITS, Documents, FileEntry, SplitDigest, VersionManifest

FATES: Final = "fates.parquet"
DOCUMENTS: Final = "documents.json"
#: One row a dialogue that the recipe looked at.
FATES_SCHEMA: Final = pl.Schema(
    {
        "dialogue_id": pl.String(),
        "source": pl.String(),
        "family": pl.String(),
        "fate": pl.String(),
        "step": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "split": pl.String(),
        "cluster_id": pl.String(),
        "component": pl.Int32(),
        "u": pl.Float64(),
        "threshold": pl.Float64(),
        "copies": pl.Int32(),
    }
)


@dataclass
class DataWriter:
    """Writes kept dialogues as `data/<split>-NNNNN-of-NNNNN.parquet`, in the order of their content hash.

    That order is a fixed shuffle: every file holds all families, and none depends on the corpora's order.
    """

    folder: Path
    scratch: Path
    threads: int
    _spills: dict[str, Spill] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split in SPLITS:
            self._spills[split] = Spill(new_folder(self.scratch / f"data-{split}"))

    def write(self, number: int, rows: pl.DataFrame) -> None:
        """Take the kept dialogues of one corpus file: columns of a dialogue + `split`."""
        for split in SPLITS:
            part = rows.filter(pl.col("split") == split).select(list(dialogue_schema()))
            if part.height:
                self._spills[split].write(number, part, pl.col("content_hash"))

    def finish(self, steps: Steps) -> tuple[list[FileEntry], dict[str, SplitDigest]]:
        """Write the files; a split without rows gets none."""
        entries: list[FileEntry] = []
        digests: dict[str, SplitDigest] = {}
        for split in SPLITS:
            row_hashes, tokens = [], 0
            for entry, hashes, n_tokens in self._files(split):
                entries.append(entry)
                row_hashes.append(hashes)
                tokens += n_tokens
                steps.rows("write", entry.rows)
            digests[split] = _split_digest(row_hashes, tokens)
        return entries, digests

    def _files(self, split: str) -> Iterator[tuple[FileEntry, np.ndarray[tuple[int], np.dtype[np.bytes_]], int]]:
        spill = self._spills[split]
        groups = [group for group in spill.groups() if spill.rows(group)]

        def write(numbered: tuple[int, range]) -> tuple[FileEntry, np.ndarray[tuple[int], np.dtype[np.bytes_]], int]:
            number, buckets = numbered
            rows = spill.read(buckets).sort("content_hash", "dialogue_id")
            _check(rows)
            path = self.folder / "data" / f"{split}-{number:05}-of-{len(groups):05}.parquet"
            with atomic(path) as stream:
                write_parquet(rows, stream)
            hashes = rows.select(row_digests(Dialogue)).to_series().to_numpy().astype("S64")
            return entry_of(path, self.folder, rows.height), hashes, int(rows["n_tokens"].sum())

        yield from in_order(write, enumerate(groups), self.threads)


def _check(rows: pl.DataFrame) -> None:
    fault = rows.select("dialogue_id", faults(Dialogue)).filter(pl.col("fault").is_not_null())
    if fault.height:
        dialogue_id, name = fault.row(0)
        raise IntegrityError(
            f"{dialogue_id} breaks the rule {name!r} of the schema, and {fault.height - 1} others break one.",
            next_step="The corpus was written by another version of this package: ingest it again.",
        )


def _split_digest(row_hashes: list[np.ndarray[tuple[int], np.dtype[np.bytes_]]], tokens: int) -> SplitDigest:
    """sha256 over the sorted hex digests of the rows, one after another."""
    hashes = np.sort(np.concatenate(row_hashes)) if row_hashes else np.array([], "S64")
    return SplitDigest(rows=len(hashes), tokens=tokens, digest=hashlib.sha256(hashes.tobytes()).hexdigest())


def refuse_withdrawn(workspace: Workspace, ref: Ref) -> None:
    """Hold that a version's number was not withdrawn.

    Raises:
        ExistsError: a takedown withdrew it; its number does not come back with other rows.
    """
    stone = workspace.tombstone(ref)
    if stone is not None:
        raise ExistsError(
            f"{ref} was withdrawn on {stone.withdrawn[:10]} (takedown {', '.join(stone.takedowns)}); its number does "
            "not come back with other rows.",
            next_step=f"Build under a higher number, e.g. `quimbot build {ref} --version {workspace.next_patch(ref)}`.",
        )


def same_version(workspace: Workspace, ref: Ref, manifest: VersionManifest) -> VersionManifest | None:
    """The existing version where it has the same id; None where there is none.

    Raises:
        ExistsError: it exists with another id.
    """
    if not (workspace.version(ref) / MANIFEST).exists():
        return None
    existing = workspace.version_manifest(ref)
    if existing.id == manifest.id:
        return existing
    raise ExistsError(
        f"{ref} exists with id {existing.id[:12]}; this build has id {manifest.id[:12]}. Versions are immutable.",
        next_step="Build under a higher number (`--version next` finds the one that is due), or delete that version's "
        "folder if nobody uses it.",
    )


def publish_version(workspace: Workspace, ref: Ref, folder: Path) -> None:
    """Give a finished folder its name: one rename, so a version is there whole or not at all."""
    final = workspace.version(ref)
    with writing(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists() and any(final.iterdir()):
            raise WorkspaceError(
                f"{final} is in the way: it holds files and no {MANIFEST}, so it is no version.",
                next_step="Move it elsewhere, then build again.",
            )
        for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
            sync_folder(place)
        folder.rename(final)
        sync_folder(final.parent)


def seal(folder: Path, manifest: VersionManifest) -> None:
    """Write `documents.json` over the documents beside the data, then the manifest, last."""
    listed = {entry.path for entry in (*manifest.data, manifest.fates)} | {MANIFEST, DOCUMENTS}
    documents = {path: file_digest(folder / path) for path in _files_below(folder) if path not in listed}
    write_model(folder / DOCUMENTS, Documents(files=documents))
    write_model(folder / MANIFEST, manifest)


def _files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def verify(workspace: Workspace, ref: Ref) -> list[str]:
    """Compare a version with its manifest: every byte of data and documents, every row digest, its id.

    Returns:
        What is wrong, one line each; empty where nothing is.
    """
    folder, manifest = workspace.version(ref), workspace.version_manifest(ref)
    problems = _file_problems(folder, manifest)
    if manifest.identity.id() != manifest.id:
        problems.append(f"{MANIFEST}: the id does not follow from the identity")
    if not problems:
        problems += _row_problems(folder, manifest)
    return problems


def _file_problems(folder: Path, manifest: VersionManifest) -> list[str]:
    expected = {entry.path: entry.sha256 for entry in (*manifest.data, manifest.fates)}
    problems = []
    if (folder / DOCUMENTS).exists():
        expected |= read_model(folder / DOCUMENTS, Documents).files
    else:
        problems.append(f"{DOCUMENTS}: missing")
    present = set(_files_below(folder))
    for path, digest in sorted(expected.items()):
        if path not in present:
            problems.append(f"{path}: missing")
        elif file_digest(folder / path) != digest:
            problems.append(f"{path}: its bytes differ from what was written")
    problems += [f"{path}: not part of the version" for path in sorted(present - set(expected) - {MANIFEST, DOCUMENTS})]
    return problems


def _row_problems(folder: Path, manifest: VersionManifest) -> list[str]:
    """Digests of the rows themselves: catches a manifest that was changed together with the data."""
    problems, kept = [], []
    for split in SPLITS:
        hashes, tokens = [], 0
        for entry in manifest.data:
            if not entry.path.startswith(f"data/{split}-"):
                continue
            rows = _readable(folder / entry.path)
            if rows is None or rows.schema != dialogue_schema() or rows.height != entry.rows:
                problems.append(f"{entry.path}: it does not hold the {entry.rows} rows that {MANIFEST} states")
                continue
            hashes.append(rows.select(row_digests(Dialogue)).to_series().to_numpy().astype("S64"))
            tokens += int(rows["n_tokens"].sum())
            kept.append(rows.select("dialogue_id", split=pl.lit(split)))
        if _split_digest(hashes, tokens) != manifest.identity.splits[split]:
            problems.append(f"{split}: its rows are not those of the version's identity")
    return problems + ([] if problems else _fate_problems(folder, manifest, kept))


def _readable(path: Path) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError):
        return None


def _fate_problems(folder: Path, manifest: VersionManifest, kept: list[pl.DataFrame]) -> list[str]:
    fates = _readable(folder / FATES)
    if (
        fates is None
        or not {"dialogue_id", "split", "fate", "copies"} <= set(fates.columns)
        or fates.height != manifest.fates.rows
    ):
        return [f"{FATES}: it does not hold the {manifest.fates.rows} rows that {MANIFEST} states"]
    kept_once = fates.filter(pl.col("fate") == "kept").select("dialogue_id", "split", "copies")
    stated = with_repeats(kept_once).sort("dialogue_id")
    rows = pl.concat(kept).sort("dialogue_id") if kept else stated.clear()
    return [] if stated.equals(rows) else [f"{FATES}: its kept dialogues are not those of the data"]
