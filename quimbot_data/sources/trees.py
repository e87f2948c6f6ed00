"""Message trees (OpenAssistant's layouts) as dialogues: one a branch, from the prompt down to an assistant's reply.

A tree is nested (`replies` within messages; one raw row a tree) or flat (one raw row a message, joined by `parent_id`).

    name                     kind     what happens
    dangling-user-dropped    repair   a branch that ends in a prompter is cut back to the assistant before it; nothing
                                      is told twice where that dialogue exists already
    <reason>-branch          repair   a nested tree lost a branch for that reason, and is carried by its others
    deleted                  reject   the message, or one above it, is marked as deleted
    no-turns                 reject   no assistant replied on this branch
    no-message-id            reject   a flat row without `message_id` cannot be joined
    repeated-message         reject   a flat row repeats an id; the first row that bears it counts
    orphan                   reject   a flat row's parent, or one above it, is in no file
    cycle                    reject   a flat row's parents lead in a circle

Branches follow the turn policies (`turns`) too.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from quimbot_data.sources.turns import ROLES, Assembled, Refusal, assemble, read_turns


class Message(NamedTuple):
    """A message of a tree; `parent` is its index in the forest, `part` the raw row that holds it."""

    row: Mapping[str, Any]
    part: int
    parent: int | None
    lineage: str | None

    @property
    def key(self) -> str | None:
        """The message's own id."""
        return message_id(self.row.get("message_id"))


class Branch(NamedTuple):
    """One dialogue: its messages from the prompt to the last reply, and the raw rows that it stands for."""

    path: list[Message]
    parts: list[int]
    dialogue: Assembled


@dataclass(frozen=True)
class Forest:
    """What the trees of a batch became; every raw row is in a branch or among the refused."""

    branches: list[Branch]
    refused: dict[int, Refusal]
    repaired: Counter[str]


def message_id(value: object) -> str | None:
    """An id as text: any string that is not blank, or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def nested_messages(row: Mapping[str, Any], part: int) -> list[Message]:
    """Messages of a nested tree, parents first: the prompt itself, or an object that holds it as `prompt`."""
    prompt = row.get("prompt")
    top = prompt if isinstance(prompt, dict) else row
    lineage = message_id(row.get("message_tree_id")) or message_id(top.get("message_id"))
    messages = [Message(top, part, None, lineage)]
    for index, message in enumerate(messages):  # grows while it is walked
        messages += [Message(reply, part, index, lineage) for reply in _replies(message.row)]
    return messages


def _replies(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Replies to a message; what is no object becomes a message without role, so that its branch is refused by name."""
    replies = row.get("replies") or []
    listed = replies if isinstance(replies, list) else [replies]
    return [reply if isinstance(reply, dict) else {} for reply in listed]


