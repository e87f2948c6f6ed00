"""Small corpora of one's own, versions of them by recipe, and what a version holds, read without the package's help."""

from pathlib import Path
from typing import Any

import polars as pl
from raw_rows import write_lines

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe

Lines = list[dict[str, Any]]


def talk(key: object, asked: str, answered: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return {"id": str(key), "messages": turns, **more}


def unlike(number: int, words: int = 20) -> str:
    """Text that shares no three words with another number's."""
    return " ".join(f"w{number}x{place}" for place in range(words))


def talks(numbers: range) -> Lines:
    return [talk(number, f"Say {number}.", unlike(number)) for number in numbers]


def ingested(workspace: Workspace, source: str, rows: Lines, license_id: str = "CC0-1.0", *terms: str) -> None:
    """The corpus of a source, made or made again."""
    path = workspace.root.parent / f"{workspace.root.name}-{source}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lines(rows, path)
    ingest(workspace, messages.corpus(source, "conversation", license_id, list(terms)), [path], Options())


def mix(*sources: str, **fields: Any) -> Recipe:
    """One component of conversations, as many as there are."""
    parts = [{"family": "conversation", "weight": 1.0, "sources": list(sources)}]
    return Recipe.model_validate({"name": "chats", "unit": "dialogues", "size": "max", "components": parts} | fields)


def made(workspace: Workspace, asked: Recipe) -> Ref:
    """Build under the number that is due."""
    manifest, _ = build(workspace, asked, None)
    return Ref(manifest.name, manifest.version)


def data_of(workspace: Workspace, ref: Ref) -> pl.DataFrame:
    """The rows with their split, by id."""
    files = sorted((workspace.version(ref) / "data").glob("*.parquet"))
    parts = [pl.read_parquet(file).with_columns(split=pl.lit(file.name.partition("-")[0])) for file in files]
    return pl.concat(parts).sort("dialogue_id")


def ids_of(workspace: Workspace, ref: Ref) -> set[str]:
    return set(data_of(workspace, ref)["dialogue_id"])


def fates_of(workspace: Workspace, ref: Ref) -> dict[str, dict[str, Any]]:
    rows = pl.read_parquet(workspace.version(ref) / "fates.parquet").to_dicts()
    return {row["dialogue_id"]: row for row in rows}


def rewrite_fates(workspace: Workspace, ref: Ref, change: Any) -> None:
    """Put other fates in the place of a version's, as no build would."""
    path: Path = workspace.version(ref) / "fates.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
