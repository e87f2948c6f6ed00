"""The shipped seed banks: every seed keeps the rules that generators and critics build on."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from quimbot_data.pedagogy.critics import check_turn
from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.tokens import words_of, zipf
from schemas.errors import InputError
from schemas.learner import Strategy
from schemas.seed import Seed, sentence_id
from synth.seeds import load_seeds, read_seeds, seed_languages, seeds_with, shipped_bank, topics
from synth.seeds.bank import parse_bank, seeds_of

ALL = load_seeds()
#: Those that a tutor may take up; variation is never a target, so it has nothing to lead to it.
TARGETS = [seed for seed in ALL if not seed.is_variation]
QUOTES = re.compile("[\"“”„«»「」『』]|(?<!\\w)['‘’]|['’](?!\\w)")
#: Fewest seeds by language.
LEAST = {"en": 150, "es": 150, "zh": 60, "ar": 60}
#: Languages whose every cue and contrast passes the critics, at the level of its seed.
CRITICISED = ("ar", "en", "es", "zh")
#: What a tutor may say around a cue, and around the two phrases of a contrast.
HINT = {"en": "Look at {}.", "es": "Fíjate en {}.", "zh": "你看看{}。", "ar": "انظر إلى {}."}
EXPLORE = {
    "en": "“{}” or “{}”: which sounds better to you?",
    "es": "«{}» o «{}»: ¿cuál te suena mejor?",
    "zh": "“{}”，还是“{}”：哪个听起来更好？",
    "ar": "«{}» أم «{}»: أيهما أحسن؟",
}


def ids(seeds: list[Seed]) -> list[str]:
    return [seed.seed_id for seed in seeds]


def fail_each(faulty: Iterator[str]) -> None:
    found = list(faulty)
    assert not found, "\n".join(found)


def failures(seed: Seed, turn: str, strategy: Strategy) -> list[str]:
    """What the critics say of a tutor's turn about a seed's error."""
    found = check_turn(
        turn,
        seed.language,
        learner_said=[seed.sentence],
        sentence=seed.sentence,
        start=seed.start,
        end=seed.end,
        corrected=seed.corrected,
        strategy=strategy,
        cefr=seed.cefr,
    )
    return [f"{seed.seed_id}: {turn} {failure.name}: {failure.detail}" for failure in found]


def edit_of(seed: Seed) -> Edit:
    return Edit(seed.sentence, seed.start, seed.end, seed.corrected, seed.language)


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
        assert 2 <= len(seed.questions) <= 4, seed.seed_id
    for seed in ALL:
        if seed.is_variation:
            assert (seed.recast, seed.cue, seed.contrast) == (None, None, []), seed.seed_id


@pytest.mark.parametrize("language", seed_languages())
def test_a_recast_with_any_of_its_questions_passes_the_critics(language: str) -> None:
    blank = "" if language == "zh" else " "
    fail_each(
        failure
        for seed in TARGETS
        if seed.language == language
        for question in seed.questions
        for failure in failures(seed, f"{seed.recast}{blank}{question}", "recast")
    )


@pytest.mark.parametrize("language", CRITICISED)
def test_a_cue_makes_a_hint_that_passes_the_critics(language: str) -> None:
    fail_each(
        failure
        for seed in TARGETS
        if seed.language == language and seed.generalizable
        for failure in failures(seed, HINT[language].format(seed.cue), "hint")
    )


@pytest.mark.parametrize("language", CRITICISED)
def test_a_contrast_makes_an_explore_that_passes_the_critics_in_either_order(language: str) -> None:
    fail_each(
        failure
        for seed in TARGETS
        if seed.language == language
        for pair in (seed.contrast, seed.contrast[::-1])
        for failure in failures(seed, EXPLORE[language].format(*pair), "explore")
    )


def test_a_recast_is_plain_words_without_question_praise_or_quotation_marks() -> None:
    for seed in TARGETS:
        assert not QUOTES.search(str(seed.recast)), seed.recast
        assert not re.search("[?？؟!！]$", str(seed.recast)), seed.recast
        assert not re.search("[?？؟]", str(seed.recast)), seed.recast
        assert str(seed.recast)[-1] in ".。!", seed.recast


def test_cues_and_questions_do_not_tell_the_correction() -> None:
    fail_each(
        f"{seed.seed_id}: {text}"
        for seed in TARGETS
        for text in (str(seed.cue), *seed.questions)
        if seed.language in CRITICISED and edit_of(seed).held_in(text)
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
        if seed.language in ("en", "es"):
            assert wrong.casefold() in seed.sentence.casefold(), f"{seed.seed_id}: the learner did not say {wrong!r}"
        assert max(len(right), len(wrong)) <= 60, seed.contrast


@pytest.mark.parametrize("language", seed_languages())
def test_openings_are_of_many_kinds(language: str) -> None:
    """Three words of the tutor's sentences; in Chinese four characters."""

    def opening(text: str) -> tuple[str, ...]:
        return tuple(text[:4]) if language == "zh" else tuple(words_of(text, language)[:3])

    mine = [seed for seed in ALL if seed.language == language]
    recasts = [opening(seed.recast) for seed in mine if seed.recast]
    questions = [opening(text) for seed in mine for text in seed.questions]
    assert len(set(recasts)) >= 0.75 * len(recasts), Counter(recasts).most_common(8)
    assert len(set(questions)) >= 0.65 * len(questions), Counter(questions).most_common(8)


