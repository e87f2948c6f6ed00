"""The patterns of `tutor_words.toml`, compiled: what tutors ask and praise with, by language."""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

#: Languages written without blanks between words, where a pattern may stand anywhere.
UNSPACED: Final = frozenset({"zh", "ja", "th"})


class TutorWords(NamedTuple):
    """Patterns of one language; a pattern without alternatives matches nothing."""

    opening: re.Pattern[str]
    """A question about something: fillers and a preposition, then a question word, from the beginning."""
    question: re.Pattern[str]
    closed: re.Pattern[str]
    """Fillers, then what asks for yes, no or one of two, from the beginning."""
    clause_asks: re.Pattern[str]
    clause_closed: re.Pattern[str]
    """Each a clause's beginning, after fillers and a preposition."""
    not_asked: re.Pattern[str]
    asked_for: re.Pattern[str]
    factual: re.Pattern[str]
    open: re.Pattern[str]
    reflective: re.Pattern[str]
    check: re.Pattern[str]
    praise: re.Pattern[str]
    support: re.Pattern[str]
    profile: re.Pattern[str]


def folded(text: str) -> str:
    """Lower case, straight apostrophes, and Arabic without its vowel points."""
    plain = text.lower().replace("’", "'").replace("‘", "'")
    return re.sub("[\u064b-\u0652\u0640]", "", unicodedata.normalize("NFC", plain))


@cache
def tutor_words(language: str) -> TutorWords | None:
    """The words of a language, by its subtag; None where there is none."""
    told = tomllib.loads((files("quimbot_data.pedagogy") / "tutor_words.toml").read_text("utf-8")).get(language)
    if told is None:
        return None
    spaced = language not in UNSPACED
    joined = {name: "|".join(several) for name, several in told.items()}
    before = rf"^\W*(?:(?:{joined['filler']})\b\W*)*" if joined["filler"] else r"^\W*"
    placed = rf"{before}(?:(?:{joined['preposition']})\s+)?" if joined["preposition"] else before
    begins = dict.fromkeys(("closed", "clause_closed", "not_asked"), before)
    begins |= {"clause_asks": placed, "opening": placed if spaced else ""}
    joined["opening"] = joined["question"]

    def compiled(name: str) -> re.Pattern[str]:
        pattern = _alternatives(joined.get(name, ""), spaced=spaced)
        return re.compile(begins.get(name, "") + pattern)

    return TutorWords(**{name: compiled(name) for name in TutorWords._fields})


def _alternatives(told: str, *, spaced: bool) -> str:
    if not told:
        return r"(?!)"
    return rf"(?<!\w)(?:{told})(?!\w)" if spaced else rf"(?:{told})"
