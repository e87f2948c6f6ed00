"""The card's section on scaffolding: measures of a version's annotated rows, made again by whoever checks the card."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran
from scaffolding import valid_dialogues

from quimbot_data.build import build
from quimbot_data.card import refresh_documents
from quimbot_data.card.verify import verify_card
from quimbot_data.ingest import ingest
from quimbot_data.pedagogy.version_measures import version_measures
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import parse_recipe

RECIPE = """
name = "taught"
unit = "dialogues"
size = "max"

[[components]]
family = "pedagogical"
weight = 1.0
sources = ["synthetic"]
max_epochs = 2

[splits]
validation = 0.1
test = 0.1
"""
REF = Ref("taught", "1.0.0")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace of dialogues in four languages, with a version that has a true card."""
    workspace = Workspace(tmp_path_factory.mktemp("taught"))
    path = workspace.root / "dialogues.jsonl"
    rows = [{"generator": "by-hand@1", "id": f"d{n}", **row} for n, row in enumerate(valid_dialogues())]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    ingest(workspace, SOURCES["synthetic"], [path], Options())
    build(workspace, parse_recipe(RECIPE, "taught.toml"), REF)
    return workspace


@pytest.fixture
def card(place: Workspace) -> Path:
    return place.version(REF) / "README.md"


def test_the_card_prints_measures_that_verify(place: Workspace, card: Path) -> None:
    text = card.read_text("utf-8")
    section = text[text.index("## Scaffolding") : text.index("## How it was made")]
    assert "explicit correction" in section
    assert "≥ 0.6" in section
    assert "heritage against L2 AUC" not in section, "it needs a library that a card does without"
    assert verify_card(place, REF, card).differences == []
    assert verify(place, REF) == []


def test_a_changed_measure_is_found(place: Workspace, card: Path, tmp_path: Path) -> None:
    text = card.read_text("utf-8")
    row = re.search(r"^\| diversity.*unique openings.*? (0\.\d{3}|1\.000) ", text, re.M)
    assert row
    copy = tmp_path / "card.md"
    copy.write_text(text[: row.start(1)] + "0.123" + text[row.end(1) :], "utf-8")
    told = verify_card(place, REF, copy).differences
    assert [(each.says, each.gives) for each in told] == [("0.123", row[1])]


def test_a_forged_file_of_measures_is_found_although_the_card_agrees(place: Workspace, tmp_path: Path) -> None:
    import shutil

    forged = Workspace(tmp_path / "forged")
    shutil.copytree(place.root, forged.root)
    path = forged.version(REF) / "measures.json"
    told = json.loads(path.read_text("utf-8"))
    told["lines"][0]["value"] = 9.25
    path.write_text(json.dumps(told), "utf-8")
    found = verify_card(forged, REF, forged.version(REF) / "README.md").differences
    assert [each.query for each in found] == ["measures"]
    assert verify(forged, REF), "and it is not the document that was written"
    refresh_documents(forged, REF)
    assert verify_card(forged, REF, forged.version(REF) / "README.md").differences == []


def test_measures_hang_on_rows_alone(place: Workspace) -> None:
    manifest = place.version_manifest(REF)
    turned = manifest.model_copy(update={"data": manifest.data[::-1]})
    found = version_measures(place.version(REF), manifest)
    assert found == version_measures(place.version(REF), turned)
    assert found is not None
    assert found.measured == found.annotated == len(valid_dialogues())


def test_the_report_of_a_version_says_what_its_card_says(place: Workspace, quimbot: Callable[..., Ran]) -> None:
    told = json.loads(quimbot("critics", "report", REF, "--json", "-w", place.root).out)
    stated = json.loads((place.version(REF) / "measures.json").read_text("utf-8"))
    reported = {line["name"]: line["value"] for line in told["lines"]}
    assert [line["value"] for line in stated["lines"]] == [reported[line["name"]] for line in stated["lines"]]


def test_measures_can_be_asked_by_sql(place: Workspace, quimbot: Callable[..., Ran]) -> None:
    asked = "SELECT name, value FROM measures WHERE \"group\" = 'scaffolding' ORDER BY name"
    ran = quimbot("sql", asked, "--version", str(REF), "--format", "json", "-w", place.root)
    assert {"name": "leaks", "value": 0.0} in json.loads(ran.out)
    assert json.loads(quimbot("sql", "SELECT * FROM measures", "--format", "json", "-w", place.root).out) == []


def test_a_version_without_annotations_has_no_section(built: Workspace) -> None:
    ref = Ref("small", "1.0.0")
    assert version_measures(built.version(ref), built.version_manifest(ref)) is None
