"""Manifests: what a corpus or version consists of, and the ledger of every row that went in."""

import hashlib
import json
from typing import Any, Literal

from schemas.clearance import Clearance
from schemas.fields import Hash, LongCount, NonEmpty, SourceName, Strict
from schemas.recipe import Recipe

Unit = Literal["raw rows", "dialogues", "learner texts"]
SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


class LedgerLine(Strict):
    """One count. Lines of a (source, step) share `rows_in` and `rows_out`.

    A line without a reason counts what passed; one with a reason counts what that reason dropped, or, in the steps
    `repaired` (while reading, in raw rows), `cleaned` and `redacted`, what it changed and kept.
    """

    source: SourceName
    step: NonEmpty
    unit: Unit
    rows_in: LongCount
    rows_out: LongCount
    reason: str | None
    rows: LongCount


class FileEntry(Strict):
    """A file that a manifest vouches for; `path` is relative to the manifest's folder."""

    path: NonEmpty
    sha256: Hash
    bytes: LongCount
    rows: LongCount


class RawFile(Strict):
    """A raw file that was read."""

    path: NonEmpty
    bytes: LongCount
    rows: LongCount


class Tokenizer(Strict):
    """What counted the tokens; `sha256` is of its merge ranks and pattern."""

    name: NonEmpty
    sha256: Hash


class CorpusManifest(Strict):
    """`corpus/<source>/manifest.json`: a corpus is exactly what it lists."""

    schema_version: int
    source: SourceName
    title: str
    family: str
    license: NonEmpty
    terms: list[str]
    attribution: str
    url: str
    revision: str | None
    tokenizer: Tokenizer
    dialogues: list[FileEntry]
    learner_texts: list[FileEntry]
    rejected: list[FileEntry]
    origins: FileEntry
    ledger: list[LedgerLine]
    record: dict[str, Any]
    """Raw files, timings, library versions: facts of the run, not of the data."""

    def paths(self) -> set[str]:
        """Names of all files that the manifest lists."""
        return {entry.path for entry in (*self.dialogues, *self.learner_texts, *self.rejected, self.origins)}

    def digest(self) -> str:
        """sha256 over what the corpus holds, whatever run made it: the files' own hashes, in order."""
        files = [entry.sha256 for entry in (*self.dialogues, *self.learner_texts)]
        return hashlib.sha256("\n".join([str(self.schema_version), *files]).encode()).hexdigest()


class SplitDigest(Strict):
    """A split's rows: how many, and the sha256 of their sorted row digests."""

    rows: LongCount
    tokens: LongCount
    digest: Hash


class Identity(Strict):
    """What a version *is*: equal inputs and recipe give equal identity on every machine and engine."""

    schema_version: int
    recipe: Recipe
    tokenizer_sha256: Hash
    evaluation_sets: dict[str, Hash]
    """Digest of each evaluation set that the recipe names: what it held, wherever it lay."""
    splits: dict[str, SplitDigest]

    def id(self) -> str:
        """sha256 of the canonical JSON: sorted keys, no blanks, UTF-8."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()


class MixLine(Strict):
    """One component, asked against got; `budget` is in the recipe's unit."""

    component: int
    family: str
    sources: list[str]
    weight: float
    budget: LongCount
    available: LongCount
    dialogues: LongCount
    tokens: LongCount
    repeats: LongCount
    """Of the dialogues, those that are another epoch of one that is there already."""
    shortfall: LongCount
    """Budget left over: less than one dialogue."""


class EvaluationLine(Strict):
    """What one evaluation set met: `quimbot_data.decontamination.matching.summary`.

    `dialogues_hit` counts all that reached the step's look, also those that duplicates took before it.
    """

    set: NonEmpty
    digest: Hash
    items: LongCount
    ngram: LongCount
    exact: LongCount
    boilerplate: LongCount
    too_short: LongCount
    items_hit: LongCount
    dialogues_hit: LongCount


class VersionManifest(Strict):
    """`versions/<name>/<semver>/manifest.json`."""

    id: Hash
    name: NonEmpty
    version: NonEmpty
    identity: Identity
    tokenizer: Tokenizer
    data: list[FileEntry]
    fates: FileEntry
    mix: list[MixLine]
    ledger: list[LedgerLine]
    evaluation: list[EvaluationLine]
    sources: dict[str, dict[str, Any]]
    """Per source: title, licence, terms, attribution, url, revision and corpus digest."""
    cleared: list[Clearance]
    """Whose rows of unknown terms the profile admitted, who answered for them, and why."""
    record: dict[str, Any]


Interval = tuple[float, float, float]
"""A share, and the low and high end of its 95 % interval."""


class AuditLine(Strict):
    """What one step made of the rows that were planted for it.

    Recall is the share of the guilty that it acted on; precision the share of the guilty among all plants it acted on,
    where as many clean rows were planted as guilty ones. Null where there was nothing to count.
    """

    kind: NonEmpty
    step: NonEmpty
    planted: LongCount
    found: LongCount
    recall: Interval | None
    clean: LongCount
    false_alarms: LongCount
    precision: Interval | None
    taken_before: LongCount
    """Plants that an earlier step took; they count for nothing here."""


class AuditReport(Strict):
    """`audit.json`: a document beside a version, made by `quimbot build --audit N`."""

    asked: LongCount
    """Rows to plant of each kind."""
    originals: LongCount
    """Dialogues that plants could be made from."""
    lines: list[AuditLine]


class Documents(Strict):
    """`documents.json`: sha256 of each document beside the data; they may be regenerated, the data may not."""

    files: dict[str, Hash]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks, text unescaped: one spelling for one value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
