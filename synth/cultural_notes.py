"""What a tutor may tell about a culture: notes of named regions, hedged, each with the public work that says so."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import Field

from schemas.fields import NonEmpty, Strict, Subtag

#: Languages that part no words, or write small words with the next one.
_WITHIN_WORDS: Final = frozenset({"ar", "zh"})


class Note(Strict):
    """One thing to tell; see `cultural_notes.toml`."""

    key: NonEmpty
    """What `schemas.dialogue.CulturalNote.source` names."""
    language: Subtag
    varieties: list[str]
    """BCP 47 tags of the varieties spoken where it holds; empty where it is not one region's."""
    topic: NonEmpty
    about: list[NonEmpty] = Field(default=[])
    """Beginnings of words (Arabic, Mandarin: parts of them), one of which what the learner tells must hold; empty where
    the topic alone is enough."""
    region: NonEmpty
    """As it stands in the texts."""
    texts: list[NonEmpty] = Field(min_length=2)
    source: NonEmpty
    """The public work that says so, with its year."""

    def fits(self, told: str, topic: str | None, variety: str | None) -> bool:
        """Whether it belongs to what was told about a topic, and to the learner's variety, where one is set."""
        if topic != self.topic or (variety and self.varieties and variety not in self.varieties):
            return False
        if self.language in _WITHIN_WORDS:
            return not self.about or any(each in told for each in self.about)
        words = re.findall(r"\w+", told.casefold())
        return not self.about or any(word.startswith(tuple(self.about)) for word in words)


class _Table(Strict):
    notes: list[Note]


@cache
def cultural_notes(language: str | None = None) -> tuple[Note, ...]:
    """Notes in the order of the table, of one language or of all."""
    table = tomllib.loads((files(__package__) / "cultural_notes.toml").read_text(encoding="utf-8"))
    return tuple(note for note in _Table.model_validate(table).notes if language in (None, note.language))
