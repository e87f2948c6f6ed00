"""Raw turns into the turns of the schema: what is mended and what is refused, by name, the same for every corpus.

    name                     kind     what happens
    blank-system             repair   a system message without text is dropped, wherever it stands
    same-role-merged         repair   neighbouring turns by one role become one, joined by a blank line
    system-from-column       repair   system text from a column is put first
    system-column-dropped    repair   where turns and column hold different system texts, that of the turns stays
    dangling-user-dropped    repair   a last user turn that nobody answers is dropped
    no-conversation          reject   there is no list of turns
    malformed-turn           reject   a turn is no object, or its content is no text
    unknown-role             reject   a role that `ROLES` does not hold (tools, functions)
    late-system              reject   a system message follows a user or assistant turn
    opens-with-assistant     reject   the first turn after any system message is the assistant's
    no-turns                 reject   nothing is left
    empty-content            reject   a turn that stays has no text

The first reject in this order is the one that is named. Blank means white space only, as in the schema; the same check
is repeated once clean-up has removed control characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.fields import WHITESPACE, Role

ROLES: Final[Mapping[str, Role]] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "ai"), "assistant"),
}


class Refusal(NamedTuple):
    """Why turns make no dialogue."""

    reason: str
    detail: str


class Turn(NamedTuple):
    """One turn; `role` is any name that `ROLES` holds, in any case."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Assembled:
    """A dialogue's messages as (role, content), for each raw turn its position among them, and the repairs."""

    messages: list[dict[str, str]]
    positions: list[int | None]
    repairs: frozenset[str]

    def untrained(self, trained: Sequence[bool]) -> list[int]:
        """Positions of assistant messages that hold any raw turn which is not `trained` (one flag a raw turn)."""
        kept_out = {position for position, flag in zip(self.positions, trained, strict=True) if not flag}
        return [p for p, message in enumerate(self.messages) if p in kept_out and message["role"] == "assistant"]


def is_blank(text: str) -> bool:
    """Whether a text has nothing but white space."""
    return not text.strip(WHITESPACE)


def read_turns(turns: object) -> list[Turn] | Refusal:
    """Turns out of a list of objects with role or from, and content or value.

    Content may be text, null, or a list of `{"type": "text", "text": …}`, whose texts are joined by newlines.
    """
    if not isinstance(turns, Sequence) or isinstance(turns, str | bytes):
        return Refusal("no-conversation", f"{_kind(turns)} stands where a list of turns is due")
    read = []
    for index, turn in enumerate(turns):
        if isinstance(known := _read_turn(index, turn), Refusal):
            return known
        read.append(known)
    return read


def _read_turn(index: int, turn: object) -> Turn | Refusal:
    if not isinstance(turn, dict):
        return Refusal("malformed-turn", f"turn {index} is {_kind(turn)}, not an object")
    role, text = _either(turn, "role", "from"), _text(_either(turn, "content", "value"))
    if not isinstance(role, str):
        return Refusal("unknown-role", f"turn {index} has {_kind(role)} for its role")
    if text is None:
        return Refusal("malformed-turn", f"turn {index} has content that is no text")
    return Turn(role, text)


def _either(turn: dict[str, Any], name: str, other: str) -> Any:
    value = turn.get(name)
    return turn.get(other) if value is None else value


def _text(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        return None
    parts = [_text(part.get("text")) if _is_text_part(part) else None for part in content]
    return None if None in parts else "\n".join(part for part in parts if part)


def _is_text_part(part: object) -> bool:
    return isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str)


def _kind(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def assemble(turns: Sequence[tuple[str, str]], system: str | None = None) -> Assembled | Refusal:
    """Messages that keep the turn rules of the schema, or the reason why these turns cannot.

    Args:
        turns: (role, text) in order.
        system: system text that stands in a column of its own.
    """
    merged = _merge(turns)
    if isinstance(merged, Refusal):
        return merged
    merged = _with_system(merged, system or "")
    if fault := _order_fault(merged):
        return fault
    merged = _without_dangling_user(merged)
    if not any(message["role"] == "assistant" for message in merged.messages):
        return Refusal("no-turns", "no turn is left that the assistant answers")
    for index, ((_, text), position) in enumerate(zip(turns, merged.positions, strict=True)):
        if position is not None and is_blank(text):
            return Refusal("empty-content", f"turn {index} has no text")
    return merged


def _merge(turns: Sequence[tuple[str, str]]) -> Assembled | Refusal:
    messages: list[dict[str, str]] = []
    positions: list[int | None] = []
    repairs = set()
    for index, (name, text) in enumerate(turns):
        role = ROLES.get(name) or ROLES.get(name.strip().lower())
        if role is None:
            return Refusal("unknown-role", f"turn {index} is by {name!r}")
        if role == "system" and is_blank(text):
            repairs.add("blank-system")
            positions.append(None)
            continue
        if messages and messages[-1]["role"] == role:
            repairs.add("same-role-merged")
            messages[-1]["content"] += "\n\n" + text
        else:
            messages.append({"role": role, "content": text})
        positions.append(len(messages) - 1)
    return Assembled(messages, positions, frozenset(repairs))


def _with_system(turns: Assembled, system: str) -> Assembled:
    if is_blank(system):
        return turns
    if turns.messages and turns.messages[0]["role"] == "system":
        same = turns.messages[0]["content"].strip(WHITESPACE) == system.strip(WHITESPACE)
        repairs = turns.repairs if same else turns.repairs | {"system-column-dropped"}
        return Assembled(turns.messages, turns.positions, repairs)
    shifted = [None if position is None else position + 1 for position in turns.positions]
    messages = [{"role": "system", "content": system}, *turns.messages]
    return Assembled(messages, shifted, turns.repairs | {"system-from-column"})


def _order_fault(turns: Assembled) -> Refusal | None:
    roles = [message["role"] for message in turns.messages]
    if "system" in roles[1:]:
        return Refusal("late-system", f"message {roles.index('system', 1)} is a system message")
    spoken = [role for role in roles if role != "system"]
    if spoken and spoken[0] == "assistant":
        return Refusal("opens-with-assistant", "the first turn is the assistant's")
    return None


def _without_dangling_user(turns: Assembled) -> Assembled:
    last = len(turns.messages) - 1
    if last < 0 or turns.messages[last]["role"] != "user":
        return turns
    positions = [None if position == last else position for position in turns.positions]
    return Assembled(turns.messages[:-1], positions, turns.repairs | {"dangling-user-dropped"})