def flat_messages(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[list[Message], dict[int, Refusal]]:
    """Messages of flat rows (each with its place in the batch), parents first, and the rows that cannot be joined."""
    known: dict[str, tuple[int, Mapping[str, Any]]] = {}
    refused: dict[int, Refusal] = {}
    for part, row in rows:
        key = message_id(row.get("message_id"))
        if key is None:
            refused[part] = Refusal("no-message-id", "message_id is null or blank")
        elif key in known:
            refused[part] = Refusal("repeated-message", f"another row bears message_id {key}")
        else:
            known[key] = part, row
    children = defaultdict[str | None, list[str]](list)
    for key, (_, row) in known.items():
        children[message_id(row.get("parent_id"))].append(key)
    joined = _below(children[None], children)
    stray = _below([key for parent in children if parent and parent not in known for key in children[parent]], children)
    for key in known.keys() - joined.keys():
        reason = "orphan" if key in stray else "cycle"
        refused[known[key][0]] = Refusal(reason, f"parent_id {known[key][1].get('parent_id')} leads to no prompt")
    return _messages(joined, known), refused


def _below(roots: Sequence[str], children: Mapping[str | None, Sequence[str]]) -> dict[str, tuple[int | None, str]]:
    """Ids at and below these roots, parents first, each with its parent's place in this order and its root."""
    found: dict[str, tuple[int | None, str]] = {root: (None, root) for root in roots}
    order = list(found)
    for place, key in enumerate(order):  # grows while it is walked
        for child in children.get(key, ()):
            found[child] = place, found[key][1]
            order.append(child)
    return found


def _messages(
    joined: Mapping[str, tuple[int | None, str]], known: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> list[Message]:
    messages = []
    for key, (parent, root) in joined.items():
        part, row = known[key]
        messages.append(Message(row, part, parent, message_id(known[root][1].get("message_tree_id")) or root))
    return messages


def tell(messages: Sequence[Message]) -> Forest:
    """Tell every branch of these trees (parents first) as a dialogue, each distinct one once."""
    branches: list[Branch] = []
    lost = _deleted(messages)
    mended: set[tuple[str, int]] = set()
    for end, dangling in _ends(messages, lost).items():
        path = _path(messages, end)
        dialogue = _dialogue([messages[place].row for place in path])
        if isinstance(dialogue, Refusal):
            lost |= {place: dialogue for place in (*path, *dangling) if place not in lost}
            continue
        whole = {messages[place].part for place in (*path, *dangling)}
        branches.append(Branch([messages[place] for place in path], sorted(whole), dialogue))
        mended |= {(name, messages[end].part) for name in dialogue.repairs}
        mended |= {("dangling-user-dropped", messages[place].part) for place in dangling}
    refused = _settle(messages, lost, {part for branch in branches for part in branch.parts}, mended)
    return Forest(branches, refused, Counter(name for name, _ in mended))


def _settle(
    messages: Sequence[Message], lost: Mapping[int, Refusal], carried: set[int], mended: set[tuple[str, int]]
) -> dict[int, Refusal]:
    """Raw rows that no branch carries, with their reasons; a nested tree that others carry is noted as mended."""
    refused: dict[int, Refusal] = {}
    sizes = Counter(message.part for message in messages)
    for place, refusal in sorted(lost.items()):
        if (part := messages[place].part) not in carried:
            refused.setdefault(part, refusal)
        elif sizes[part] > 1:
            mended.add((f"{refusal.reason}-branch", part))
    return refused


def _deleted(messages: Sequence[Message]) -> dict[int, Refusal]:
    lost: dict[int, Refusal] = {}
    for place, message in enumerate(messages):
        if message.row.get("deleted") is True:
            lost[place] = Refusal("deleted", f"message {message.key} is marked as deleted")
        elif message.parent in lost:
            lost[place] = lost[message.parent]
    return lost


def _ends(messages: Sequence[Message], lost: dict[int, Refusal]) -> dict[int, list[int]]:
    """Last messages of dialogues, each with the unanswered prompts below it; branches without any are `lost`."""
    alive = [place for place in range(len(messages)) if place not in lost]
    parents = {messages[place].parent for place in alive}
    ends: dict[int, list[int]] = {}
    for leaf in alive:
        if leaf in parents:
            continue
        path = _path(messages, leaf)
        answered = len(path)
        while answered and _is_user(messages[path[answered - 1]]):
            answered -= 1
        if answered:
            ends.setdefault(path[answered - 1], []).extend(path[answered:])
        else:
            lost |= {place: Refusal("no-turns", "no assistant replied on this branch") for place in path}
    return ends


def _is_user(message: Message) -> bool:
    role = message.row.get("role")
    return isinstance(role, str) and ROLES.get(role.strip().lower()) == "user"


def _path(messages: Sequence[Message], end: int) -> list[int]:
    path = []
    place: int | None = end
    while place is not None:
        path.append(place)
        place = messages[place].parent
    return path[::-1]


def _dialogue(rows: Sequence[Mapping[str, Any]]) -> Assembled | Refusal:
    turns = read_turns([{"role": row.get("role"), "content": row.get("text")} for row in rows])
    return turns if isinstance(turns, Refusal) else assemble(turns)
