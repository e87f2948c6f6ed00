"""Duplicates within and across sources: exact ones where all dialogues of one content meet, near ones by cluster.

The survivor is the dialogue of the source that the recipe names first, then the smallest id: neither file order nor
engine decides. Duplicates also tie conversation trees together, so that no content straddles splits.
"""

from collections.abc import Iterable

import polars as pl


def drop_exact_duplicates(rows: pl.DataFrame, *, drop: bool) -> pl.DataFrame:
    """Name the duplicates among the rows that are still in.

    Args:
        rows: all rows of some contents: dialogue_id, content_hash, priority, step, reason.
        drop: whether the recipe drops them.

    Returns:
        The rows, with `step` "dedup", `reason` "exact-duplicate" and the survivor's id in `detail` on duplicates.
    """
    rows = rows.with_columns(detail=pl.lit(None, pl.String))
    if not drop:
        return rows
    rows = rows.sort("content_hash", pl.col("step").is_not_null(), "priority", "dialogue_id")
    survivor = pl.col("dialogue_id").first().over("content_hash")
    duplicate = pl.col("step").is_null() & (survivor != pl.col("dialogue_id"))
    return rows.with_columns(
        step=pl.when(duplicate).then(pl.lit("dedup")).otherwise("step"),
        reason=pl.when(duplicate).then(pl.lit("exact-duplicate")).otherwise("reason"),
        detail=pl.when(duplicate).then(survivor),
    )


def drop_near_duplicates(members: pl.DataFrame, *, drop: bool) -> pl.DataFrame:
    """Choose the survivor of each near-duplicate cluster among its rows that are still in.

    Args:
        members: all rows of the clusters: dialogue_id, cluster, group, priority, step.
        drop: whether the recipe drops the others.

    Returns:
        dialogue_id, group; `of_group`, the group that ties the cluster together; `cluster_id`, the survivor's id, where
        two rows or more are still in; and `survivor`, the same id on the rows to drop.
    """
    alive = pl.col("step").is_null()
    members = members.sort("cluster", ~alive, "priority", "dialogue_id")
    first = pl.col("dialogue_id").first().over("cluster")
    several = alive & (alive.sum().over("cluster") > 1)
    dropped = several & (pl.col("dialogue_id") != first) & pl.lit(drop)
    return members.select(
        "dialogue_id",
        "group",
        of_group=pl.col("group").min().over("cluster"),
        cluster_id=pl.when(several).then(first),
        survivor=pl.when(dropped).then(first),
    )


def label_groups(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Give each row the label of its group: the smallest lineage among equal contents, or the content itself.

    Args:
        rows: all rows of some contents: content_hash, lineage.

    Returns:
        The rows with `group`, and the pairs of lineages that one content ties together.
    """
    smallest = pl.col("lineage").min().over("content_hash")
    rows = rows.with_columns(group=pl.coalesce(smallest, "content_hash"))
    tied = (
        rows.filter(pl.col("lineage") != pl.col("group")).select("group", "lineage").unique().sort("group", "lineage")
    )
    return rows, sorted(tied.iter_rows())


def connected(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Connected components over pairs of labels: each label that is not its component's smallest, to that smallest."""
    parent: dict[str, str] = {}

    def root(label: str) -> str:
        while (above := parent.get(label, label)) != label:
            parent[label] = parent.get(above, above)
            label = above
        return label

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return {label: root(label) for label in parent if root(label) != label}
