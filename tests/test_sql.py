import contextlib
import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sql_workspace import ALPHA, VERSION, frame, write_corpus, write_workspace

from quimbot_data.sql import shell as sql_shell
from quimbot_data.sql.catalog import VIEWS, column_meanings, view_grain, workspace_catalog
from quimbot_data.sql.output import write_result
from quimbot_data.sql.query import Limits, Session, run_query, view_columns
from quimbot_data.version import FATES_SCHEMA
from quimbot_data.workspace import Ref, Workspace
from schemas.dialogue import Dialogue
from schemas.errors import MissingError, QueryError
from schemas.frame import polars_schema
from schemas.learner import LearnerText


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return write_workspace(tmp_path_factory.mktemp("ws"))


@pytest.fixture(scope="module")
def ask(workspace):
    """Run a query in a session shared by all tests; rows as dictionaries."""
    with contextlib.ExitStack() as stack:
        opened = {}

        def rows(query, version=None, show_raw=False):
            key = (version, show_raw)
            if key not in opened:
                catalog = workspace_catalog(workspace, version, show_raw=show_raw)
                opened[key] = (stack.enter_context(Session()), catalog)
            session, catalog = opened[key]
            return session.query(catalog, query).to_pylist()

        yield rows


# Views


def test_an_empty_workspace_has_every_view_with_its_columns_and_no_rows(tmp_path):
    catalog = workspace_catalog(Workspace(tmp_path / "nowhere"))
    with Session() as session:
        for view in VIEWS:
            assert session.query(catalog, f"SELECT * FROM {view}").num_rows == 0
    columns = {view: [name for name, _ in described] for view, described in view_columns().items()}
    assert columns["dialogues"] == polars_schema(Dialogue).names()
    assert columns["learner_texts"] == polars_schema(LearnerText).names()
    assert columns["messages"] == ["dialogue_id", "source", "position", "role", "content"]
    assert columns["fates"] == FATES_SCHEMA.names()
    assert columns["rejected"] == ["source", "reason", "detail", "raw_file", "raw_row"]
    assert columns["ledger"] == ["source", "step", "unit", "rows_in", "rows_out", "reason", "rows"]
    assert not (tmp_path / "nowhere").exists()


def test_empty_and_filled_views_have_the_same_types(workspace):
    assert view_columns() == view_columns(workspace=workspace)


def test_dialogues_come_back_as_they_were_written(workspace):
    table = run_query(workspace, "SELECT * FROM dialogues WHERE source = 'alpha' ORDER BY dialogue_id")
    assert table.to_pylist() == frame(ALPHA).to_dicts()


def test_messages_are_one_row_each_with_positions_from_zero(ask):
    rows = ask("SELECT position, role, content FROM messages WHERE dialogue_id = 'alpha:2' ORDER BY position")
    assert [row["position"] for row in rows] == [0, 1, 2, 3]
    assert rows[1] == {"position": 1, "role": "assistant", "content": "Bien, ¿y tú?"}


def test_a_version_shows_its_own_rows_with_their_split(ask):
    rows = ask("SELECT dialogue_id, split FROM dialogues ORDER BY ALL", VERSION)
    assert rows == [{"dialogue_id": "alpha:1", "split": "train"}, {"dialogue_id": "alpha:2", "split": "test"}]
    assert ask("SELECT count(*) AS n FROM messages WHERE split = 'test'", VERSION) == [{"n": 4}]
    assert ask("SELECT count(*) AS n FROM learner_texts", VERSION) == [{"n": 0}]
    assert ask("SELECT DISTINCT source FROM rejected", VERSION) == [{"source": "alpha"}]
    assert ask("SELECT sum(rows_in)::INT AS n FROM ledger", VERSION) == [{"n": 4}]
    assert ask("SELECT fate, count(*) AS n FROM fates GROUP BY ALL ORDER BY ALL", VERSION) == [
        {"fate": "dropped", "n": 1},
        {"fate": "kept", "n": 2},
    ]


