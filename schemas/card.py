"""The machine-readable block of a card: where each of its figures comes from."""

from typing import Annotated

from pydantic import Field

from schemas.fields import Hash, NonEmpty, Strict


class CardQuery(Strict):
    """A query over a version's views, and the sha256 of the canonical JSON of the columns and rows that it gave."""

    sql: NonEmpty
    sha256: Hash


class CardBlock(Strict):
    """Queries by name, and every number of the card's text in order.

    A figure is what the text prints, the name of a format, and the cells that it is made of, each
    `<query>.<row, from 0>.<column>` and for an item of a list a further `.<place, from 0>`. Of the format `literal` are
    numbers that the card's own words hold; they have no cells.
    """

    schema_version: int
    package: NonEmpty
    queries: dict[str, CardQuery]
    figures: list[Annotated[list[str], Field(min_length=2)]]
