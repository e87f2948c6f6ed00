"""Which rows of a version are taken down or like such rows; a version that holds any does not leave the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import Marks, StoredSets, sets_of
from quimbot_data.version import FATES
from quimbot_data.words import own_texts
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import TermsError
from schemas.manifest import VersionManifest
from schemas.takedown import Takedown

_COLUMNS = ("dialogue_id", "source", "content_hash", "cluster_id", "messages", "provenance")


@dataclass
class Held:
    """Rows of a version that are an entry's, and rows that are like them."""

    taken: set[str] = field(default_factory=set)
    near: set[str] = field(default_factory=set)


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
