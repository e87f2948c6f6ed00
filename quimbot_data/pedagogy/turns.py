"""Tutor turns of dialogues, each with the learner's turn before it: what the measures of words are taken of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class TutorTurn(NamedTuple):
    """One turn of a tutor."""

    dialogue: int
    """Place of its dialogue among those measured."""
    position: int
    text: str
    language: str
    before: str | None
    """The learner's turn before it."""


def tutor_turns(dialogues: Sequence[Mapping[str, Any]]) -> list[TutorTurn]:
    """All tutor turns, in their order."""
    return [turn for place, dialogue in enumerate(dialogues) for turn in _turns(place, dialogue)]


def _turns(place: int, dialogue: Mapping[str, Any]) -> Iterator[TutorTurn]:
    messages = dialogue["messages"]
    for position, message in enumerate(messages):
        if message["role"] == "assistant":
            before = messages[position - 1] if position else None
            said = before["content"] if before and before["role"] == "user" else None
            yield TutorTurn(place, position, message["content"], dialogue.get("language") or "en", said)
