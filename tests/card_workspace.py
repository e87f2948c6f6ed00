"""Workspaces for tests of cards: one of three small corpora, and versions written by hand for what these lack."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from sql_workspace import TOKENIZER, dialogue, entry, frame

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources import lmsys, messages, waxal
from quimbot_data.sources.source import Options
from quimbot_data.version import seal
from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.clearance import Clearance
from schemas.manifest import (
    SPLITS,
    AuditLine,
    AuditReport,
    EvaluationLine,
    Identity,
    LedgerLine,
    MixLine,
    SplitDigest,
    VersionManifest,
)
from schemas.recipe import Recipe, parse_recipe

REF = Ref("small", "1.2.0")
RECIPE = """
name = "small"
title = "A small mix: *for* tests | only"
unit = "dialogues"
size = 40
[[components]]
family = "conversation"
weight = 0.75
sources = ["lmsys", "mine"]
[[components]]
family = "multilingual"
weight = 0.25
sources = ["waxal"]
[filters]
max_chars = 900
[safety]
flagged = "untrain"
[splits]
validation = 0.2
test = 0.2
"""
MINE = """
name = "mine"
unit = "dialogues"
size = 12
[[components]]
family = "conversation"
weight = 1
sources = ["mine"]
"""


def lmsys_row(number: int) -> dict:
    """Every 9th row is blank, every 4th is flagged in its first answer, every 10th holds an address, one is long."""
    said = f"Please tell me how to grow tomato number {number} in a garden by the sea."
    told = f"Give it light, water and patience, and write to a{number}@green.example." if number % 10 == 0 else "Wait."
    contents = ["  " if number % 9 == 8 else said, told * (1 + 300 * (number == 7))] * (1 + number % 3)
    flags = [place == 1 and number % 4 == 0 for place in range(len(contents))]
    return {
        "conversation_id": f"c{number:03}",
        "model": "m",
        "language": "English",
        "conversation": [{"role": ("user", "assistant")[p % 2], "content": c} for p, c in enumerate(contents)],
        "openai_moderation": [{"flagged": flag, "categories": {"hate": flag, "violence": False}} for flag in flags],
    }


def waxal_row(number: int) -> dict:
    words = ("omwana", "azannya", "omupiira", "mu", "luguudo", "ne", "mikwano", "gye", "buli", "lunaku")
    text = " ".join(words[(number * step) % 10] for step in (1, 3, 7, 9, 2, 4)) + f" {number}."
    return {"id": f"w{number}", "speaker_id": "1", "transcription": text, "language": "lug", "gender": "Female"}


def lay_out(root: Path) -> Workspace:
    """A workspace with three corpora: 50 rows of lmsys, 15 of mine (one licence known to the Hub), 20 of waxal."""
    workspace = Workspace(root / "datasets")
    for name, rows in (("lmsys", map(lmsys_row, range(50))), ("waxal", map(waxal_row, range(20)))):
        (root / name).mkdir()
        pl.DataFrame(list(rows)).write_parquet(root / name / "rows.parquet")
    mine = [
        {
            "messages": [
                {"role": "user", "content": f"Wie heißt Berg Nummer {n}?"},
                {"role": "assistant", "content": "Ben."},
            ]
        }
        for n in range(15)
    ]
    (root / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in mine), encoding="utf-8")
    own = messages.corpus("mine", "conversation", "Apache-2.0", [], title="Mine | <b>bold</b>\nand `more`")
    ingest(workspace, lmsys.CORPUS, [root / "lmsys"], Options("0123456789abcdef"))
    ingest(workspace, waxal.CORPUS, [root / "waxal"], Options())
    ingest(workspace, own, [root / "mine.jsonl"], Options())
    return workspace


def made(corpora: Workspace, text: str, tmp_path: Path, **changes) -> tuple[Path, VersionManifest]:
    """A version of another recipe, in a workspace of its own over the same corpora."""
    workspace = Workspace(tmp_path / "datasets")
    workspace.root.mkdir()
    (workspace.root / "corpus").symlink_to(corpora.root / "corpus")
    recipe = parse_recipe(text, "test").model_copy(update=changes)
    manifest, _ = build(workspace, recipe, Ref(recipe.name, "1.0.0"))
    return workspace.version(Ref(recipe.name, "1.0.0")), manifest


# By hand

BY_HAND = Ref("by-hand-7", "2.10.3")
SOURCES = ["toefl11", "chats-2", "silent-3"]
DAY = date(2026, 2, 8)
LANGUAGES = (
    *("en", "es", "ny", "sw", "yo", "ig", "ha", "zu", "xh", "lg", "ach", "de", "fr", "it", "pt", "nl", "pl", "cs"),
    *("fi", "sv", "da", "no", "hu", "tr", "ar", "zh", "und"),
)
AUDIT = AuditReport(
    asked=37,
    originals=29,
    lines=[
        AuditLine(
            **{
                "kind": "exact",
                "step": "exact duplicates",
                "planted": 29,
                "found": 28,
                "recall": (0.966, 0.828, 0.994),
            },
            **{"clean": 29, "false_alarms": 1, "precision": (0.966, 0.828, 0.994), "taken_before": 8},
        ),
        AuditLine(
            **{"kind": "pii ip4", "step": "personal data", "planted": 0, "found": 0, "recall": None},
            **{"clean": 0, "false_alarms": 0, "precision": None, "taken_before": 0},
        ),
    ],
)
EVALUATION = EvaluationLine(
    **{"set": "quiz-7.jsonl", "digest": "7" * 64, "items": 164, "ngram": 150, "exact": 11, "boilerplate": 2},
    **{"too_short": 1, "items_hit": 0, "dialogues_hit": 0},
)


def talk(number: int, language: str) -> dict[str, Any]:
    """A dialogue of one of two sources; some are labelled, scored by a classifier, untrained or made by a template."""
    safety = {
        **{"flagged": number % 4 == 0, "categories": ["S4"] if number % 4 == 0 else [], "label": None},
        **{"rules_of_thumb": [], "flagged_positions": [], "scores": [], "classifier": "guard-8b@0123456789ab"},
    }
    derived = {"by": "template:waxal/continue@1", "template": []}
    return dialogue(
        str(number),
        *[f"Question {number} in {language}?", "An answer." * (1 + number % 7)] * (1 + number % 3),
        source="toefl11" if number % 5 == 0 else "chats-2",
        language=language,
        language_declared="en" if number % 3 == 0 else None,
        language_agrees=language == "en" if number % 3 == 0 else None,
        license="CC-BY-4.0" if number % 2 else "LicenseRef-LMSYS-Chat-1M",
        terms=["attribution"] if number % 2 else ["no-transfer", "unknown"],
        untrained=[1] if number % 6 == 0 else [],
        safety=safety if number % 5 else None,
        provenance={"raw_id": None, "revision": None, "lineage": None, "derived": derived if number % 7 == 0 else None},
    )


def by_hand(workspace: Workspace, *, title: str = "Seven of 9: 5 % more") -> VersionManifest:
    """A version with an audit, epochs, an evaluation set, languages held out whole, classifier scores and much else."""
    folder = workspace.version(BY_HAND)
    rows = [talk(number, LANGUAGES[number % len(LANGUAGES)]) for number in range(60)]
    parts = {"train": rows[:44], "validation": rows[44:47], "test": rows[47:]}
    identity = Identity(
        schema_version=1,
        recipe=_recipe(title),
        tokenizer_sha256="a" * 64,
        evaluation_sets={EVALUATION.set: EVALUATION.digest},
        splits={
            split: SplitDigest(rows=len(parts[split]), tokens=_tokens(parts[split]), digest="b" * 64)
            for split in SPLITS
        },
    )
    manifest = VersionManifest(
        id=identity.id(),
        name=BY_HAND.name,
        version=BY_HAND.version,
        identity=identity,
        tokenizer=TOKENIZER.model_copy(update={"name": "Qwen2.5"}),
        data=[entry(folder, f"data/{split}-00000-of-00001.parquet", frame(part)) for split, part in parts.items()],
        fates=entry(folder, "fates.parquet", pl.DataFrame({"dialogue_id": ["x"]})),
        mix=_mix(rows),
        ledger=[line for source in SOURCES for line in _ledger(source, rows)],
        evaluation=[EVALUATION],
        sources={source: _facts(source) for source in SOURCES},
        cleared=[Clearance(source="toefl11", license="LicenseRef-LMSYS-Chat-1M", by="Ana 2", reason="§ 12", on=DAY)],
        record={
            "created": "2026-02-08T10:00:00",
            "libraries": {"polars": "2.1.0"},
            "language_detectors": {"cld2": "1.2"},
        },
    )
    write_model(folder / "audit.json", AUDIT)
    card.write_documents(folder, manifest)
    seal(folder, manifest)
    return manifest


def _tokens(rows: list[dict[str, Any]]) -> int:
    return sum(row["n_tokens"] for row in rows)


def _recipe(title: str) -> Recipe:
    return Recipe.model_validate(
        {
            **{"name": BY_HAND.name, "title": title, "unit": "dialogues", "size": 61, "profile": "research"},
            "components": [
                {"family": "conversation", "weight": 0.75, "sources": SOURCES, "max_epochs": 3},
                {"family": "safety", "weight": 0.25, "sources": ["silent-3"]},
            ],
            "safety": {
                "labels": {"S4": "drop"},
                "categories": {"sexual/minors": "drop", "x 9": "keep"},
                "scores": {"S1": 0.05},
            },
            "near_duplicates": {"action": "drop", "threshold": 0.85},
            "decontaminate": {"sets": [EVALUATION.set], "ngram": 8},
            "splits": {"validation": 0.05, "test": 0.1, "languages": ["ny", "lg"]},
        }
    )


def _mix(rows: list[dict[str, Any]]) -> list[MixLine]:
    lines = []
    for number, (family, held) in enumerate((("conversation", rows), ("safety", []))):
        lines.append(
            MixLine(
                **{"component": number, "family": family, "sources": SOURCES[2 * number :]},
                **{
                    "weight": (0.75, 0.25)[number],
                    "budget": (61, 0)[number],
                    "available": 1234,
                    "repeats": 2 * len(held) // 40,
                },
                **{"dialogues": len(held), "tokens": _tokens(held), "shortfall": 1},
            )
        )
    return lines


def _ledger(source: str, rows: list[dict[str, Any]]) -> list[LedgerLine]:
    kept = sum(row["source"] == source for row in rows)
    steps: list[tuple[str, str, int, int, dict[str, int]]] = [
        ("read", "raw rows", kept + 1203, kept + 3, {"gap-in-5-turns": 1200}),
        ("redacted", "dialogues", kept + 3, kept + 3, {"email": 2} if source == "toefl11" else {"ipv4": 1}),
        ("filter", "dialogues", kept + 3, kept, {"max_duplicate_5gram_share": 2, "min_chars": 1}),
    ]
    return [
        LedgerLine(source=source, step=step, unit=unit, rows_in=before, rows_out=after, reason=reason, rows=count)
        for step, unit, before, after, reasons in steps
        for reason, count in ((None, after), *reasons.items())
    ]


def _facts(source: str) -> dict[str, Any]:
    return {
        **{
            "title": f"{source}: a corpus of 1,100 essays | <5 % noise>",
            "license": "CC-BY-4.0",
            "terms": ["attribution"],
        },
        **{"attribution": f"© 2014 {source}", "url": f"https://example.org/{source}/v2"},
        **{"revision": "0123456789abcdef", "corpus_digest": "89" * 32},
    }
