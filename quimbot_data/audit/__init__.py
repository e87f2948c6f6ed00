"""A build audits itself: rows whose right fate is known go through the same steps, and what became of them is told.

The plants are made from dialogues that the version's recipe can use, laid out as raw files, ingested, and decided upon
together with the real corpora in a shadow workspace, which is thrown away: the version and its id know nothing of it.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.audit import plants
from quimbot_data.audit.plants import Original, Plant
from quimbot_data.buckets import Spill, read_parquet
from quimbot_data.decide import STEPS, alive, candidates
from quimbot_data.ingest import ingest
from quimbot_data.near_duplicates import NGRAM
from quimbot_data.run import Run, running
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace
from schemas.frame import sha256
from schemas.manifest import AuditLine, AuditReport
from schemas.recipe import Recipe

#: Least words of an original: fewer leave no room for a near-duplicate.
LEAST_WORDS: Final = 20
_SEED: Final = "quimbot-audit-1"
_SOURCE: Final = "audit-"
#: 97.5 % quantile of the normal distribution: two-sided intervals of 95 %.
_Z: Final = 1.959964
#: What is planted, in the order of the steps: kind, and the step that must act.
KINDS: Final = {
    "malformed": "read and check",
    **{f"pii {kind}": "personal data" for kind in plants.VALUES},
    "language": "language",
    "exact": "exact duplicates",
    "near": "near-duplicates",
    "evaluation": "decontamination",
}
#: What a build's step makes of the plants of a kind: step and reason.
_ACTS: Final = {
    "exact": ("dedup", "exact-duplicate"),
    "near": ("dedup", "near-duplicate"),
    "evaluation": ("decontaminate", "evaluation-item"),
}


def audit(run: Run, by_u: Spill, count: int) -> AuditReport:
    """Plant `count` rows of each kind beside the run's corpora, and measure what each step made of them.

    Args:
        run: the run that the version came of, still holding its corpora.
        by_u: its candidates.
        count: rows to plant for each kind; fewer where the corpora hold too few fit originals, which is told.
    """
    originals = _originals(run, by_u, count)
    planted = list(_planted(run, originals, count))
    shadow = _shadow(run, planted)
    recipe = _with_plants(run.recipe, {plant.family for plant in planted})
    with running(shadow, recipe, ("audit",), run.threads, run.progress.tell) as again:
        fates = _fates(candidates(again))
    acted = _acted(shadow, planted, fates)
    lines = [_line(kind, [p for p in planted if p.kind == kind], acted) for kind in KINDS]
    return AuditReport(asked=count, originals=len(originals), lines=[line for line in lines if line is not None])


def _originals(run: Run, by_u: Spill, count: int) -> list[Original]:
    """Candidates with enough text of their own, by rising sha256 of a fixed salt and their content."""
    chosen = []
    for held in alive(by_u):
        order = sha256(pl.concat_str(pl.lit(f"{_SEED}|"), "content_hash"))
        chosen.append(held.select("dialogue_id", "shard", order=order).sort("order").head(8 * count))
    if not chosen:
        return []
    wanted = pl.concat(chosen).sort("order").head(8 * count)  # some are too short, or have template text
    rows = [_rows_of(path, wanted) for number, _, path in run.shards() if number in wanted["shard"]]
    found = pl.concat(rows).join(wanted, on="dialogue_id").sort("order").head(count)
    columns = found.select("dialogue_id", "family", "language", "messages").iter_rows()
    return [Original(*column) for column in columns]


def _rows_of(path: Path, wanted: pl.DataFrame) -> pl.DataFrame:
    rows = read_parquet(path, ["dialogue_id", "family", "language", "messages", "provenance"])
    text = pl.col("messages").list.eval(pl.element().struct.field("content")).list.join("\n")
    fit = pl.col("provenance").struct.field("derived").is_null() & (text.str.count_matches(r"\w+") >= LEAST_WORDS)
    return rows.filter(fit).join(wanted.select("dialogue_id"), on="dialogue_id", how="semi").drop("provenance")


def _planted(run: Run, originals: Sequence[Original], count: int) -> Iterable[Plant]:
    yield from plants.malformed(originals, _SEED)
    yield from plants.personal_data(originals, _SEED)
    families = [component.family for component in run.recipe.components]
    yield from plants.wrong_language(families, _SEED, count)
    if run.recipe.filters.exact_duplicates == "drop":
        yield from plants.exact_duplicates(originals, _SEED)
    if run.recipe.near_duplicates.action != "off":
        threshold = run.recipe.near_duplicates.threshold
        yield from plants.near_duplicates(originals, _SEED, NGRAM, threshold)
    if run.contamination.sets:
        yield from plants.contaminated(originals, _SEED, run.contamination.texts(count))


def _shadow(run: Run, planted: Sequence[Plant]) -> Workspace:
    """A workspace that shows the real corpora and holds the plants', ingested from raw files."""
    shadow = Workspace(run.folder("audit"))
    (shadow.root / "corpus").mkdir()
    for source in run.corpora:
        (shadow.root / "corpus" / source).symlink_to(run.workspace.corpus(source).absolute())
    for shown in ("evaluation", "versions", "takedowns"):
        (shadow.root / shown).symlink_to((run.workspace.root / shown).absolute())
    for family, group in groupby(sorted(planted, key=lambda p: (p.family, p.key)), key=lambda p: p.family):
        folder = shadow.raw(_SOURCE + family)
        folder.mkdir(parents=True)
        (folder / "planted.jsonl").write_bytes(plants.as_json_lines(group))
        corpus = messages.corpus(_SOURCE + family, family, "CC0-1.0", [])
        ingest(shadow, corpus, [folder], Options(), threads=run.threads)
    return shadow