def test_facts_of_the_workspace(ask):
    same = {"status": "finished", "stage": 1, "base_model": "tiny", "parent": None}
    assert ask("SELECT source, terms, dialogues, learner_texts, rejected FROM sources") == [
        {"source": "alpha", "terms": ["attribution"], "dialogues": 2, "learner_texts": 0, "rejected": 1},
        {"source": "beta", "terms": ["attribution"], "dialogues": 1, "learner_texts": 1, "rejected": 1},
    ]
    (version,) = ask("SELECT * EXCLUDE id FROM versions")
    assert version == {
        "name": "tiny", "version": "0.1.0", "unit": "tokens", "profile": "private", "dialogues": 2, "tokens": 15,
        "train": 1, "validation": 0, "test": 1, "created": "2026-02-08",
    }  # fmt: skip
    assert ask(
        "SELECT run, status, stage, version, version_here, profile, dialogues, base_model, parent FROM runs"
    ) == [
        {"run": "first", "version": "tiny@0.1.0", "version_here": True, "profile": "private", "dialogues": 1, **same},
        {"run": "gone", "version": "gone@1.0.0", "version_here": False, "profile": None, "dialogues": None, **same},
    ]
    assert [row["loss"] for row in ask("SELECT * FROM steps ORDER BY step")] == [2.5, 2.0]


def test_raw_text_of_rejected_rows_is_there_only_when_asked_for(ask):
    assert ask("SELECT * FROM rejected WHERE source = 'alpha'") == [
        {"source": "alpha", "reason": "no-turns", "detail": "empty", "raw_file": "a.jsonl", "raw_row": 3}
    ]
    for query in ("SELECT raw FROM rejected", "SELECT raw FROM rejected_rows"):
        with pytest.raises(QueryError):
            ask(query)
    assert ask("SELECT DISTINCT raw FROM rejected", show_raw=True) == [{"raw": "{secret}"}]


def test_every_view_states_its_grain():
    assert all(view_grain(view).startswith("One row per ") for view in VIEWS)


# Queries


@pytest.mark.parametrize(
    "query",
    [
        "WITH a AS (SELECT source, n_tokens FROM dialogues) SELECT source, sum(n_tokens) FROM a GROUP BY 1",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t",
        "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3 INTERSECT SELECT 3",
        "FROM dialogues LIMIT 2",
        "TABLE ledger",
        "VALUES (1, 'a'), (2, 'b')",
        "DESCRIBE dialogues",
        "SUMMARIZE SELECT n_tokens FROM dialogues",
        "EXPLAIN SELECT 1",
        "explain analyze SELECT count(*) FROM dialogues",
        "SELECT m.content FROM main.dialogues d JOIN Messages m USING (dialogue_id) ORDER BY ALL LIMIT 50%",
        "SELECT * FROM dialogues POSITIONAL JOIN ledger",
        "SELECT * FROM dialogues d, LATERAL (SELECT d.n_tokens + 1 AS n)",
        "SELECT * FROM dialogues TABLESAMPLE 50% (bernoulli)",
        "SELECT unnest(terms) FROM dialogues",
        "SELECT u FROM dialogues, unnest(messages) AS t(u)",
        "SELECT * FROM range(3), generate_series(1, 2) AS s(i)",
        "PIVOT dialogues ON language IN ('en', 'es') USING count(*) GROUP BY source",
        "UNPIVOT (SELECT n_turns, n_messages FROM dialogues) ON n_turns, n_messages",
        "SELECT rank() OVER (PARTITION BY source ORDER BY n_tokens ROWS 1 PRECEDING) FROM dialogues QUALIFY true",
        "SELECT list_transform(terms, lambda t: upper(t)), [x || '!' FOR x IN terms] FROM dialogues",
        "SELECT CASE WHEN n_tokens > 3 THEN 'a' END, n_tokens::DECIMAL(9, 2), n_tokens BETWEEN 1 AND 2 FROM dialogues",
        "SELECT count(*) FILTER (n_turns > 1) FROM dialogues GROUP BY GROUPING SETS ((source), ()) HAVING true",
        "SELECT DISTINCT ON (source) * EXCLUDE (messages) REPLACE (upper(source) AS source) FROM dialogues",
        "SELECT COLUMNS('n_.*') FROM dialogues WHERE source IN (SELECT source FROM ledger) AND EXISTS (SELECT 1)",
        "SELECT provenance.raw_id, messages[1].content, CAST(n_tokens AS VARCHAR) COLLATE nocase FROM dialogues",
        "SELECT date '2026-01-01' + INTERVAL 1 DAY, 'x'::ENUM('x', 'y'), {'a': 1}::STRUCT(a BIGINT), MAP {'k': 1}",
        "SELECT ';' AS semicolon, $$;$$ /* ; */ -- ;",
        "SELECT * FROM dialogues ASOF JOIN ledger ON n_tokens >= rows ORDER BY ALL DESC NULLS LAST LIMIT 3 OFFSET 1;",
        "SELECT regexp_matches(role, '(?i)u'), role LIKE '%a%', role ILIKE 'A%', role SIMILAR TO 'a' FROM messages",
        "SELECT * FROM (SELECT * FROM dialogues) SEMI JOIN fates USING (dialogue_id)",
        "SELECT source FROM dialogues UNION BY NAME SELECT step FROM ledger",
        "SELECT ANY_VALUE(source), arg_max(source, n_tokens), string_agg(source, ',' ORDER BY source) FROM dialogues",
        "WITH a AS MATERIALIZED (SELECT 1 AS x), b AS (SELECT * FROM a) SELECT (SELECT max(x) FROM b)",
        "SELECT " + " + ".join(["1"] * 900),
        "SELECT * FROM dialogues WHERE n_tokens > ALL (SELECT rows FROM ledger) OR NOT language IS NULL",
    ],
)  # fmt: skip
def test_ordinary_sql_runs(ask, query):
    assert ask(query) is not None


