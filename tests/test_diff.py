"""`diff`: every row that differs is named with one reason."""

from typing import Any

import polars as pl
import pytest
from chats import data_of, fates_of, ids_of, ingested, made, mix, rewrite_fates, talk, talks, unlike
from raw_rows import write_lines
from versions_to_compare import WIDE, counted

from quimbot_data.diff import diff
from quimbot_data.workspace import Ref, Workspace
from schemas.diff import Diff
from schemas.errors import IntegrityError

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


# The promise of the mix


def test_adding_a_source_at_unchanged_budgets_leaves_the_others_but_for_duplicates_that_go_to_it(
    to_compare: Workspace,
) -> None:
    old = {"family": "conversation", "weight": 1.0, "sources": ["old"]}
    near = {"action": "drop"}
    a = made(to_compare, mix(components=[old], size=30, near_duplicates=near))
    new = {"family": "conversation", "weight": 0.4, "sources": ["new"]}
    grown = mix(components=[new, old | {"weight": 0.6}], size=50, near_duplicates=near)
    b = made(to_compare, grown)
    assert [line.budget for line in to_compare.version_manifest(b).mix] == [20, 30]
    found = diff(to_compare, a, b, examples=100)

    before, after = ids_of(to_compare, a), ids_of(to_compare, b)
    dropped = {name: fate["detail"] for name, fate in fates_of(to_compare, b).items() if fate["step"] == "dedup"}
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
    rows_a, rows_b = (data_of(to_compare, ref).filter(pl.col("dialogue_id").is_in(kept.implode())) for ref in (a, b))
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


def test_a_row_has_the_reason_that_the_other_versions_fates_name(to_compare: Workspace) -> None:
    (to_compare.root / "evaluation").mkdir()
    write_lines([{"id": "q7", "question": unlike(20)}], to_compare.root / "evaluation" / "quiz.jsonl")
    base = made(to_compare, mix("old", "new", name="base"))

    def against(**fields: Any) -> Diff:
        return diff(to_compare, base, made(to_compare, mix("old", "new", name="other", **fields)), examples=5)

    longest = max(data_of(to_compare, base)["n_chars"])
    long = sum(data_of(to_compare, base)["n_chars"] == longest)
    found = against(filters={"max_chars": longest - 1})
    assert counted(found) == {("removed", "filter: max_chars"): long}
    assert [(row.key, row.a, row.b) for row in found.recipe] == [("filters.max_chars", "null", str(longest - 1))]

    licensed = sum(data_of(to_compare, base)["source"] == "new")
    assert counted(against(profile="commercial")) == {("removed", "terms: non-commercial"): licensed}

    found = against(decontaminate={"sets": ["quiz.jsonl"]})
    (hit,) = found.examples
    assert (hit.dialogue_id, hit.why(), hit.because) == ("old:20", "decontaminate: evaluation-item", "quiz.jsonl: q7")
    assert "evaluation set quiz.jsonl" in {row.key for row in found.recipe}

    found = against(near_duplicates={"action": "drop"})
    assert counted(found, "removed") == {("removed", "duplicate: near-duplicate of old"): 5}
    assert {row.survivor for row in found.handovers} == {f"old:{n}" for n in range(10, 15)}
    assert counted(found, "changed") == {("changed", "recipe: cluster_id"): 5}, "survivors name their cluster"


def test_what_the_mix_takes_has_its_keys_as_reason(to_compare: Workspace) -> None:
    base = made(to_compare, mix("old", name="base", size=20))
    grown = diff(to_compare, base, made(to_compare, mix("old", name="grown", size=25)))
    assert counted(grown) == {("added", "recipe: size"): 5}
    assert counted(diff(to_compare, Ref("grown", "1.0.0"), base)) == {("removed", "recipe: size"): 5}
    drawn = counted(diff(to_compare, base, made(to_compare, mix("old", name="drawn", size=20, seed=7))))
    assert set(drawn) == {("removed", "recipe: seed"), ("added", "recipe: seed")}
    gone = diff(to_compare, base, made(to_compare, mix("new", name="gone", size=20)))
    assert set(counted(gone)) == {("removed", "recipe: sources"), ("added", "recipe: sources")}
    assert [(row.source, row.corpus_b is None) for row in gone.sources] == [("new", False), ("old", True)]


