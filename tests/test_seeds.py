"""The shipped seed banks: every seed keeps the rules that generators and critics build on."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import pytest

from quimbot_data.pedagogy.tokens import words_of, zipf
from schemas.errors import InputError
from schemas.seed import Seed, sentence_id
from synth.seeds import load_seeds, read_seeds, seed_languages, shipped_bank, topics
from synth.seeds.bank import parse_bank, seeds_of

ALL = load_seeds()
#: Those that a tutor may take up; variation is never a target, so it has nothing to lead to it.
TARGETS = [seed for seed in ALL if not seed.is_variation]
QUOTES = re.compile("[\"“”„«»「」『』]|(?<!\\w)['‘’]|['’](?!\\w)")
#: Words too common to give an answer away on their own; they do so beside a word of the correction's context.
LITTLE = {
    "en": frozenset(
        "a an the am is are was were be been has have had do does did will to of in on at by with for from as like it i "
        "he she they them him her his us we you who which or and not all".split()
    ),
    "es": frozenset(
        "el la los las un una unos unas lo le les me te se nos de del a al en con por para y o que es son era fue está "
        "están estaba ha he han hay ser estar mi tu su mis tus sus muy no yo él ella".split()
    ),
    "zh": frozenset("的 了 是 在 个 不 没 有 着 过 把 给 对 和 都 也 就 很 吗 呢 我 你 他 她".split()),
    "ar": frozenset("في من على إلى إلي عن مع هذا هذه كان كانت ب ل ال و هو هي أن".split()),
}
#: The learner's words as the tutor says them.
TURNED = {"my": "your", "our": "your", "me": "you", "us": "you", "mi": "tu", "mis": "tus"}
#: Fewest seeds by language.
LEAST = {"en": 150, "zh": 60}


def ids(seeds: list[Seed]) -> list[str]:
    return [seed.seed_id for seed in seeds]


def fail_each(faulty: Iterator[str]) -> None:
    found = list(faulty)
    assert not found, "\n".join(found)


@cache
def words(text: str, language: str) -> tuple[str, ...]:
    return tuple(words_of(text, language))


def new_words(seed: Seed) -> list[str]:
    """Words of the correction that the learner did not say there."""
    left = Counter(words(seed.corrected, seed.language))
    return list((left - Counter(words(seed.original, seed.language))).elements())


def in_context(seed: Seed) -> list[tuple[str, ...]]:
    """The correction with the word before it, and with the word after it, which a tutor may turn to the learner."""
    before, after = words(seed.sentence[: seed.start], seed.language), words(seed.sentence[seed.end :], seed.language)
    meant = words(seed.corrected, seed.language)
    turned = tuple(TURNED.get(word, word) for word in after[:1])
    return [(*before[-1:], *meant), (*meant, *after[:1]), (*meant, *turned)]


def holds(text: str, run: tuple[str, ...], language: str) -> bool:
    held = words(text, language)
    return any(held[at : at + len(run)] == run for at in range(len(held) - len(run) + 1))


def leaks(seed: Seed, text: str) -> bool:
    """Whether a text tells the correction: its new words, or, where all of those are little, it in its context."""
    new = new_words(seed)
    telling = [word for word in new if word not in LITTLE[seed.language]]
    if telling:
        return set(telling) <= set(words(text, seed.language))
    return bool(new) and any(len(run) > 1 and holds(text, run, seed.language) for run in in_context(seed))


def test_each_language_has_its_share() -> None:
    counts = Counter(seed.language for seed in TARGETS)
    fail_each(f"{lang}: {counts[lang]}" for lang, least in LEAST.items() if counts[lang] < least)


def test_no_bank_claims_a_review_that_nobody_made() -> None:
    assert not any(shipped_bank(language).reviewed for language in seed_languages())


def test_topics_are_those_of_the_table_and_all_are_used() -> None:
    assert {seed.topic for seed in ALL} <= set(topics())
    for language in seed_languages():
        used = Counter(seed.topic for seed in ALL if seed.language == language)
        assert len(used) >= 15, language
        assert max(used.values()) <= 0.15 * used.total() + 1, (language, used.most_common(1))
        assert all(language in topic.labels for topic in topics().values())


def test_nothing_repeats() -> None:
    for of in (
        lambda seed: [seed.seed_id],
        lambda seed: [seed.sentence],
        lambda seed: [seed.corrected_sentence],
        lambda seed: [seed.recast] if seed.recast else [],
        lambda seed: seed.questions,
        lambda seed: seed.contrast[:1],
    ):
        counts = Counter(text for seed in ALL for text in of(seed))
        assert [text for text, count in counts.items() if count > 1] == []


def test_the_error_is_in_the_sentence_and_not_in_the_corrected_one() -> None:
    for seed in ALL:
        assert seed.sentence[seed.start : seed.end] == seed.original
        assert seed.corrected_sentence != seed.sentence
        assert "  " not in seed.sentence + seed.corrected_sentence
        assert seed.corrected_sentence == seed.corrected_sentence.strip()


def test_targets_have_all_that_a_tutor_needs_and_variation_has_no_correction() -> None:
    for seed in TARGETS:
        assert seed.recast, seed.seed_id
        assert seed.cue, seed.seed_id
        assert len(seed.contrast) == 2, seed.seed_id
        assert 2 <= len(seed.questions) <= 3, seed.seed_id
    for seed in ALL:
        if seed.is_variation:
            assert (seed.recast, seed.cue, seed.contrast) == (None, None, []), seed.seed_id


def test_a_recast_holds_the_correction_in_its_context() -> None:
    fail_each(
        f"{seed.seed_id}: {seed.recast}"
        for seed in TARGETS
        if not any(holds(str(seed.recast), run, seed.language) for run in (*in_context(seed), meant(seed)))
    )


def meant(seed: Seed) -> tuple[str, ...]:
    """The correction alone, where it is more than one little word."""
    alone = words(seed.corrected, seed.language)
    telling = len(alone) > 1 or any(word not in LITTLE[seed.language] for word in alone)
    return alone if telling else ("\0",)


def says_the_error(seed: Seed) -> bool:
    """Whether the recast holds what was said, with its neighbours, oftener than what was meant holds that."""
    before, after = words(seed.sentence[: seed.start], seed.language), words(seed.sentence[seed.end :], seed.language)
    said, right = ((*before[-1:], *words(text, seed.language), *after[:1]) for text in (seed.original, seed.corrected))
    if said == right:  # a capital, a comma
        return bool(seed.original) and seed.original in str(seed.recast)
    within = right if "\0".join(said) in "\0".join(right) else ("\0",)
    return holds(str(seed.recast), said, seed.language) and not holds(str(seed.recast), within, seed.language)


def test_a_recast_lacks_the_error() -> None:
    fail_each(f"{seed.seed_id}: {seed.recast}" for seed in TARGETS if says_the_error(seed))


def test_a_recast_is_plain_words_without_question_praise_or_quotation_marks() -> None:
    for seed in TARGETS:
        assert not QUOTES.search(str(seed.recast)), seed.recast
        assert not re.search("[?？؟!！]$", str(seed.recast)), seed.recast
        assert not re.search("[?？؟]", str(seed.recast)), seed.recast
        assert str(seed.recast)[-1] in ".。!", seed.recast


def test_cues_and_questions_do_not_tell_the_correction() -> None:
    fail_each(
        f"{seed.seed_id}: {text}" for seed in TARGETS for text in (seed.cue, *seed.questions) if leaks(seed, str(text))
    )


def test_a_cue_is_a_phrase_that_a_hint_can_hold() -> None:
    for seed in TARGETS:
        assert str(seed.cue)[-1] not in ".?!。？！؟", seed.cue
        assert str(seed.cue)[0] == str(seed.cue)[0].lower(), seed.cue


def test_questions_ask() -> None:
    fail_each(
        text for seed in ALL for text in seed.questions if text[-1] not in "?？؟" or len(re.findall("[?？؟]", text)) > 1
    )


def test_a_contrast_is_two_short_phrases_the_right_one_first() -> None:
    for seed in TARGETS:
        right, wrong = seed.contrast
        assert right != wrong, seed.seed_id
        assert max(len(right), len(wrong)) <= 60, seed.contrast
        new = set(new_words(seed))
        assert new <= set(words(right, seed.language)), seed.contrast
        if new:
            assert not new <= set(words(wrong, seed.language)) or seed.family == "word-order", seed.contrast


@pytest.mark.parametrize("language", seed_languages())
def test_openings_are_of_many_kinds(language: str) -> None:
    """Three words of the tutor's sentences; in Chinese four characters."""

    def opening(text: str) -> tuple[str, ...]:
        return tuple(text[:4]) if language == "zh" else words(text, language)[:3]

    mine = [seed for seed in ALL if seed.language == language]
    recasts = [opening(seed.recast) for seed in mine if seed.recast]
    questions = [opening(text) for seed in mine for text in seed.questions]
    assert len(set(recasts)) >= 0.75 * len(recasts), Counter(recasts).most_common(8)
    assert len(set(questions)) >= 0.65 * len(questions), Counter(questions).most_common(8)


