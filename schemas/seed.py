"""Seeds: one learner error each, and what a tutor can say about it; what every scaffolding dialogue grows from."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.fields import Count, NonEmpty, Strict, Subtag, Term
from schemas.learner import Background, Operation

#: Families that generators cover; a corpus's own tags are mapped to them (`synth.learner_errors`).
ErrorFamily = Literal[
    "agreement",  # subject and verb, number or person
    "aspect",  # preterite against imperfect; the Mandarin particle 了
    "article",
    "classifier",  # Mandarin measure words
    "copula",  # ser and estar; a copula that is missing or too much
    "gender",
    "lexis",
    "mood",  # subjunctive against indicative
    "noun-number",
    "orthography",  # accents, spelling, hamza
    "preposition",  # por and para, too
    "pronoun",
    "punctuation",
    "verb-form",
    "verb-tense",
    "word-order",
]


class Seed(Strict):
    """One learner sentence with one error, its correction, and words for a tutor.

    Seeds out of corpora hold the error alone; `recast`, `questions`, `cue` and `contrast` are then null or empty, and
    only generators that write such words themselves can use them.
    """

    seed_id: NonEmpty
    """`<language>:<family>:<number>` of shipped seeds; `<corpus>:<sentence>/<number>` of others, see `sentence_id`."""
    language: Subtag
    family: ErrorFamily
    type: NonEmpty
    """ERRANT's tag for English, COWS-L2H's for Spanish, else `<operation letter>:<family>` (`R:CLASSIFIER`)."""
    sentence: NonEmpty
    """What the learner says, error included."""
    start: Count
    end: Count
    original: str
    corrected: str
    operation: Operation
    generalizable: bool
    is_variation: bool
    cefr: Literal["A1", "A2", "B1", "B2"] | None
    """Level by which the structure is taught."""
    backgrounds: list[Background]
    """Learners of whom it is typical."""
    varieties: list[str] = Field(default=[])
    """BCP 47 tags of the varieties whose speakers would say it so (`es-PR`), for variation or a word of the region;
    empty where any would."""
    topic: str | None
    """One of the topics of `synth/seeds/topics.toml`."""
    recast: str | None
    """The correction in the tutor's voice: the learner's content in second person where they spoke of themselves,
    no question, no praise, no quotation marks ("You went to the market yesterday.")."""
    questions: list[NonEmpty]
    """Questions about meaning that go on from the recast ("What did you buy there?")."""
    cue: str | None
    """What a hint points at without giving the answer ("the time word 'yesterday'")."""
    contrast: list[NonEmpty]
    """The two forms as short phrases for a comparison, the right one first (["I went yesterday", "I go yesterday"])."""
    detected: bool = False
    """Found by a rule of ours: no person corrected it."""
    license: NonEmpty
    terms: list[Term]
    attribution: str = ""
    """What its corpus asks to be printed where anything made of it is published; empty for ours."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sentence[self.start : self.end] != self.original:
            raise ValueError("span: original does not stand in the sentence at start to end")
        if (not self.original, not self.corrected) != (self.operation == "missing", self.operation == "unnecessary"):
            raise ValueError("operation: does not fit original and corrected")
        if self.terms != sorted(set(self.terms)):
            raise ValueError("terms-order: terms must be sorted and unique")
        return self

    @property
    def corrected_sentence(self) -> str:
        """The sentence with the edit applied."""
        return self.sentence[: self.start] + self.corrected + self.sentence[self.end :]


def sentence_id(seed_id: str) -> str:
    """What seeds out of one sentence share: a corpus's seeds are `<corpus>:<sentence>/<number of the error>`.

    >>> sentence_id("toefl11:1004135#749/2"), sentence_id("en:agreement:1")
    ('toefl11:1004135#749', 'en:agreement:1')
    """
    return re.sub(r"/[0-9]+$", "", seed_id)
