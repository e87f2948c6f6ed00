"""`diff`: every row that differs is named with one reason, the counts add up, and shifts are as large as they are said
to be."""

import doctest
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chats import data_of, fates_of, ids_of, ingested, made, mix, rewrite_fates, talk, talks, unlike
from conftest import RECIPE, Ran, files_below, write_plain_card
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from property_tests import tried
from raw_rows import write_lines

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.diff import diff, effects, examples, sides
from quimbot_data.diff.changes import changes
from quimbot_data.ingest import ingest
from quimbot_data.samples import lay_out
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, read_model, write_model
from schemas.diff import Diff, LengthShift, ShareShift
from schemas.errors import IntegrityError, MissingError
from schemas.manifest import Documents
from schemas.recipe import parse_recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]

WIDE = {"validation": 0.2, "test": 0.2}


def counted(found: Diff, *changes: str) -> dict[tuple[str, str], int]:
    """Dialogues by change and reason with its detail."""
    rows: Counter[tuple[str, str]] = Counter()
    for count in found.counts:
        if not changes or count.change in changes:
            rows[count.change, count.why()] += count.dialogues
    return dict(rows)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two corpora: `old`, 45 talks, and `new`, which repeats some of them. Not to be written to."""
    workspace = Workspace(tmp_path_factory.mktemp("diff") / "datasets")
    ingested(workspace, "old", talks(range(45)))
    near = [talk(f"near{n}", f"Say {n}.", unlike(n).rpartition(" ")[0]) for n in range(10, 15)]
    equal = [talk(f"equal{n}", f"Say {n}.", unlike(n)) for n in range(10)]
    ingested(
        workspace, "new", [*equal, *near, *talks(range(100, 125))], "CC-BY-NC-4.0", "attribution", "non-commercial"
    )
    return workspace


@pytest.fixture
def own(corpora: Workspace, tmp_path: Path) -> Workspace:
    """The two corpora in a workspace to be written to."""
    shutil.copytree(corpora.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


# The promise of the mix


def test_adding_a_source_at_unchanged_budgets_leaves_the_others_but_for_duplicates_that_go_to_it(
    own: Workspace,
) -> None:
    old = {"family": "conversation", "weight": 1.0, "sources": ["old"]}
    near = {"action": "drop"}
    a = made(own, mix(components=[old], size=30, near_duplicates=near))
    new = {"family": "conversation", "weight": 0.4, "sources": ["new"]}
    grown = mix(components=[new, old | {"weight": 0.6}], size=50, near_duplicates=near)
    b = made(own, grown)
    assert [line.budget for line in own.version_manifest(b).mix] == [20, 30]
    found = diff(own, a, b, examples=100)

    before, after = ids_of(own, a), ids_of(own, b)
    dropped = {name: fate["detail"] for name, fate in fates_of(own, b).items() if fate["step"] == "dedup"}
    given_up = {name: dropped[name] for name in before if name in dropped}
    assert before - after == set(given_up), "no row leaves but for a duplicate"
    assert all(survivor.startswith("new:") for survivor in given_up.values())
    assert {reason for reason in ("exact", "near") if any(f"{reason}-dup" in c.detail for c in found.counts)} == {
        "exact",
        "near",
    }
    assert {row.dialogue_id: row.survivor for row in found.handovers} == given_up
    assert {row.dialogue_id: row.because for row in found.examples if row.change == "removed"} == given_up

    kept = pl.Series(sorted(before & after))
    rows_a, rows_b = (data_of(own, ref).filter(pl.col("dialogue_id").is_in(kept.implode())) for ref in (a, b))
    assert rows_a.equals(rows_b), "the others are as they were, in every column and in their splits"
    assert counted(found, "added", "changed", "moved") == {
        ("added", "recipe: sources"): sum(name.startswith("new:") for name in after),
        ("added", "over budget"): len(given_up),
    }
    assert {count.change for count in found.counts if count.source == "old"} == {"removed", "added"}
    assert found.rows("removed") == len(given_up)
    assert {(row.key, row.a, row.b) for row in found.recipe if row.key.startswith("components.conversation(old)")} == {
        ("components.conversation(old).weight", "1.0", "0.6")
    }, "the component is known again"


# Reasons


def test_a_row_has_the_reason_that_the_other_versions_fates_name(own: Workspace) -> None:
    (own.root / "evaluation").mkdir()
    write_lines([{"id": "q7", "question": unlike(20)}], own.root / "evaluation" / "quiz.jsonl")
    base = made(own, mix("old", "new", name="base"))

    def against(**fields: Any) -> Diff:
        return diff(own, base, made(own, mix("old", "new", name="other", **fields)), examples=5)

    longest = max(data_of(own, base)["n_chars"])
    long = sum(data_of(own, base)["n_chars"] == longest)
    found = against(filters={"max_chars": longest - 1})
    assert counted(found) == {("removed", "filter: max_chars"): long}
    assert [(row.key, row.a, row.b) for row in found.recipe] == [("filters.max_chars", "null", str(longest - 1))]

    licensed = sum(data_of(own, base)["source"] == "new")
    assert counted(against(profile="commercial")) == {("removed", "terms: non-commercial"): licensed}

    found = against(decontaminate={"sets": ["quiz.jsonl"]})
    (hit,) = found.examples
    assert (hit.dialogue_id, hit.why(), hit.because) == ("old:20", "decontaminate: evaluation-item", "quiz.jsonl: q7")
    assert "evaluation set quiz.jsonl" in {row.key for row in found.recipe}

    found = against(near_duplicates={"action": "drop"})
    assert counted(found, "removed") == {("removed", "duplicate: near-duplicate of old"): 5}
    assert {row.survivor for row in found.handovers} == {f"old:{n}" for n in range(10, 15)}
    assert counted(found, "changed") == {("changed", "recipe: cluster_id"): 5}, "survivors name their cluster"


def test_what_the_mix_takes_has_its_keys_as_reason(own: Workspace) -> None:
    base = made(own, mix("old", name="base", size=20))
    grown = diff(own, base, made(own, mix("old", name="grown", size=25)))
    assert counted(grown) == {("added", "recipe: size"): 5}
    assert counted(diff(own, Ref("grown", "1.0.0"), base)) == {("removed", "recipe: size"): 5}
    drawn = counted(diff(own, base, made(own, mix("old", name="drawn", size=20, seed=7))))
    assert set(drawn) == {("removed", "recipe: seed"), ("added", "recipe: seed")}
    gone = diff(own, base, made(own, mix("new", name="gone", size=20)))
    assert set(counted(gone)) == {("removed", "recipe: sources"), ("added", "recipe: sources")}
    assert [(row.source, row.corpus_b is None) for row in gone.sources] == [("new", False), ("old", True)]


def test_room_that_others_leave_goes_to_what_was_over_budget(own: Workspace) -> None:
    base = made(own, mix("old", size=20))
    dropped = sorted(ids_of(own, base))[:3]
    ingested(own, "old", [row for row in talks(range(45)) if f"old:{row['id']}" not in dropped])
    found = diff(own, base, made(own, mix("old", size=20)))
    assert counted(found, "removed") == {("removed", "source revision"): 3}
    assert counted(found, "added") == {("added", "over budget"): 3}


def test_repeats_that_come_and_go_are_epochs(own: Workspace) -> None:
    part = {"family": "conversation", "weight": 1.0, "sources": ["old"], "max_epochs": 3}
    often = made(own, mix(components=[part], size=90, splits=WIDE, name="often"))
    seldom = made(own, mix(components=[part], size=60, splits=WIDE, name="seldom"))
    found = diff(own, often, seldom, examples=100)
    assert counted(found) == {("removed", "epochs: size"): 30}
    assert all("@epoch" in row.dialogue_id for row in found.examples)
    assert counted(diff(own, seldom, often)) == {("added", "epochs: size"): 30}


def test_a_revised_source_adds_removes_and_changes(own: Workspace) -> None:
    base = made(own, mix("old"))
    rows = talks(range(3, 48))
    rows[0] = talk(3, "Say 3.", "Another answer altogether, of other words.")
    ingested(own, "old", rows)
    found = diff(own, base, made(own, mix("old")), examples=9)
    changed = [row for row in found.counts if row.change == "changed"]
    assert counted(found, "removed", "added") == {("removed", "source revision"): 3, ("added", "source revision"): 3}
    assert (len(changed), changed[0].reason, changed[0].dialogues) == (1, "source revision", 1)
    assert {"messages", "n_tokens", "n_chars"} <= set(changed[0].detail.split(", "))
    (shown,) = [row for row in found.examples if row.change == "changed"]
    assert (shown.dialogue_id, str(shown.text).splitlines()[1][:25]) == ("old:3", "assistant: Another answer")


def test_a_move_between_splits_is_a_change_of_its_own(own: Workspace) -> None:
    base = made(own, mix("old", splits=WIDE))
    found = diff(own, base, made(own, mix("old", splits={"validation": 0.0, "test": 0.2})))
    moved = (data_of(own, base)["split"] == "validation").sum()
    assert counted(found) == {("moved", "recipe: validation → train"): moved}
    assert moved


def test_a_policy_that_untrains_changes_that_column(scaffolds: Workspace) -> None:
    part = {"family": "conversation", "weight": 1.0, "sources": ["lmsys"]}
    a = made(scaffolds, mix(name="trained", components=[part]))
    b = made(scaffolds, mix(name="untrained", components=[part], safety={"flagged": "untrain"}))
    left, right = ({row["dialogue_id"]: row for row in data_of(scaffolds, ref).to_dicts()} for ref in (a, b))
    differ = [key for key in left.keys() & right.keys() if left[key]["untrained"] != right[key]["untrained"]]
    assert differ
    assert counted(diff(scaffolds, a, b), "changed") == {("changed", "recipe: untrained"): len(differ)}


def test_takedowns_are_told_by_their_step_and_not_quoted(own: Workspace) -> None:
    base, other = made(own, mix("old")), made(own, mix("old", filters={"max_chars": 120}))
    gone = ids_of(own, base) - ids_of(own, other)
    assert gone
    fated = pl.col("step") == "filter"
    rewrite_fates(
        own,
        other,
        lambda fates: fates.with_columns(
            step=pl.when(fated).then(pl.lit("takedown")).otherwise("step"),
            reason=pl.when(fated).then(pl.lit("taken-down")).otherwise("reason"),
            detail=pl.when(fated).then(pl.lit("td-0123456789ab")).otherwise("detail"),
        ),
    )
    found = diff(own, base, other)
    assert counted(found) == {("removed", "takedown: taken-down"): len(gone)}
    assert {(row.because, row.text) for row in found.examples} == {("td-0123456789ab", None)}


def test_what_nothing_recorded_explains_is_no_diff(own: Workspace) -> None:
    base, other = made(own, mix("old")), made(own, mix("old", filters={"max_chars": 120}))
    rewrite_fates(own, other, lambda fates: fates.filter(pl.col("fate") == "kept"))
    with pytest.raises(IntegrityError, match=r"explains why old:\d+ was removed.*quimbot verify"):
        diff(own, base, other)


# Counts


@pytest.fixture(scope="module")
def several(corpora: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Five versions of two names, no two alike. Not to be written to."""
    workspace = Workspace(tmp_path_factory.mktemp("several") / "datasets")
    shutil.copytree(corpora.root, workspace.root)
    part = {"family": "conversation", "weight": 1.0, "sources": ["new", "old"], "max_epochs": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        made(workspace, mix("old", size=30))
        made(workspace, mix("old", "new", size=40, near_duplicates={"action": "drop"}, splits=WIDE))
        made(workspace, mix("new", "old", size=40, near_duplicates={"action": "tie"}, seed=3))
        made(workspace, mix(name="other", components=[part], size=90))
        ingested(workspace, "old", talks(range(20, 60)))
        made(workspace, mix("old", "new", name="other", filters={"max_chars": 140}))
    return workspace


def test_counts_are_those_of_the_files_for_every_pair(several: Workspace) -> None:
    refs = several.versions()
    assert len(refs) == 5
    held = {ref: {row["dialogue_id"]: row for row in data_of(several, ref).to_dicts()} for ref in refs}
    for a, b in permutations(refs, 2):
        found = diff(several, a, b, examples=0)
        left, right = held[a], held[b]
        both = left.keys() & right.keys()
        rewritten = {key for key in both if left[key] | {"split": ""} != right[key] | {"split": ""}}
        moved = {key for key in both - rewritten if left[key]["split"] != right[key]["split"]}
        expected = {
            "removed": [left[key] for key in left.keys() - right.keys()],
            "added": [right[key] for key in right.keys() - left.keys()],
            "changed": [left[key] for key in rewritten],
            "moved": [left[key] for key in moved],
        }
        for change, rows in expected.items():
            by_source = Counter(row["source"] for row in rows)
            said: Counter[str] = Counter()
            for count in found.counts:
                if count.change == change:
                    said[count.source] += count.dialogues
            assert said == by_source, (str(a), str(b), change)
        assert found.kept == len(both) - len(rewritten) - len(moved)
        assert (found.a.dialogues, found.b.dialogues) == (len(left), len(right))
        assert found.examples == []


def test_a_version_against_itself_is_the_same(several: Workspace, quimbot: Callable[..., Ran]) -> None:
    ref = several.versions()[0]
    found = diff(several, ref, ref)
    assert found.same_rows()
    assert (found.kept, found.recipe, found.shifts) == (30, [], [])
    told = quimbot("diff", ref, ref, "--workspace", several.root)
    assert (told.code, "They are the same" in told.out) == (0, True)


def test_the_same_rows_of_another_recipe_say_so(own: Workspace, quimbot: Callable[..., Ran]) -> None:
    a, b = made(own, mix("old", title="One")), made(own, mix("old", title="Two"))
    told = quimbot("diff", a, b, "--workspace", own.root)
    assert "Both hold the same 45 dialogues" in told.out
    assert "title" in told.out
    assert "Shifts" not in told.out


def test_a_damaged_version_is_named(own: Workspace) -> None:
    a, b = made(own, mix("old")), made(own, mix("old", size=9))
    fates = (own.version(a) / "fates.parquet").rename(own.root / "aside")
    with pytest.raises(IntegrityError, match=rf"The files of {a}.*quimbot verify {a}"):
        diff(own, a, b)
    fates.rename(own.version(a) / "fates.parquet")
    for path in (own.version(b) / "data").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=rf"The files of {b}.*quimbot verify {b}"):
        diff(own, a, b)
    with pytest.raises(MissingError, match="Built here"):
        diff(own, a, Ref("nowhere", "1.0.0"))


