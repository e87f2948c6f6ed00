"""Profiles: for whom dialogues are made, one TOML file each, and at which rates things happen in them."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from schemas.errors import InputError
from schemas.fields import NonEmpty, Share, Strict, Subtag
from schemas.learner import STRATEGIES, Background, Cefr, Strategy

Weight = Annotated[float, Field(gt=0)]


class Reactions(Strict):
    """What learners make of one strategy's turns; what is left to 1 goes on with the topic (`acknowledge`)."""

    repair: Annotated[float, Field(ge=0, lt=1)]
    partial: Share
    needs_repair: Share

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.repair + self.partial + self.needs_repair > 1:
            raise ValueError("reactions: repair, partial and needs_repair sum to more than 1")
        return self


class Profile(Strict):
    """One kind of learner of one language, and how dialogues with them go."""

    name: NonEmpty
    title: NonEmpty
    language: Subtag
    background: Background
    l1: dict[Subtag, Weight]
    """First languages by weight. The tutor's words must not tell them."""
    shared_languages: list[Subtag]
    varieties: dict[str, Weight] = Field(default={})
    """BCP 47 tags by weight; empty where no variety is set."""
    levels: dict[Cefr, Weight]
    strategies: dict[Strategy, Weight]
    reactions: dict[Strategy, Reactions]
    confusion: Share
    """How often a learner does not understand a support and says so."""
    slow_response: Share
    """How often a learner says next to nothing for a long time."""
    code_switch: Share = 0.0
    """How often a learner's message mixes languages."""
    mirroring: Share = 0.0
    """How often the tutor's answer to a mixed message mixes, too."""
    variation: Share = 0.0
    """How often a learner also says something that is right in their variety; no tutor's turn is about it."""
    cultural_notes: Share = 0.0
    """How often a tutor tells something of the culture, as far as notes fit what is told."""

    @model_validator(mode="after")
    def _every_strategy(self) -> Self:
        if missing := set(STRATEGIES) - set(self.reactions):
            raise ValueError(f"reactions: {', '.join(sorted(missing))} missing")
        return self


def profile_names() -> list[str]:
    """Names of the shipped profiles, sorted."""
    found = (path.name for path in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


@cache
def load_profile(name: str) -> Profile:
    """A shipped profile.

    Raises:
        InputError: there is none of this name, or it is not valid.
    """
    if name not in profile_names():
        raise InputError(
            f"There is no profile {name!r}.",
            valid=f"Shipped: {', '.join(profile_names())}.",
            next_step="Name one of them with --profile.",
        )
    table = tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
    try:
        return Profile.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"Profile {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def load_profiles(names: Sequence[str] = ()) -> list[Profile]:
    """The shipped profiles of these names in the order given, or all of them.

    Raises:
        InputError: see `load_profile`.
    """
    return [load_profile(name) for name in dict.fromkeys(names) or profile_names()]
