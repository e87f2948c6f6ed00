"""What the views stand on: which files of the workspace, and which facts out of its manifests and records.

A catalog is plain JSON for the worker. Tables over files keep their rows on disk until a query asks for them.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from quimbot_data.sql.version_rows import COLUMNS, version_rows
from quimbot_data.workspace import AUDIT, MEASURES, Ref, Workspace, read_model
from schemas.dialogue import Dialogue
from schemas.errors import MissingError
from schemas.learner import LearnerText
from schemas.losses import SCORED, Scored
from schemas.manifest import SPLITS, AuditReport, CorpusManifest, FileEntry, LedgerLine, VersionManifest
from schemas.measures import VersionMeasures
from schemas.run import ADAPTER_WEIGHTS, RunRecord

if TYPE_CHECKING:
    import pyarrow as pa  # loaded where it is needed, after the worker has been started

VIEWS: Final = (
    "dialogues",
    "messages",
    "turns",
    "errors",
    "learner_texts",
    "ledger",
    "rejected",
    "fates",
    "sources",
    "versions",
    "runs",
    "steps",
    "losses",
    "dialogue_losses",
    "build",
    "recipe",
    "inputs",
    "clearances",
    "mix",
    "evaluation",
    "audit",
    "measures",
    "recovery",
)
_TEXT: Final = "large_string"  # as polars writes it
_TEXTS: Final = "list of large_string"
_WHOLE: Final = "int64"
_REAL: Final = "float64"
_INDEX: Final = "int32"
_LEDGER: Final = {
    **dict.fromkeys(("source", "step", "unit", "reason"), _TEXT),
    **dict.fromkeys(("rows_in", "rows_out", "rows"), _WHOLE),
}
_REJECTED: Final = {"source": _TEXT, "reason": _TEXT, "detail": _TEXT, "raw_file": _TEXT, "raw_row": _WHOLE}
_FATES: Final = {
    **dict.fromkeys(("dialogue_id", "source", "family", "fate", "step", "reason", "detail", "split"), _TEXT),
    "cluster_id": _TEXT,
    "component": _INDEX,
    "u": _REAL,
    "threshold": _REAL,
    "copies": _INDEX,
}
_SOURCES: Final = {
    **dict.fromkeys(("source", "title", "family", "license", "attribution", "url", "revision", "digest"), _TEXT),
    "terms": _TEXTS,
    **dict.fromkeys(("dialogues", "learner_texts", "rejected"), _WHOLE),
}
_VERSIONS: Final = {
    **dict.fromkeys(("name", "version", "id", "unit", "profile", "created"), _TEXT),
    **dict.fromkeys(("dialogues", "tokens", *SPLITS), _WHOLE),
}
_RUNS: Final = {
    **dict.fromkeys(("run", "status", "use", "version", "version_id", "base_model", "base_revision", "parent"), _TEXT),
    **dict.fromkeys(
        ("host", "device", "precision", "template", "git_revision", "adapter", "started", "finished"), _TEXT
    ),
    **dict.fromkeys(("stage", "seed", "steps", "steps_done", "tokens", "trained_tokens"), _WHOLE),
    **dict.fromkeys(("final_loss", "seconds"), _REAL),
}
_STEPS: Final = {"run": _TEXT, "step": _WHOLE, "loss": _REAL}
#: As `train.score` writes them.
_TURN_LOSSES: Final = {
    **dict.fromkeys(("run", "version_id", "split", "dialogue_id", "source", "family", "language"), _TEXT),
    **dict.fromkeys(("position", "n_tokens", "n_bytes"), _INDEX),
    **dict.fromkeys(("base_nll", "adapter_nll"), _REAL),
}


@dataclass(frozen=True)
class Part:
    """One Parquet file of a table, and the column, if any, whose value its place says: name and value."""

    path: str
    constant: tuple[str, str] | None = None


@dataclass(frozen=True)
class Table:
    """A table: its Arrow schema (base64 of the IPC form), and either files or rows."""

    schema: str
    parts: list[Part] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Catalog:
    """Tables by name, and the views on them: name to SELECT."""

    tables: dict[str, Table]
    views: dict[str, str]

    def to_json(self) -> str:
        """The JSON that the worker reads."""
        return json.dumps(asdict(self))


def workspace_catalog(
    workspace: Workspace,
    version: Ref | None = None,
    *,
    show_raw: bool = False,
    measures: VersionMeasures | None = None,
) -> Catalog:
    """The catalog of a workspace's corpora, or of one version.

    Args:
        workspace: may be empty or not exist; then all tables are empty.
        version: shows this version instead of the corpora.
        measures: of the version, in place of those that its file holds.
        show_raw: gives `rejected` its column `raw`: refused text, which may hold personal data.

    Raises:
        MissingError: no such version.
        IntegrityError: a manifest is not valid.
    """
    corpora = {source: workspace.corpus_manifest(source) for source in workspace.sources()}
    tables = {
        **(_corpus_tables(workspace, corpora) if version is None else _tables_of(workspace, version, measures)),
        "rejected_rows": _rejected(workspace, _shown(workspace, corpora, version), show_raw=show_raw),
        "source_facts": _of_rows(_SOURCES, [_source_facts(manifest) for manifest in corpora.values()]),
        "version_facts": _of_rows(_VERSIONS, [_version_facts(workspace, ref) for ref in workspace.versions()]),
        "run_records": _of_rows(_RUNS, [_run_facts(workspace, record) for record in workspace.runs()]),
        "step_lines": _of_rows(_STEPS, _step_lines(workspace.root / "runs")),
        "turn_losses": Table(_ipc(_schema(_TURN_LOSSES)), _scored_files(workspace, version)),
    }
    return Catalog(tables, {view: view_sql(view) for view in VIEWS})


def view_sql(view: str) -> str:
    """The definition of a view; its first line states the grain.

    Raises:
        MissingError: no such view.
    """
    if view not in VIEWS:
        raise MissingError(f"There is no view {view!r}.", valid=f"Views: {', '.join(VIEWS)}.")
    return (files("quimbot_data.sql") / "views" / f"{view}.sql").read_text("utf-8")


def view_grain(view: str) -> str:
    """What one row of a view is, as its definition states it."""
    return view_sql(view).partition("\n")[0].removeprefix("-- ")


def column_meanings(view: str) -> dict[str, str]:
    """What each column of a view means, as its definition states it."""
    told = (re.match(r"-- (\w+): (.+)", line) for line in view_sql(view).splitlines()[1:])
    return {match[1]: match[2] for match in told if match}


def _corpus_tables(workspace: Workspace, corpora: dict[str, CorpusManifest]) -> dict[str, Table]:
    def parts(kind: str) -> list[Part]:
        return [
            part
            for source, manifest in corpora.items()
            for part in _parts(workspace.corpus(source), getattr(manifest, kind))
        ]

    return {
        "dialogue_rows": Table(_ipc(_model_schema(Dialogue)), parts("dialogues")),
        "learner_text_rows": Table(_ipc(_model_schema(LearnerText)), parts("learner_texts")),
        "ledger_lines": _ledger([line for manifest in corpora.values() for line in manifest.ledger]),
        "fate_rows": _of_rows(_FATES, []),
        **{name: _of_rows(columns, []) for name, columns in COLUMNS.items()},
    }


def _tables_of(workspace: Workspace, version: Ref, measures: VersionMeasures | None) -> dict[str, Table]:
    return version_tables(workspace.version(version), workspace.version_manifest(version), measures)


def version_tables(
    folder: Path, manifest: VersionManifest, measures: VersionMeasures | None = None
) -> dict[str, Table]:
    """The tables of a version alone, which may lie in a staging folder.

    Args:
        folder: holds the files that the manifest lists, and `audit.json` where one was made.
        manifest: the version's.
        measures: in place of those that `measures.json` holds.

    Raises:
        IntegrityError: the audit, or the measures, are not valid.
    """
    audit = read_model(folder / AUDIT, AuditReport) if (folder / AUDIT).exists() else None
    if measures is None and (folder / MEASURES).exists():
        measures = read_model(folder / MEASURES, VersionMeasures)
    # data/train-00000-of-00001.parquet: the file's name says the split of its rows.
    data = [
        Part(_absolute(folder, entry), ("split", Path(entry.path).name.partition("-")[0])) for entry in manifest.data
    ]
    return {
        "dialogue_rows": Table(_ipc(_model_schema(Dialogue).append(_schema({"split": _TEXT}).field(0))), data),
        "learner_text_rows": Table(_ipc(_model_schema(LearnerText))),
        "ledger_lines": _ledger(manifest.ledger),
        "fate_rows": Table(_ipc(_schema(_FATES)), _parts(folder, [manifest.fates])),
        **{name: _of_rows(COLUMNS[name], rows) for name, rows in version_rows(manifest, audit, measures).items()},
    }


def _shown(workspace: Workspace, corpora: dict[str, CorpusManifest], version: Ref | None) -> dict[str, CorpusManifest]:
    if version is None:
        return corpora
    sources = workspace.version_manifest(version).sources
    return {source: manifest for source, manifest in corpora.items() if source in sources}


def _rejected(workspace: Workspace, corpora: dict[str, CorpusManifest], *, show_raw: bool) -> Table:
    # Without show_raw the data set has no such column at all, so no query can reach it.
    schema = _schema(_REJECTED | ({"raw": _TEXT} if show_raw else {}))
    parts = [
        part
        for source, manifest in corpora.items()
        for part in _parts(workspace.corpus(source), manifest.rejected, ("source", source))
    ]
    return Table(_ipc(schema), parts)


def _ledger(lines: list[LedgerLine]) -> Table:
    return _of_rows(_LEDGER, [line.model_dump() for line in lines])


def _source_facts(manifest: CorpusManifest) -> dict[str, Any]:
    facts = manifest.model_dump(include={"source", "title", "family", "license", "terms", "attribution", "url"})
    counts = {
        kind: sum(entry.rows for entry in getattr(manifest, kind))
        for kind in ("dialogues", "learner_texts", "rejected")
    }
    return {**facts, **counts, "revision": manifest.revision, "digest": manifest.digest()}


def _version_facts(workspace: Workspace, ref: Ref) -> dict[str, Any]:
    manifest: VersionManifest = workspace.version_manifest(ref)
    splits, recipe = manifest.identity.splits, manifest.identity.recipe
    return {
        **manifest.model_dump(include={"name", "version", "id"}),
        "unit": recipe.unit,
        "profile": recipe.profile,
        "dialogues": sum(split.rows for split in splits.values()),
        "tokens": sum(split.tokens for split in splits.values()),
        **{name: splits[name].rows if name in splits else 0 for name in SPLITS},
        "created": _text(manifest.record.get("created")),
    }


def _run_facts(workspace: Workspace, record: RunRecord) -> dict[str, Any]:
    return {
        **{name: getattr(record, name, None) for name in _RUNS},
        "status": workspace.run_status(record),
        "base_model": record.base.name,
        "base_revision": record.base.revision or record.base.digest,
        "parent": record.recipe.parent.run if record.recipe.parent else None,
        "template": record.template_sha256,
        "adapter": record.adapter.get(ADAPTER_WEIGHTS),
        "tokens": sum(family.tokens for family in record.families),
        "trained_tokens": sum(family.trained_tokens for family in record.families),
    }


def _step_lines(runs: Path) -> list[dict[str, Any]]:
    return [
        {"run": path.parent.name, "step": entry["step"], "loss": float(entry["loss"])}
        for path in sorted(runs.glob("*/metrics.jsonl"))
        for line in path.read_text("utf-8").splitlines()
        for entry in _objects(line)
        if isinstance(entry.get("step"), int) and isinstance(entry.get("loss"), int | float)
    ]


def _scored_files(workspace: Workspace, version: Ref | None) -> list[Part]:
    """Tables of losses of all runs, or those of one version's dialogues."""
    shown = None if version is None else workspace.version_manifest(version).id
    records = {
        path.parent: read_model(path, Scored) for path in sorted(workspace.root.glob(f"runs/*/losses/*/{SCORED}"))
    }
    found = {folder: record for folder, record in records.items() if shown in (None, record.version_id)}
    return [part for folder, record in found.items() for part in _parts(folder, record.files)]


def _objects(text: str) -> list[dict[str, Any]]:
    """The JSON object in a text as a list of one; none where it is cut short, as a killed run leaves its last line."""
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return [value] if isinstance(value, dict) else []


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _parts(folder: Path, entries: list[FileEntry], constant: tuple[str, str] | None = None) -> list[Part]:
    return [Part(_absolute(folder, entry), constant) for entry in entries]


def _absolute(folder: Path, entry: FileEntry) -> str:
    return str((folder / entry.path).absolute())


def _of_rows(columns: Mapping[str, str], rows: list[dict[str, Any]]) -> Table:
    return Table(_ipc(_schema(columns)), rows=rows)


def _schema(columns: Mapping[str, str]) -> "pa.Schema":
    import pyarrow as pa

    def arrow(alias: str) -> pa.DataType:
        inner = pa.type_for_alias(alias.removeprefix("list of "))
        return pa.large_list(inner) if alias.startswith("list of ") else inner

    return pa.schema([(name, arrow(alias)) for name, alias in columns.items()])


def _model_schema(model: type[BaseModel]) -> "pa.Schema":
    from schemas.columns import arrow_schema

    return arrow_schema(model)


def _ipc(schema: "pa.Schema") -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()
