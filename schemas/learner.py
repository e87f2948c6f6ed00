"""Learners, their errors and their texts.

A learner text (a TOEFL11 essay, say) is no dialogue: it is kept verbatim, since the character offsets of published
annotations point into it, and serves the scaffolding generator as a source of errors.
"""

import hashlib
from typing import Literal, Self

from pydantic import model_validator

from schemas.fields import Count, Hash, LongCount, NonEmpty, SourceName, Strict, Subtag, Term


class Learner(Strict):
    """Who the learner in a dialogue is."""

    l1: Subtag | None
    target_language: Subtag | None
    cefr: Literal["A1", "A2", "B1", "B2", "C1", "C2"] | None
    background: Literal["heritage", "l2"] | None
    variety: str | None


class ErrorSpan(Strict):
    """A learner error and its correction, by character offsets into the message at `position`."""

    position: Count
    start: Count
    end: Count
    original: str
    corrected: str
    type: str


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
