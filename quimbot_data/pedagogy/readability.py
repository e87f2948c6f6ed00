"""How easy a text is to read: one number a text, higher is easier, to be compared within one language only.

English: Flesch (1948), 206.835 - 84.6 syllables a word - 1.015 words a sentence.
Spanish: Fernández Huerta (1959), 206.84 - 60 syllables a word - 1.02 words a sentence, as Law (2011) sets it right: the
often copied version that counts sentences a hundred words is a slip.
Others: no formula that needs neither vowel marks nor a dictionary was found for Arabic and Chinese, so both get a
plain proxy in the same shape, good for telling a longer text from a shorter one: an Arabic syllable is two letters,
since short vowels are not written; in Chinese, where no blank parts words, a "word" is a clause, its characters the
syllables.
"""

import re
from functools import lru_cache
from typing import Final

from quimbot_data.pedagogy.tokens import sentences_of

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

#: Constant, weight of syllables a word, weight of words a sentence.
_FLESCH: Final = (206.835, 84.6, 1.015)
_FERNANDEZ_HUERTA: Final = (206.84, 60.0, 1.02)
#: Clauses hold about eight characters: the weights bring everyday Chinese to the scale of the others.
_CHINESE: Final = (206.84, 10.0, 10.0)

_STRONG_VOWELS: Final = frozenset("aeoáéóíú")
_WEAK_VOWELS: Final = frozenset("iuü")
_ENGLISH_VOWELS: Final = re.compile(r"[aeiouy]+")
#: A final e is silent but after a consonant and l ("table"); so is that of "-ed" but after t and d.
_ENGLISH_SILENT: Final = re.compile(r"(?<=[^aeiouy])(?:e|es|ed)$")
_ENGLISH_SOUNDED: Final = re.compile(r"(?:[^aeiouy]le|[td]ed|(?:[cgsxz]|[cs]h)es|[^aeiouy]les)$")


def reading_ease(text: str, language: str) -> float:
    """Reading ease of a text in the language with this subtag; mostly 0 (hard) to 120 (very easy).

    A text without words has the formula's constant, above everything that there is to read.
    """
    sentences = [words for part in sentences_of(text) if (words := _WORD.findall(part))]
    count = sum(map(len, sentences))
    constant, syllable_weight, length_weight = _weights(language)
    if not count:
        return constant
    spoken = sum(syllables(word, language) for words in sentences for word in words)
    return constant - syllable_weight * spoken / count - length_weight * count / len(sentences)


def _weights(language: str) -> tuple[float, float, float]:
    if language == "zh":
        return _CHINESE
    return _FLESCH if language == "en" else _FERNANDEZ_HUERTA


@lru_cache(maxsize=65_536)
def syllables(word: str, language: str) -> int:
    """Syllables of a word, at least one; for Arabic half of the letters, for Chinese the characters."""
    lower = word.lower()
    if language == "zh":
        return len(lower)
    if language == "ar":
        return max(1, round(sum(map(str.isalpha, lower)) / 2))
    return max(1, _english(lower) if language == "en" else _spanish(lower))


def _english(word: str) -> int:
    groups = len(_ENGLISH_VOWELS.findall(word))
    return groups - bool(_ENGLISH_SILENT.search(word) and not _ENGLISH_SOUNDED.search(word))


def _spanish(word: str) -> int:
    """Strong vowels and accented weak ones each make a syllable; other weak ones only where no vowel is beside them."""
    padded = re.sub(r"y(?![a-záéíóúü])", "i", f" {word} ")
    count, beside = 0, False
    for at, letter in enumerate(padded):
        strong = letter in _STRONG_VOWELS
        weak_alone = letter in _WEAK_VOWELS and not beside and padded[at + 1] not in _STRONG_VOWELS
        count += strong or weak_alone
        beside = strong or letter in _WEAK_VOWELS
    return count
