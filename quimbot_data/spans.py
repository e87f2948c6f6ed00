"""What the rules of `pii` and `phones` are made of: a pattern proposes a span, a function says where it ends."""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

#: What stands within a written number: blanks and dashes; to be put in a character class.
GAP: Final = " \u00a0\u202f\\-\u2010\u2011"


class Rule(NamedTuple):
    """A pattern proposes a span; `end` says up to where it is personal data, 0 for not at all."""

    kind: str
    hint: re.Pattern[str]
    """Cheap, necessary for the pattern, and in the syntax that Python and polars share."""
    pattern: re.Pattern[str]
    end: Callable[[re.Match[str]], int]


def rule(kind: str, hint: str, pattern: str, end: Callable[[re.Match[str]], int]) -> Rule:
    """A rule of patterns that are still text."""
    return Rule(kind, re.compile(hint), re.compile(pattern), end)


def before(match: re.Match[str], cue: re.Pattern[str], width: int = 32) -> bool:
    """Whether the text right before a match ends in a cue."""
    return cue.search(match.string, max(0, match.start() - width), match.start()) is not None


def digits(text: str) -> str:
    """The ASCII digits of a text."""
    return re.sub(r"[^0-9]", "", text)


def longest(match: re.Match[str], accepted: Callable[[str], bool]) -> int:
    """End of the longest run of whole digit groups that is accepted: a security code or an hour may follow."""
    ends = [group.end() for group in re.finditer(r"[0-9]+\)?", match[0])]
    return next((match.start() + end for end in reversed(ends) if accepted(match[0][:end])), 0)
