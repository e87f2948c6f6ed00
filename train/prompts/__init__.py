"""Prompt sets that ship with the trainer: what a model is asked when it is evaluated, by what the set is to show.

Each set is a dated TOML file; all prompts were written for this project. `messages` end with a learner's turn; `then`
are further turns of the learner, each said after the model's own reply.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from schemas.dialogue import Message
from schemas.errors import RecipeError
from schemas.fields import NonEmpty, Strict, Subtag
from schemas.learner import Background, Cefr

SetName = Literal["scaffolding", "simplification", "register", "languages"]
SETS: Final[tuple[SetName, ...]] = ("scaffolding", "simplification", "register", "languages")
Register = Literal["casual", "formal"]


class PromptError(Strict):
    """The learner's error in the last message, and what is right instead."""

    original: NonEmpty
    """Stands once in the last message."""
    corrected: NonEmpty
    type: NonEmpty
    """ERRANT's or COWS-L2H's tag, or an operation letter and a family: what a hint may point at."""
    generalizable: bool = True
    """Whether a rule leads to the correction."""


class Prompt(Strict):
    """One thing that a model is asked."""

    id: NonEmpty
    language: Subtag
    messages: list[Message] = Field(min_length=1)
    then: list[NonEmpty] = Field(default_factory=list)
    error: PromptError | None = None
    cefr: Cefr | None = None
    background: Background | None = None
    register_of: Register | None = Field(default=None, alias="register")
    """Of the learner's words; prompts of both registers whose ids differ in nothing else ask for the same."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.messages[-1].role != "user":
            raise ValueError("messages must end with the learner's")
        if self.error and self.messages[-1].content.count(self.error.original) != 1:
            raise ValueError("error.original must stand once in the last message")
        return self


@cache
def prompt_set(name: SetName) -> tuple[Prompt, ...]:
    """The prompts of a set, in the order of its file.

    Raises:
        RecipeError: the file is not valid.
    """
    text = (files("train.prompts") / f"{name}.toml").read_text("utf-8")
    try:
        return tuple(Prompt.model_validate(each) for each in tomllib.loads(text)["prompts"])
    except (ValidationError, tomllib.TOMLDecodeError, KeyError) as error:
        raise RecipeError(f"The prompt set {name} is not valid: {error}", next_step="Mend its file.") from error


def all_prompts() -> list[tuple[SetName, Prompt]]:
    """Every prompt with the name of its set."""
    return [(name, prompt) for name in SETS for prompt in prompt_set(name)]
