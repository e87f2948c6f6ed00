"""The fate of every dialogue, decided on narrow rows (ids, hashes, counts; no text) from bucket to bucket.

    look: takedown, select, terms, filter, safety; signatures and evaluation hits are taken where the text is read
        -> equal contents meet -> near-duplicates meet -> decontamination -> skeletons meet
        -> components get their split -> `u`, spilled in its order -> where each component of the mix stops

Nothing is held in memory across shards but counts, clusters and thresholds: what must meet, meets in hash buckets on
disk, so the fates are the same whatever the threads and however the corpora were cut.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from quimbot_data.buckets import Spill, read_parquet
from quimbot_data.decontamination.matching import first_hits
from quimbot_data.dedup import connected, drop_exact_duplicates, drop_near_duplicates, label_groups
from quimbot_data.filters import COLUMNS, component_of, verdict
from quimbot_data.ingest import in_order
from quimbot_data.mix import DIGEST, Thresholds, amount, budgets, sampling_columns
from quimbot_data.near_duplicates import NearDuplicates, Rule, components
from quimbot_data.run import Run
from quimbot_data.skeletons import cap, skeletons
from quimbot_data.split import assign_splits
from quimbot_data.takedowns.exclusion import TAKEDOWN, THRESHOLD
from quimbot_data.words import own_texts
from quimbot_data.workspace import file_digest
from schemas.errors import IntegrityError, MixError
from schemas.frame import sha256

T = TypeVar("T")

#: Steps of a build in their order, as the ledger and the fates name them.
STEPS: Final = (TAKEDOWN, "select", "terms", "filter", "safety", "dedup", "decontaminate", "skeletons", "mix")


def candidates(run: Run) -> Spill:
    """All steps before the mix: every dialogue with its step and reason if it was dropped, its group, split and `u`.

    Returns:
        The rows, spilled by sampling digest; fills `run.given` and `run.contamination`.

    Raises:
        IntegrityError: a corpus file is not what its manifest lists.
    """
    asked = run.recipe.near_duplicates
    near = _near_duplicates(run)
    by_content = _look(run, near)
    members = run.exclusion.members(_clusters(run, near), tie=asked.action != "off")
    grouped, ties, clusters = _meet_equals(run, by_content, members)
    clusters = drop_near_duplicates(clusters, drop=asked.action == "drop")
    roots = connected([*ties, *clusters.select("of_group", "group").iter_rows()])
    met = _meet_others(run, grouped, clusters, roots)
    return _assign(run, _cap_skeletons(run, met))


def _near_duplicates(run: Run) -> NearDuplicates | None:
    """The search, where the recipe asks for it or the ledger of takedowns needs it."""
    asked = run.recipe.near_duplicates
    if asked.action == "off" and not run.exclusion:
        return None
    return NearDuplicates(run.folder("near"), Rule(threshold=THRESHOLD if asked.action == "off" else asked.threshold))


def stops(run: Run, by_u: Spill) -> Thresholds:
    """Where each component of the mix stops.

    Raises:
        MixError: the corpora cannot fill a component.
    """
    thresholds = Thresholds(whole_budgets(run), [component.max_epochs for component in run.recipe.components])
    thresholds.scan(lambda: alive(by_u))
    return thresholds


def alive(by_u: Spill) -> Iterator[pl.DataFrame]:
    """What passed all steps before the mix, in rising order of the sampling digest."""
    for group in by_u.groups():
        yield by_u.read(group).filter(pl.col("step").is_null())


def whole_budgets(run: Run) -> list[int]:
    """Each component's budget, once `candidates` has filled `run`: see `quimbot_data.mix.budgets`.

    Raises:
        MixError: a component can give less than its share; names what the profile kept out.
    """
    try:
        return budgets(run.recipe, run.available())
    except MixError as error:
        if not run.barred:
            raise
        barred = ", ".join(f"{source} {rows:,} ({term})" for (_, source, term), rows in sorted(run.barred.items()))
        raise MixError(
            f"{error.found} Its profile {run.recipe.profile} keeps out: {barred}.", next_step=error.next_step
        ) from error


def _look(run: Run, near: NearDuplicates | None) -> Spill:
    """One corpus file at a time: verdicts, spilled by content; `near` and `run.contamination` see the texts."""
    spill = run.spill("by-content")
    reads_text = (
        near is not None or bool(run.contamination.sets) or run.recipe.filters.max_rows_per_skeleton is not None
    )

    def look(shard: tuple[int, str, Path]) -> pl.DataFrame:
        number, source, path = shard
        _check_file(run, source, path)
        rows = read_parquet(path, [*COLUMNS, *(["messages"] if reads_text else [])])
        rows = rows.with_columns(component_of(run.recipe)).with_columns(*verdict(run.recipe, run.cleared))
        rows = run.exclusion.mark(rows)
        spill.write(number, _narrow(run, number, source, rows), pl.col("content_hash"))
        found = _see_texts(run, number, rows, near) if reads_text else run.contamination.found.clear()
        run.progress.rows("look", rows.height)
        return found

    found = list(in_order(look, run.shards(), run.threads))
    run.contamination.found = pl.concat([run.contamination.found, *found])
    return spill


def _see_texts(run: Run, number: int, rows: pl.DataFrame, near: NearDuplicates | None) -> pl.DataFrame:
    """Sign the dialogues that are still in for near-duplicates, and return what they share with evaluation sets."""
    seen = rows.filter("seen")
    texts, alive = own_texts(seen), seen["step"].is_null()
    if near is not None:
        sets = near.sets(texts)
        near.take(number, seen["dialogue_id"], sets)
        run.exclusion.see(seen, sets, near.rule.threshold)
    return run.contamination.matches(seen["dialogue_id"].filter(alive), texts.filter(alive))


def _narrow(run: Run, number: int, source: str, rows: pl.DataFrame) -> pl.DataFrame:
    lineage = pl.col("provenance").struct.field("lineage")
    capped = run.recipe.filters.max_rows_per_skeleton is not None
    return rows.select(
        *("dialogue_id", "source", "family", "content_hash", "language", "component", "n_tokens", "n_chars"),
        *("step", "reason", "taken", amount(run.recipe.unit)),
        lineage=pl.when(lineage.is_not_null()).then(pl.concat_str("source", pl.lit(":"), lineage)),
        skeleton=skeletons(rows) if capped else pl.lit(None, pl.String),
        shard=pl.lit(number, pl.Int32),
        priority=pl.lit(run.recipe.sources().index(source), pl.Int32),
    )


def _check_file(run: Run, source: str, path: Path) -> None:
    entry = next(entry for entry in run.corpora[source].dialogues if entry.path == path.name)
    found = file_digest(path) if path.exists() else "no file"
    if found != entry.sha256:
        raise IntegrityError(
            f"{path} is not what the manifest of {source} lists: sha256 {found[:12]}, not {entry.sha256[:12]}.",
            next_step=f"Run `quimbot ingest {source}` again.",
        )


def _clusters(run: Run, near: NearDuplicates | None) -> pl.DataFrame:
    """dialogue_id, cluster: the dialogues that have near-duplicates."""
    if near is None:
        return pl.DataFrame(schema={"dialogue_id": pl.String(), "cluster": pl.String()})
    found = components(near.pairs(run.threads)).rename({"component": "cluster"})
    run.progress.rows("near-duplicates", found.height)
    return found


def _meet_equals(
    run: Run, by_content: Spill, members: pl.DataFrame
) -> tuple[Spill, list[tuple[str, str]], pl.DataFrame]:
    """Where equal contents meet: taken clusters, exact duplicates, groups, lineages they tie, the rows of clusters."""
    spill, drop = run.spill("grouped"), run.recipe.filters.exact_duplicates == "drop"

    def meet(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[list[tuple[str, str]], pl.DataFrame]]:
        rows = drop_exact_duplicates(run.exclusion.drop_near(rows, members), drop=drop)
        rows, tied = label_groups(rows.with_columns(detail=pl.coalesce("detail", "taken")).drop("taken"))
        clustered = rows.join(members, on="dialogue_id", how="inner")
        return rows, (tied, clustered.select("dialogue_id", "cluster", "group", "priority", "step"))

    found = list(_regrouped(run, "duplicates", by_content, spill, pl.col("content_hash"), meet))
    return spill, [tie for tied, _ in found for tie in tied], pl.concat([clustered for _, clustered in found])


def _meet_others(run: Run, grouped: Spill, clusters: pl.DataFrame, roots: dict[str, str]) -> Spill:
    """Apply clusters, evaluation hits and components; spilled by skeleton, or by group where there is none."""
    spill = run.spill("met")
    survivors = clusters.select("dialogue_id", "survivor", "cluster_id")
    hits = first_hits(run.contamination.found).select("dialogue_id", hit=pl.format("{}: {}", "set", "item"))

    def meet(rows: pl.DataFrame) -> tuple[pl.DataFrame, None]:
        rows = rows.join(survivors, on="dialogue_id", how="left").join(hits, on="dialogue_id", how="left")
        rows = _dropped(rows, pl.col("survivor"), "dedup", "near-duplicate")
        rows = _dropped(rows, pl.col("hit"), "decontaminate", "evaluation-item")
        return rows.drop("survivor", "hit").with_columns(pl.col("group").replace(roots)), None

    for _ in _regrouped(run, "evaluation", grouped, spill, pl.coalesce("skeleton", sha256(pl.col("group"))), meet):
        pass
    return spill


def _dropped(rows: pl.DataFrame, detail: pl.Expr, step: str, reason: str) -> pl.DataFrame:
    """Drop what is still in and has a detail."""
    drops = pl.col("step").is_null() & detail.is_not_null()
    return rows.with_columns(
        step=pl.when(drops).then(pl.lit(step)).otherwise("step"),
        reason=pl.when(drops).then(pl.lit(reason)).otherwise("reason"),
        detail=pl.when(drops).then(detail).otherwise("detail"),
    )


def _cap_skeletons(run: Run, met: Spill) -> Spill:
    spill, limit = run.spill("by-group"), run.recipe.filters.max_rows_per_skeleton

    def meet(rows: pl.DataFrame) -> tuple[pl.DataFrame, None]:
        return (rows if limit is None else cap(rows, limit)).drop("skeleton"), None

    for _ in _regrouped(run, "skeletons", met, spill, sha256(pl.col("group")), meet):
        pass
    return spill


def _assign(run: Run, by_group: Spill) -> Spill:
    """Splits where components meet; then `u`, spilled in its order."""
    by_u = run.spill("by-u")

    def meet(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[pl.DataFrame, pl.DataFrame]]:
        rows = assign_splits(rows, run.recipe.splits).with_columns(sampling_columns(run.recipe.seed))
        barred = rows.filter(pl.col("step") == "terms").group_by("component", "source", "reason").len()
        training = pl.col("amount").filter(pl.col("split") == "train").sum()
        alive = rows.filter(pl.col("step").is_null()).group_by("component")
        sums = alive.agg(pl.col("amount").sum(), training.alias("training"), pl.len(), pl.col("n_tokens").sum())
        return rows, (sums, barred)

    for sums, barred in _regrouped(run, "splits", by_group, by_u, pl.col(DIGEST), meet):
        for component, *found in sums.iter_rows():
            before = run.given.get(component, (0, 0, 0, 0))
            once, training, dialogues, tokens = (int(a) + int(b) for a, b in zip(before, found, strict=True))
            run.given[component] = once, training, dialogues, tokens
        for component, source, term, rows in barred.iter_rows():
            run.barred[component, source, term] = run.barred.get((component, source, term), 0) + rows
    return by_u


def _regrouped(
    run: Run,
    step: str,
    spill: Spill,
    into: Spill,
    digest: pl.Expr,
    meet: Callable[[pl.DataFrame], tuple[pl.DataFrame, T]],
) -> Iterator[T]:
    """Work on all rows of some buckets at a time, spill them anew by another digest, and yield what else was found."""

    def work(numbered: tuple[int, range]) -> T:
        number, buckets = numbered
        rows, found = meet(spill.read(buckets))
        into.write(number, rows, digest)
        run.progress.rows(step, rows.height)
        return found

    yield from in_order(work, enumerate(spill.groups()), run.threads)
