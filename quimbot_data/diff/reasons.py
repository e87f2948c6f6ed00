"""Why a row of one version is not in the other, or is not the same: exactly one reason a row, from what both versions
record of themselves.

| reason | of a row that one version holds and the other does not |
|---|---|
| `recipe` | the other's recipe does not name its source, has no component for it, or asks for another share of it |
| `source revision` | the other's corpus is another and did not hold it |
| `takedown` | a takedown keeps it, or a near-duplicate of it, out of the other |
| `duplicate` | the other holds an equal or nearly equal row instead |
| `terms`, `filter`, `safety`, `decontaminate`, `skeletons` | a rule of the other dropped it |
| `over budget` | the other's component was full before it, at the same budget and order |
| `epochs` | the other holds the dialogue, and repeats it less often |

A changed row has the reason `source revision` where its corpus is another, else `recipe` where a key differs that
rules what changed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from quimbot_data.diff.inputs import clearance_changes, key_changes, keys_for, mix_keys, source_changes
from quimbot_data.diff.sides import EPOCH, Side, fates
from quimbot_data.takedowns.ledger import entries
from quimbot_data.workspace import Workspace
from schemas.diff import KeyChange, SourceChange
from schemas.manifest import VersionManifest

#: Columns that a build makes; all others stand in the corpus.
BUILT = ("untrained", "cluster_id", "split")
#: What decides the reason of a row that one version lacks.
_CASE = ("source", "fate", "step", "fate_reason", "own_component", "component", "survivor_source", "erased")


class Cause(NamedTuple):
    """A reason and what there is to add to it."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Pair:
    """Two versions, and the ids that takedowns name."""

    a: Side
    b: Side
    taken: Collection[str]

    @cached_property
    def keys(self) -> list[KeyChange]:
        """Inputs that differ."""
        a, b = self.a.manifest, self.b.manifest
        return [*key_changes(a.identity, b.identity), *clearance_changes(a, b)]

    @cached_property
    def sources(self) -> list[SourceChange]:
        """Corpora that differ."""
        return source_changes(self.a.manifest, self.b.manifest)

    @cached_property
    def revised(self) -> frozenset[str]:
        """Sources of both versions whose corpus is another."""
        return frozenset(change.source for change in self.sources if change.corpus_a and change.corpus_b)

    @cached_property
    def with_takedowns(self) -> bool:
        """Whether either version left rows out for a takedown."""
        lines = (*self.a.manifest.ledger, *self.b.manifest.ledger)
        return any(line.step == "takedown" and line.reason for line in lines)


def taken(workspace: Workspace) -> frozenset[str]:
    """Ids of dialogues that takedowns name and that no corpus may hold any more.

    What a version's fates say of takedowns needs none of this: it is for rows that a purge has erased.
    """
    return frozenset(dialogue for entry in entries(workspace) for dialogue in entry.rows.dialogues)


def reasons_of_absence(rows: pl.DataFrame, own: Side, other: Side, pair: Pair) -> pl.DataFrame:
    """Why the other version does not hold some rows.

    Args:
        rows: dialogue_id, source, and others.
        own: holds the rows.
        other: does not.
        pair: both of them.

    Returns:
        The rows with `reason` (null where nothing explains it), `detail`, and `because`: what the other's fates name.
    """
    theirs = fates(other, rows["dialogue_id"]).rename({"reason": "fate_reason", "detail": "because"})
    mine = fates(own, rows["dialogue_id"]).select("dialogue_id", own_component="component")
    rows = rows.join(theirs, on="dialogue_id", how="left").join(mine, on="dialogue_id", how="left")
    erased = pl.Series(sorted(pair.taken), dtype=pl.String)
    rows = rows.with_columns(
        survivor_source=pl.when(pl.col("step") == "dedup").then(pl.col("because").str.split(":").list.first()),
        erased=pl.col("fate").is_null() & pl.col("dialogue_id").str.replace(EPOCH, "").is_in(erased.implode()),
    )
    cases = rows.select(_CASE).unique()
    causes = [_absence(case, own.manifest, other.manifest, pair) for case in cases.iter_rows(named=True)]
    return rows.join(_with_causes(cases, causes), on=_CASE, how="left", nulls_equal=True)


def _absence(case: dict[str, Any], own: VersionManifest, other: VersionManifest, pair: Pair) -> Cause | None:
    if case["fate"] is None:
        return _never_looked_at(case, other, pair)
    if case["fate"] == "kept":
        return Cause("epochs", _mix_detail(case, own, other))
    step, reason = str(case["step"]), str(case["fate_reason"])
    if step == "dedup":
        return Cause("duplicate", f"{reason} of {case['survivor_source']}")
    if step == "mix":
        keys = _mix_detail(case, own, other)
        return Cause("recipe", keys) if keys else Cause("over budget")
    if step == "select":
        keys = ", ".join(change.key for change in pair.keys if change.key.startswith("components."))
        return Cause("recipe", keys) if keys else _revised(case["source"], pair)
    return Cause(step, reason)


def _never_looked_at(case: dict[str, Any], other: VersionManifest, pair: Pair) -> Cause | None:
    if case["source"] not in other.sources:
        return Cause("recipe", "sources")
    return Cause("takedown", "purged") if case["erased"] else _revised(case["source"], pair)


def _revised(source: str, pair: Pair) -> Cause | None:
    return Cause("source revision") if source in pair.revised else None


def _mix_detail(case: dict[str, Any], own: VersionManifest, other: VersionManifest) -> str:
    if case["own_component"] is None or case["component"] is None:
        return ""
    return ", ".join(mix_keys(own, case["own_component"], other, case["component"]))


def reasons_of_change(rows: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    """Why some rows are not the same in both versions.

    Args:
        rows: dialogue_id, source, `columns` that differ (list of str, `split` among them), split_a, split_b.
        pair: the versions.

    Returns:
        The rows with `reason` (null where nothing explains it) and `detail`: the columns, or the splits of a row that
        differs in nothing else.
    """
    rows = rows.with_columns(case=pl.col("columns").list.join(", "))
    cases = rows.select("source", "case", "split_a", "split_b").unique()
    causes = []
    for source, columns, split_a, split_b in cases.iter_rows():
        detail = f"{split_a} → {split_b}" if columns == "split" else columns
        reason = _change(source, columns.split(", "), pair)
        causes.append(Cause(reason, detail) if reason else None)
    return rows.join(_with_causes(cases, causes), on=cases.columns, how="left", nulls_equal=True).drop("case")


def _change(source: str, columns: list[str], pair: Pair) -> str | None:
    if any(column not in BUILT for column in columns):  # the corpus gives it, so the corpus must be another
        return "source revision" if source in pair.revised else None
    if any(keys_for(column, pair.keys) for column in columns):
        return "recipe"
    if pair.revised:  # a row of another source may tie it to another cluster or split
        return "source revision"
    return "takedown" if pair.with_takedowns else None


def _with_causes(cases: pl.DataFrame, causes: list[Cause | None]) -> pl.DataFrame:
    reasons = pl.Series("reason", [cause.reason if cause else None for cause in causes], dtype=pl.String)
    details = pl.Series("detail", [cause.detail if cause else "" for cause in causes], dtype=pl.String)
    return cases.with_columns(reasons, details)
