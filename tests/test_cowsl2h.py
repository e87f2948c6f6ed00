"""COWS-L2H's typed edits become seeds: the right span, family and background, and never a subject pronoun."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from quimbot_data.licenses import Rights
from quimbot_data.pedagogy.cowsl2h_tags import spanish_family
from quimbot_data.pedagogy.error_rates import MOST_DIVERGENCE, family_mix, jensen_shannon
from schemas.errors import WrongCorpusError
from schemas.learner import Background
from schemas.seed import Seed
from synth.learner_errors.cowsl2h import COLUMNS, read
from synth.learner_errors.extract import seeds_from
from synth.learner_errors.sentences import LearnerSentence

REAL = Path(__file__).parents[1] / ".." / "shared" / "real" / "cowsl2h" / "typed_edits.csv"
RIGHTS = Rights("Apache-2.0", ["attribution"])


def table(path: Path, *rows: Sequence[str]) -> Path:
    """A table of typed edits: course, tags, left, error, correction, right a row."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*COLUMNS, "layer"])
        writer.writerows(["e1", *row, "updated annotation"] for row in rows)
    return path


def extracted(path: Path) -> tuple[list[Seed], Counter[str]]:
    skipped: Counter[str] = Counter()
    return list(seeds_from("cowsl2h", read(path, "es", RIGHTS), skipped)), skipped


@pytest.mark.parametrize(
    ("row", "sentence", "marked", "corrected"),
    [
        (("ga:det", "Vive en ", "el", "la", " casa de su tía."), "Vive en el casa de su tía.", "el", "la"),
        (("ab:det:art:def", "Vive en ", "", "la", " casa verde."), "Vive en casa verde.", "", "la "),
        (("pr:det:art:indef", "Mi madre es ", "una", "", " maestra."), "Mi madre es una maestra.", "una ", ""),
        (("ga:pron", "No la conozco pero busco ", "lo", "", "."), "No la conozco pero busco lo.", " lo", ""),
        (("fs:st:t", "Ayer\n mi  hermano ", "come", "comió", "  aquí."), "Ayer mi hermano come aquí.", "come", "comió"),
        (("ga:det", "Hay muchos ", "muchos", "muchas", " casas ahí."), "Hay muchos casas ahí.", "muchos", "muchas"),
    ],
)
def test_the_edit_stands_in_its_sentence(
    tmp_path: Path, row: tuple[str, ...], sentence: str, marked: str, corrected: str
) -> None:
    [seed], _ = extracted(table(tmp_path / "edits.csv", ("SPA 2", *row)))
    assert (seed.sentence, seed.original, seed.corrected) == (sentence, marked, corrected)
    assert "  " not in seed.corrected_sentence
    assert " ." not in seed.corrected_sentence
    assert (seed.type, seed.license, seed.terms) == (row[0], "Apache-2.0", ["attribution"])


@pytest.mark.parametrize(
    ("tags", "original", "corrected", "family", "generalizable"),
    [
        ("ga:fm:adj:inan", "rojo", "roja", "gender", True),
        ("ga:mf:det:aty:inan", "la", "el", "gender", False),
        ("na:ps:noun:inan", "libro", "libros", "noun-number", True),
        ("in:s:noun:inan", "vacación", "vacaciones", "noun-number", False),
        ("ab:det:art:def", "", "la", "article", True),
        ("ab:det:Art:def", "", "la", "article", True),
        ("conf:v:seta", "es", "está", "copula", True),
        ("conf:prep:popa", "por", "para", "preposition", True),
        ("az:do:an", "", "a", "preposition", True),
        ("fs:st:t", "jugó", "jugaba", "aspect", True),
        ("fs:st:t", "quería", "quiso", "aspect", True),
        ("fs:st:t", "comería", "comió", "verb-tense", True),
        ("fs:st:t:mo", "era", "fuera", "mood", True),
        ("fs:st:pn", "son", "es", "agreement", True),
        ("fs:st:r", "cayé", "caí", "verb-form", True),
        ("fs:ct:part:des", "confiada", "confiado", "verb-form", True),
        ("col:adj", "nuevas cosas", "cosas nuevas", "word-order", True),
        ("col:adj|ga:adj", "rojo carro", "carro roja", None, False),
        ("nonsense", "a", "b", None, False),
    ],
)
def test_tags_have_families(
    tags: str, original: str, corrected: str, family: str | None, *, generalizable: bool
) -> None:
    assert spanish_family(tags, original, corrected) == (family, generalizable)


