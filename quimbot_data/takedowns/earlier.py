"""Versions that went before, for other entries: nobody can look up any more whether they held an entry's rows."""

from pydantic import BaseModel

from quimbot_data.export.register import Export, exports_of
from quimbot_data.takedowns.copies import Copies
from quimbot_data.takedowns.trained import runs_on
from quimbot_data.workspace import Workspace
from schemas.takedown import Remainder, Takedown


class Earlier(BaseModel):
    """A withdrawn version that may have held rows of an entry."""

    version: str
    exports: list[Export]
    """Exports of it that may lie about still."""
    runs: list[str]
    """Training runs on it."""

    def told(self) -> str:
        """In words, what follows a statement about the version."""
        return f"{self.version} was withdrawn before and may have held rows of this: they cannot be looked up any more"


def earlier_versions(workspace: Workspace, entry: Takedown) -> list[Earlier]:
    """Versions that were withdrawn on account of other entries, less those that were seen to hold nothing of this."""
    stones = [stone for ref in workspace.withdrawn() if (stone := workspace.tombstone(ref))]
    return [
        Earlier(
            version=f"{stone.name}@{stone.version}",
            exports=exports_of(workspace, {stone.id}),
            runs=runs_on(workspace, stone.id),
        )
        for stone in stones
        if entry.id not in stone.takedowns and entry.id not in stone.clear
    ]


def left_by_earlier(workspace: Workspace, entry: Takedown) -> list[Remainder]:
    """The exports and runs of such versions, as a purge tells what it does not reach."""
    copies = Copies(workspace)
    for version in earlier_versions(workspace, entry):
        for export in version.exports:
            what, place = f"{export.written()}; {version.told()}", workspace.root / export.folder
            copies.leave(what, [entry.id], place, "export")
        for run in version.runs:
            what = f"runs/{run} was trained on {version.version}; {version.told()}"
            copies.leave(what, [entry.id], workspace.run(run))
    return copies.left.get(entry.id, [])
