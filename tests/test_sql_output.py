"""Answers of SQL as tables, JSON, CSV and Parquet: whole, readable, and harmless to a terminal."""

import csv
import io
import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quimbot_data.sql.output import write_result
from quimbot_data.sql.query import run_query
from schemas.errors import QueryError


@pytest.fixture(scope="module")
def sample(by_hand):
    query = """SELECT 'a,"b"' || chr(10) AS t, NULL AS n, [1, 2] AS l, {'k': 'ü'} AS s, 1.50 AS d, 'nan'::DOUBLE AS f,
        sum(3::BIGINT) AS h, DATE '2026-01-02' AS day, '\\xAA'::BLOB AS b, MAP {'k': 1} AS m, true AS y"""
    return run_query(by_hand, query)


def written(table, form):
    stream = io.StringIO()
    write_result(table, form, stream)
    return stream.getvalue()


def test_json_is_one_array_of_native_values(sample):
    assert json.loads(written(sample, "json")) == [
        {
            "t": 'a,"b"\n', "n": None, "l": [1, 2], "s": {"k": "ü"}, "d": 1.5, "f": None, "h": 3,
            "day": "2026-01-02", "b": "aa", "m": {"k": 1}, "y": True,
        }
    ]  # fmt: skip
    assert json.loads(written(sample.slice(0, 0), "json")) == []


def test_csv_survives_a_reader(sample):
    header, row = list(csv.reader(io.StringIO(written(sample, "csv"), newline="")))
    assert header == sample.column_names
    assert row == ['a,"b"\n', "", "[1, 2]", '{"k": "ü"}', "1.50", "nan", "3", "2026-01-02", "aa", '{"k": 1}', "true"]


def test_files_appear_whole(sample, tmp_path):
    for form in ("table", "json", "csv", "parquet"):
        write_result(sample, form, tmp_path / f"out.{form}")
    stored = pq.read_table(tmp_path / "out.parquet")
    assert stored.column_names == sample.column_names
    assert str(stored.to_pylist()) == str(sample.to_pylist())  # as text, since no NaN equals another
    assert (tmp_path / "out.csv").read_text("utf-8") == written(sample, "csv")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_device_is_written_to_and_not_replaced(sample):
    write_result(sample, "json", Path(os.devnull))
    assert not Path(os.devnull).is_file()


def test_parquet_says_which_type_it_cannot_hold(by_hand, tmp_path):
    table = run_query(by_hand, "SELECT INTERVAL 1 DAY AS i")
    with pytest.raises(QueryError, match="interval"):
        write_result(table, "parquet", tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_table_says_how_much_of_it_is_shown():
    table = pa.table({"a": range(1234), "b": ["x" * 300] * 1234})
    text = written(table, "table")
    assert "(1,234 rows; the first 1,000 are shown; cells are cut at 200 characters; --format csv or json" in text
    assert text.count("…") == 1000
    assert written(pa.table({"a": [1]}), "table").splitlines()[-1] == "(1 row)"
    assert written(pa.table({"a": pa.array([], pa.int8())}), "table").splitlines()[-1] == "(0 rows)"


def test_a_pipe_gets_every_column_however_wide():
    table = pa.table({f"column_{i}": [f"{i}-" + "漢" * 50] for i in range(40)})
    assert all(f"{i}-" + "漢" * 50 in written(table, "table") for i in range(40))


def test_a_terminal_gets_the_columns_that_fit_and_the_names_of_the_rest(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    write_result(pa.table({f"column_{i}": ["long " * 9] for i in range(9)}), "table", stream)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert "5 of 9 columns are shown, without column_5, column_6" in stream.getvalue()
    with pytest.raises(QueryError, match="--output"):
        write_result(pa.table({"a": [1]}), "parquet", stream)


def test_text_cannot_steer_the_terminal():
    text = written(pa.table({"[red]a": ["\x1b[2J\n\u202e[bold]b"]}), "table")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u001b[2J\\n\\u202e[bold]b" in text
    assert "[red]a" in text


def test_a_query_plan_is_drawn_over_lines(by_hand):
    text = written(run_query(by_hand, "EXPLAIN SELECT count(*) FROM dialogues"), "table")
    assert "\\n" not in text
    assert len(text.splitlines()) > 3