#: Least frequency of a content word by level, as a Zipf value; see the levels of `quimbot_data.pedagogy`.
LEAST_ZIPF = {"A1": 3.9, "A2": 3.3, "B1": 2.6}


def test_english_words_fit_the_level() -> None:
    """At most one word of a sentence lies outside the level's band."""
    for seed in ALL:
        if seed.language == "en" and seed.cefr in LEAST_ZIPF:
            said = set(words_of(seed.sentence, seed.language)) - set(words_of(seed.original, seed.language))
            rare = [word for word in said if zipf(word, seed.language) < LEAST_ZIPF[str(seed.cefr)] and word.isalpha()]
            assert len(rare) <= 1, (seed.seed_id, rare)


def test_english_types_are_errants_own() -> None:
    """A tagger misreads some learner sentences; on nine of ten seeds it agrees with the type that we state."""
    pytest.importorskip("errant")
    from synth.learner_errors.errant_edits import Pair, edits_of
    from synth.learner_errors.sentences import applied

    english = [seed for seed in TARGETS if seed.language == "en"][::2]
    found = list(edits_of(Pair(seed.sentence, seed.corrected_sentence) for seed in english))
    agree = [[edit.type for edit in edits] == [seed.type] for seed, (_, edits) in zip(english, found, strict=True)]
    assert sum(agree) >= 0.9 * len(agree)
    put_right = [applied(text, edits) for text, edits in found]
    assert put_right == [seed.corrected_sentence for seed in english]


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


def test_seeds_of_ones_own_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(seed.model_dump_json() + "\n" for seed in ALL[:5]), encoding="utf-8")
    assert read_seeds(path) == ALL[:5]
    path.write_text((ALL[0].model_dump_json() + "\n") * 2, encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        read_seeds(path)
    path.write_text('{"seed_id": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no seed"):
        read_seeds(path)
    path.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no seed: Invalid JSON"):
        read_seeds(path)
    path.write_bytes(b"PAR1\xff")
    with pytest.raises(InputError, match=r"no text in UTF-8\. Seeds are JSON Lines"):
        read_seeds(path)
    with pytest.raises(InputError, match="cannot be read as seeds: No such file"):
        read_seeds(tmp_path / "none")


def test_seeds_of_ones_own_enlarge_the_banks_unless_they_are_to_stand_alone(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    mine = ALL[0].model_copy(update={"seed_id": "mine:1"})
    other = ALL[1].model_copy(update={"topic": "home"})
    path.write_text(mine.model_dump_json() + "\n" + other.model_dump_json() + "\n", encoding="utf-8")
    assert seeds_with(None) == ALL
    assert seeds_with(path) == [ALL[0], *ALL[2:], mine, other]
    assert seeds_with(path, shipped=False) == [mine, other]


PHRASE_FILES = sorted(
    path
    for folder in ("synth/grammar/rules", "synth", "quimbot_data/pedagogy/lexicons", "quimbot_data/pedagogy")
    for path in (Path(__file__).parents[1] / folder).glob("*.toml")
)


@pytest.mark.parametrize("path", PHRASE_FILES, ids=lambda path: path.name)
def test_phrases_stand_one_a_line(path: Path) -> None:
    """So that teachers can read them and see what changed; single words may share a line, and so may a short list."""
    lines = path.read_text(encoding="utf-8").split("\n")
    fail_each(line for line in lines if len(line) > 120 and re.search(r'", *"', line))


def test_seeds_of_one_sentence_share_an_id() -> None:
    assert sentence_id("toefl11:1004135#749/2") == sentence_id("toefl11:1004135#749/0") == "toefl11:1004135#749"
    assert {sentence_id(seed.seed_id) for seed in ALL} == set(ids(ALL))
