"""The demo prints the version that it makes, under whatever number: what stands there already never gets it refused."""

import shutil

import pytest

from quimbot_data.build import build
from quimbot_data.recipes import shipped_recipe
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


@pytest.fixture
def workspace(samples_ingested, tmp_path) -> Workspace:
    """The samples' corpora, without a version."""
    for part in ("raw", "corpus"):
        shutil.copytree(samples_ingested.root / part, tmp_path / part)
    return Workspace(tmp_path)


def other_recipe() -> Recipe:
    recipe = shipped_recipe("demo")
    return recipe.model_copy(update={"filters": recipe.filters.model_copy(update={"max_chars": 600})})


def test_the_version_that_it_made_is_printed_again_whatever_its_number(quimbot, workspace):
    build(workspace, other_recipe(), Ref("demo", "1.0.0"))
    first = quimbot("demo", "--workspace", workspace.root)
    assert first.code == 0, first.err
    assert "demo@2.0.0, id " in first.out
    build(workspace, other_recipe(), None)
    before = workspace.versions()
    assert quimbot("demo", "--workspace", workspace.root).out == first.out
    assert workspace.versions() == before == [Ref("demo", f"{major}.0.0") for major in (1, 2, 3)]


def test_of_other_rows_it_makes_the_version_that_is_due(quimbot, workspace):
    build(workspace, shipped_recipe("demo"), Ref("demo", "0.1.0"))
    ran = quimbot("demo", "--workspace", workspace.root)  # which states where the rows come from
    assert ran.code == 0, ran.err
    assert "demo@1.0.0, id " in ran.out
    assert "quimbot sql --version demo@1.0.0" in ran.out
