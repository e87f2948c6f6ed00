"""Corpora and a recipe in, a version out. The fates are decided on narrow rows (`quimbot_data.decide`), then written:

    corpora -> candidates -> where each component stops -> fates
            -> the kept dialogues, sorted, checked, written -> card -> one rename

Nothing is held in memory across shards but counts, clusters, thresholds and one digest a row, so a version is the same
bytes whatever the threads and however the corpora were cut.
"""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from quimbot_data import card
from quimbot_data.buckets import Spill, read_parquet, write_row_groups
from quimbot_data.clearance import clearances
from quimbot_data.decide import STEPS, candidates, stops
from quimbot_data.diff.changes import changes, first_changes
from quimbot_data.diff.sides import Side
from quimbot_data.filters import CLEARABLE, untrained
from quimbot_data.ingest import in_order, library_versions
from quimbot_data.ledger import REPEATED, check_conservation, step_lines
from quimbot_data.mix import Thresholds, with_repeats
from quimbot_data.observe import Progress, silent
from quimbot_data.run import Run, running
from quimbot_data.takedowns.holders import holders
from quimbot_data.takedowns.report import equal_digests
from quimbot_data.version import FATES, FATES_SCHEMA, DataWriter, publish_version, refuse_withdrawn, same_version, seal
from quimbot_data.version_gate import FIRST, admitted, patch_due, standing
from quimbot_data.workspace import AUDIT, Ref, Workspace, atomic, entry_of, write_model, writing
from schemas.fields import SCHEMA_VERSION
from schemas.generation import Generated
from schemas.manifest import AuditReport, CorpusManifest, Identity, LedgerLine, MixLine, VersionManifest
from schemas.recipe import Recipe


def build(
    workspace: Workspace,
    recipe: Recipe,
    ref: Ref | None,
    *,
    named_by: Ref | None = None,
    threads: int = 2,
    audit: int = 0,
    progress: Progress = silent,
) -> tuple[VersionManifest, bool]:
    """Build a version, or confirm that it exists with the same id.

    Args:
        workspace: holds the corpora, gets the version.
        recipe: resolved; its name must be the version's.
        ref: name and number of the version; None for the number that is due (`quimbot_data.version_gate`), or for the
            highest version where that is this one already.
        named_by: the version whose recipe it is; where takedowns took rows of it, its patch is due.
        threads: shards worked on at once; changes nothing but the time.
        audit: rows of each kind to plant in a shadow of the inputs (see `quimbot_data.audit`); the card tells what
            became of them, the version's id does not change.
        progress: told of rows as they are done.

    Returns:
        The manifest, and whether it was written now.

    Raises:
        MissingError: a source of the recipe was never ingested, or an evaluation set is not there.
        InputError: an evaluation set cannot be read, or holds no text.
        RecipeError: a component names a source of another family, or one without dialogues.
        MixError: the corpora cannot fill a component.
        ExistsError: the version exists with another id, or was withdrawn.
        VersionNumberError: what changed since the version below it asks for another number.
        LockedError: another process builds this version, ingests one of its corpora, or takes rows down.
        IntegrityError: a corpus file was changed since it was ingested, or the ledger does not add up.
    """
    if ref:
        refuse_withdrawn(workspace, ref)
    started, asked = time.monotonic(), ref or Ref(recipe.name, FIRST)
    place = ("version", asked.name, asked.version if ref else "next")
    with running(workspace, recipe, place, threads, progress) as run:
        folder, manifest, by_u = _make(run, asked, started)
        patch = patch_due(workspace, named_by) if named_by and not ref else None
        existing = same_version(workspace, ref, manifest) if ref else standing(workspace, manifest, patch)
        if existing is None:
            return _published(run, ref, patch, Side(folder, manifest), by_u, audit), True
        report = _audited(run, by_u, audit)
    if report is not None:
        card.refresh_documents(workspace, Ref(existing.name, existing.version), report)
    return existing, False


def _published(run: Run, ref: Ref | None, patch: Ref | None, made: Side, by_u: Spill, audit: int) -> VersionManifest:
    """Publish what was made, if its number is the one that is due."""
    workspace, folder = run.workspace, made.folder
    due, found = admitted(workspace, ref, made, patch=patch, threads=run.threads)
    manifest = made.manifest.model_copy(update={"version": due.version})
    with nullcontext() if ref else workspace.lock("version", due.name, due.version):
        report = _audited(run, by_u, audit)
        if report is not None:
            write_model(folder / AUDIT, report)
        with atomic(folder / card.CHANGES) as stream:
            stream.write((changes(found) if found else first_changes(due)).encode())
        card.write_documents(folder, manifest)
        seal(folder, manifest)
        publish_version(workspace, due, folder)
    return manifest


