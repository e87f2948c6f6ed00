"""What a hint can point at, by the type of the error: number, time, gender, person and so on."""

import re
from functools import lru_cache
from typing import Final

#: Kinds of cues (`Lexicon.cues`) by family of errors, as `schemas.seed.ErrorFamily` names them.
BY_FAMILY: Final[dict[str, tuple[str, ...]]] = {
    "agreement": ("number", "person"),
    "article": ("definiteness", "number"),
    "aspect": ("time", "state"),
    "classifier": ("measure",),
    "copula": ("state", "link", "time"),
    "gender": ("gender", "person"),
    "lexis": (),
    "mood": ("wish",),
    "noun-number": ("number",),
    "orthography": ("sound",),
    "preposition": ("link", "place"),
    "pronoun": ("person", "gender", "number"),
    "punctuation": ("pause",),
    "verb-form": ("form", "link"),
    "verb-tense": ("time",),
    "word-order": ("order",),
}
#: Families by the start of a type: COWS-L2H's tags, then ERRANT's without their operation letter, then families' names.
_FAMILIES: Final = (
    (r"ga:", ("gender",)),
    (r"na:", ("noun-number", "agreement")),
    (r"(ab|pr):det", ("article",)),
    (r"conf:v:seta", ("copula",)),
    (r"(conf|ab|pr|in):prep|az:", ("preposition",)),
    (r"fs:st:pn", ("agreement",)),
    (r"fs:st:t", ("verb-tense", "aspect")),
    (r"fs:st:mo", ("mood",)),
    (r"fs:", ("verb-form", "verb-tense")),
    (r"col:", ("word-order",)),
    (r"(pr|ab|conf):.*pron", ("pronoun",)),
    (r"sp|ac|or[t:]", ("orthography",)),
    (r"DET", ("article", "agreement", "pronoun")),
    (r"NOUN:(NUM|INFL)", ("noun-number",)),
    (r"VERB:SVA", ("agreement",)),
    (r"VERB:TENSE", ("verb-tense", "aspect", "verb-form")),
    (r"VERB:(FORM|INFL)", ("verb-form",)),
    (r"VERB$", ("copula", "verb-form")),
    (r"PREP|PART", ("preposition",)),
    (r"PRON", ("pronoun",)),
    (r"WO$|WORD-ORDER", ("word-order",)),
    (r"ORTH|SPELL", ("orthography",)),
    (r"PUNCT|CONTR|NOUN:POSS", ("punctuation", "orthography")),
    (r"NOUN-NUMBER", ("noun-number",)),
    (r"VERB-TENSE", ("verb-tense",)),
    (r"VERB-FORM", ("verb-form",)),
)


@lru_cache(maxsize=1 << 10)
def families_of(error_type: str) -> tuple[str, ...]:
    """Families that an error of a type may belong to; none where the type is unknown.

    Args:
        error_type: ERRANT's or COWS-L2H's tag, or an operation letter and a family's name.

    >>> families_of("R:NOUN:NUM"), families_of("ga:fm:art"), families_of("R:CLASSIFIER")
    (('noun-number',), ('gender',), ('classifier',))
    """
    tag = re.sub(r"^[MUR]:", "", error_type)
    if tag.lower() in BY_FAMILY:
        return (tag.lower(),)
    return next((families for start, families in _FAMILIES if re.match(start, tag)), ())


@lru_cache(maxsize=1 << 10)
def cue_kinds(error_type: str) -> tuple[str, ...]:
    """Kinds of cues for an error of a type; all of them where the type says nothing.

    >>> cue_kinds("R:VERB:TENSE")
    ('time', 'form', 'link')
    """
    families = families_of(error_type) or tuple(BY_FAMILY)
    return tuple(dict.fromkeys(kind for family in families for kind in BY_FAMILY[family]))
