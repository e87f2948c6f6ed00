"""Strategies broken on purpose: recasts, questions, hints, explorations, their target and their order (3 to 8)."""

import re
from collections.abc import Callable

from planting import Dialogue, Mutator, notes, right, say, strategy_turn, target_of, text_of, words


def recast_with_error(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    error, text = target_of(dialogue, note), text_of(dialogue, note["position"])
    if not error["corrected"] or not re.search(re.escape(error["corrected"]), text, re.IGNORECASE):
        return None
    return say(
        dialogue, note["position"], re.sub(re.escape(error["corrected"]), error["original"], text, flags=re.IGNORECASE)
    )


def recast_of_something_else(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    return (
        None
        if note is None
        else say(dialogue, note["position"], words(dialogue, "unrelated") + " " + words(dialogue, "off"))
    )


def recast_in_quotation_marks(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    first, mark, rest = re.split(r"([.!。،,，:])", text_of(dialogue, note["position"]), maxsplit=1)
    return say(dialogue, note["position"], f"“{first}”{mark}{rest}")


def recast_with_terms(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    return (
        None
        if note is None
        else say(dialogue, note["position"], words(dialogue, "terms") + " " + text_of(dialogue, note["position"]))
    )


def recast_that_asks_nothing(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    told = re.match(r".*?[.!。]", text_of(dialogue, note["position"]))
    return say(dialogue, note["position"], told[0]) if told else None


def recast_that_asks_about_form(dialogue: Dialogue) -> Dialogue | None:
    broken = recast_that_asks_nothing(dialogue)
    note = strategy_turn(dialogue, "recast")
    if broken is None or note is None:
        return None
    return say(broken, note["position"], text_of(broken, note["position"]) + " " + words(dialogue, "form"))


def _with_answer(strategy: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = strategy_turn(dialogue, strategy)
        if note is None or not target_of(dialogue, note)["corrected"]:
            return None
        return say(dialogue, note["position"], f"“{right(dialogue, note)}”: " + text_of(dialogue, note["position"]))

    way.__name__ = f"{strategy}_with_the_answer"
    return way


def question_that_asks_nothing(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question")
    return (
        None
        if note is None
        else say(dialogue, note["position"], re.sub("[?？؟¿]", ".", text_of(dialogue, note["position"])))
    )


def question_about_something_else(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question")
    return None if note is None else say(dialogue, note["position"], words(dialogue, "off"))


def hint_without_cue(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint")
    return None if note is None else say(dialogue, note["position"], words(dialogue, "cueless"))


def hint_at_no_rule(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint")
    if note is None:
        return None
    target_of(dialogue, note)["generalizable"] = False
    return dialogue


def _explore(change: Callable[[Dialogue, list[str]], str], name: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = strategy_turn(dialogue, "explore")
        if note is None:
            return None
        text = text_of(dialogue, note["position"])
        quoted = re.findall(r"[“«][^”»]*[”»]", text)
        return say(dialogue, note["position"], change(dialogue, [text, *quoted])) if len(quoted) > 1 else None

    way.__name__ = name
    return way


explore_with_one_variant = _explore(lambda d, t: t[0].replace(t[2], t[1]), "explore_with_one_variant")
explore_that_marks = _explore(lambda d, t: t[0].replace(t[1], f"{t[1]} ✓"), "explore_that_marks")
explore_that_asks_nothing = _explore(
    lambda d, t: f"{t[1]}, {t[2]}. {words(d, 'statement')}", "explore_that_asks_nothing"
)


def no_target(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question", "hint", "recast", "explore")
    if note is None:
        return None
    note["target"] = None
    return dialogue


def two_strategies(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint", "question", "explore")
    if note is None:
        return None
    note["moves"] = [*note["moves"], "recast"]
    return dialogue


def wider_after_failures(dialogue: Dialogue) -> Dialogue | None:
    supports = [note for note in notes(dialogue) if note["strategy"]]
    if [note["strategy"] for note in supports[:3]] != ["hint", "question", "recast"]:
        return None
    answers = [notes(dialogue)[note["position"] + 1] for note in supports[:2]]
    if not all(answer["uptake"] in ("needs_repair", "none") for answer in answers):
        return None
    hint, _, last = supports[:3]
    last["strategy"], last["moves"] = "hint", ["hint"]
    return say(dialogue, last["position"], text_of(dialogue, hint["position"]))


def uptake_unsaid(dialogue: Dialogue) -> Dialogue | None:
    note = next((note for note in notes(dialogue) if note["uptake"]), None)
    if note is None:
        return None
    note["uptake"] = None
    return dialogue


def ends_in_a_strategy(dialogue: Dialogue) -> Dialogue | None:
    supports = [note["position"] for note in notes(dialogue) if note["strategy"]]
    last = next((position for position in supports if position >= 3), None)
    if last is None:
        return None
    checked = any("comprehension_check" in note["moves"] for note in notes(dialogue)[: last + 1])
    dialogue["messages"] = dialogue["messages"][: last + 1]
    dialogue["pedagogy"]["turns"] = dialogue["pedagogy"]["turns"][: last + 1]
    dialogue["pedagogy"]["errors"] = [each for each in dialogue["pedagogy"]["errors"] if each["position"] <= last]
    if not checked:
        notes(dialogue)[1]["moves"].append("comprehension_check")
    return dialogue


STRATEGIES: dict[str, list[Mutator]] = {
    "recast": [
        recast_with_error, recast_of_something_else, recast_in_quotation_marks, recast_with_terms,
        recast_that_asks_nothing, recast_that_asks_about_form,
    ],
    "question": [_with_answer("question"), question_that_asks_nothing, question_about_something_else],
    "hint": [_with_answer("hint"), hint_without_cue, hint_at_no_rule],
    "explore": [explore_with_one_variant, explore_that_marks, explore_that_asks_nothing],
    "one-target": [no_target, two_strategies, wider_after_failures],
    "uptake": [uptake_unsaid, ends_in_a_strategy],
}  # fmt: skip
