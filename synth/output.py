"""The file of dialogues that both engines write, and that the source `synthetic` reads: one row a dialogue."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import polars as pl
import pyarrow as pa

from quimbot_data.workspace import atomic, write_model
from schemas.columns import arrow_schema
from schemas.dialogue import Dialogue, content_hash
from schemas.errors import ExistsError, InputError
from schemas.generation import REPORT_KEY, Credit, GenerationReport
from schemas.learner import Move, Signal, Strategy, Uptake
from schemas.seed import Seed

ROW_GROUP: Final = 10_000
#: The licence of what the generators write.
_OURS: Final = "CC-BY-4.0"


class NoteRow(TypedDict):
    """`schemas.dialogue.CulturalNote`, as it is written."""

    topic: str
    region: str
    source: str


class TurnRow(TypedDict):
    """`schemas.dialogue.TurnAnnotation`, as it is written."""

    position: int
    signals: list[Signal]
    uptake: Uptake | None
    latency_seconds: float | None
    moves: list[Move]
    strategy: Strategy | None
    target: int | None
    languages: list[str]
    cultural_note: NoteRow | None


class PedagogyRow(TypedDict):
    """`schemas.dialogue.Pedagogy`, as it is written."""

    learner: dict[str, Any]
    topic: str | None
    turns: list[TurnRow]
    errors: list[dict[str, Any]]


class Row(TypedDict):
    """One dialogue as it is written; see `quimbot_data.sources.synthetic`."""

    id: str
    language: str
    generator: str
    """Engine and version: `grammar@1`."""
    template_id: str | None
    prompt_hash: str | None
    model: str | None
    sampling: str | None
    seed_id: str
    profile: str
    license: list[str]
    terms: list[str]
    attribution: str
    """See `schemas.seed.Seed`."""
    messages: list[dict[str, str]]
    pedagogy: Mapping[str, Any]
    """`PedagogyRow`."""


def rights(seed: Seed) -> tuple[list[str], list[str]]:
    """Licences and terms of a dialogue that grows from a seed: ours, and the seed's."""
    return sorted({_OURS, seed.license}), sorted({"attribution", *seed.terms})


def credits_of(rows: Sequence[Row]) -> list[Credit]:
    """The corpora that dialogues grew from, ours left out, each with the line to print."""
    grown = Counter(
        (row["seed_id"].partition(":")[0], " AND ".join(others or row["license"]), row["attribution"])
        for row in rows
        if (others := [name for name in row["license"] if name != _OURS]) or row["attribution"]
    )
    return [
        Credit(corpus=corpus, license=licence, attribution=told, dialogues=count)
        for (corpus, licence, told), count in sorted(grown.items())
    ]


def dialogue_key(messages: Sequence[Mapping[str, str]]) -> str:
    """An id of its content: the same dialogue has the same whoever made it, and no two others share it."""
    return content_hash([(each["role"], each["content"]) for each in messages])[:20]


def row_schema() -> pa.Schema:
    """Columns and types of the file."""
    dialogue = arrow_schema(Dialogue)
    text, texts = pa.string(), pa.list_(pa.string())
    names = ("id", "language", "generator", "template_id", "prompt_hash", "model", "sampling", "seed_id", "profile")
    return pa.schema(
        [*((name, text) for name in names), ("license", texts), ("terms", texts), ("attribution", text)]
        + [(name, dialogue.field(name).type) for name in ("messages", "pedagogy")]
    )


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The rows as a frame, in the order given."""
    schema = row_schema()
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    table = pl.from_arrow(pa.table(columns, schema=schema))
    if isinstance(table, pl.Series):
        raise TypeError("a table of rows is no series")
    return table.rechunk()


def refuse_output(path: Path) -> None:
    """Refuse a place where dialogues cannot be written, or where they would replace what no run of ours wrote.

    Raises:
        InputError: another ending than `.parquet`, or a folder.
        ExistsError: a file without a report of ours.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder.", next_step=f"Name a file in it: {path / 'dialogues.parquet'}.")
    if path.suffix != ".parquet":
        raise InputError(f"{path} does not end in .parquet.", valid="Dialogues are written as Parquet: FILE.parquet.")
    if path.exists() and not _ours(path):
        raise ExistsError(
            f"{path} is there, and `synth generate` did not write it.", next_step="Name another file, or remove it."
        )


def _ours(path: Path) -> bool:
    try:
        return REPORT_KEY in pl.read_parquet_metadata(path)
    except (OSError, pl.exceptions.PolarsError):
        return False


def write_dialogues(rows: Sequence[Row], path: Path, report: GenerationReport) -> None:
    """Write the file whole or not at all, with the same bytes from the same rows, and its report beside it.

    Args:
        rows: in the order to be written.
        path: a Parquet file.
        report: how they came to be; it stands in the file's metadata, too.
    """
    told = {REPORT_KEY: canonical(report.model_dump(mode="json"))}
    with atomic(path) as stream:
        frame(rows).write_parquet(stream, row_group_size=ROW_GROUP, compression="zstd", metadata=told)
    write_model(path.with_name(path.name + ".report.json"), report)


def canonical(value: object) -> str:
    """JSON with sorted keys and no blanks: the same value, the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
