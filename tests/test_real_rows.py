"""Rows that nobody here wrote, in their true layouts, from raw files to a verified version.

They lie beside the project (`../shared/real`), never in it; where they are absent these tests are skipped.
"""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chats import fates_of, ids_of, made
from conftest import corpus_of

from quimbot_data.build import build
from quimbot_data.card.figures import card_facts
from quimbot_data.card.render import render
from quimbot_data.card.verify import verify_card
from quimbot_data.diff import diff
from quimbot_data.ingest import ingest
from quimbot_data.licence_report import licence_report
from quimbot_data.sources import messages, refuse_other_corpora
from quimbot_data.sources.source import Corpus, Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.manifest import VersionManifest
from schemas.recipe import Recipe, parse_recipe

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason="no real rows beside the project (../shared/real)"),
    pytest.mark.usefixtures("plain_card"),
    pytest.mark.slow,  # thousands of rows; test_ingest.py and test_samples.py hold the same of few
]

RECIPE = """
name = "real"
unit = "dialogues"
size = "max"

[[components]]
family = "multilingual"
weight = 0.9
sources = ["waxal"]

[[components]]
family = "instruction"
weight = 0.02
sources = ["magpie", "gpteacher"]

[[components]]
family = "conversation"
weight = 0.075
sources = ["oasst", "sharegpt"]

[[components]]
family = "safety"
weight = 0.005
sources = ["prosocial"]

[splits]
validation = 0.1
test = 0.1
"""
REF = Ref("real", "1.0.0")


def lay_out(root: Path) -> dict[str, Path]:
    """Prosocial, Magpie and WAXAL as their publishers lay them out; the others as they are."""
    folders = {source: root / source for source in ("prosocial", "magpie", "waxal")}
    for folder in folders.values():
        folder.mkdir()
    lines = (REAL / "prosocial" / "hf_layout_reflattened.jsonl").read_text("utf-8")
    (folders["prosocial"] / "train.json").write_text(lines, "utf-8")
    for path in sorted((REAL / "magpie").glob("*.json*")):
        (folders["magpie"] / path.name).write_bytes(path.read_bytes())
    with (REAL / "waxal" / "validation.csv").open(newline="", encoding="utf-8") as stream:
        rows = [waxal_row(row) for row in csv.DictReader(stream)]
    for code in sorted({row["language"] for row in rows}):
        path = folders["waxal"] / "data" / "ASR" / code / f"{code}-validation-00000.parquet"
        path.parent.mkdir(parents=True)
        pl.DataFrame([row for row in rows if row["language"] == code]).write_parquet(path)
    return folders | {source: REAL / source for source in ("sharegpt", "gpteacher", "oasst")}


def waxal_row(row: dict[str, str]) -> dict[str, Any]:
    audio = {"bytes": b"RIFF", "path": f"{row['ID']}.wav"}
    own = {"id": row["ID"], "speaker_id": "1", "transcription": row["Target"], "language": row["language"]}
    return own | {"gender": "Female", "audio": audio}


def raw_counts() -> dict[str, int]:
    """Raw rows a source, counted in the files beside the project."""

    def lines(*path: str) -> int:
        return sum(bool(line.strip()) for line in REAL.joinpath(*path).read_text("utf-8").split("\n"))

    def array(*path: str) -> int:
        return len(json.loads(REAL.joinpath(*path).read_text("utf-8")))

    def magpie(path: Path) -> int:
        return lines("magpie", path.name) if path.suffix == ".jsonl" else array("magpie", path.name)

    with (REAL / "waxal" / "validation.csv").open(newline="", encoding="utf-8") as stream:
        waxal = len(list(csv.reader(stream))) - 1
    return {
        "prosocial": lines("prosocial", "hf_layout_reflattened.jsonl"),
        "magpie": sum(magpie(path) for path in (REAL / "magpie").glob("*.json*")),
        "waxal": waxal,
        "sharegpt": array("sharegpt", "dummy_conversation.json"),
        "gpteacher": array("gpteacher", "codegen-instruct.json"),
        "oasst": lines("oasst", "en_100_message.jsonl"),
    }


def corpus(source: str) -> Corpus:
    families = {"sharegpt": "conversation", "oasst": "conversation", "gpteacher": "instruction"}
    if source in families:
        return messages.corpus(source, families[source], "Apache-2.0", ["attribution"])
    return corpus_of(source)


