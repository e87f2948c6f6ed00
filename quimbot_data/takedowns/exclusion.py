"""Takedowns in a build: the rows of the ledger go, whatever else would drop them, and so does all that is like them.

    row         its id, raw id or content is in the ledger, or it was made of such a row     `taken-down`
    cluster     it is a near-duplicate of such a row, or of a content in the ledger          `near-taken-down`

Near-duplicates are told by the recipe's own threshold, and by `THRESHOLD` where a recipe does not look for them; then
they are looked for on account of the ledger alone, and nothing else is tied or dropped.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from quimbot_data.near_duplicates.shingles import ShingleSets
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import Marks, StoredSets
from quimbot_data.workspace import Workspace
from schemas.takedown import Takedown

#: The step of a build, as ledger and fates name it, and its reasons.
TAKEDOWN: Final = "takedown"
TAKEN: Final = "taken-down"
NEAR: Final = "near-taken-down"
#: Least Jaccard similarity where a recipe names none.
THRESHOLD: Final = 0.8

_FOUND: Final = pl.Schema({"dialogue_id": pl.String(), "taken": pl.String()})


@dataclass
class Exclusion:
    """What the ledger keeps out of a run, and what the run found of it."""

    entries: Sequence[Takedown]
    marks: Marks
    stored: StoredSets
    found: list[pl.DataFrame] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, workspace: Workspace) -> "Exclusion":
        """Read the ledger.

        Raises:
            IntegrityError: an entry is not valid.
        """
        held = entries(workspace)
        return cls(held, Marks.of(held), StoredSets.of(held))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def ids(self) -> list[str]:
        """The entries' ids, sorted."""
        return sorted(entry.id for entry in self.entries)

    def mark(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Drop the rows that are in the ledger, before all other rules.

        Args:
            rows: dialogue_id, source, content_hash, provenance, and step and reason of the other rules.

        Returns:
            The rows with `taken`, the entry that takes them, and `seen`: whether near-duplicates are to be looked for
            among them. Those are the rows that are still in, and taken ones whose content the ledger does not hold.
        """
        alive, taken = pl.col("step").is_null(), pl.col("taken").is_not_null()
        if not self:
            return rows.with_columns(taken=pl.lit(None, pl.String), seen=alive)
        held = pl.col("content_hash").is_in(list(self.marks.contents)) if self.marks.contents else pl.lit(value=False)
        return rows.with_columns(self.marks.of_dialogue()).with_columns(
            seen=alive | (taken & ~held),
            step=pl.when(taken).then(pl.lit(TAKEDOWN)).otherwise("step"),
            reason=pl.when(taken).then(pl.lit(TAKEN)).otherwise("reason"),
        )

    def see(self, rows: pl.DataFrame, sets: ShingleSets, threshold: float) -> None:
        """Note which rows are taken or near to what is in the ledger. Thread-safe, in any order.

        Args:
            rows: dialogue_id, taken.
            sets: their shingles.
            threshold: least Jaccard similarity.
        """
        if not self:
            return
        near = list(self.stored.near(sets, threshold))
        copies = pl.DataFrame(
            {
                "dialogue_id": rows["dialogue_id"].gather(pl.Series([place for place, _ in near], dtype=pl.UInt32)),
                "taken": pl.Series([entry for _, entry in near], dtype=pl.String),
            },
            _FOUND,
        )
        taken = rows.filter(pl.col("taken").is_not_null()).select(list(_FOUND))
        with self._lock:
            self.found += [copies, taken]

    def members(self, clusters: pl.DataFrame, *, tie: bool) -> pl.DataFrame:
        """Which clusters of near-duplicates are taken.

        Args:
            clusters: dialogue_id, cluster.
            tie: whether the recipe looks for near-duplicates itself.

        Returns:
            dialogue_id, cluster, and `taken`, an entry, on all rows of clusters that hold a taken row or are near to
            one. What is near to no other row is a cluster of its own.
        """
        if not self:
            return clusters.with_columns(taken=pl.lit(None, pl.String))
        found = pl.concat([pl.DataFrame(schema=_FOUND), *self.found]).group_by("dialogue_id").agg(pl.col("taken").min())
        hit = clusters.join(found, on="dialogue_id").group_by("cluster").agg(pl.col("taken").min())
        members = clusters.join(hit, on="cluster", how="left").select("dialogue_id", "cluster", "taken")
        if not tie:
            members = members.filter(pl.col("taken").is_not_null()).with_columns(cluster="dialogue_id")
        alone = found.join(members, on="dialogue_id", how="anti")
        alone = alone.select("dialogue_id", "taken", cluster="dialogue_id").select(members.columns)
        return pl.concat([members, alone]).sort("dialogue_id")

    def drop_near(self, rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
        """Drop the rows of taken clusters, before duplicates meet.

        Args:
            rows: dialogue_id, step, reason, taken.
            members: what `members` gives.
        """
        if not self:
            return rows
        rows = rows.join(members.select("dialogue_id", near="taken"), on="dialogue_id", how="left")
        drops = pl.col("near").is_not_null() & pl.col("taken").is_null()
        return rows.with_columns(
            step=pl.when(drops).then(pl.lit(TAKEDOWN)).otherwise("step"),
            reason=pl.when(drops).then(pl.lit(NEAR)).otherwise("reason"),
            taken=pl.coalesce("taken", "near"),
        ).drop("near")
