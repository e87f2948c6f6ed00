"""Dialogues to be looked at: out of a version, or of a file of one's own, one mapping at a time."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from quimbot_data.pedagogy.dialogues import version_dialogues
from quimbot_data.sources.files import RawFile
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.turns import ROLES, Refusal, read_turns
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError


def read_dialogues(target: str, workspace: Workspace) -> Iterator[Mapping[str, object]]:
    """Annotated dialogues of a version, each with its `split`, or all of a Parquet or JSON Lines file, turn by turn.

    Args:
        target: NAME@X.Y.Z, or a file's path; a file of that name comes first.
        workspace: holds the version.

    Raises:
        InputError: no such file, one that cannot be read or holds no messages, or a version without annotations.
        MissingError: no such version.
    """
    path = Path(target)
    if path.is_file():
        return _of_file(path)
    if "@" in target and "/" not in target:
        ref = Ref.parse(target)
        manifest = workspace.version_manifest(ref)
        if found := version_dialogues(workspace.version(ref), [entry.path for entry in manifest.data]):
            return iter(found)
        raise InputError(f"{ref} holds no annotated dialogue.", next_step="Its recipe has no pedagogical component.")
    raise InputError(
        f"{target} is neither a file nor a version.",
        valid="A Parquet or JSON Lines file of dialogues, or NAME@X.Y.Z.",
        next_step="`quimbot versions` lists what was built.",
    )


def _of_file(path: Path) -> Iterator[Mapping[str, object]]:
    for batch in records(RawFile(path.name, path)):
        if batch.unreadable is not None and batch.unreadable.height:
            place, detail = batch.unreadable.select("raw_row", "detail").row(0)
            raise InputError(f"{path}, row {place} is no record: {detail}.", next_step="Mend or remove that row.")
        for place, row in enumerate(mappings(batch)):
            yield _with_messages(row, f"{path}, row {batch.origins['raw_row'][place]}")


def _with_messages(row: Mapping[str, object], place: str) -> Mapping[str, object]:
    """A row with `messages`, where they go by `conversations`, too; in their order, nothing merged."""
    if row.get("messages") is not None:
        return row
    turns = read_turns(row.get("conversations"))
    if isinstance(turns, Refusal):
        raise InputError(
            f"{place} has no messages; its keys: {', '.join(sorted(row))}.",
            valid="Each row holds `messages` (role and content) and, where it is annotated, `pedagogy`.",
        )
    messages = [{"role": ROLES.get(turn.role.lower(), turn.role), "content": turn.text} for turn in turns]
    return {**row, "messages": messages}
