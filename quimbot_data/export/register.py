"""Where versions were exported to: copies that a takedown has to reach, or to name.

Exports below the workspace's `exports/` are found by their own records. Others are known by the register alone:
`exports.json` of the workspace, in which every export is noted before its folder gets its name.
"""

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from quimbot_data.export.folder import EXPORTS, RECORD, leaves
from quimbot_data.export.report import Exported
from quimbot_data.workspace import Workspace, read_model, write_model
from schemas.errors import IntegrityError
from schemas.fields import Hash, NonEmpty, Strict

REGISTER: Final = "exports.json"


class Entry(Strict):
    """One export."""

    folder: NonEmpty
    """Below the workspace as it stands there; elsewhere absolute, links followed."""
    version: NonEmpty
    id: Hash
    """The version's."""
    format: NonEmpty
    when: NonEmpty


class Register(Strict):
    """`exports.json` of a workspace: every export, the oldest first."""

    exports: list[Entry]


class Export(BaseModel):
    """An export that may hold rows of a version."""

    folder: str
    """As `Entry` has it."""
    version: str
    id: str
    format: str
    when: str | None
    """Null where the register does not know of it."""
    outside: bool
    """Whether it lies outside of the workspace, where no purge reaches it."""
    gone: bool
    """Whether it is not where it was written: deleted, or moved, or on a disk that is not."""

    def written(self) -> str:
        """In words, where it was written."""
        return f"{self.version} was exported to {self.folder}"


def register(workspace: Workspace, exported: Exported, final: Path, *, new: bool) -> None:
    """Note an export; the caller holds the lock `export`, and gives a new folder its name after.

    Args:
        workspace: where it was made.
        exported: its record.
        final: its folder, links followed.
        new: whether it is about to be written; one that was there already keeps its date, where it is known.

    Raises:
        IntegrityError: the register is not valid.
        WorkspaceError: the workspace cannot be written.
    """
    entry = Entry(
        folder=_named(workspace, final),
        version=exported.ref,
        id=exported.id,
        format=exported.format,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    known = _read(workspace)
    others = [other for other in known if _key(other) != _key(entry)]
    if new or others == known:
        write_model(workspace.root / REGISTER, Register(exports=[*others, entry]))


def strike_replaced(workspace: Workspace) -> None:
    """Take exports out of the register that gave way to another; the caller holds the lock `export`."""
    known = _read(workspace)
    kept = [entry for entry in known if not _replaced(workspace, entry)]
    if kept != known:
        write_model(workspace.root / REGISTER, Register(exports=kept))


def strike(workspace: Workspace, folders: Collection[str]) -> None:
    """Take exports out of the register that a purge erased; the caller holds the lock `export`.

    Args:
        workspace: where they were made.
        folders: below the workspace, as `Entry` has them, or folders that they lay in.
    """
    known = _read(workspace)
    kept = [entry for entry in known if not any(Path(entry.folder).is_relative_to(folder) for folder in folders)]
    if kept != known:
        write_model(workspace.root / REGISTER, Register(exports=kept))


def exports_of(workspace: Workspace, ids: Collection[str]) -> list[Export]:
    """The exports of some versions, sorted by folder; those that gave way to another export are left out.

    Args:
        workspace: where they were made.
        ids: of versions, also of such as were withdrawn.

    Raises:
        IntegrityError: the register is not valid.
    """
    known = _read(workspace)
    found = {_key(export): export for export in _standing(workspace, known)}
    for entry in known:
        place = _place(workspace, entry)
        # One that is gone may have been moved, which is worth telling; a purge strikes those that it erases.
        if not _replaced(workspace, entry):
            outside, gone = leaves(workspace, place), _is_gone(place)
            found.setdefault(_key(entry), Export(**entry.model_dump(), outside=outside, gone=gone))
    return [found[key] for key in sorted(found) if found[key].id in ids]


def _standing(workspace: Workspace, known: list[Entry]) -> list[Export]:
    """Exports below `exports/`, by their own records."""
    noted, found = {_key(entry): entry.when for entry in known}, []
    for path in (workspace.root / EXPORTS).rglob(RECORD):
        if stated := _record(path.parent):
            folder = Path(os.path.realpath(path.parent))
            export = Export(
                folder=_named(workspace, folder),
                version=stated.ref,
                id=stated.id,
                format=stated.format,
                when=None,
                outside=leaves(workspace, folder),
                gone=False,
            )
            found.append(export.model_copy(update={"when": noted.get(_key(export))}))
    return found


def _read(workspace: Workspace) -> list[Entry]:
    path = workspace.root / REGISTER
    try:
        return read_model(path, Register).exports if path.exists() else []
    except IntegrityError as error:
        raise IntegrityError(error.found, next_step="Restore it: it says where copies of versions lie.") from error


def _record(folder: Path) -> Exported | None:
    """What an export's own record states; None where there is none."""
    try:
        return Exported.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def _named(workspace: Workspace, final: Path) -> str:
    """A folder as the register has it: a workspace that is moved takes its own exports along."""
    return str(final) if leaves(workspace, final) else str(final.relative_to(os.path.realpath(workspace.root)))


def _place(workspace: Workspace, entry: Entry) -> Path:
    return Path(os.path.realpath(workspace.root)) / entry.folder


def _key(export: Entry | Export) -> tuple[str, str, str]:
    return export.folder, export.id, export.format


def _is_gone(place: Path) -> bool:
    try:
        return not any(place.iterdir())
    except OSError:
        return True


def _replaced(workspace: Workspace, entry: Entry) -> bool:
    """Whether another export stands in its folder now."""
    stated = _record(_place(workspace, entry))
    return stated is not None and (stated.id, stated.format) != (entry.id, entry.format)
