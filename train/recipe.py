"""Training recipes: the shipped ones, and those of one's own."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from schemas.errors import RecipeError
from schemas.manifest import canonical_json
from schemas.toml import load_toml, parse_toml
from schemas.training import TrainRecipe

_ENDING: Final = ".toml"


def recipe_names() -> list[str]:
    """Names of the shipped training recipes, sorted."""
    names = (path.name for path in (files("train") / "recipes").iterdir())
    return sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))


def recipe_text(name: str) -> str:
    """A shipped recipe as it is written, comments and all.

    Raises:
        RecipeError: no recipe has this name.
    """
    if name not in recipe_names():
        raise RecipeError(
            f"There is no training recipe {name!r}.",
            valid=f"Shipped: {', '.join(recipe_names())}.",
            next_step="A file works too: name it with its folder or its .toml ending.",
        )
    return (files("train") / "recipes" / f"{name}{_ENDING}").read_text(encoding="utf-8")


def find_recipe(text: str, changes: Mapping[str, object] | None = None) -> TrainRecipe:
    """A recipe by name or file.

    Args:
        text: a shipped recipe's name, or a TOML file.
        changes: fields that are to be others, e.g. `version` or `parent.run`; null values change nothing.

    Raises:
        RecipeError: there is none, or it is not valid.
    """
    is_file = text.endswith(_ENDING) or "/" in text
    recipe = load_toml(TrainRecipe, Path(text)) if is_file else parse_toml(TrainRecipe, recipe_text(text), text)
    wanted = {key: value for key, value in (changes or {}).items() if value is not None}
    return changed(recipe, wanted) if wanted else recipe


def changed(recipe: TrainRecipe, changes: Mapping[str, object]) -> TrainRecipe:
    """A recipe with some fields others: `{"version": "demo@0.2.0", "optimization.steps": 40}`.

    Another base comes with its own tokenizer and revision: those that the recipe names are of the base that it names.

    Raises:
        RecipeError: what comes out is no valid recipe.
    """
    values = recipe.model_dump(mode="json")
    if changes.get("base", recipe.base) != recipe.base:
        changes = {"tokenizer": None, "base_revision": None, **changes}
    for key, value in changes.items():
        table, _, field = key.rpartition(".")
        if table and values[table] is None:
            raise RecipeError(
                f"The recipe {recipe.name} has no [{table}].", next_step=f"Leave out what sets its {field}."
            )
        (values[table] if table else values)[field] = value
    try:
        return TrainRecipe.model_validate(values)
    except ValueError as error:
        raise RecipeError(f"The recipe {recipe.name} cannot be changed so: {error}") from error


def recipe_hash(recipe: TrainRecipe) -> str:
    """sha256 of the resolved recipe's canonical JSON."""
    return hashlib.sha256(canonical_json(recipe.model_dump(mode="json")).encode()).hexdigest()
