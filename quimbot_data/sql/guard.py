"""The allow-list: what a query may consist of, judged on DuckDB's own parse tree before anything runs.

It is there for clear messages; a query that slipped through would still find a DuckDB without access to any file.
"""

import difflib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

STATEMENTS: Final = "One SELECT runs here (also WITH, VALUES, FROM-first, DESCRIBE, SUMMARIZE and EXPLAIN of one)."
#: Table functions that read no file, setting or catalogue.
TABLE_FUNCTIONS: Final = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})
#: Functions that tell or change something other than their arguments.
REFUSED_FUNCTIONS: Final = frozenset(
    {
        *("current_setting", "current_query", "getenv", "getvariable", "json_execute_serialized_sql", "read_blob"),
        *("read_text", "currval", "nextval", "setval", "setseed", "sleep_ms", "write_log", "query", "query_table"),
    }
)
_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLES: Final = frozenset({"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY", "TABLE_FUNCTION"})
_CLAUSE: Final = re.compile(r"[A-Z_]+_MODIFIER|ORDER_DEFAULT|ASCENDING|DESCENDING|SHOW_REF")
_EXPLAIN: Final = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?", re.IGNORECASE)
_FILE: Final = re.compile(r"[/\\:*]|\.\w+$")


@dataclass
class RefusedError(Exception):
    """A query that is not run; the parts are those of `schemas.errors.QueryError`."""

    found: str
    valid: str = ""
    next_step: str = ""

    def to_json(self) -> str:
        """The parts as JSON."""
        return json.dumps(asdict(self))


def selectable(query: str) -> str:
    """The statement whose tree must be checked: the query without a leading EXPLAIN.

    Raises:
        RefusedError: the text holds a NUL, at which parsers may differ on where it ends; or it says EXPLAIN twice.
    """
    if "\0" in query:
        raise RefusedError("The query holds a NUL character.")
    explained = _EXPLAIN.sub("", query, count=1) if _EXPLAIN.match(query) else query
    if explained is not query and _EXPLAIN.match(explained):
        raise RefusedError("The query says EXPLAIN twice.", STATEMENTS, "Leave one out; `--explain` says it, too.")
    return explained


def check(tree: dict[str, Any], query: str, views: Collection[str]) -> None:
    """Refuse a query that is not one SELECT over the views.

    Args:
        tree: what `json_serialize_sql(query)` gave.
        query: the text, for messages.
        views: the names that may be read.

    Raises:
        RefusedError: naming the part that is refused.
    """
    if tree["error"]:
        raise _unparsed(tree, query)
    if len(tree["statements"]) != 1:
        count = len(tree["statements"])
        raise RefusedError(f"The query holds {count or 'no'} statements.", STATEMENTS)
    statement = tree["statements"][0]
    # A name like a file's stays one, even where some WITH declares it: its scope may be elsewhere.
    names = {*views, *(name for name in _cte_names(statement) if not _FILE.search(name))}
    for part in _parts(statement):
        _check_kind(part, views)
        _check_table(part, names, views)
        _check_function(part)


def _unparsed(tree: dict[str, Any], query: str) -> RefusedError:
    message = str(tree.get("error_message", "")).partition('. Use "SET')[0]  # SET is refused too
    if "Only SELECT" not in message:
        return RefusedError(f"The query cannot be parsed: {message}{_place(tree, query)}.")
    word = re.sub(r"--[^\n]*|/\*.*?\*/", " ", query, flags=re.DOTALL).split()[:1]
    if word and word[0].upper() == "PIVOT":
        return RefusedError("PIVOT without a list of values is refused.", "Write PIVOT … ON column IN (value, …).")
    return RefusedError(f"The query, beginning {' '.join(word)[:40]!r}, is no single SELECT.", STATEMENTS)


def _place(tree: dict[str, Any], query: str) -> str:
    position = str(tree.get("position", ""))
    if not position.isdecimal():
        return ""
    before = query.encode(errors="replace")[: int(position)].decode(errors="ignore")
    return f" (line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))})"


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree, outermost first; a loop, since trees may be deeper than Python's stack."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _cte_names(statement: Any) -> set[str]:
    maps = (part["cte_map"]["map"] for part in _parts(statement) if part.get("cte_map", {}).get("map"))
    return {entry["key"].lower() for entries in maps for entry in entries}


def _check_kind(part: dict[str, Any], views: Collection[str]) -> None:
    kind = part.get("type")
    if not isinstance(kind, str) or "class" in part:  # expressions have a class; what they may hold is checked itself
        return
    if kind not in _NODES and kind not in _TABLES and not _CLAUSE.fullmatch(kind):
        word = kind.removesuffix("_QUERY_NODE").removesuffix("_NODE").replace("_", " ")
        raise RefusedError(f"{word} inside a query is refused.", STATEMENTS)
    if kind == "SHOW_REF" and part.get("show_type") not in {"DESCRIBE", "SUMMARY"}:
        shown = f"Views: {', '.join(views)}."
        raise RefusedError("SHOW is refused; DESCRIBE and SUMMARIZE of a view or SELECT run.", shown)


def _check_table(part: dict[str, Any], names: Collection[str], views: Collection[str]) -> None:
    if part.get("type") != "BASE_TABLE":
        return
    path = [str(name) for name in (part.get("qualified_name") or {}).get("path") or [part["table_name"]]]
    if (len(path) == 1 and path[0].lower() in names) or ([*path[:-1]] == ["main"] and path[-1].lower() in views):
        return
    shown = ".".join(path)
    if len(path) == 1 and _FILE.search(shown):
        raise RefusedError(f"{shown!r}: files cannot be read from SQL.", f"Views: {', '.join(views)}.")
    near = difflib.get_close_matches(path[-1].lower(), list(views), 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise RefusedError(f"There is no view {shown!r}.", f"{hint}Views: {', '.join(views)}.")


def _check_function(part: dict[str, Any]) -> None:
    if part.get("type") == "TABLE_FUNCTION":
        name = str(part["function"].get("function_name"))
        if name.lower() not in TABLE_FUNCTIONS:
            allowed = ", ".join(sorted(TABLE_FUNCTIONS))
            raise RefusedError(f"The table function {name}() is refused.", f"Allowed: {allowed}.")
    elif str(part.get("function_name", "")).lower() in REFUSED_FUNCTIONS:
        raise RefusedError(f"The function {part['function_name']}() is refused.")
