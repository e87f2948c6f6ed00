"""What nobody corrected: rules find what is hardly anything else, in sentences and in TOEFL11's essays."""

from pathlib import Path

import pytest
from corrected_corpora import ESSAYS, RIGHTS, shown, told

from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.workspace import Workspace
from schemas.errors import InputError
from synth.learner_errors import toefl11
from synth.learner_errors.detect import corrected_by_rule
from synth.learner_errors.errant_edits import parser

# Rules

FOUND = [
    ("She go to school by bus.", "She goes to school by bus."),
    ("When he have time, he reads.", "When he has time, he reads."),
    ("They has a big garden.", "They have a big garden."),
    ("He is a honest man.", "He is an honest man."),
    ("It was a old house.", "It was an old house."),
    ("I need more informations about it.", "I need more information about it."),
    ("You must to eat something.", "You must eat something."),
    ("He didn't went home.", "He didn't go home."),
    ("This way is more better for us.", "This way is better for us."),
    ("I have two brother and a sister.", "I have two brothers and a sister."),
    ("There is many shops in town.", "There are many shops in town."),
    ("It is realy importnat for us.", "It is realy important for us."),  # "realy" is written often enough
]
#: Right, or not surely wrong: no rule may touch them.
LEFT_ALONE = [
    "He saw a unicorn and a European bus an hour ago.",
    "Does he go to school by bus?",
    "I suggest that he go home.",
    "Let him go home now.",
    "They made it work in the end.",
    "The number of people is growing.",
    "Many a man has tried it.",
    "There is one shop in town.",
    "Several school groups came too.",
    "These fish live in the sea.",
    "You can do it, and must not worry.",
    "She is more than happy with it.",
    "Would you like to come?",
    "We met Katharyna in Novosibirsk.",
    "The colour of the aeroplane was grey.",
]


@pytest.mark.parametrize(("sentence", "corrected"), FOUND)
def test_rules_find_what_is_hardly_anything_else(sentence: str, corrected: str) -> None:
    assert corrected_by_rule(parser()(sentence)) == corrected
    assert corrected_by_rule(parser()(corrected)) == corrected


@pytest.mark.parametrize("sentence", LEFT_ALONE)
def test_rules_leave_alone_what_is_right(sentence: str) -> None:
    assert corrected_by_rule(parser()(sentence)) == sentence


# TOEFL11


def test_what_nobody_corrected_is_found_by_rule_and_marked(essays: Workspace) -> None:
    seeds, _ = told(toefl11.read(essays), "toefl11")
    found = {seed.seed_id: shown(seed) for seed in seeds}
    assert found["toefl11:2#0/0"] == "In my country, she [go|goes] to school by bus."
    assert all(seed.detected for seed in seeds)
    assert {(seed.license, *seed.terms) for seed in seeds} == {
        ("LicenseRef-LDC-TOEFL11", "no-transfer", "research-only")
    }
    assert {tuple(seed.backgrounds) for seed in seeds} == {("l2",)}


def test_corrected_essays_are_read_beside_the_learners_and_terms_join(essays: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "corrected"
    folder.mkdir()
    text = "My brother likes music. He has written three songs in English.\nWe were happy then. They sing well."
    (folder / "1.txt").write_text(text)
    seeds, skipped = told(toefl11.read(essays, folder, RIGHTS), "toefl11")
    mine = [seed for seed in seeds if seed.seed_id.startswith("toefl11:1#")]
    assert shown(mine[0]) == "My brother [like|likes] music."
    assert {seed.detected for seed in mine} == {False}
    assert {(seed.license, *seed.terms) for seed in mine} == {
        ("CC-BY-SA-4.0 AND LicenseRef-LDC-TOEFL11", "attribution", "no-transfer", "research-only", "share-alike")
    }
    assert skipped["not-aligned"] == 1, "the second paragraph was cut into two sentences"
    assert any(seed.seed_id.startswith("toefl11:2#") and seed.detected for seed in seeds), (
        "the rest is still found by rule"
    )


def test_toefl_spells_offsets_count_the_characters_of_the_essay(essays: Workspace, tmp_path: Path) -> None:
    start = ESSAYS["1"].index("writi")
    rows = [f"1,{start}-{start + 5},writi,M,written", "1,3-10,nowhere,S,somewhere"]
    path = tmp_path / "Annotations.csv"
    path.write_text("Filename,OffsetSpan,Misspelling,Type,Correction\n" + "\n".join(rows) + "\n")
    seeds, skipped = told(toefl11.read(essays, path, RIGHTS), "toefl11")
    [mine] = [seed for seed in seeds if seed.seed_id.startswith("toefl11:1#")]
    assert shown(mine) == "He have [writi|written] three songs in English."
    assert (mine.family, mine.type, mine.detected) == ("orthography", "R:SPELL", False)
    assert skipped["misplaced"] == 1
    path.write_text("Filename,Offset\n1,2\n")
    with pytest.raises(InputError, match="OffsetSpan"):
        told(toefl11.read(essays, path, RIGHTS))


def test_an_essay_that_was_taken_down_is_not_read(essays: Workspace) -> None:
    add(essays, Request(["toefl11:2"], [], []), "its author asked", "the curator")
    seeds, _ = told(toefl11.read(essays), "toefl11")
    assert not [seed for seed in seeds if seed.seed_id.startswith("toefl11:2#")]
