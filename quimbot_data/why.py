"""The whole story of one dialogue: where it came from, what the corpus says of it, and its fate in each version."""

import json
import re
from typing import Any, Final

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.exclusion import NEAR, TAKEDOWN
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import Marks
from quimbot_data.version import FATES
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import MissingError
from schemas.fields import SOURCE_PATTERN
from schemas.frame import dialogue_schema
from schemas.takedown import Takedown

_EXAMPLES: Final = "`quimbot sql 'SELECT dialogue_id FROM dialogues LIMIT 5'` shows what ids look like."


class Fate(BaseModel):
    """What one version did with a dialogue."""

    version: str
    fate: str
    step: str | None
    reason: str | None
    detail: str | None
    split: str
    cluster_id: str | None
    u: float
    threshold: float
    copies: int


class Taken(BaseModel):
    """An entry of the ledger of takedowns that the dialogue has to do with."""

    takedown: str
    reason: str
    when: str
    purged: str | None
    itself: bool
    """Whether it takes the dialogue itself; else some version dropped it as a near-duplicate."""
    withdrawn: list[str]
    """Versions that were withdrawn for it."""


class Story(BaseModel):
    """Everything known of one dialogue; `row` is None where the corpus does not hold it."""

    dialogue_id: str
    row: dict[str, Any] | None
    origins: list[dict[str, Any]]
    fates: list[Fate]
    rejected: list[dict[str, Any]]
    """Refused raw rows that mention the id, where no dialogue has it."""
    takedowns: list[Taken]

    def lines(self) -> list[str]:
        """The story as it is told on a terminal."""
        told = [self.dialogue_id]
        if self.row:
            told += _row_lines(self.row)
            told += [f"  raw       {place['raw_file']}, row {place['raw_row']}" for place in self.origins]
        elif self.fates or self.takedowns:
            told.append("  corpus    no longer holds it")
        told += [f"  takedown  {_taken_line(entry)}" for entry in self.takedowns if entry.itself]
        reasons = {entry.takedown: entry.reason for entry in self.takedowns}
        told += [f"  {fate.version:<9} {_fate_line(fate, reasons)}" for fate in self.fates]
        told += [f"  {ref:<9} withdrawn, for {entry.takedown}" for entry in self.takedowns for ref in entry.withdrawn]
        if self.row and not self.fates:
            told.append("  versions  none looked at it")
        for row in self.rejected:
            told.append(f"  refused   {row['raw_file']}, row {row['raw_row']}: {row['reason']} ({row['detail']})")
        return told


def _row_lines(row: dict[str, Any]) -> list[str]:
    derived, safety = row["provenance"]["derived"], row["safety"]
    declared, confidence = row["language_declared"] or "nothing", row["language_confidence"]
    lines = [
        f"  source    {row['source']}, {row['family']}; raw id {row['provenance']['raw_id'] or 'none'}",
        f"  content   {row['n_messages']} messages, {row['n_chars']:,} characters, {row['n_tokens']:,} tokens; "
        f"hash {row['content_hash'][:16]}",
        f"  language  {row['language']}; declared {declared}, detected {row['language_detected'] or 'nothing'}"
        + (f" ({confidence:.2f})" if confidence is not None else ""),
        f"  licence   {row['license']}; terms {', '.join(row['terms']) or 'none'}",
    ]
    if derived:
        lines.append(f"  made by   {derived['by']}")
    if row["provenance"]["lineage"]:
        lines.append(f"  lineage   {row['provenance']['lineage']}")
    if safety and (safety["flagged"] or safety["label"]):
        lines.append(f"  safety    {safety['label'] or 'flagged'} {', '.join(safety['categories'])}".rstrip())
    if safety and safety["scores"]:
        highest = max(safety["scores"], key=lambda score: score["score"])
        by = f" by {safety['classifier']}" if safety["classifier"] else ""
        lines.append(
            f"  scores    at most {highest['score']:.2f} {highest['category']}, message {highest['position']}{by}"
        )
    return lines


def _taken_line(entry: Taken) -> str:
    purged = f"; its rows were erased on {entry.purged[:10]}" if entry.purged else ""
    return f"{entry.takedown}: {entry.reason}{purged}"


def _fate_line(fate: Fate, reasons: dict[str, str]) -> str:
    if fate.fate == "kept":
        often = f", {fate.copies} times" if fate.copies > 1 else ""
        cluster = f"; speaks for cluster {fate.cluster_id}" if fate.cluster_id else ""
        return f"kept, {fate.split}{often}; its draw u {fate.u:.6f} lies below {fate.threshold:.6f}{cluster}"
    if fate.step == TAKEDOWN:
        how = "taken down as a near-duplicate" if fate.reason == NEAR else "taken down"
        return f"{how}: {reasons.get(fate.detail or '', 'its entry is gone')} (entry {fate.detail})"
    because = f"dropped at {fate.step}: {fate.reason}" + (_detail(fate) if fate.detail else "")
    drawn = f"; its draw u is {fate.u:.6f}, and {fate.threshold:.6f} was where its component was full"
    return because + (drawn if fate.step == "mix" else "")


