"""Exports: what is in the files is what the version holds, less what is named."""

import json
import shutil
from collections import Counter
from typing import get_args

import polars as pl
import pytest
from conftest import files_below
from exported import expected, exported_rows, plain
from versions_to_share import MIXED, OPEN, version_rows

from quimbot_data.export import Choice, export
from quimbot_data.export.formats import FORMATS
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.transfer import total
from quimbot_data.workspace import write_model
from schemas.clearance import Clearances
from schemas.errors import TermsError
from schemas.manifest import SPLITS
from schemas.recipe import Profile

# What is in the files


def test_there_are_untrained_messages_to_care_about(shared):
    by_source = Counter(row["source"] for row in expected(shared, MIXED, untrained=True) if row["untrained"])
    assert min(by_source["lmsys"], by_source["openhermes"]) > 2


def test_messages_are_those_of_the_version_without_untrained_dialogues(to_share):
    exported, folder, new = export(to_share, MIXED, Choice("messages-jsonl", "private"))
    kept = expected(to_share, MIXED, untrained=False)
    found = exported_rows(folder)
    assert new
    assert [row["messages"] for row in found] == [row["messages"] for row in kept]
    for name in ("dialogue_id", "split", "source", "language", "license"):
        assert [row[name] for row in found] == [row[name] for row in kept]
    everything = expected(to_share, MIXED, untrained=True)
    left_out = Counter(row["source"] for row in everything if row["untrained"])
    assert exported.left_out == {"untrained": dict(left_out)}
    assert exported.dialogues + total(exported.left_out) == len(everything)
    assert folder == to_share.root / "exports" / "mixed-1.0.0-messages-jsonl"


def test_carried_untrained_messages_are_marked_one_by_one(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("messages-jsonl", "private", carry_untrained=True))
    rows = expected(to_share, MIXED, untrained=True)
    found = exported_rows(folder)
    assert (exported.left_out, exported.untrained) == ({}, "carried")
    assert [plain(row["messages"]) for row in found] == [row["messages"] for row in rows]
    for row, wanted in zip(found, rows, strict=True):
        marks = [
            message["role"] == "assistant" and place not in wanted["untrained"]
            for place, message in enumerate(wanted["messages"])
        ]
        assert [message["train"] for message in row["messages"]] == marks


def test_parquet_is_the_version_with_every_column(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "private"))
    assert (exported.left_out, exported.untrained) == ({}, "column")
    parts = [pl.read_parquet(folder / f"{split}.parquet").with_columns(split=pl.lit(split)) for split in SPLITS]
    assert pl.concat(parts).equals(version_rows(to_share, MIXED))


def test_the_record_names_what_is_there(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "research"))
    manifest = to_share.version_manifest(MIXED)
    record = json.loads((folder / "export.json").read_text("utf-8"))
    assert record == exported.model_dump(mode="json")
    assert (record["ref"], record["id"], record["profile"]) == ("mixed@1.0.0", manifest.id, "research")
    for entry in record["files"]:
        data = (folder / entry["path"]).read_bytes()
        assert entry["bytes"] == len(data)
    assert [line["source"] for line in record["attribution"]] == ["lmsys", "tutor"], "openhermes is left out"
    assert record["attribution"][0]["text"] == manifest.sources["lmsys"]["attribution"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bytes_every_time(to_share, tmp_path, form):
    choice = Choice(form, "private")
    _, first, _ = export(to_share, OPEN, choice)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in first.iterdir()}
    _, again, new = export(to_share, OPEN, choice)
    assert (again, new) == (first, False)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in again.iterdir()} == before
    _, elsewhere, new = export(to_share, OPEN, choice, output=tmp_path / "deep" / "elsewhere")
    assert new
    assert files_below(elsewhere) == files_below(first)
    assert sorted(path.name for path in (to_share.root / "exports").iterdir()) == [first.name]
    assert sorted(path.name for path in elsewhere.parent.iterdir()) == ["elsewhere"]