def _with_plants(recipe: Recipe, families: set[str]) -> Recipe:
    """The recipe with each family's plants behind its own corpora, so that an original survives its copy."""
    components = list(recipe.components)
    for family in sorted(families):
        at = max(number for number, component in enumerate(components) if component.family == family)
        sources = [*components[at].sources, _SOURCE + family]
        components[at] = components[at].model_copy(update={"sources": sources})
    return recipe.model_copy(update={"components": components})


def _fates(by_u: Spill) -> pl.DataFrame:
    """The planted dialogues with the step and reason that dropped them, and their cluster."""
    ours = pl.col("source").str.starts_with(_SOURCE)
    return pl.concat([by_u.read(group).filter(ours) for group in by_u.groups()])


def _acted(shadow: Workspace, planted: Sequence[Plant], fates: pl.DataFrame) -> dict[str, bool]:
    """Whether the step that each plant is for acted on it, by key; plants that another step took first are left out."""
    corpora = {plant.family: _corpus(shadow, plant.family) for plant in planted}
    by_id = {row["dialogue_id"]: row for row in fates.to_dicts()}
    found = {}
    for plant in planted:
        row = corpora[plant.family].get(f"{_SOURCE}{plant.family}:{plant.key}")
        verdict = _verdict(plant, row, by_id)
        if verdict is not None:
            found[plant.key] = verdict
    return found


def _corpus(shadow: Workspace, family: str) -> dict[str, dict[str, object]]:
    manifest, folder = shadow.corpus_manifest(_SOURCE + family), shadow.corpus(_SOURCE + family)
    rows = [
        read_parquet(folder / entry.path, ["dialogue_id", "messages", "language_agrees"])
        for entry in manifest.dialogues
    ]
    return {row["dialogue_id"]: row for row in pl.concat(rows).to_dicts()} if rows else {}


def _verdict(plant: Plant, row: dict[str, object] | None, fates: dict[str, dict[str, object]]) -> bool | None:
    """Whether the plant's step acted on it; None where an earlier step took it. `row` is what the ingest made of it."""
    if plant.kind == "malformed":
        return row is None
    if row is None:
        return None
    if plant.secret:
        contents = [message["content"] for message in row["messages"]]  # type: ignore[attr-defined]
        return not any(plant.secret in content for content in contents)
    if plant.kind == "language":
        return row["language_agrees"] is False
    fate = fates[str(row["dialogue_id"])]
    step, reason = fate["step"], fate["reason"]
    if plant.kind == "near" and fate["cluster_id"] is not None:  # a recipe may tie clusters and keep them
        return True
    wanted = _ACTS[plant.kind]
    before = step is not None and STEPS.index(str(step)) < STEPS.index(wanted[0])
    if before or (plant.kind == "near" and reason == "exact-duplicate"):
        return None
    return (step, reason) == wanted


def _line(kind: str, planted: Sequence[Plant], acted: dict[str, bool]) -> AuditLine | None:
    """Recall over the guilty, precision over all that the step acted on, each with its interval."""
    reached = [plant for plant in planted if plant.key in acted]
    if not planted:
        return None
    guilty = [acted[plant.key] for plant in reached if plant.guilty]
    clean = [acted[plant.key] for plant in reached if not plant.guilty]
    return AuditLine(
        kind=kind,
        step=KINDS[kind],
        planted=len(guilty),
        found=sum(guilty),
        recall=interval(sum(guilty), len(guilty)),
        clean=len(clean),
        false_alarms=sum(clean),
        precision=interval(sum(guilty), sum(guilty) + sum(clean)),
        taken_before=len(planted) - len(reached),
    )


def interval(hits: int, of: int) -> tuple[float, float, float] | None:
    """A share with its 95 % interval after Wilson (1927), to four decimals: share, low, high; None of nothing."""
    if not of:
        return None
    share, spread = hits / of, _Z * _Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return round(share, 4), round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)
