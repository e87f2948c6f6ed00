"""What an export holds, and what it should: rows of files and of versions in JSON."""

import json
from pathlib import Path
from typing import Any

import polars as pl
from versions_to_share import version_rows

from quimbot_data.workspace import Ref, Workspace
from schemas.manifest import SPLITS

Messages = list[dict[str, Any]]


def exported_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all files, in the order of splits, with their split."""
    rows = []
    for split in SPLITS:
        if (folder / f"{split}.parquet").exists():
            rows += [row | {"split": split} for row in pl.read_parquet(folder / f"{split}.parquet").to_dicts()]
        if (folder / f"{split}.jsonl").exists():
            lines = (folder / f"{split}.jsonl").read_bytes().split(b"\n")
            assert lines.pop() == b""
            rows += [json.loads(line) | {"split": split} for line in lines]
    return rows


def plain(messages: Messages) -> Messages:
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def expected(workspace: Workspace, ref: Ref, *, untrained: bool) -> list[dict[str, Any]]:
    """What a version's rows are in JSON: with those that hold untrained messages, or without."""
    return [row for row in version_rows(workspace, ref).to_dicts() if untrained or not row["untrained"]]
