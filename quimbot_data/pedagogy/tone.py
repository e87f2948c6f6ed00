"""Praise and encouragement in a tutor's turn, by the words of `tutor_words.toml`."""

from quimbot_data.pedagogy.tutor_words import folded, tutor_words


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
