"""The audit: planted rows have the fate that they were planted for, a lame step shows, and the version is untouched."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from raw_rows import write_lines

from quimbot_data.audit import interval, plants
from quimbot_data.audit.plants import Original
from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, read_model
from schemas.manifest import AuditReport
from schemas.recipe import Recipe

pytestmark = pytest.mark.slow  # whole workspaces and commands, many times over

REF = Ref("audited", "1.0.0")
WORDS = ("river", "basket", "morning", "teacher", "window", "garden", "letter", "market", "bridge", "winter", "candle")


def talk(number: int) -> dict[str, Any]:
    asked = " ".join(f"{WORDS[(number * 7 + at * at) % 11]}{number}" for at in range(14))
    answered = " ".join(f"{WORDS[(number + at * 3) % 11]}{number + at}" for at in range(24))
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return {"id": str(number), "messages": turns, "lang": "en"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("audit"))
    for source, numbers in (("chats", range(60)), ("tasks", range(100, 160))):
        folder = workspace.raw(source)
        folder.mkdir(parents=True)
        write_lines([talk(number) for number in numbers], folder / "rows.jsonl")
        family = "conversation" if source == "chats" else "instruction"
        ingest(workspace, messages.corpus(source, family, "CC0-1.0", []), [folder], Options())
    (workspace.root / "evaluation").mkdir()
    quiz = [{"id": f"q{n}", "question": " ".join(f"item{n}word{at}" for at in range(40))} for n in range(30)]
    write_lines(quiz, workspace.root / "evaluation" / "quiz.jsonl")
    return workspace


def recipe(**fields: Any) -> Recipe:
    parts = [
        {"family": "conversation", "weight": 0.5, "sources": ["chats"]},
        {"family": "instruction", "weight": 0.5, "sources": ["tasks"]},
    ]
    given = {
        "name": "audited",
        "unit": "dialogues",
        "size": "max",
        "components": parts,
        "near_duplicates": {"action": "drop"},
        "decontaminate": {"sets": ["quiz.jsonl"]},
    }
    return Recipe.model_validate(given | fields)


@pytest.fixture(scope="module")
def audited(workspace: Workspace) -> AuditReport:
    plain = build(workspace, recipe(), REF)[0]
    manifest, new = build(workspace, recipe(), REF, audit=24)
    assert not new, "an audit of a version that is there only adds a document"
    assert manifest.id == plain.id
    return read_model(workspace.version(REF) / "audit.json", AuditReport)


def test_every_kind_is_measured_and_found(audited: AuditReport) -> None:
    lines = {line.kind: line for line in audited.lines}
    assert set(lines) == {
        *("malformed", "language", "exact", "near", "evaluation"),
        *(f"pii {kind}" for kind in plants.VALUES),
    }
    for kind, line in lines.items():
        assert line.planted > 0, kind
        assert line.found == line.planted, kind
        assert line.false_alarms == 0, kind
        assert line.recall == interval(line.found, line.planted)
    assert lines["exact"].planted == lines["malformed"].planted == lines["language"].planted == 24
    assert sum(line.planted for kind, line in lines.items() if kind.startswith("pii")) == 24


def test_the_card_tells_it_and_the_version_stays_whole(workspace: Workspace, audited: AuditReport) -> None:
    text = (workspace.version(REF) / "README.md").read_text("utf-8")
    assert "## Audit" in text
    for line in audited.lines:
        assert f"{line.found} of {line.planted}" in text
    assert verify(workspace, REF) == []
    assert not [path for path in (workspace.root / "corpus").iterdir() if path.name.startswith("audit")]
    fates = pl.read_parquet(workspace.version(REF) / "fates.parquet")
    assert set(fates["source"]) == {"chats", "tasks"}


def test_an_audit_of_one_version_measures_the_same_on_every_run(workspace: Workspace, audited: AuditReport) -> None:
    build(workspace, recipe(), REF, threads=1, audit=24)
    assert read_model(workspace.version(REF) / "audit.json", AuditReport) == audited


def test_a_step_that_misses_its_plants_shows(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from quimbot_data.audit import _acted

    def blind(shadow: Any, planted: Any, fates: pl.DataFrame) -> dict[str, bool]:
        """As if near-duplicates had not been found."""
        missed = pl.col("reason") == "near-duplicate"
        lame = fates.with_columns(
            step=pl.when(missed).then(None).otherwise("step"),
            reason=pl.when(missed).then(None).otherwise("reason"),
            cluster_id=pl.lit(None, pl.String),
        )
        return _acted(shadow, planted, lame)

    monkeypatch.setattr("quimbot_data.audit._acted", blind)
    build(workspace, recipe(name="lame"), Ref("lame", "1.0.0"), audit=12)
    report = read_model(workspace.version(Ref("lame", "1.0.0")) / "audit.json", AuditReport)
    (near,) = [line for line in report.lines if line.kind == "near"]
    assert (near.found, near.recall) == (0, interval(0, near.planted))
    assert near.precision is None


def test_a_step_that_the_recipe_leaves_out_is_not_audited(workspace: Workspace) -> None:
    plain = recipe(name="plain", near_duplicates={"action": "off"}, decontaminate={"sets": []})
    build(workspace, plain, Ref("plain", "1.0.0"), audit=6)
    report = read_model(workspace.version(Ref("plain", "1.0.0")) / "audit.json", AuditReport)
    assert {line.kind for line in report.lines}.isdisjoint({"near", "evaluation"})


def test_near_duplicates_are_planted_at_the_jaccard_they_claim() -> None:
    turns = talk(1)["messages"]
    originals = [Original(f"chats:{n}", "conversation", "en", talk(n)["messages"]) for n in range(20)]
    whole = {original.dialogue_id: shingles(original.messages) for original in originals}
    planted = list(plants.near_duplicates(originals, "seed", 3, 0.8))
    assert len(planted) >= 30, turns
    for plant in planted:
        mine, theirs = shingles(plant.row["messages"]), whole[plant.of]
        jaccard = len(mine & theirs) / len(mine | theirs)
        assert (jaccard >= 0.8) if plant.guilty else (0.3 <= jaccard <= 0.6)


def shingles(turns: list[dict[str, str]]) -> set[tuple[str, ...]]:
    pieces = " ".join(turn["content"] for turn in turns).split()
    return {tuple(pieces[at : at + 3]) for at in range(len(pieces) - 2)}


@pytest.mark.parametrize(
    ("hits", "of", "expected"),
    [
        (0, 0, None),
        # Newcombe 1998 (Statistics in Medicine 17), table I, method 3
        (81, 263, (0.308, 0.2553, 0.3662)),
        (15, 148, (0.1014, 0.0624, 0.1605)),
        (0, 20, (0.0, 0.0, 0.1611)),
        (1, 29, (0.0345, 0.0061, 0.1718)),
    ],
)
def test_intervals_are_wilsons(hits: int, of: int, expected: tuple[float, float, float] | None) -> None:
    assert interval(hits, of) == expected


def test_the_command_publishes_an_audit(workspace: Workspace, quimbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'name = "small"\nunit = "dialogues"\nsize = 20\n'
        '[[components]]\nfamily = "conversation"\nweight = 1.0\nsources = ["chats"]\n'
    )
    ran = quimbot("build", path, "--version", "1.0.0", "--audit", "5", "--json", "--workspace", workspace.root)
    assert ran.code == 0
    folder = Path(json.loads(ran.out)["path"])
    assert json.loads((folder / "audit.json").read_text())["asked"] == 5
