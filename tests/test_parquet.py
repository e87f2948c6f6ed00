"""Parquet in batches: how a file is cut into row groups, and which library reads a column, cannot be seen."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.sources.files import RawFile
from quimbot_data.sources.parquet import parquet_batches
from schemas.errors import InputError

MESSAGE = {"role": "user", "content": "¿Qué hora es?"}


def table(rows: int) -> pa.Table:
    """Every kind of column that a raw corpus has, with nulls."""
    numbers = list(range(rows))
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "text": pa.array([None if n % 5 == 4 else f"текст {n}" for n in numbers], pa.large_string()),
            "short": pa.array([f"s{n % 3}" for n in numbers], pa.string()),
            "coded": pa.array([f"c{n % 3}" for n in numbers]).dictionary_encode(),
            "messages": [None if n % 7 == 6 else [MESSAGE | {"content": f"{n}"}] * (n % 4) for n in numbers],
            "scores": [[{"hate": n / 10, "flagged": n % 2 == 0}] * (n % 3) for n in numbers],
            "audio": pa.array([b"\xff\x00" * (n % 2) for n in numbers], pa.binary()),
        }
    )


def raw_file(folder: Path, rows: pa.Table, rows_a_group: int = 1000, name: str = "train.parquet") -> RawFile:
    pq.write_table(rows, folder / name, row_group_size=rows_a_group)
    return RawFile(name, folder / name)


def text_of_bytes(folder: Path, texts: list[bytes], rows_a_group: int) -> RawFile:
    """A text column with these bytes, whether they are UTF-8 or not."""
    offsets = [0, *(sum(map(len, texts[: n + 1])) for n in range(len(texts)))]
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(texts))]
    return raw_file(folder, pa.table({"text": pa.Array.from_buffers(pa.string(), len(texts), buffers)}), rows_a_group)


@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 60), st.integers(1, 30), st.integers(1, 40))
def test_batches_are_the_rows_in_order_whatever_the_row_groups(
    tmp_path: Path, rows: int, rows_a_group: int, rows_a_batch: int
) -> None:
    held = table(rows)
    file = raw_file(tmp_path, held, rows_a_group)
    batches = list(parquet_batches(file, rows=rows_a_batch))
    assert all(0 < frame.height <= rows_a_batch for _, frame in batches)
    expected = pl.from_arrow(held)
    assert isinstance(expected, pl.DataFrame)
    empty = expected.clear()
    read = pl.concat([empty, *(frame for _, frame in batches)])
    assert read.schema == expected.schema
    assert read.to_dicts() == expected.to_dicts()
    places = [place for origins, _ in batches for place in origins.iter_rows()]
    assert places == [("train.parquet", number) for number in range(rows)]


def test_small_row_groups_are_joined(tmp_path: Path) -> None:
    file = raw_file(tmp_path, table(25), rows_a_group=4)
    assert [frame.height for _, frame in parquet_batches(file, rows=10)] == [8, 8, 9]


def test_a_large_row_group_is_cut_evenly(tmp_path: Path) -> None:
    file = raw_file(tmp_path, table(25), rows_a_group=25)
    assert [frame.height for _, frame in parquet_batches(file, rows=10)] == [9, 9, 7]


def test_only_the_columns_asked_for_are_read_in_the_order_asked(tmp_path: Path) -> None:
    file = raw_file(tmp_path, table(5))
    ((_, frame),) = parquet_batches(file, ["scores", "absent", "text", "number"])
    assert frame.columns == ["scores", "text", "number"]


@pytest.mark.parametrize("name", ["train[1].parquet", "a*b.parquet", "~train.parquet", "split=train.parquet"])
def test_names_are_names_and_no_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    raw_file(tmp_path, table(3), name=name)
    raw_file(tmp_path, table(9)[5:], name="train1.parquet")  # what a pattern would find
    ((origins, frame),) = parquet_batches(RawFile(name, Path(name)))
    assert frame["text"].to_list() == ["текст 0", "текст 1", "текст 2"]
    assert "split" not in frame.columns
    assert origins["raw_file"].unique().to_list() == [name]


@pytest.mark.parametrize("rows_a_group", [2, 20])
def test_text_that_is_no_utf_8_is_damage(tmp_path: Path, rows_a_group: int) -> None:
    texts = [b"fine"] * 13 + [b"not \xff\xfe fine"] + [b"fine"]
    file = text_of_bytes(tmp_path, texts, rows_a_group)
    read = []
    with pytest.raises(InputError, match=r"text that is not UTF-8: reading stopped after row \d+ of 15"):
        read += [frame["text"].to_list() for _, frame in parquet_batches(file, rows=4)]
    assert all(text == "fine" for batch in read for text in batch)
