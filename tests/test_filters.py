"""Each rule that drops a dialogue, by the step and reason it gives."""

from typing import Any

import polars as pl
import pytest
from strategies import Row, bare_row, changed, frame_of, full_row, messages_of, sealed

from quimbot_data.filters import COLUMNS, FORBIDDEN_TERMS, component_of, untrained, verdict
from schemas.dialogue import Dialogue
from schemas.fields import TERMS
from schemas.recipe import Component, Filters, Profile, Recipe, SafetyPolicy

TUTOR = Component(family="pedagogical", weight=1.0, sources=["tutor"])


def recipe(*components: Component, **parts: Any) -> Recipe:
    equal = [part.model_copy(update={"weight": 1 / len(components)}) for part in components] or [TUTOR]
    return Recipe(name="small", size=10, components=equal, **parts)


def verdicts(asked: Recipe, *rows: Row) -> list[tuple[str | None, str | None]]:
    frame = frame_of(Dialogue, rows).select(COLUMNS).with_columns(component_of(asked))
    return frame.select(verdict(asked)).rows()


def components(asked: Recipe, *rows: Row) -> list[int | None]:
    return frame_of(Dialogue, rows).select(component_of(asked)).to_series().to_list()


KEPT = (None, None)


def test_an_open_recipe_keeps_everything() -> None:
    assert verdicts(recipe(), full_row(), bare_row()) == [KEPT, KEPT]


# Components


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({}, [True, True]),
        ({"family": "safety"}, [False, False]),
        ({"sources": ["other", "tutor"]}, [True, True]),
        ({"sources": ["other"]}, [False, False]),
        ({"languages": ["es"]}, [True, True]),
        ({"languages": ["pt"]}, [False, False]),
        ({"languages": []}, [False, False]),
        ({"target_languages": ["es", "zh"]}, [True, False]),
        ({"target_languages": ["zh"]}, [False, False]),
        ({"backgrounds": ["l2"]}, [True, False]),
        ({"backgrounds": ["heritage"]}, [False, False]),
    ],
)
def test_what_fits_a_component(asked: dict[str, Any], fits: list[bool]) -> None:
    found = components(recipe(TUTOR.model_copy(update=asked)), full_row(), bare_row())
    assert found == [0 if fit else None for fit in fits]


def test_a_dialogue_belongs_to_the_first_component_that_it_fits() -> None:
    narrow = TUTOR.model_copy(update={"target_languages": ["es"]})
    assert components(recipe(narrow, TUTOR), full_row(), bare_row()) == [0, 1]
    assert components(recipe(TUTOR, narrow), full_row(), bare_row()) == [0, 0]


def test_what_fits_no_component_is_dropped_first() -> None:
    asked = recipe(TUTOR.model_copy(update={"sources": ["other"]}), filters=Filters(min_chars=10_000))
    assert verdicts(asked, full_row()) == [("select", "no-component")]


# Terms


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("profile", FORBIDDEN_TERMS)
def test_terms_that_a_profile_forbids(profile: Profile, term: str) -> None:
    allowed = {
        "private": set(TERMS),
        "research": set(TERMS) - {"unknown"},
        "redistributable": {"attribution", "non-commercial", "share-alike"},
        "commercial": {"attribution", "no-transfer", "share-alike"},
    }
    expected = KEPT if term in allowed[profile] else ("terms", term)
    row = bare_row() | {"terms": sorted({"attribution", term})}
    assert verdicts(recipe(profile=profile), row, bare_row()) == [expected, KEPT]


# Thresholds


