"""Words and their frequencies, alike in every language of the project: those of `wordfreq` (Speer 2022).

Chinese is cut by `wordfreq`'s own table through jieba, Arabic loses vowel points, Spanish keeps its accents. A language
that `wordfreq` has no list for is cut at word boundaries, and all its words are of frequency 0.
"""

import logging
import re
from functools import cache, lru_cache

#: A sentence's end in the scripts that the project writes.
SENTENCE_END = re.compile(r"(?<=[.!?…。！？؟])[\s\"'”’»)]*(?=\S)|\n+")
#: Question marks: Latin, Chinese, Arabic.
QUESTION_MARKS = "?？؟"


def words_of(text: str, language: str) -> list[str]:
    """Words in lower case, in their order, without punctuation.

    >>> words_of("¿Qué compró ella ayer?", "es")
    ['qué', 'compró', 'ella', 'ayer']
    """
    return list(_words(text, language))


def tokens_of(text: str, language: str) -> list[str]:
    """Words and, as tokens of their own, runs of punctuation.

    >>> tokens_of("Yes! What did she buy?", "en")
    ['yes', '!', 'what', 'did', 'she', 'buy', '?']
    """
    return list(_words(text, language, punctuation=True))


def zipf(word: str, language: str) -> float:
    """How frequent a word is: log10 of its count in a thousand million words; 0 where it is not known."""
    return _zipf(word, language) if language in listed_languages() else 0.0


def sentences_of(text: str) -> list[str]:
    """Sentences, by the marks that end them.

    >>> sentences_of("Yes! What did she buy?")
    ['Yes!', 'What did she buy?']
    """
    return [part.strip() for part in SENTENCE_END.split(text) if part and part.strip()]


@cache
def listed_languages() -> frozenset[str]:
    """Languages of which `wordfreq` has a list, and what cuts their texts into words."""
    import wordfreq

    logging.getLogger("jieba").addFilter(lambda record: record.levelno >= logging.WARNING)  # it tells of its tables
    return frozenset(wordfreq.available_languages()) - {"ja", "ko"}  # cut by MeCab, which is not asked for


@lru_cache(maxsize=1 << 16)
def _words(text: str, language: str, *, punctuation: bool = False) -> tuple[str, ...]:
    import wordfreq

    known = language if language in listed_languages() else "en"
    return tuple(wordfreq.tokenize(text, known, include_punctuation=punctuation))  # type: ignore[attr-defined]


@lru_cache(maxsize=1 << 16)
def _zipf(word: str, language: str) -> float:
    import wordfreq

    return float(wordfreq.zipf_frequency(word, language))
