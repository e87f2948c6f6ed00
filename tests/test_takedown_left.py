"""What a purge cannot reach is named, entry by entry, until it is seen to be gone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import REF, corpus_of, files_below
from raw_rows import tutor, waxal, write_lines, write_parquet
from run_records import write_run_record
from takedown_steps import (
    dialogues,
    erase,
    holding,
    kept,
    side_file,
    take,
)

from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import entries
from quimbot_data.workspace import Workspace, write_model

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


def test_files_outside_are_named_and_left(copied: Workspace, raw: dict[str, Path]) -> None:
    before = files_below(raw["tutor"])
    take(copied, "tutor:t3")
    done = erase(copied)
    assert any(line.startswith("the raw file lessons-train-00000-of-00001.jsonl of tutor") for line in done.unreachable)
    assert files_below(raw["tutor"]) == before
    assert holding(copied.root, "lesson 3.") == []


def test_a_link_out_of_the_workspace_is_not_followed(ready: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    for path in list(ready.raw("tutor").iterdir()):
        shutil.move(path, tmp_path / "outside")
    ready.raw("tutor").rmdir()
    ready.raw("tutor").symlink_to(tmp_path / "outside")
    before = files_below(tmp_path / "outside")
    take(ready, "tutor:t3")
    done = erase(ready)
    assert any("a link leads out of the workspace" in line for line in done.unreachable)
    assert files_below(tmp_path / "outside") == before


def waxal_from_elsewhere(tmp_path: Path, number: int = 3) -> tuple[Workspace, Path]:
    """A corpus of a file outside the workspace, in which another file has its name; and that file."""
    workspace, outside = Workspace(tmp_path / "w"), tmp_path / "mine" / "x.parquet"
    write_parquet(waxal(9), outside)
    ingest(workspace, corpus_of("waxal"), [outside], Options())
    write_parquet([row | {"transcription": "Other words."} for row in waxal(9)], workspace.raw("waxal") / "x.parquet")
    (name,) = [name for name in dialogues(workspace, "waxal")["dialogue_id"] if f"lug_{number}" in name][:1]
    take(workspace, name)
    return workspace, outside


def test_a_file_of_the_same_name_is_not_taken_for_the_one_that_was_ingested(tmp_path: Path, quimbot: Any) -> None:
    workspace, outside = waxal_from_elsewhere(tmp_path)
    before = outside.read_bytes(), (workspace.raw("waxal") / "x.parquet").read_bytes()
    at = ("--workspace", workspace.root)
    told = (
        "raw/waxal/x.parquet is not the file that waxal was ingested from, or was changed since: row 3 of it is "
        "another one. The file that was ingested lies elsewhere (origins hold no more than its name, x.parquet) and "
        "may hold 1 row"
    )
    assert told in quimbot("takedown", "purge", "--all", "--yes", *at).out
    assert (outside.read_bytes(), (workspace.raw("waxal") / "x.parquet").read_bytes()) == before
    (entry,) = entries(workspace)
    assert [part.what[: len(told)] for part in entry.left] == [told]
    (workspace.raw("waxal") / "x.parquet").unlink()
    assert entries(workspace)[0].left == entry.left
    again_told = quimbot("takedown", "purge", "--all", "--yes", *at).out
    assert told in again_told, "the file that goes by its name was never the one"
    assert "nothing is left" not in again_told


def test_what_is_left_is_told_until_it_is_gone(ready: Workspace, quimbot: Any) -> None:
    manifest, at = ready.version_manifest(REF), ("--workspace", ready.root)
    write_run_record(ready, "first", version_id=manifest.id)
    record = manifest.record | {"transfers": [{"to": "lab/small"}]}
    write_model(ready.version(REF) / "manifest.json", manifest.model_copy(update={"record": record}))
    file = sorted(ready.raw("prosocial").iterdir())[0]
    file.write_bytes(b"")  # a layout that cannot be read, let alone rewritten
    some = side_file(ready, "prosocial", "origins").filter(raw_file=file.name)["dialogue_id"][0]
    name = kept(ready, "tutor")
    take(ready, name, str(some))
    lines = [
        "small@1.0.0 was pushed to lab/small",
        "runs/first was trained on small@1.0.0",
        f"raw/prosocial/{file.name}",
    ]
    assert lines_told(quimbot("takedown", "purge", "--all", "--yes", *at).out, lines) == lines
    for _ in range(2):
        ran = quimbot("takedown", "purge", "--all", "--yes", *at)
        assert lines_told(ran.out, lines) == lines
        assert "nothing is left" not in ran.out
        assert "nothing more can be erased here; what is left stands below" in ran.out
    assert lines_told(quimbot("takedown", "list", *at).out, lines) == lines
    assert (
        len(json.loads(quimbot("takedown", "list", "--json", *at).out)[0]["left"]) == len(entries(ready)[0].left) == 3
    )
    assert holding(ready.root / "takedowns", telling_again(name)) == []
    purged = entries(ready)[0].purged
    shutil.rmtree(ready.root / "runs" / "first")
    file.unlink()
    assert lines_told(quimbot("takedown", "list", *at).out, lines) == lines[:1]
    assert lines_told(quimbot("takedown", "purge", "--all", "--yes", *at).out, lines) == lines[:1]
    (entry,) = entries(ready)
    assert [part.what for part in entry.left] == lines[:1]
    assert entry.purged == purged, "nothing was erased"


def lines_told(said: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line in said]


def telling_again(name: str) -> str:
    """What a tutor row says, by its id."""
    return f"lesson {name.removeprefix('tutor:t')}."


def test_what_another_entry_left_is_not_its_own(copied: Workspace) -> None:
    first, second = take(copied, "tutor:t3"), take(copied, "tutor:t4")
    erase(copied, first)
    erase(copied, second)
    assert [len(entry.left) for entry in entries(copied)] == [1, 1]
    assert len({part.what for entry in entries(copied) for part in entry.left}) == 2


def test_a_link_that_is_cut_does_not_erase_what_it_led_to(ready: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    shutil.move(ready.raw("tutor"), tmp_path / "outside" / "tutor")
    ready.raw("tutor").symlink_to(tmp_path / "outside" / "tutor")
    take(ready, "tutor:t3")
    erase(ready)
    ready.raw("tutor").unlink()
    outside = [
        path for path in sorted((tmp_path / "outside" / "tutor").iterdir()) if str(path) in str(erase(ready).left)
    ]
    assert outside
    for path in outside:
        path.unlink()
    assert erase(ready).left == {entry.id: [] for entry in entries(ready)}


def test_near_copies_and_fetched_sources_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.raw("tutor").mkdir(parents=True)
    rows = tutor(4)
    near = json.loads(json.dumps(rows[0]).replace("goed", "went")) | {"id": "near"}
    write_lines([*rows, near], workspace.raw("tutor") / "a.jsonl")
    ingest(workspace, corpus_of("tutor"), [workspace.raw("tutor")], Options())
    (workspace.raw("tutor") / "fetched.json").write_text("{}")
    take(workspace, "tutor:t0")
    told = " ".join(erase(workspace).unreachable)
    assert "quimbot fetch tutor" in told
    assert "1 near-copy stays" in told
    assert "tutor:near" in told
    assert "backups" in told
