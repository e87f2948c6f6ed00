"""What meets across corpora in a build: near-duplicates, evaluation sets, prompt skeletons, epochs."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chats import talk, unlike
from raw_rows import write_lines
from stories import REF, STORY, data, fates, lay, recipe

from quimbot_data.build import build
from quimbot_data.plan import plan
from quimbot_data.report import print_plan
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import MissingError
from schemas.manifest import VersionManifest
from schemas.recipe import Recipe

pytestmark = pytest.mark.usefixtures("plain_card")


def made(workspace: Workspace, asked: Recipe) -> VersionManifest:
    manifest = build(workspace, asked, REF)[0]
    assert verify(workspace, REF) == []
    return manifest


@pytest.fixture
def alike(tmp_path: Path) -> Workspace:
    first = [talk("z", "Tell me a story.", STORY), *(talk(str(n), f"Say {n}.", unlike(n)) for n in range(30))]
    second = [talk("a", "Tell me a story.", STORY.replace("windy", "stormy")), talk("b", "Tell me a story.", STORY)]
    return lay(tmp_path, {"first": first, "second": second})


def test_the_source_named_first_survives_near_duplicates(alike: Workspace) -> None:
    made(alike, recipe(["first", "second"], near_duplicates={"action": "drop"}))
    found = fates(alike)
    assert (found["first:z"]["fate"], found["first:z"]["cluster_id"]) == ("kept", "first:z")
    dropped = found["second:a"]
    assert (dropped["step"], dropped["reason"], dropped["detail"]) == ("dedup", "near-duplicate", "first:z")
    assert (found["second:b"]["reason"], found["second:b"]["detail"]) == ("exact-duplicate", "first:z")
    kept = data(alike)
    assert kept.filter(pl.col("cluster_id").is_not_null())["dialogue_id"].to_list() == ["first:z"]
    assert kept.height == 31


def test_tied_clusters_are_kept_named_and_share_a_split(alike: Workspace) -> None:
    wide = {"validation": 0.3, "test": 0.3}
    made(alike, recipe(["second", "first"], near_duplicates={"action": "tie"}, splits=wide))
    cluster = data(alike).filter(pl.col("cluster_id") == "second:a")
    assert sorted(cluster["dialogue_id"]) == ["second:a", "second:b"], "the third is an exact duplicate of one of them"
    found = fates(alike)
    assert {found[key]["split"] for key in ("second:a", "second:b", "first:z")} == set(cluster["split"])
    assert len(set(cluster["split"])) == 1


def test_without_the_step_near_duplicates_stay(alike: Workspace) -> None:
    made(alike, recipe(["first", "second"]))
    assert fates(alike)["second:a"]["fate"] == "kept"
    assert data(alike)["cluster_id"].is_null().all()


def test_shards_and_threads_leave_no_trace_in_clusters(tmp_path: Path) -> None:
    rows = [talk(f"{n}", f"Tell {n}.", STORY.replace("old", f"old{n % 7}")) for n in range(60)]
    asked = recipe(["one"], near_duplicates={"action": "drop"})
    ids = set()
    for number, threads in enumerate((1, 2)):
        workspace = lay(tmp_path / str(number), {"one": rows if number else rows[::-1]})
        ids.add(build(workspace, asked, REF, threads=threads)[0].id)
    assert len(ids) == 1


def test_what_holds_evaluation_text_is_dropped_and_the_item_named(alike: Workspace) -> None:
    folder = alike.root / "evaluation"
    folder.mkdir()
    quiz = [{"id": "q7", "question": unlike(3)}, {"id": "q8", "question": "Where does the kingfisher build its nest?"}]
    write_lines(quiz, folder / "quiz.jsonl")
    write_lines([{"id": "o1", "question": unlike(777)}], folder / "other.jsonl")
    manifest = made(alike, recipe(["first", "second"], decontaminate={"sets": ["quiz.jsonl", "other.jsonl"]}))
    dropped = fates(alike)["first:3"]
    assert (dropped["step"], dropped["reason"]) == ("decontaminate", "evaluation-item")
    assert dropped["detail"] == "quiz.jsonl: q7"
    hit, missed = manifest.evaluation
    assert (hit.items, hit.items_hit, hit.dialogues_hit) == (2, 1, 1)
    assert (missed.set, missed.dialogues_hit) == ("other.jsonl", 0)
    assert set(manifest.identity.evaluation_sets) == {"quiz.jsonl", "other.jsonl"}
    write_lines([{"id": "o1", "question": unlike(778)}], folder / "other.jsonl")
    again = build(
        alike,
        recipe(["first", "second"], decontaminate={"sets": ["quiz.jsonl", "other.jsonl"]}),
        Ref("meeting", "1.0.1"),
    )
    assert again[0].id != manifest.id, "a version that was held against another set is another version"


@pytest.mark.slow
def test_a_versions_held_out_splits_serve_as_evaluation_set(alike: Workspace) -> None:
    wide = {"validation": 0.3, "test": 0.3}
    made(alike, recipe(["first"], splits=wide))
    held = set(data(alike).filter(pl.col("split") != "train")["dialogue_id"])
    later = recipe(["first"], decontaminate={"sets": ["meeting@1.0.0"]}, name="later")
    build(alike, later, Ref("later", "1.0.0"))
    found = fates(alike, Ref("later", "1.0.0"))
    assert held
    assert {key for key, fate in found.items() if fate["step"] == "decontaminate"} == held


def test_a_set_that_is_not_there_is_named(alike: Workspace) -> None:
    with pytest.raises(MissingError, match=r"quiz\.jsonl does not exist.*Copy the set there"):
        build(alike, recipe(["first"], decontaminate={"sets": ["quiz.jsonl"]}), REF)


def test_a_skeleton_gives_no_more_rows_than_the_recipe_allows(tmp_path: Path) -> None:
    spam = [talk(f"s{n}", f"Write an article about the production process of item {n}.", unlike(n)) for n in range(9)]
    workspace = lay(tmp_path, {"one": [*spam, talk("own", "Why do cats purr when they sleep?", unlike(50))]})
    made(workspace, recipe(["one"], filters={"max_rows_per_skeleton": 4}))
    found = fates(workspace)
    dropped = [fate for fate in found.values() if fate["step"] == "skeletons"]
    assert len(dropped) == 5
    assert {fate["reason"] for fate in dropped} == {"max_rows_per_skeleton"}
    assert len({fate["detail"] for fate in dropped}) == 1
    assert found["one:own"]["fate"] == "kept"


@pytest.mark.slow
def test_epochs_fill_a_budget_and_say_so(tmp_path: Path) -> None:
    workspace = lay(tmp_path, {"one": [talk(str(n), f"Say {n}.", unlike(n)) for n in range(40)]})
    parts = [{"family": "conversation", "weight": 1.0, "sources": ["one"], "max_epochs": 3}]
    asked = recipe([], components=parts, size=90, splits={"validation": 0.1, "test": 0.1})
    planned = plan(workspace, asked)
    manifest = made(workspace, asked)
    rows, found = data(workspace), fates(workspace)
    assert rows.height == 90
    assert rows["dialogue_id"].is_unique().all()
    held_out = {key for key, fate in found.items() if fate["split"] != "train"}
    assert held_out
    assert all(found[key]["copies"] == 1 for key in held_out), "what is held out is never repeated"
    assert sum(fate["copies"] for fate in found.values()) == 90
    again = rows.filter(pl.col("dialogue_id").str.contains("@epoch"))
    assert set(again["split"]) == {"train"}
    assert manifest.mix[0].repeats == again.height == 50
    (line,) = [line for line in manifest.ledger if line.step == "repeated" and line.reason]
    assert (line.rows_in, line.rows_out, line.reason, line.rows) == (40, 90, "epochs", 50)
    assert (planned.components[0].takes_dialogues, planned.components[0].takes_tokens) == (90, rows["n_tokens"].sum())


def test_a_plan_is_what_the_build_does_and_writes_nothing(alike: Workspace) -> None:
    parts = [
        {"family": "conversation", "weight": 0.75, "sources": ["first"]},
        {"family": "conversation", "weight": 0.25, "sources": ["second"]},
    ]
    asked = recipe([], components=parts, near_duplicates={"action": "tie"}, unit="tokens", size=1200)
    before = {path for path in alike.root.rglob("*") if ".locks" not in path.parts}
    planned = plan(alike, asked)
    assert planned.problem is not None
    assert "second" in planned.problem
    assert str(f"{planned.feasible:,}") in planned.problem
    assert [line.binds for line in planned.components] == [False, True]
    assert {path for path in alike.root.rglob("*") if ".locks" not in path.parts} - before <= {alike.root / ".scratch"}
    fitting = asked.model_copy(update={"size": planned.feasible})
    again, manifest = plan(alike, fitting), made(alike, fitting)
    assert again.problem is None
    assert again.feasible == planned.feasible
    for line, got in zip(again.components, manifest.mix, strict=True):
        assert (line.takes_dialogues, line.takes_tokens, line.budget) == (got.dialogues, got.tokens, got.budget)
        assert line.budget - line.takes == got.shortfall


@pytest.mark.parametrize("trees", [2, 400])
def test_a_plan_tells_of_splits_that_few_trees_skew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trees: int
) -> None:
    def message(key: str, role: str, *replies: dict[str, Any]) -> dict[str, Any]:
        return {"message_id": key, "role": role, "text": unlike(number_of[key]), "replies": list(replies)}

    number_of = {f"{kind}{number}": place for place, (kind, number) in enumerate(product("pa", range(400)))}
    rows = [
        message(f"p{tree}", "prompter", *(message(f"a{n}", "assistant") for n in range(tree, 400, trees)))
        for tree in range(trees)
    ]
    planned = plan(lay(tmp_path, {"one": rows}), recipe(["one"], splits={"validation": 0.1, "test": 0.1}))
    print_plan(planned)
    assert sum(split.dialogues for split in planned.splits) == 400
    assert sum(split.share for split in planned.splits) == pytest.approx(1)
    told = "Splits stray from what is asked" in capsys.readouterr().err
    assert told == any(split.strays for split in planned.splits) == (trees == 2)


def test_the_record_names_every_step_with_its_rows_time_and_memory(alike: Workspace) -> None:
    asked = recipe(["first", "second"], near_duplicates={"action": "drop"})
    steps = made(alike, asked).record["steps"]
    names = [step["step"] for step in steps]
    assert names == ["look", "near-duplicates", "duplicates", "evaluation", "skeletons", "splits", "collect", "write"]
    assert {step["rows"] for step in steps if step["step"] in ("look", "duplicates", "splits", "collect")} == {33}
    assert all(step["peak_mb"] > 0 and step["seconds"] >= 0 for step in steps)
    read = alike.corpus_manifest("first").record["steps"]
    assert [(step["step"], step["rows"]) for step in read] == [("read", 31), ("write", 31)]


def test_progress_goes_to_machines_as_json_lines(alike: Workspace, quimbot: Any) -> None:
    path = alike.root / "meeting.toml"
    path.write_text(
        'name = "meeting"\nunit = "dialogues"\nsize = 5\n'
        '[[components]]\nfamily = "conversation"\nweight = 1.0\nsources = ["first"]\n'
    )
    ran = quimbot("build", path, "--version", "1.0.0", "--log-json", "--workspace", alike.root)
    assert ran.code == 0
    events = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert {"look", "write"} <= {event["step"] for event in events}
    assert all(event["run"] == "build meeting@1.0.0" for event in events)
    finished = [event for event in events if event.get("finished")]
    assert finished
    assert all(event["rows"] >= 0 and event["seconds"] >= 0 and event["peak_mb"] > 0 for event in finished)


def test_the_plan_command_exits_1_where_the_mix_cannot_be_met(alike: Workspace, quimbot: Any) -> None:
    path = alike.root / "meeting.toml"
    text = (
        'name = "meeting"\nunit = "dialogues"\nsize = {}\n'
        '[[components]]\nfamily = "conversation"\nweight = 1.0\nsources = ["first"]\n'
    )
    path.write_text(text.format(31))
    ran = quimbot("plan", path, "--json", "--workspace", alike.root)
    assert ran.code == 0
    assert json.loads(ran.out)["components"][0]["takes"] == 31
    path.write_text(text.format(32))
    ran = quimbot("plan", path, "--workspace", alike.root)
    assert ran.code == 1
    assert "31 feasible" in ran.out
    assert "Ways out" in ran.err
