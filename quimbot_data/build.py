"""Corpora and a recipe in, a version out. Each stage is a plain function from bucket to bucket; see `_decide`.

    corpora -> select, terms, filter, safety -> duplicates -> components and splits -> sampling -> fates
            -> the kept dialogues, sorted, checked, written -> card -> one rename

Nothing is held in memory across shards but counts, thresholds and one digest a row: what must meet, meets in hash
buckets on disk, so a version is the same bytes whatever the threads and however the corpora were cut.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from quimbot_data import card
from quimbot_data.buckets import FANOUT, NARROW_WEIGHT, Spill, read_parquet, write_row_groups
from quimbot_data.dedup import connected, drop_exact_duplicates, label_groups
from quimbot_data.filters import COLUMNS, component_of, untrained, verdict
from quimbot_data.ingest import Progress, in_order, library_versions
from quimbot_data.ledger import check_conservation, step_lines
from quimbot_data.mix import DIGEST, Thresholds, amount, budgets, sampling_columns
from quimbot_data.split import assign_splits
from quimbot_data.version import FATES, DataWriter, publish_version, same_version, seal
from quimbot_data.workspace import Ref, Workspace, atomic, entry_of, file_digest, writing
from schemas.errors import IntegrityError, MissingError, RecipeError
from schemas.fields import SCHEMA_VERSION
from schemas.frame import sha256
from schemas.manifest import CorpusManifest, Identity, LedgerLine, MixLine, VersionManifest
from schemas.recipe import Recipe

#: Steps of a build in their order, as the ledger and the fates name them.
STEPS: Final = ("select", "terms", "filter", "safety", "dedup", "mix")

FATES_SCHEMA: Final = pl.Schema(
    {
        "dialogue_id": pl.String(),
        "source": pl.String(),
        "family": pl.String(),
        "fate": pl.String(),
        "step": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "split": pl.String(),
        "component": pl.Int32(),
        "u": pl.Float64(),
        "threshold": pl.Float64(),
    }
)


@dataclass
class _Build:
    """One run: its inputs, its scratch space, and the counts that it fills."""

    workspace: Workspace
    recipe: Recipe
    corpora: dict[str, CorpusManifest]
    scratch: Path
    threads: int
    progress: Progress
    available: dict[int, int] = field(default_factory=dict)
    """What each component can give after all steps but the mix, in the recipe's unit."""

    def shards(self) -> list[tuple[int, str, Path]]:
        """Every corpus file: running number, source, path."""
        files = [
            (source, self.workspace.corpus(source) / entry.path)
            for source, manifest in self.corpora.items()
            for entry in manifest.dialogues
        ]
        return [(number, source, path) for number, (source, path) in enumerate(files)]

    def spill(self, name: str) -> Spill:
        """An empty spill of this run."""
        folder = self.scratch / name
        folder.mkdir()
        return Spill(folder, NARROW_WEIGHT)


def build(
    workspace: Workspace,
    recipe: Recipe,
    ref: Ref,
    *,
    threads: int = 2,
    progress: Progress = lambda step, rows: None,
) -> tuple[VersionManifest, bool]:
    """Build a version, or confirm that it exists with the same id.

    Args:
        workspace: holds the corpora, gets the version.
        recipe: resolved; its name must be the version's.
        ref: name and number of the version.
        threads: shards worked on at once; changes nothing but the time.
        progress: told of rows as they are done.

    Returns:
        The manifest, and whether it was written now.

    Raises:
        MissingError: a source of the recipe was never ingested.
        RecipeError: a component names a source of another family, or one without dialogues.
        MixError: the corpora cannot fill a component.
        ExistsError: the version exists with another id.
        LockedError: another process builds this version, or ingests one of its corpora.
        IntegrityError: a corpus file was changed since it was ingested, or the ledger does not add up.
    """
    started, place = time.monotonic(), ("version", ref.name, ref.version)
    with _reading(workspace, recipe) as corpora, workspace.lock(*place), workspace.scratch(*place) as scratch:
        folder, manifest = _make(_Build(workspace, recipe, corpora, scratch, threads, progress), ref, started)
        if existing := same_version(workspace, ref, manifest):
            return existing, False
        card.write_documents(folder, manifest)
        seal(folder, manifest)
        publish_version(workspace, ref, folder)
    return manifest, True


