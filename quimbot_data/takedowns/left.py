"""What purges could not reach: kept in the ledger and told again, until it is seen to be gone."""

from collections.abc import Sequence
from pathlib import Path

from quimbot_data.workspace import Workspace
from schemas.takedown import Remainder, Takedown


def standing(workspace: Workspace, entry: Takedown) -> list[Remainder]:
    """What is left of an entry, as far as can be seen from here."""
    return [part for part in entry.left if part.place is None or not _gone(workspace.root, part.place)]


def left_of(workspace: Workspace, entry: Takedown, found: Sequence[Remainder]) -> list[Remainder]:
    """What is left of an entry once a purge found that it cannot reach some more; each told once."""
    told = {part.what: part for part in (*standing(workspace, entry), *found)}
    return list(told.values())


def _gone(root: Path, place: str) -> bool:
    """Whether a file or folder is no more; one outside whose folder is not there, either, may be on another disk."""
    path = root / place
    if path.exists() or path.is_symlink():
        return False
    return path.is_relative_to(root) or path.parent.is_dir()