def test_what_a_variety_says_is_marked_as_variation(tmp_path: Path) -> None:
    path = table(
        tmp_path / "edits.csv",
        ("SPA 31", "fs:st:pn", "Ese día ", "habían", "había", " muchas personas."),
        ("SPA 31", "fs:st:pn", "Tú me ", "dijistes", "dijiste", " la verdad ayer."),
        ("SPA 31", "fs:st:pn", "Esa gente ", "eran", "era", " muy amable."),
    )
    assert [seed.is_variation for seed in extracted(path)[0]] == [True, True, False]


@pytest.mark.parametrize(
    ("course", "backgrounds"),
    [("SPA 31", ["heritage"]), ("SPA 3", ["l2"]), ("SPA 24", ["l2"]), ("SPA 116", ["heritage", "l2"])],
)
def test_backgrounds_by_course(tmp_path: Path, course: str, backgrounds: list[Background]) -> None:
    [seed], _ = extracted(table(tmp_path / "e.csv", (course, "ga:det", "Vive en ", "el", "la", " casa verde.")))
    assert seed.backgrounds == backgrounds


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = table(
        tmp_path / "edits.csv",
        ("SPA 1", "pr:su:pron", "Creo que ", "yo", "", " soy feliz aquí."),
        ("SPA 1", "pr:sun:pron", "Creo que ", "yo", "", " soy feliz allí."),
        ("SPA 1", "aa:do:an", "Veo muy bien ", "a", "a", " mi tía."),
        ("SPA 1", "ga:det", "Vive en *CITY* con ", "el", "la", " madre."),
        ("SPA 1", "ga:det", "Vive en [la}{el] casa con ", "el", "la", " madre."),
        ("SPA 1", "ga:det", "Vivve sempre en ", "el", "la", " casa verde."),
        ("SPA 1", "ga:det", "Va va con ", "el", "la", " madre de Juan."),
        ("SPA 1", "ga:det", "y " * 80, "el", "la", " casa verde."),
        ("SPA 1", "ab:det:art:def", "", "", "la", " casa verde es suya."),
        ("SPA 1", "ga:det", "Vive en ", "el", "la", " casa verde."),
        ("SPA 1", "ga:det", "Vive en ", "el", "su", " casa verde."),
    )
    seeds, skipped = extracted(path)
    assert [seed.seed_id for seed in seeds] == ["cowsl2h:edits#10/0"]
    reasons = "no-change placeholder markup other-errors doubled cut no-context conflicting"
    assert skipped == {"subject-pronoun": 2} | dict.fromkeys(reasons.split(), 1)


def test_edits_of_one_sentence_put_each_other_right(tmp_path: Path) -> None:
    path = table(
        tmp_path / "edits.csv",
        ("SPA 1", "na:noun", "Vive en el casa de sus ", "tía", "tías", " en Lima."),
        ("SPA 1", "ga:det", "Vive en ", "el", "la", " casa de sus tía en Lima."),
    )
    [sentence] = read(path, "es", RIGHTS)
    assert isinstance(sentence, LearnerSentence)
    assert [edit.corrected for edit in sentence.edits] == ["la", "tías"]
    assert [seed.sentence for seed in extracted(path)[0]] == [
        "Vive en el casa de sus tías en Lima.",
        "Vive en la casa de sus tía en Lima.",
    ]


def test_other_tables_and_languages_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(WrongCorpusError, match="essay, course, tags"):
        list(read(other, "es", RIGHTS))
    with pytest.raises(WrongCorpusError, match="'en'"):
        list(read(table(tmp_path / "edits.csv"), "en", RIGHTS))


@pytest.mark.skipif(not REAL.exists(), reason="no real rows beside the project (../shared/real)")
def test_real_edits_follow_the_rates_of_their_profile() -> None:
    told = list(read(REAL, "es", RIGHTS))
    with REAL.open(encoding="utf-8", newline="") as stream:
        rows = sum(1 for _ in csv.DictReader(stream))
    assert sum(len(each.edits) if isinstance(each, LearnerSentence) else 1 for each in told) == rows
    seeds = list(seeds_from("cowsl2h", told, Counter()))
    assert len(seeds) > 0.4 * rows
    assert not any("su:pron" in seed.type for seed in seeds)
    assert len({seed.seed_id for seed in seeds}) == len(seeds)
    for background in ("heritage", "l2"):
        families = Counter(s.family for s in seeds if s.backgrounds == [background] and s.type[:3] != "in:")
        rates = {f: rate for f, rate in family_mix("es", background, "A2").items() if f in families}
        assert len(rates) == 11
        assert jensen_shannon(families, rates) <= MOST_DIVERGENCE
