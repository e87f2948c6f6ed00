"""Fixtures of the tests of `diff`: corpora, and versions of them that differ."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from chats import ingested, made, mix, talk, talks, unlike
from conftest import write_plain_card

from quimbot_data import card
from quimbot_data.ingest import ingest
from quimbot_data.samples import lay_out
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace
from schemas.diff import Diff

WIDE = {"validation": 0.2, "test": 0.2}


def counted(found: Diff, *changes: str) -> dict[tuple[str, str], int]:
    """Dialogues by change and reason with its detail."""
    rows: Counter[tuple[str, str]] = Counter()
    for count in found.counts:
        if not changes or count.change in changes:
            rows[count.change, count.why()] += count.dialogues
    return dict(rows)


@pytest.fixture(scope="session")
def old_and_new(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two corpora: `old`, 45 talks, and `new`, which repeats some of them. Not to be written to."""
    workspace = Workspace(tmp_path_factory.mktemp("diff") / "datasets")
    ingested(workspace, "old", talks(range(45)))
    near = [talk(f"near{n}", f"Say {n}.", unlike(n).rpartition(" ")[0]) for n in range(10, 15)]
    equal = [talk(f"equal{n}", f"Say {n}.", unlike(n)) for n in range(10)]
    ingested(
        workspace, "new", [*equal, *near, *talks(range(100, 125))], "CC-BY-NC-4.0", "attribution", "non-commercial"
    )
    return workspace


@pytest.fixture
def to_compare(old_and_new: Workspace, tmp_path: Path) -> Workspace:
    """The two corpora in a workspace to be written to."""
    shutil.copytree(old_and_new.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


@pytest.fixture(scope="session")
def five_versions(old_and_new: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Five versions of two names, no two alike. Not to be written to."""
    workspace = Workspace(tmp_path_factory.mktemp("five_versions") / "datasets")
    shutil.copytree(old_and_new.root, workspace.root)
    part = {"family": "conversation", "weight": 1.0, "sources": ["new", "old"], "max_epochs": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        made(workspace, mix("old", size=30))
        made(workspace, mix("old", "new", size=40, near_duplicates={"action": "drop"}, splits=WIDE))
        made(workspace, mix("new", "old", size=40, near_duplicates={"action": "tie"}, seed=3))
        made(workspace, mix(name="other", components=[part], size=90))
        ingested(workspace, "old", talks(range(20, 60)))
        made(workspace, mix("old", "new", name="other", filters={"max_chars": 140}))
    return workspace


@pytest.fixture(scope="session")
def scaffolds(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two versions of the sample dialogues: of all learners, and of heritage learners."""
    root = tmp_path_factory.mktemp("scaffolds")
    workspace = Workspace(root / "datasets")
    folders = lay_out(root / "raw")
    for source in ("synthetic", "prosocial", "lmsys"):
        ingest(workspace, SOURCES[source], [folders[source]], Options())
    learners = {"family": "pedagogical", "weight": 0.75, "sources": ["synthetic"]}
    safety = {"family": "safety", "weight": 0.25, "sources": ["prosocial"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        made(workspace, mix(name="all", components=[learners, safety]))
        heritage = learners | {"backgrounds": ["heritage"], "weight": 0.5}
        made(workspace, mix(name="heritage", components=[heritage, safety | {"weight": 0.5}]))
    return workspace
