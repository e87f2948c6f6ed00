"""The card's section on scaffolding: measures of a version's annotated rows, made again by whoever checks the card."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Ran
from scaffolding import valid_dialogues

from quimbot_data.build import build
from quimbot_data.card import refresh_documents
from quimbot_data.card.verify import verify_card
from quimbot_data.ingest import ingest
from quimbot_data.licence_report import licence_report
from quimbot_data.pedagogy.version_measures import version_measures
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.generation import REPORT_KEY, BlindRecovery, Credit, GenerationReport, Unjudged
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
pytestmark = pytest.mark.usefixtures("no_plots")


def _generated(
    path: Path,
    rows: Sequence[dict[str, Any]],
    found: dict[str, tuple[int, int]],
    *unjudged: Unjudged,
    grown: Sequence[Credit] = (),
) -> None:
    """A generator's file, with the report that says what was recovered of how many, by target."""
    blind = [
        BlindRecovery(profile="spanish-l2", target=target, dialogues=judged, recovered=recovered)
        for target, (recovered, judged) in found.items()
    ]
    report = GenerationReport(
        generator="grammar@1",
        random_seed=1,
        profiles=["spanish-l2"],
        planned=len(rows),
        written=len(rows),
        dropped=[],
        blind=blind,
        unjudged=list(unjudged),
        credits=list(grown),
        batch=[],
    )
    lines = "\n".join(json.dumps({"generator": "by-hand@1", **row}) for row in rows)
    frame = pl.read_ndjson(lines.encode(), infer_schema_length=None)
    frame.write_parquet(path, metadata={REPORT_KEY: report.model_dump_json()})


