"""A card's text out of its figures: header, body from the template, and the block that says where each is from."""

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from quimbot_data.card import header, tables
from quimbot_data.card.block import block_of, figures, written
from quimbot_data.card.figures import CardFacts
from quimbot_data.card.formats import FORMATS, code, count, figure, share
from quimbot_data.filters import FORBIDDEN_TERMS
from schemas.card import CardBlock
from schemas.recipe import Recipe

if TYPE_CHECKING:
    import jinja2  # loaded where it is needed


class Card(NamedTuple):
    """A card: all of its text, and the block that stands at its end."""

    text: str
    block: CardBlock


def render(facts: CardFacts) -> Card:
    """The card of a version."""
    yaml, values = header.header(facts)
    body, in_body = figures(_body(facts))
    in_header = [each for value in values for each in figures(value)[1]]
    block = block_of(facts.digests, [*in_header, *in_body])
    return Card(f"---\n{yaml}\n---\n\n{body}\n{written(block)}", block)


def _body(facts: CardFacts) -> str:
    """The text below the header, figures marked."""
    text = _template().render(_context(facts))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"  # parts left out leave their blank lines


@cache
def _template() -> "jinja2.Template":
    from importlib.resources import files

    import jinja2

    environment = jinja2.Environment(
        autoescape=jinja2.select_autoescape(default_for_string=False),  # Markdown: the filters below escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {name: partial(figure, name) for name in FORMATS}
    return environment.from_string((files("quimbot_data.card") / "card.md.jinja").read_text("utf-8"))


def _context(facts: CardFacts) -> dict[str, Any]:
    """What the template names; numbers are all among the facts."""
    recipe = Recipe.model_validate_json(facts.recipe.recipe_json)
    return {
        "facts": facts,
        "build": facts.build,
        "asked": facts.recipe,
        "totals": facts.totals,
        "recipe": recipe,
        "tables": tables,
        "repeats": [line for line in facts.mix if line.repeats],
        "unmatched": [line.name for line in facts.evaluation if not line.dialogues_hit],
        "ledgers": list(tables.ledgers(facts)),
        "redactions": tables.redactions(facts),
        "alt": _alternatives(facts),
        "empty_splits": [row.split for row in facts.splits if not row.dialogues],
        "forbidden": FORBIDDEN_TERMS[recipe.profile],
        "unlabelled": [row.source for row in facts.safety if not row.labelled],
        "classifiers": sorted({name for row in facts.safety for name in row.classifiers}),
    }


def _alternatives(facts: CardFacts) -> dict[str, str]:
    """What each plot shows, in words."""
    totals = facts.totals
    parts = {
        "mix": [
            f"{line.family} {share(line.weight)}, {share(line.dialogues, totals.dialogues)}, "
            f"{share(line.tokens, totals.tokens)}"
            for line in facts.mix
        ],
        "ledger": [
            f"{code(row.source)} {count(row.raw_rows)} raw rows, {count(row.dialogues)} kept" for row in facts.sources
        ],
        "languages": [f"{row.language} {count(row.dialogues)}" for row in facts.languages[:5]],
        "lengths": [f"median {row.measure} {count(row.p50)}" for row in facts.lengths],
    }
    return {name: "; ".join(told) or "none" for name, told in parts.items()}
