"""Corpora to versions: fates, mix, splits and ledger, each worked out again in plain Python from the corpora."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from conftest import REF, version_bytes

from quimbot_data import run as run_module
from quimbot_data.build import build
from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.errors import IntegrityError, MissingError, MixError, RecipeError
from schemas.manifest import Tokenizer, VersionManifest
from schemas.recipe import Recipe

pytestmark = pytest.mark.usefixtures("plain_card")

SOURCES = ("lmsys", "magpie", "openhermes", "waxal", "tutor", "prosocial")


def changed(recipe: Recipe, **fields: Any) -> Recipe:
    return Recipe.model_validate(recipe.model_dump() | fields)


def made(workspace: Workspace, recipe: Recipe, number: str | None = None) -> tuple[Ref, VersionManifest]:
    """Build under a number, or under the one that is due."""
    manifest, _ = build(workspace, recipe, Ref(recipe.name, number) if number else None)
    return Ref(manifest.name, manifest.version), manifest


def corpus_rows(workspace: Workspace) -> dict[str, dict[str, Any]]:
    rows = {}
    for source in SOURCES:
        for entry in workspace.corpus_manifest(source).dialogues:
            frame = pl.read_parquet(workspace.corpus(source) / entry.path)
            rows |= {row["dialogue_id"]: row for row in frame.iter_rows(named=True)}
    return rows


def fates_of(workspace: Workspace, ref: Ref = REF) -> pl.DataFrame:
    return pl.read_parquet(workspace.version(ref) / "fates.parquet")


def data_of(workspace: Workspace, ref: Ref = REF) -> pl.DataFrame:
    """The data rows with their split."""
    files = sorted((workspace.version(ref) / "data").glob("*.parquet"))
    return pl.concat([pl.read_parquet(file).with_columns(split=pl.lit(file.name.partition("-")[0])) for file in files])


def unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def components(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Naive connected components: dialogues that share a content or a lineage, directly or over others."""
    neighbours: dict[tuple[str, ...], list[str]] = defaultdict(list)
    keys: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        lineage = row["provenance"]["lineage"]
        mine = [("content", row["content_hash"])] + ([("lineage", row["source"], lineage)] if lineage else [])
        keys[row["dialogue_id"]] = mine
        for key in mine:
            neighbours[key].append(row["dialogue_id"])
    label: dict[str, int] = {}
    for number, start in enumerate(keys):
        waiting = [start] if start not in label else []
        while waiting:
            name = waiting.pop()
            if name not in label:
                label[name] = number
                waiting += [other for key in keys[name] for other in neighbours[key]]
    return label


def test_one_fate_a_dialogue_looked_at(built):
    fates = fates_of(built)
    assert fates["dialogue_id"].is_unique().all()
    assert set(fates["dialogue_id"]) == set(corpus_rows(built))
    assert set(fates["fate"]) == {"kept", "dropped"}
    dropped = fates.filter(pl.col("fate") == "dropped")
    assert dropped.select(pl.col("step").is_null().any() | pl.col("reason").is_null().any()).item() is False
    assert {"filter", "dedup", "mix"} <= set(dropped["step"])


def test_kept_fates_are_the_data_rows(built):
    kept = fates_of(built).filter(pl.col("fate") == "kept").select("dialogue_id", "split")
    assert sorted(kept.iter_rows()) == sorted(data_of(built).select("dialogue_id", "split").iter_rows())


def test_data_rows_are_the_corpus_rows(built):
    rows = corpus_rows(built)
    for row in data_of(built).drop("split").iter_rows(named=True):
        assert row == rows[row["dialogue_id"]]


def test_manifest_counts_what_the_files_hold(built):
    manifest, data = built.version_manifest(REF), data_of(built)
    for split, digest in manifest.identity.splits.items():
        rows = data.filter(pl.col("split") == split)
        assert (digest.rows, digest.tokens) == (rows.height, rows["n_tokens"].sum())
    assert sum(entry.rows for entry in manifest.data) == data.height == 360
    by_source = Counter(data["source"].to_list())
    for line in manifest.mix:
        assert line.dialogues == sum(by_source[source] for source in line.sources) == line.budget
        assert line.shortfall == 0