def _version(root: Path, files: Callable[[Path], object]) -> Workspace:
    workspace, folder = Workspace(root / "datasets"), root / "raw"
    folder.mkdir(parents=True)
    files(folder)
    ingest(workspace, SOURCES["synthetic"], [folder], Options())
    build(workspace, parse_recipe(RECIPE, "taught.toml"), REF)
    return workspace


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A version of three files: two judged, one of them in part, and one that says nothing of it."""
    rows = valid_dialogues()

    def files(folder: Path) -> None:
        _generated(folder / "one.parquet", rows[:3], {"strategy": (12, 20), "all": (10, 20)})
        few = Unjudged(profile="arabic-l2", dialogues=7, reason="too few of them")
        _generated(
            folder / "two.parquet", rows[3:6], {"strategy": (96, 100), "level": (95, 100), "all": (90, 100)}, few
        )
        lines = (json.dumps({"generator": "by-hand@1", **row}, ensure_ascii=False) for row in rows[6:])
        (folder / "three.jsonl").write_text("\n".join(lines), "utf-8")

    return _version(tmp_path_factory.mktemp("judged"), files)


@pytest.fixture
def card(judged: Workspace) -> Path:
    return judged.version(REF) / "README.md"


def test_the_card_prints_measures_that_verify(judged: Workspace, card: Path) -> None:
    text = card.read_text("utf-8")
    section = text[text.index("## Scaffolding") : text.index("## How it was made")]
    assert "explicit correction" in section
    assert "≥ 0.6" in section
    assert "heritage against L2 AUC" not in section, "it needs a library that a card does without"
    assert verify_card(judged, REF, card).differences == []
    assert verify(judged, REF) == []


def test_a_changed_measure_is_found(judged: Workspace, card: Path, tmp_path: Path) -> None:
    text = card.read_text("utf-8")
    row = re.search(r"^\| diversity.*unique openings.*? (0\.\d{3}|1\.000) ", text, re.M)
    assert row
    copy = tmp_path / "card.md"
    copy.write_text(text[: row.start(1)] + "0.123" + text[row.end(1) :], "utf-8")
    told = verify_card(judged, REF, copy).differences
    assert [(each.says, each.gives) for each in told] == [("0.123", row[1])]


@pytest.mark.slow
def test_a_forged_file_of_measures_is_found_although_the_card_agrees(judged: Workspace, tmp_path: Path) -> None:
    forged = Workspace(tmp_path / "forged")
    shutil.copytree(judged.root, forged.root)
    path = forged.version(REF) / "measures.json"
    told = json.loads(path.read_text("utf-8"))
    told["lines"][0]["value"] = 9.25
    path.write_text(json.dumps(told), "utf-8")
    found = verify_card(forged, REF, forged.version(REF) / "README.md").differences
    assert [each.query for each in found] == ["measures"]
    assert verify(forged, REF), "and it is not the document that was written"
    refresh_documents(forged, REF)
    assert verify_card(forged, REF, forged.version(REF) / "README.md").differences == []


def test_measures_hang_on_rows_alone(judged: Workspace) -> None:
    manifest = judged.version_manifest(REF)
    turned = manifest.model_copy(update={"data": manifest.data[::-1]})
    found = version_measures(judged.version(REF), manifest)
    assert found == version_measures(judged.version(REF), turned)
    assert found is not None
    assert found.measured == found.annotated == len(valid_dialogues())


def test_the_report_of_a_version_says_what_its_card_says(judged: Workspace, quimbot: Callable[..., Ran]) -> None:
    told = json.loads(quimbot("critics", "report", REF, "--json", "-w", judged.root).out)
    stated = json.loads((judged.version(REF) / "measures.json").read_text("utf-8"))
    reported = {line["name"]: line["value"] for line in told["lines"]}
    assert [line["value"] for line in stated["lines"]] == [reported[line["name"]] for line in stated["lines"]]


@pytest.mark.slow
def test_measures_can_be_asked_by_sql(judged: Workspace, quimbot: Callable[..., Ran]) -> None:
    asked = "SELECT name, value FROM measures WHERE \"group\" = 'scaffolding' ORDER BY name"
    ran = quimbot("sql", asked, "--version", str(REF), "--format", "json", "-w", judged.root)
    assert {"name": "leaks", "value": 0.0} in json.loads(ran.out)
    assert json.loads(quimbot("sql", "SELECT * FROM measures", "--format", "json", "-w", judged.root).out) == []


def test_a_version_without_annotations_has_no_section(built: Workspace) -> None:
    ref = Ref("small", "1.0.0")
    assert version_measures(built.version(ref), built.version_manifest(ref)) is None


# The blind check


def test_the_card_tells_what_was_recovered_before_the_filter(judged: Workspace) -> None:
    text = (judged.version(REF) / "README.md").read_text("utf-8")
    section = text[text.index("## Scaffolding") : text.index("## How it was made")]
    [row] = re.findall(r"^\| `spanish-l2` .*$", section, re.M)
    # Dialogue by dialogue: 108 of 120, 95 of 100, 100 of 120, not the means of the files' rates.
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["120", "90.0 %", "95.0 %", "–", "83.3 %"]
    assert "7 dialogues of `arabic-l2`: too few of them" in section
    assert f"{len(valid_dialogues()) - 6} raw rows: the file holds no report" in section


def test_a_changed_recovery_is_found(judged: Workspace, tmp_path: Path) -> None:
    copy = tmp_path / "card.md"
    copy.write_text((judged.version(REF) / "README.md").read_text("utf-8").replace("83.3 %", "93.3 %"), "utf-8")
    told = verify_card(judged, REF, copy).differences
    assert [(each.says, each.gives) for each in told if each.line] == [("93.3%", "83.3%")]


@pytest.mark.slow
def test_recovery_is_no_part_of_what_a_version_is(judged: Workspace, tmp_path: Path) -> None:
    def silent(folder: Path) -> None:
        lines = (json.dumps({"generator": "by-hand@1", **row}, ensure_ascii=False) for row in valid_dialogues())
        (folder / "all.jsonl").write_text("\n".join(lines), "utf-8")

    other = _version(tmp_path, silent)
    assert other.version_manifest(REF).id == judged.version_manifest(REF).id
    assert "Not judged blind" in (other.version(REF) / "README.md").read_text("utf-8")


def test_recovery_can_be_asked_by_sql(judged: Workspace, quimbot: Callable[..., Ran]) -> None:
    asked = "SELECT raw_file, recovered, judged FROM recovery WHERE target = 'all' ORDER BY raw_file"
    ran = quimbot("sql", asked, "--version", str(REF), "--format", "json", "-w", judged.root)
    assert json.loads(ran.out) == [
        {"raw_file": "one.parquet", "recovered": 10, "judged": 20},
        {"raw_file": "two.parquet", "recovered": 90, "judged": 100},
    ]


@pytest.mark.slow
def test_a_version_from_before_says_that_nothing_is_on_record(judged: Workspace, tmp_path: Path) -> None:
    before = Workspace(tmp_path / "before")
    shutil.copytree(judged.root, before.root)
    path = before.version(REF) / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    del told["record"]["generated"]
    path.write_text(json.dumps(told), "utf-8")
    refresh_documents(before, REF)
    card = before.version(REF) / "README.md"
    assert "Nothing is on record of a blind check" in card.read_text("utf-8")
    assert verify_card(before, REF, card).differences == []


@pytest.mark.slow
def test_what_dialogues_grew_from_is_credited_and_missing_credits_are_told(tmp_path: Path) -> None:
    rows = [{**row, "license": ["CC-BY-4.0", "CC-BY-NC-SA-4.0"]} for row in valid_dialogues()]
    grown = [
        Credit(corpus="essays", license="CC-BY-NC-SA-4.0", attribution="Essays (Who et al. 1999).", dialogues=3),
        Credit(corpus="letters", license="CC-BY-NC-SA-4.0", attribution="", dialogues=2),
        Credit(corpus="diaries", license="CC-BY-SA-4.0", attribution="", dialogues=1),
    ]
    workspace = _version(tmp_path, lambda folder: _generated(folder / "one.parquet", rows, {}, grown=grown))
    report = licence_report(workspace, REF)
    [line] = [each.text for each in report.attributions]
    assert line.endswith("CC BY 4.0. Essays (Who et al. 1999).")
    [told] = report.unresolved
    assert "letters, under CC-BY-NC-SA-4.0" in told, "of diaries the version holds no row"
    card = workspace.version(REF) / "README.md"
    assert line in card.read_text("utf-8")
    assert verify_card(workspace, REF, card).differences == []


def test_a_report_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "made.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path, metadata={REPORT_KEY: '{"generator": 7}'})
    assert SOURCES["synthetic"].reports([path]) == {"made.parquet": None}
    assert SOURCES["lmsys"].reports([path]) == {}
