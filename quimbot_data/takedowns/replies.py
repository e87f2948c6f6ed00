"""Replies that generators cached in `synth/replies.sqlite`: they may be erased, since they can be asked for again."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from quimbot_data.takedowns.reading import opened_database
from quimbot_data.takedowns.texts import strings_of_json
from quimbot_data.takedowns.told import Hit, Told
from quimbot_data.workspace import Workspace, writing
from schemas.errors import LockedError, WorkspaceError

_AT_ONCE: Final = 1_000
_PATIENCE: Final = 5.0


def cache_of(workspace: Workspace) -> Path:
    """Where the replies of a workspace are cached."""
    return workspace.root / "synth" / "replies.sqlite"


def quoting_replies(path: Path, told: Told) -> dict[str, Hit]:
    """The keys of replies that quote or name a row that goes.

    Raises:
        sqlite3.Error: the file is no such cache.
    """
    found: dict[str, Hit] = {}
    with closing(opened_database(path)) as database:
        replies = database.execute("SELECT key, reply FROM replies ORDER BY key")
        while rows := replies.fetchmany(_AT_ONCE):
            hits = told.parts_in([strings_of_json(reply) for _, reply in rows])
            found |= {rows[at][0]: hit for at, hit in hits.items()}
    return found


def erase_replies(path: Path, keys: Collection[str]) -> None:
    """Take replies out of a cache, and what is left of them out of its file; those that are gone already do no harm.

    Raises:
        LockedError: another process works on it.
        WorkspaceError: it cannot be written.
    """
    try:
        with writing(path), closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as database:
            database.execute("PRAGMA secure_delete = ON")
            database.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in sorted(keys)])
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LockedError(
                f"Another process uses {path}.", next_step="Wait for it to end, then run the command again."
            ) from error
        raise _unusable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: sqlite3.Error) -> WorkspaceError:
    return WorkspaceError(
        f"{path} cannot be rewritten: {error}.", next_step="Mend that or remove the file, then run the command again."
    )
