"""A small workspace written by hand, as ingest and build leave one: two corpora, a version, a run."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from run_records import write_run_record

from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.dialogue import Dialogue, content_hash
from schemas.frame import polars_schema
from schemas.learner import LearnerText
from schemas.manifest import CorpusManifest, FileEntry, Identity, LedgerLine, SplitDigest, Tokenizer, VersionManifest
from schemas.recipe import Component, Recipe

VERSION = Ref("tiny", "0.1.0")
TOKENIZER = Tokenizer(name="words", sha256="a" * 64)


def dialogue(key: str, *texts: str, source: str = "alpha", **columns: Any) -> dict[str, Any]:
    turns = [(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)]
    row: dict[str, Any] = dict.fromkeys(polars_schema(Dialogue).names())
    row |= {
        "dialogue_id": f"{source}:{key}",
        "source": source,
        "family": "conversation",
        "messages": [{"role": role, "content": text} for role, text in turns],
        "untrained": [],
        "language": "en",
        "license": "MIT",
        "terms": ["attribution"],
        "provenance": {"raw_id": key, "revision": None, "lineage": None, "derived": None},
        "content_hash": content_hash(turns),
        "n_messages": len(turns),
        "n_turns": len(turns) // 2,
        "n_chars": sum(map(len, texts)),
        "n_tokens": sum(len(text.split()) for text in texts),
        "quality": {
            **dict.fromkeys(("symbol_share", "digit_share"), 0.0),
            **dict.fromkeys(("duplicate_line_share", "top_bigram_share", "duplicate_5gram_share"), 0.0),
            **dict.fromkeys(("truncated_prompt", "refusal", "ai_disclaimer", "empty_talk"), False),
        },
    }
    return row | columns


ALPHA = [
    dialogue("1", "Hello there", "Hi, how are you?"),
    dialogue("2", "¿Qué tal?", "Bien, ¿y tú?", "Muy bien", "Me alegro", language="es"),
]
BETA = [dialogue("1", "Ndikufuna madzi", "Nawa madzi", source="beta", language="ny", family="multilingual")]
TEXTS = [
    {
        "text_id": "e1", "source": "beta", "text": "I has a dog.", "language": "en", "l1": "ny", "prompt": None,
        "level": "low", "license": "LicenseRef-x", "terms": ["no-transfer"], "raw_id": "1", "revision": None,
        "content_hash": hashlib.sha256(b"I has a dog.").hexdigest(), "n_chars": 12,
    }
]  # fmt: skip
REJECTED = {"reason": ["no-turns"], "detail": ["empty"], "raw_file": ["a.jsonl"], "raw_row": [3], "raw": ["{secret}"]}
FATES = [
    {"dialogue_id": "alpha:1", "fate": "kept", "step": "mix", "reason": None, "split": "train", "threshold": 0.9},
    {"dialogue_id": "alpha:2", "fate": "kept", "step": "mix", "reason": None, "split": "test", "threshold": 0.9},
    {"dialogue_id": "beta:1", "fate": "dropped", "step": "mix", "reason": "budget", "split": None, "threshold": 0.9},
]


def entry(folder: Path, path: str, frame: pl.DataFrame) -> FileEntry:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        frame.write_parquet(stream)
    data = target.read_bytes()
    return FileEntry(path=path, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), rows=frame.height)


def frame(rows: list[dict[str, Any]], model: Any = Dialogue) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(model))


def ledger(source: str, rows_in: int, dropped: int) -> list[LedgerLine]:
    line = {"source": source, "step": "read", "unit": "raw rows", "rows_in": rows_in, "rows_out": rows_in - dropped}
    return [
        LedgerLine.model_validate({**line, "reason": None, "rows": rows_in - dropped}),
        LedgerLine.model_validate({**line, "reason": "no-turns", "rows": dropped}),
    ]


def write_corpus(workspace: Workspace, source: str, rows: list[dict[str, Any]], texts: list[dict[str, Any]]) -> None:
    folder = workspace.corpus(source)
    manifest = CorpusManifest(
        schema_version=1, source=source, title=source.title(), family="conversation", license="MIT",
        terms=["attribution"], attribution="", url="", revision="r1", tokenizer=TOKENIZER,
        dialogues=[entry(folder, "d.parquet", frame(rows))],
        learner_texts=[entry(folder, "t.parquet", frame(texts, LearnerText))] if texts else [],
        rejected=[entry(folder, "rejected-0.parquet", pl.DataFrame(REJECTED))],
        origins=entry(folder, "origins.parquet", pl.DataFrame({"dialogue_id": ["x"]})),
        ledger=ledger(source, len(rows) + 1, 1), record={},
    )  # fmt: skip
    write_model(folder / "manifest.json", manifest)


def write_version(workspace: Workspace) -> None:
    folder = workspace.version(VERSION)
    recipe = Recipe(name="tiny", size=2, components=[Component(family="conversation", weight=1.0, sources=["alpha"])])
    digest = {
        "train": SplitDigest(rows=1, tokens=6, digest="b" * 64),
        "test": SplitDigest(rows=1, tokens=9, digest="c" * 64),
    }
    identity = Identity(schema_version=1, recipe=recipe, tokenizer_sha256="a" * 64, evaluation_sets={}, splits=digest)
    fates = pl.DataFrame([{"source": "alpha", "family": "conversation", "u": 0.25, **fate} for fate in FATES])
    manifest = VersionManifest(
        id=identity.id(), name="tiny", version="0.1.0", identity=identity, tokenizer=TOKENIZER,
        data=[
            entry(folder, "data/train-00000-of-00001.parquet", frame(ALPHA[:1])),
            entry(folder, "data/test-00000-of-00001.parquet", frame(ALPHA[1:])),
        ],
        fates=entry(folder, "fates.parquet", fates), mix=[], ledger=ledger("alpha", 2, 0), evaluation=[],
        sources={"alpha": {"title": "Alpha"}}, cleared=[], record={"created": "2026-02-08"},
    )  # fmt: skip
    write_model(folder / "manifest.json", manifest)


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Not to be written to."""
    return write_workspace(tmp_path_factory.mktemp("ws"))


def write_workspace(root: Path) -> Workspace:
    workspace = Workspace(root)
    write_corpus(workspace, "alpha", ALPHA, [])
    write_corpus(workspace, "beta", BETA, TEXTS)
    write_version(workspace)
    write_run_record(workspace, "first", version_id=workspace.version_manifest(Ref("tiny", "0.1.0")).id)
    write_run_record(workspace, "gone", version="gone@1.0.0")
    (workspace.run("first") / "metrics.jsonl").write_text(
        '{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2}\n{"eval": 1}\n{"step": 3, "lo'
    )
    return workspace
