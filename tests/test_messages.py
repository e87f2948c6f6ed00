import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from told import DATA, Told, expected, tell

from quimbot_data.sources.files import raw_files
from quimbot_data.sources.flat_trees import tree_batches
from quimbot_data.sources.messages import KEYS, corpus, recognizes
from schemas.errors import InputError

FOLDER = DATA / "provided" / "messages_folder"
MINE = corpus("mine", "conversation", "MIT", ["attribution"])
PAIR = [{"role": "user", "content": "Name a fruit."}, {"role": "assistant", "content": "A pear."}]


def told(folder: Path, *rows: Mapping[str, Any], name: str = "rows.jsonl") -> Told:
    (folder / name).write_text("\n".join(map(json.dumps, rows)))
    return tell(MINE, folder)


def test_the_fixture_folder_is_told_as_expected() -> None:
    outcome = tell(MINE, FOLDER)
    assert outcome.dialogues == expected("messages")
    assert set(outcome.rejected) == {
        ("chat.jsonl", 2, "unknown-role"),
        ("chat.jsonl", 3, "no-conversation"),
        ("chat.jsonl", 4, "not-json"),
        ("tasks.json", 2, "empty-content"),
        ("tasks.json", 3, "malformed-turn"),
        ("trees.jsonl", 1, "no-turns"),
        ("trees.jsonl", 2, "deleted"),
        ("flat_1.jsonl", 2, "orphan"),
        ("flat_1.jsonl", 3, "cycle"),
        ("flat_2.jsonl", 1, "cycle"),
        ("flat_2.jsonl", 2, "repeated-message"),
        ("flat_2.jsonl", 3, "no-message-id"),
        ("flat_2.jsonl", 4, "deleted"),
        ("flat_2.jsonl", 5, "deleted"),
    }
    assert outcome.repaired == {"dangling-user-dropped": 3, "system-from-column": 3, "deleted-branch": 1}
    lines = sum(len(path.read_text().splitlines()) for path in FOLDER.iterdir())
    assert len(outcome.raw_rows) == lines  # `shared.json` is an array written as a row a line


def test_licence_and_terms_are_those_given() -> None:
    mine = corpus("mine", "safety", "CC-BY-4.0", ["unknown", "attribution", "unknown"], title="Mine")
    assert (mine.dossier.title, mine.dossier.family, mine.dossier.terms) == (
        "Mine",
        "safety",
        ("attribution", "unknown"),
    )
    (dialogue, *_) = tell(mine, FOLDER / "chat.jsonl", revision="r2").dialogues
    assert (dialogue["license"], dialogue["terms"]) == ("CC-BY-4.0", ["attribution", "unknown"])
    assert dialogue["provenance"]["revision"] == "r2"


