"""`scored.json` beside the tables of losses: what was scored, with what, and which files hold it."""

from typing import Final

from pydantic import Field

from schemas.fields import Hash, LongCount, NonEmpty, Strict
from schemas.manifest import FileEntry

#: Name of this record below `runs/<run>/losses/<version>/`.
SCORED: Final = "scored.json"


class Scored(Strict):
    """The losses of one version's dialogues under a run's base and adapter; what it lists is all there is."""

    run: NonEmpty
    version: NonEmpty
    version_id: Hash
    template_sha256: Hash
    adapter: dict[str, Hash]
    longest: LongCount
    """Tokens of a dialogue that were scored at most; whole turns beyond are left out."""
    most: dict[NonEmpty, LongCount | None] = Field(default_factory=dict)
    """By split: dialogues that were scored at most, the first by content hash; null for all."""
    cut: dict[NonEmpty, LongCount] = Field(default_factory=dict)
    """By split: dialogues that lost turns for their length."""
    files: list[FileEntry] = Field(default_factory=list)