def _detail(fate: Fate) -> str:
    return f" of {fate.detail}" if fate.step == "dedup" else f" ({fate.detail})"


def why(workspace: Workspace, dialogue_id: str, ref: Ref | None = None) -> Story:
    """Tell the story of a dialogue.

    Args:
        workspace: where to look.
        dialogue_id: `<source>:<key>`.
        ref: a version to ask; all versions that looked at the dialogue where not given.

    Raises:
        MissingError: no corpus, version or refused row knows the id, or the version does not exist.
    """
    source, _, key = dialogue_id.partition(":")
    if not re.fullmatch(SOURCE_PATTERN, source) or not key:
        raise MissingError(f"{dialogue_id!r} is no dialogue's id.", valid="An id is SOURCE:KEY.", next_step=_EXAMPLES)
    row, origins = _row(workspace, source, dialogue_id)
    rejected = [] if row else _refused(workspace, source, key)
    fates = [fate for version in _versions(workspace, ref) if (fate := _fate(workspace, version, dialogue_id))]
    takedowns = _takedowns(workspace, dialogue_id, row, fates)
    if not (row or fates or rejected or takedowns):
        workspace.corpus_manifest(source)  # says so where there is no such corpus
        raise MissingError(
            f"Nothing in {workspace.root} knows {dialogue_id}: neither the corpus of {source}, nor its refused rows, "
            "nor any version.",
            next_step=_EXAMPLES,
        )
    return Story(dialogue_id=dialogue_id, row=row, origins=origins, fates=fates, rejected=rejected, takedowns=takedowns)


def _takedowns(workspace: Workspace, dialogue_id: str, row: dict[str, Any] | None, fates: list[Fate]) -> list[Taken]:
    """Entries that take the dialogue, by whatever it is known by, and those that its fates name."""
    known = entries(workspace)
    own = pl.DataFrame([row], schema=dialogue_schema()) if row and known else None
    named = {fate.detail for fate in fates if fate.step == TAKEDOWN}
    stones = [stone for ref in workspace.withdrawn() if (stone := workspace.tombstone(ref))] if known else []
    return [
        Taken(
            **entry.model_dump(include={"reason", "when", "purged"}),
            takedown=entry.id,
            itself=itself,
            withdrawn=[f"{stone.name}@{stone.version}" for stone in stones if itself and entry.id in stone.takedowns],
        )
        for entry in known
        if (itself := _takes(entry, dialogue_id, own)) or entry.id in named
    ]


def _takes(entry: Takedown, dialogue_id: str, row: pl.DataFrame | None) -> bool:
    if dialogue_id in entry.rows.dialogues or dialogue_id in entry.rows.learner_texts:
        return True
    return row is not None and row.filter(Marks.of([entry]).of_dialogue().is_not_null()).height > 0


def _row(workspace: Workspace, source: str, dialogue_id: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The corpus's row and its raw rows; none where there is no such row, or no corpus any more."""
    if source not in workspace.sources():
        return None, []
    manifest, folder = workspace.corpus_manifest(source), workspace.corpus(source)
    for entry in manifest.dialogues:
        found = pl.scan_parquet(folder / entry.path).filter(pl.col("dialogue_id") == dialogue_id).collect()
        if found.height:
            places = pl.scan_parquet(folder / manifest.origins.path).filter(pl.col("dialogue_id") == dialogue_id)
            return found.to_dicts()[0], places.select("raw_file", "raw_row").collect().to_dicts()
    return None, []


def _versions(workspace: Workspace, ref: Ref | None) -> list[Ref]:
    if ref is None:
        return workspace.versions()
    workspace.version_manifest(ref)
    return [ref]


def _fate(workspace: Workspace, ref: Ref, dialogue_id: str) -> Fate | None:
    rows = pl.scan_parquet(workspace.version(ref) / FATES).filter(pl.col("dialogue_id") == dialogue_id).collect()
    if rows.is_empty():
        return None
    return Fate(version=str(ref), **{name: rows[name][0] for name in Fate.model_fields if name != "version"})


def _refused(workspace: Workspace, source: str, key: str) -> list[dict[str, Any]]:
    """Refused rows of which a value is the key; their raw text itself is not told, for it may hold personal data."""
    found: list[dict[str, Any]] = []
    if source not in workspace.sources():
        return found
    own = re.escape(json.dumps(key.partition("#")[0], ensure_ascii=False)[1:-1])
    value = rf'"{own}(\.txt)?"|: {own}[,}}]'  # essays go by file names, some ids are numbers
    for entry in workspace.corpus_manifest(source).rejected:
        rows = read_parquet(workspace.corpus(source) / entry.path)
        hits = rows.filter(pl.col("raw").str.contains(value))
        found += hits.select("reason", "detail", "raw_file", "raw_row").head(20).to_dicts()
    return found
