"""Named queries and parameters."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.sql.catalog import workspace_catalog
from quimbot_data.sql.named import named_queries, named_query, parameters, resolved, value
from quimbot_data.sql.query import Session, run_query
from quimbot_data.sql.shell import Shell
from quimbot_data.workspace import Ref
from schemas.errors import MissingError, QueryError, QuimbotError

REF = "small@1.0.0"
QUERIES = [query.name for query in named_queries()]
NEEDED = {"search": {"text": "note"}}


def test_a_query_about_versions_says_so_where_none_is_named(quimbot, built):
    ran = quimbot("-w", built.root, "sql", "@drop-reasons", "--json")
    assert (ran.code, json.loads(ran.out)) == (0, [])
    assert "--version NAME@X.Y.Z" in ran.err


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_states_its_grain_and_each_parameter_in_it(name):
    query = named_query(name)
    assert query.grain.startswith("One row per ")
    body = "\n".join(line for line in query.sql.splitlines() if not line.startswith("--"))
    assert {parameter.name for parameter in query.parameters} == {
        word.strip("$,()") for word in body.replace("(", " ").replace(")", " ").split() if word.startswith("$")
    }


@pytest.fixture(scope="module")
def sessions(built):
    """A worker process for the corpora and one for the version, each with what it shows."""
    with Session() as corpora, Session() as version:
        yield {
            None: (corpora, workspace_catalog(built)),
            REF: (version, workspace_catalog(built, Ref.parse(REF))),
        }


@pytest.mark.parametrize("version", [None, REF])
@pytest.mark.parametrize("name", QUERIES)
def test_every_query_runs_over_corpora_and_versions(sessions, name, version):
    session, catalog = sessions[version]
    rows = session.query(catalog, *resolved(f"@{name}", NEEDED.get(name, {}))).num_rows
    without = ("drop-reasons", "near-duplicates", "moves", "error-types")  # of versions, and of annotated dialogues
    assert rows or name in without or name.startswith("losses")  # of runs


def test_drop_reasons_are_those_of_the_fates(quimbot, built):
    ran = quimbot("-w", built.root, "sql", "@drop-reasons", "--version", REF, "--param", "source=lmsys", "--json")
    rows = json.loads(ran.out)
    counted = run_query(
        built, "SELECT count(*) AS n FROM fates WHERE fate = 'dropped' AND source = 'lmsys'", version=Ref.parse(REF)
    )
    assert sum(row["dialogues"] for row in rows) == counted["n"][0].as_py() > 0
    assert {row["source"] for row in rows} == {"lmsys"}


def test_parameters_reach_a_query_of_ones_own(quimbot, built):
    query = "SELECT count(*) AS n FROM dialogues WHERE source = $source AND n_turns <= $most"
    ran = quimbot("-w", built.root, "sql", query, "--param", "source=lmsys", "--param", "most=1", "--json")
    plain = "SELECT count(*) AS n FROM dialogues WHERE source = 'lmsys' AND n_turns <= 1"
    assert json.loads(ran.out)[0]["n"] == run_query(built, plain)["n"][0].as_py() > 0


def test_a_parameter_is_a_value_and_never_sql(built):
    hostile = "lmsys' OR '1' = '1"
    found = run_query(built, "SELECT * FROM dialogues WHERE source = $source", parameters={"source": hostile})
    assert found.num_rows == 0


def test_explain_shows_a_plan(quimbot, built):
    ran = quimbot("-w", built.root, "sql", "@longest", "--explain")
    assert ran.code == 0
    assert "n_tokens" in ran.out
    assert "lmsys:" not in ran.out


@pytest.mark.slow
def test_a_query_that_explains_itself_is_not_explained_again(quimbot, built):
    for arguments in (["EXPLAIN SELECT 1", "--explain"], ["explain analyze explain SELECT 1"]):
        quimbot("-w", built.root, "sql", *arguments).told("says EXPLAIN twice", "--explain")


def test_the_list_names_all(quimbot):
    ran = quimbot("sql", "--list", "--json")
    assert [row["name"] for row in json.loads(ran.out)] == QUERIES
    plain = quimbot("sql", "--list")
    assert all(f"@{name}" in plain.out for name in QUERIES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("@drop-reason",), ("Did you mean @drop-reasons?", "--list")),
        (("@",), ("There is no query",)),
        (("@search",), ("needs text", "--param text=VALUE")),
        (("@longest", "--param", "mots=3"), ("no parameter mots", "most, source")),
        (("@longest", "--param", "most"), ("NAME=VALUE",)),
        (("@longest", "--param", "most=1", "--param", "most=2"), ("twice",)),
        (("@longest", "--param", "most=many"), ("many",)),
        (("SELECT $a",), ("$a", "--param a=VALUE")),
        (("SELECT 1", "--param", "a=1"), ("does not name",)),
    ],
)
def test_mistakes_are_told(quimbot, built, arguments, words):
    quimbot("-w", built.root, "sql", *arguments).told(*words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("3", 3), ("3.5", 3.5), ("true", True), ("null", None), ("NULL", None), ("lmsys", "lmsys")],
        *[("007", "007"), ("[1]", "[1]"), ('"x"', '"x"'), ("", ""), ("1e400", "1e400"), ("NaN", "NaN")],
    ],
)
def test_values_are_json_scalars_or_text(text, expected):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@tried(200)
@given(st.text(max_size=20), st.lists(st.text(max_size=12), max_size=3))
def test_whatever_is_asked_is_answered_or_refused_by_name(text, pairs):
    try:
        _, found = resolved(text, parameters(pairs))
    except QuimbotError:
        return
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_shell_runs_them(built, capsys):
    shell = Shell(built)
    try:
        assert shell.run("@longest most=1;")
        assert shell.run(".queries")
        with pytest.raises(MissingError):
            shell.run("@nothing;")
        with pytest.raises(QueryError, match="cannot be read"):
            shell.run("@search text='a;")
    finally:
        shell.close()
    out = capsys.readouterr().out
    assert "(1 row)" in out
    assert "@drop-reasons" in out


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("x.parquet", b"PAR1"),
        ("x.CSV", b"n\n1"),
        pytest.param("x.json", b"[", marks=pytest.mark.slow),
        pytest.param("x.txt", b"   \n n", marks=pytest.mark.slow),
    ],
)
def test_an_output_is_what_its_ending_says(quimbot, tmp_path, name, begins):
    ran = quimbot("sql", "SELECT 1 AS n", "--output", tmp_path / name, "--workspace", tmp_path / "w")
    assert ran.code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_format_that_is_named_goes_before_an_ending(quimbot, tmp_path):
    path = tmp_path / "x.json"
    assert quimbot("sql", "SELECT 1 AS n", "--format", "csv", "--output", path, "-w", tmp_path).code == 0
    assert path.read_bytes() == b"n\n1\n"
