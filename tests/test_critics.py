# ruff: noqa: E501 - what is said stands in one line
"""Critics: valid dialogues pass, each invariant broken on purpose is named, nothing strange makes them stumble."""

import re
from collections import Counter
from copy import deepcopy
from functools import cache
from itertools import islice

import pytest
from broken_dialogues import MUTATORS, Dialogue, breaks
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from scaffolding import VALID, dialogue, said, tutor, valid_dialogues

from quimbot_data.pedagogy.critics import (
    BATCH_CHECKS,
    DIALOGUE_CHECKS,
    INVARIANTS,
    Configured,
    check,
    check_batch,
    check_turn,
    reveals,
    unchecked,
)
from quimbot_data.pedagogy.lexicon import LANGUAGES
from schemas.dialogue import Pedagogy

# --- Valid and broken -------------------------------------------------------------------------------------------------


def test_every_invariant_of_the_specification_has_a_check():
    assert {each.number for each in INVARIANTS.values()} == set(range(1, 16))
    assert set(DIALOGUE_CHECKS) == set(MUTATORS)
    assert {INVARIANTS[name].number for name in BATCH_CHECKS} == {6, 8, 12, 13, 15}


@pytest.mark.parametrize("valid", VALID, ids=[each["id"] for each in VALID])
def test_valid_dialogues_pass(valid: Dialogue):
    Pedagogy.model_validate(valid["pedagogy"])
    assert check(valid) == []


def rejected_rightly(dialogues: list[Dialogue], rates: dict[str, float], exact: float) -> None:
    """Of broken copies, the share of each invariant that names it; of all, the share that names nothing else."""
    made, named, alone = Counter[str](), Counter[str](), Counter[str]()
    for each in dialogues:
        for invariant, _, broken in breaks(each, deepcopy):
            names = {failure.name for failure in check(broken)}
            made[invariant] += 1
            named[invariant] += invariant in names
            alone[invariant] += names == {invariant}
    missed = {name: (named[name], count) for name, count in made.items() if named[name] < rates[name] * count}
    assert not missed
    assert sum(alone.values()) >= exact * sum(made.values())
    assert set(made) == set(rates)


def test_each_invariant_broken_on_purpose_is_named():
    rejected_rightly(VALID, dict.fromkeys(MUTATORS, 1.0), exact=0.95)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_named_in_each_language(language: str):
    own = [each for each in VALID if each["language"] == language]
    rejected_rightly(own, dict.fromkeys(MUTATORS, 1.0), exact=0.9)


# --- Corrections held and leaked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "start", "end", "corrected", "language", "told", "not_told"),
    [
        ("I go there yesterday.", 2, 4, "went", "en", "So you went there?", "Does “I go” fit with yesterday?"),
        ("I like go to park.", 13, 13, "the ", "en", "To the park, then?", "What stands before the word in the “go to park”?"),
        ("She is a married with him.", 7, 9, "", "en", "She is married?", "Look at “is a married”."),
        ("I bought book.", 9, 13, "a book", "en", "You bought a book!", "What is a book about? No: which word before “book”?"),
        ("Hay una problema.", 4, 7, "un", "es", "Un problema, vaya.", "¿Una palabra, un momento: «una problema»?"),
        ("I speak english.", 8, 15, "English", "en", "You speak English?", "Look at “i speak english” again: which letter?"),
        ("When it rains we stay.", 13, 13, ",", "en", "When it rains, you stay?", "“When it rains we stay”: where do you breathe?"),
        ("我买三个书。", 3, 4, "本", "zh", "三本书！", "三个书？本子呢？"),
        ("عندي ثلاثة كتاب.", 11, 15, "كتب", "ar", "ثلاثة كتب؟", "كم هي «ثلاثة كتاب»؟"),
    ],
)  # fmt: skip
def test_a_turn_that_tells_the_answer_is_told_from_one_that_does_not(
    sentence: str, start: int, end: int, corrected: str, language: str, told: str, not_told: str
):
    assert reveals(told, sentence, start, end, corrected, language)
    if corrected != "a book":
        assert not reveals(not_told, sentence, start, end, corrected, language)


def test_a_recast_says_things_back_in_another_person():
    told = {
        "sentence": "Ayer yo compro pan para mi mamá.",
        "start": 8,
        "end": 14,
        "corrected": "compré",
        "strategy": "recast",
    }
    assert check_turn("Así que ayer compraste pan para tu mamá. ¿Estaba rico?", "es", **told) == []
    assert [f.name for f in check_turn("Así que compras pan para tu mamá. ¿Está rico?", "es", **told)] == ["recast"]


