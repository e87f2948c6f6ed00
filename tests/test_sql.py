"""SQL over a workspace: the views hold what is there, and a query that is wrong or too much says so."""

import contextlib
import time

import polars as pl
import pytest
from sql_workspace import ALPHA, VERSION, frame, write_corpus, write_workspace

from quimbot_data.sql.catalog import VIEWS, column_meanings, view_grain, workspace_catalog
from quimbot_data.sql.query import Limits, Session, run_query, view_columns
from quimbot_data.version import FATES_SCHEMA
from quimbot_data.workspace import Ref, Workspace
from schemas.dialogue import Dialogue
from schemas.errors import MissingError, QueryError
from schemas.frame import polars_schema
from schemas.learner import LearnerText


@pytest.fixture(scope="module")
def ask(by_hand):
    """Run a query in a session shared by all tests; rows as dictionaries."""
    with contextlib.ExitStack() as stack:
        opened = {}

        def rows(query, version=None, show_raw=False):
            key = (version, show_raw)
            if key not in opened:
                catalog = workspace_catalog(by_hand, version, show_raw=show_raw)
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


def test_empty_and_filled_views_have_the_same_types(by_hand):
    assert view_columns() == view_columns(workspace=by_hand)


def test_dialogues_come_back_as_they_were_written(by_hand):
    table = run_query(by_hand, "SELECT * FROM dialogues WHERE source = 'alpha' ORDER BY dialogue_id")
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


def test_columns_of_equal_names_are_told_apart(by_hand, ask):
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


def test_an_unknown_version_is_named(by_hand):
    with pytest.raises(MissingError, match=r"tiny@0\.1\.0"):
        run_query(by_hand, "SELECT 1", version=Ref("tiny", "9.9.9"))


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
    [
        pytest.param("SELECT count(*) FROM range(100000000000) a, range(1000) b", id="loop", marks=pytest.mark.slow),
        pytest.param("SELECT len(repeat('x', 900000000))", id="deaf-to-interrupt"),
    ],
)
def test_a_query_past_its_time_is_killed_and_the_session_goes_on(by_hand, query):
    catalog = workspace_catalog(by_hand)
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
        pytest.param("SELECT list(range) FROM range(200000000)", id="memory_limit"),
        pytest.param("SELECT len(range(2000000000))", id="one-list", marks=pytest.mark.slow),
        pytest.param("SELECT len(repeat(repeat('x', 100000), 42000))", id="past-memory_limit"),
        pytest.param("SELECT repeat('x', 100000) FROM range(100000)", id="large-result", marks=pytest.mark.slow),
    ],
)
def test_a_query_past_its_memory_is_refused(by_hand, query):
    with pytest.raises(QueryError, match=r"memory|larger than 200MB"):
        run_query(by_hand, query, limits=Limits(memory="200MB", seconds=20))


def test_limits_are_written_plainly():
    assert Limits(memory="1.5GB").memory_bytes() == 1_500_000_000
    with pytest.raises(QueryError, match="500MB"):
        Limits(memory="much").memory_bytes()


# What is documented


@pytest.mark.parametrize("version", [None, "small@1.0.0"])
def test_every_column_of_every_view_is_documented_and_no_other(built, version):
    columns = view_columns(Ref.parse(version) if version else None, built)
    for view, found in columns.items():
        absent = {"raw"} | (set() if version else {"split"})  # shown where they were asked for
        assert set(column_meanings(view)) - absent == {name for name, _ in found} - absent, view