@pytest.mark.parametrize(
    ("name", "passing", "failing"),
    [
        ("min_chars", 7, 8),
        ("max_chars", 7, 6),
        ("max_tokens", 21, 20),
        ("max_turns", 1, 0),
        ("max_symbol_share", 0.125, 0.12),
        ("max_digit_share", 0.25, 0.2),
        ("min_language_confidence", 0.5, 0.51),
        ("languages", ["en", "es"], ["en"]),
        ("languages", ["es"], []),
        ("languages_agree", False, True),
        ("truncated_prompts", "keep", "drop"),
        ("max_duplicate_line_share", 0.375, 0.37),
        ("max_top_bigram_share", 0.5, 0.49),
        ("max_duplicate_5gram_share", 0.75, 0.7),
        ("refusals", "keep", "drop"),
        ("ai_disclaimers", "keep", "drop"),
        ("reply_language", "keep", "drop"),
        ("empty_talk", "keep", "drop"),
    ],
)
def test_each_threshold_drops_beyond_its_value(name: str, passing: Any, failing: Any) -> None:
    quality = {
        **{"symbol_share": 0.125, "digit_share": 0.25, "truncated_prompt": True},
        **{"duplicate_line_share": 0.375, "top_bigram_share": 0.5, "duplicate_5gram_share": 0.75},
        **{"refusal": True, "ai_disclaimer": True, "reply_language_differs": True, "empty_talk": True},
    }
    row = bare_row() | {"quality": quality, "language_confidence": 0.5, "language_agrees": False}
    assert verdicts(recipe(filters=Filters.model_validate({name: passing})), row) == [KEPT]
    assert verdicts(recipe(filters=Filters.model_validate({name: failing})), row) == [("filter", name)]


@pytest.mark.parametrize(
    "filters", [Filters(min_language_confidence=0.9), Filters(languages_agree=True), Filters(reply_language="drop")]
)
def test_what_was_not_detected_passes(filters: Filters) -> None:
    assert verdicts(recipe(filters=filters), bare_row()) == [KEPT]


def test_the_safety_family_keeps_its_refusals() -> None:
    lesson = changed(full_row(), ("quality", "refusal"), True) | {"family": "safety"}
    asked = recipe(TUTOR, TUTOR.model_copy(update={"family": "safety"}), filters=Filters(refusals="drop"))
    assert verdicts(asked, lesson, lesson | {"family": "pedagogical"}) == [KEPT, ("filter", "refusals")]


@pytest.mark.parametrize(
    ("place", "value", "neutral"),
    [
        ((), None, True),
        (("learner", "background"), "heritage", False),
        (("learner", "background"), None, True),
        (("learner", "variety"), "rioplatense", False),
        (("turns", 0, "cultural_note"), {"topic": "mate", "region": "x", "source": "x"}, False),
    ],
)
def test_cultural_neutrality(place: tuple[str, ...], value: str | None, neutral: bool) -> None:
    row = changed(full_row(), ("pedagogy", "learner", "variety"), None)
    row = changed(row, ("pedagogy", "turns", 0, "cultural_note"), None)
    row = changed(row, ("pedagogy", *place), value)
    expected = KEPT if neutral else ("filter", "culturally_neutral")
    assert verdicts(recipe(filters=Filters(culturally_neutral=True)), row) == [expected]


def test_the_first_rule_that_a_row_breaks_names_it() -> None:
    filters = Filters(max_chars=1, max_tokens=1)
    assert verdicts(recipe(filters=filters), full_row()) == [("filter", "max_chars")]
    safety = SafetyPolicy(flagged="drop")
    assert verdicts(recipe(filters=filters, safety=safety), full_row()) == [("filter", "max_chars")]
    row = full_row() | {"terms": ["unknown"]}
    assert verdicts(recipe(filters=filters, profile="research"), row) == [("terms", "unknown")]


# Safety


DROP, KEEP, UNTRAIN = "drop", "keep", "untrain"


def policy(
    flagged: str = KEEP, labels: Row | None = None, categories: Row | None = None, **scores: float
) -> SafetyPolicy:
    actions = {"flagged": flagged, "labels": labels or {}, "categories": categories or {}}
    return SafetyPolicy.model_validate(actions | {"scores": scores})


def labelled(flagged: bool, label: str | None, *categories: str) -> Row:
    """Its fourth message is an assistant's and flagged, and no message is untrained yet."""
    safety = {"flagged": flagged, "categories": list(categories), "label": label, "rules_of_thumb": []}
    safety |= {"flagged_positions": [1, 4], "scores": [], "classifier": None}
    return full_row() | {"untrained": [], "safety": safety}


