"""Whatever a query says, it reads the workspace's views and writes nothing: once as users meet it, once unguarded."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried
from sql_workspace import write_workspace

from quimbot_data.sql.catalog import VIEWS, workspace_catalog
from quimbot_data.sql.query import Limits, Session
from quimbot_data.workspace import Workspace
from schemas.errors import QueryError

#: {ws}: the workspace, {out}: an empty folder, {secret}: a file outside the workspace.
HOSTILE = r"""
COPY dialogues TO '{out}/a.csv'
COPY dialogues TO '{ws}/a.parquet' (FORMAT parquet)
COPY (SELECT 1) TO '{ws}/corpus/alpha/d.parquet' (FORMAT parquet)
COPY (SELECT 1) TO ':memory:'
COPY (SELECT 1) TO ':memory:.wal'
COPY (SELECT 1) TO 'a.csv'
COPY (SELECT 1) TO '/dev/stdout'
COPY dialogues FROM '{secret}'
COPY FROM DATABASE memory TO other
WITH a AS (COPY (SELECT 1) TO '{out}/a.csv') SELECT * FROM a
WITH a AS (COPY (SELECT 1) TO ':memory:') SELECT * FROM a
WITH a AS (SELECT 1), b AS (COPY dialogues TO '{ws}/corpus/alpha/d.parquet') SELECT * FROM a
SELECT * FROM (WITH a AS (COPY (SELECT 1) TO '{out}/a.csv') SELECT * FROM a)
SELECT (WITH a AS (COPY (SELECT 1) TO '{out}/a.csv' RETURN_FILES) SELECT count(*) FROM a)
WITH a AS (INSERT INTO dialogues SELECT * FROM dialogues RETURNING *) SELECT * FROM a
WITH a AS (DELETE FROM dialogues RETURNING *) SELECT * FROM a
WITH a AS (UPDATE dialogues SET language = 'en' RETURNING *) SELECT * FROM a
EXPLAIN COPY (SELECT 1) TO '{out}/a.csv'
EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}/a.csv'
EXPLAIN ANALYZE COPY (SELECT 1) TO ':memory:'
/* EXPLAIN */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}/a.csv'
EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{out}/a.csv'
EXPLAIN EXPLAIN COPY (SELECT 1) TO '{out}/a.csv'
EXPORT DATABASE '{out}/a'
IMPORT DATABASE '{out}/a'
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_csv_auto('{secret}')
SELECT * FROM read_text('{secret}')
SELECT * FROM read_blob('{secret}')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_ndjson_objects('{secret}')
SELECT * FROM read_parquet('{ws}/corpus/alpha/rejected-0.parquet')
SELECT * FROM parquet_scan('{ws}/corpus/alpha/rejected-0.parquet')
SELECT * FROM parquet_metadata('{ws}/corpus/alpha/d.parquet')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM read_duckdb('{secret}')
SELECT * FROM main.read_csv('{secret}')
SELECT * FROM system.main.read_text('{secret}')
SELECT * FROM "read_text"('{secret}')
SELECT * FROM READ_TEXT($${secret}$$)
SELECT * FROM read_text/**/('{secret}')
SELECT * FROM '{secret}'
SELECT * FROM "{secret}"
SELECT * FROM '{ws}/corpus/alpha/rejected-0.parquet'
FROM '{secret}'
TABLE '{secret}'
DESCRIBE '{secret}'
SUMMARIZE '{secret}'
DESCRIBE SELECT * FROM read_csv('{secret}')
EXPLAIN SELECT * FROM read_text('{secret}')
EXPLAIN ANALYZE SELECT * FROM read_text('{secret}')
SELECT 1 WHERE EXISTS (SELECT * FROM '{secret}')
SELECT (SELECT content FROM read_text('{secret}'))
SELECT * FROM dialogues, LATERAL (SELECT * FROM read_text('{secret}'))
SELECT * FROM dialogues JOIN '{secret}' ON true
SELECT 1 UNION ALL SELECT content FROM read_text('{secret}')
WITH a AS (SELECT * FROM read_text('{secret}')) SELECT * FROM a
WITH "{secret}" AS (SELECT 1) SELECT * FROM read_text('{secret}')
SELECT * FROM (WITH "{secret}" AS (SELECT 1) SELECT 1), '{secret}'
SELECT [x FOR x IN (SELECT content FROM read_text('{secret}'))]
SELECT list_transform([1], lambda x: (SELECT content FROM read_text('{secret}')))
SELECT 1 ORDER BY (SELECT content FROM read_text('{secret}'))
SELECT 1 LIMIT (SELECT size FROM read_text('{secret}'))
SELECT max(1) OVER (ORDER BY (SELECT content FROM read_text('{secret}')))
PIVOT '{secret}' ON a IN (1) USING count(*)
UNPIVOT '{secret}' ON a
VALUES ((SELECT content FROM read_text('{secret}')))
SELECT * FROM range((SELECT size FROM read_text('{secret}')))
SELECT * FROM glob('/*')
SELECT * FROM glob('{ws}/**')
SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')
SELECT * FROM query_table('{secret}')
SELECT * FROM query_table(['dialogues', '{secret}'])
SELECT * FROM histogram('{secret}', column0)
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{secret}'')'))
PRAGMA json_execute_serialized_sql('{{}}')
SELECT getenv('HOME')
SELECT * FROM (SELECT GetEnv('HOME'))
SELECT getvariable('x')
SELECT current_setting('home_directory')
SELECT write_log('x')
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_views()
SELECT * FROM which_secret('s3://x', 's3')
SELECT * FROM information_schema.tables
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM duckdb_tables
SELECT * FROM sqlite_master
SELECT * FROM rejected_rows
SELECT * FROM dialogue_rows
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM python_map_function()
SELECT * FROM seq_scan('x')
SELECT * FROM test_all_types()
SELECT * FROM checkpoint()
SELECT * FROM enable_logging(storage = 'file', storage_path = '{out}')
SELECT * FROM enable_profiling('json', '{out}/a')
SELECT * FROM register_external_resource('x')
SELECT * FROM connection
SELECT * FROM request
SELECT * FROM os
INSTALL httpfs
INSTALL '{out}/x.duckdb_extension'
LOAD httpfs
LOAD '{out}/x.duckdb_extension'
FORCE INSTALL spatial FROM community
UPDATE EXTENSIONS
ATTACH '{out}/a.db' AS a
ATTACH '{ws}/a.db' (READ_ONLY)
ATTACH ':memory:' AS a
ATTACH 'https://localhost/a.db' AS a
DETACH memory
USE memory
CHECKPOINT
FORCE CHECKPOINT
VACUUM
SET threads = 1
SET enable_external_access = true
SET lock_configuration = false
SET temp_directory = '{out}'
SET log_query_path = '{out}/log'
SET VARIABLE a = 1
RESET threads
PRAGMA threads = 1
PRAGMA enable_profiling = 'json'
PRAGMA profiling_output = '{out}/a'
PRAGMA database_list
CALL duckdb_secrets()
CALL enable_logging(storage = 'file', storage_path = '{out}')
CALL range(3)
CREATE TABLE a AS SELECT 1
CREATE TABLE a AS FROM '{secret}'
CREATE VIEW a AS FROM '{secret}'
CREATE OR REPLACE VIEW dialogues AS SELECT 1
CREATE TEMP TABLE a (b INT)
CREATE MACRO a() AS TABLE SELECT * FROM read_text('{secret}')
CREATE FUNCTION a(x) AS x
CREATE SECRET a (TYPE s3, KEY_ID 'x', SECRET 'y')
CREATE PERSISTENT SECRET a (TYPE s3, KEY_ID 'x', SECRET 'y')
CREATE SEQUENCE a
CREATE TYPE a AS ENUM ('x')
CREATE SCHEMA a
INSERT INTO dialogues SELECT * FROM dialogues
UPDATE dialogues SET language = 'en'
DELETE FROM dialogues
MERGE INTO dialogues USING ledger ON true WHEN MATCHED THEN DELETE
TRUNCATE dialogues
DROP VIEW dialogues
ALTER VIEW dialogues RENAME TO a
ALTER TABLE ledger_lines ADD COLUMN a INT
COMMENT ON VIEW dialogues IS 'x'
BEGIN TRANSACTION
COMMIT
PREPARE a AS SELECT 1
EXECUTE a
DEALLOCATE a
ANALYZE
SHOW TABLES
SHOW ALL TABLES
SHOW DATABASES
SELECT * FROM (SHOW ALL TABLES)
SELECT 1; COPY (SELECT 1) TO '{out}/a.csv'
SELECT 1; SELECT 2
SELECT 1;/* ; */; DROP VIEW dialogues; --
SELECT 1 -- ' \n; COPY (SELECT 1) TO '{out}/a.csv'
SELECT $a$ ; $a$; COPY (SELECT 1) TO '{out}/a.csv'
SELECT 1\0; COPY (SELECT 1) TO '{out}/a.csv'
SELECT * FROM dialogues AT (VERSION => 1)
PIVOT dialogues ON language
SELECT * FROM dialogues INTO OUTFILE '{out}/a'
""".strip().splitlines()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folders that a query might touch; HOME is one of them."""
    root = tmp_path_factory.mktemp("hostile")
    (root / "out").mkdir()
    (root / "home").mkdir()
    (root / "secret.csv").write_text("column0\nTOPSECRET\n")
    write_workspace(root / "ws")
    return root