def test_switched_words_need_not_come_back_in_a_recast():
    valid = dialogue(
        "es-switch", "es", "heritage", "B1",
        said("My cousin [trayó|trajo] su guitarra and we sang all night.", "error", "code_switch", languages=("en", "es")),
        tutor("Tu primo trajo su guitarra, ¡y cantaron toda la noche! ¿Qué canciones tocaron?", strategy="recast"),
        said("Boleros.", uptake="acknowledge"),
        tutor("Los boleros nunca pasan de moda.", "close"),
    )  # fmt: skip
    assert check(valid) == []


def test_a_switch_of_language_is_no_error_of_a_heritage_learner():
    switched = dialogue(
        "es-house", "es", "heritage", "B1",
        said("Voy a la [house|casa] de mi abuela.", "error", "code_switch", languages=("es", "en"), type="R:LEXIS", generalizable=False),
        tutor("Entonces vas a la casa de tu abuela. ¿Vive cerca?", strategy="recast"),
        said("Sí, muy cerca.", uptake="acknowledge"),
        tutor("¡Qué bien!", "close"),
    )  # fmt: skip
    assert [failure.name for failure in check(switched)] == ["background"]
    switched["pedagogy"]["learner"]["background"] = "l2"
    assert not any("switch" in failure.detail for failure in check(switched))


# --- Without annotations ----------------------------------------------------------------------------------------------


def test_what_has_no_annotations_is_checked_by_its_words_and_the_rest_is_said():
    plain = {"language": "en", "messages": deepcopy(VALID[0]["messages"])}
    assert check(plain) == []
    plain["messages"][1]["content"] = "That's wrong. Is it? Or not? Well?"
    assert {failure.name for failure in check(plain)} == {"explicit-correction", "questions"}
    left_out = unchecked(plain)
    assert {"recast", "question", "hint", "explore", "uptake", "level"} <= set(left_out)
    assert not {"structure", "explicit-correction", "questions"} & set(left_out)
    assert unchecked(VALID[0]) == []


def test_a_system_message_may_come_first_and_nowhere_else():
    opened = valid_dialogues()[0]
    for each in (*opened["pedagogy"]["turns"], *opened["pedagogy"]["errors"]):
        each["position"] += 1
    opened["messages"].insert(0, {"role": "system", "content": "You are a tutor."})
    assert check(opened) == []
    opened["messages"].insert(3, opened["messages"].pop(0))
    assert {failure.name for failure in check(opened)} == {"structure"}


def test_a_learner_without_a_level_is_not_checked_for_it():
    valid = valid_dialogues()[0]
    valid["pedagogy"]["learner"]["cefr"] = None
    assert unchecked(valid) == ["level"]
    assert check(valid) == []


@tried(150)
@given(st.data())
def test_whatever_is_missing_or_strange_is_a_failure_and_never_a_crash(data: st.DataObject):
    strange = valid_dialogues()[data.draw(st.integers(0, len(VALID) - 1))]
    value = st.one_of(
        st.none(), st.integers(-3, 99), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.just({})
    )
    for _ in range(data.draw(st.integers(1, 4))):
        holder = data.draw(st.sampled_from(_holders(strange)))
        key = (
            data.draw(st.sampled_from(sorted(holder)))
            if isinstance(holder, dict)
            else data.draw(st.integers(0, len(holder) - 1))
        )
        holder[key] = data.draw(value)
    assert all(failure.name in INVARIANTS and failure.detail for failure in check(strange))


def _holders(value: object) -> list:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [each for part in inner for each in _holders(part)]


# --- Batches ----------------------------------------------------------------------------------------------------------


def batch(times: int = 30) -> list[Dialogue]:
    """Copies of the valid dialogues, with rates as they should be: half of the explores turned round."""
    several = []
    for number in range(times):
        for each in valid_dialogues():
            each["split"] = "train" if number % 2 else "test"
            each["seed_id"], each["template_id"] = f"{each['id']}-{number}", f"t-{each['id']}-{number}"
            several.append(distinct(turned(each) if number % 4 < 2 else each, number))
            for support in (note for note in each["pedagogy"]["turns"] if note["strategy"]):
                seldom = 1 if support["strategy"] == "recast" else 2
                each["pedagogy"]["turns"][support["position"] + 1]["uptake"] = (
                    "partial" if number % 4 >= seldom else "repair"
                )
    return several


def distinct(each: Dialogue, number: int) -> Dialogue:
    """The same dialogue about something else: each copy speaks of another name, so that no sentence repeats."""
    first = each["messages"][0]
    first["content"] = f"{first['content']} {number}"
    return each


