"""What every reader of a learner corpus yields: sentences with their errors, by character offsets."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from quimbot_data.licenses import Rights
from schemas.learner import Background, Operation
from schemas.seed import ErrorFamily


class Edit(NamedTuple):
    """One error of a sentence and its correction.

    What is inserted or removed carries the blank that goes with it, so that applying the edit leaves no double blank.
    """

    start: int
    end: int
    corrected: str
    type: str
    """The corpus's own tag, or ERRANT's."""
    family: ErrorFamily | None
    """None for what no family covers: it is put right, and no seed is made of it."""
    generalizable: bool
    is_variation: bool = False
    detected: bool = False
    """Found by a rule, not corrected by a person."""


@dataclass(frozen=True)
class LearnerSentence:
    """A sentence as its learner wrote it, and all that is to be put right in it.

    Attributes:
        key: unique within the corpus and the same on every run: file and line, say.
        text: the sentence, error and all, as people write it, not as a parser cuts it.
        edits: by rising start; they do not overlap.
        backgrounds: of the learner where it is known, else of both.
    """

    key: str
    text: str
    language: str
    edits: tuple[Edit, ...]
    backgrounds: tuple[Background, ...]
    rights: Rights


class Skipped(NamedTuple):
    """A sentence or an edit that gave no seed, and why."""

    key: str
    reason: str


Read = Iterator[LearnerSentence | Skipped]


def operation_of(original: str, corrected: str) -> Operation:
    """What the learner did: left something out, put too much, or put one thing for another."""
    if not original:
        return "missing"
    return "unnecessary" if not corrected else "replacement"


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    """The text with these edits made; they must stand by rising start and not overlap."""
    for edit in reversed(edits):
        text = text[: edit.start] + edit.corrected + text[edit.end :]
    return text


def tangled(text: str, edits: tuple[Edit, ...]) -> bool:
    """Whether edits overlap, or two of them bring the one blank between them, so that each cannot be made by itself."""
    return overlap(edits) or applied(text, edits).count("  ") > text.count("  ")


def overlap(edits: tuple[Edit, ...]) -> bool:
    """Whether two edits touch the same characters, or are out of order."""
    return any(second.start < first.end or second.start == first.start for first, second in pairwise(edits))