def test_real_rows_from_raw_files_to_a_verified_version(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    for source, folder in lay_out(tmp_path).items():
        refuse_other_corpora(corpus(source), [folder])
        ingest(workspace, corpus(source), [folder], Options(revision="sample"))
    assert_every_raw_row_is_carried_or_refused(workspace)
    assert_refusals_are_understood(workspace)
    assert_waxal_languages_are_the_declared_ones(workspace)
    manifest, new = build(workspace, parse_recipe(RECIPE, "real.toml"), REF)
    assert new
    assert verify(workspace, REF) == []
    assert_fates_add_up(workspace, manifest)
    assert_the_card_says_what_the_data_gives(workspace)
    assert_licences_count_every_row(workspace, manifest)
    assert_another_filter_and_seed_are_told_apart(workspace)


def assert_the_card_says_what_the_data_gives(real: Workspace) -> None:
    card = real.version(REF) / "README.md"
    card.write_text(render(card_facts(real.version(REF), real.version_manifest(REF))).text, "utf-8")
    found = verify_card(real, REF, card)
    assert found.differences == []
    assert found.figures > 200
    tampered = card.with_name("tampered.md")
    tampered.write_text(re.sub(r"\*\*[\d,]+ dialogues\*\*", "**1 dialogues**", card.read_text("utf-8")), "utf-8")
    assert [each.says for each in verify_card(real, REF, tampered).differences] == ["1"]
    tampered.unlink()


def assert_licences_count_every_row(real: Workspace, manifest: VersionManifest) -> None:
    found = licence_report(real, REF)
    held = pl.concat([pl.read_parquet(real.version(REF) / entry.path, columns=["license"]) for entry in manifest.data])
    told: Counter[str] = Counter()
    for line in found.lines:
        told[line.license] += line.dialogues
    assert told == Counter(held["license"])


def assert_every_raw_row_is_carried_or_refused(real: Workspace) -> None:
    for source, count in raw_counts().items():
        folder = real.corpus(source)
        carried = pl.concat([pl.read_parquet(path) for path in folder.glob("origins-*")])
        refused = [pl.read_parquet(path) for path in folder.glob("rejected-*")]
        places = set(carried.select("raw_file", "raw_row").iter_rows())
        rejected = [place for rows in refused for place in rows.select("raw_file", "raw_row").iter_rows()]
        assert len(places) + len(rejected) == len(places | set(rejected)) == count, source
        read = next(line for line in real.corpus_manifest(source).ledger if line.step == "read")
        assert (read.rows_in, read.rows_out) == (count, len(places)), source


def assert_refusals_are_understood(real: Workspace) -> None:
    reasons = {
        source: Counter(
            row["reason"] for path in real.corpus(source).glob("rejected-*") for row in pl.read_parquet(path).to_dicts()
        )
        for source in real.sources()
    }
    assert reasons["prosocial"] == {}
    assert reasons["sharegpt"] == {}
    assert reasons["gpteacher"] == {}
    # published samples of instructions without answers, or with candidates of which none was chosen
    assert set(reasons["magpie"]) <= {"no-response"}
    assert set(reasons["waxal"]) <= {"no-transcript", "too-short"}
    assert reasons["waxal"].total() < 0.1 * raw_counts()["waxal"]
    assert reasons["oasst"].total() < 0.5 * raw_counts()["oasst"]


def assert_waxal_languages_are_the_declared_ones(real: Workspace) -> None:
    manifest = real.corpus_manifest("waxal")
    rows = pl.concat([pl.read_parquet(real.corpus("waxal") / entry.path) for entry in manifest.dialogues])
    assert set(rows["language"]) == {"lg", "ln", "sn"}
    assert set(rows["license"]) == {"CC-BY-SA-4.0"}
    agrees = rows.filter(pl.col("language_agrees"))
    assert agrees.height > 0.8 * rows.height


def assert_fates_add_up(real: Workspace, manifest: VersionManifest) -> None:
    fates = pl.read_parquet(real.version(REF) / "fates.parquet")
    for source in raw_counts():
        rows = sum(entry.rows for entry in real.corpus_manifest(source).dialogues)
        mine = fates.filter(pl.col("source") == source)
        assert mine.height == rows
        dropped = [line for line in manifest.ledger if line.source == source and line.step in ("dedup", "mix")]
        lost = sum(line.rows for line in dropped if line.reason)
        assert mine.filter(pl.col("fate") == "kept").height == rows - lost
    assert fates.filter(pl.col("fate") == "kept").height == sum(d.rows for d in manifest.identity.splits.values())


def assert_another_filter_and_seed_are_told_apart(real: Workspace) -> None:
    before = ids_of(real, REF)
    for change in ({"filters": {"max_chars": 400}}, {"seed": 5}):
        ref = made(real, Recipe.model_validate(parse_recipe(RECIPE, "real.toml").model_dump() | change))
        found, after, fates = diff(real, REF, ref), ids_of(real, ref), fates_of(real, ref)
        assert found.rows("removed") == len(before - after) > 0
        assert found.rows("added") == len(after - before) > 0
        assert found.rows("changed") == found.rows("moved") == 0
        filtered = {name for name in before - after if fates[name]["step"] == "filter"}
        by_filter = [count.dialogues for count in found.counts if count.why() == "filter: max_chars"]
        assert sum(by_filter) == len(filtered)
        others = {count.why() for count in found.counts} - {"filter: max_chars"}
        assert others == ({"recipe: seed"} if "seed" in change else {"over budget"})
