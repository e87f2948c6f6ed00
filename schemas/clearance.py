"""Clearances: the record that somebody looked into a licence that says nothing, and what they found."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.fields import NonEmpty, SourceName, Strict

Told = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Clearance(Strict):
    """Rows of `source` under `license` may enter where only `unknown` terms kept them out (profile `research`)."""

    source: SourceName
    license: NonEmpty
    by: Told
    """Who answers for it."""
    reason: Told
    """What was found, and where: a mail, a page, an agreement."""
    on: Annotated[date, Field(strict=False)]  # a string in JSON


class Clearances(Strict):
    """`clearances.json` of a workspace: what holds now, by source and licence."""

    cleared: list[Clearance]
