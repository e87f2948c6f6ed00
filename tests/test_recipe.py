"""Recipes: what is accepted, and what the reader is told about what is not."""

from pathlib import Path

import pytest

from schemas.errors import RecipeError
from schemas.recipe import Recipe, load_recipe, parse_recipe

SOUND = """
name = "small"
size = 100

[[components]]
family = "conversation"
weight = 0.4
sources = ["lmsys"]

[[components]]
family = "instruction"
weight = 0.6
sources = ["magpie", "lmsys", "openhermes"]
"""


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "small.toml")
    assert str(caught.value).startswith("small.toml is not")
    return str(caught.value)


def test_everything_but_name_size_and_components_has_a_default() -> None:
    recipe = parse_recipe(SOUND, "small.toml")
    assert (recipe.unit, recipe.seed, recipe.profile) == ("tokens", 20260208, "private")
    assert recipe.filters.exact_duplicates == "drop"
    assert (recipe.splits.validation, recipe.splits.test) == (0.01, 0.01)
    assert recipe.components[0].max_epochs == 1
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_sources_are_listed_once_in_the_recipes_order() -> None:
    assert parse_recipe(SOUND, "small.toml").sources() == ["lmsys", "magpie", "openhermes"]


def test_size_may_be_the_largest_possible() -> None:
    assert parse_recipe(SOUND.replace("size = 100", 'size = "max"'), "small.toml").size == "max"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("size = 100", "size = 0", "size"),
        ("size = 100", "size = 1.5", "size"),
        ("size = 100", 'size = "most"', "size"),
        ("size = 100\n", "", "size: is missing"),
        ('name = "small"', 'name = "Small One"', "name"),
        ("weight = 0.4", "weight = 0.5", "component weights must sum to 1, not 1.1"),
        ("weight = 0.4", "weight = 0", "components.1.weight"),
        ("weight = 0.4", "weight = nan", "components.1.weight"),
        ("weight = 0.4", "weight = -0.4", "components.1.weight"),
        ('"conversation"', '"chat"', "'conversation', 'instruction'"),
        ('["lmsys"]', "[]", "components.1.sources"),
        ('["lmsys"]', '["LMSYS!"]', "components.1.sources.1"),
        ('["lmsys"]', '["lmsys"]\nmax_epochs = 0', "components.1.max_epochs"),
        ('["lmsys"]', '["lmsys"]\nlanguages = ["english"]', "components.1.languages.1"),
        ("size = 100", "size = 100\nseed = -1", "seed"),
        ("size = 100", 'size = 100\nprofile = "public"', "'private', 'research', 'redistributable' or 'commercial'"),
        ("size = 100", 'size = 100\nunit = "rows"', "'tokens' or 'dialogues'"),
    ],
)
def test_a_wrong_value_is_named(old: str, new: str, told: str) -> None:
    assert SOUND.count(old) == 1
    assert told in refusal(SOUND.replace(old, new))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[splits]\ntest = 1.0", "splits.test"),
        ("[splits]\ntest = nan", "splits.test"),
        ("[splits]\ntest = 0.5\nvalidation = 0.5", "splits: validation and test together must leave room for train"),
        ("[filters]\nmin_chars = -1", "filters.min_chars"),
        ("[filters]\nmax_symbol_share = 1.1", "filters.max_symbol_share"),
        ("[filters]\nmax_symbol_share = nan", "filters.max_symbol_share"),
        ('[filters]\nmin_chars = "10"', "filters.min_chars"),
        ('[safety]\nflagged = "hide"', "'keep', 'drop' or 'untrain'"),
    ],
)
def test_a_wrong_value_in_a_table_is_named(table: str, told: str) -> None:
    assert told in refusal(SOUND + table)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SOUND + "[filters]\nmin_char = 3",
            "filters.min_char: unknown key (did you mean min_chars?). Valid keys of [filters]: min_chars, max_chars",
        ),
        (SOUND + "[safety]\nflag = 3", "Valid keys of [safety]: flagged, labels, categories, scores."),
        (SOUND + "[splits]\ndev = 3", "Valid keys of [splits]: validation, test, languages."),
        (SOUND + "wait = 3", "Valid keys of [components]: family, weight, sources, max_epochs"),
        ("sizes = 3\n" + SOUND, "sizes: unknown key (did you mean size?). Valid keys: name, title, unit, size"),
    ],
)
def test_an_unknown_key_is_told_the_valid_ones(text: str, told: str) -> None:
    assert told in refusal(text)


def test_every_problem_is_told_at_once() -> None:
    message = refusal(SOUND.replace("size = 100", "size = 0") + "[splits]\ntest = 2")
    assert "size" in message
    assert "splits.test" in message


def test_weights_may_be_thirds() -> None:
    thirds = "".join(
        f'[[components]]\nfamily = "safety"\nweight = 0.333333333{last}\nsources = ["s"]\n' for last in (3, 3, 4)
    )
    assert len(parse_recipe(f'name = "thirds"\nsize = 3\n{thirds}', "thirds.toml").components) == 3


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert "line 2" in refusal("size = 1\nname = small")


def test_a_file_is_read_and_named(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SOUND, encoding="utf-8")
    assert load_recipe(path) == parse_recipe(SOUND, "small.toml")
    path.write_bytes(b"name = '\xff'")
    for unreadable in (path, tmp_path / "absent.toml", tmp_path):
        with pytest.raises(RecipeError, match="cannot be read") as caught:
            load_recipe(unreadable)
        assert str(unreadable) in str(caught.value)
