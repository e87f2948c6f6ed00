"""Praise and encouragement in a tutor's turn, by the words of `tutor_words.toml`; insults, by those of the lexicons."""

from collections.abc import Sequence

from quimbot_data.pedagogy.folding import bare
from quimbot_data.pedagogy.tutor_words import folded, tutor_words
from quimbot_data.pedagogy.wording import phrases_in


def praise_of(text: str, language: str) -> list[str]:
    """The words of praise in a text, in their order; none in a language whose words are not listed."""
    words = tutor_words(language)
    return [match[0] for match in words.praise.finditer(folded(text))] if words else []


def encouraging(text: str, language: str) -> bool:
    """Whether a text praises or encourages.

    >>> encouraging("Great start! What comes next?", "en"), encouraging("What comes next?", "en")
    (True, False)
    """
    words = tutor_words(language)
    return bool(words and (words.praise.search(folded(text)) or words.support.search(folded(text))))


def insults(text: str, said: Sequence[str] = ()) -> list[str]:
    """The words in a text that hurt, in any language of the lexicons.

    Args:
        text: a tutor's turn.
        said: what the learner said before; words that are the learner's own are taken up, no insults.

    >>> insults("How stupid can you be?"), insults("Why was that film so dumb?", ["It was a dumb film."])
    (['stupid'], [])
    """
    spoken = bare(" ".join(said))
    return [found for found in phrases_in(text, "insults", said) if found not in spoken]