def test_columns_of_equal_names_are_told_apart(workspace, ask):
    assert ask("SELECT 1 AS a, 2 AS a, 3 AS a_1") == [{"a": 1, "a_1": 2, "a_1_1": 3}]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT contnet FROM messages", "content"),
        ("SELECT * FROM dialoges", "Did you mean dialogues?"),
        ("SELECT lenght('a')", "length"),
        ("SELEC 1", 'syntax error at or near "SELEC" (line 1, column 1)'),
        ("SELECT 1\nFRM x y", "line 2"),
        ("", "no statements"),
        ("-- nothing", "no statements"),
        ("SELECT 'x'::INT FROM dialogues", "Could not convert"),
        ("SELECT $1", "parameters"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("PIVOT dialogues ON language", "IN (value"),
        ("SELECT '\ud800'", "surrogate"),
    ],
)
def test_wrong_sql_says_what_is_wrong(ask, query, said):
    with pytest.raises(QueryError) as caught:
        ask(query)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_error_amid_the_rows_leaves_the_session_usable(ask):
    with pytest.raises(QueryError, match="out of range"):
        ask("SELECT (range % 200)::TINYINT FROM range(1000000)")
    assert ask("SELECT 1 AS a") == [{"a": 1}]


def test_an_unknown_version_is_named(workspace):
    with pytest.raises(MissingError, match=r"tiny@0\.1\.0"):
        run_query(workspace, "SELECT 1", version=Ref("tiny", "9.9.9"))


def test_a_session_sees_a_corpus_that_was_ingested_meanwhile(tmp_path):
    workspace = Workspace(tmp_path)
    with Session() as session:
        for rows in (0, 2):
            if rows:
                write_corpus(workspace, "alpha", ALPHA[:rows], [])
            table = session.query(workspace_catalog(workspace), "SELECT count(*) AS n FROM dialogues")
            assert table.to_pylist() == [{"n": rows}]


def test_a_file_that_vanished_is_a_clear_error(tmp_path):
    workspace = write_workspace(tmp_path)
    (workspace.corpus("alpha") / "d.parquet").unlink()
    with pytest.raises(QueryError, match=r"d\.parquet"):
        run_query(workspace, "SELECT * FROM dialogues")


