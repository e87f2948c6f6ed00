"""Reading a few dialogues of a version: the same on every run, drawn by a hash and never by an engine's sampler."""

from typing import Any

from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Ref, Workspace


def sample_dialogues(
    workspace: Workspace, ref: Ref, count: int, *, where: str | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Draw dialogues in the order of sha256(`<seed>|<dialogue_id>`).

    Args:
        workspace: holds the version.
        ref: which version.
        count: how many at most.
        where: SQL condition over the view `dialogues`.
        seed: another seed draws others.

    Raises:
        MissingError: no such version.
        QueryError: a condition that is no condition.
    """
    condition = f"({where}\n)" if where else "true"  # the line break ends a comment that a condition may close with
    query = f"SELECT * FROM dialogues WHERE {condition} ORDER BY sha256('{seed:d}|' || dialogue_id) LIMIT {count:d}"  # noqa: S608 - the sandbox takes any SELECT
    rows: list[dict[str, Any]] = run_query(workspace, query, version=ref).to_pylist()
    return rows