def rebuilt_id(workspace: Workspace, manifest: VersionManifest, *, threads: int = 2, progress: Progress) -> str:
    """The id that a version's recipe gives with the corpora as they are now; writes nothing that stays.

    Raises:
        As `build`.
    """
    recipe, started = manifest.identity.recipe, time.monotonic()
    place = ("rebuild", manifest.name, manifest.version)
    with _reading(workspace, recipe) as corpora, workspace.lock(*place), workspace.scratch(*place) as scratch:
        run = _Build(workspace, recipe, corpora, scratch, threads, progress)
        return _make(run, Ref(manifest.name, manifest.version), started)[1].id


def _make(run: _Build, ref: Ref, started: float) -> tuple[Path, VersionManifest]:
    """Data and fates in a folder of the run's scratch space, and the manifest that will stand beside them."""
    folder = run.scratch / "version"
    folder.mkdir()
    fates, thresholds = _decide(run)
    return folder, _write(run, ref, folder, fates, thresholds, started)


@contextmanager
def _reading(workspace: Workspace, recipe: Recipe) -> Iterator[dict[str, CorpusManifest]]:
    """The recipe's corpora, held so that no ingest replaces one meanwhile."""
    _corpora(workspace, recipe)  # what is missing is told before anything is locked, which would make folders
    with ExitStack() as held:
        for source in recipe.sources():
            held.enter_context(workspace.lock("corpus", source, shared=True))
        yield _corpora(workspace, recipe)


def _corpora(workspace: Workspace, recipe: Recipe) -> dict[str, CorpusManifest]:
    corpora = {source: workspace.corpus_manifest(source) for source in recipe.sources()}
    _check_sources(recipe, corpora)
    _check_agreement(corpora)
    return corpora


def _check_agreement(corpora: dict[str, CorpusManifest]) -> None:
    """Hold that all corpora follow this schema and were counted by one tokenizer: a version states one of each."""
    first = next(iter(corpora.values()))
    for source, manifest in corpora.items():
        if manifest.schema_version != SCHEMA_VERSION:
            found = f"schema version {manifest.schema_version}, not {SCHEMA_VERSION}"
        elif manifest.tokenizer != first.tokenizer:
            found = f"tokens by {manifest.tokenizer.name}, and {first.source} others by {first.tokenizer.name}"
        else:
            continue
        raise IntegrityError(f"The corpus of {source} has {found}.", next_step=f"Run `quimbot ingest {source}` again.")


def _check_sources(recipe: Recipe, corpora: dict[str, CorpusManifest]) -> None:
    for number, component in enumerate(recipe.components, 1):
        for source in component.sources:
            manifest = corpora[source]
            if not manifest.dialogues and manifest.learner_texts:
                raise RecipeError(
                    f"Component {number} of {recipe.name} names {source}, which holds learner texts and no dialogues.",
                    next_step="Take it out: learner texts reach a mix through the dialogues generated from them.",
                )
            if manifest.family != component.family:
                raise RecipeError(
                    f"Component {number} of {recipe.name} asks for {component.family} from {source}, "
                    f"whose family is {manifest.family}.",
                    next_step="Move the source to a component of its family.",
                )
            if not manifest.dialogues:
                raise MissingError(
                    f"The corpus of {source} holds no dialogue: all its raw rows were refused.",
                    next_step="`quimbot sources` and the view `rejected` say why.",
                )


# Deciding: narrow rows (ids, hashes, counts; no text) from bucket to bucket.


def _decide(run: _Build) -> tuple[Spill, Thresholds]:
    """The fate of every dialogue: spilled in order of sampling, and where each component stops."""
    by_content = _look(run)
    grouped, roots = _meet_duplicates(run, by_content)
    by_u = _split(run, grouped, roots)
    recipe = run.recipe
    available = [run.available.get(number, 0) for number in range(len(recipe.components))]
    thresholds = Thresholds(budgets(recipe, available))
    thresholds.scan(by_u.read(range(b, b + 1)).filter(pl.col("step").is_null()) for b in range(FANOUT))
    return by_u, thresholds


def _look(run: _Build) -> Spill:
    """Select, terms, filter, safety: one corpus file at a time, spilled by content."""
    recipe, spill = run.recipe, run.spill("by-content")
    priority = {source: number for number, source in enumerate(recipe.sources())}

    def look(shard: tuple[int, str, Path]) -> int:
        number, source, path = shard
        _check_file(run, source, path)
        rows = read_parquet(path, COLUMNS).with_columns(component_of(recipe))
        lineage = pl.col("provenance").struct.field("lineage")
        narrow = rows.select(
            *("dialogue_id", "source", "family", "content_hash", "language", "component", "n_tokens", "n_chars"),
            amount(recipe.unit),
            *verdict(recipe),
            lineage=pl.when(lineage.is_not_null()).then(pl.concat_str("source", pl.lit(":"), lineage)),
            shard=pl.lit(number, pl.Int32),
            priority=pl.lit(priority[source], pl.Int32),
        )
        spill.write(number, narrow, pl.col("content_hash"))
        return rows.height

    done = 0
    for rows in in_order(look, run.shards(), run.threads):
        run.progress("look", done := done + rows)
    return spill


