"""What purges could not reach: kept in the ledger and told again, until it is seen to be gone."""

from collections.abc import Sequence
from pathlib import Path

from quimbot_data.takedowns.copies import digest_of
from quimbot_data.takedowns.traces import Traces, tells_all
from quimbot_data.terminal import counted
from quimbot_data.workspace import Workspace
from schemas.takedown import Remainder, Takedown

#: What is said of an export whose folder is not there.
MOVED = "not where it was written: moved or deleted"


def standing(workspace: Workspace, entry: Takedown, traces: Traces) -> list[Remainder]:
    """What is left of an entry, as far as can be seen from here: files that have changed are looked into again.

    Args:
        workspace: of the places.
        entry: whose `left`.
        traces: by what it is told, it among others.
    """
    return [part for part in entry.left if _seen(workspace, entry, part, traces) is not None]


def told_left(workspace: Workspace, entry: Takedown, traces: Traces) -> list[Remainder]:
    """The same, each with what is seen there now."""
    seen = [(part, _seen(workspace, entry, part, traces)) for part in entry.left]
    return [part.model_copy(update={"what": part.what + now}) for part, now in seen if now is not None]


def left_of(workspace: Workspace, entry: Takedown, found: Sequence[Remainder], traces: Traces) -> list[Remainder]:
    """What is left of an entry once a purge found that it cannot reach some more; each told once."""
    told = {part.what: part for part in (*standing(workspace, entry, traces), *found)}
    return list(told.values())


def where_now(workspace: Workspace, part: Remainder) -> str:
    """A remainder in words, with whether an export is where it was written."""
    moved = part.kind == "export" and part.place is not None and not _is_filled(workspace.root / part.place)
    return f"{part.what}, {MOVED}" if moved else part.what


def as_they_are(workspace: Workspace, left: Sequence[Remainder]) -> list[Remainder]:
    """What a purge has left, with its files as they are once other rows were taken out of them."""
    return [
        part.model_copy(update={"sha256": digest_of(workspace.root / part.place)})
        if part.kind == "file" and part.place
        else part
        for part in left
    ]


def _seen(workspace: Workspace, entry: Takedown, part: Remainder, traces: Traces) -> str | None:
    """What is to be added to a remainder; None where nothing of the entry is there any more."""
    if part.place is None:
        return ""
    place = workspace.root / part.place
    if part.kind == "export":
        return _seen_export(entry, place, traces)
    if _gone(workspace.root, place):
        return None
    if part.kind == "file" and part.sha256 and (now := digest_of(place)) and now != part.sha256:
        return _seen_changed(entry, traces.below(place).held(entry))
    return ""


def _seen_export(entry: Takedown, place: Path, traces: Traces) -> str | None:
    """What is seen now where an export was written; None where nothing of an entry is in it."""
    if not _is_filled(place):
        return f", {MOVED}"
    rows = traces.below(place).held(entry)
    if rows is None:
        return ", whose files cannot all be read"
    return f", which holds {counted(rows, 'row')} of it or like it" if rows else None


def _is_filled(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _seen_changed(entry: Takedown, rows: int | None) -> str | None:
    if rows:
        return f" (changed since, and it still holds {counted(rows, 'row')} of it or like it)"
    if rows is None or not tells_all(entry):
        return " (changed since: without its text, which is gone, nobody can tell whether it holds it still)"
    return None


def _gone(root: Path, path: Path) -> bool:
    """Whether a file or folder is no more; one outside whose folder is not there, either, may be on another disk."""
    if path.exists() or path.is_symlink():
        return False
    return path.is_relative_to(root) or path.parent.is_dir()
