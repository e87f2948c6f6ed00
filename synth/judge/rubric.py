"""What a judge is asked, the structure of its answer, and whether its evidence is there."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import Field, create_model

from quimbot_data.pedagogy.folding import fold
from schemas.fields import NonEmpty, Strict
from synth.prompts import prompt_files

#: Words of the least evidence: one word proves nothing.
LEAST_WORDS: Final = 2
#: A word; where none is parted from the next by a blank, a character.
_WORD: Final = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\W_\u3400-\u9fff\u3040-\u30ff]+")


class Dimension(Strict):
    """One thing that a judge is asked."""

    asks: NonEmpty
    labels: Annotated[list[NonEmpty], Field(min_length=2)]
    desired: NonEmpty | None = None
    """The label of a good turn; null where none is better than others."""


class Verdict(Strict):
    """A label with its evidence, as a judge gives it."""

    label: str
    evidence: str


class Preference(Strict):
    """Which of two dialogues is better, as a judge says it."""

    better: Literal["first", "second", "neither"]
    evidence_first: str
    evidence_second: str


@cache
def rubric() -> dict[str, Dimension]:
    """The dimensions by name, in their order."""
    table = tomllib.loads(prompt_files()["rubric.toml"])
    return {name: Dimension.model_validate(told) for name, told in table.items()}


@cache
def judgement() -> type[Strict]:
    """The structure of a judgement: a verdict for each dimension, with one of its labels."""
    fields: dict[str, Any] = {}
    for name, dimension in rubric().items():
        labels: Any = Literal[tuple(dimension.labels)]
        fields[name] = (create_model(f"Verdict_{name}", __base__=Verdict, label=(labels, ...)), ...)
    made: type[Strict] = create_model("Judgement", __base__=Strict, **fields)
    return made


def stands_in(evidence: str, text: str) -> bool:
    """Whether a quotation's words stand in a text one after the other, whatever their case and punctuation.

    >>> stands_in("“What did you”", "Nice! What did you buy?"), stands_in("you did", "What did you buy?")
    (True, False)
    """
    quoted, said = _words(evidence), _words(text)
    if len(quoted) < min(LEAST_WORDS, len(said)) or not quoted:
        return False
    return f" {' '.join(quoted)} " in f" {' '.join(said)} "


def _words(text: str) -> Sequence[str]:
    return _WORD.findall(fold(text))
