"""`datasets.load_dataset` on a version's folder gives the splits and rows that the manifest states, offline."""

import json
from pathlib import Path
from typing import Any

import pytest

from quimbot_data.build import build
from quimbot_data.version import verify
from quimbot_data.workspace import Ref
from schemas.dialogue import Dialogue, content_hash
from schemas.recipe import Recipe

pytestmark = pytest.mark.slow  # whole workspaces and commands, many times over

SPLITS = [
    pytest.param({"validation": 0.1, "test": 0.1}, id="all-three"),
    pytest.param({"validation": 0.0, "test": 0.2}, id="no-validation"),
    pytest.param({"validation": 0.2, "test": 0.0}, id="no-test", marks=pytest.mark.slow),
    pytest.param({"validation": 0.0, "test": 0.0}, id="train-alone", marks=pytest.mark.slow),
]


def loaded(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load without network, from a cache that no other folder of this path has filled."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


@pytest.mark.filterwarnings("default")  # what other libraries warn of is theirs
@pytest.mark.parametrize("splits", SPLITS)
def test_splits_rows_and_columns_are_those_of_the_manifest(copied, recipe, tmp_path, monkeypatch, splits):
    ref = Ref("loaded", "1.0.0")
    manifest, _ = build(copied, Recipe.model_validate(recipe.model_dump() | {"name": ref.name, "splits": splits}), ref)
    found = loaded(copied.version(ref), tmp_path / "cache", monkeypatch)
    stated = {split: digest for split, digest in manifest.identity.splits.items() if digest.rows}
    assert set(stated) == {"train", *(split for split, share in splits.items() if share)}
    assert {split: rows.num_rows for split, rows in found.items()} == {
        split: digest.rows for split, digest in stated.items()
    }
    for split, digest in stated.items():
        assert found[split].column_names == list(Dialogue.model_fields)
        assert sum(found[split]["n_tokens"]) == digest.tokens
        for row in found[split].select(range(10)):
            turns = [(message["role"], message["content"]) for message in row["messages"]]
            assert content_hash(turns) == row["content_hash"]
            Dialogue.model_validate(json.loads(json.dumps(row)))
    assert verify(copied, ref) == [], "loading leaves nothing behind"
