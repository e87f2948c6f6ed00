"""Which number a version may have: what changed since the version below it decides, so that a number tells it.

| level | against the highest lower version of the name |
|---|---|
| PATCH | rows removed by takedowns, with what follows from that alone; or the same rows, other documents |
| MINOR | rows added, besides |
| MAJOR | rows removed otherwise, changed or moved to another split; or another schema |

What follows from a takedown: rows that take the place of the others, and, where the size is "max" and the component
that binds it lost rows, rows of other components that no longer fit.

The number is the next of its level, no other: 1.4.2 is followed by 1.4.3, 1.5.0 or 2.0.0; numbers that were withdrawn
are passed over. The first version of a name may have any number, and so may the first after all were withdrawn; a
number below all that stand is refused, since it would be held to nothing. By the recipe of the highest lower version,
where that one was withdrawn, its next PATCH is due.

`next` follows the highest version of the name. Where the recipe is named by a version that was withdrawn or holds what
was taken down since (`quimbot build mix@1.0.1 --version next`), it follows that version's own line: `patch_due`.
"""

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from quimbot_data.diff import compared
from quimbot_data.diff.reasons import Pair, taken
from quimbot_data.diff.sides import Side
from quimbot_data.takedowns.holders import holders
from quimbot_data.workspace import Ref, Workspace
from schemas.diff import CHANGES, Change, ChangeCount, Diff
from schemas.errors import VersionNumberError
from schemas.manifest import VersionManifest
from schemas.recipe import Recipe

Level = Literal["PATCH", "MINOR", "MAJOR"]
LEVELS: Final[tuple[Level, ...]] = ("PATCH", "MINOR", "MAJOR")
#: Number of a name's first version where none is asked for.
FIRST: Final = "1.0.0"
#: Why a row may take the place of one that was taken down: the older version had looked at it and left it out.
_REPLACING: Final = ("over budget", "duplicate", "skeletons", "epochs")
#: Why a row may go for want of others that were taken down.
_DISPLACED: Final = ("over budget", "epochs")
#: Reasons of each change that an error names.
_TOLD: Final = 4
_MEANING: Final = (
    "PATCH is for takedowns with what follows from them and for documents alone, MINOR for rows that are only added, "
    "MAJOR for everything else."
)


def level(found: Diff) -> Level:
    """How far the newer version, `b`, is from the older one."""
    if found.a.schema_version != found.b.schema_version:
        return "MAJOR"
    same_recipe = all(change.key == "title" for change in found.recipe)
    makes_room = same_recipe and any(_is_takedown(count) for count in found.counts)
    levels: list[Level] = [
        "PATCH" if _is_takedown(count) or (makes_room and _follows(count)) else _level(count) for count in found.counts
    ]
    return max(levels, key=LEVELS.index, default="PATCH")


def _level(count: ChangeCount) -> Level:
    return "MINOR" if count.change == "added" else "MAJOR"


def _follows(count: ChangeCount) -> bool:
    """Whether rows that were taken down may be why, and nothing else, where recipe and reasons are these."""
    reasons = {"added": _REPLACING, "removed": _DISPLACED}
    return count.reason in reasons.get(count.change, ())


def _is_takedown(count: ChangeCount) -> bool:
    return count.change == "removed" and count.reason == "takedown"


def following(ref: Ref, step: Level, withdrawn: Collection[Ref] = ()) -> Ref:
    """The next version of a level; a number that was withdrawn does not come back."""
    major, minor, patch = ref.order()[1]
    numbers = {"PATCH": (major, minor, patch + 1), "MINOR": (major, minor + 1, 0), "MAJOR": (major + 1, 0, 0)}
    due = Ref(ref.name, ".".join(map(str, numbers[step])))
    return following(due, step, withdrawn) if due in withdrawn else due


def patch_due(workspace: Workspace, ref: Ref) -> Ref | None:
    """The patch that stands in for a version that was withdrawn or holds what was taken down; None for any other.

    It is the number that `quimbot takedown report` and `quimbot show` name.

    Raises:
        MissingError: there never was such a version.
    """
    gone = workspace.tombstone(ref) is not None or bool(holders(workspace, ref))
    return Ref(ref.name, workspace.next_patch(ref)) if gone else None


