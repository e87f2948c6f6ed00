"""The unified dialogue, schema version 1: the one definition from which the Arrow and JSON Schemas are derived.

Bulk rows are never pushed through these models one by one: `schemas.frame` checks columns, and a property test
holds the two to the same verdict.
"""

import hashlib
import itertools
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from schemas.fields import (
    Count,
    Family,
    Hash,
    LongCount,
    NonEmpty,
    Role,
    Share,
    SourceName,
    Strict,
    Subtag,
    Term,
    text_fault,
)
from schemas.learner import ErrorSpan, Learner, Move, Signal, Strategy, Uptake

Position = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class Message(Strict):
    """One message of a dialogue."""

    role: Role
    content: str

    @field_validator("content")
    @classmethod
    def _clean(cls, content: str) -> str:
        if fault := text_fault(content):
            raise ValueError(f"{fault}: text must be NFC, not blank, and free of control characters")
        return content


class TemplateSpan(Strict):
    """The part of one message that a template wrote: `head` leading and `tail` trailing characters.

    Lengths from both ends stay right when clean-up or redaction changes the text between them.
    """

    position: Count
    head: Count
    tail: Count


class Derived(Strict):
    """What made turns that no person or corpus wrote."""

    by: NonEmpty
    """Template or generator with its version, e.g. `template:waxal/continue@1`."""
    template: list[TemplateSpan]
    """Text invisible to language identification, duplicates and skeleton caps."""
    template_id: str | None
    """What the generator filled in, e.g. `recast/past-irregular`; null where a model wrote the turns."""
    prompt_hash: Hash | None
    """sha256 of the prompt files that a model was given."""
    model: str | None
    sampling: str | None
    """Sampling parameters as canonical JSON."""


class Provenance(Strict):
    """Where a dialogue comes from; raw file and row stand in the corpus's `origins.parquet`."""

    raw_id: str | None
    revision: str | None
    lineage: str | None
    """Conversation tree or prompt seed shared with other dialogues; kept within one split."""
    derived: Derived | None


class SafetyScore(Strict):
    """How surely the message at `position` is of a category, by the corpus's own moderation or by a classifier."""

    position: Count
    category: NonEmpty
    score: Share


class Safety(Strict):
    """Labels that the corpus itself carries, brought to one shape; or, where it carries none, a classifier's scores."""

    flagged: bool
    categories: list[NonEmpty]
    label: str | None
    """The corpus's own overall label, e.g. `needs_intervention` or `unsafe`."""
    rules_of_thumb: list[NonEmpty]
    flagged_positions: list[Count]
    """Positions in `messages` that the label is about."""
    scores: list[SafetyScore]
    """Those from `schemas.fields.LEAST_SCORE` on, to four decimals, by position and category."""
    classifier: str | None
    """What gave the scores, where the corpus did not: folder name and first twelve digits of its sha256."""


class CulturalNote(Strict):
    """What a tutor's turn tells about a culture."""

    topic: NonEmpty
    region: NonEmpty
    source: NonEmpty
    """Key in the table of sourced notes, or the work that says so."""


class TurnAnnotation(Strict):
    """What a learner's or tutor's message does; `position` indexes `messages`.

    Signals, uptake and latency are a learner's; moves, strategy, target and cultural note a tutor's.
    """

    position: Count
    signals: list[Signal]
    uptake: Uptake | None
    """What the learner made of the tutor's turn before."""
    latency_seconds: Annotated[float, Field(ge=0)] | None
    moves: list[Move]
    strategy: Strategy | None
    target: Count | None
    """Index in `errors` of the one error that the turn is about."""
    languages: list[Subtag]
    """Languages of the message, the one with most words first."""
    cultural_note: CulturalNote | None


class Pedagogy(Strict):
    """Scaffolding annotations of a dialogue; generator, template or prompt, model and seed stand in `provenance`."""

    learner: Learner
    topic: NonEmpty | None
    turns: list[TurnAnnotation]
    errors: list[ErrorSpan]


class Quality(Strict):
    """Heuristic signals over text that no template made; shares are of characters. See `quimbot_data.quality`."""

    symbol_share: Share
    digit_share: Share
    truncated_prompt: bool
    """The last user message ends in a colon: the instruction was cut (Magpie's authors drop those)."""
    duplicate_line_share: Share
    """In lines that stand earlier in the same message; here and in the next two, of the worst message."""
    top_bigram_share: Share
    """In the pair of words that a message holds most often."""
    duplicate_5gram_share: Share
    """In runs of five words that stand earlier in the same message."""
    refusal: bool
    """An assistant message opens with a refusal."""
    ai_disclaimer: bool
    """An assistant speaks of itself as a language model."""
    reply_language_differs: bool | None
    """The last reply is in another language than its prompt; null where either is not surely known."""
    empty_talk: bool
    """The user says nothing but greetings, thanks and the like."""


