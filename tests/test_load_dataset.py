"""`datasets.load_dataset` on a version's folder gives the splits and rows that the manifest states, offline."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from quimbot_data.build import build
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe

SPLITS = {
    "all": {"validation": 0.1, "test": 0.1},
    "no-validation": {"validation": 0.0, "test": 0.2},
    "no-test": {"validation": 0.2, "test": 0.0},
    "train-alone": {"validation": 0.0, "test": 0.0},
}


@pytest.fixture(scope="module")
def carded(tmp_path_factory: pytest.TempPathFactory, built: Workspace, recipe: Recipe) -> Workspace:
    """A workspace with a version for each way to split, their cards written."""
    workspace = Workspace(tmp_path_factory.mktemp("carded"))
    shutil.copytree(built.root / "corpus", workspace.root / "corpus")
    for name, splits in SPLITS.items():
        build(workspace, Recipe.model_validate(recipe.model_dump() | {"name": name, "splits": splits}), ref(name))
    return workspace


def ref(name: str) -> Ref:
    return Ref(name, "1.0.0")


def loaded(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load without network, from a cache that no other folder of this path has filled."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


@pytest.mark.filterwarnings("default")  # what other libraries warn of is theirs
@pytest.mark.parametrize("name", SPLITS)
def test_splits_and_rows_are_those_of_the_manifest(carded, tmp_path, monkeypatch, name):
    manifest = carded.version_manifest(ref(name))
    found = loaded(carded.version(ref(name)), tmp_path / "cache", monkeypatch)
    stated = {split: digest for split, digest in manifest.identity.splits.items() if digest.rows}
    assert {split: rows.num_rows for split, rows in found.items()} == {
        split: digest.rows for split, digest in stated.items()
    }
    for split, digest in stated.items():
        assert sum(found[split]["n_tokens"]) == digest.tokens
        for row in found[split]:
            netstrings = (
                f"{len(text.encode())}:{text}," for m in row["messages"] for text in (m["role"], m["content"])
            )
            assert hashlib.sha256("".join(netstrings).encode()).hexdigest() == row["content_hash"]
    assert verify(carded, ref(name)) == [], "loading leaves nothing behind"


@pytest.mark.filterwarnings("default")
def test_columns_are_those_of_the_schema(carded, tmp_path, monkeypatch):
    from schemas.dialogue import Dialogue

    found = loaded(carded.version(ref("all")), tmp_path / "cache", monkeypatch)
    assert found["train"].column_names == list(Dialogue.model_fields)
    for row in found["test"].select(range(5)):
        Dialogue.model_validate(json.loads(json.dumps(row)))
