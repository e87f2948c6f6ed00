"""Readability tells easy text from hard text, and its syllables are those of a dictionary."""

import json
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from quimbot_data.pedagogy.readability import reading_ease, syllables

DRIFT = Path(__file__).parents[1] / ".." / "shared" / "real" / "alignment_drift_es" / "tutor_messages.jsonl"

SPANISH = {"casa": 2, "guía": 2, "muy": 1, "país": 2, "queso": 2, "leer": 2, "yo": 1, "averigüéis": 4, "Uruguay": 3}
MORE_SPANISH = {"aéreo": 4, "y": 1, "ahí": 2, "fui": 1, "viuda": 2, "poeta": 3, "huevo": 2, "cuidado": 3, "mm": 1}
ENGLISH = {
    "table": 2,
    "make": 1,
    "makes": 1,
    "played": 1,
    "wanted": 2,
    "boxes": 2,
    "the": 1,
    "yesterday": 3,
    "horse": 1,
}


@pytest.mark.parametrize(("word", "count"), [*SPANISH.items(), *MORE_SPANISH.items()])
def test_spanish_syllables(word: str, count: int) -> None:
    assert syllables(word, "es") == count


@pytest.mark.parametrize(("word", "count"), ENGLISH.items())
def test_english_syllables(word: str, count: int) -> None:
    assert syllables(word, "en") == count


def test_fernandez_huerta_by_hand() -> None:
    # Two sentences, five words, nine syllables: Mi ca-sa es gran-de. Ven-ga.
    assert reading_ease("Mi casa es grande. ¡Venga!", "es") == pytest.approx(206.84 - 60 * 8 / 5 - 1.02 * 5 / 2)


def test_flesch_by_hand() -> None:
    assert reading_ease("The cat sat. It was happy.", "en") == pytest.approx(206.835 - 84.6 * 7 / 6 - 1.015 * 6 / 2)


@pytest.mark.parametrize(
    ("easy", "hard", "language"),
    [
        (
            "I like tea. It is hot.",
            "Considerable institutional negotiations necessitated administrative patience.",
            "en",
        ),
        (
            "Tengo un gato. Es negro.",
            "Consideraciones administrativas obstaculizan negociaciones internacionales.",
            "es",
        ),
        ("我喜欢茶。茶很热。", "由于上述种种复杂而难以预料的国际形势变化所带来的影响我们不得不重新考虑。", "zh"),
        ("عندي قط. هو أسود.", "استدعت المفاوضات المؤسساتية المستفيضة اعتبارات إدارية استثنائية متواصلة.", "ar"),
    ],
)
def test_easy_text_is_easier_than_hard_text(easy: str, hard: str, language: str) -> None:
    assert reading_ease(hard, language) < 60 < reading_ease(easy, language) < reading_ease("...", language)


@pytest.mark.skipif(not DRIFT.exists(), reason="no real rows beside the project (../shared/real)")
def test_prompted_levels_of_real_tutors_are_told_apart() -> None:
    eases: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in DRIFT.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        eases[row["cefr_prompted"], row["model"] + row["dialogue"]].append(reading_ease(row["tutor"], "es"))
    means = {level: [statistics.mean(v) for k, v in eases.items() if k[0] == level] for level in ("A1", "C1")}
    pairs = [(easy > hard) + (easy == hard) / 2 for easy in means["A1"] for hard in means["C1"]]
    assert statistics.mean(pairs) >= 0.965  # area under the curve over dialogues
