"""What is judged: dialogues of a file or version, the tutor's turns in them, and the terms that they are under."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from quimbot_data.language_codes import language_name

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """A dialogue to judge."""

    dialogue_id: str
    source: str
    terms: tuple[str, ...]
    pair_key: str
    """What two files' dialogues are matched by: the seed, or else the id."""
    learner: str | None
    """Who the learner is, in words."""
    messages: tuple[Mapping[str, str], ...]
    turns: tuple[int, ...]
    """Positions of the tutor's turns that answer an error; of the last turn where none is annotated."""


def judged(rows: Sequence[Row]) -> list[Judged]:
    """Dialogues out of rows of generators' files or of versions.

    A row that states no terms is under unknown ones: nobody has looked.
    """
    return [_judged(row, f"row-{place}") for place, row in enumerate(rows)]


def _judged(row: Row, unnamed: str) -> Judged:
    provenance: Row = row.get("provenance") or {}
    seed = row.get("seed_id") or provenance.get("lineage")
    name = str(row.get("dialogue_id") or row.get("id") or unnamed)
    terms = row.get("terms")
    return Judged(
        dialogue_id=name,
        source=str(row.get("source") or (str(seed).partition(":")[0] if seed else "unnamed")),
        terms=("unknown",) if terms is None else tuple(terms),
        pair_key=str(seed or name),
        learner=_learner(row),
        messages=tuple({"role": str(m["role"]), "content": str(m["content"])} for m in row["messages"]),
        turns=tuple(_turns(row)),
    )


def _learner(row: Row) -> str | None:
    learner: Row = (row.get("pedagogy") or {}).get("learner") or {}
    language = learner.get("target_language") or row.get("language")
    told = [language_name(language)] if language else []
    if learner.get("cefr"):
        told.append(f"level {learner['cefr']}")
    if learner.get("background"):
        heritage = learner["background"] == "heritage"
        told.append("grew up with the language at home" if heritage else "learns it as a second language")
    return ", ".join(told) or None


def _turns(row: Row) -> Iterator[int]:
    annotated: Sequence[Row] = (row.get("pedagogy") or {}).get("turns") or ()
    aimed = [int(turn["position"]) for turn in annotated if turn.get("strategy")]
    spoken = [place for place, message in enumerate(row["messages"]) if message["role"] == "assistant"]
    yield from aimed or spoken[-1:]


def pairs(ours: Sequence[Judged], theirs: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    """Dialogues about the same seed, or of the same id: the n-th of one side with the n-th of the other."""
    waiting: dict[str, list[Judged]] = defaultdict(list)
    for each in theirs:
        waiting[each.pair_key].append(each)
    return [(each, waiting[each.pair_key].pop(0)) for each in ours if waiting[each.pair_key]]


def rights_of(dialogues: Sequence[Judged]) -> pl.DataFrame:
    """`source` and `terms` of each."""
    columns = {"source": [each.source for each in dialogues], "terms": [list(each.terms) for each in dialogues]}
    return pl.DataFrame(columns, {"source": pl.String, "terms": pl.List(pl.String)})
