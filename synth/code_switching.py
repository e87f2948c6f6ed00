"""How heritage learners move between two languages, and how a tutor moves with them: the table of the generators."""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import Field

from schemas.fields import NonEmpty, Strict, Subtag


class SwitchedTurn(Strict):
    """One exchange in two languages: what the learner says, the tutor gives back, and asks."""

    topic: NonEmpty
    said: NonEmpty
    reply: NonEmpty
    question: NonEmpty


class LanguagePair(Strict):
    """What is said in two languages at once; see `code_switching.toml` for where its parts go."""

    languages: list[Subtag] = Field(min_length=2, max_length=2)
    openings: list[NonEmpty]
    closings: list[NonEmpty]
    tutor_openings: list[NonEmpty]
    affirmations: list[NonEmpty]
    turns: list[SwitchedTurn]


class _Table(Strict):
    pairs: list[LanguagePair]


@cache
def language_pair(target: str, other: str) -> LanguagePair | None:
    """The pair of a target language and another, or None where there is no table of it."""
    table = tomllib.loads((files(__package__) / "code_switching.toml").read_text(encoding="utf-8"))
    pairs = {tuple(pair.languages): pair for pair in _Table.model_validate(table).pairs}
    return pairs.get((target, other))
