"""How formal a text is, by its words; whether a model takes its register from the learner, and whether it drifts."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Markers(NamedTuple):
    """Patterns of what is casual and what is formal in a language."""

    casual: re.Pattern[str]
    formal: re.Pattern[str]


@cache
def _markers() -> Mapping[str, Markers]:
    text = (files("train.evaluate") / "register_markers.toml").read_text("utf-8")
    return {
        language: Markers(re.compile(each["casual"]), re.compile(each["formal"]))
        for language, each in tomllib.loads(text).items()
    }


def formality(text: str, language: str) -> float | None:
    """From -1, all markers casual, to 1, all formal; near 0 where there are few. None for languages without a list.

    >>> formality("hey, that's cool!", "en") < 0 < formality("Dear colleague, I would suggest it.", "en")
    True
    """
    found = _markers().get(language)
    if found is None:
        return None
    # Different markers, not their number: a text that repeats itself says nothing new of its register.
    casual, formal = (len(set(pattern.findall(text.lower()))) for pattern in found)
    return (formal - casual) / (formal + casual + 1)


def on_cue(to_casual: float, to_formal: float) -> float:
    """1 where the answer to formal words is the more formal one, 0 where it is the less formal one, else a half."""
    return 0.5 + 0.5 * ((to_formal > to_casual) - (to_formal < to_casual))
