"""Recipes as files: TOML, validated; every wrong key and value is named, with what is valid."""

import difflib
import tomllib
import types
from pathlib import Path
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from schemas.errors import RecipeError

M = TypeVar("M", bound=BaseModel)


def parse_toml(model: type[M], text: str, origin: str) -> M:
    """Parse and validate a recipe.

    Args:
        model: what it is to be.
        text: TOML.
        origin: where it was read, for messages.

    Raises:
        RecipeError: naming every wrong key and value, and what is valid.
    """
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{origin} is not TOML: {error}.", next_step="Mend that line.") from error
    except ValidationError as error:
        told = _complaints(model, error)
        raise RecipeError(f"{origin} is not a valid recipe: {told}.", valid=_valid_keys(model, error)) from error


def load_toml(model: type[M], path: Path) -> M:
    """Read a recipe file.

    Raises:
        RecipeError: not readable, not TOML, or not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or error
        raise RecipeError(f"{path} cannot be read: {why}.") from error
    return parse_toml(model, text, str(path))


def _complaints(model: type[BaseModel], error: ValidationError) -> str:
    messages = []
    for problem in error.errors():
        # Components are counted from 1, as all reports count them.
        place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in problem["loc"]) or "the recipe"
        said = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            said = "is missing"
        elif problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(problem["loc"][-1]), _table(model, problem["loc"]).model_fields, 1)
            said = "unknown key" + (f" (did you mean {near[0]}?)" if near else "")
        messages.append(f"{place}: {said}")
    return "; ".join(messages)


def _valid_keys(model: type[BaseModel], error: ValidationError) -> str:
    for problem in error.errors():
        if problem["type"] == "extra_forbidden":
            parent = str(problem["loc"][0]) if len(problem["loc"]) > 1 else ""
            keys = ", ".join(_table(model, problem["loc"]).model_fields)
            return f"Valid keys{f' of [{parent}]' if parent else ''}: {keys}."
    return ""


def _table(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that a key stands in."""
    for part in place[:-1]:
        field = model.model_fields.get(str(part))
        model = (_model_in(field.annotation) if field else None) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds, be it one, several or none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, types.UnionType, Annotated):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
