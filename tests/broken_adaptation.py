"""Adaptation broken on purpose: to confusion, slow replies and levels (9 to 12)."""

from collections.abc import Callable
from typing import Any

from planting import Dialogue, Mutator, notes, planted, say, signalled, text_of, words


def _after(signal: str, change: Callable[[Dialogue, dict[str, Any]], Dialogue | None], name: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        position = next(iter(signalled(dialogue, signal)), None)
        return None if position is None or position == 0 else change(dialogue, notes(dialogue)[position + 1])

    way.__name__ = name
    return way


def _verbatim(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    return say(dialogue, note["position"], text_of(dialogue, note["position"] - 2))


def _no_simplify(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"] = [move for move in note["moves"] if move != "simplify"] or ["reflect"]
    return dialogue


def _other_words(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    return say(dialogue, note["position"], words(dialogue, "off"))


def _no_way_in(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"], note["strategy"], note["target"] = ["reflect"], None, None
    notes(dialogue)[note["position"] + 1]["uptake"] = None
    return say(dialogue, note["position"], words(dialogue, "cueless"))


def _explains(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"] = [*note["moves"], "cultural_note"]
    note["cultural_note"] = {
        "topic": "food",
        "region": {"en": "Mexico", "es": "México", "zh": "中国", "ar": "مصر"}[dialogue["language"]],
        "source": "test",
    }
    return say(dialogue, note["position"], text_of(dialogue, note["position"]))


def _longer(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    blank = "" if dialogue["language"] == "zh" else " "
    return say(
        dialogue,
        note["position"],
        text_of(dialogue, note["position"])
        + blank
        + text_of(dialogue, note["position"] - 2)
        .replace("?", ".")
        .replace("？", "。")
        .replace("؟", ".")
        .replace("¿", ""),
    )


def rare_words(dialogue: Dialogue) -> Dialogue | None:
    broken = planted("rare")(dialogue)
    return broken and planted("rare")(broken)


def long_sentence(dialogue: Dialogue) -> Dialogue | None:
    return planted("long")(dialogue) if dialogue["pedagogy"]["learner"]["cefr"] == "A1" else None


ADAPTATION: dict[str, list[Mutator]] = {
    "simplify": [
        _after("confusion", _verbatim, "simplified_verbatim"),
        _after("confusion", _no_simplify, "not_simplified"),
        _after("confusion", _other_words, "simplified_to_something_else"),
        _after("confusion", _longer, "simplified_longer"),
    ],
    "slow-response": [
        _after("slow_response", _no_way_in, "slow_without_a_way_in"),
        _after("slow_response", _longer, "slow_longer"),
        _after("slow_response", _explains, "slow_with_something_new"),
    ],
    "level": [rare_words, long_sentence],
}
