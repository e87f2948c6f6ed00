"""Shipped recipes: valid, summing to one, and filled by what they are for."""

import math
import re
import tomllib
from importlib.resources import files

import polars as pl
import pytest

from quimbot_data.build import build
from quimbot_data.filters import component_of, verdict
from quimbot_data.recipes import recipe_names, shipped_recipe
from quimbot_data.sources import SOURCES
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import RecipeError
from schemas.manifest import VersionManifest
from schemas.recipe import parse_recipe

DEMO = Ref("demo", "0.1.0")
STAGE_1 = ("stage1-linguist", "stage1-linguist-reserved")
STAGE_2 = ("arabic-l2", "mandarin-heritage", "spanish-heritage", "spanish-l2")


def text_of(name: str) -> str:
    return (files("quimbot_data.recipes") / f"{name}.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(samples_ingested) -> Workspace:
    return samples_ingested


@pytest.fixture(scope="module")
def demo(workspace) -> VersionManifest:
    return workspace.version_manifest(DEMO)


def test_these_are_shipped():
    assert recipe_names() == sorted(("demo", *STAGE_1, *STAGE_2))


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_is_valid_named_as_its_file_dated_and_says_what_it_is_for(name):
    recipe = shipped_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert re.match(r"# 20\d\d-\d\d-\d\d\. .{40}", text_of(name))


@pytest.mark.parametrize("name", recipe_names())
def test_weights_sum_to_one_as_written(name):
    assert math.fsum(component.weight for component in shipped_recipe(name).components) == 1


@pytest.mark.parametrize("name", recipe_names())
def test_components_name_known_sources_of_their_family_that_hold_dialogues(name):
    for component in shipped_recipe(name).components:
        assert component.sources
        for source in component.sources:
            assert source != "toefl11"
            assert SOURCES[source].dossier.family == component.family


@pytest.mark.parametrize("name", recipe_names())
def test_every_threshold_has_its_source_in_a_comment(name):
    table = text_of(name).split("[filters]\n")[1].split("\n\n")[0]
    for line in table.splitlines():
        key = line.split(" = ")[0]
        assert key == "culturally_neutral" or re.search(r"# .{20}", line), line
    assert tomllib.loads(text_of(name))["filters"]


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize(
    ("table", "valid"), [("filters", "min_chars"), ("splits", "validation"), ("safety", "flagged")]
)
def test_an_unknown_key_is_named_with_the_valid_ones(name, table, valid):
    text = text_of(name).replace(f"[{table}]\n", f"[{table}]\nmin_charm = 3\n")
    with pytest.raises(RecipeError, match=rf"{table}\.min_charm: unknown key.*Valid keys of \[{table}\]: .*{valid}"):
        parse_recipe(text, name)


def test_stage_1_shares_are_those_of_the_design():
    shares = {component.family: component.weight for component in shipped_recipe("stage1-linguist").components}
    assert shares == {
        "conversation": 0.4,
        "instruction": 0.2,
        "multilingual": 0.15,
        "pedagogical": 0.15,
        "safety": 0.1,
    }


def test_the_reserved_mix_keeps_the_proportions_of_the_other_families():
    full, reserved = (
        {component.family: component.weight for component in shipped_recipe(name).components} for name in STAGE_1
    )
    del full["multilingual"]
    assert set(reserved) == set(full)
    for family, weight in full.items():
        assert reserved[family] == pytest.approx(weight / 0.85, abs=5e-5)


def test_stage_1_is_culturally_neutral_and_stage_2_is_mostly_scaffolding_for_its_learner():
    assert all(shipped_recipe(name).filters.culturally_neutral for name in STAGE_1)
    for name in STAGE_2:
        first = shipped_recipe(name).components[0]
        assert (first.family, first.weight) == ("pedagogical", 0.7)
        assert first.backgrounds == [name.split("-")[1]]


def test_stage_2_holds_out_what_stage_1_holds_out():
    splits = {name: shipped_recipe(name).splits for name in (*STAGE_1, *STAGE_2)}
    assert len({(split.validation, split.test) for split in splits.values()}) == 1


def test_the_samples_fill_the_demo_with_margin_and_filters_drop_something(demo):
    assert sum(line.dialogues for line in demo.mix) == 100
    for line in demo.mix:
        assert line.dialogues == line.budget
        assert line.available >= 1.25 * line.budget
    reasons = {line.reason for line in demo.ledger if line.step in ("filter", "safety", "dedup")}
    assert {"min_chars", "max_symbol_share", "max_digit_share", "truncated_prompts", "exact-duplicate"} <= reasons
    assert all(split.rows for split in demo.identity.splits.values())


def test_the_demo_is_the_same_version_every_time(workspace, demo):
    again, written = build(workspace, shipped_recipe("demo"), DEMO, threads=1)
    assert not written
    assert again.id == demo.id


@pytest.mark.parametrize("name", [*STAGE_1, *STAGE_2])
def test_every_component_of_every_other_recipe_finds_samples(workspace, name):
    recipe = shipped_recipe(name)
    manifests = {source: workspace.corpus_manifest(source) for source in recipe.sources()}
    paths = [workspace.corpus(source) / file.path for source, held in manifests.items() for file in held.dialogues]
    rows = pl.read_parquet(paths).with_columns(component_of(recipe))
    rows = rows.with_columns(verdict(recipe))
    left = rows.filter(pl.col("step").is_null())["component"]
    assert set(left) == set(range(len(recipe.components)))
    assert ("culturally_neutral" in rows["reason"].to_list()) == (name in STAGE_1)