def test_versions_of_two_schemas_are_compared_by_what_they_share(own: Workspace) -> None:
    a, b = made(own, mix("old")), made(own, mix("old", size=30))
    manifest = own.version_manifest(a)
    for entry in manifest.data:
        pl.read_parquet(own.version(a) / entry.path).drop("quality").write_parquet(own.version(a) / entry.path)
    write_model(
        own.version(a) / "manifest.json",
        manifest.model_copy(update={"identity": manifest.identity.model_copy(update={"schema_version": 0})}),
    )
    found = diff(own, a, b)
    assert (found.a.schema_version, found.b.schema_version) == (0, 1)
    assert counted(found) == {("removed", "recipe: size"): 15}


def test_no_text_is_read_but_that_of_examples(several: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(path: Path, columns: list[str]) -> pl.DataFrame:
        read.extend(columns)
        return pl.read_parquet(path, columns=columns)

    monkeypatch.setattr(sides, "read_parquet", watched)
    diff(several, several.versions()[0], several.versions()[1], examples=0)
    assert "content_hash" in read
    assert "messages" not in read


# Effect sizes

lengths = st.dictionaries(st.integers(0, 40), st.integers(1, 9), max_size=8)
shares = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), max_size=6)


@given(lengths, lengths)
def test_cliffs_delta_is_that_of_all_pairs(a: dict[int, int], b: dict[int, int]) -> None:
    left, right = ([length for length, times in side.items() for _ in range(times)] for side in (a, b))
    delta = effects.cliffs_delta(a, b)
    if not (left and right):
        assert delta is None
        return
    pairs = sum((y > x) - (y < x) for x in left for y in right)
    assert delta == pytest.approx(pairs / len(left) / len(right), abs=1e-8)
    back = effects.cliffs_delta(b, a)
    assert back == pytest.approx(-delta, abs=1e-8)


