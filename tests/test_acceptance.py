"""Heritage learners: switches of language accepted, variation left alone, errors those of their group."""

from collections.abc import Callable
from copy import deepcopy
from itertools import islice
from typing import Any

import pytest
from scaffolding import dialogue, said, tutor

from quimbot_data.pedagogy.acceptance import switch_replaced
from quimbot_data.pedagogy.conduct import Share, accepted_switches, judged, variation_targeted
from quimbot_data.pedagogy.error_rates import ENOUGH, MOST_DIVERGENCE, family_fit, family_mix, family_of
from quimbot_data.pedagogy.measures import TARGETS, Measure, measures
from schemas.learner import Background, Cefr
from schemas.seed import ErrorFamily
from synth.grammar import grow
from synth.profiles import load_profiles
from synth.scenarios import plan
from synth.seeds import load_seeds

Rows = list[dict[str, Any]]
Made = tuple[str, Background, Cefr, ErrorFamily]


@pytest.fixture(scope="module")
def spanish() -> Rows:
    """Dialogues of the offline engine, heritage and L2 in turn."""
    profiles = load_profiles(["spanish-heritage", "spanish-l2"])
    scenarios = islice(plan(profiles, load_seeds(["es"]), 11), 240)
    return [dict(row) for each in scenarios if (row := grow(each))]


def named(dialogues: Rows) -> dict[str, Measure]:
    return {measure.target.name: measure for measure in measures(dialogues, trained=False)}


@pytest.fixture(scope="module")
def found(spanish: Rows) -> dict[str, Measure]:
    """Measures of the dialogues as they are."""
    return named(spanish)


def within(name: str, share: Share) -> bool | None:
    target = next(target for target in TARGETS if target.name == name)
    return Measure(target, share.value, share.of).within


@pytest.mark.parametrize(
    ("words", "answer", "gone"),
    [
        ("Mi cousin vive en Texas.", "¡Ah, tu primo vive en Texas! ¿Desde cuándo?", "cousin"),
        ("Mi cousin vive en Texas.", "¿Y tu cousin vive solo en Texas?", None),
        ("Fui al store con mi mamá.", "¡Fuiste a la tienda con tu mamá! ¿Qué compraron?", "store"),
        ("Fui al store con mi mamá.", "¿Qué compraste en el store con tu mamá?", None),
        ("Fui al store con mi mamá.", "¡Fuiste con tu mamá! ¿Qué compraron?", None),
        ("My dog está bien loco, he eats everything.", "Tu perro está bien loco. ¿Qué come?", "dog"),
        ("My dog está bien loco, he eats everything.", "Un perro que se lo come todo, every single thing.", None),
        ("So, yo fui al mercado ayer, you know?", "¡Qué bien, fuiste al mercado ayer! ¿Con quién?", None),
        ("Fui al mercado con mi mamá.", "¡Fuiste a la tienda con tu mamá!", None),
    ],
)
def test_a_switch_that_is_recast_is_told_from_one_that_is_taken_up(words: str, answer: str, gone: str | None) -> None:
    assert switch_replaced(words, answer, ("es", "en")) == gone


def test_our_tutors_accept_every_switch(found: dict[str, Measure]) -> None:
    accepted = found["code-switching accepted"]
    assert accepted.of > 100
    assert accepted.value == 1
    assert accepted.within


def _answers(dialogues: Rows, change: Callable[[dict[str, Any], int], None], every: int) -> Rows:
    """A copy in which each so-manyth answer to a switched turn is changed, by its dialogue and position."""
    told, count = deepcopy(dialogues), 0
    for each in told:
        for turn in each["pedagogy"]["turns"]:
            if "code_switch" in turn["signals"]:
                count += 1
                if count % every == 0:
                    change(each, turn["position"] + 1)
    return told


def _forbid(each: dict[str, Any], position: int) -> None:
    each["messages"][position]["content"] = "En español, por favor. ¿Qué más pasó?"


def _correct(each: dict[str, Any], position: int) -> None:
    each["messages"][position]["content"] = "Eso está mal, se dice de otra manera."


