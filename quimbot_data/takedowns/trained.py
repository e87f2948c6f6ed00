"""Training runs that saw taken rows: by the ids of what each was shown, and by what it started from."""

from collections.abc import Collection, Mapping

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import read_parquet
from quimbot_data.workspace import SEEN, Workspace
from schemas.run import RunRecord

#: What a repeated row's id ends in (`quimbot_data.mix`): the row is the same.
_EPOCH = r"@epoch[0-9]+$"


class Learnt(BaseModel):
    """A run whose adapter may hold something of an entry's rows."""

    run: str
    version: str
    version_id: str
    dialogues: int
    """Rows of the entry, or like them, that it was shown itself."""
    through: list[str]
    """Runs that it started from, which were shown some."""


def learnt(workspace: Workspace, dialogues: Collection[str], held: Mapping[str, Collection[str]]) -> list[Learnt]:
    """The runs that were shown some of these rows, up to the step that they came to, or started from such a run.

    Args:
        workspace: of the runs.
        dialogues: ids of the rows; a version that held them may be gone.
        held: ids of further rows, by the id of a version that holds them.
    """
    records = workspace.runs()
    shown = {
        record.run: _shown(workspace, record, {*dialogues, *held.get(record.version_id, ())}) for record in records
    }
    found = []
    for record in records:
        through = [link.name for link in record.lineage if shown.get(link.name)]
        if shown[record.run] or through:
            version = {"version": record.version, "version_id": record.version_id}
            found.append(Learnt(run=record.run, dialogues=shown[record.run], through=through, **version))
    return found


def runs_on(workspace: Workspace, version_id: str) -> list[str]:
    """Runs that were trained on a version."""
    return [record.run for record in workspace.runs() if record.version_id == version_id]


def _shown(workspace: Workspace, record: RunRecord, dialogues: Collection[str]) -> int:
    path = workspace.run(record.run) / SEEN
    if not path.exists():  # nobody can tell any more: all that its version held
        return len(dialogues)
    # A run that was killed may have come further than its record says, by less than a checkpoint: all counts then.
    came_to = pl.lit(value=True) if record.status == "running" else pl.col("first_step") <= record.steps_done
    seen = read_parquet(path, ["dialogue_id", "first_step"]).filter(came_to)["dialogue_id"]
    return int((seen.is_in(list(dialogues)) | seen.str.replace(_EPOCH, "").is_in(list(dialogues))).sum())
