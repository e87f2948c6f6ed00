"""`export.json`: what an export holds, of which version, what it left out, and whom its reader must name."""

from quimbot_data.licence_report import Attribution
from schemas.fields import Hash, LongCount, NonEmpty, Strict
from schemas.manifest import FileEntry
from schemas.recipe import Profile


class Exported(Strict):
    """Follows from the version and from what was asked, and from nothing else."""

    ref: NonEmpty
    id: Hash
    """The version's."""
    format: NonEmpty
    profile: Profile
    untrained: NonEmpty
    """What became of messages that must stay out of the loss: `column`, `left out` or `carried`."""
    dialogues: LongCount
    left_out: dict[str, dict[str, LongCount]]
    """By reason (a term that the profile or the workspace holds back, or `untrained`), then by source."""
    files: list[FileEntry]
    """Paths are relative to the folder; `rows` are dialogues."""
    attribution: list[Attribution]
    """The lines to print wherever it is passed on."""