def scored(position: int, **scores: float) -> Row:
    """Its corpus flags nothing; the message at `position` has these scores by category."""
    found = [{"position": position, "category": name, "score": score} for name, score in scores.items()]
    safety = labelled(False, None)["safety"] | {"flagged_positions": [], "scores": found}
    return full_row() | {"untrained": [], "safety": safety}


def outcome(asked: SafetyPolicy, row: Row) -> str:
    """What became of the row: the reason that dropped it, or which action keeps it."""
    ((step, reason),) = verdicts(recipe(safety=asked), row)
    assert step in (None, "safety")
    positions = frame_of(Dialogue, [row]).select(untrained(asked)).to_series().to_list()
    return reason or (UNTRAIN if positions == [[4]] else KEEP)


@pytest.mark.parametrize(
    ("asked", "row", "expected"),
    [
        (policy(), labelled(True, "unsafe", "S4"), KEEP),
        (policy(DROP), labelled(True, None), "flagged"),
        (policy(DROP), labelled(True, "unsafe", "S4"), "flagged"),
        (policy(DROP), labelled(False, "casual"), KEEP),
        (policy(DROP), bare_row(), KEEP),
        (policy(UNTRAIN), labelled(True, None), UNTRAIN),
        (policy(UNTRAIN), labelled(False, None), KEEP),
        (policy(UNTRAIN), bare_row(), KEEP),
        # A label's own action goes before the flag's, flagged or not.
        (policy(DROP, {"needs_intervention": KEEP}), labelled(True, "needs_intervention"), KEEP),
        (policy(DROP, {"needs_intervention": KEEP}), labelled(True, "needs_caution"), "flagged"),
        (policy(DROP, {"needs_intervention": UNTRAIN}), labelled(True, "needs_intervention"), UNTRAIN),
        (policy(KEEP, {"casual": DROP}), labelled(False, "casual"), "label:casual"),
        (policy(UNTRAIN, {"casual": DROP}), labelled(True, "casual"), "label:casual"),
        (policy(KEEP, {"unsafe": DROP}), labelled(True, "unsafe", "S1"), "label:unsafe"),
        (policy(KEEP, {"unsafe": DROP}), labelled(True, None), KEEP),
        (policy(KEEP, {"unsafe": DROP}), bare_row(), KEEP),
        # A category's goes before both.
        (policy(KEEP, {}, {"S4": DROP}), labelled(True, "unsafe", "S1", "S4"), "category:S4"),
        (policy(KEEP, {}, {"S4": DROP}), labelled(True, "unsafe", "S1"), KEEP),
        (policy(KEEP, {}, {"S4": DROP}), bare_row(), KEEP),
        (policy(DROP, {}, {"S4": KEEP}), labelled(True, "unsafe", "S4"), KEEP),
        (policy(DROP, {"unsafe": DROP}, {"S4": KEEP}), labelled(True, "unsafe", "S4"), KEEP),
        (policy(DROP, {}, {"S4": UNTRAIN}), labelled(True, "unsafe", "S4"), UNTRAIN),
        # Of several categories the strictest holds; those not named go by the label or the flag.
        (policy(DROP, {}, {"S4": KEEP}), labelled(True, "unsafe", "S4", "S1"), "flagged"),
        (policy(KEEP, {"unsafe": DROP}, {"S4": KEEP}), labelled(True, "unsafe", "S4", "S1"), "label:unsafe"),
        (policy(UNTRAIN, {}, {"S4": KEEP}), labelled(True, "unsafe", "S4", "S1"), UNTRAIN),
        (policy(KEEP, {}, {"S4": UNTRAIN, "S1": DROP}), labelled(True, "unsafe", "S4", "S1"), "category:S1"),
        (policy(KEEP, {}, {"S4": DROP, "S1": DROP}), labelled(True, "unsafe", "S4", "S1"), "category:S1"),
        (policy(KEEP, {}, {"S1": DROP, "S4": DROP}), labelled(True, "unsafe", "S4", "S1"), "category:S1"),
    ],
)
def test_the_most_specific_action_holds_and_of_equals_the_strictest(
    asked: SafetyPolicy, row: Row, expected: str
) -> None:
    assert outcome(asked, row) == expected