def turned(each: Dialogue) -> Dialogue:
    """The two variants of an explore in the other order; every second recast and hint ends without a question."""
    for note in each["pedagogy"]["turns"]:
        message = each["messages"][note["position"]]
        quoted = re.findall(r"[“«]([^”»]*)[”»]", message["content"])
        if note["strategy"] == "explore":
            a, b = quoted
            message["content"] = message["content"].replace(a, "\0").replace(b, a).replace("\0", b)
        elif note["strategy"] in ("recast", "hint", "question"):
            message["content"] = re.sub("[?？؟]$", ".", message["content"])
    return each


def failed(dialogues: list[Dialogue], configured: Configured | None = None) -> set[str]:
    return {failure.name for failure in check_batch(dialogues, configured).failures}


def test_a_batch_with_the_right_rates_passes_and_says_its_rates():
    report = check_batch(batch())
    assert report.failures == []
    assert {rate.name for rate in report.rates} == {"explore-order", "repair-rate", "question-rate", "mirroring-rate"}
    assert report.unchecked == {}


@cache
def each_broken() -> dict[str, list[Dialogue]]:
    always_right = batch()
    for each in always_right:
        for note in each["pedagogy"]["turns"]:
            if note["strategy"] == "explore":
                each["messages"][note["position"]]["content"] = next(
                    valid["messages"][note["position"]]["content"] for valid in VALID if valid["id"] == each["id"]
                )
    repaired = batch()
    for each in repaired:
        for note in each["pedagogy"]["turns"]:
            note["uptake"] = note["uptake"] and "repair"
    asking = batch()
    for each in asking:
        for note in (note for note in each["pedagogy"]["turns"] if note["strategy"]):
            each["messages"][note["position"]]["content"] += "?"
    silent = batch()
    for each in silent:
        for note in each["pedagogy"]["turns"]:
            note["languages"] = note["languages"][:1]
    straddling = batch()
    straddling[1]["seed_id"] = straddling[-1]["seed_id"]
    return {
        "explore-order": always_right, "repair-rate": repaired, "question-rate": asking, "mirroring-rate": silent,
        "splits": straddling,
    }  # fmt: skip


@pytest.mark.parametrize("name", BATCH_CHECKS)
def test_each_rate_broken_on_purpose_is_named(name: str):
    found = failed(each_broken()[name])
    assert found == {name}


@pytest.mark.parametrize(
    ("field", "value"), [("template_id", "t"), ("messages", None), ("provenance", {"lineage": "one", "derived": None})]
)
def test_nothing_stands_in_two_splits(field: str, value: object):
    straddling = batch(2)
    first, last = straddling[0], next(each for each in reversed(straddling) if each["id"] == straddling[0]["id"])
    assert first["split"] != last["split"]
    first[field] = last[field] = deepcopy(first["messages"]) if field == "messages" else value
    assert "splits" in failed(straddling)


def test_configured_rates_are_held():
    assert failed(batch(), Configured(repair={"question": 0.5, "recast": 0.25}, mirroring=0.5)) == set()
    assert failed(batch(), Configured(mirroring=0.95)) == {"mirroring-rate"}
    assert failed(batch(), Configured(repair={"explore": 0.99})) == {"repair-rate"}


def test_few_are_not_judged_and_it_is_said():
    report = check_batch(valid_dialogues())
    assert "explore-order" in report.unchecked
    assert not report.unchecked.keys() & {rate.name for rate in report.rates}
    assert report.unchecked["splits"] == "fewer than two splits"
    assert check_batch([]).failures == []
    assert set(check_batch([]).unchecked) == set(BATCH_CHECKS)


# --- Generated dialogues ----------------------------------------------------------------------------------------------


def generated(count: int) -> list[Dialogue]:
    """Dialogues of the offline generator that pass their critics, spread over its profiles."""
    synth = pytest.importorskip("synth.scenarios")
    from synth.grammar import grow
    from synth.profiles import load_profiles
    from synth.seeds import load_seeds

    scenarios = synth.plan(load_profiles([]), load_seeds(), 20_260_208)
    rows = (grow(scenario) for scenario in islice(scenarios, 4 * count))
    return list(islice((row for row in rows if row is not None and not check(row)), count))


@pytest.mark.slow
def test_generated_dialogues_broken_on_purpose_are_named():
    rows = generated(160)
    assert len(rows) == 160
    assert {row["language"] for row in rows} == set(LANGUAGES)
    rejected_rightly(rows, dict.fromkeys(MUTATORS, 0.95), exact=0.85)
