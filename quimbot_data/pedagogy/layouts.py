"""What a row of a file of dialogues may be: ours, a generator's, a chat, or one of the published sets of tutors.

one of our rows                                        messages, pedagogy, provenance as in `schemas.dialogue`
a generator's row                                      see `quimbot_data.sources.synthetic`
a chat layout                                          `quimbot_data.sources.messages.LAYOUTS`, trees left out
{"conversation": "Teacher: (focus)…|EOM|Student: …"}   MathDial (Macina et al. 2023)
{"c_h": […], "c_r_": […]}                              Bridge (Wang et al. 2024): an exchange, an expert's reply
{"prepDataset": {"0": {"past_convo": […], …}}}         CIMA (Stasaski et al. 2020): an exchange a tutor's reply
{"conversation_history": …, "anno_llm_responses": …}   MRBench (Maurya et al. 2025): an exchange a tutor system
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from quimbot_data.sources.turns import ROLES, Refusal, is_blank, read_turns

Dialogue = dict[str, Any]
Turns = list[tuple[str, str]]

#: What a file may hold, for errors.
LAYOUTS: Final = (
    "Valid: our own rows or a generator's (Parquet, JSON Lines), rows with messages or conversations, "
    "or the files of MathDial, Bridge, CIMA and MRBench."
)
_SPEAKERS: Final[Mapping[str, str]] = {
    **ROLES,
    **dict.fromkeys(("tutor", "teacher"), "assistant"),
    **dict.fromkeys(("student", "learner"), "user"),
}
_SPOKEN: Final = re.compile(r"(?:^|(?<=[\s]))(Tutor|Teacher|Student):[ \u00a0]*")
_MOVE: Final = re.compile(r"^\((?:generic|focus|probing|telling)\)\s*")


def unpacked(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rows in a row: CIMA's one object holds all of them."""
    inside = row.get("prepDataset")
    yield from inside.values() if isinstance(inside, dict) else (row,)


def dialogues_of(row: Mapping[str, Any]) -> Iterator[Dialogue]:
    """The dialogues of a row, each with all that the row says: of MRBench as many as there are tutors.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the row is in none of the layouts.
    """
    if "anno_llm_responses" in row:
        yield from _mrbench(row)
    elif "past_convo" in row:
        for reply in row["tutorResponses"]:
            yield _with(row, [("user", row["past_convo"][-1]), ("assistant", reply)])
    elif isinstance(row.get("conversation"), str) and "|EOM|" in row["conversation"]:
        yield _with(row, _mathdial(row["conversation"]))
    elif "c_h" in row:
        yield _with(row, _bridge(row))
    elif row.get("messages") is not None:
        yield dict(row)
    elif row.get("conversations") is None and "instruction" in row:
        yield _with(row, [("user", row["instruction"]), ("assistant", str(row.get("output") or row.get("response")))])
    else:
        yield _with(row, _turns(row))


def _with(row: Mapping[str, Any], turns: Turns) -> Dialogue:
    return {**row, "messages": [{"role": role, "content": text} for role, text in turns]}


def _turns(row: Mapping[str, Any]) -> Turns:
    if row.get("conversations") is None:
        raise ValueError(f"it has no messages; its keys: {', '.join(sorted(row)) or 'none'}")
    turns = read_turns(row["conversations"])
    if isinstance(turns, Refusal):
        raise ValueError(f"{turns.reason}, {turns.detail}")
    return [(_SPEAKERS.get(turn.role.strip().lower(), turn.role), turn.text) for turn in turns]


def _mathdial(conversation: str) -> Turns:
    """Teacher and learner, who goes by a name of their own."""
    parts = [part.partition(":") for part in conversation.split("|EOM|")]
    return [("assistant" if s.strip() == "Teacher" else "user", _MOVE.sub("", text.strip())) for s, _, text in parts]


def _bridge(row: Mapping[str, Any]) -> Turns:
    chat = _merged([(_role(turn["user"]), turn["text"]) for turn in row["c_h"]])
    return [*chat[-1:], ("assistant", " ".join(turn["text"] for turn in row["c_r_"]))]


def _mrbench(row: Mapping[str, Any]) -> Iterator[Dialogue]:
    history = spoken_turns(row["conversation_history"])
    for system, reply in row["anno_llm_responses"].items():
        told = {"dialogue_id": f"{row['conversation_id']}/{system}", "system": system}
        yield _with(told, [*history[-1:], ("assistant", reply["response"])])


def spoken_turns(text: str) -> Turns:
    """Turns of a transcript whose speakers stand before their words (`Tutor: … Student: …`)."""
    parts = _SPOKEN.split(text)[1:]
    return [(_role(speaker), said.strip()) for speaker, said in zip(parts[::2], parts[1::2], strict=True)]


def _role(speaker: str) -> str:
    return _SPEAKERS[speaker.strip().lower()]


def merged(messages: object) -> list[dict[str, str]]:
    """Messages without blank ones; neighbours by one speaker as one, joined by a blank.

    Raises:
        ValueError: they are no list of messages, or one has a role that nobody knows.
    """
    turns = read_turns(messages)
    if isinstance(turns, Refusal):
        raise ValueError(f"{turns.reason}, {turns.detail}")
    if strange := next((turn.role for turn in turns if turn.role.strip().lower() not in _SPEAKERS), None):
        raise ValueError(f"nobody knows the role {strange!r}")
    said = _merged([(_role(turn.role), turn.text) for turn in turns])
    return [{"role": role, "content": text} for role, text in said]


def _merged(turns: Sequence[tuple[str, str]]) -> Turns:
    said: Turns = []
    for role, text in turns:
        if is_blank(text):
            continue
        if said and said[-1][0] == role:
            said[-1] = role, f"{said[-1][1]} {text.strip()}"
        else:
            said.append((role, text.strip()))
    return said