def admitted(
    workspace: Workspace, asked: Ref | None, made: Side, *, patch: Ref | None = None, threads: int
) -> tuple[Ref, Diff | None]:
    """The number that a version about to be published gets.

    Args:
        workspace: holds the versions that are there.
        asked: the number that is asked for; None for the one that is due.
        made: the version.
        patch: where none is asked for, the `patch_due` of the version that the recipe was named by.
        threads: files read at once.

    Returns:
        The version's address, and the comparison with the version below; None for the first of its name.

    Raises:
        VersionNumberError: another number is due.
        IntegrityError: the version below is not what it was built as.
    """
    name, below = made.manifest.name, asked or patch
    before = workspace.highest(name, below=below)
    withdrawn = _withdrawn_since(workspace, name, before, below)
    if withdrawn and asked in (None, withdrawn.patched) and made.manifest.identity.recipe in withdrawn.recipes:
        return withdrawn.patched, None
    against = before or workspace.highest(name)
    if against is None:
        return asked or (withdrawn.patched if withdrawn else Ref(name, FIRST)), None
    found = compared(Pair(Side.of(workspace, against), made, taken(workspace)), threads=threads)
    step = level(found)
    due = following(against, step, workspace.withdrawn())
    if patch and due in workspace.versions():  # its line goes on in another way already
        return admitted(workspace, asked, made, threads=threads)
    if asked is not None and asked != due:
        above = "" if before else f"{asked} lies below all versions of {name}, so nothing can tell what changed. "
        raise VersionNumberError(
            f"{above}Against {against}, {'it' if above else asked} is a {step} version: {summary(found)}.",
            valid=_MEANING,
            next_step=_next_step(workspace, due),
        )
    return due, found.model_copy(update={"b": found.b.model_copy(update={"version": str(due)})})


class _Withdrawn(NamedTuple):
    """What stays of the last versions of a name that were withdrawn, and the number that stands in for them."""

    recipes: list[Recipe]
    patched: Ref


def _withdrawn_since(workspace: Workspace, name: str, before: Ref | None, below: Ref | None) -> _Withdrawn | None:
    """The highest version lower than a number, if it was withdrawn, and others of its line: their rows can no longer be
    compared with, but what is built by a recipe of theirs is what they were without what was taken down."""
    gone = [ref for ref in workspace.withdrawn() if ref.name == name and (below is None or ref.order() < below.order())]
    gone = [ref for ref in gone if before is None or ref.order() > before.order()]
    if not gone:
        return None
    line = [ref for ref in gone if ref.order()[1][:2] == gone[-1].order()[1][:2]]
    return _Withdrawn([workspace.recipe_of(ref) for ref in line], Ref(name, workspace.next_patch(gone[-1])))


def _next_step(workspace: Workspace, due: Ref) -> str:
    if due in workspace.versions():
        return f"{due} is taken: build with `--version next`, which follows {workspace.highest(due.name)}."
    return f"Its number is {due.version}: `quimbot build RECIPE --version {due.version}`, or `--version next`."


def standing(workspace: Workspace, manifest: VersionManifest, patch: Ref | None = None) -> VersionManifest | None:
    """The highest version of the name, or the highest below a `patch_due`, where it is this very version already:
    nothing is due then."""
    lasts = [last for below in (patch, None) if (last := workspace.highest(manifest.name, below=below))]
    held = map(workspace.version_manifest, lasts)
    return next((each for each in held if each.id == manifest.id), None)


def summary(found: Diff) -> str:
    """What changed, in a line.

    E.g. `3 removed (2 filter: min_chars, 1 over budget), 1 added (1 recipe: sources)`.
    """
    if found.a.schema_version != found.b.schema_version:
        return f"schema version {found.a.schema_version} became {found.b.schema_version}"
    told = [_told(change, [c for c in found.counts if c.change == change]) for change in CHANGES]
    return ", ".join(part for part in told if part) or "the same rows"


def _told(change: Change, counts: list[ChangeCount]) -> str:
    by_reason: dict[str, int] = {}
    for count in counts:
        by_reason[count.why()] = by_reason.get(count.why(), 0) + count.dialogues
    reasons = [f"{dialogues:,} {reason}" for reason, dialogues in by_reason.items()]
    more = [f"and {len(reasons) - _TOLD} other reasons"] if len(reasons) > _TOLD else []
    return f"{sum(by_reason.values()):,} {change} ({', '.join(reasons[:_TOLD] + more)})" if counts else ""