def _recast(each: dict[str, Any], position: int) -> None:
    each["messages"][position - 1]["content"] = "Ayer mi cousin compró un carro nuevo."
    each["messages"][position]["content"] = "Ayer tu primo compró un carro nuevo. ¿De qué color es?"


def _aim(each: dict[str, Any], position: int) -> None:
    text = "Ayer fui al store con ella."
    each["messages"][position - 1]["content"] = text
    span = {"position": position - 1, "start": 12, "end": 17, "original": "store", "corrected": "tienda"}
    each["pedagogy"]["errors"].append({**each["pedagogy"]["errors"][0], **span, "type": "R:LEXIS"})
    each["pedagogy"]["turns"][position]["target"] = len(each["pedagogy"]["errors"]) - 1


@pytest.mark.parametrize("change", [_forbid, _correct, _recast, _aim])
def test_a_tutor_who_does_not_accept_a_switch_is_counted(spanish: Rows, change: Callable[..., None]) -> None:
    spoiled = accepted_switches(judged(_answers(spanish, change, 20)))
    assert spoiled.of > 100
    assert spoiled.held == spoiled.of - spoiled.of // 20
    assert within("code-switching accepted", spoiled) is False


def test_to_l2_learners_a_tutor_speaks_one_language() -> None:
    turns = (
        said("Mi cousin vive en Texas.", "code_switch", languages=("es", "en")),
        tutor("Tu primo vive en Texas. ¿Desde cuándo?"),
    )
    heritage, l2 = (dialogue(name, "es", name, "A2", *turns) for name in ("heritage", "l2"))
    assert named([l2])["code-switching accepted"].value is None
    assert named([heritage])["code-switching accepted"].value == 0
    bare = {"messages": heritage["messages"], "language": "es"}
    assert named([bare])["code-switching accepted"].note == "no heritage learner switches languages"
    bare["messages"][0]["content"] = "Mi cousin vive en Texas with my grandmother."
    assert named([bare])["code-switching accepted"].value == 0, "without annotations it is heard"


def test_variation_is_no_target(spanish: Rows, found: dict[str, Measure]) -> None:
    targeted = found["variation targeted"]
    assert targeted.of > 5
    assert targeted.value == 0
    told = deepcopy(spanish)
    spoiled = next(each for each in told if any(error["is_variation"] for error in each["pedagogy"]["errors"]))
    place = next(at for at, error in enumerate(spoiled["pedagogy"]["errors"]) if error["is_variation"])
    spoiled["pedagogy"]["turns"][1]["target"] = place
    share = variation_targeted(judged(told))
    assert share == (targeted.of, 1)
    assert within("variation targeted", share) is False


@pytest.mark.slow
def test_errors_are_held_to_the_rates_of_their_group(spanish: Rows, found: dict[str, Measure]) -> None:
    families = found["error families"]
    assert families.of >= 200
    assert "es heritage" in families.note
    assert "es l2" in families.note
    assert families.within, families
    told = deepcopy(spanish)
    for each in told:
        if each["pedagogy"]["learner"]["background"] == "heritage":
            each["pedagogy"]["errors"] = [
                error | {"type": "ga:fm:adj:inan"} for error in each["pedagogy"]["errors"] if not error["is_variation"]
            ]
    spoiled = named(told)["error families"]
    assert spoiled.within is False, "one group that is off is enough"


def test_few_errors_say_nothing_of_a_mix() -> None:
    mix = family_mix("es", "heritage", "A2")
    few: list[Made] = [("es", "heritage", "A2", family) for family in mix][: ENOUGH - 1]
    assert family_fit(few) == (0, {})
    expected: list[Made] = [
        ("es", "heritage", "A2", family) for family, share in mix.items() for _ in range(round(1000 * share))
    ]
    assert family_fit(expected).by_group["es heritage"] < MOST_DIVERGENCE / 50
    assert family_fit([("en", "l2", "A2", "article")] * 200) == (0, {}), "no rates are known"


def test_tags_have_families() -> None:
    for seed in load_seeds(["es"]):
        if not seed.is_variation:
            assert family_of("es", seed.type, seed.original, seed.corrected) == seed.family, seed.seed_id
    assert family_of("en", "R:VERB:TENSE", "go", "went") is None
