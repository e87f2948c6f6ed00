"""Queries with a name: SQL files whose first line states the grain, and the next ones a parameter each.

    -- One row per step and reason that dropped dialogues.
    -- $source = NULL: this source only
    SELECT … WHERE $source IS NULL OR source = $source

A parameter without a default must be given.
"""

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from schemas.errors import MissingError, QueryError

Value = str | int | float | bool | None

_PARAMETER: Final = re.compile(r"-- \$(\w+)(?: = (\S+))?: (.+)")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query; `default` is a JSON scalar or NULL, None where a value must be given."""

    name: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class NamedQuery:
    """A query with its grain: what one row of its result is."""

    name: str
    grain: str
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def of_version(self) -> bool:
        """Whether only a version has rows for it: over the corpora it is empty."""
        return " of a version" in self.grain

    def bound(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """A value for each parameter: what was given, else the default.

        Raises:
            QueryError: a parameter that the query does not have, or one without a default that was not given.
        """
        names = {parameter.name for parameter in self.parameters}
        valid = f"@{self.name} takes {', '.join(sorted(names)) or 'no parameter'}."
        if unknown := sorted(set(given) - names):
            raise QueryError(f"@{self.name} has no parameter {', '.join(unknown)}.", valid=valid)
        lacking = [each.name for each in self.parameters if each.default is None and each.name not in given]
        if lacking:
            raise QueryError(
                f"@{self.name} needs {', '.join(lacking)}.", next_step=f"Give it: --param {lacking[0]}=VALUE."
            )
        return {each.name: given.get(each.name, value(each.default or "")) for each in self.parameters}


def named_queries() -> list[NamedQuery]:
    """All of them, by name."""
    folder = files("quimbot_data.sql") / "queries"
    found = {path.name.removesuffix(".sql"): path for path in folder.iterdir() if path.name.endswith(".sql")}
    return [_parsed(name, found[name].read_text("utf-8")) for name in sorted(found)]


def named_query(name: str) -> NamedQuery:
    """The query of this name.

    Raises:
        MissingError: there is none; names those that are near.
    """
    queries = {query.name: query for query in named_queries()}
    if name not in queries:
        near = difflib.get_close_matches(name, queries, 1)
        hint = f"Did you mean @{near[0]}? " if near else ""
        raise MissingError(
            f"There is no query @{name}.",
            valid=f"{hint}Queries: {', '.join(f'@{known}' for known in queries)}.",
            next_step="`quimbot sql --list` says what each gives.",
        )
    return queries[name]


def resolved(text: str, given: Mapping[str, Value]) -> tuple[str, dict[str, Value]]:
    """The SQL to run and its parameters: of `@name` the named query's, of anything else the text and what was given.

    Raises:
        MissingError: no query of that name.
        QueryError: see `NamedQuery.bound`.
    """
    if not text.startswith("@"):
        return text, dict(given)
    query = named_query(text.removeprefix("@"))
    return query.sql, query.bound(given)


def parameters(pairs: Sequence[str]) -> dict[str, Value]:
    """`NAME=VALUE` pairs, values as `value` reads them.

    Raises:
        QueryError: a pair of another form, or a name twice.
    """
    found: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise QueryError(f"{pair!r} is no parameter.", valid="Write NAME=VALUE, e.g. source=lmsys.")
        if name in found:
            raise QueryError(f"The parameter {name} is given twice.", next_step="Leave one out.")
        found[name] = value(text)
    return found


def value(text: str) -> Value:
    """A JSON number, true, false or null (NULL too); any other text is that text."""
    try:
        found = json.loads(text.lower() if text == "NULL" else text)
    except ValueError:
        return text
    plain = found is None or (isinstance(found, bool | int | float) and math.isfinite(found))
    return found if plain else text


def _parsed(name: str, text: str) -> NamedQuery:
    first, *rest = text.splitlines()
    told = [match for line in rest if (match := _PARAMETER.fullmatch(line))]
    found = tuple(Parameter(match[1], match[2], match[3]) for match in told)
    return NamedQuery(name, first.removeprefix("-- "), found, text)
