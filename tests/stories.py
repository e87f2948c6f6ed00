"""A story that stands in two corpora, word for word and nearly so, and versions in which it meets."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chats import data_of, fates_of, mix, talk, unlike
from raw_rows import write_lines

from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe

STORY = (
    "the old lighthouse keeper walked down to the harbour every morning to watch the boats come in and to ask the "
    "fishermen what they had seen out at sea during the long and windy night before they went home to sleep"
)
REF, PATCHED = Ref("meeting", "1.0.0"), Ref("meeting", "1.0.1")


def put(workspace: Workspace, source: str, rows: list[dict[str, Any]]) -> None:
    """Make these rows what a source holds."""
    folder = workspace.raw(source)
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(rows, folder / "rows.jsonl")
    ingest(workspace, messages.corpus(source, "conversation", "CC0-1.0", []), [folder], Options())


def lay(root: Path, corpora: dict[str, list[dict[str, Any]]]) -> Workspace:
    workspace = Workspace(root)
    for source, rows in corpora.items():
        put(workspace, source, rows)
    return workspace


def recipe(sources: list[str], **fields: Any) -> Recipe:
    return mix(*sources, **{"name": REF.name, **fields})


def fates(workspace: Workspace, ref: Ref = REF) -> dict[str, dict[str, Any]]:
    return fates_of(workspace, ref)


def data(workspace: Workspace, ref: Ref = REF) -> pl.DataFrame:
    return data_of(workspace, ref)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A story, its copy and two near-copies of it in another source, and 30 rows that have nothing to do with it."""
    first = [talk("z", "Tell me a story.", STORY), *(talk(n, f"Say {n}.", unlike(n)) for n in range(30))]
    second = [
        talk("a", "Tell me a story.", STORY.replace("windy", "stormy")),
        talk("b", "Tell me a story.", STORY),
        talk("c", "Tell me a story.", STORY.replace("sleep", "rest")),
    ]
    return lay(tmp_path_factory.mktemp("story") / "w", {"first": first, "second": second})


@pytest.fixture
def alike(story: Workspace, tmp_path: Path) -> Workspace:
    """`story`, to be written to."""
    shutil.copytree(story.root, tmp_path / "w")
    return Workspace(tmp_path / "w")
