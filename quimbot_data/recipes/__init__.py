"""Recipes that the package ships: dated, commented, never reused."""

from importlib.resources import files

from schemas.errors import RecipeError
from schemas.recipe import Recipe, parse_recipe


def recipe_names() -> list[str]:
    """Names of the shipped recipes, sorted."""
    names = (path.name for path in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def shipped_recipe(name: str) -> Recipe:
    """A shipped recipe by name.

    Raises:
        RecipeError: no recipe has this name.
    """
    return parse_recipe(recipe_text(name), f"recipe {name}")


def recipe_text(name: str) -> str:
    """A shipped recipe as it is written, comments and all.

    Raises:
        RecipeError: no recipe has this name.
    """
    if name not in recipe_names():
        raise RecipeError(
            f"There is no recipe {name!r}.",
            valid=f"Shipped: {', '.join(recipe_names())}.",
            next_step="A file works too: name it with its folder or its .toml ending.",
        )
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")