def test_room_that_others_leave_goes_to_what_was_over_budget(to_compare: Workspace) -> None:
    base = made(to_compare, mix("old", size=20))
    dropped = sorted(ids_of(to_compare, base))[:3]
    ingested(to_compare, "old", [row for row in talks(range(45)) if f"old:{row['id']}" not in dropped])
    found = diff(to_compare, base, made(to_compare, mix("old", size=20)))
    assert counted(found, "removed") == {("removed", "source revision"): 3}
    assert counted(found, "added") == {("added", "over budget"): 3}


def test_repeats_that_come_and_go_are_epochs(to_compare: Workspace) -> None:
    part = {"family": "conversation", "weight": 1.0, "sources": ["old"], "max_epochs": 3}
    often = made(to_compare, mix(components=[part], size=90, splits=WIDE, name="often"))
    seldom = made(to_compare, mix(components=[part], size=60, splits=WIDE, name="seldom"))
    found = diff(to_compare, often, seldom, examples=100)
    assert counted(found) == {("removed", "epochs: size"): 30}
    assert all("@epoch" in row.dialogue_id for row in found.examples)
    assert counted(diff(to_compare, seldom, often)) == {("added", "epochs: size"): 30}


def test_a_revised_source_adds_removes_and_changes(to_compare: Workspace) -> None:
    base = made(to_compare, mix("old"))
    rows = talks(range(3, 48))
    rows[0] = talk(3, "Say 3.", "Another answer altogether, of other words.")
    ingested(to_compare, "old", rows)
    found = diff(to_compare, base, made(to_compare, mix("old")), examples=9)
    changed = [row for row in found.counts if row.change == "changed"]
    assert counted(found, "removed", "added") == {("removed", "source revision"): 3, ("added", "source revision"): 3}
    assert (len(changed), changed[0].reason, changed[0].dialogues) == (1, "source revision", 1)
    assert {"messages", "n_tokens", "n_chars"} <= set(changed[0].detail.split(", "))
    (shown,) = [row for row in found.examples if row.change == "changed"]
    assert (shown.dialogue_id, str(shown.text).splitlines()[1][:25]) == ("old:3", "assistant: Another answer")


def test_a_move_between_splits_is_a_change_of_its_own(to_compare: Workspace) -> None:
    base = made(to_compare, mix("old", splits=WIDE))
    found = diff(to_compare, base, made(to_compare, mix("old", splits={"validation": 0.0, "test": 0.2})))
    moved = (data_of(to_compare, base)["split"] == "validation").sum()
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


def test_takedowns_are_told_by_their_step_and_not_quoted(to_compare: Workspace) -> None:
    base, other = made(to_compare, mix("old")), made(to_compare, mix("old", filters={"max_chars": 120}))
    gone = ids_of(to_compare, base) - ids_of(to_compare, other)
    assert gone
    fated = pl.col("step") == "filter"
    rewrite_fates(
        to_compare,
        other,
        lambda fates: fates.with_columns(
            step=pl.when(fated).then(pl.lit("takedown")).otherwise("step"),
            reason=pl.when(fated).then(pl.lit("taken-down")).otherwise("reason"),
            detail=pl.when(fated).then(pl.lit("td-0123456789ab")).otherwise("detail"),
        ),
    )
    found = diff(to_compare, base, other)
    assert counted(found) == {("removed", "takedown: taken-down"): len(gone)}
    assert {(row.because, row.text) for row in found.examples} == {("td-0123456789ab", None)}


def test_what_nothing_recorded_explains_is_no_diff(to_compare: Workspace) -> None:
    base, other = made(to_compare, mix("old")), made(to_compare, mix("old", filters={"max_chars": 120}))
    rewrite_fates(to_compare, other, lambda fates: fates.filter(pl.col("fate") == "kept"))
    with pytest.raises(IntegrityError, match=r"explains why old:\d+ was removed.*quimbot verify"):
        diff(to_compare, base, other)