def _audited(run: Run, by_u: Spill, count: int) -> AuditReport | None:
    from quimbot_data.audit import audit  # it builds a shadow of this run, so it stands above this module

    return audit(run, by_u, count) if count else None


def changed_inputs(workspace: Workspace, manifest: VersionManifest) -> list[str]:
    """What is not as it was when the version was built (corpora, clearances, takedowns)."""
    held, found = set(workspace.sources()), []
    for source, facts in manifest.sources.items():
        before, excluded = str(facts["corpus_digest"]), manifest.record.get("takedowns", [])
        now = equal_digests(workspace.corpus_manifest(source), excluded) if source in held else ["not there"]
        if before not in now:
            told = f"{before[:12]}, now {now[0][:12]}"
            found.append(f"the corpus of {source} has changed since ({told})")
    if manifest.identity.recipe.profile in CLEARABLE:
        cleared = [each for each in clearances(workspace) if each.source in manifest.sources]
        changed = {
            (each.source, each.license)
            for each in (*manifest.cleared, *cleared)
            if each not in manifest.cleared or each not in cleared
        }
        found += [f"the clearance of {source} under {name} has changed since" for source, name in sorted(changed)]
    for entry, rows in holders(workspace, Ref(manifest.name, manifest.version)).items():
        found.append(f"{entry} has taken down {rows} of its dialogues since")
    return found


def rebuilt_id(workspace: Workspace, manifest: VersionManifest, *, threads: int = 2, progress: Progress) -> str:
    """The id that a version's recipe gives with the corpora as they are now; writes nothing that stays.

    Raises:
        As `build`.
    """
    started, place = time.monotonic(), ("rebuild", manifest.name, manifest.version)
    with running(workspace, manifest.identity.recipe, place, threads, progress) as run:
        return _make(run, Ref(manifest.name, manifest.version), started)[1].id


def _make(run: Run, ref: Ref, started: float) -> tuple[Path, VersionManifest, Spill]:
    """Data and fates in a folder of the run's scratch space, the manifest to stand beside them, and the candidates."""
    folder = run.folder("version")
    by_u = candidates(run)
    return folder, _write(run, ref, folder, by_u, stops(run, by_u), started), by_u


# Writing: fates, then the kept dialogues.


