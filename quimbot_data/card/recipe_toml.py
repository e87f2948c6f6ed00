"""A recipe as TOML: what a card prints, and what builds the same version again."""

import json
from typing import Any

from schemas.recipe import Recipe


def recipe_toml(recipe: Recipe) -> str:
    """A resolved recipe as TOML, every default spelled out; keys without a value (filters that are off) are left out.

    `parse_recipe` gives the same recipe back, so a build from this text gets the same id.
    """
    values = recipe.model_dump(mode="json", exclude_none=True)
    tables = {name: values.pop(name) for name in ("filters", "safety", "splits")}
    components = values.pop("components")
    blocks = [_lines(values)]
    blocks += [f"[[components]]\n{_lines(component)}" for component in components]
    blocks += [f"[{name}]\n{_lines(table)}" for name, table in tables.items()]
    return "\n\n".join(blocks) + "\n"


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in values.items())


def _value(value: Any) -> str:
    """Strings, numbers, booleans and lists of strings are spelled alike in JSON and TOML, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