@given(shares, shares, st.integers(2, 9))
def test_cramers_v_is_that_of_the_table_whatever_the_sizes(a: dict[str, int], b: dict[str, int], times: int) -> None:
    v = effects.cramers_v(a, b)
    if not (a and b):
        assert v is None
        return
    of_a, of_b = sum(a.values()), sum(b.values())
    table = {key: (a.get(key, 0) * of_b, b.get(key, 0) * of_a) for key in a.keys() | b.keys()}  # equal totals
    half = of_a * of_b
    chi2 = sum((x - (x + y) / 2) ** 2 / ((x + y) / 2) * 2 for x, y in table.values())
    assert v == pytest.approx(math.sqrt(chi2 / (2 * half)), abs=1e-8)
    assert v == effects.cramers_v({key: times * count for key, count in a.items()}, b), "rows alone are no shift"
    assert (v < 1e-8) == all(x == y for x, y in table.values())
    assert 0 <= v <= 1


@given(lengths.filter(bool), st.integers(0, 100))
def test_quantiles_are_lengths_that_so_many_do_not_exceed(counts: dict[int, int], percent: int) -> None:
    every = sorted(length for length, times in counts.items() for _ in range(times))
    found = effects.quantile(counts, percent)
    assert sum(length <= found for length in every) * 100 >= percent * len(every)
    assert found == every[0] or sum(length < found for length in every) * 100 < percent * len(every)


