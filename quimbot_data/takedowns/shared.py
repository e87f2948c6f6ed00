"""Turns that a taken dialogue of a tree has in common with dialogues that stay: a question stands in every branch."""

from collections.abc import Collection
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.marks import base_id
from quimbot_data.terminal import counted
from quimbot_data.workspace import Workspace
from schemas.takedown import Takedown

_COLUMNS: Final = ("dialogue_id", "messages", "provenance")
#: Dialogues that are named where there are more.
_NAMED: Final = 5


def sharing(workspace: Workspace, taken: Collection[str]) -> list[str]:
    """Dialogues of the corpora that are not taken, and hold a message of a taken one of the same tree; sorted.

    Args:
        workspace: of the corpora.
        taken: ids of dialogues, without epochs.
    """
    found: list[str] = []
    for source in sorted({name.partition(":")[0] for name in taken} & set(workspace.sources())):
        if trees := _trees(workspace, source, taken):
            turns = _turns(workspace, source, trees)
            ours = pl.col("dialogue_id").is_in(list(taken))
            rest = turns.filter(~ours).join(turns.filter(ours), on=["tree", "said"], how="semi")
            found.extend(rest["dialogue_id"].unique())
    return sorted(found)


def _trees(workspace: Workspace, source: str, taken: Collection[str]) -> list[str]:
    """What some dialogues are branches of."""
    found = set[str]()
    for entry in workspace.corpus_manifest(source).dialogues:
        rows = read_parquet(workspace.corpus(source) / entry.path, ["dialogue_id", "provenance"])
        rows = rows.filter(pl.col("dialogue_id").is_in(list(taken)))
        found.update(rows["provenance"].struct.field("lineage").drop_nulls())
    return sorted(found)


def _turns(workspace: Workspace, source: str, trees: Collection[str]) -> pl.DataFrame:
    """dialogue_id, tree and said, a hash: one row a message of the dialogues of some trees."""
    parts = []
    for entry in workspace.corpus_manifest(source).dialogues:
        rows = read_parquet(workspace.corpus(source) / entry.path, _COLUMNS)
        rows = rows.select(
            "dialogue_id",
            tree=pl.col("provenance").struct.field("lineage"),
            said=pl.col("messages").list.eval(pl.element().struct.field("content")),
        )
        rows = rows.filter(pl.col("tree").is_in(list(trees))).explode("said")
        parts.append(rows.with_columns(said=pl.col("said").hash()))
    return pl.concat(parts)


def still_sharing(workspace: Workspace, entry: Takedown, known: Collection[Takedown]) -> list[str]:
    """Those of an entry's `shared` dialogues that a corpus holds now, and that no entry takes."""
    taken = {name for other in known for name in other.rows.dialogues}
    wanted, found = [name for name in entry.shared if name not in taken], list[str]()
    for source in sorted({name.partition(":")[0] for name in wanted} & set(workspace.sources())):
        for file in workspace.corpus_manifest(source).dialogues:
            ids = read_parquet(workspace.corpus(source) / file.path, ["dialogue_id"])
            found.extend(ids.filter(base_id(pl.col("dialogue_id")).is_in(wanted))["dialogue_id"])
    return sorted(found)


def told_of(dialogues: Collection[str]) -> str:
    """In words that turns of a taken dialogue stand in these, too."""
    some = ", ".join(sorted(dialogues)[:_NAMED]) + (", …" if len(dialogues) > _NAMED else "")
    stay = "which stays" if len(dialogues) == 1 else "which stay"
    return (
        f"turns of it, a question say, stand in {counted(len(dialogues), 'other dialogue')} of its tree, {stay}: {some}"
    )