def _check_file(run: _Build, source: str, path: Path) -> None:
    entry = next(entry for entry in run.corpora[source].dialogues if entry.path == path.name)
    found = file_digest(path) if path.exists() else "no file"
    if found != entry.sha256:
        raise IntegrityError(
            f"{path} is not what the manifest of {source} lists: sha256 {found[:12]}, not {entry.sha256[:12]}.",
            next_step=f"Run `quimbot ingest {source}` again.",
        )


def _meet_duplicates(run: _Build, by_content: Spill) -> tuple[Spill, dict[str, str]]:
    """Duplicates where equal contents meet; and which lineages they tie together."""
    spill, pairs = run.spill("grouped"), []
    drop = run.recipe.filters.exact_duplicates == "drop"

    def meet(numbered: tuple[int, range]) -> list[tuple[str, str]]:
        number, buckets = numbered
        rows, tied = label_groups(drop_exact_duplicates(by_content.read(buckets), drop=drop))
        spill.write(number, rows, pl.col("content_hash"))
        return tied

    for tied in in_order(meet, enumerate(by_content.groups()), run.threads):
        pairs.extend(tied)
    return spill, connected(pairs)


def _split(run: _Build, grouped: Spill, roots: dict[str, str]) -> Spill:
    """Splits where components meet; then `u`, spilled in its order."""
    by_group, by_u = run.spill("by-group"), run.spill("by-u")

    def regroup(numbered: tuple[int, range]) -> None:
        number, buckets = numbered
        rows = grouped.read(buckets).with_columns(pl.col("group").replace(roots))
        by_group.write(number, rows, sha256(pl.col("group")))

    def assign(numbered: tuple[int, range]) -> pl.DataFrame:
        number, buckets = numbered
        rows = assign_splits(by_group.read(buckets), run.recipe.splits)
        rows = rows.with_columns(sampling_columns(run.recipe.seed))
        by_u.write(number, rows, pl.col(DIGEST))
        return rows.filter(pl.col("step").is_null()).group_by("component").agg(pl.col("amount").sum())

    for _ in in_order(regroup, enumerate(grouped.groups()), run.threads):
        pass
    for amounts in in_order(assign, enumerate(by_group.groups()), run.threads):
        for component, total in amounts.iter_rows():
            run.available[component] = run.available.get(component, 0) + total
    return by_u


# Writing: fates, then the kept dialogues.


