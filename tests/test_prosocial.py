"""ProsocialDialog: dialogues rebuilt from exchanges that lie anywhere."""

import json
import shutil
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from told import DATA, expected, tell

from quimbot_data.sources import episodes
from quimbot_data.sources.episodes import split_of
from quimbot_data.sources.files import RawFile
from quimbot_data.sources.prosocial import CORPUS

PROVIDED = DATA / "provided"


def write(path: Path, rows: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def exchange(dialogue: object, response: object, *, last: object = None, **columns) -> dict:
    row = {"context": f"I say {dialogue}/{response}.", "response": "I see.", "safety_label": "__casual__"}
    return row | {"dialogue_id": dialogue, "response_id": response, "episode_done": last} | columns


def contents(told) -> list[list[str]]:
    return [[message["content"] for message in row["messages"]] for row in told.dialogues]


def test_the_hub_layout_as_expected(tmp_path):
    for name in ("train.json", "valid.jsonl"):
        shutil.copy(PROVIDED / f"prosocial_{name}", tmp_path / name)
    told = tell(CORPUS, tmp_path, revision="r1")
    assert told.dialogues == expected("prosocial")
    assert len(told.raw_rows) == 4 + 13
    assert told.repaired == {"missing-episode-end": 1, "unknown-safety-label": 1}
    assert {(row, reason) for file, row, reason in told.rejected if file == "valid.jsonl"} == {
        *((1, "gap-in-responses"), (2, "gap-in-responses"), (4, "repeated-response")),
        *((5, "repeated-response"), (6, "repeated-response")),
        *((7, "misplaced-episode-end"), (8, "misplaced-episode-end")),
        *((10, "no-dialogue-id"), (11, "no-response-id"), (12, "empty-content")),
    }
    assert not any(file == "train.json" for file, _, _ in told.rejected)


def test_the_older_export_as_expected():
    told = tell(CORPUS, PROVIDED / "prosocial_dialogues.json", PROVIDED / "prosocial_turns.jsonl")
    assert told.dialogues == expected("prosocial_older")
    assert len(told.raw_rows) == 4 + 3
    assert [(row, reason) for _, row, reason in told.rejected] == [
        (1, "no-turns"),
        (2, "empty-content"),
        (3, "not-an-object"),
    ]


def test_nothing_of_etc_annotations_or_reasons_is_left(tmp_path):
    shutil.copy(PROVIDED / "prosocial_train.json", tmp_path / "train.json")
    assert "forum" not in json.dumps(tell(CORPUS, tmp_path).dialogues)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.json", "train"),
        ("data/valid.json", "valid"),
        ("validation-00000-of-00002.parquet", "valid"),
        ("test_1.jsonl.gz", "test"),
        ("training.json", "training.json"),
        ("a/part.json", "a/part.json"),
    ],
)
def test_splits_by_stem(name, split):
    assert split_of(RawFile(name, Path(name))) == split


def test_a_dialogue_may_span_files_of_its_split_but_not_splits(tmp_path):
    write(tmp_path / "train-00000.json", [exchange(1, 1, last=True)])
    write(tmp_path / "train-00001.json", [exchange(1, 0)])
    write(tmp_path / "test.json", [exchange(1, 0, last=True)])
    told = tell(CORPUS, tmp_path)
    assert sorted(map(len, contents(told))) == [2, 4]
    assert [row["key"] for row in told.dialogues] == ["1", "1"]


def test_unknown_stems_are_groups_of_their_own(tmp_path):
    for name in ("a.json", "b.json"):
        write(tmp_path / name, [exchange(1, 0, last=True)])
    assert len(tell(CORPUS, tmp_path).dialogues) == 2


def test_parquet_gives_the_same(tmp_path):
    rows = [json.loads(line) for line in (PROVIDED / "prosocial_train.json").read_text().splitlines()]
    pl.DataFrame(rows).write_parquet(tmp_path / "train-00000-of-00001.parquet")
    write(tmp_path / "lines" / "train.json", rows)
    parquet, lines = tell(CORPUS, tmp_path / "train-00000-of-00001.parquet"), tell(CORPUS, tmp_path / "lines")
    assert contents(parquet) == contents(lines) == contents_expected()


def contents_expected() -> list[list[str]]:
    train = [row for row in expected("prosocial") if row["from"][0][0] == "train.json"]
    return [[message["content"] for message in row["messages"]] for row in train]


