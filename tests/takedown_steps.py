"""What tests of takedowns do: take rows down, purge them, and look for their text in every file."""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from conftest import REF, corpus_of

from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.purge import purge
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.words import own_texts
from quimbot_data.workspace import Workspace
from schemas.takedown import PurgeJournal, Takedown

REASON = "its author asked"


def take(workspace: Workspace, *ids: str, **more: Any) -> Takedown:
    return add(workspace, Request(ids, **more), REASON, "the curator").entry


def erase(workspace: Workspace, *wanted: Takedown) -> PurgeJournal:
    return purge(workspace, list(wanted) or entries(workspace))[-1]


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """What every file below a folder says: Parquet decoded, gzip unpacked, JSON unescaped."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if data.startswith(b"PAR1"):
            yield path, json.dumps(pl.read_parquet(path).to_dicts(), ensure_ascii=False, default=str)
        else:
            data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
            yield path, data.decode("utf-8", "replace")


def holding(root: Path, text: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path, told in texts(root) if text in told]


def kept(workspace: Workspace, source: str) -> str:
    fates = pl.read_parquet(workspace.version(REF) / "fates.parquet")
    return str(fates.filter(source=source, fate="kept").sort("dialogue_id")["dialogue_id"][0])


def dialogues(workspace: Workspace, source: str) -> pl.DataFrame:
    manifest = workspace.corpus_manifest(source)
    return pl.concat([pl.read_parquet(workspace.corpus(source) / entry.path) for entry in manifest.dialogues])


def telling(workspace: Workspace, name: str) -> str:
    """The longest line of a dialogue that names its number, which no other dialogue holds."""
    rows = dialogues(workspace, name.partition(":")[0]).filter(dialogue_id=name)
    return max((line for line in own_texts(rows)[0].split("\n") if re.search("[0-9]", line)), key=len)


def side_file(workspace: Workspace, source: str, kind: str) -> pl.DataFrame:
    """A corpus's origins or rejects; no rows where there is no file."""
    found = [pl.read_parquet(path) for path in workspace.corpus(source).glob(f"{kind}-*")]
    assert len(found) < 2
    return found[0] if found else pl.DataFrame()


def assert_raw_rows_are_those_of_origins(workspace: Workspace, source: str) -> None:
    """Read again, the raw files give the same corpus, origins and rejects."""
    again = Workspace(workspace.root.parent / "again")
    ingest(again, corpus_of(source), [workspace.raw(source)], Options())
    assert dialogues(again, source).sort("dialogue_id").equals(dialogues(workspace, source).sort("dialogue_id"))
    for kind in ("origins", "rejected"):
        one, other = (side_file(place, source, kind) for place in (workspace, again))
        assert one.sort(one.columns[:4]).equals(other.sort(one.columns[:4])), kind
    files = workspace.corpus_manifest(source).record["raw_files"]
    assert files == again.corpus_manifest(source).record["raw_files"]
    shutil.rmtree(again.root)


def again(workspace: Workspace, source: str) -> None:
    ingest(workspace, corpus_of(source), [workspace.raw(source)], Options())


def copy_of(workspace: Workspace, name: str) -> Workspace:
    shutil.copytree(workspace.root, workspace.root.parent / name)
    return Workspace(workspace.root.parent / name)