@pytest.fixture(scope="module")
def opened(place):
    catalog = workspace_catalog(Workspace(place / "ws"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place / "home"))
        patch.chdir(place / "out")
        session = Session(Limits(memory="500MB", seconds=10))
    with session:
        yield session, catalog


@pytest.fixture(scope="module")
def ask(opened):
    session, catalog = opened
    return lambda query: session.query(catalog, query)


def filled(query, place):
    names = {"ws": place / "ws", "out": place / "out", "secret": place / "secret.csv"}
    return query.replace("\\n", "\n").replace("\\0", "\0").format(**names)


def state(root):
    """Every path below a folder with its bytes, and its times of change."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.is_file() and digest(path))
        for path in sorted(root.rglob("*"))
    }


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def untouched(place):
    before = state(place)
    yield
    assert state(place) == before


def refusal(ask, query):
    """What a query is refused with, or None where it runs."""
    try:
        ask(query)
    except QueryError as error:
        return str(error)
    return None


def test_every_hostile_query_is_refused_and_touches_no_file(ask, place, untouched):
    told = {query: refusal(ask, filled(query, place)) for query in HOSTILE}
    assert [query for query, text in told.items() if not text] == []
    # Each is refused by the guard or the parser; DuckDB's own refusal to open a file is a second line.
    late = ("TOPSECRET", "brought its process down", "file system operations")
    assert [query for query, text in told.items() if any(word in text for word in late)] == []


UNGUARDED = """
import json, sys
import duckdb
from quimbot_data.sql import worker
request = json.loads(sys.stdin.read())
told = []
limits = {"memory_limit": f"{request['memory_bytes']}B"}
connection = worker.connect(request["catalog"], limits)
for query in request["queries"]:
    try:
        told.append(str(connection.execute(query).fetchall()))
        connection = worker.connect(request["catalog"], limits)  # the query may have changed what the old one holds
    except (duckdb.Error, RuntimeError, ValueError, TypeError) as error:
        told.append(str(error))
