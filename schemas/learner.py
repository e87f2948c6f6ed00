"""Learners, their errors and their texts.

A learner text (a TOEFL11 essay, say) is no dialogue: it is kept verbatim, since the character offsets of published
annotations point into it, and serves the scaffolding generator as a source of errors.
"""

import hashlib
from typing import Final, Literal, Self, get_args

from pydantic import model_validator

from schemas.fields import Count, Hash, LongCount, NonEmpty, SourceName, Strict, Subtag, Term

#: Tutor strategies; in Lyster & Ranta's (1997) terms recast, elicitation or clarification, metalinguistic clue, and
#: comparison elicitation. Their "explicit correction" has no name here, since no tutor turn may be one.
Strategy = Literal["recast", "question", "hint", "explore"]

Move = Literal[
    "recast",
    "question",
    "hint",
    "explore",
    "simplify",
    "comprehension_check",
    "reflect",
    "cultural_note",
    "affirm",
    "elicit_content",
    "explain",
    "close",
]

Signal = Literal["error", "confusion", "slow_response", "off_task", "success", "code_switch", "none"]

Uptake = Literal["repair", "partial", "needs_repair", "acknowledge", "none"]

Operation = Literal["missing", "unnecessary", "replacement"]

Background = Literal["heritage", "l2"]

Cefr = Literal["A1", "A2", "B1", "B2", "C1", "C2"]

STRATEGIES: Final = get_args(Strategy)
MOVES: Final = get_args(Move)
SIGNALS: Final = get_args(Signal)
UPTAKES: Final = get_args(Uptake)
CEFR_LEVELS: Final = get_args(Cefr)


class Learner(Strict):
    """Who the learner in a dialogue is."""

    l1: Subtag | None
    target_language: Subtag | None
    cefr: Cefr | None
    background: Background | None
    variety: str | None
    """BCP 47 tag of the variety that the learner grew up with or learns, e.g. `es-DO`."""
    shared_languages: list[Subtag]
    """Languages that learner and tutor may both use, beside the target language; sorted."""


class ErrorSpan(Strict):
    """A learner error and its correction, by character offsets into the message at `position`.

    Nothing is missing or unnecessary at once: `original` is empty for what is missing, `corrected` for what is
    unnecessary.
    """

    position: Count
    start: Count
    end: Count
    original: str
    corrected: str
    operation: Operation
    type: NonEmpty
    """ERRANT's tag (`R:VERB:TENSE`) or COWS-L2H's (`ga:fm:art`)."""
    generalizable: bool
    """A rule covers it, so that a hint can lead to it; what is arbitrary (most of lexis) gets a recast or explore."""
    is_variation: bool
    """Legitimate in a variety of the language, such as overt subject pronouns in Caribbean Spanish; never a target."""
    source_id: str | None
    """The seed or learner text that it comes from."""


class LearnerText(Strict):
    """One text by a learner, verbatim: neither cleaned, nor normalized, nor redacted."""

    text_id: NonEmpty
    source: SourceName
    text: NonEmpty
    language: Subtag
    l1: Subtag | None
    prompt: str | None
    level: Literal["low", "medium", "high"] | None
    license: NonEmpty
    terms: list[Term]
    raw_id: str | None
    revision: str | None
    content_hash: Hash
    """sha256 of the text in UTF-8."""
    n_chars: LongCount

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.content_hash != hashlib.sha256(self.text.encode()).hexdigest():
            raise ValueError("content-hash: does not belong to the text")
        if self.n_chars != len(self.text):
            raise ValueError("counts: n_chars must be that of the text")
        if self.terms != sorted(set(self.terms)):
            raise ValueError("terms-order: terms must be sorted and unique")
        return self
