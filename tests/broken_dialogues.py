"""One invariant broken on purpose: for each a few ways, in each language; None where a dialogue gives no occasion.

Every mutator takes a copy that it may change. What it plants is worded apart from the lexicons, so that a critic which
knows no more than its own examples fails here.
"""

from collections.abc import Callable, Iterator

from broken_adaptation import ADAPTATION
from broken_strategies import STRATEGIES
from planting import (
    Dialogue,
    Mutator,
    notes,
    plain_tutor_turn,
    planted,
    say,
    signalled,
    strategy_turn,
    target_of,
    words,
)


def breaks(dialogue: Dialogue, copy: Callable[[Dialogue], Dialogue]) -> Iterator[tuple[str, str, Dialogue]]:
    """Every way to break a dialogue: the invariant, the way, and the broken copy."""
    for invariant, ways in MUTATORS.items():
        for way in ways:
            broken = way(copy(dialogue))
            if broken is not None:
                yield invariant, way.__name__, broken


def last_turn_lost(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"].pop()
    dialogue["pedagogy"]["turns"].pop()
    return dialogue


def too_short(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"] = dialogue["messages"][:2]
    dialogue["pedagogy"]["turns"] = dialogue["pedagogy"]["turns"][:2]
    dialogue["pedagogy"]["errors"] = [each for each in dialogue["pedagogy"]["errors"] if each["position"] < 2]
    for note in notes(dialogue):
        note["target"], note["strategy"] = None, None
    return dialogue


def too_long(dialogue: Dialogue) -> Dialogue:
    for _ in range(7):
        dialogue["messages"] += [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]
    return dialogue


def role_twice(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"][2]["role"] = "assistant"
    return dialogue


def span_shifted(dialogue: Dialogue) -> Dialogue | None:
    errors = dialogue["pedagogy"]["errors"]
    if not errors or not errors[0]["original"]:
        return None
    errors[0]["start"] += 1
    errors[0]["end"] += 1
    return dialogue


def edit_changes_nothing(dialogue: Dialogue) -> Dialogue | None:
    errors = dialogue["pedagogy"]["errors"]
    if not errors:
        return None
    errors[0]["corrected"] = errors[0]["original"]
    return dialogue


def targets_variation(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question", "hint", "recast", "explore")
    if note is None:
        return None
    target_of(dialogue, note)["is_variation"] = True
    return dialogue


def no_comprehension_check(dialogue: Dialogue) -> Dialogue | None:
    if dialogue["pedagogy"]["learner"]["background"] != "l2":
        return None
    for note in notes(dialogue):
        note["moves"] = ["affirm" if move == "comprehension_check" else move for move in note["moves"]]
    return dialogue


def explains_unasked(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    if note is None or signalled(dialogue, "error")[:1] == [note["position"] - 1] or "explain" in note["moves"]:
        return None
    if any(each["uptake"] not in (None, "repair") for each in notes(dialogue)[: note["position"]]):
        return None
    note["moves"] = [*note["moves"], "explain"]
    return dialogue


def explains_to_heritage(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    if note is None or dialogue["pedagogy"]["learner"]["background"] != "heritage":
        return None
    note["moves"] = [*note["moves"], "explain"]
    return dialogue


def l2_in_another_language(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    learner = dialogue["pedagogy"]["learner"]
    if note is None or learner["background"] != "l2":
        return None
    learner["l1"], learner["cefr"] = ("es" if learner["target_language"] == "en" else "en"), "B1"
    return say(dialogue, note["position"], words(dialogue, "foreign"))


def _note(kind: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = next((note for note in notes(dialogue) if note["cultural_note"]), None) or plain_tutor_turn(dialogue)
        if note is None:
            return None
        region = {"en": "Mexico", "es": "México", "zh": "中国", "ar": "مصر"}[dialogue["language"]]
        note["cultural_note"] = {"topic": "food", "region": region, "source": "test"}
        note["moves"] = ["cultural_note", *(move for move in note["moves"] if move != "cultural_note")]
        return say(dialogue, note["position"], words(dialogue, kind))

    way.__name__ = f"note_{kind}"
    return way


def two_notes(dialogue: Dialogue) -> Dialogue | None:
    broken = _note("note")(dialogue)
    other = plain_tutor_turn(dialogue)
    if broken is None or other is None:
        return None
    first = next(note for note in notes(broken) if note["cultural_note"])
    other["cultural_note"], other["moves"] = first["cultural_note"], ["cultural_note", *other["moves"]]
    return say(broken, other["position"], words(dialogue, "note"))


MUTATORS: dict[str, list[Mutator]] = {
    "structure": [last_turn_lost, too_short, too_long, role_twice, span_shifted, edit_changes_nothing],
    "explicit-correction": [planted("explicit", place) for place in range(10)],
    **STRATEGIES,
    **ADAPTATION,
    "questions": [planted("questions")],
    "background": [
        *(planted("deficit", place) for place in range(3)), *(planted("policing", place) for place in range(2)),
        targets_variation, no_comprehension_check, explains_unasked, explains_to_heritage, l2_in_another_language,
    ],
    "cultural-note": [_note("sweeping"), _note("unhedged"), _note("nowhere"), two_notes],
}  # fmt: skip