json.dump(told, sys.stdout)
"""


def test_duckdb_itself_reaches_no_file_even_without_the_guard(place, untouched):
    catalog = json.loads(workspace_catalog(Workspace(place / "ws")).to_json())
    catalog["tables"] = {}
    catalog["views"] = {"dialogues": "SELECT 'a' AS language, 1 AS rows"}
    # Its own stdout is no file, and carries this test's result.
    queries = [filled(query, place) for query in HOSTILE if "/dev/" not in query]
    request = json.dumps({"catalog": catalog, "memory_bytes": 500_000_000, "queries": queries})
    environment = {**os.environ, "HOME": str(place / "home"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", UNGUARDED],
        input=request, text=True, capture_output=True, cwd=place / "out", env=environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) == len(queries)
    assert [query for query, text in zip(queries, told, strict=True) if "TOPSECRET" in text] == []


def test_the_worker_may_write_no_byte_to_any_file(opened):
    session, catalog = opened
    session.query(catalog, "SELECT 1")
    limits = Path("/proc") / str(session._process.pid) / "limits"
    if not limits.exists():
        pytest.skip("no /proc here")
    assert re.search(r"Max file size +0 +0 ", limits.read_text())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM dialogues JOIN '{secret}' ON true", "files cannot be read from SQL"),
        ("WITH a AS (COPY (SELECT 1) TO 'x') SELECT * FROM a", "COPY inside a query is refused"),
        ("SELECT * FROM read_text('{secret}')", "table function read_text() is refused"),
        ("DROP VIEW dialogues", "beginning 'DROP', is no single SELECT"),
        ("SHOW TABLES", "Views: dialogues, messages"),
        ("SELECT getenv('HOME')", "function getenv() is refused"),
    ],
)
def test_refusals_say_what_is_refused(ask, place, query, said):
    assert said in refusal(ask, filled(query, place))


SIGNS = r"""( ) , ; * = - '' ' " $$ . :: [ ] { } -- /* */ 1 1e999 $1 ? :x é 😀"""
WORDS = """SELECT FROM WHERE WITH AS ORDER BY LIMIT COPY TO EXPLAIN ANALYZE DESCRIBE UNION ALL JOIN USING VALUES PIVOT
    ON IN NULL CASE WHEN END lambda unnest read_text range count(*) messages content source split a x"""
words = st.sampled_from([*VIEWS, *SIGNS.split(), *WORDS.split(), "\0", "\ud800", "\n"])
KNOWN = ["SELECT role, count(*) FROM messages GROUP BY 1", *(query for query in HOSTILE if "{" not in query)]
queries = st.one_of(
    st.text(max_size=40),
    st.lists(words, max_size=12).map(" ".join),
    # A known query with a piece cut out and another put in.
    st.builds(
        lambda query, start, length, piece: query[:start] + piece + query[start + length :],
        st.sampled_from(KNOWN),
        st.integers(0, 40),
        st.integers(0, 10),
        words,
    ),
)


@tried(400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries)
def test_any_text_gives_a_result_or_a_query_error(ask, untouched, query):
    assert "brought its process down" not in (refusal(ask, query) or "")