class Dialogue(Strict):
    """One row of a corpus or version.

    Raises:
        pydantic.ValidationError: naming the rule that the row breaks, as `schemas.frame.faults` does.
    """

    dialogue_id: str
    source: SourceName
    family: Family
    messages: list[Message]
    untrained: list[Position]
    language: Subtag
    language_declared: Subtag | None
    language_detected: Subtag | None
    language_confidence: Share | None
    language_agrees: bool | None
    license: NonEmpty
    terms: list[Term]
    provenance: Provenance
    content_hash: Hash
    cluster_id: str | None
    n_messages: Count
    n_turns: Count
    n_chars: LongCount
    n_tokens: LongCount
    safety: Safety | None
    pedagogy: Pedagogy | None
    quality: Quality

    @model_validator(mode="after")
    def _consistent(self) -> "Dialogue":
        if not self.dialogue_id.startswith(f"{self.source}:") or len(self.dialogue_id) == len(self.source) + 1:
            raise ValueError("dialogue-id: must be '<source>:<key>'")
        if fault := turn_structure_fault([message.role for message in self.messages]):
            raise ValueError(f"{fault}: see the message rules of the schema")
        self._check_positions()
        self._check_counts()
        if list(self.terms) != sorted(set(self.terms)):
            raise ValueError("terms-order: terms must be sorted and unique")
        if self.content_hash != content_hash([(m.role, m.content) for m in self.messages]):
            raise ValueError("content-hash: does not belong to the messages")
        return self

    def _check_positions(self) -> None:
        roles = [message.role for message in self.messages]
        valid = [p for p in self.untrained if 0 <= p < len(roles) and roles[p] == "assistant"]
        if valid != sorted(set(self.untrained)) or valid != list(self.untrained):
            raise ValueError("untrained: must hold sorted unique positions of assistant messages")
        lengths = [len(message.content) for message in self.messages]
        if any(not _placed(positions, len(lengths)) for positions in self._pointed_at()):
            raise ValueError("positions: must be sorted, unique and of messages that are there")
        if any(target >= count for target, count in self._targets()):
            raise ValueError("positions: a turn's target must be an error of the dialogue")
        if any(position >= len(lengths) for position in self._scored()):
            raise ValueError("positions: a score must be of a message that is there")
        if any(not (at < len(lengths) and start <= end <= lengths[at]) for at, start, end in self._spans()):
            raise ValueError("positions: a span must lie within the message at its position")

    def _pointed_at(self) -> list[list[int]]:
        template = self.provenance.derived.template if self.provenance.derived else []
        turns = self.pedagogy.turns if self.pedagogy else []
        flagged = self.safety.flagged_positions if self.safety else []
        return [flagged, [span.position for span in template], [turn.position for turn in turns]]

    def _targets(self) -> list[tuple[int, int]]:
        found = self.pedagogy
        return [(t.target, len(found.errors)) for t in found.turns if t.target is not None] if found else []

    def _scored(self) -> list[int]:
        return [score.position for score in self.safety.scores] if self.safety else []

    def _spans(self) -> list[tuple[int, int, int]]:
        template = self.provenance.derived.template if self.provenance.derived else []
        errors = self.pedagogy.errors if self.pedagogy else []
        made = [(span.position, 0, span.head + span.tail) for span in template]
        return made + [(error.position, error.start, error.end) for error in errors]

    def _check_counts(self) -> None:
        turns = sum(message.role == "user" for message in self.messages)
        chars = sum(len(message.content) for message in self.messages)
        if (self.n_messages, self.n_turns, self.n_chars) != (len(self.messages), turns, chars):
            raise ValueError("counts: n_messages, n_turns and n_chars must be those of the messages")


def _placed(positions: list[int], count: int) -> bool:
    return positions == sorted(set(positions)) and all(position < count for position in positions)


def turn_structure_fault(roles: Sequence[str]) -> str | None:
    """Name the first turn rule that a dialogue's roles break, or None.

    System only first; then user and assistant strictly alternate, starting with user and ending with assistant.
    """
    turns = roles[1:] if roles and roles[0] == "system" else roles
    if not turns:
        return "no-turns"
    if "system" in turns:
        return "late-system"
    if turns[0] != "user":
        return "opens-with-assistant"
    if any(a == b for a, b in itertools.pairwise(turns)):
        return "same-role-twice"
    return "dangling-user" if turns[-1] == "user" else None


def netstring(text: str) -> bytes:
    """`<bytes>:<text>,` in UTF-8 (D. J. Bernstein, 1997): concatenations of netstrings are unambiguous."""
    data = text.encode()
    return b"%d:%s," % (len(data), data)


def content_hash(messages: Sequence[tuple[str, str]]) -> str:
    """sha256 over the netstrings of role and content, message by message, as 64 hex digits.

    >>> content_hash([("user", "hi"), ("assistant", "hello")])[:12]
    '0ca1b36aaa7c'
    """
    digest = hashlib.sha256()
    for role, content in messages:
        digest.update(netstring(role) + netstring(content))
    return digest.hexdigest()
