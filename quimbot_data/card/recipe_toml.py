"""A recipe as TOML: what a card prints, and what builds the same version again."""

import json
import re
from typing import Any, Final

from schemas.recipe import Recipe

#: What TOML wants escaped and JSON does not; and what no text may hold (`quimbot_data.card.marks`).
_ESCAPED: Final = re.compile("[\x7f\ufdd0-\ufdef]")


def recipe_toml(recipe: Recipe) -> str:
    """A resolved recipe as TOML, every default spelled out; keys without a value (filters that are off) are left out.

    `parse_recipe` gives the same recipe back, so a build from this text gets the same id.
    """
    values = recipe.model_dump(mode="json", exclude_none=True)
    components = values.pop("components")
    tables = {name: values.pop(name) for name, value in list(values.items()) if isinstance(value, dict)}
    blocks = [_lines(values)]
    blocks += [f"[[components]]\n{_lines(component)}" for component in components]
    for name, table in tables.items():
        blocks += _table(name, table)
    return "\n\n".join(blocks) + "\n"


def _table(name: str, values: dict[str, Any]) -> list[str]:
    """A table's own keys, then its tables; empty ones among these are defaults and left out."""
    inner = {key: values.pop(key) for key, value in list(values.items()) if isinstance(value, dict)}
    blocks = [f"[{name}]\n{_lines(values)}"]
    for key, value in inner.items():
        blocks += _table(f"{name}.{key}", value) if value else []
    return blocks


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{_key(key)} = {_value(value)}" for key, value in values.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    """Strings, numbers, booleans and lists of strings are spelled alike in JSON and TOML, but for one character."""
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