def test_a_file_may_hold_categories_where_the_view_has_text(tmp_path):
    workspace = write_workspace(tmp_path)
    path = workspace.version(VERSION) / "fates.parquet"
    pl.read_parquet(path).with_columns(pl.col("fate", "reason").cast(pl.Categorical)).write_parquet(path)
    table = run_query(workspace, "SELECT reason FROM fates WHERE fate = 'dropped'", version=VERSION)
    assert table.to_pylist() == [{"reason": "budget"}]


# Limits


@pytest.mark.parametrize(
    "query",
    ["SELECT count(*) FROM range(100000000000) a, range(1000) b", "SELECT len(repeat('x', 900000000))"],
    ids=["loop", "deaf-to-interrupt"],
)
def test_a_query_past_its_time_is_killed_and_the_session_goes_on(workspace, query):
    catalog = workspace_catalog(workspace)
    with Session(Limits(seconds=0.5)) as session:
        session.query(catalog, "SELECT 1")
        start = time.monotonic()
        with pytest.raises(QueryError, match=r"stopped after 0\.5 seconds"):
            session.query(catalog, query)
        assert time.monotonic() - start < 3
        assert session.query(catalog, "SELECT 1 AS a").to_pylist() == [{"a": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT list(range) FROM range(200000000)",
        "SELECT len(range(2000000000))",
        "SELECT len(repeat(repeat('x', 100000), 42000))",
        "SELECT repeat('x', 100000) FROM range(100000)",
    ],
    ids=["memory_limit", "one-list", "past-memory_limit", "large-result"],
)
def test_a_query_past_its_memory_is_refused(workspace, query):
    with pytest.raises(QueryError, match=r"memory|larger than 200MB"):
        run_query(workspace, query, limits=Limits(memory="200MB", seconds=20))


def test_limits_are_written_plainly():
    assert Limits(memory="1.5GB").memory_bytes() == 1_500_000_000
    with pytest.raises(QueryError, match="500MB"):
        Limits(memory="much").memory_bytes()


# Output


@pytest.fixture(scope="module")
def sample(workspace):
    query = """SELECT 'a,"b"' || chr(10) AS t, NULL AS n, [1, 2] AS l, {'k': 'ü'} AS s, 1.50 AS d, 'nan'::DOUBLE AS f,
        sum(3::BIGINT) AS h, DATE '2026-01-02' AS day, '\\xAA'::BLOB AS b, MAP {'k': 1} AS m, true AS y"""
    return run_query(workspace, query)


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


def test_parquet_says_which_type_it_cannot_hold(workspace, tmp_path):
    table = run_query(workspace, "SELECT INTERVAL 1 DAY AS i")
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


def test_a_query_plan_is_drawn_over_lines(workspace):
    text = written(run_query(workspace, "EXPLAIN SELECT count(*) FROM dialogues"), "table")
    assert "\\n" not in text
    assert len(text.splitlines()) > 3


# The shell


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT ';' ; SELECT \";\"", ["SELECT ';' ;", 'SELECT ";"']),
        ("SELECT $$;$$, $a$;$$;$a$; 2", ["SELECT $$;$$, $a$;$$;$a$;", "2"]),
        ("SELECT 1 -- ;\n; /* ; */ SELECT 2", ["SELECT 1 -- ;\n;", "/* ; */ SELECT 2"]),
        (r"SELECT e'\';' ; 2", [r"SELECT e'\';' ;", "2"]),
        (".tables\nSELECT 1;\n.quit", [".tables", "SELECT 1;", ".quit"]),
        (" ;; \n", []),
    ],
)
def test_scripts_are_split_at_semicolons_outside_quotes(script, parts):
    assert list(sql_shell.statements(script)) == parts


