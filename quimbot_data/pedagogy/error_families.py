"""Families of learner errors, whatever tags a corpus gives them, and whether a rule leads to the correction."""

from typing import Final, NamedTuple

from schemas.seed import ErrorFamily

#: Families in which a rule leads from what was said to what was meant; the rest is arbitrary, and gets no hint.
GENERALIZABLE: Final[dict[str, bool]] = {
    "agreement": True,
    "article": True,
    "aspect": True,
    "classifier": True,
    "copula": True,
    "gender": True,
    "lexis": False,
    "mood": True,
    "noun-number": True,
    "orthography": False,
    "preposition": False,
    "pronoun": True,
    "punctuation": True,
    "verb-form": True,
    "verb-tense": True,
    "word-order": True,
}


class Sorted(NamedTuple):
    """Where an error belongs: its family, None where none covers it, and whether a rule leads to its correction."""

    family: ErrorFamily | None
    generalizable: bool