def test_english_recasts_keep_half_of_the_content_lemmas() -> None:
    pytest.importorskip("spacy")
    from synth.learner_errors.errant_edits import parser

    english = [seed for seed in TARGETS if seed.language == "en"]
    docs = parser().pipe(text for seed in english for text in (seed.corrected_sentence, str(seed.recast)))
    for seed, learner in zip(english, docs, strict=False):
        tutor = next(docs)
        said, kept = ({token.lemma_.lower() for token in doc if content(token)} for doc in (learner, tutor))
        assert len(said & kept) >= 0.5 * len(said), (seed.seed_id, sorted(said - kept))


def content(token: object) -> bool:
    return getattr(token, "pos_", "") in ("NOUN", "VERB", "ADJ", "ADV", "PROPN", "NUM")


#: Least frequency of a content word by level, as a Zipf value; see the levels of `quimbot_data.pedagogy`.
LEAST_ZIPF = {"A1": 3.9, "A2": 3.3, "B1": 2.6}


def test_english_words_fit_the_level() -> None:
    """At most one word of a sentence lies outside the level's band."""
    for seed in ALL:
        if seed.language == "en" and seed.cefr in LEAST_ZIPF:
            said = set(words(seed.sentence, seed.language)) - set(words(seed.original, seed.language))
            rare = [word for word in said if zipf(word, seed.language) < LEAST_ZIPF[str(seed.cefr)] and word.isalpha()]
            assert len(rare) <= 1, (seed.seed_id, rare)


