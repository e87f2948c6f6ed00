"""Clearing a source: rows whose terms are unknown may enter the profile `research` once somebody answers for them.

The record lies in the workspace (`clearances.json`), and each version keeps those that it was built under.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

import polars as pl
from pydantic import ValidationError

from quimbot_data.buckets import read_parquet
from quimbot_data.workspace import Workspace, read_model, write_model
from schemas.clearance import Clearance, Clearances
from schemas.errors import InputError, MissingError

CLEARANCES: Final = "clearances.json"


def clearances(workspace: Workspace) -> list[Clearance]:
    """What is cleared in a workspace, sorted by source and licence.

    Raises:
        IntegrityError: the record is not valid.
    """
    path = workspace.root / CLEARANCES
    return read_model(path, Clearances).cleared if path.exists() else []


class Cleared(NamedTuple):
    """What a clearance recorded, one a licence, and the earlier records that it replaced."""

    made: list[Clearance]
    replaced: list[Clearance]


def clear(workspace: Workspace, source: str, *, by: str, reason: str, license_id: str | None = None) -> Cleared:
    """Record that rows of a source with unknown terms are cleared; of all its licences, or of one.

    Raises:
        MissingError: no such corpus, or it holds no rows with unknown terms (under that licence).
        InputError: nobody is named, or no reason.
        LockedError: another process writes the record.
    """
    held = unresolved(workspace, source)
    if not held or (license_id and license_id not in held):
        under = f" under {license_id}" if license_id else ""
        raise MissingError(
            f"The corpus of {source} holds no dialogue with unknown terms{under}.",
            valid=f"With unknown terms: {', '.join(held)}." if held else "",
            next_step="See `quimbot sql @licences`.",
        )
    made = [_clearance(source, name, by, reason) for name in ([license_id] if license_id else held)]
    return Cleared(made, _replace(workspace, source, made, {each.license for each in made}))


def withdraw(workspace: Workspace, source: str, license_id: str | None = None) -> list[Clearance]:
    """Take clearances of a source back: all, or that of one licence. Versions that were built under them stay.

    Returns:
        What was taken back.

    Raises:
        MissingError: there is none.
        LockedError: another process writes the record.
    """
    gone = [each for each in clearances(workspace) if each.source == source and license_id in (None, each.license)]
    if not gone:
        cleared = ", ".join(f"{each.source} ({each.license})" for each in clearances(workspace)) or "nothing"
        raise MissingError(f"No clearance of {source} stands here.", valid=f"Cleared: {cleared}.")
    _replace(workspace, source, [], {each.license for each in gone})
    return gone


def unresolved(workspace: Workspace, source: str) -> list[str]:
    """Licences of a corpus's dialogues whose terms are unknown, sorted.

    Raises:
        MissingError: no such corpus.
    """
    folder, found = workspace.corpus(source), set[str]()
    for entry in workspace.corpus_manifest(source).dialogues:
        rows = read_parquet(folder / entry.path, ["license", "terms"])
        found |= set(rows.filter(pl.col("terms").list.contains("unknown"))["license"].unique())
    return sorted(found)


def _clearance(source: str, license_id: str, by: str, reason: str) -> Clearance:
    today = datetime.now(UTC).date()
    try:
        return Clearance(source=source, license=license_id, by=by, reason=reason, on=today)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][0]} is not valid: {first['msg']}.", next_step="Say who answers for it, and why."
        ) from error


def _replace(workspace: Workspace, source: str, made: list[Clearance], licences: set[str]) -> list[Clearance]:
    with workspace.lock("clearances"):
        before = clearances(workspace)
        gone = [each for each in before if each.source == source and each.license in licences]
        kept = [each for each in before if each not in gone]
        cleared = sorted([*kept, *made], key=lambda each: (each.source, each.license))
        write_model(workspace.root / CLEARANCES, Clearances(cleared=cleared))
    return gone
