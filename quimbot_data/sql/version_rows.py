"""Rows of the views that tell what a version's manifest, recipe and audit state, beside the data itself."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.clearance import Clearance
from schemas.generation import Generated
from schemas.manifest import AuditLine, AuditReport, Interval, VersionManifest, canonical_json
from schemas.measures import VersionMeasures

_TEXT: Final = "large_string"
_TEXTS: Final = "list of large_string"
_WHOLE: Final = "int64"
_REAL: Final = "float64"

#: Columns by table, with their Arrow types.
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "mix_lines": {
        **{"component": "int32", "family": _TEXT, "sources": _TEXTS, "weight": _REAL},
        **dict.fromkeys(("max_epochs", "budget", "available", "dialogues", "tokens", "repeats", "shortfall"), _WHOLE),
    },
    "evaluation_lines": {
        **dict.fromkeys(("name", "digest"), _TEXT),
        **dict.fromkeys(("items", "ngram", "exact", "boilerplate", "too_short", "items_hit", "dialogues_hit"), _WHOLE),
    },
    "audit_lines": {
        **dict.fromkeys(("step", "kind"), _TEXT),
        **dict.fromkeys(("asked", "originals", "planted", "found"), _WHOLE),
        **dict.fromkeys(("recall", "recall_low", "recall_high"), _REAL),
        **dict.fromkeys(("clean", "false_alarms"), _WHOLE),
        **dict.fromkeys(("precision", "precision_low", "precision_high"), _REAL),
        "taken_before": _WHOLE,
    },
    "measure_lines": {
        **dict.fromkeys(("group", "name", "says"), _TEXT),
        **dict.fromkeys(("value", "low", "high"), _REAL),
        "within": "bool",
        "taken_of": _WHOLE,
        "note": _TEXT,
        **dict.fromkeys(("annotated", "measured"), _WHOLE),
    },
    "recovery_lines": {
        **dict.fromkeys(("source", "raw_file", "profile", "target"), _TEXT),
        **dict.fromkeys(("judged", "recovered", "unjudged"), _WHOLE),
        "reason": _TEXT,
    },
    "recipe_rows": {"recipe_json": _TEXT},
    "input_facts": {
        **dict.fromkeys(("source", "title", "license"), _TEXT),
        "terms": _TEXTS,
        **dict.fromkeys(("attribution", "url", "revision", "corpus_digest"), _TEXT),
    },
    "clearance_lines": dict.fromkeys(("source", "license", "cleared_by", "cleared_on", "reason"), _TEXT),
    "build_facts": dict.fromkeys(
        (
            *("name", "version", "id", "title", "tokenizer", "tokenizer_sha256"),
            *("created", "language_detectors", "libraries"),
        ),
        _TEXT,
    ),
}
Row = dict[str, Any]


def version_rows(
    manifest: VersionManifest, audit: AuditReport | None = None, measures: VersionMeasures | None = None
) -> dict[str, list[Row]]:
    """Rows of each table of `COLUMNS`; a column that a row lacks is null."""
    return {
        "mix_lines": _mix(manifest),
        "evaluation_lines": [{**line.model_dump(exclude={"set"}), "name": line.set} for line in manifest.evaluation],
        "audit_lines": [_audit(audit, line) for line in audit.lines] if audit else [],
        "measure_lines": _measures(measures) if measures else [],
        "recovery_lines": [
            {"source": source, "raw_file": file["path"], **row}
            for source, files in manifest.record.get("generated", {}).items()
            for file in files
            for row in _recovery(Generated.model_validate(file))
        ],
        "recipe_rows": [{"recipe_json": canonical_json(manifest.identity.recipe.model_dump(mode="json"))}],
        "input_facts": [{"source": source, **facts} for source, facts in manifest.sources.items()],
        "clearance_lines": [_clearance(each) for each in manifest.cleared],
        "build_facts": [_build(manifest)],
    }


def _mix(manifest: VersionManifest) -> list[Row]:
    components = manifest.identity.recipe.components
    return [{**line.model_dump(), "max_epochs": components[line.component].max_epochs} for line in manifest.mix]


def _audit(report: AuditReport, line: AuditLine) -> Row:
    return {
        **line.model_dump(exclude={"recall", "precision"}),
        **{"asked": report.asked, "originals": report.originals},
        **_interval("recall", line.recall),
        **_interval("precision", line.precision),
    }


def _measures(measures: VersionMeasures) -> list[Row]:
    counted = measures.model_dump(include={"annotated", "measured"})
    return [line.model_dump() | counted for line in measures.lines]


def _recovery(file: Generated) -> list[Row]:
    rows: list[Row] = [
        {"profile": each.profile, "target": each.target, "judged": each.dialogues, "recovered": each.recovered}
        for each in file.blind
    ]
    rows += [{"profile": e.profile, "unjudged": e.dialogues, "reason": e.reason} for e in file.unjudged]
    return rows or [{"unjudged": file.rows, "reason": "the file holds no report of a generator"}]


def _interval(name: str, measured: Interval | None) -> Row:
    return dict(zip((name, f"{name}_low", f"{name}_high"), measured or (None, None, None), strict=True))


def _clearance(each: Clearance) -> Row:
    facts = each.model_dump(include={"source", "license", "reason"})
    return {**facts, "cleared_by": each.by, "cleared_on": each.on.isoformat()}


def _build(manifest: VersionManifest) -> Row:
    record = manifest.record
    return {
        **manifest.model_dump(include={"name", "version", "id"}),
        "title": " ".join(manifest.identity.recipe.title.split()) or manifest.name,
        "tokenizer": manifest.tokenizer.name,
        "tokenizer_sha256": manifest.tokenizer.sha256,
        "created": None if record.get("created") is None else str(record["created"]),
        "language_detectors": _versions(record.get("language_detectors")),
        "libraries": _versions(record.get("libraries")),
    }


def _versions(names: Mapping[str, str] | None) -> str | None:
    """`polars 2.1.0, pyarrow 26.0.1`; null where nothing is recorded."""
    return ", ".join(f"{name} {version}" for name, version in sorted((names or {}).items())) or None
