"""Readers of learner corpora: sentences as people write them, edits at their places, seeds that carry their terms."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, corpus_of
from hypothesis import given
from hypothesis import strategies as st
from test_toefl11 import HEADER, layout

from quimbot_data.ingest import ingest
from quimbot_data.licenses import Rights
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.workspace import Workspace
from schemas.errors import InputError
from schemas.seed import Seed
from synth.fitting import usable
from synth.learner_errors import FORMATS, m2, pairs, reader, toefl11
from synth.learner_errors.contrasts import contrast
from synth.learner_errors.detect import corrected_by_rule
from synth.learner_errors.errant_edits import parser
from synth.learner_errors.extract import seeds_from
from synth.learner_errors.families import errant_family
from synth.learner_errors.sentences import Read
from synth.learner_errors.statements import kind_of, said_back
from synth.learner_errors.tokens import change, joined
from synth.learner_errors.wording import worded
from synth.scenarios import openings
from synth.seeds import read_seeds

RIGHTS = Rights("CC-BY-SA-4.0", ["attribution", "share-alike"])
Quimbot = Callable[..., Ran]

M2 = """S Yesterday I go to market .
A 2 3|||R:VERB:TENSE|||went|||REQUIRED|||-NONE-|||0
A 4 4|||M:DET|||the|||REQUIRED|||-NONE-|||0
A 2 3|||R:VERB|||ran|||REQUIRED|||-NONE-|||1

S All is well here .
A -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0

S We discussed about the rent , and he do n't agree
A 2 3|||U:PREP|||-NONE-|||REQUIRED|||-NONE-|||0
A 8 9|||R:VERB:SVA|||does|||REQUIRED|||-NONE-|||0
A 11 11|||M:PUNCT|||.|||REQUIRED|||-NONE-|||0