@pytest.mark.parametrize(
    ("asked", "row", "expected"),
    [
        (policy(DROP), scored(4, hate=0.99), KEEP),
        (policy(DROP, hate=0.5), scored(4, hate=0.5), "flagged"),
        (policy(DROP, hate=0.5), scored(4, hate=0.4999), KEEP),
        (policy(DROP, hate=0.5), scored(4, violence=0.99), KEEP),
        (policy(DROP, hate=0.5), scored(4), KEEP),
        (policy(DROP, hate=0.5), bare_row(), KEEP),
        (policy(UNTRAIN, hate=0.5), scored(4, hate=0.5), UNTRAIN),
        (policy(UNTRAIN, hate=0.5), scored(3, hate=0.5), KEEP),  # users are never trained on
        (policy(KEEP, {}, {"hate": DROP}, hate=0.5), scored(1, hate=0.6), "category:hate"),
        (policy(KEEP, {}, {"hate": DROP}, hate=0.7), scored(1, hate=0.6), KEEP),
        (policy(KEEP, {}, {"hate": DROP}), scored(1, hate=0.6), KEEP),
        (policy(DROP, {}, {"hate": KEEP}, hate=0.5), scored(1, hate=0.6), KEEP),
        (policy(KEEP, {}, {"hate": UNTRAIN}, hate=0.5, violence=0.9), scored(4, hate=0.6, violence=0.6), UNTRAIN),
        (policy(DROP, {}, {"hate": KEEP}, hate=0.5, violence=0.5), scored(1, hate=0.6, violence=0.6), "flagged"),
    ],
)
def test_a_score_counts_as_a_flag_from_the_policys_limit_on(asked: SafetyPolicy, row: Row, expected: str) -> None:
    assert outcome(asked, row) == expected


def test_untraining_spares_answers_to_flagged_words() -> None:
    # ProsocialDialog's labels are about what the user said: flagged positions are the user's.
    row = changed(labelled(True, "needs_intervention"), ("safety", "flagged_positions"), [1, 3, 5])
    frame = frame_of(Dialogue, [row])
    for asked in (policy(UNTRAIN), policy(KEEP, {"needs_intervention": UNTRAIN})):
        assert frame.select(untrained(asked)).to_series().to_list() == [[]]
        assert verdicts(recipe(safety=asked), row) == [KEPT]


def test_a_dialogue_that_teaches_nothing_is_dropped() -> None:
    assert verdicts(recipe(), bare_row() | {"untrained": [1]}) == [("safety", "nothing-to-train")]
    flagged = changed(full_row(), ("safety", "flagged_positions"), [2, 4, 6]) | {"untrained": []}
    untrain = SafetyPolicy(flagged="untrain")
    assert verdicts(recipe(safety=untrain), flagged) == [("safety", "nothing-to-train")]
    assert verdicts(recipe(), flagged) == [KEPT]


@pytest.mark.parametrize(
    ("system", "before", "flagged", "after"),
    [
        (None, [], [], []),
        (None, [], [0, 1], [1]),
        (None, [3], [1, 2, 3], [1, 3]),
        (None, [1], [0, 2], [1]),
        (None, [], [3, 1, 1], [1, 3]),
        (None, [], [99], []),
        ("s", [], [0, 1, 2, 3], [2]),
        ("s", [4], [4, 2], [2, 4]),
        ("s", [2], [], [2]),
    ],
)
def test_untraining_takes_flagged_assistants_out(
    system: str | None, before: list[int], flagged: list[int], after: list[int]
) -> None:
    row = changed(full_row(), ("safety", "flagged_positions"), flagged) | {"untrained": before}
    row = sealed(row | {"messages": messages_of("a", "b", "c", "d", system=system)})
    frame = frame_of(Dialogue, [row, row | {"safety": None}])
    assert frame.select(untrained(SafetyPolicy(flagged="untrain"))).to_series().to_list() == [after, before]
    assert frame.select(untrained(SafetyPolicy())).to_series().to_list() == [before, before]
    assert frame.select(untrained(SafetyPolicy(flagged="untrain"))).dtypes == [pl.List(pl.Int32)]
