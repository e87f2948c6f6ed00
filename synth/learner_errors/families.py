"""ERRANT's tags (Bryant, Felice and Briscoe 2017) brought to the families that generators cover."""

from typing import Final

from quimbot_data.pedagogy.error_families import GENERALIZABLE, Sorted
from schemas.seed import ErrorFamily

#: By category, the tag without its operation letter; what is not listed (OTHER, UNK, NOUN:POSS, CONJ …) has no family.
_CATEGORIES: Final[dict[str, ErrorFamily]] = {
    "ADJ": "lexis",
    "ADV": "lexis",
    "CONTR": "punctuation",
    "MORPH": "lexis",
    "NOUN": "lexis",
    "NOUN:INFL": "noun-number",
    "NOUN:NUM": "noun-number",
    "ORTH": "orthography",
    "PART": "preposition",
    "PREP": "preposition",
    "PRON": "pronoun",
    "PUNCT": "punctuation",
    "SPELL": "orthography",
    "VERB": "lexis",
    "VERB:FORM": "verb-form",
    "VERB:INFL": "verb-form",
    "VERB:SVA": "agreement",
    "VERB:TENSE": "verb-tense",
    "WO": "word-order",
}
#: Words that make a lexical choice only where one stands for another: a verb that is missing is no choice of words.
_CHOICES: Final = frozenset({"ADJ", "ADV", "MORPH", "NOUN", "VERB"})
_ARTICLES: Final = frozenset({"a", "an", "the"})
_DEMONSTRATIVES: Final = frozenset({"this", "that", "these", "those"})
_POSSESSIVES: Final = frozenset({"my", "your", "his", "her", "its", "our", "their"})
_COPULAS: Final = frozenset({"am", "are", "be", "been", "being", "is", "was", "were", "'m", "'re", "'s"})
_HAVE: Final = frozenset({"had", "has", "have", "having", "'d", "'s", "'ve"})


def errant_family(tag: str, original: str, corrected: str) -> Sorted:
    """The family of an English edit.

    Args:
        tag: ERRANT's, e.g. `R:VERB:SVA`.
        original: what was said, empty for what is missing.
        corrected: what was meant, empty for what is too much.

    >>> errant_family("M:DET", "", "the").family
    'article'
    >>> errant_family("R:DET", "my", "her").family
    'pronoun'
    """
    operation, _, category = tag.partition(":")
    said, meant = original.lower().split(), corrected.lower().split()
    family = _family(operation, category, frozenset(said), frozenset(meant))
    return Sorted(family, family is not None and (GENERALIZABLE[family] or category in ("ORTH", "CONTR")))


def _family(operation: str, category: str, said: frozenset[str], meant: frozenset[str]) -> ErrorFamily | None:
    if category == "DET":
        return _determiner(said | meant)
    if category == "VERB" and operation != "R":
        return "copula" if said | meant <= _COPULAS else None
    if category == "VERB:TENSE" and _turns_aspect(said, meant):
        return "aspect"
    if category in _CHOICES and operation != "R":
        return None
    return _CATEGORIES.get(category)


def _determiner(words: frozenset[str]) -> ErrorFamily | None:
    if words <= _ARTICLES:
        return "article"
    if words <= _DEMONSTRATIVES:
        return "agreement"
    return "pronoun" if words <= _POSSESSIVES | _ARTICLES else None


def _turns_aspect(said: frozenset[str], meant: frozenset[str]) -> bool:
    """Whether one side is progressive or perfect and the other is not, within one tense or out of it."""
    return (_progressive(said), bool(said & _HAVE)) != (_progressive(meant), bool(meant & _HAVE))


def _progressive(words: frozenset[str]) -> bool:
    return bool(words & _COPULAS) and any(word.endswith("ing") for word in words)
