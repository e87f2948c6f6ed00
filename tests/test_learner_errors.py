"""Learner errors out of corrected corpora: one seed an error, the rest put right, the terms carried along."""

from pathlib import Path

import pytest
from corrected_corpora import RIGHTS, shown, told
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from synth.learner_errors import m2, pairs
from synth.learner_errors.families import errant_family
from synth.learner_errors.tokens import change, joined

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
