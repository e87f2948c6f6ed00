"""The block at a card's end: folded away on the Hub, one line a query and a figure, read again by `verify-card`."""

import json
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final, NamedTuple

from pydantic import ValidationError

from quimbot_data.card.figures import QUERIES, query_sql
from quimbot_data.card.formats import LITERAL
from quimbot_data.card.marks import taken_out
from quimbot_data.card.numbers import numbers
from schemas.card import CardBlock, CardQuery

SCHEMA_VERSION: Final = 1
_OPENING: Final = (
    "<details>\n<summary>Where each figure comes from: queries and their results, "
    "for <code>quimbot verify-card</code></summary>\n\n```json\n"
)
_CLOSING: Final = "```\n\n</details>\n"
#: A block, whatever became of its inside; and what of one is left where its first lines were changed.
_BLOCK: Final = re.compile(r"^<details>\s*<summary>Where each figure comes from.*?(?:^</details>\n?|\Z)", re.M | re.S)
_FENCE: Final = re.compile(r"^```json\n.*?(?:^```$|\Z)", re.M | re.S)
#: Where a picture or another document lies, which a copy of the card changes.
_PLACE: Final = re.compile(r"(^!\[[^\n]*\]\(|\[CHANGES\.md\]\()([^()\n]*)(?=\))", re.M)


class Figure(NamedTuple):
    """A number as the text prints it, with its format and cells."""

    printed: str
    form: str
    cells: tuple[str, ...] = ()


class Found(NamedTuple):
    """A card taken apart: its text, with blanks in place of the block and of where pictures and documents lie; the
    block, or else what is wrong with it, and where that stands.
    """

    text: str
    block: CardBlock | None
    problem: str
    place: int


def figures(text: str) -> tuple[str, list[Figure]]:
    """A text without its marks, and every number in it in order: marked figures, and literals between them."""
    clean, spans = taken_out(text)
    blanked = list(clean)
    placed: list[tuple[int, Figure]] = []
    for span in spans:
        blanked[span.start : span.end] = " " * (span.end - span.start)
        form, *cells = json.loads(span.origin)
        placed.append((span.start, Figure(clean[span.start : span.end], form, tuple(cells))))
    placed += [(number.start, Figure(number.text, LITERAL)) for number in numbers(_without_places("".join(blanked)))]
    return clean, [figure for _, figure in sorted(placed, key=lambda each: each[0])]


def package() -> str:
    """This package, with its version."""
    return f"quimbot-data {version('quimbot-data')}"


def block_of(digests: dict[str, str], printed: Iterable[Figure]) -> CardBlock:
    """The block of a card that prints these figures; `digests` are of the queries' results."""
    return CardBlock(
        schema_version=SCHEMA_VERSION,
        package=package(),
        queries={name: CardQuery(sql=query_sql(name), sha256=digests[name]) for name in QUERIES},
        figures=[[figure.printed, figure.form, *figure.cells] for figure in printed],
    )


def written(block: CardBlock) -> str:
    """The block as it stands in the card."""
    queries = ",\n".join(f"  {_json(name)}: {_json(query.model_dump())}" for name, query in block.queries.items())
    lines = ",\n".join(f"  {_json(figure)}" for figure in block.figures)
    head = f' "schema_version": {block.schema_version},\n "package": {_json(block.package)},'
    return f'{_OPENING}{{\n{head}\n "queries": {{\n{queries}\n }},\n "figures": [\n{lines}\n ]\n}}\n{_CLOSING}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def found(card: str) -> Found:
    """Take a card apart."""
    places = list(_BLOCK.finditer(card))
    text = _without_places((_BLOCK if places else _FENCE).sub(lambda match: _blank(match[0]), card))
    if len(places) != 1:
        problem = "it holds several blocks of figures" if places else "it holds no block of queries and figures"
        return Found(text, None, problem, places[1].start() if places else len(card))
    block, problem = _read(places[0][0])
    return Found(text, block, problem, places[0].start())


def _without_places(text: str) -> str:
    return _PLACE.sub(lambda match: match[1] + _blank(match[2]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _read(block: str) -> tuple[CardBlock | None, str]:
    before, opening, rest = block.partition("```json\n")
    inside, closing, after = rest.rpartition("\n```")
    if "".join([before, opening, closing.strip(), after]).split() != (_OPENING + _CLOSING).split():
        return None, "its block of figures holds more or less than it was written with"
    try:
        return CardBlock.model_validate_json(inside), ""
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "all of it"
        return None, f"its block of figures cannot be read: {where}: {first['msg']}"
