"""Tutor turns of dialogues with what stood before them and what annotations say of both: what measures are taken of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.learner import CEFR_LEVELS

#: Strategies whose turn must not hold the correction.
WITHHOLDING: Final = ("question", "hint")


class TutorTurn(NamedTuple):
    """One turn of a tutor."""

    dialogue: int
    """Place of its dialogue among those measured."""
    position: int
    text: str
    language: str
    before: str | None
    """The learner's turn before it."""
    cefr: int | None
    """The learner's level, from 0 for A1."""
    background: str | None
    strategy: str | None
    signals: tuple[str, ...]
    """What the learner's turn before it showed."""
    target: Mapping[str, Any] | None
    """The error that it is about."""
    annotated: bool
    """Whether its dialogue has annotations."""


def tutor_turns(dialogues: Sequence[Mapping[str, Any]]) -> list[TutorTurn]:
    """All tutor turns, in their order."""
    return [turn for place, dialogue in enumerate(dialogues) for turn in _turns(place, dialogue)]


def _turns(place: int, dialogue: Mapping[str, Any]) -> Iterator[TutorTurn]:
    pedagogy = dialogue.get("pedagogy") or {}
    learner = pedagogy.get("learner") or {}
    told = {turn["position"]: turn for turn in pedagogy.get("turns") or ()}
    errors = pedagogy.get("errors") or []
    messages = dialogue["messages"]
    for position, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = messages[position - 1] if position else None
        said = before["content"] if before and before["role"] == "user" else None
        own, earlier = told.get(position) or {}, told.get(position - 1) or {}
        target = own.get("target")
        yield TutorTurn(
            dialogue=place,
            position=position,
            text=message["content"],
            language=dialogue.get("language") or "en",
            before=said,
            cefr=CEFR_LEVELS.index(learner["cefr"]) if learner.get("cefr") else None,
            background=learner.get("background"),
            strategy=own.get("strategy"),
            signals=tuple(earlier.get("signals") or ()),
            target=errors[target] if target is not None else None,
            annotated=bool(pedagogy),
        )