def test_the_ledger_leads_from_raw_rows_to_kept_rows(built):
    manifest, kept = built.version_manifest(REF), Counter(data_of(built)["source"].to_list())
    dropped = Counter(
        fates_of(built).filter(pl.col("fate") == "dropped").select("source", "step", "reason").iter_rows()
    )
    for source in SOURCES:
        lines = [line for line in manifest.ledger if line.source == source]
        passed = [line for line in lines if line.reason is None and line.unit == "dialogues"]
        for before, after in pairwise(passed[1:]):
            assert before.rows_out == after.rows_in
        assert passed[-1].rows_out == kept[source]
        assert lines[: len(built.corpus_manifest(source).ledger)] == built.corpus_manifest(source).ledger
    stated = {(line.source, line.step, line.reason): line.rows for line in manifest.ledger if line.reason}
    assert {key: stated[key] for key in dropped} == dropped


def test_duplicates_leave_the_one_that_the_recipe_prefers(built, recipe):
    rows, order = corpus_rows(built), recipe.sources()
    in_step = fates_of(built).filter(
        ~pl.col("step").is_in(["select", "terms", "filter", "safety"]) | pl.col("step").is_null()
    )
    by_content = defaultdict(list)
    for name in in_step["dialogue_id"]:
        by_content[rows[name]["content_hash"]].append(name)
    survivors = {
        hash_: min(names, key=lambda name: (order.index(rows[name]["source"]), name))
        for hash_, names in by_content.items()
    }
    duplicates = in_step.filter(pl.col("step") == "dedup")
    assert set(in_step["dialogue_id"]) - set(duplicates["dialogue_id"]) == set(survivors.values())
    for fate in duplicates.iter_rows(named=True):
        assert fate["detail"] == survivors[rows[fate["dialogue_id"]]["content_hash"]]
    crossing = [fate for fate in duplicates.iter_rows(named=True) if not fate["detail"].startswith(fate["source"])]
    assert crossing, "the sample asks magpie what it asked lmsys"


def test_sampling_follows_the_published_hash(built, recipe):
    candidates = fates_of(built).filter(pl.col("step").is_null() | (pl.col("step") == "mix"))
    for (component,), rows in candidates.group_by("component"):
        ordered = sorted(rows.iter_rows(named=True), key=lambda row: unit(f"{recipe.seed}|{row['dialogue_id']}"))
        budget = built.version_manifest(REF).mix[component].budget
        assert [row["fate"] for row in ordered] == ["kept"] * budget + ["dropped"] * (len(ordered) - budget)
        for row in ordered:
            assert row["u"] == unit(f"{recipe.seed}|{row['dialogue_id']}")
            assert row["threshold"] == (ordered[budget]["u"] if budget < len(ordered) else 1)


def test_no_component_straddles_splits_and_each_has_the_split_of_its_hashes(built):
    rows, fates = corpus_rows(built), fates_of(built)
    label, splits, own = components(rows.values()), defaultdict(set), defaultdict(list)
    for name, split in fates.select("dialogue_id", "split").iter_rows():
        splits[label[name]].add(split)
        lineage = rows[name]["provenance"]["lineage"]
        member = f"{rows[name]['source']}:{lineage}" if lineage else rows[name]["content_hash"]
        own[label[name]].append(unit(f"quimbot-split-1|{member}"))
    assert max(len(found) for found in own.values()) > 2, "the sample ties dialogues together"
    for number, found in splits.items():
        due = "test" if min(own[number]) < 0.1 else "validation" if min(own[number]) < 0.2 else "train"
        assert found == {due}


def test_a_mix_that_grows_keeps_its_rows(copied, recipe):
    small, _ = made(copied, changed(recipe, size=300))
    assert set(data_of(copied, small)["dialogue_id"]) < set(data_of(copied)["dialogue_id"])


def test_a_size_in_tokens_is_met_to_less_than_a_dialogue(copied, recipe):
    ref, manifest = made(copied, changed(recipe, unit="tokens", size=12_000))
    candidates = fates_of(copied, ref).filter(pl.col("step").is_null() | (pl.col("step") == "mix"))
    assert sum(line.budget for line in manifest.mix) == 12_000
    for line in manifest.mix:
        assert line.tokens + line.shortfall == line.budget
        first_left = candidates.filter(component=line.component, fate="dropped").sort("u").head(1)
        tokens = corpus_rows(copied)[first_left["dialogue_id"].item()]["n_tokens"]
        assert line.shortfall < tokens