@dataclass
class _Counted:
    """What the fates add up to."""

    looked: dict[str, int] = field(default_factory=dict)
    dropped: dict[tuple[str, str, str], int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    kept: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Per component: dialogues and tokens, repeats included, and the repeats among the dialogues."""

    def add(self, fates: pl.DataFrame) -> None:
        for source, rows in fates["source"].value_counts().iter_rows():
            self.looked[source] = self.looked.get(source, 0) + rows
        dropped = fates.filter(pl.col("fate") == "dropped").group_by("source", "step", "reason").len()
        for source, step, reason, rows in dropped.iter_rows():
            self.dropped[source, step, reason] = self.dropped.get((source, step, reason), 0) + rows
        kept = fates.filter(pl.col("fate") == "kept").group_by("component")
        copies = pl.col("copies").cast(pl.Int64)
        for source, rows in fates.filter(pl.col("copies") > 1).group_by("source").agg((copies - 1).sum()).iter_rows():
            self.repeated[source] = self.repeated.get(source, 0) + rows
        sums = kept.agg(
            copies.sum(), (copies * pl.col("n_tokens")).sum().alias("tokens"), (copies - 1).sum().alias("r")
        )
        for component, *found in sums.iter_rows():
            before = self.kept.get(component, (0, 0, 0))
            self.kept[component] = before[0] + found[0], before[1] + found[1], before[2] + found[2]


def _write(run: Run, ref: Ref, folder: Path, by_u: Spill, thresholds: Thresholds, started: float) -> VersionManifest:
    by_shard = _spill_by_shard(run, by_u, thresholds)
    writer, counted = DataWriter(folder, run.scratch, run.threads), _Counted()
    with atomic(folder / FATES) as stream:
        rows = write_row_groups(stream, _fates(run, by_shard, writer, counted), FATES_SCHEMA)
    data, splits = writer.finish(run.progress)
    tokenizer = next(iter(run.corpora.values())).tokenizer
    identity = Identity(
        schema_version=SCHEMA_VERSION,
        recipe=run.recipe,
        tokenizer_sha256=tokenizer.sha256,
        evaluation_sets=run.contamination.digests(),
        splits=splits,
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
        evaluation=run.contamination.lines(),
        sources={source: _source_facts(manifest) for source, manifest in run.corpora.items()},
        cleared=run.cleared if run.recipe.profile in CLEARABLE else [],
        record=_record(run, time.monotonic() - started),
    )


def _spill_by_shard(run: Run, by_u: Spill, thresholds: Thresholds) -> Path:
    """Final fates, regrouped by the corpus file that holds the dialogue: `<folder>/<shard>/<group>.arrow`."""
    folder = run.scratch / "by-shard"
    alive = pl.col("step").is_null()
    over = alive & (thresholds.copies() == 0)
    for group, buckets in enumerate(by_u.groups()):
        rows = by_u.read(buckets).with_columns(
            step=pl.when(over).then(pl.lit("mix")).otherwise("step"),
            reason=pl.when(over).then(pl.lit("over-budget")).otherwise("reason"),
            threshold=thresholds.threshold(),
            copies=pl.when(alive).then(thresholds.copies()).otherwise(0),
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


def _fates(run: Run, by_shard: Path, writer: DataWriter, counted: _Counted) -> Iterator[pl.DataFrame]:
    """Fates of each corpus file in turn, sorted by id; on the way its kept dialogues go to the writer."""

    def collect(shard: tuple[int, str, Path]) -> pl.DataFrame:
        number, _, path = shard
        parts = [pl.read_ipc(part) for part in sorted((by_shard / str(number)).glob("*.arrow"))]
        fates = pl.concat(parts).sort("dialogue_id")
        kept = fates.filter(pl.col("fate") == "kept").select("dialogue_id", "split", "cluster_id", "copies")
        rows = read_parquet(path).drop("cluster_id").with_columns(untrained=untrained(run.recipe.safety))
        writer.write(number, with_repeats(rows.join(kept, on="dialogue_id", how="inner")))
        return fates

    for fates in in_order(collect, run.shards(), run.threads):
        counted.add(fates)
        run.progress.rows("collect", fates.height)
        yield fates.select([pl.col(name).cast(dtype) for name, dtype in FATES_SCHEMA.items()])


def _mix_lines(run: Run, thresholds: Thresholds, counted: _Counted) -> list[MixLine]:
    lines = []
    for number, component in enumerate(run.recipe.components):
        dialogues, tokens, repeats = counted.kept.get(number, (0, 0, 0))
        got = tokens if run.recipe.unit == "tokens" else dialogues
        lines.append(
            MixLine(
                component=number,
                family=component.family,
                sources=component.sources,
                weight=component.weight,
                budget=thresholds.budgets[number],
                available=run.available()[number],
                dialogues=dialogues,
                tokens=tokens,
                repeats=repeats,
                shortfall=thresholds.budgets[number] - got,
            )
        )
    return lines


def _ledger(run: Run, counted: _Counted) -> list[LedgerLine]:
    """Each source's ledger from its raw rows to the rows kept."""
    lines: list[LedgerLine] = []
    steps = STEPS if run.exclusion else STEPS[1:]  # where nothing was ever taken down, nothing tells of it
    for source, manifest in run.corpora.items():
        story = list(manifest.ledger)
        rows = counted.looked.get(source, 0)
        for step in steps:
            reasons = {
                reason: dropped for (of, at, reason), dropped in counted.dropped.items() if (of, at) == (source, step)
            }
            story += step_lines(source, step, "dialogues", rows, reasons)
            rows -= sum(reasons.values())
        if again := counted.repeated.get(source):
            story += step_lines(source, REPEATED, "dialogues", rows, {"epochs": again}, rows_out=rows + again)
        check_conservation(story)
        lines += story
    return lines


def _source_facts(manifest: CorpusManifest) -> dict[str, Any]:
    facts = manifest.model_dump(include={"title", "family", "license", "terms", "url", "revision"})
    files = [Generated.model_validate(file) for file in manifest.record.get("generated", [])]
    grown_from = dict.fromkeys(each.attribution for file in files for each in file.credits)
    told = [manifest.attribution, *grown_from]
    return facts | {"attribution": " ".join(filter(None, told)), "corpus_digest": manifest.digest()}


def _record(run: Run, seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 3),
        "steps": run.progress.record(),
        "threads": run.threads,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": library_versions(),
        "language_detectors": next(iter(run.corpora.values())).record.get("language_detectors", {}),
        **{
            kept: {source: manifest.record.get(kept, []) for source, manifest in run.corpora.items()}
            for kept in ("raw_files", "generated")
        },
    } | ({"takedowns": run.exclusion.ids()} if run.exclusion else {})