S Nobody knows what this mean .
A 4 5|||UNK|||-NONE-|||REQUIRED|||-NONE-|||0
"""


def told(sentences: Read, corpus: str = "own") -> tuple[list[Seed], Counter[str]]:
    skipped: Counter[str] = Counter()
    return list(seeds_from(corpus, sentences, skipped)), skipped


def shown(seed: Seed) -> str:
    return f"{seed.sentence[: seed.start]}[{seed.original}|{seed.corrected}]{seed.sentence[seed.end :]}"


# Tokens and edits


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("I do n't know , do you ?", "I don't know, do you?"),
        ('He said : " No ! " and left .', 'He said: "No!" and left.'),
        ("My friend 's car ( a red one ) costs $ 5 .", "My friend's car (a red one) costs $5."),
        ("", ""),
    ],
)
def test_tokens_are_put_together_as_people_write(tokens: str, text: str) -> None:
    cut = joined(tokens.split())
    assert cut.text == text
    assert [cut.text[start:end] for start, end in cut.spans] == tokens.split()


TOKENS = st.lists(st.sampled_from(["I", "go", "n't", "(", ")", ",", ".", '"', "'s", "we", "the", "market"]), max_size=9)


@given(before=TOKENS, said=TOKENS, meant=TOKENS, behind=TOKENS)
def test_an_edit_applied_gives_the_corrected_text(
    before: list[str], said: list[str], meant: list[str], behind: list[str]
) -> None:
    """Whatever is replaced by whatever, but for straight quotation marks: they open and close alike."""
    if '"' in (*said, *meant):
        said, meant = ([token for token in side if token != '"'] for side in (said, meant))
    original, corrected = joined([*before, *said, *behind]), joined([*before, *meant, *behind])
    start = len(before)
    part = change(original, (start, start + len(said)), corrected, (start, start + len(meant)))
    assert original.text[: part.start] + part.corrected + original.text[part.end :] == corrected.text


@pytest.mark.parametrize(
    ("tag", "said", "meant", "family", "generalizable"),
    [
        ("R:VERB:SVA", "go", "goes", "agreement", True),
        ("M:DET", "", "the", "article", True),
        ("R:DET", "this", "these", "agreement", True),
        ("R:DET", "his", "her", "pronoun", True),
        ("R:DET", "much", "many", None, False),
        ("M:VERB", "", "is", "copula", True),
        ("M:VERB", "", "make", None, False),
        ("R:VERB", "make", "do", "lexis", False),
        ("R:VERB:TENSE", "go", "went", "verb-tense", True),
        ("R:VERB:TENSE", "works", "is working", "aspect", True),
        ("R:VERB:TENSE", "live", "have lived", "aspect", True),
        ("R:PREP", "in", "on", "preposition", False),
        ("R:SPELL", "writi", "writing", "orthography", False),
        ("R:ORTH", "english", "English", "orthography", True),
        ("R:OTHER", "x", "y", None, False),
        ("UNK", "x", "", None, False),
    ],
)
def test_errants_tags_have_families(tag: str, said: str, meant: str, family: str | None, generalizable: bool) -> None:
    assert errant_family(tag, said, meant) == (family, generalizable)


# M2


def test_m2_gives_one_seed_an_error_with_the_rest_put_right(tmp_path: Path) -> None:
    path = tmp_path / "essays.m2"
    path.write_text(M2)
    seeds, skipped = told(m2.read(path, "en", RIGHTS))
    assert [(seed.seed_id, shown(seed), seed.family) for seed in seeds] == [
        ("own:essays#1/0", "Yesterday I [go|went] to the market.", "verb-tense"),
        ("own:essays#1/1", "Yesterday I went to [|the ]market.", "article"),
        ("own:essays#9/0", "We discussed [about |]the rent, and he doesn't agree.", "preposition"),
        ("own:essays#9/1", "We discussed the rent, and he [do|does]n't agree.", "agreement"),
    ]
    assert skipped == {"no-error": 1, "no-correction": 1, "final-mark": 1}
    assert {(seed.license, tuple(seed.terms), seed.detected) for seed in seeds} == {
        (*map(str, RIGHTS[:1]), tuple(RIGHTS.terms), False)
    }


def test_m2_skips_what_cannot_be_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "own.m2"
    long = "S " + "very " * 30 + "good\nA 0 1|||R:ADV|||so|||REQUIRED|||-NONE-|||0\n\n"
    far = "S I go there now .\nA 7 9|||R:PREP|||x|||REQUIRED|||-NONE-|||0\n\n"
    twice = "S I am go home now .\nA 1 3|||R:VERB:FORM|||go|||R|||N|||0\nA 2 3|||R:VERB|||x|||R|||N|||0\n\n"
    other = "S I am at home since then .\nA 4 5|||R:OTHER|||from|||REQUIRED|||-NONE-|||0\n\n"
    short = "S He go .\nA 1 2|||R:VERB:SVA|||goes|||REQUIRED|||-NONE-|||0\n\n"
    path.write_text(long + far + twice + other + short)
    seeds, skipped = told(m2.read(path, "en", RIGHTS))
    assert not seeds
    assert skipped == {"too-long": 1, "spans-outside": 1, "overlapping-edits": 1, "no-family": 1, "too-short": 1}


@pytest.mark.parametrize("line", ["S a b\nA 0 1|||R:DET|||the", "S a b\nB 0 1", "A x y|||R|||z|||R|||N|||0\nS a"])
def test_what_is_no_m2_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "own.m2"
    path.write_text(line)
    with pytest.raises(InputError, match=r"line [12]"):
        told(m2.read(path, "en", RIGHTS))


# Parallel files


def parallel(folder: Path, source: str, *corrections: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "dev.src").write_text(source + "\n")
    for number, text in enumerate(corrections):
        (folder / f"dev.ref{number}").write_text(text + "\n")
    return folder


def test_of_several_corrections_the_closest_counts_and_another_must_agree(tmp_path: Path) -> None:
    folder = parallel(
        tmp_path,
        "He go to school by the bus yesterday .\nAll is well here .",
        "He went to school by bus yesterday .\nAll is well here .",
        "Yesterday he went by bus to his school .\nAll of it is fine .",
        "He went to school on the bus yesterday .\nAll is well here .",
    )
    seeds, skipped = told(pairs.read(folder, "en", RIGHTS))
    assert [(shown(seed), seed.type) for seed in seeds] == [
        ("He [go|went] to school by bus yesterday.", "R:VERB:TENSE"),
        ("He went to school by [the |]bus yesterday.", "U:DET"),
    ]
    assert skipped == {"no-error": 1}


def test_an_edit_of_one_corrector_alone_is_put_right_and_gives_no_seed(tmp_path: Path) -> None:
    folder = parallel(tmp_path, "She have two dog .", "She has two dogs .", "She has a dog and another one .")
    (folder / "dev.spellchecked.src").write_text("She have two dog .\n")
    seeds, skipped = told(pairs.read(folder, "en", RIGHTS))
    assert skipped["no-corrections-beside dev.spellchecked.src"] == 1
    assert [shown(seed) for seed in seeds] == ["She [have|has] two dogs."]
    assert skipped["not-agreed"] == 1


def test_a_correction_that_leaves_what_others_put_right_is_not_taken(tmp_path: Path) -> None:
    source = "He choosed to learn truth ."
    whole, half = "He chose to learn the truth .", "He chose to learn truth ."
    seeds, _ = told(pairs.read(parallel(tmp_path / "one", source, half, whole, half), "en", RIGHTS))
    assert {seed.corrected_sentence for seed in seeds} == {"He chose to learn the truth."}
    other = "He choosed to learn the truth ."
    seeds, skipped = told(pairs.read(parallel(tmp_path / "none", source, half, other), "en", RIGHTS))
    assert not seeds
    assert skipped == {"left-wrong": 1}


def test_what_differs_in_case_alone_gives_no_seed(tmp_path: Path) -> None:
    folder = parallel(tmp_path, "he speak english well .", "He speaks English well .", "He speaks English well .")
    seeds, skipped = told(pairs.read(folder, "en", RIGHTS))
    assert [shown(seed) for seed in seeds] == ["He [speak|speaks] English well."]
    assert skipped == {"case-only": 2}


def test_text_that_nobody_cut_into_tokens_keeps_its_blanks(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(
        "We don't have many time left.\tWe don't have much time left.\nShe sing well today.\tShe sings well today.\n"
    )
    seeds, _ = told(pairs.read(path, "en", RIGHTS))
    assert "She [sing|sings] well today." in [shown(seed) for seed in seeds]


def test_files_of_unequal_length_and_other_languages_are_refused(tmp_path: Path) -> None:
    folder = parallel(tmp_path / "a", "One line .", "One .\nTwo .")
    with pytest.raises(InputError, match="1, 2 lines"):
        told(pairs.read(folder, "en", RIGHTS))
    with pytest.raises(InputError, match="has no corrections"):
        told(pairs.read(parallel(tmp_path / "b", "One ."), "en", RIGHTS))
    with pytest.raises(InputError, match="'es'"):
        told(pairs.read(folder, "es", RIGHTS))
    with pytest.raises(InputError, match="is not there"):
        told(pairs.read(tmp_path / "none", "en", RIGHTS))


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

ESSAYS = {
    "1": "My brother like music. He have writi three songs in English.\nWe was happy then, because they sing well.",
    "2": "In my country, she go to school by bus. That is good for all.",
    "3": "Every people need a friend in live. It is realy so.",
}


@pytest.fixture
def essays(tmp_path: Path) -> Workspace:
    """Three essays, ingested."""
    workspace = Workspace(tmp_path / "datasets")
    index = HEADER + "".join(f"{name}.txt,P1,KOR,low\n" for name in ESSAYS)
    ingest(workspace, corpus_of("toefl11"), [layout(tmp_path / "toefl", index, **ESSAYS)], Options())
    return workspace


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


# Words for a tutor


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


# The command line


def test_extract_writes_seeds_that_are_read_back_the_same_bytes_every_time(quimbot: Quimbot, tmp_path: Path) -> None:
    (tmp_path / "My Essays.m2").write_text(M2)
    out = tmp_path / "out" / "seeds.jsonl"
    args = ("synth", "seeds", "extract", "m2", tmp_path / "My Essays.m2", "--license", "CC-BY-SA-4.0", "--output", out)
    ran = quimbot(*args)
    assert ran.code == 0, ran.err
    assert "4 seeds" in ran.out
    assert "3 sentences or errors gave no seed: " in ran.out
    assert "no-error 1" in ran.out
    assert re.search(r"\d of 4 seeds have words for the offline engine", ran.out)
    first = out.read_bytes()
    report = json.loads(quimbot(*args, "--json").out)
    assert out.read_bytes() == first
    assert (report["seeds"], report["detected"], report["skipped"]) == (
        4,
        0,
        {"final-mark": 1, "no-correction": 1, "no-error": 1},
    )
    seeds = read_seeds(out)
    assert seeds[0].seed_id == "my-essays:My Essays#1/0"
    assert {tuple(seed.terms) for seed in seeds} == {("attribution", "share-alike")}
    listed = json.loads(quimbot("synth", "seeds", "list", out, "--json").out)
    assert sum(row["seeds"] for row in listed) == 4


def test_extract_says_what_is_missing(quimbot: Quimbot, tmp_path: Path) -> None:
    path, out = tmp_path / "a.m2", tmp_path / "out.jsonl"
    path.write_text("S All is well .\nA -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0\n")
    run = ("synth", "seeds", "extract")
    quimbot(*run, "xml", path, "--output", out).told("'xml'", *FORMATS, "toefl11")
    quimbot(*run, "m2", path, "--output", out).told("licence of the file", "--license")
    quimbot(*run, "m2", "--license", "MIT", "--output", out).told("a file or folder")
    quimbot(*run, "m2", path, "--license", "Nope-1", "--output", out).told("Nope-1")
    quimbot(*run, "m2", path, "--license", "MIT", "--output", out).told("No seeds", "no-error 1")
    path.write_text("")
    quimbot(*run, "m2", path, "--license", "MIT", "--output", out).told("holds no sentences", "Is it m2")
    quimbot(*run, "m2", tmp_path / "no.m2", "--license", "MIT", "--output", out).told("not there")
    quimbot(*run, "toefl11", "-w", tmp_path, "--output", out).told("no corpus 'toefl11'")
    assert not out.exists()


def test_seeds_under_no_transfer_stay_in_the_workspace(quimbot: Quimbot, essays: Workspace, tmp_path: Path) -> None:
    run = ("synth", "seeds", "extract", "toefl11", "-w", essays.root, "--output")
    quimbot(*run, tmp_path / "out.jsonl").told("no-transfer", str(essays.root))
    assert not (tmp_path / "out.jsonl").exists()
    ran = quimbot(*run, essays.root / "seeds" / "toefl11.jsonl")
    assert ran.code == 0, ran.err
    assert "nobody corrected them" in ran.err
    assert read_seeds(essays.root / "seeds" / "toefl11.jsonl")


def test_list_counts_the_shipped_banks(quimbot: Quimbot) -> None:
    rows = json.loads(quimbot("synth", "seeds", "list", "--language", "en", "--json").out)
    assert {row["language"] for row in rows} == {"en"}
    assert sum(row["seeds"] for row in rows) >= 150
    quimbot("synth", "seeds", "list", "--language", "la").told("'la'")


def test_every_format_has_a_reader() -> None:
    assert all(callable(reader(form)) for form in FORMATS)