def test_size_max_fills_the_binding_component(copied, recipe):
    _, manifest = made(copied, changed(recipe, size="max"))
    assert any(line.budget == line.available for line in manifest.mix)
    assert all(line.dialogues == line.budget <= line.available for line in manifest.mix)


def test_the_number_of_groups_leaves_no_trace(copied, recipe, monkeypatch):
    monkeypatch.setattr(run_module, "NARROW_WEIGHT", pl.lit(2**18, pl.Int64))
    ref, manifest = made(copied, recipe, "1.0.1")
    assert manifest.id == copied.version_manifest(REF).id
    assert version_bytes(copied, ref) == version_bytes(copied)


def test_terms_and_safety_drop_by_name(copied, recipe):
    parts = [
        {"family": "conversation", "weight": 0.5, "sources": ["lmsys"]},
        {"family": "safety", "weight": 0.5, "sources": ["prosocial"]},
    ]
    policy = {"flagged": "drop", "labels": {}, "categories": {}}
    ref, _ = made(copied, changed(recipe, size=20, components=parts, safety=policy))
    rows = corpus_rows(copied)
    for fate in fates_of(copied, ref).iter_rows(named=True):
        flagged = (rows[fate["dialogue_id"]]["safety"] or {}).get("flagged", False)
        assert (fate["reason"] == "flagged") == (flagged and fate["step"] != "filter")
    with pytest.raises(MixError, match="binds"):
        made(copied, changed(recipe, profile="redistributable"))


def test_flagged_answers_are_kept_out_of_the_loss(copied, recipe):
    policy = {"flagged": "untrain", "labels": {}, "categories": {}}
    ref, _ = made(copied, changed(recipe, safety=policy))
    for row in data_of(copied, ref).iter_rows(named=True):
        flagged = (row["safety"] or {}).get("flagged_positions", [])
        assistants = {place for place, message in enumerate(row["messages"]) if message["role"] == "assistant"}
        assert set(row["untrained"]) >= set(flagged) & assistants
        assert set(row["untrained"]) <= assistants


def test_a_language_held_out_goes_to_test_whole(copied, recipe):
    ref, _ = made(copied, changed(recipe, splits={"validation": 0.1, "test": 0.1, "languages": ["lg"]}))
    languages = data_of(copied, ref).filter(pl.col("language") == "lg")
    assert languages.height
    assert set(languages["split"]) == {"test"}


def test_a_mix_that_cannot_be_met_names_the_ways_out(built, recipe):
    with pytest.raises(MixError, match=r"tutor.*binds.*set size to [0-9,]+"):
        build(built, changed(recipe, size=100_000), Ref("small", "9.0.0"))
    assert not built.version(Ref("small", "9.0.0")).exists()


def test_sources_that_cannot_serve_are_refused(built, recipe):
    def alone(source: str, family: str) -> Recipe:
        return changed(recipe, components=[{"family": family, "weight": 1.0, "sources": [source]}])

    ref = Ref("small", "9.0.0")
    with pytest.raises(RecipeError, match="learner texts"):
        build(built, alone("toefl11", "pedagogical"), ref)
    with pytest.raises(RecipeError, match="whose family is instruction"):
        build(built, alone("magpie", "safety"), ref)
    with pytest.raises(MissingError, match="quimbot ingest nowhere"):
        build(built, alone("nowhere", "safety"), ref)


@pytest.mark.parametrize(("field", "words"), [("tokenizer", "tokens by words"), ("schema_version", "schema version 0")])
def test_corpora_that_do_not_agree_are_refused(copied, recipe, field, words):
    other = {"tokenizer": Tokenizer(name="words", sha256="0" * 64), "schema_version": 0}[field]
    stated = copied.corpus_manifest("waxal").model_copy(update={field: other})
    write_model(copied.corpus("waxal") / "manifest.json", stated)
    with pytest.raises(IntegrityError, match=f"waxal has {words}"):
        made(copied, recipe)


def test_a_corpus_that_changed_on_disk_is_refused(copied, recipe):
    entry = copied.corpus_manifest("waxal").dialogues[0]
    path = copied.corpus("waxal") / entry.path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="ingest waxal"):
        made(copied, recipe)
    path.unlink()
    with pytest.raises(IntegrityError, match="no file"):
        made(copied, recipe)