def test_ids_spelled_otherwise_are_the_same_ids(tmp_path):
    path = write(tmp_path / "train.json", [exchange("4", 1.0, last="True"), exchange(4.0, "0", last="false")])
    assert [row["key"] for row in tell(CORPUS, path).dialogues] == ["4"]


def test_batches_end_between_dialogues(tmp_path, monkeypatch):
    monkeypatch.setattr(episodes, "BATCH_ROWS", 3)
    rows = [exchange(dialogue, response, last=response == 3) for response in range(4) for dialogue in range(5)]
    write(tmp_path / "train.json", rows)
    batches = list(CORPUS.read([tmp_path]))
    assert [batch.origins.height for batch in batches] == [4] * 5
    assert sorted(map(len, contents(tell(CORPUS, tmp_path)))) == [8] * 5


def test_a_broken_line_breaks_its_episode_and_no_other(tmp_path):
    turns = [{"text": f"Turn {n}.", "labels": ["Yes."], "episode_done": n in (2, 3)} for n in range(4)]
    lines = [json.dumps(turn) for turn in turns]
    (tmp_path / "train.jsonl").write_text("\n".join([lines[0], "{broken", *lines[2:]]))
    told = tell(CORPUS, tmp_path)
    assert [(row, reason) for _, row, reason in sorted(told.rejected)] == [
        (0, "gap-in-responses"),
        (1, "not-json"),
        (2, "gap-in-responses"),
    ]
    assert len(told.dialogues) == 1


def test_a_file_without_any_row_that_can_be_read_still_tells_them(tmp_path):
    (tmp_path / "train.json").write_text("[1, null]")
    assert tell(CORPUS, tmp_path).reasons == {"not-an-object": 2}


@pytest.mark.parametrize(
    ("labels", "label", "flagged", "positions"),
    [
        (["casual", "possibly_needs_caution"], "possibly_needs_caution", False, []),
        (["probably_needs_caution"], "probably_needs_caution", False, []),
        (["needs_caution", "casual", "needs_intervention"], "needs_intervention", True, [0, 4]),
        (["needs caution"], "needs_caution", True, [0]),
        ([None, "casual"], "casual", False, []),
    ],
)
def test_the_worst_label_counts_and_judges_the_users_words(tmp_path, labels, label, flagged, positions):
    rows = [exchange(1, n, last=n == len(labels) - 1, safety_label=name) for n, name in enumerate(labels)]
    safety = tell(CORPUS, write(tmp_path / "train.json", rows)).dialogues[0]["safety"]
    assert (safety["label"], safety["flagged"], safety["flagged_positions"]) == (label, flagged, positions)


def test_rules_of_thumb_once_each_in_order(tmp_path):
    rows = [exchange(1, 0, rots=["b", "a", " "]), exchange(1, 1, rots="a"), exchange(1, 2, rots=["c"], last=True)]
    safety = tell(CORPUS, write(tmp_path / "train.json", rows)).dialogues[0]["safety"]
    assert safety["rules_of_thumb"] == ["b", "a", "c"]


@st.composite
def scattered(draw) -> tuple[list[int], list[list[dict]]]:
    """Lengths of some dialogues, and their exchanges in any order over some files."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    rows = [exchange(d, r, last=r == length - 1) for d, length in enumerate(lengths) for r in range(length)]
    rows = draw(st.permutations(rows))
    cut = draw(st.integers(0, len(rows)))
    return lengths, [part for part in (rows[:cut], rows[cut:]) if part]


@tried(40)
@given(scattered())
def test_order_and_files_do_not_matter(case):
    lengths, files = case
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(files):
            write(Path(folder) / f"train-{number:05}.json", rows)
        told = tell(CORPUS, Path(folder))
    assert not told.rejected
    assert {row["key"]: len(row["messages"]) for row in told.dialogues} == {
        str(dialogue): 2 * length for dialogue, length in enumerate(lengths)
    }
    users = [message["content"] for row in told.dialogues for message in row["messages"][::2]]
    assert users == [f"I say {d}/{r}." for d, length in enumerate(lengths) for r in range(length)]


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({"context", "response", "dialogue_id"}, True),
        ({"text", "labels", "episode_done"}, True),
        (set(), True),
        ({"context", "response", "category", "label"}, False),  # DiaSafety
        ({"instruction", "response", "uuid"}, False),
        ({"text", "locale"}, False),
    ],
)
def test_recognizes_its_columns(columns, known):
    assert CORPUS.recognizes(frozenset(columns)) is known
