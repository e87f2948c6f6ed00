"""Spills and files: what goes in comes out, and how it was cut cannot be seen."""

import hashlib
import io
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried
from strategies import Row, bare_row, dialogues, frame_of, full_row

from quimbot_data.buckets import (
    FANOUT,
    NARROW_WEIGHT,
    ROW_GROUP,
    TEXT_WEIGHT,
    Spill,
    bucket_of,
    joined,
    read_parquet,
    write_parquet,
    write_row_groups,
)
from quimbot_data.shard import KEYED
from schemas.dialogue import Dialogue
from schemas.frame import dialogue_schema

FEW = tried(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.lists(st.integers(0, 10_000), unique=True, max_size=60)


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


SCHEMA = {
    "digest": pl.String,
    "rare": pl.Struct({"names": pl.List(pl.String)}),
    "number": pl.Int64,
    "never": pl.List(pl.Struct({"name": pl.String, "score": pl.Float64})),
    "n_chars": pl.Int64,
}


def frame(numbers: list[int]) -> pl.DataFrame:
    """Rows with a column that is null but for one row in eight, so in all rows of some runs, and one that always is."""
    rare = [{"names": ["a", None]} if number % 8 == 0 else None for number in numbers]
    rows = [(digest(number), some, number, None, number % 7) for number, some in zip(numbers, rare, strict=True)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """Fresh folders: one a spill, since hypothesis calls a test many times."""

    def fresh() -> Iterator[Path]:
        for number in count():
            folder = tmp_path / str(number)
            folder.mkdir()
            yield folder

    return fresh()


def spilled(folder: Path, parts: list[pl.DataFrame], weight: pl.Expr = TEXT_WEIGHT) -> Spill:
    spill = Spill(folder, weight)
    for number, part in enumerate(parts):
        spill.write(number, part, pl.col("digest"))
    return spill


def cut(rows: pl.DataFrame, cuts: list[int]) -> list[pl.DataFrame]:
    ends = [0, *sorted(min(at, rows.height) for at in cuts), rows.height]
    return [rows[start:end] for start, end in pairwise(ends)]


def test_a_bucket_is_the_first_six_bits() -> None:
    digests = [digest(number) for number in range(500)]
    found = pl.DataFrame({"digest": digests}).select(bucket_of(pl.col("digest"))).to_series().to_list()
    assert found == [bytes.fromhex(one)[0] >> 2 for one in digests]
    assert set(found) == set(range(FANOUT))


@FEW
@given(numbers=NUMBERS, cuts=st.lists(st.integers(0, 60), max_size=3), target=st.sampled_from([1, 5_000, 10**9]))
def test_what_is_spilled_is_read_back_whatever_the_cuts(
    folders: Iterator[Path], numbers: list[int], cuts: list[int], target: int
) -> None:
    rows = frame(numbers)
    spill = spilled(next(folders), cut(rows, cuts))
    groups = spill.groups(target)
    assert [bucket for group in groups for bucket in group] == list(range(FANOUT))
    parts = [spill.read(group) for group in groups]
    for group, part in zip(groups, parts, strict=True):
        assert part.schema == rows.schema
        assert part.height == spill.rows(group)
        assert all(int(one[:2], 16) >> 2 in group for one in part["digest"])
    assert pl.concat(parts).sort("digest").equals(rows.sort("digest"))
    assert spill.schema == rows.schema


@FEW
@given(
    numbers=NUMBERS, cuts=st.lists(st.integers(0, 60), max_size=4), weight=st.sampled_from([TEXT_WEIGHT, NARROW_WEIGHT])
)
def test_groups_follow_from_the_rows_alone(
    folders: Iterator[Path], numbers: list[int], cuts: list[int], weight: pl.Expr
) -> None:
    whole = spilled(next(folders), [frame(numbers)], weight)
    parts = spilled(next(folders), cut(frame(numbers[::-1]), cuts), weight)
    for target in (128, 500, 2_000, 10_000):
        assert whole.groups(target) == parts.groups(target)
        assert whole.rows(range(FANOUT)) == parts.rows(range(FANOUT)) == len(numbers)


@pytest.mark.parametrize(("weight", "total"), [(NARROW_WEIGHT, 640 * 128), (TEXT_WEIGHT, 640 * 1024 + 1914)])
def test_every_row_weighs(tmp_path: Path, weight: pl.Expr, total: int) -> None:
    # A constant weight counts once a row, not once a run: a group must hold no more than fits into memory.
    rows = frame(list(range(640)))
    assert rows["n_chars"].sum() == 1914
    spill = spilled(tmp_path, cut(rows, [100, 100, 333]), weight)
    assert sum(sum(weights.values()) for weights in spill.weights.values()) == total


def test_no_runs_are_no_groups(tmp_path: Path) -> None:
    assert Spill(tmp_path).groups() == []
    assert not Spill(tmp_path).schema
    assert Spill(tmp_path).rows(range(FANOUT)) == 0


@pytest.mark.parametrize(
    ("sizes", "target", "width"),
    [([1, 1, 1, 1], 4, 4), ([1, 1, 1, 1], 3, 2), ([1, 1, 1, 1], 1, 1), ([9, 0, 0, 0], 3, 1), ([0, 0, 0, 0], 0, 4)],
)
def test_buckets_are_joined_in_powers_of_two(sizes: list[int], target: int, width: int) -> None:
    assert joined(sizes, target) == [range(start, start + width) for start in range(0, 4, width)]


@tried(12, FEW)
@given(rows=st.lists(dialogues(), min_size=1, max_size=5))
def test_dialogues_are_read_back_as_they_were(folders: Iterator[Path], rows: list[Row]) -> None:
    keyed = {"key": None, "origins": [{"raw_file": "f", "raw_row": 1}]}
    whole = pl.DataFrame([row | keyed for row in rows], schema=pl.Schema({**dialogue_schema(), **KEYED}))
    spill = Spill(next(folders))
    for number in range(whole.height):
        spill.write(number, whole[number : number + 1], pl.col("content_hash"))
    order = ["content_hash", "dialogue_id", "n_tokens"]
    back = spill.read(range(FANOUT))
    assert back.schema == whole.schema
    assert back.sort(order).to_dicts() == whole.sort(order).to_dicts()


# Files


def written(rows: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    write_parquet(rows, stream)
    return stream.getvalue()


@tried(20)
@given(st.lists(dialogues(), min_size=2, max_size=5), st.data())
def test_equal_rows_are_equal_bytes_however_they_were_chunked(rows: list[Row], data: st.DataObject) -> None:
    whole = frame_of(Dialogue, rows)
    at = data.draw(st.integers(1, len(rows) - 1))
    chunked = pl.concat([whole[:at], whole[at:]], rechunk=False)
    sliced = pl.concat([whole[:1], whole])[1:]
    by_python = pl.DataFrame(whole.to_dicts(), schema=dialogue_schema())
    assert written(whole) == written(chunked) == written(sliced) == written(by_python)


def test_a_file_has_row_groups_of_one_size_and_gives_its_rows_back(tmp_path: Path) -> None:
    rows = pl.concat([frame_of(Dialogue, [full_row(), bare_row()])] * 9_000).with_row_index("number").rechunk()
    path = tmp_path / "rows.parquet"
    path.write_bytes(written(rows))
    for cuts in ([1], [5_000], [100, 200, 17_000]):
        assert written(pl.concat(cut(rows, cuts), rechunk=False)) == path.read_bytes()
    metadata = pq.ParquetFile(io.BytesIO(path.read_bytes())).metadata
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [ROW_GROUP, 18_000 - ROW_GROUP]
    assert read_parquet(path).equals(rows)
    assert read_parquet(path, ["terms", "number"]).columns == ["terms", "number"]


def test_frames_are_written_as_they_come() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    rows = frame(list(range(10)))
    parts = [rows[:4], rows[:0], rows[4:]]
    assert write_row_groups(first, iter(parts), rows.schema) == 10
    assert write_row_groups(second, [pl.concat([rows[:2], rows[2:4]], rechunk=False), rows[4:]], rows.schema) == 10
    assert first.getvalue() == second.getvalue()
    assert pq.ParquetFile(pa.BufferReader(first.getvalue())).metadata.num_row_groups == 2
    assert pl.read_parquet(first.getvalue()).equals(rows)


def test_no_frames_are_a_file_without_rows() -> None:
    stream = io.BytesIO()
    assert write_row_groups(stream, [], dialogue_schema()) == 0
    assert pl.read_parquet(stream.getvalue()).schema == dialogue_schema()
