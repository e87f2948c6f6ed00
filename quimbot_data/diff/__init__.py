"""Two versions compared: every row that differs with its reason, and what shifted.

    data, fates and manifests of A and B -> rows without text -> removed, added, changed, moved
        -> one reason each -> counts that add up -> shifts with effect sizes -> examples

No text is read but that of the examples. What is held grows with rows, by some hundred bytes each, not with text.
"""

from typing import Any

import polars as pl

from quimbot_data.diff.examples import examples as examples_of
from quimbot_data.diff.reasons import Pair, taken
from quimbot_data.diff.rows import differing
from quimbot_data.diff.shifts import shifts
from quimbot_data.diff.sides import Side, read_rows, shared_columns
from quimbot_data.workspace import Ref, Workspace
from schemas.diff import CHANGES, ChangeCount, Diff, Handover, VersionSide
from schemas.errors import IntegrityError

#: Rows shown of each change, reason and source, where not asked otherwise.
EXAMPLES = 3


def diff(workspace: Workspace, a: Ref, b: Ref, *, examples: int = EXAMPLES, threads: int = 2) -> Diff:
    """Compare two versions, of one name or of two.

    Args:
        workspace: holds both.
        a: the version to start from.
        b: the version to come to.
        examples: rows to show of each change, reason and source.
        threads: files read at once.

    Raises:
        MissingError: one of them is not there.
        IntegrityError: a file cannot be read, or a row differs that nothing recorded explains.
    """
    return compared(Pair(Side.of(workspace, a), Side.of(workspace, b), taken(workspace)), examples, threads)


def compared(pair: Pair, examples: int = EXAMPLES, threads: int = 2) -> Diff:
    """Compare two versions, of which either may still be in the making.

    Raises:
        IntegrityError: as `diff`.
    """
    if pair.a.manifest.id == pair.b.manifest.id:
        return _equal(pair)
    columns = shared_columns((pair.a, pair.b))
    a, b = read_rows(pair.a, columns, threads), read_rows(pair.b, columns, threads)
    rows = differing(a.rows, b.rows, pair, columns)
    found = Diff(
        a=_side(pair.a),
        b=_side(pair.b),
        kept=a.rows.height - rows.filter(pl.col("change") != "added").height,
        counts=_counts(rows),
        recipe=pair.keys,
        sources=pair.sources,
        handovers=_handovers(rows),
        shifts=shifts(a.tallies, b.tallies),
        examples=examples_of(rows, pair, examples),
    )
    _check(found)
    return found


def _equal(pair: Pair) -> Diff:
    """One id is one version: the same rows, whatever their numbers."""
    a, b = _side(pair.a), _side(pair.b)
    nothing: dict[str, Any] = {key: [] for key in ("counts", "recipe", "sources", "handovers", "shifts", "examples")}
    return Diff(a=a, b=b, kept=a.dialogues, **nothing)


def _side(side: Side) -> VersionSide:
    splits = side.manifest.identity.splits.values()
    return VersionSide(
        version=str(side),
        id=side.manifest.id,
        schema_version=side.manifest.identity.schema_version,
        dialogues=sum(split.rows for split in splits),
        tokens=sum(split.tokens for split in splits),
    )


def _counts(rows: pl.DataFrame) -> list[ChangeCount]:
    counted = rows.group_by("change", "reason", "detail", "source").agg(dialogues=pl.len()).to_dicts()
    counts = [ChangeCount.model_validate(row) for row in counted]
    return sorted(counts, key=lambda c: (CHANGES.index(c.change), -c.dialogues, c.reason, c.detail, c.source))


def _handovers(rows: pl.DataFrame) -> list[Handover]:
    survivor_source = pl.col("because").str.split(":").list.first()
    duplicates = rows.filter((pl.col("change") == "removed") & (pl.col("reason") == "duplicate"))
    given = duplicates.filter(survivor_source != pl.col("source")).sort("dialogue_id")
    return [Handover(dialogue_id=one, survivor=other) for one, other in given.select("dialogue_id", "because").rows()]


def _check(found: Diff) -> None:
    """Hold that the counts lead from one version to the other, and that none is lost or counted twice."""
    alike = found.kept + found.rows("changed") + found.rows("moved")
    for side, counted in ((found.a, alike + found.rows("removed")), (found.b, alike + found.rows("added"))):
        if side.dialogues != counted:
            raise IntegrityError(
                f"The counts of {found.a.version} against {found.b.version} do not add up: "
                f"{counted:,} of the {side.dialogues:,} dialogues of {side.version}."
            )
