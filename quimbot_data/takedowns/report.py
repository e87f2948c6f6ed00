"""What still holds taken rows: versions, the training runs on them, and the patched version to build of each."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import read_parquet
from quimbot_data.ledger import PURGED
from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import Marks, StoredSets, sets_of
from quimbot_data.version import FATES
from quimbot_data.words import own_texts
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import TermsError
from schemas.manifest import CorpusManifest, VersionManifest
from schemas.takedown import Takedown

_COLUMNS = ("dialogue_id", "source", "content_hash", "cluster_id", "messages", "provenance")


class Holder(BaseModel):
    """A version that holds rows of an entry."""

    version: str
    id: str
    dialogues: int
    """Rows of the entry, epochs counted each."""
    near_duplicates: int
    """Rows that are like them: of their cluster, or of shingles as near as the version's recipe draws the line."""
    runs: list[str]
    """Training runs on the version."""
    patched: str | None
    """A later version of its line that holds none of them, where there is one."""
    command: str | None
    """What builds that version, where there is none."""


class Withdrawn(BaseModel):
    """A version that was withdrawn on account of an entry."""

    version: str
    runs: list[str]


class EntryReport(BaseModel):
    """Who holds rows of an entry."""

    takedown: str
    reason: str
    purged: str | None
    holders: list[Holder]
    withdrawn: list[Withdrawn]


@dataclass
class Held:
    """Rows of a version that are an entry's, and rows that are like them."""

    taken: set[str] = field(default_factory=set)
    near: set[str] = field(default_factory=set)


def report(workspace: Workspace, wanted: Sequence[Takedown]) -> list[EntryReport]:
    """Which versions hold rows of these entries.

    Raises:
        IntegrityError: a manifest is not valid.
    """
    held = {ref: held_rows(workspace, ref, wanted) for ref in workspace.versions()} if wanted else {}
    runs = training_runs(workspace)
    stones = [stone for ref in workspace.withdrawn() if (stone := workspace.tombstone(ref))]
    return [
        EntryReport(
            takedown=entry.id,
            reason=entry.reason,
            purged=entry.purged,
            holders=[_holder(workspace, ref, entry.id, held, runs) for ref in held if entry.id in held[ref]],
            withdrawn=[
                Withdrawn(version=f"{stone.name}@{stone.version}", runs=runs.get(stone.id, []))
                for stone in stones
                if entry.id in stone.takedowns
            ],
        )
        for entry in wanted
    ]


def _holder(
    workspace: Workspace, ref: Ref, entry: str, held: dict[Ref, dict[str, Held]], runs: dict[str, list[str]]
) -> Holder:
    manifest, rows = workspace.version_manifest(ref), held[ref][entry]
    patched = patched_version(ref, [other for other in held if entry not in held[other]])
    return Holder(
        version=str(ref),
        id=manifest.id,
        dialogues=len(rows.taken),
        near_duplicates=len(rows.near),
        runs=runs.get(manifest.id, []),
        patched=patched,
        command=None if patched else f"quimbot build {ref} --version {workspace.next_patch(ref)}",
    )


def patched_version(ref: Ref, clean: Sequence[Ref]) -> str | None:
    """The lowest of some versions that stands in for one: of its name, MAJOR and MINOR, with a higher PATCH."""
    line = ref.order()[1][:2]
    later = [other for other in clean if other.name == ref.name and other.order()[1][:2] == line]
    return next((str(other) for other in sorted(later, key=Ref.order) if other.order() > ref.order()), None)


def holders(workspace: Workspace, ref: Ref) -> dict[str, int]:
    """How many rows of a version each entry of the ledger takes, near-duplicates counted; entries of none left out."""
    known = entries(workspace)
    held = held_rows(workspace, ref, known) if known else {}
    return {entry: len(rows.taken | rows.near) for entry, rows in held.items()}


def refuse_taken(workspace: Workspace, ref: Ref) -> None:
    """Hold that a version holds nothing that was taken down: it must not leave the workspace any more.

    Raises:
        TermsError: it does; names the entries and what to build in its place.
    """
    held = holders(workspace, ref)
    if held:
        told = ", ".join(f"{entry} {rows:,}" for entry, rows in sorted(held.items()))
        raise TermsError(
            f"{ref} holds dialogues that were taken down ({told}), so no copy of it is made.",
            next_step=f"Build it without them: `quimbot build {ref} --version {workspace.next_patch(ref)}`.",
        )


def held_rows(workspace: Workspace, ref: Ref, wanted: Sequence[Takedown]) -> dict[str, Held]:
    """What a version holds of each entry; entries of which it holds nothing are left out."""
    manifest, folder = workspace.version_manifest(ref), workspace.version(ref)
    marks, stored = {entry.id: Marks.of([entry]) for entry in wanted}, StoredSets.of(wanted)
    held = {entry.id: Held() for entry in wanted}
    clusters = _clusters(read_parquet(folder / FATES, ["dialogue_id", "cluster_id"]), wanted)
    grouped = []
    for file in manifest.data:
        rows = read_parquet(folder / file.path, _COLUMNS)
        for entry, known in marks.items():
            taken = rows.filter(known.of_dialogue().is_not_null())
            held[entry].taken.update(taken["dialogue_id"])
            clusters[entry].update(taken["cluster_id"].drop_nulls())
        for place, entry in stored.near(sets_of(own_texts(rows)), least_similarity(manifest)):
            held[entry].near.add(rows["dialogue_id"][place])
        grouped.append(rows.select("dialogue_id", "cluster_id").drop_nulls())
    for entry, found in clusters.items():
        for rows in grouped if found else ():
            held[entry].near.update(rows.filter(pl.col("cluster_id").is_in(list(found)))["dialogue_id"])
    for found_rows in held.values():
        found_rows.near -= found_rows.taken
    return {entry: rows for entry, rows in held.items() if rows.taken or rows.near}


def _clusters(fates: pl.DataFrame, wanted: Sequence[Takedown]) -> dict[str, set[str]]:
    """The clusters in which a version's fates have rows of each entry, kept or dropped."""
    clustered = fates.drop_nulls()
    return {
        entry.id: set(clustered.filter(pl.col("dialogue_id").is_in(entry.rows.dialogues))["cluster_id"])
        for entry in wanted
    }


def least_similarity(manifest: VersionManifest) -> float:
    """From which Jaccard similarity on a version's rows count as near-duplicates of taken ones."""
    asked = manifest.identity.recipe.near_duplicates
    return THRESHOLD if asked.action == "off" else asked.threshold


def training_runs(workspace: Workspace) -> dict[str, list[str]]:
    """Training runs by the id of the version that they were trained on."""
    runs: dict[str, list[str]] = {}
    for path in sorted((workspace.root / "runs").glob("*/record.json")):
        try:
            record = json.loads(path.read_bytes())
        except ValueError:  # cut short, as a killed run leaves it
            continue
        if isinstance(record, dict) and isinstance(record.get("version_id"), str):
            runs.setdefault(record["version_id"], []).append(path.parent.name)
    return runs


def equal_digests(corpus: CorpusManifest, excluded: Collection[str]) -> list[str]:
    """Digests of a corpus that mean the same to whoever leaves these entries' rows out: now, and before purges of them.

    Args:
        corpus: as it is now.
        excluded: entries of the ledger.
    """
    found = [corpus.digest()]
    for purge in reversed(corpus.record.get(PURGED, [])):
        if not set(purge["takedowns"]) <= set(excluded):
            break
        found.append(purge["digest_before"])
    return found
