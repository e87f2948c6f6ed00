"""What a learner of a level can be expected to read: words by how frequent they are, sentences by their length.

The one table of thresholds: the Zipf value (log10 of occurrences in a thousand million words, `wordfreq`) from which on
a word belongs to a level. The bands are those of the 1,500, 5,000, 10,000 and 16,000 most frequent English words, wider
than course books', since everyday words ("soup", "aunt") are rarer in writing than in talk: of the content words that
the seed banks use at A1, .98 lie above A2's value. Arabic is lower, since prefixes split its words' counts.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from quimbot_data.pedagogy.lemmas import content_words, lemma, without_prefixes
from quimbot_data.pedagogy.tokens import sentences_of, words_of, zipf
from schemas.learner import CEFR_LEVELS

LEVELS: Final[tuple[str, ...]] = CEFR_LEVELS
LEAST_ZIPF: Final[dict[str, dict[str, float]]] = {
    "en": {"A1": 4.4, "A2": 3.6, "B1": 3.3, "B2": 2.9, "C1": 2.4, "C2": 0.0},
    "es": {"A1": 4.4, "A2": 3.6, "B1": 3.3, "B2": 2.9, "C1": 2.4, "C2": 0.0},
    "zh": {"A1": 4.4, "A2": 3.6, "B1": 3.3, "B2": 2.9, "C1": 2.4, "C2": 0.0},
    "ar": {"A1": 4.0, "A2": 3.3, "B1": 2.9, "B2": 2.5, "C1": 2.0, "C2": 0.0},
}
#: A Chinese compound is at most this much harder than its rarest character: "家里人" stands in no list of words.
_COMPOUND: Final = 1.0
#: Content words that may be above the learner's level by more than one.
MOST_ABOVE: Final = 0.05
#: At A1: words a sentence, and a turn.
A1_SENTENCE: Final = 15
A1_TURN: Final = 40


class Reach(NamedTuple):
    """Content words of some turns, and which of them are out of the learner's reach."""

    words: int
    above: list[str]

    @property
    def share(self) -> float:
        """Of the content words, those that are above."""
        return len(self.above) / self.words if self.words else 0.0


def level_of(word: str, language: str) -> str:
    """The level that a word belongs to: of its own frequency and its lemma's, the more frequent counts.

    >>> level_of("yesterday", "en")
    'A1'
    """
    table = LEAST_ZIPF.get(language, LEAST_ZIPF["en"])
    known = frequency(word, language)
    return next(level for level in LEVELS if known >= table[level])


def next_level(cefr: str) -> str:
    """The level above; of the highest, itself."""
    return LEVELS[min(LEVELS.index(cefr) + 1, len(LEVELS) - 1)]


def reach(turns: Sequence[str], language: str, cefr: str, known: frozenset[str] = frozenset()) -> Reach:
    """Content words of turns that are more than one level above the learner's.

    Args:
        turns: what the tutor says.
        language: subtag.
        cefr: the learner's level.
        known: lemmas that the learner uses; they are within reach whatever their frequency.
    """
    least = LEAST_ZIPF.get(language, LEAST_ZIPF["en"])[next_level(cefr)]
    words = [word for turn in turns for word in content_words(_without_names(turn, language), language)]
    above = [word for word in words if _is_above(word, language, least, known)]
    return Reach(len(words), above)


def _is_above(word: str, language: str, least: float, known: frozenset[str]) -> bool:
    return lemma(word, language) not in known and frequency(word, language) < least


@lru_cache(maxsize=1 << 16)
def frequency(word: str, language: str) -> float:
    """The Zipf value of a word by which its level is told: its own, its lemma's, or its characters', where higher."""
    if language == "ar":
        return max(zipf(word, language), zipf(without_prefixes(word), language))
    own = max(zipf(word, language), zipf(lemma(word, language), language))
    if language != "zh" or not word:
        return own
    return max(own, min(zipf(char, language) for char in word) - _COMPOUND)


def _without_names(text: str, language: str) -> str:
    """Text without capitalised words within a sentence: names, in languages that write them so."""
    if language not in ("en", "es"):
        return text
    kept = []
    for sentence in sentences_of(text):
        first, *rest = sentence.split()
        kept += [first, *(word for word in rest if not word.lstrip("¿¡\"“'(«").istitle())]
    return " ".join(kept)


def length_fault(text: str, language: str) -> str | None:
    """What is too long for an A1 learner: a sentence, or the turn; None where nothing is."""
    turn = len(words_of(text, language))
    if turn > A1_TURN:
        return f"{turn} words a turn, over {A1_TURN}, for a learner at A1."
    longest = max((len(words_of(sentence, language)) for sentence in sentences_of(text)), default=0)
    return f"A sentence of {longest} words, over {A1_SENTENCE}, at A1." if longest > A1_SENTENCE else None


def most_above(words: int) -> int:
    """How many of so many content words may be above."""
    return math.floor(MOST_ABOVE * words)
