"""Takedowns: what was asked to go, by what its rows are known again, and what stays of a version that held them.

Ids and hashes alone, never text: a ledger that quoted what it takes down would be one more copy of it.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.fields import Hash, LongCount, NonEmpty, SourceName, Strict
from schemas.recipe import Recipe

EntryId = Annotated[str, StringConstraints(pattern=r"^td-[0-9a-f]{12}$")]


class Ask(Strict):
    """One way in which rows were asked for."""

    kind: Literal["id", "match", "raw-id"]
    value: NonEmpty
    """An id, `SOURCE:RAWID`, or the sha256 of the text to be matched, as it is compared (blanks do not count)."""


class TakenContent(Strict):
    """By what a content and its near-copies are known again, also once the corpus no longer holds it."""

    content_hash: Hash
    shingles: str
    """Its shingles (`quimbot_data.near_duplicates.shingles`): uint32, little-endian, ascending, in base64."""


class RefusedRow(Strict):
    """A raw row that was refused at ingest."""

    source: SourceName
    sha256: Hash
    """Of the raw row as the corpus's rejects hold it."""


class TakenRows(Strict):
    """What an entry takes; each list sorted and without repeats."""

    dialogues: list[NonEmpty]
    learner_texts: list[NonEmpty]
    raw_ids: list[NonEmpty]
    """`SOURCE:RAWID`: all rows of a corpus's own id, whatever they hold."""
    refused: list[RefusedRow]
    contents: list[TakenContent]


class Remainder(Strict):
    """What a purge could not reach, in words of places and numbers; never text of the row."""

    what: NonEmpty
    place: str | None
    """The file or folder with which it goes, below the workspace or absolute; null where that cannot be seen."""
    kind: Literal["file", "export", "other"] = "other"
    """`file`: it is looked into again once it has changed. `export`: its rows are looked for where it was written."""
    sha256: Hash | None = None
    """Of the file as it was when it held the row; null where it could not be read."""


class Takedown(Strict):
    """`takedowns/<id>.json`: one entry of the ledger of takedowns."""

    id: EntryId
    reason: NonEmpty
    by: NonEmpty
    when: NonEmpty
    asked: list[Ask]
    rows: TakenRows
    purged: str | None
    """When its rows were last erased from the workspace; null where they were not."""
    left: list[Remainder] = Field(default_factory=list)
    """What purges could not reach, and nobody has been seen to remove since."""
    shared: list[NonEmpty] = Field(default_factory=list)
    """Dialogues of the same tree that are not taken, though they hold turns of its dialogues: a question, say."""


class Tombstone(Strict):
    """`versions/<name>/<semver>/tombstone.json`: all that stays of a version that was withdrawn."""

    name: NonEmpty
    version: NonEmpty
    id: Hash
    withdrawn: NonEmpty
    """When."""
    takedowns: list[EntryId]
    clear: list[EntryId] = Field(default_factory=list)
    """Entries of the ledger of which it was seen, before it went, to hold nothing; of others it is not known."""
    dialogues: LongCount
    """How many it held."""
    taken: LongCount
    """Those among them that the takedowns took."""
    patched: str | None
    """The version that stood in for it already, where there was one: `NAME@X.Y.Z`."""
    recipe: Recipe


class NamedFile(Strict):
    """A raw file by the name that a corpus's origins have for it."""

    source: SourceName
    raw_file: NonEmpty


class SharedRow(Strict):
    """A raw row that goes, though dialogues that are not taken down stand on it, too."""

    row: LongCount
    dialogues: dict[SourceName, LongCount]
    """How many, by source: they stay in their corpus, and cannot be read from the raw file again."""


class FileErasure(Strict):
    """Rows to be taken out of one file; `path` is below the workspace."""

    path: NonEmpty
    sha256: Hash
    """Of the file as it was: another one has been rewritten already."""
    rows: list[LongCount]
    """As `origins` count them, from 0."""
    named: list[NamedFile]
    """By what names corpora have it, whose later rows move up."""
    shared: list[SharedRow]


class ReplyErasure(Strict):
    """Replies of a generator to be taken out of its cache."""

    path: NonEmpty
    keys: list[Hash]


class PurgeJournal(Strict):
    """`takedowns/purging.json`: a purge under way, so that one that was killed ends as it would have."""

    takedowns: list[EntryId]
    files: list[FileErasure]
    removed: list[NonEmpty]
    """Files and folders that go whole."""
    documents: list[NonEmpty]
    """Documents of other versions that quote a row."""
    corpora: dict[SourceName, NonEmpty]
    """Corpora to be rewritten, each with its origins file as it was: another one has been rewritten already."""
    versions: list[Tombstone]
    replies: list[ReplyErasure] = Field(default_factory=list)
    unread: list[str] = Field(default_factory=list)
    """Files that could be searched byte by byte alone, or not at all, and why."""
    left: dict[EntryId, list[Remainder]]
    """What is left of each entry that the purge does not reach, earlier purges included."""
    unreachable: list[str]
    """All that is beyond reach, in words."""