def test_examples_in_docstrings() -> None:
    failed, tried = doctest.testmod(effects)
    assert tried >= 4
    assert not failed


# Shifts


@pytest.fixture(scope="module")
def scaffolds(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two versions of the sample dialogues: of all learners, and of heritage learners."""
    root = tmp_path_factory.mktemp("scaffolds")
    workspace = Workspace(root / "datasets")
    folders = lay_out(root / "raw")
    for source in ("synthetic", "prosocial", "lmsys"):
        ingest(workspace, SOURCES[source], [folders[source]], Options())
    learners = {"family": "pedagogical", "weight": 0.75, "sources": ["synthetic"]}
    safety = {"family": "safety", "weight": 0.25, "sources": ["prosocial"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        made(workspace, mix(name="all", components=[learners, safety]))
        heritage = learners | {"backgrounds": ["heritage"], "weight": 0.5}
        made(workspace, mix(name="heritage", components=[heritage, safety | {"weight": 0.5}]))
    return workspace


def stated(rows: list[dict[str, Any]], measure: str) -> list[list[str]]:
    """The values of each dialogue that states a measure, worked out row by row."""

    def learner(key: str) -> Callable[[dict[str, Any]], list[str] | None]:
        return lambda row: (
            [row["pedagogy"]["learner"][key]] if (row["pedagogy"] or {}).get("learner", {}).get(key) else None
        )

    def turns(key: str) -> Callable[[dict[str, Any]], list[str] | None]:
        return lambda row: (
            [each for turn in row["pedagogy"]["turns"] for each in turn[key]] if row["pedagogy"] else None
        )

    of: dict[str, Callable[[dict[str, Any]], list[str] | None]] = {
        **{name: (lambda row, name=name: [row[name]]) for name in ("source", "family", "language", "split")},
        "licence": lambda row: [row["license"]],
        "terms": lambda row: row["terms"],
        "CEFR": learner("cefr"),
        "background": learner("background"),
        "first language": learner("l1"),
        "target language": learner("target_language"),
        "tutor moves": turns("moves"),
        "learner signals": turns("signals"),
        "flagged": lambda row: [["no", "yes"][row["safety"]["flagged"]]] if row["safety"] else None,
        "safety label": lambda row: [row["safety"]["label"]] if (row["safety"] or {}).get("label") else None,
        "safety categories": lambda row: row["safety"]["categories"] if row["safety"] else None,
    }
    return [values for row in rows if (values := of[measure](row)) is not None]


def test_shifts_are_those_of_the_rows(scaffolds: Workspace) -> None:
    a, b = Ref("all", "1.0.0"), Ref("heritage", "1.0.0")
    found = diff(scaffolds, a, b)
    left, right = data_of(scaffolds, a).to_dicts(), data_of(scaffolds, b).to_dicts()
    measures = {shift.measure for shift in found.shifts}
    assert {"CEFR", "background", "first language", "target language", "tutor moves", "terms", "flagged"} <= measures
    assert {"safety label", "tokens", "turns", "characters", "licence", "split", "family", "language"} <= measures
    for shift in found.shifts:
        if isinstance(shift, ShareShift):
            mine, theirs = stated(left, shift.measure), stated(right, shift.measure)
            assert (shift.a, shift.b) == (len(mine), len(theirs)), shift.measure
            of_a, of_b = (Counter(value for values in side for value in set(values)) for side in (mine, theirs))
            assert {row.value: (row.a, row.b) for row in shift.values} == {
                value: (of_a[value], of_b[value]) for value in of_a.keys() | of_b.keys()
            }, shift.measure
            for row in shift.values:
                assert row.share_a == pytest.approx(row.a / shift.a)
        else:
            column = {"tokens": "n_tokens", "turns": "n_turns", "characters": "n_chars"}[shift.measure]
            mine, theirs = ([row[column] for row in side] for side in (left, right))
            pairs = sum((y > x) - (y < x) for x in mine for y in theirs)
            assert shift.effect == pytest.approx(pairs / len(mine) / len(theirs), abs=1e-8)
            assert shift.a
            assert shift.a.p50 == sorted(mine)[math.ceil(len(mine) / 2) - 1]


def test_the_largest_shift_comes_first_and_is_called_by_its_band(scaffolds: Workspace) -> None:
    found = diff(scaffolds, Ref("all", "1.0.0"), Ref("heritage", "1.0.0"))
    places = [effects.BANDS.index(shift.band) for shift in found.shifts]
    assert places == sorted(places)
    for shift in found.shifts:
        limits = effects.COHEN if isinstance(shift, ShareShift) else effects.ROMANO
        assert shift.band == effects.band(shift.effect, limits)
    (background,) = [shift for shift in found.shifts if shift.measure == "background"]
    assert background.band in ("large", "medium")
    assert background.values[0].share_b in (0, 1), "heritage alone is left"


@pytest.mark.slow
def test_what_one_version_alone_states_comes_first(scaffolds: Workspace) -> None:
    none = made(scaffolds, mix(name="none", components=[{"family": "safety", "weight": 1.0, "sources": ["prosocial"]}]))
    found = diff(scaffolds, none, Ref("all", "1.0.0"))
    assert (found.shifts[0].band, found.shifts[0].effect) == ("in one alone", None)
    assert {shift.measure for shift in found.shifts if shift.band == "in one alone"} >= {"CEFR", "tutor moves"}


def test_an_empty_version_compares(own: Workspace) -> None:
    a, b = made(own, mix("old", name="full")), made(own, mix("old", name="empty", unit="tokens", size=1))
    found = diff(own, a, b)
    assert (found.b.dialogues, found.rows("removed")) == (0, 45)
    assert {shift.effect for shift in found.shifts if isinstance(shift, LengthShift)} == {None}


# Examples and forms


def test_examples_are_the_first_by_id_and_the_same_every_time(several: Workspace) -> None:
    a, b = several.versions()[:2]
    found = diff(several, a, b, examples=2)
    assert found == diff(several, a, b, examples=2, threads=1)
    whole = diff(several, a, b, examples=10**6).examples
    assert len(whole) == sum(count.dialogues for count in found.counts)
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in whole:
        groups.setdefault((row.change, row.reason, row.detail, row.source), []).append(row.dialogue_id)
    shown: dict[tuple[str, ...], list[str]] = {}
    for row in found.examples:
        shown.setdefault((row.change, row.reason, row.detail, row.source), []).append(row.dialogue_id)
    assert shown == {key: sorted(ids)[:2] for key, ids in groups.items()}


def test_an_opening_is_cut_and_on_one_line() -> None:
    assert examples._said({"role": "user", "content": " a\n\nb "}) == "user: a b"
    assert len(examples._said({"role": "user", "content": "word " * 99})) == len("user: ") + 160


@pytest.mark.parametrize(("terms", "quoted"), [((), True), (("no-transfer", "unknown"), False)])
def test_a_document_quotes_what_may_travel_and_what_its_version_holds(
    own: Workspace, terms: tuple[str, ...], quoted: bool
) -> None:
    ingested(own, "third", talks(range(200, 230)), "CC0-1.0", *terms)
    a, b = made(own, mix("old", size=20)), made(own, mix("third", size=20))
    found = diff(own, a, b)
    text = changes(found)
    texts = {row.change: row.text for row in found.examples}
    assert "Say 2" in str(texts["added"])
    assert texts["removed"]
    added, removed = ([row for row in found.examples if row.change == change] for change in ("added", "removed"))
    assert all(row.dialogue_id in text for row in (*added, *removed))
    assert all((str(row.text).splitlines()[1] in text) == quoted for row in added)
    assert not any(str(row.text).splitlines()[1] in text for row in removed)


def test_text_in_a_document_is_no_markup(own: Workspace) -> None:
    ingested(own, "third", [talk("a|b`c", "<b>Hi</b> | *there*", "# No heading\n> [no](link)")])
    a, b = made(own, mix("old", size=20)), made(own, mix("old", "third"))
    text = changes(diff(own, a, b, examples=99))
    assert r"\<b\>Hi\</b\> \| \*there\*" in text
    assert r"\[no\](link)" in text
    assert "`third:a\\|b'c`" in text


def test_the_command_prints_a_table_json_or_markdown(
    several: Workspace, quimbot: Callable[..., Ran], tmp_path: Path
) -> None:
    a, b = several.versions()[:2]
    place = ("--workspace", several.root)
    table = quimbot("diff", a, b, *place)
    assert (table.code, table.err) == (0, "")
    for word in ("Rows", "recipe: sources", "kept", "Recipe", "Sources", "Shifts", "Examples", str(a), str(b)):
        assert word in table.out, word
    told = quimbot("diff", a, b, "--json", *place)
    assert Diff.model_validate_json(told.out) == diff(several, a, b)
    text = quimbot("diff", a, b, "--markdown", *place).out
    assert text == changes(diff(several, a, b))
    assert quimbot("-w", several.root, "diff", a, b, "--output", tmp_path / "new" / "CHANGES.md").code == 0
    assert (tmp_path / "new" / "CHANGES.md").read_text("utf-8") == text
    assert quimbot("diff", a, b, "--json", "--output", tmp_path / "diff.json", *place).code == 0
    assert json.loads((tmp_path / "diff.json").read_text("utf-8")) == json.loads(told.out)
    inside = several.version(b) / "x.md"
    quimbot("diff", a, b, "--output", inside, *place).told("lies among the files")
    assert not inside.exists()


refs = st.one_of(
    st.sampled_from(["chats@1.0.0", "chats@2.0.0", "chats@9.9.9", "other@1.0.0", "chats", "chats@1.0", "../x@1.0.0"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40),
    st.from_regex(r"[a-z]{1,5}@[0-9]{1,5000}\.[0-9]\.[0-9]", fullmatch=True),
)


@given(
    refs, refs, st.lists(st.sampled_from(["--json", "--markdown", "--examples=0", "--examples=-1", "--x"]), max_size=2)
)
@example("chats@" + "9" * 5000 + ".0.0", "chats@1.0.0", [])
@example("chats@1.0.٣", "chats@1.0.0", [])
@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_there_is_an_answer_and_nothing_is_written(
    several: Workspace, quimbot: Callable[..., Ran], a: str, b: str, options: list[str]
) -> None:
    before = sorted(path for path in several.root.parent.rglob("*"))
    ran = quimbot("--workspace", several.root, "diff", *options, a, b)
    assert ran.code in (0, 1, 2)
    assert "Traceback" not in ran.err
    assert "Unexpected" not in ran.err
    assert sorted(path for path in several.root.parent.rglob("*")) == before


# CHANGES.md


def test_a_version_says_what_changed_since_the_one_below(own: Workspace) -> None:
    a, b = made(own, mix("old", size=20)), made(own, mix("old", size=25))
    first, second = ((own.version(ref) / "CHANGES.md").read_text("utf-8") for ref in (a, b))
    assert "`chats@1.0.0` has no version below it" in first
    assert second == changes(diff(own, a, b))
    assert f"# Changes in {b}" in second
    for ref in (a, b):
        assert "CHANGES.md" in read_model(own.version(ref) / "documents.json", Documents).files
        assert verify(own, ref) == []


def test_changes_are_written_again_as_long_as_the_version_below_is_there(
    own: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "documents", lambda folder, manifest: {})
    a, b = made(own, mix("old", size=20)), made(own, mix("old", size=25))
    folder = own.version(b)
    before = files_below(folder)
    (folder / "CHANGES.md").write_text("Painted over.")
    assert verify(own, b) != []
    card.refresh_documents(own, b)
    assert files_below(folder) == before
    shutil.rmtree(own.version(a))
    card.refresh_documents(own, b)
    assert files_below(folder) == before, "what it said is kept"
    (folder / "CHANGES.md").unlink()
    card.refresh_documents(own, b)
    assert "has no version below it" in (folder / "CHANGES.md").read_text("utf-8")
    assert verify(own, b) == []


@pytest.mark.slow
def test_the_card_links_it_and_takes_it_along(own: Workspace, tmp_path: Path) -> None:
    a = made(own, mix("old", size=20))
    card.refresh_documents(own, a)
    assert "(CHANGES.md)" in (own.version(a) / "README.md").read_text("utf-8")
    path = card.copy_card(own, a, tmp_path / "cards")
    assert "(chats-1.0.0/CHANGES.md)" in path.read_text("utf-8")
    copy = tmp_path / "cards" / "chats-1.0.0" / "CHANGES.md"
    assert copy.read_bytes() == (own.version(a) / "CHANGES.md").read_bytes()


@pytest.mark.slow
def test_building_again_writes_the_same_changes(copied: Workspace, tmp_path: Path) -> None:
    smaller = parse_recipe(RECIPE.replace("size = 360", "size = 300"), "small.toml")
    again = Workspace(tmp_path / "again")
    shutil.copytree(copied.root, again.root)
    for workspace, threads in ((copied, 1), (again, 2)):
        build(workspace, smaller, Ref("small", "2.0.0"), threads=threads)
    one, two = ((workspace.version(Ref("small", "2.0.0")) / "CHANGES.md").read_bytes() for workspace in (copied, again))
    assert one == two
