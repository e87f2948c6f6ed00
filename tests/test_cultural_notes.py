"""Cultural notes name their region and their source, and speak for many or some, never for all."""

import re

import pytest

from quimbot_data.pedagogy.tokens import words_of
from synth.cultural_notes import Note, cultural_notes
from synth.seeds import topics

HEDGES = {
    "es": r"\b(suelen?|much[ao]s?|algun[ao]s|a veces|algunos)\b",
    "zh": r"很多|常常|有些|有的|一般|往往",
    "ar": r"كثير|بعض|غالبًا|عادةً|أحيانًا",
}
SWEEPING = {
    "es": r"\b(todos los|todas las|siempre|nunca|típic[ao])\b",
    "zh": r"所有|总是|每个人|从来",
    "ar": r"\bكل\b|دائمًا|جميع|أبدًا",
}


def keyed(note: Note) -> str:
    return note.key


@pytest.mark.parametrize("note", cultural_notes(), ids=keyed)
def test_notes_name_their_region_and_hedge(note: Note) -> None:
    for text in note.texts:
        assert note.region.casefold().removeprefix("la ") in text.casefold()
        assert re.search(HEDGES[note.language], text, re.IGNORECASE), text
        assert not re.search(SWEEPING[note.language], text, re.IGNORECASE), text
        assert len(words_of(text, note.language)) <= 18


@pytest.mark.parametrize("note", cultural_notes(), ids=keyed)
def test_notes_have_a_dated_source_and_a_topic_of_the_seeds(note: Note) -> None:
    assert re.search(r"(?:19|20)\d\d|Americanismos", note.source)
    assert note.topic in topics()


def test_notes_differ() -> None:
    texts = [text for note in cultural_notes() for text in note.texts]
    assert len(set(texts)) == len(texts)
    assert len({note.key for note in cultural_notes()}) == len(cultural_notes())


def test_the_variants_have_notes_and_english_has_none() -> None:
    assert {language: len(cultural_notes(language)) >= 12 for language in ("es", "zh", "ar")} == dict.fromkeys(
        HEDGES, True
    )
    assert cultural_notes("en") == ()
    assert {"es-MX", "es-DO", "es-PR"} <= {variety for note in cultural_notes("es") for variety in note.varieties}
