"""A version written by hand, so that a test chooses its rows and what its records say."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from sql_workspace import TOKENIZER, entry, frame
from strategies import Row, bare_row, full_row, messages_of, sealed

from quimbot_data import card
from quimbot_data.card import croissant
from quimbot_data.version import FATES_SCHEMA, seal
from schemas.clearance import Clearance
from schemas.manifest import SPLITS, Identity, LedgerLine, MixLine, SplitDigest, VersionManifest
from schemas.recipe import Component, Recipe

#: What would end a string, a tag, a BibTeX field or a line somewhere.
HOSTILE = 'A "mix" {of \\ things} & 100 % <b>«ünï»</b> $x_1$ # @id 🙂 \u2028 ∎'


def hostile_rows() -> list[Row]:
    """Everything null, nothing null, and text that every format might trip over."""
    said = messages_of(
        "NUL-less \\u0000 \"quoted\" 'n' {} [] <|im_end|>", "\t, \n\n 한국어 🙂 \u2028 NaN", "null", "None"
    )
    odd = bare_row() | {"dialogue_id": f"tutor:{HOSTILE}", "messages": said, "license": "MIT OR LicenseRef-Own Terms"}
    return [full_row(), bare_row() | {"dialogue_id": "tutor:8"}, sealed(odd)]


def write_version(folder: Path, splits: dict[str, list[Row]], number: str = "1.0.0") -> VersionManifest:
    """Data, fates, documents and manifest of these rows, all of the source `tutor`; a split is cut into files of two.

    Args:
        folder: where to.
        splits: rows by split; one without rows gets no file.
        number: the version's.
    """
    files = [
        entry(folder, f"data/{split}-{at // 2:05}-of-{-(-len(rows) // 2):05}.parquet", frame(rows[at : at + 2]))
        for split, rows in splits.items()
        for at in range(0, len(rows), 2)
    ]
    kept = [row | {"split": split} for split, rows in splits.items() for row in rows]
    identity = Identity(
        schema_version=1,
        recipe=_recipe(),
        tokenizer_sha256=TOKENIZER.sha256,
        evaluation_sets={},
        splits={split: _digest(splits.get(split, [])) for split in SPLITS},
    )
    manifest = VersionManifest(
        id=identity.id(),
        name="written",
        version=number,
        identity=identity,
        tokenizer=TOKENIZER,
        data=files,
        fates=entry(folder, "fates.parquet", _fates(kept)),
        mix=[_mix_line(kept)],
        ledger=_ledger(kept),
        evaluation=[],
        sources={"tutor": _facts()},
        cleared=[_cleared()],
        record={"created": "2026-11-26T14:00:00+00:00", "libraries": {"polars": "2.1.0"}},
    )
    describe(folder, manifest)
    seal(folder, manifest)
    return manifest


def describe(folder: Path, manifest: VersionManifest) -> None:
    """Write card and `croissant.json`, without the plots, which take longer than all else."""
    facts = card.card_facts(folder, manifest)
    (folder / card.CARD).write_text(card.render(facts).text, "utf-8")
    (folder / card.CROISSANT).write_bytes(croissant.document(manifest, facts))


def _recipe() -> Recipe:
    component = Component(family="pedagogical", weight=1.0, sources=["tutor"])
    return Recipe(name="written", title=HOSTILE, size=4, unit="dialogues", components=[component])


def _digest(rows: list[Row]) -> SplitDigest:
    return SplitDigest(rows=len(rows), tokens=sum(row["n_tokens"] for row in rows), digest="b" * 64)


def _fates(kept: list[Row]) -> pl.DataFrame:
    dropped = {"dialogue_id": "tutor:gone", "fate": "dropped", "step": "mix", "reason": "over-budget", "copies": 0}
    rows = [{**dict.fromkeys(FATES_SCHEMA), "fate": "kept", "u": 0.25, "copies": 1} for _ in kept]
    named = [row | {"dialogue_id": of["dialogue_id"], "split": of["split"]} for row, of in zip(rows, kept, strict=True)]
    return pl.DataFrame([*named, dropped], schema=FATES_SCHEMA)


def _mix_line(kept: list[Row]) -> MixLine:
    tokens = sum(row["n_tokens"] for row in kept)
    counts = {"budget": 4, "available": 4, "dialogues": len(kept), "tokens": tokens, "repeats": 0, "shortfall": 0}
    return MixLine(component=0, family="pedagogical", sources=["tutor"], weight=1.0, **counts)


def _ledger(kept: list[Row]) -> list[LedgerLine]:
    line = {"source": "tutor", "rows_in": len(kept), "rows_out": len(kept), "reason": None, "rows": len(kept)}
    return [
        LedgerLine.model_validate(line | {"step": step, "unit": unit})
        for step, unit in (("read", "raw rows"), ("mix", "dialogues"))
    ]


def _cleared() -> Clearance:
    return Clearance(source="tutor", license="MIT", by=HOSTILE, reason=HOSTILE, on=date(2026, 11, 26))


def _facts() -> dict[str, Any]:
    return {
        **{"title": HOSTILE, "family": "pedagogical", "license": "CC-BY-4.0", "terms": ["attribution"]},
        **{"attribution": HOSTILE, "url": 'https://example.org/a b?"c"', "revision": None, "corpus_digest": "c" * 64},
    }
