"""What keeps a run from starting is told before any weight is loaded."""

import shutil
from typing import Any

import polars as pl
import pytest
import torch
from conftest import files_below
from tiny_run import tokenizer
from tiny_training import refused, tiny_recipe
from versions_to_share import MIXED, OPEN

from quimbot_data.workspace import Ref, Workspace
from schemas.errors import IntegrityError, MissingError, MixError, ModelError, RecipeError, TermsError, WorkspaceError
from schemas.frame import dialogue_schema
from schemas.training import Requirement
from train import checks, stages
from train import plan as plans
from train import run as runs
from train.plan import prepare
from train.recipe import changed
from train.record import METRICS


@pytest.fixture(autouse=True)
def tokenizer_made_once(monkeypatch):
    monkeypatch.setattr(plans, "load_tokenizer", lambda name, *_: tokenizer(name))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return tiny_recipe(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def place(shared, tmp_path):
    shutil.copytree(shared.root / "versions", tmp_path / "datasets" / "versions")
    return Workspace(tmp_path / "datasets")


def test_a_version_with_a_flipped_byte(place, recipe):
    file = sorted((place.version(MIXED) / "data").glob("train-*"))[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    refused(place, recipe, IntegrityError, f"{MIXED} is not what its manifest states", file.name, "quimbot verify")


def test_a_name_that_no_folder_should_have(place, recipe):
    refused(place, recipe, RecipeError, "'../x' is no name of a run", "--name", name="../x")


def test_a_version_that_is_not_there(place, recipe):
    refused(
        place, changed(recipe, {"version": "none@1.0.0"}), MissingError, "holds no version none@1.0.0", "mixed@1.0.0"
    )
    refused(place, changed(recipe, {"version": "none"}), MissingError, "NAME@X.Y.Z")


@pytest.mark.parametrize("base", ["./nowhere", "/nowhere/model.gguf", "nowhere", "package:no_such_package"])
def test_a_missing_base(place, recipe, base):
    refused(place, changed(recipe, {"base": base}), ModelError, base.removeprefix("package:"))


@pytest.mark.parametrize("ref", [MIXED, OPEN])
def test_commercial_use_of_a_version_of_another_profile(place, recipe, ref: Ref):
    wanted = changed(recipe, {"use": "commercial", "version": str(ref)})
    profile = place.version_manifest(ref).identity.recipe.profile
    refused(place, wanted, TermsError, f"built under the profile '{profile}'", 'profile = "commercial"')


def test_a_gpu_on_a_machine_without(place, recipe, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(place, changed(recipe, {"device": "gpu"}), ModelError, 'device = "gpu"', 'device = "cpu"')


def test_a_disk_that_is_too_full(place, recipe, monkeypatch):
    usage = shutil.disk_usage(place.root)
    monkeypatch.setattr(plans.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    refused(place, recipe, WorkspaceError, "GB of disk", "Free some space")


def test_a_tokenizer_that_is_larger_than_the_base(place, recipe, monkeypatch):
    class Small:
        vocab_size, tie_word_embeddings = 200, True

        def get_text_config(self):
            return self

    monkeypatch.setattr(checks, "load_config", lambda *_: Small())
    refused(place, recipe, ModelError, "261 tokens", "embeds 200")


def test_layers_that_the_base_does_not_have(place, recipe):
    refused(place, changed(recipe, {"adapter.targets": ["wqkv"]}), ModelError, "no linear layer named wqkv", "q_proj")


def test_marks_that_are_the_heads_weights_too(place, recipe):
    refused(place, changed(recipe, {"adapter.train_marks": True}), ModelError, "train_marks", "Qwen3-8B-Base")


def test_a_tracker_that_is_not_installed(place, recipe):
    refused(place, changed(recipe, {"report_to": ["no_such_tracker"]}), ModelError, "no_such_tracker", "pip install")


def test_a_batch_that_the_processes_cannot_share(recipe):
    with pytest.raises(ModelError, match="cannot be shared by 3 processes"):
        runs._check_batch(recipe, runs.Processes(3, 0))


def test_rows_too_short_for_any_exchange(place, recipe):
    refused(place, changed(recipe, {"optimization.max_length": 16}), MixError, "nothing to train on in 16 tokens")


def test_rows_that_were_taken_down(place, recipe, monkeypatch):
    monkeypatch.setattr(checks, "holders", lambda *_: {"td-0123456789ab": 2})
    refused(place, recipe, TermsError, "td-0123456789ab", "--version 1.0.1")


def test_what_a_variant_requires_and_lacks_is_told(place, recipe):
    wanted = recipe.model_copy(
        update={
            "requires": [Requirement(dialogues=1000, target_language="es", background="heritage", with_errors=True)]
        }
    )
    told = "holds 0 dialogues of heritage learners of es with learner errors, 1,000 are required: 1,000 short"
    refused(place, wanted, MixError, told)
    assert prepare(place, wanted, "t").plan.requirements[0].shortfall == 1000


@pytest.mark.parametrize(
    ("asked", "meet"),
    [
        (Requirement(dialogues=9, target_language="es"), 3),
        (Requirement(dialogues=9, target_language="es", background="heritage"), 2),
        (Requirement(dialogues=9, target_language="es", background="heritage", with_errors=True), 1),
        (Requirement(dialogues=9, with_cultural_note=True), 1),
        (Requirement(dialogues=9, target_language="es", native=True), 1),
        (Requirement(dialogues=9, target_language="zh"), 0),
    ],
)
def test_what_counts_for_a_requirement(asked, meet):
    note = {"cultural_note": {"topic": "food", "region": "Puebla", "source": "table"}}
    rows = pl.DataFrame(
        [
            lesson("es", "heritage", errors=1),
            lesson("es", "heritage", turns=[note]),
            lesson("es", "l2", errors=1),
            {"language": "es", "pedagogy": None},
            {"language": "en", "pedagogy": None},
        ],
        schema={name: dialogue_schema()[name] for name in ("language", "pedagogy")},
    )
    assert rows.filter(stages._meets(asked)).height == meet


def lesson(language: str, background: str, errors: int = 0, turns: Any = ()) -> dict[str, Any]:
    """A dialogue of a learner, as far as requirements look at it."""
    learner = {"target_language": language, "background": background}
    return {
        "language": language,
        "pedagogy": {"learner": learner, "turns": list(turns), "errors": [{"position": 0}] * errors},
    }


def test_a_shortfall_exits_with_1(place, recipe, tmp_path, quimbot):
    file = tmp_path / "short.toml"
    file.write_text(
        f'name = "short"\nversion = "{MIXED}"\nbase = "{recipe.base}"\n'
        "[optimization]\nsteps = 2\nmax_length = 64\n"
        '[[requires]]\ndialogues = 50\ntarget_language = "zh"\nnative = true\n'
    )
    told = quimbot("train", "plan", file, "--workspace", place.root)
    assert told.code == 1
    assert "dialogues in zh that are no lessons" in told.out
    assert "50 short" in told.err
    assert not (place.root / "runs").exists()
    assert METRICS not in files_below(place.root)


def test_the_extra_that_is_not_installed_is_named(quimbot, monkeypatch):
    monkeypatch.setattr("train.options.find_spec", lambda name: None if name == "trl" else name)
    for command in (("train", "plan", "stage1-linguist"), ("train", "export", "tiny"), ("eval", "tiny")):
        quimbot(*command).told("Not installed: trl.", "pip install 'quimbot-data[train]'")
