"""A seed's words for a tutor: said back in second person, or none where that cannot be done."""

from pathlib import Path

import pytest
from corrected_corpora import RIGHTS, told

from schemas.seed import Seed
from synth.fitting import usable
from synth.learner_errors import m2
from synth.learner_errors.contrasts import contrast
from synth.learner_errors.errant_edits import parser
from synth.learner_errors.statements import kind_of, said_back
from synth.learner_errors.wording import worded
from synth.scenarios import openings


@pytest.mark.parametrize(
    ("learner", "tutor"),
    [
        ("I was late because my bus was full.", "You were late because your bus was full."),
        ("My sister and I are proud of our garden!", "Your sister and you are proud of your garden."),
        ("When we arrived, the shop was closed", "When you arrived, the shop was closed."),
        ("I'm tired and it gives me a headache.", "You're tired and it gives you a headache."),
    ],
)
def test_a_statement_is_said_back_in_second_person(learner: str, tutor: str) -> None:
    assert said_back(parser()(learner)) == tutor


def seed_of(tmp_path: Path, block: str) -> Seed:
    path = tmp_path / "own.m2"
    path.write_text(block)
    return told(m2.read(path, "en", RIGHTS))[0][0]


def test_an_english_seed_gets_words_that_the_critics_and_the_engine_take(tmp_path: Path) -> None:
    seed = seed_of(tmp_path, "S I has two dogs and a cat at home .\nA 1 2|||R:VERB:SVA|||have|||R|||N|||0\n")
    [made] = worded([seed])
    assert made.recast == "You have two dogs and a cat at home."
    assert made.contrast == ["I have two dogs", "I has two dogs"]
    assert made.cefr == "A1"
    assert len(made.questions) == 2
    assert usable(made)
    assert openings(made, "A1") == ("recast", "question", "hint", "explore")
    assert list(worded([made])) == [made], "words that are there stay"
    assert made.model_copy(update={"recast": None, "questions": [], "cue": None, "contrast": [], "cefr": None}) == seed


@pytest.mark.parametrize(
    "sentence",
    ["Do you has a dog at home ?", "Yes , he has many dog .", "You has two dogs at home .", "A has of the dogs"],
)
def test_what_cannot_be_said_back_stays_without_words(tmp_path: Path, sentence: str) -> None:
    at = sentence.split().index("has")
    seed = seed_of(tmp_path, f"S {sentence}\nA {at} {at + 1}|||R:VERB|||had|||R|||N|||0\n")
    assert list(worded([seed])) == [seed]


@pytest.mark.parametrize(
    "corrected",
    [
        "i think there must be many dogs there .",  # no sentence, as it is written
        "There must be many dogs there",
        "Throughout our lives we needs talk about many dogs .",  # no verb of its subject
        "Who we match with many dogs .",
        "It is ture that there are many dogs .",  # a word that nobody writes
        "So let us talk about many dogs .",
    ],
)
def test_a_sentence_that_is_still_wrong_or_cannot_be_turned_stays_without_words(tmp_path: Path, corrected: str) -> None:
    at = corrected.split().index("dogs")
    source = corrected.replace("dogs", "dog")
    seed = seed_of(tmp_path, f"S {source}\nA {at} {at + 1}|||R:NOUN:NUM|||dogs|||R|||N|||0\n")
    assert list(worded([seed])) == [seed]


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("He has a very old car and a dog .", "he has a very old car"),
        ("We went to Pink's hot dog stand .", "we went to Pink's hot dog stand"),
        ("She learned English because the teacher helped her .", "she learned English"),
    ],
)
def test_a_contrast_is_a_phrase(tmp_path: Path, sentence: str, phrase: str) -> None:
    """It ends with no word that only begins something, and crosses no conjunction."""
    right = next(word for word in sentence.split() if word in ("has", "went", "learned"))
    at = sentence.split().index(right)
    wrong = sentence.replace(right, "getted")
    seed = seed_of(tmp_path, f"S {wrong}\nA {at} {at + 1}|||R:VERB:SVA|||{right}|||R|||N|||0\n")
    assert contrast(seed, parser()(seed.corrected_sentence))[0] == phrase


def test_questions_fit_the_time_of_what_is_said(tmp_path: Path) -> None:
    kinds = {
        "I went home.": "own-past",
        "He went home.": "past",
        "Dogs like meat.": "general",
        "It would help.": "thought",
        "My dog sleeps.": "own",
    }
    assert {text: kind_of(parser()(text)) for text in kinds} == kinds
