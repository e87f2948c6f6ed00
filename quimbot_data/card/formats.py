"""How figures are printed: each format by the name that a card's block gives it, and printing that keeps the origin.

Every number of a card goes through `figure`, which ties what it prints to the cells that it is made of.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from quimbot_data.card import hub_names, markdown
from quimbot_data.card.cells import path_of
from quimbot_data.card.marks import harmless, marked
from quimbot_data.card.numbers import numbers
from quimbot_data.card.recipe_toml import recipe_toml
from schemas.recipe import Recipe

#: The format of a number that the card's own words hold.
LITERAL: Final = "literal"


def surplus(part: int, whole: int, asked: float) -> str:
    """Percentage points by which a part's share is off the asked one; a dash where there is nothing to share.

    >>> surplus(13, 1000, 0.01), surplus(0, 0, 0.01)
    ('+0.3', '–')
    """
    return markdown.points(part / whole, asked) if whole else "–"


def decimal(value: float) -> str:
    """A number as a recipe spells it.

    >>> decimal(0.05), decimal(1)
    ('0.05', '1.0')
    """
    return str(float(value))


def thousandths(value: float) -> str:
    """A number to three decimals.

    >>> thousandths(0.8)
    '0.800'
    """
    return f"{value:.3f}"


def short(digest: str) -> str:
    """The first twelve characters of a digest, as code."""
    return markdown.code(digest[:12])


def link(url: str) -> str:
    """A bare link."""
    return f"<{harmless(url)}>"


def toml(recipe_json: str) -> str:
    """A recipe as TOML."""
    return recipe_toml(Recipe.model_validate_json(recipe_json)).rstrip("\n")


FORMATS: Final[Mapping[str, Callable[..., str]]] = {
    "count": markdown.count,
    "share": markdown.share,
    "surplus": surplus,
    "change": markdown.change,
    "interval": markdown.interval,
    "decimal": decimal,
    "thousandths": thousandths,
    "plain": markdown.plain,
    "code": markdown.code,
    "short": short,
    "text": harmless,
    "link": link,
    "toml": toml,
    "size_category": hub_names.size_category,
    "hub_license": hub_names.hub_license_or_other,
    "license_name": hub_names.license_name,
}


def figure(form: str, *values: object) -> str:
    """Values as a format prints them; where that holds a number, marked with the format and the cells.

    Raises:
        TypeError: a number is printed of a value that no query gave.
    """
    printed = FORMATS[form](*values)
    if not numbers(printed):
        return printed
    return marked(printed, json.dumps([form, *map(path_of, values)]))


count = partial(figure, "count")
share = partial(figure, "share")
change = partial(figure, "change")
interval = partial(figure, "interval")
plain = partial(figure, "plain")
code = partial(figure, "code")
short_digest = partial(figure, "short")
text = partial(figure, "text")
