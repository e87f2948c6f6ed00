"""COWS-L2H's tags brought to the families that generators cover.

A tag says what kind of error (`ga` gender agreement, `na` number agreement, `in` inherent number, `ig` inherent gender,
`fs` and `ct` simple and compound verb forms, `ab` absent, `pr` present and too much, `conf` confused, `col` placement,
`az` and `za` the personal a), then of what. Several stand side by side after a bar. Annotators slip: the reading is by
how a tag begins and what it holds, not by the whole of it.
"""

import re
from typing import Final

from quimbot_data.pedagogy.error_families import GENERALIZABLE, Sorted
from schemas.seed import ErrorFamily

#: Overt subject pronouns are legitimate in Caribbean Spanish and elsewhere: annotators marked them, no tutor does.
SUBJECT_PRONOUN: Final = re.compile(r"pr[:.](?:su|us|sun)[:.]")

#: What annotators put right and much of the Spanish-speaking world says: "habían muchas personas", "haiga", "dijistes".
_VARIANTS: Final = {"habían": "había", "hubieron": "hubo", "habrán": "habrá", "haiga": "haya", "haigan": "hayan"}

#: The first that is found says the family.
_FAMILIES: Final[tuple[tuple[re.Pattern[str], ErrorFamily], ...]] = (
    (re.compile(r"seta"), "copula"),
    (re.compile(r"popa|^(?:az|za|an)[:.]"), "preposition"),
    (re.compile(r"^(?:ab|pr|pe|pre)[:.].*(?:det|art)|^det[:.]art"), "article"),
    (re.compile(r"^(?:gat?|ig)[:._]"), "gender"),
    (re.compile(r"^(?:na|in)\s?[:.]"), "noun-number"),
    (re.compile(r"^col[:.]"), "word-order"),
    (re.compile(r"^f[as][:.].*[:;.]mo\b"), "mood"),
    (re.compile(r"^f[as][:.].*[:;.]t\b"), "verb-tense"),
    (re.compile(r"^f[as][:.].*[:.]pn\b"), "agreement"),
    (re.compile(r"^f[as][:.].*(?:[:.]r\b|part)"), "verb-form"),
)
#: Nouns whose gender or number must be learned one by one: "el drama", "las vacaciones".
_BY_HEART: Final = re.compile(r"[:.]aty\b|^in\s?[:.]|^ig[:.]")

#: Learners drop accents, so common imperfects count without theirs; other words in -ia ("estudia") are presents.
_IMPERFECT: Final = re.compile(
    r"(?:ab(?:a|as|an)|ábamos|abamos|ía(?:s|n|mos)?|(?:ten|ven|viv|hac|sab|quer|dec|pod|hab|sent|sal)ia(?:s|n|mos)?)$"
    r"|^(?:era[sn]?|[ée]ramos|iba[sn]?|[íi]bamos)$"
)
#: Conditionals end like imperfects of stems in r; these stems are imperfects: quería, prefería, hería, corría.
_CONDITIONAL: Final = re.compile(r"(?<!qu)(?<!f)(?<!h)(?<!l)(?:[aei]|[ndb])r[íi]a(?:s|n|mos)?$")
_PRETERITE: Final = re.compile(
    r"(?:é|ó|í|aste|iste|aron|eron|imos)$|^(?:fui|fue|vi|vio|di|dio)$|(?:uv|ij|is|us|ud|ic|iz|up|aj|in)(?:e|o|imos)$"
)


def spanish_family(tags: str, original: str, corrected: str) -> Sorted:
    """The family of a Spanish edit; none where its tags disagree, since a dialogue has one target.

    Args:
        tags: COWS-L2H's, e.g. `ga:fm:adj:inan` or `col:adj|na:adj`.
        original: what was said, empty for what is missing.
        corrected: what was meant, empty for what is too much.

    >>> spanish_family("fs:st:t", "tuve", "tenía").family
    'aspect'
    >>> spanish_family("fs:st:t", "llega", "llegó").family
    'verb-tense'
    """
    each = [tag.strip().lower() for tag in tags.split("|")]
    families = {_family(tag) for tag in each}
    family = families.pop() if len(families) == 1 else None
    if family is None:
        return Sorted(None, generalizable=False)
    if family == "verb-tense" and _turns_aspect(original, corrected):
        family = "aspect"
    # What is tagged of prepositions, por and para and the personal a, goes by rules.
    ruled = GENERALIZABLE[family] or family == "preposition"
    return Sorted(family, ruled and not any(_BY_HEART.search(tag) for tag in each))


def legitimate(original: str, corrected: str) -> bool:
    """Whether what was said is right in some variety of Spanish, so that no tutor makes it a target.

    >>> legitimate("habían", "había"), legitimate("fuistes", "fuiste"), legitimate("eran", "era")
    (True, True, False)
    """
    said, meant = original.lower().strip(), corrected.lower().strip()
    return _VARIANTS.get(said) == meant or (said.endswith("stes") and said == meant + "s")


def _family(tag: str) -> ErrorFamily | None:
    return next((family for pattern, family in _FAMILIES if pattern.search(tag)), None)


def _turns_aspect(original: str, corrected: str) -> bool:
    """Whether one is an imperfect and the other a preterite."""
    pasts = [_past(text.lower().split()[-1]) if text.split() else None for text in (original, corrected)]
    return set(pasts) == {"imperfect", "preterite"}


def _past(verb: str) -> str | None:
    if _IMPERFECT.search(verb) and not _CONDITIONAL.search(verb):
        return "imperfect"
    return "preterite" if _PRETERITE.search(verb) else None
