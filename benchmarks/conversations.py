"""One conversation at a time, in plain Python: what the peers run on each row.

Written as a user of those tools would write it, and independent of the package, whose columns must come out equal:
the clean-up of `quimbot_data.clean`, the turn policy of `quimbot_data.sources.turns`, the checks of
`schemas.dialogue` and its content hash.
"""

import re
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple
from unicodedata import is_normalized, normalize

Conversation = list[dict[str, str]]

LONGEST = 1_000_000
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
#: Anything that any step but NFC mends: most texts hold none, and skip those steps.
SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\ufeff]")
BLANKS = re.compile(r"([ \t\n]{200})[ \t\n]+")


class Finished(NamedTuple):
    """A conversation that passed, or the reason why it did not."""

    messages: Conversation | None = None
    content_hash: str | None = None
    n_turns: int | None = None
    n_chars: int | None = None
    reason: str | None = None


def finish(conversation: Conversation | None) -> Finished:
    if conversation is None or any(m is None or m["role"] is None or m["content"] is None for m in conversation):
        return Finished(reason="no-conversation")
    if not alternates(conversation):
        conversation, reason = mended(conversation)
        if reason:
            return Finished(reason=reason)
    messages = [{"role": message["role"], "content": cleaned(message["content"])} for message in conversation]
    contents = [message["content"] for message in messages]
    if not all(contents):
        return Finished(reason="empty-content")
    if max(map(len, contents)) > LONGEST:
        return Finished(reason="message-too-long")
    turns = sum(message["role"] == "user" for message in messages)
    return Finished(messages, content_hash(messages), turns, sum(map(len, contents)))


def alternates(conversation: Conversation) -> bool:
    """Whether users and assistants take turns, beginning with a user and ending with an assistant."""
    roles = [message["role"] for message in conversation]
    return bool(roles) and len(roles) % 2 == 0 and {*roles[::2]} == {"user"} and {*roles[1::2]} == {"assistant"}


def mended(conversation: Conversation) -> tuple[Conversation, str | None]:
    """Merge neighbours of one role, drop blank system messages and a last user message without an answer."""
    messages: Conversation = []
    for message in conversation:
        role, content = message["role"], message["content"]
        if role == "system" and not content.strip():
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1] = {"role": role, "content": f"{messages[-1]['content']}\n\n{content}"}
        else:
            messages.append({"role": role, "content": content})
    if messages and messages[-1]["role"] == "user":
        messages.pop()
    return messages, turn_fault([message["role"] for message in messages])


def turn_fault(roles: list[str]) -> str | None:
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if "system" in spoken:
        return "late-system"
    if spoken[:1] == ["assistant"]:
        return "opens-with-assistant"
    if not spoken:
        return "no-turns"
    return "same-role-twice" if any(role == following for role, following in pairwise(spoken)) else None


def cleaned(text: str) -> str:
    if SUSPECT.search(text):
        text = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\xa0", " ")
    text = BLANKS.sub(r"\1", text)
    if not is_normalized("NFC", text):
        text = normalize("NFC", text)
    return text.strip()


def content_hash(messages: Conversation) -> str:
    """sha256 over the netstrings of role and content."""
    texts = [text.encode() for message in messages for text in (message["role"], message["content"])]
    return sha256(b"".join(b"%d:%s," % (len(text), text) for text in texts)).hexdigest()
