"""Diversity of tutor turns: templates repeat, people do not, and the order of turns decides nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.pedagogy.diversity import SIZE, diversity, self_bleu, skeleton
from quimbot_data.pedagogy.tokens import sentences_of, tokens_of, words_of, zipf

WORDS = [
    *("time", "house", "river", "garden", "story", "people", "music", "window"),
    *("summer", "letter", "doctor", "bread", "paper", "street", "winter"),
]


def test_words_in_four_languages() -> None:
    assert words_of("¿Qué compró ella ayer?", "es") == ["qué", "compró", "ella", "ayer"]
    assert words_of("我昨天去了商店。", "zh") == ["我", "昨天", "去", "了", "商店"]
    assert words_of("ماذا اشتريت؟", "ar") == ["ماذا", "اشتريت"]
    assert tokens_of("Yes! What?", "en") == ["yes", "!", "what", "?"]
    assert words_of("bonjour le monde", "xx") == ["bonjour", "le", "monde"]


def test_frequency_and_sentences() -> None:
    assert zipf("the", "en") > zipf("museum", "en") > zipf("zyzzyva", "en")
    assert zipf("the", "xx") == 0
    assert sentences_of("Yes! What did she buy?") == ["Yes!", "What did she buy?"]
    assert sentences_of("你去了吗？我去了。") == ["你去了吗？", "我去了。"]


def test_a_template_with_slots_is_found() -> None:
    told = [f"Yes, she went to the {a} with a {b}. What did she buy?" for a in WORDS for b in WORDS]
    varied = random.Random(3).sample([f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS], 225)
    templates, others = (diversity(turns, ["en"] * len(turns)) for turns in (told, varied))
    assert templates.largest_skeleton > 0.1 > others.largest_skeleton
    assert templates.unique_openings < 0.02 < others.unique_openings
    assert templates.duplicate_4grams > 0.8 > others.duplicate_4grams
    assert templates.self_bleu > others.self_bleu
    assert templates.compression_ratio > others.compression_ratio
    assert templates.turns == 225


@given(st.permutations([f"{a} {b} and {a}" for a, b in zip(WORDS, reversed(WORDS), strict=True)]))
def test_order_decides_nothing(turns: list[str]) -> None:
    assert diversity(turns, ["en"] * len(turns)) == diversity(sorted(turns), ["en"] * len(turns))


def test_more_turns_than_a_sample_are_sampled_by_the_seed() -> None:
    turns = [f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS[:3]]
    assert len(turns) > SIZE
    languages = ["en"] * len(turns)
    assert diversity(turns, languages) == diversity(turns[::-1], languages)
    assert diversity(turns, languages, seed=1) != diversity(turns, languages, seed=2)


def test_few_or_no_turns() -> None:
    assert diversity([], []).turns == 0
    one = diversity(["Why?"], ["en"])
    assert (one.turns, one.self_bleu, one.unique_openings) == (1, 0.0, 1.0)
    assert diversity(["¿Sí?"] * 4, ["es"] * 4).self_bleu == pytest.approx(1)


def test_self_bleu_of_known_turns() -> None:
    assert self_bleu([["a", "b", "c", "d"]] * 2) == pytest.approx(1)
    # 3/4, 2/3, 1/2 and, in place of none of one, .1: (.75 * .667 * .5 * .1) ** .25
    assert self_bleu([["a", "b", "c", "d"], ["a", "b", "c", "e"]]) == pytest.approx(0.025**0.25)


def test_skeletons_mask_what_is_rare() -> None:
    assert skeleton(tokens_of("Yes, she went to the museum of astronomy", "en"), "en") == "yes she went to the _ of _"
    assert skeleton(tokens_of("Great job!", "en"), "en") is None