def test_english_types_are_errants_own() -> None:
    """A tagger misreads some learner sentences; on nine of ten seeds it agrees with the type that we state."""
    pytest.importorskip("errant")
    from synth.learner_errors.errant_edits import Pair, edits_of

    english = [seed for seed in TARGETS if seed.language == "en"]
    found = edits_of(Pair(seed.sentence, seed.corrected_sentence) for seed in english)
    agree = [[edit.type for edit in edits] == [seed.type] for seed, (_, edits) in zip(english, found, strict=True)]
    assert sum(agree) >= 0.9 * len(agree)
    placed = edits_of(Pair(seed.sentence, seed.corrected_sentence) for seed in english[:20])
    assert all(edits[0][:3] == (seed.start, seed.end, seed.corrected) for seed, (_, edits) in zip(english, placed))


BANK = """
language = "en"
license = "CC-BY-4.0"
reviewed = false

[[seeds]]
id = "article:1"
type = "M:DET"
cefr = "A1"
topic = "home"
sentence = "I go to [|the ]market."
questions = ["What for?"]
"""


def test_a_bank_is_read_with_the_blank_where_something_is_missing() -> None:
    [seed] = seeds_of(parse_bank(BANK, "x"), "x")
    assert (seed.sentence, seed.corrected_sentence) == ("I go to market.", "I go to the market.")
    assert (seed.seed_id, seed.family, seed.operation, seed.generalizable) == (
        "en:article:1",
        "article",
        "missing",
        True,
    )
    assert (seed.license, seed.terms, seed.backgrounds) == ("CC-BY-4.0", ["attribution"], ["heritage", "l2"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[|the ]", ""), "article:1: 0 marks"),
        (("market", "[market|shop]"), "article:1: 2 marks"),
        (("article:1", "articles:1"), "family"),
        (('"A1"', '"C1"'), "article:1"),
        (("topic", "theme"), "article:1"),
        (("[|the ]", "[|]"), "operation"),
        (("language =", "language"), "TOML"),
    ],
)
def test_a_faulty_bank_is_refused_by_name(change: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        seeds_of(parse_bank(BANK.replace(*change), "x"), "x")


def test_ids_are_unique_within_a_bank() -> None:
    twice = BANK + BANK[BANK.index("[[seeds]]") :]
    with pytest.raises(InputError, match="en:article:1 repeat"):
        seeds_of(parse_bank(twice, "x"), "x")


def test_a_language_without_a_bank_is_refused() -> None:
    with pytest.raises(InputError, match="Shipped: "):
        load_seeds(["la"])


def test_topics_stand_sorted_in_their_file() -> None:
    table = tomllib.loads((files("synth.seeds") / "topics.toml").read_text(encoding="utf-8"))
    assert list(table) == sorted(table) == list(topics())


def test_seeds_of_ones_own_are_read_back(tmp_path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(seed.model_dump_json() + "\n" for seed in ALL[:5]), encoding="utf-8")
    assert read_seeds(path) == ALL[:5]
    path.write_text((ALL[0].model_dump_json() + "\n") * 2, encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        read_seeds(path)
    path.write_text('{"seed_id": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no seed"):
        read_seeds(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_seeds(tmp_path / "none")


def test_seeds_of_one_sentence_share_an_id() -> None:
    assert sentence_id("toefl11:1004135#749/2") == sentence_id("toefl11:1004135#749/0") == "toefl11:1004135#749"
    assert {sentence_id(seed.seed_id) for seed in ALL} == set(ids(ALL))