@dataclass
class _Counted:
    """What the fates add up to."""

    looked: dict[str, int] = field(default_factory=dict)
    dropped: dict[tuple[str, str, str], int] = field(default_factory=dict)
    kept: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per component: dialogues and tokens."""

    def add(self, fates: pl.DataFrame) -> None:
        for source, rows in fates["source"].value_counts().iter_rows():
            self.looked[source] = self.looked.get(source, 0) + rows
        dropped = fates.filter(pl.col("fate") == "dropped").group_by("source", "step", "reason").len()
        for source, step, reason, rows in dropped.iter_rows():
            self.dropped[source, step, reason] = self.dropped.get((source, step, reason), 0) + rows
        kept = fates.filter(pl.col("fate") == "kept").group_by("component").agg(pl.len(), pl.col("n_tokens").sum())
        for component, dialogues, tokens in kept.iter_rows():
            before = self.kept.get(component, (0, 0))
            self.kept[component] = before[0] + dialogues, before[1] + tokens


def _write(run: _Build, ref: Ref, folder: Path, by_u: Spill, thresholds: Thresholds, started: float) -> VersionManifest:
    by_shard = _spill_by_shard(run, by_u, thresholds)
    writer, counted = DataWriter(folder, run.scratch, run.threads), _Counted()
    with atomic(folder / FATES) as stream:
        rows = write_row_groups(stream, _fates(run, by_shard, writer, counted), FATES_SCHEMA)
    data, splits = writer.finish(run.progress)
    tokenizer = next(iter(run.corpora.values())).tokenizer
    identity = Identity(
        schema_version=SCHEMA_VERSION, recipe=run.recipe, tokenizer_sha256=tokenizer.sha256, splits=splits
    )
    return VersionManifest(
        id=identity.id(),
        name=ref.name,
        version=ref.version,
        identity=identity,
        tokenizer=tokenizer,
        data=data,
        fates=entry_of(folder / FATES, folder, rows),
        mix=_mix_lines(run, thresholds, counted),
        ledger=_ledger(run, counted),
        sources={source: _source_facts(manifest) for source, manifest in run.corpora.items()},
        record=_record(run, time.monotonic() - started),
    )


def _spill_by_shard(run: _Build, by_u: Spill, thresholds: Thresholds) -> Path:
    """Final fates, regrouped by the corpus file that holds the dialogue: `<folder>/<shard>/<group>.arrow`."""
    folder = run.scratch / "by-shard"
    over = pl.col("step").is_null() & ~thresholds.kept()
    for group, buckets in enumerate(by_u.groups()):
        rows = by_u.read(buckets).with_columns(
            step=pl.when(over).then(pl.lit("mix")).otherwise("step"),
            reason=pl.when(over).then(pl.lit("over-budget")).otherwise("reason"),
            threshold=thresholds.threshold(),
        )
        rows = rows.with_columns(
            fate=pl.when(pl.col("step").is_null()).then(pl.lit("kept")).otherwise(pl.lit("dropped"))
        )
        for (shard,), part in rows.partition_by("shard", as_dict=True, include_key=False).items():
            place = folder / str(shard)
            with writing(place):
                place.mkdir(parents=True, exist_ok=True)
                part.write_ipc(place / f"{group:04}.arrow")
    return folder


def _fates(run: _Build, by_shard: Path, writer: DataWriter, counted: _Counted) -> Iterator[pl.DataFrame]:
    """Fates of each corpus file in turn, sorted by id; on the way its kept dialogues go to the writer."""

    def collect(shard: tuple[int, str, Path]) -> pl.DataFrame:
        number, _, path = shard
        parts = [pl.read_ipc(part) for part in sorted((by_shard / str(number)).glob("*.arrow"))]
        fates = pl.concat(parts).sort("dialogue_id")
        kept = fates.filter(pl.col("fate") == "kept").select("dialogue_id", "split")
        rows = read_parquet(path).with_columns(untrained=untrained(run.recipe.safety))
        writer.write(number, rows.join(kept, on="dialogue_id", how="inner"))
        return fates

    done = 0
    for fates in in_order(collect, run.shards(), run.threads):
        counted.add(fates)
        run.progress("select", done := done + fates.height)
        yield fates.select([pl.col(name).cast(dtype) for name, dtype in FATES_SCHEMA.items()])


def _mix_lines(run: _Build, thresholds: Thresholds, counted: _Counted) -> list[MixLine]:
    lines = []
    for number, component in enumerate(run.recipe.components):
        dialogues, tokens = counted.kept.get(number, (0, 0))
        got = tokens if run.recipe.unit == "tokens" else dialogues
        lines.append(
            MixLine(
                component=number,
                family=component.family,
                sources=component.sources,
                weight=component.weight,
                budget=thresholds.budgets[number],
                available=run.available.get(number, 0),
                dialogues=dialogues,
                tokens=tokens,
                shortfall=thresholds.budgets[number] - got,
            )
        )
    return lines


def _ledger(run: _Build, counted: _Counted) -> list[LedgerLine]:
    """Each source's ledger from its raw rows to the rows kept."""
    lines: list[LedgerLine] = []
    for source, manifest in run.corpora.items():
        story = list(manifest.ledger)
        rows = counted.looked.get(source, 0)
        for step in STEPS:
            reasons = {
                reason: dropped for (of, at, reason), dropped in counted.dropped.items() if (of, at) == (source, step)
            }
            story += step_lines(source, step, "dialogues", rows, reasons)
            rows -= sum(reasons.values())
        check_conservation(story)
        lines += story
    return lines


def _source_facts(manifest: CorpusManifest) -> dict[str, Any]:
    facts = manifest.model_dump(include={"title", "family", "license", "terms", "attribution", "url", "revision"})
    return facts | {"corpus_digest": manifest.digest()}


def _record(run: _Build, seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 3),
        "threads": run.threads,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": library_versions(),
        "language_detectors": next(iter(run.corpora.values())).record.get("language_detectors", {}),
        "raw_files": {source: manifest.record.get("raw_files", []) for source, manifest in run.corpora.items()},
    }
