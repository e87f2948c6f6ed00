"""The ledger of takedowns: `takedowns/<id>.json`, one file an entry, so that adding one is one rename."""

import difflib
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from quimbot_data.workspace import Workspace, read_model, write_model
from schemas.errors import IntegrityError, MissingError
from schemas.manifest import canonical_json
from schemas.takedown import Ask, Takedown, TakenRows

#: The lock that whoever writes the ledger holds, and builds share.
LOCK: Final = "takedowns"
#: A purge under way, in the ledger's folder.
JOURNAL: Final = "purging.json"


def folder(workspace: Workspace) -> Path:
    """Where the ledger lies."""
    return workspace.root / "takedowns"


def is_interrupted(workspace: Workspace) -> bool:
    """Whether a purge is under way, or was broken off."""
    return (folder(workspace) / JOURNAL).exists()


def entries(workspace: Workspace) -> list[Takedown]:
    """All entries, the oldest first.

    Raises:
        IntegrityError: one is not valid. None is passed over: its rows would come back.
    """
    found = [_read(path) for path in folder(workspace).glob("td-*.json")]
    return sorted(found, key=lambda entry: (entry.when, entry.id))


def _read(path: Path) -> Takedown:
    try:
        return read_model(path, Takedown)
    except IntegrityError as error:
        raise IntegrityError(error.found, next_step="Restore it: every build heeds the whole ledger.") from error


def named(workspace: Workspace, wanted: Iterable[str]) -> list[Takedown]:
    """The entries of these ids.

    Raises:
        MissingError: there is none of that id.
    """
    held = {entry.id: entry for entry in entries(workspace)}
    for name in wanted:
        if name not in held:
            near = difflib.get_close_matches(name, held, 1)
            raise MissingError(
                f"There is no takedown {name!r}." + (f" Did you mean {near[0]}?" if near else ""),
                valid=f"Entries: {', '.join(held) or 'none'}.",
                next_step="See `quimbot takedown list`.",
            )
    return [held[name] for name in dict.fromkeys(wanted)]


def entry_id(asked: list[Ask], rows: TakenRows) -> str:
    """An entry's id, which follows from what it takes: `td-` and 12 hex digits of a sha256."""
    held = rows.model_dump(mode="json", exclude={"contents": {"__all__": {"shingles"}}})
    text = canonical_json({"asked": [ask.model_dump() for ask in asked], "rows": held})
    return f"td-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def write(workspace: Workspace, entry: Takedown) -> None:
    """Add an entry, or replace it; the caller holds `LOCK`."""
    write_model(folder(workspace) / f"{entry.id}.json", entry)


def now() -> str:
    """The time as the ledger notes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