@pytest.mark.parametrize(
    ("wrong", "stated"),
    [
        ("'Mine!' is no source name", ("Mine!", "safety", "MIT", [])),
        ("'chat' is no family. Valid: conversation", ("mine", "chat", "MIT", [])),
        ("' ' is no licence", ("mine", "safety", " ", [])),
        ("free are no terms", ("mine", "safety", "MIT", ["free"])),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_at_once(wrong: str, stated: tuple[str, str, str, list[str]]) -> None:
    with pytest.raises(InputError, match=wrong):
        corpus(*stated)


def test_a_file_without_layout_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": PAIR}))
    (tmp_path / "b.json").write_text('[{"text": "x"}, {"label": 1}]')
    with pytest.raises(InputError, match=r"b\.json has none of the layouts .* keys: label, text\. Valid: messages; "):
        next(MINE.read([tmp_path]))


def test_layouts_are_recognized_by_their_keys() -> None:
    assert recognizes(frozenset({"instruction", "response", "extra"}))
    assert recognizes(frozenset({"message_id", "parent_id", "text", "role"}))
    assert not recognizes(frozenset({"instruction", "input"}))
    assert not recognizes(frozenset())


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(("given", "key"), [("k", "k"), (7, "7"), (" ", None), (True, None), (None, None)])
def test_a_row_s_own_id_is_its_key(tmp_path: Path, name: str, given: object, key: str | None) -> None:
    (dialogue,) = told(tmp_path, {name: given, "messages": PAIR}).dialogues
    assert (dialogue["key"], dialogue["provenance"]["raw_id"]) == (key, key)


def test_parquet_holds_any_layout(tmp_path: Path) -> None:
    pl.DataFrame({"id": ["a", "b"], "messages": [PAIR, None]}).write_parquet(tmp_path / "rows.parquet")
    outcome = tell(MINE, tmp_path)
    assert [dialogue["messages"] for dialogue in outcome.dialogues] == [PAIR]
    assert outcome.reasons == {"no-conversation": 1}


def test_a_system_column_that_is_no_text_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, {"messages": PAIR, "system": 7}).reasons == {"malformed-turn": 1}


# Trees


def node(key: str, role: str, *replies: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"message_id": key, "role": role, "text": f"text of {key}", "replies": list(replies), **more}


def keys(outcome: Told) -> dict[str, str]:
    """Each dialogue's key and its turns, by the ids in their text."""
    return {d["key"]: " ".join(m["content"].removeprefix("text of ") for m in d["messages"]) for d in outcome.dialogues}


def flat(tree: dict[str, Any], parent: str | None = None) -> list[dict[str, Any]]:
    row = {name: value for name, value in tree.items() if name != "replies"} | {"parent_id": parent}
    return [row] + [below for reply in tree["replies"] for below in flat(reply, tree["message_id"])]


def test_a_dangling_prompter_repeats_no_dialogue(tmp_path: Path) -> None:
    tree = node("p", "prompter", node("a", "assistant", node("b", "prompter"), node("c", "prompter")))
    for rows in ([tree], flat(tree)):
        outcome = told(tmp_path, *rows)
        assert keys(outcome) == {"a": "p a"}
        assert outcome.repaired == {"dangling-user-dropped": len(rows) // 2 or 1}
        assert len(outcome.carried) == len(rows)


@pytest.mark.parametrize(
    ("reason", "leaf"),
    [
        ("deleted", node("x", "assistant", deleted=True)),
        ("empty-content", node("x", "assistant", text=" ")),
        ("malformed-turn", node("x", "assistant", text=7)),
        ("unknown-role", node("x", "narrator")),
    ],
)
def test_a_refused_branch_leaves_the_others(tmp_path: Path, reason: str, leaf: dict[str, Any]) -> None:
    tree = node("p", "prompter", node("a", "assistant"), leaf)
    nested = told(tmp_path, tree)
    assert keys(nested) == {"a": "p a"}
    assert nested.repaired == {f"{reason}-branch": 1}
    parted = told(tmp_path, *flat(tree))
    assert keys(parted) == {"a": "p a"}
    assert parted.rejected == [("rows.jsonl", 2, reason)]
    assert parted.repaired == {}
    alone = told(tmp_path, node("p", "prompter", leaf))
    assert alone.reasons in ({reason: 1}, {"no-turns": 1})


def test_replies_that_are_no_objects_are_a_refused_branch(tmp_path: Path) -> None:
    tree = node("p", "prompter", node("a", "assistant"))
    tree["replies"].append("stray")
    assert told(tmp_path, tree).repaired == {"unknown-role-branch": 1}
    assert told(tmp_path, node("p", "prompter") | {"replies": "stray"}).reasons == {"unknown-role": 1}


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_flat_trees_are_joined_across_files_and_batches(tmp_path: Path, rows: int) -> None:
    mine = replace(MINE, read=lambda paths: tree_batches(raw_files(paths), rows))
    trees = [node(f"p{n}", "prompter", node(f"a{n}", "assistant"), node(f"b{n}", "assistant")) for n in range(5)]
    messages = [row for tree in trees for row in flat(tree)]
    for place in range(3):
        lines = [*map(json.dumps, messages[place::3]), "broken"]
        (tmp_path / f"{2 - place}.jsonl").write_text("\n".join(lines))
    outcome = tell(mine, tmp_path)
    assert keys(outcome) == {f"{s}{n}": f"p{n} {s}{n}" for n in range(5) for s in "ab"}
    assert outcome.reasons == {"not-json": 3}
    assert {d["provenance"]["lineage"] for d in outcome.dialogues} == {f"p{n}" for n in range(5)}


@st.composite
def _forests(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Nested trees of messages with any roles, some deleted or blank."""
    counter = iter(range(1000))

    def message(depth: int) -> dict[str, Any]:
        key = f"m{next(counter)}"
        role = (
            draw(st.sampled_from(["prompter", "assistant"]))
            if draw(st.booleans())
            else ("prompter", "assistant")[depth % 2]
        )
        replies = [message(depth + 1) for _ in range(draw(st.integers(0, 2)))] if depth < 4 else []
        blank = {"text": ""} if draw(st.integers(0, 9)) == 0 else {}
        return node(key, role, *replies, deleted=draw(st.integers(0, 9)) == 0, **blank)

    return [message(0) for _ in range(draw(st.integers(1, 3)))]


@tried(60)
@given(forest=_forests(), seed=st.randoms(use_true_random=False))
def test_nested_and_flat_trees_tell_the_same(
    tmp_path_factory: pytest.TempPathFactory, forest: list[dict[str, Any]], seed: Any
) -> None:
    rows = [row for tree in forest for row in flat(tree)]
    seed.shuffle(rows)
    nested = told(tmp_path_factory.mktemp("nested"), *forest)
    parted = told(tmp_path_factory.mktemp("flat"), *rows)
    assert len(nested.raw_rows) == len(forest)
    assert len(parted.raw_rows) == len(rows)

    def core(outcome: Told) -> list[str]:
        return sorted(json.dumps([d["key"], d["messages"], d["provenance"]]) for d in outcome.dialogues)

    assert core(nested) == core(parted)
    assert max(Counter(d["key"] for d in parted.dialogues).values(), default=1) == 1


@tried(60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "message_id": st.sampled_from(["a", "b", "c", "d", "e", None, 3]),
                "parent_id": st.sampled_from([None, "a", "b", "c", "d", "e", "elsewhere", 3]),
                "role": st.sampled_from(["prompter", "assistant", "nobody"]),
                "text": st.sampled_from(["x", "", None]),
                "deleted": st.booleans(),
            }
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 9),
)
def test_any_flat_rows_are_carried_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, share in (("1.jsonl", rows[:cut]), ("2.jsonl", rows[cut:])):
        if share:
            (folder / name).write_text("\n".join(map(json.dumps, share)))
    outcome = tell(MINE, folder)  # checks that each row is carried or refused
    assert len(outcome.raw_rows) == len(rows)


def test_a_deep_tree_is_no_recursion(tmp_path: Path) -> None:
    roles = ("prompter", "assistant")
    rows = [
        {"message_id": str(n), "parent_id": str(n - 1) if n else None, "role": roles[n % 2], "text": "x"}
        for n in range(5000)
    ]
    (dialogue,) = told(tmp_path, *rows).dialogues
    assert len(dialogue["messages"]) == 5000
