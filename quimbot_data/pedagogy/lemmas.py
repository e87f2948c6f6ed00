"""Lemmas of single words, without their sentence: fast enough for every word of every dialogue.

English and Spanish: `simplemma` (Barbaresi), a table of forms, which a test holds to spaCy's lemmas of English. Arabic:
the light stemmer of Snowball, after the article and what is written as one with the word. Chinese has no inflection.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from quimbot_data.pedagogy.folding import bare
from quimbot_data.pedagogy.lexicon import function_words
from quimbot_data.pedagogy.tokens import words_of

if TYPE_CHECKING:
    from snowballstemmer.basestemmer import BaseStemmer

#: Forms of two verbs, which tables must give to one: by the tutor's talk of "going" it is that one.
_CHOSEN: Final = {
    "es": dict.fromkeys(("fui", "fuiste", "fue", "fuimos", "fueron", "fuera", "fueran", "fueras"), "ir")
    | {"di": "decir"},
    "en": {
        **{
            "left": "leave",
            "felt": "feel",
            "found": "find",
            "lay": "lie",
            "gone": "go",
            "won": "win",
            "broke": "break",
        },
        **{
            "playing": "play",
            "singing": "sing",
            "living": "live",
            "feeling": "feel",
            "lost": "lose",
            "funniest": "funny",
        },
    },
}
_ENCLITICS: Final = re.compile(r"(?<=[aeioáéíóúrn])(?:[mts]e(?:l[aeo]s?)?|nos|l[aeo]s?)$")
_POSSESSIVE: Final = re.compile(r"['’]s?$")
_PREFIXES: Final = re.compile(r"^[وف]?(?:[بكل]?ال|لل)?(?=\w{3})")


@lru_cache(maxsize=1 << 16)
def lemma(word: str, language: str) -> str:
    """The lemma of a word in lower case; the word itself where nothing is known of it.

    >>> lemma("went", "en"), lemma("niñas", "es")
    ('go', 'niño')
    """
    if language == "ar":
        return str(_arabic().stemWord(without_prefixes(word)))
    if language not in ("en", "es"):
        return word
    from simplemma import lemmatize

    plain = _POSSESSIVE.sub("", word) or word
    if language == "es":
        plain = _without_enclitics(plain)
    return _CHOSEN[language].get(plain) or lemmatize(plain, lang=language).lower()


def known(word: str, language: str) -> bool:
    """Whether a word may be one of the language: by the table of forms, or by its script where there is none."""
    if language in ("zh", "ar"):
        return not word.isascii()
    from simplemma import is_known

    return language not in ("en", "es") or bool(is_known(word, lang=language))


def without_prefixes(word: str) -> str:
    """An Arabic word without "and", a preposition and the article, which are written as one with it."""
    return _PREFIXES.sub("", word)


def _without_enclitics(word: str) -> str:
    """A Spanish verb without the pronouns written as one with it, where that is a known word: "dilo", "cuéntame"."""
    from simplemma import is_known

    if is_known(word, lang="es") or not (match := _ENCLITICS.search(word)):
        return word
    stem = word[: match.start()]
    return next((each for each in (stem, bare(stem)) if is_known(each, lang="es")), word)


@lru_cache(maxsize=1 << 15)
def content_lemmas(text: str, language: str) -> frozenset[str]:
    """Lemmas of the words of a text that say something: no function words, no numerals."""
    return frozenset(lemma(word, language) for word in content_words(text, language))


@lru_cache(maxsize=1 << 15)
def content_words(text: str, language: str) -> tuple[str, ...]:
    """Words of a text, in lower case, without function words and numerals."""
    function = function_words(language)
    words = (_POSSESSIVE.sub("", word) for word in words_of(text, language))
    return tuple(word for word in words if word[:1].isalpha() and word not in function)


@cache
def _arabic() -> "BaseStemmer":
    import snowballstemmer

    return snowballstemmer.stemmer("arabic")