def test_enter_runs_only_what_is_complete():
    assert all(map(sql_shell.is_complete, ["SELECT 1;", ".tables", "", "SELECT 1; -- done", "SELECT ';';"]))
    assert not any(map(sql_shell.is_complete, ["SELECT 1", "SELECT ';", "SELECT 1 -- ;", "SELECT 1;\nSELECT", "/* ;"]))


@pytest.fixture
def state(workspace):
    state = sql_shell.Shell(workspace, form="csv", output=io.StringIO())
    yield state
    state.close()


def shown(state):
    return state._output.getvalue()


def test_a_script_runs_up_to_quit(state):
    assert not sql_shell.run_script(state, ".tables\n.schema ledger\nSELECT 1 AS a; SELECT 2 AS b\n;.quit\nSELECT 3;")
    assert "dialogues      One row per dialogue" in shown(state)
    assert "  rows_in   BIGINT" in shown(state)
    assert shown(state).endswith("a\n1\nb\n2\n")


def test_a_wrong_statement_or_command_ends_a_script(state):
    for script, said in ((".schema nope", "no view"), (".dump", "no command"), ("SELECT x;", "x")):
        with pytest.raises((QueryError, MissingError), match=said):
            sql_shell.run_script(state, script + "\nSELECT 1;")
    assert shown(state) == ""


def test_the_prompt_survives_errors_and_interrupts(state):
    replies = iter(["SELEC;", KeyboardInterrupt(), "SELECT 1 AS a;", EOFError()])

    class Prompt:
        def prompt(self, _):
            reply = next(replies)
            if isinstance(reply, BaseException):
                raise reply
            return reply

    sql_shell.interact(state, Prompt(), state._output)
    assert "syntax error" in shown(state)
    assert shown(state).endswith("Cancelled.\na\n1\n")


SHELL = """
import sys
from pathlib import Path
from quimbot_data.sql.shell import shell
from quimbot_data.workspace import Workspace
shell(Workspace(Path(sys.argv[1])))
"""


def start_shell(root, **pipes):
    return subprocess.Popen([sys.executable, "-c", SHELL, str(root)], **pipes)


def test_statements_are_read_from_a_pipe(workspace):
    process = start_shell(workspace.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate("SELECT count(*) AS n\nFROM dialogues;\n.quit\n", timeout=20)
    assert process.returncode == 0
    assert "(1 row)" in output


def read_until(terminal, mark, seconds=15):
    seen, end = "", time.monotonic() + seconds
    while not re.search(mark, seen, re.DOTALL) and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        seen += os.read(terminal, 65536).decode(errors="replace")
        if "\x1b[6n" in seen:  # prompt_toolkit asks where the cursor is
            os.write(terminal, b"\x1b[1;1R")
            seen = seen.replace("\x1b[6n", "")
    assert re.search(mark, seen, re.DOTALL), seen
    return seen


def test_on_a_terminal_ctrl_c_stops_a_query_and_ctrl_d_leaves(tmp_path):
    workspace = write_workspace(tmp_path)
    terminal, side = pty.openpty()
    process = start_shell(tmp_path, stdin=side, stdout=side, stderr=side, start_new_session=True)
    read_until(terminal, "sql>")
    os.write(terminal, b"SELECT count(*)\rFROM range(100000000000) a, range(1000) b;\r")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    read_until(terminal, r"Cancelled\..*sql>")
    os.write(terminal, b"SELECT count(*) AS still_here FROM dialogues;\r")
    read_until(terminal, r"\(1 row\).*sql>")
    os.write(terminal, b"\x04")
    assert process.wait(timeout=10) == 0
    os.close(terminal)
    os.close(side)
    assert "still_here" in (workspace.root / ".sql_history").read_text()


@pytest.mark.parametrize("version", [None, "small@1.0.0"])
def test_every_column_of_every_view_is_documented_and_no_other(built, version):
    columns = view_columns(Ref.parse(version) if version else None, built)
    for view, found in columns.items():
        absent = {"raw"} | (set() if version else {"split"})  # shown where they were asked for
        assert set(column_meanings(view)) - absent == {name for name, _ in found} - absent, view