def test_only_the_splits_that_are_asked_for_and_none_without_rows(to_share):
    _, folder, _ = export(to_share, OPEN, Choice("parquet", "private", splits=("test",)))
    assert {path.name for path in folder.iterdir()} == {"test.parquet", "export.json"}
    shutil.rmtree(folder)
    manifest = to_share.version_manifest(OPEN)
    data = [entry for entry in manifest.data if not entry.path.startswith("data/validation")]
    path = to_share.version(OPEN) / "manifest.json"
    path.write_text(manifest.model_copy(update={"data": data}).model_dump_json(), "utf-8")
    _, folder, _ = export(to_share, OPEN, Choice("sharegpt-jsonl", "private"))
    assert {path.name for path in folder.iterdir()} == {"train.jsonl", "test.jsonl", "dataset_info.json", "export.json"}
    assert set(json.loads((folder / "dataset_info.json").read_text())) == {"open-1.0.0-train", "open-1.0.0-test"}


# Terms


def test_a_profile_leaves_out_what_it_forbids(to_share):
    rows = version_rows(to_share, MIXED)
    for profile, barred in (("research", {"unknown"}), ("redistributable", {"unknown", "no-transfer"})):
        exported, folder, _ = export(to_share, MIXED, Choice("parquet", profile), replace=True)
        found = {row["dialogue_id"] for row in exported_rows(folder)}
        assert found == {row["dialogue_id"] for row in rows.to_dicts() if not barred & set(row["terms"])}
        assert set(exported.left_out) == barred
        assert exported.dialogues + total(exported.left_out) == rows.height


def test_what_the_workspace_has_cleared_enters_research(to_share):
    record = {"source": "openhermes", "license": "LicenseRef-OpenHermes-2.5", "by": "Ada", "reason": "A mail."}
    cleared = Clearances.model_validate_json(json.dumps({"cleared": [record | {"on": "2026-05-01"}]}))
    write_model(to_share.root / "clearances.json", cleared)
    assert export(to_share, MIXED, Choice("parquet", "research"))[0].left_out == {}
    commercial, _, _ = export(to_share, MIXED, Choice("parquet", "commercial"), replace=True)
    assert set(commercial.left_out) == {"unknown"}


@pytest.mark.parametrize("profile", get_args(Profile))
def test_rows_under_no_transfer_never_leave_the_workspace(to_share, tmp_path, profile):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", profile), output=tmp_path / "out")
    assert not [row for row in exported_rows(folder) if "no-transfer" in row["terms"]]
    assert exported.left_out["no-transfer"] == {"lmsys": 40}
    assert not any(b"hill number" in data for data in files_below(folder).values())


def test_a_link_out_of_the_workspace_is_outside(to_share, tmp_path):
    (tmp_path / "away").mkdir()
    (to_share.root / "exports").symlink_to(tmp_path / "away")
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "private"))
    assert folder == tmp_path / "away" / "mixed-1.0.0-parquet"
    assert set(exported.left_out) == {"no-transfer"}


def test_nothing_left_is_an_error_and_leaves_nothing(to_share, tmp_path):
    manifest = to_share.version_manifest(OPEN)
    path = to_share.version(OPEN) / "manifest.json"
    path.write_text(manifest.model_copy(update={"data": []}).model_dump_json(), "utf-8")
    with pytest.raises(TermsError, match="these splits hold no dialogue"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".writing-*"))


# Takedowns


def test_a_version_that_holds_what_was_taken_down_is_not_copied(to_share, tmp_path):
    row = expected(to_share, OPEN, untrained=True)[0]["dialogue_id"]
    entry = add(to_share, Request([row], [], []), "its author asked", "Ana").entry
    for output in (None, tmp_path / "elsewhere"):
        with pytest.raises(TermsError, match=rf"{entry.id} \d.*quimbot build open@1.0.0 --version 1.0.1"):
            export(to_share, OPEN, Choice("messages-jsonl", "private"), output=output)
    assert not (to_share.root / "exports").exists()
    assert not (tmp_path / "elsewhere").exists()
