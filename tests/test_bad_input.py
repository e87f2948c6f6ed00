"""Input that is not what it was said to be: one error of one paragraph, or a named refusal, and never a traceback."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import RECIPE, Ran, files_below
from raw_rows import answer, lmsys, magpie, prosocial, question, tutor, write_array, write_lines, write_parquet

from quimbot_data.workspace import Workspace

OWN = ("--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0")


@pytest.fixture
def ingest(quimbot, tmp_path):
    """`quimbot ingest` into a workspace of the test's own; `messages` with all that it needs."""

    def run(source: str, *paths: Path) -> Ran:
        options = OWN if source == "messages" else ()
        return quimbot("ingest", source, *paths, *options, "--json", "--workspace", tmp_path / "w")

    return run


def ledger(ran: Ran) -> dict[str, int]:
    """Refusals by reason, and `carried`; holds that raw rows add up."""
    assert ran.code == 0, ran.err
    lines = [line for line in json.loads(ran.out)["ledger"] if line["step"] == "read"]
    found = {line["reason"] or "carried": line["rows"] for line in lines}
    assert sum(found.values()) == lines[0]["rows_in"]
    return found


def nothing_ingested(tmp_path: Path) -> bool:
    workspace = Workspace(tmp_path / "w")
    return not workspace.sources() and not files_below(workspace.root / ".scratch")


def one(text: str, number: int = 1) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": answer(number)}]
    return {"id": f"x{number}", "messages": turns}


# Files


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_truncated_parquet(ingest, tmp_path, left):
    path = tmp_path / "train.parquet"
    write_parquet(lmsys(50), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * left)])
    ingest("lmsys", path).told("train.parquet", "not whole Parquet", "fetch it again")
    assert nothing_ingested(tmp_path)


def test_parquet_damaged_in_the_middle(ingest, tmp_path):
    path = tmp_path / "train.parquet"
    pl.DataFrame(lmsys(3000)).write_parquet(path, row_group_size=1000, compression="uncompressed")
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 20_000] = b"\xff" * 20_000
    path.write_bytes(data)
    ingest("lmsys", path).told("train.parquet", "damaged Parquet", "after row")
    assert nothing_ingested(tmp_path)


def test_a_good_file_before_a_broken_one_is_not_taken_alone(ingest, tmp_path):
    (tmp_path / "raw").mkdir()
    write_array(tutor(30), tmp_path / "raw" / "a.json")
    (tmp_path / "raw" / "b.json").write_bytes((tmp_path / "raw" / "a.json").read_bytes()[:-500])
    ingest("messages", tmp_path / "raw").told("b.json", "row 28", "the file ends within it")
    assert nothing_ingested(tmp_path)


def test_a_broken_file_leaves_the_corpus_that_was_there(ingest, tmp_path):
    path = tmp_path / "rows.json"
    write_array(tutor(30), path)
    assert ingest("messages", path).code == 0
    before = files_below(tmp_path / "w" / "corpus")
    path.write_bytes(path.read_bytes()[:-500])
    ingest("messages", path).told("rows.json")
    assert files_below(tmp_path / "w" / "corpus") == before


def test_parquet_without_rows(ingest, tmp_path):
    path = tmp_path / "train.parquet"
    pl.DataFrame(lmsys(3)).clear().write_parquet(path)
    ingest("lmsys", path).told("The raw files hold no rows")


def test_text_that_no_writer_called_text_is_read(ingest, tmp_path):
    # BYTE_ARRAY without the annotation, as old writers have it; the last conversation is refused and quoted.
    path = tmp_path / "train.parquet"
    rows = lmsys(3)
    rows[2]["conversation"] = rows[2]["conversation"][1:]
    message = pl.Struct({"content": pl.Binary, "role": pl.String})
    pl.DataFrame(rows).with_columns(pl.col("conversation").cast(pl.List(message))).write_parquet(path)
    assert ledger(ingest("lmsys", path)) == {"carried": 2, "opens-with-assistant": 1}
    (quoted,) = pl.read_parquet(tmp_path / "w" / "corpus" / "lmsys" / "rejected-*.parquet")["raw"]
    assert json.loads(quoted)["conversation"] == rows[2]["conversation"]


def test_a_corpus_of_own_files_is_told_how_it_came(ingest, tmp_path):
    write_array(tutor(3), tmp_path / "rows.json")
    assert ingest("messages", tmp_path / "rows.json").code == 0
    ingest("tutor", tmp_path / "rows.json").told("was made of files of your own", "ingest messages PATH --as tutor")


def test_an_empty_folder_an_empty_file_and_no_file(ingest, tmp_path):
    (tmp_path / "raw").mkdir()
    ingest("lmsys", tmp_path / "raw").told("holds no file")
    (tmp_path / "raw" / "notes.txt").write_text("Nothing here.")
    ingest("lmsys", tmp_path / "raw").told("holds no file ending in .parquet")
    (tmp_path / "raw" / "train.parquet").write_bytes(b"")
    ingest("lmsys", tmp_path / "raw").told("train.parquet is empty")
    ingest("lmsys", tmp_path / "nowhere").told("nowhere does not exist")
    ingest("lmsys").told("does not exist", "quimbot fetch lmsys")


def test_a_file_that_the_system_will_not_read(ingest, tmp_path):
    unreadable = Path("/proc/self/mem")
    if not unreadable.is_file():
        pytest.skip("no /proc here")
    ingest("messages", unreadable).told("/proc/self/mem", "cannot be read: Input/output error")
    assert nothing_ingested(tmp_path)


def test_a_file_of_another_corpus_names_it(ingest, tmp_path):
    write_parquet(magpie(10), tmp_path / "magpie.parquet")
    write_lines(prosocial(5), tmp_path / "train.json")
    write_parquet(lmsys(10), tmp_path / "lmsys.parquet")
    ingest("lmsys", tmp_path / "magpie.parquet").told("is not LMSYS-Chat-1M", "If it is magpie")
    ingest("magpie", tmp_path / "train.json").told("If it is prosocial")
    ingest("waxal", tmp_path / "lmsys.parquet").told("If it is lmsys")
    ingest("messages", tmp_path / "lmsys.parquet").told("If it is lmsys")


def test_wrong_columns(ingest, tmp_path):
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(tmp_path / "x.parquet")
    ingest("lmsys", tmp_path / "x.parquet").told("x.parquet", "a, b")
    write_lines([{"a": 1}], tmp_path / "x.jsonl")
    ingest("messages", tmp_path / "x.jsonl").told("x.jsonl", "columns a")


@pytest.mark.parametrize("value", ["text", 7, [1, 2], [{"content": "no role"}], {"role": "user", "content": "x"}])
def test_right_columns_of_wrong_types(ingest, tmp_path, value):
    rows = [row | {"conversation": value} for row in lmsys(10)]
    write_parquet(rows, tmp_path / "train.parquet")
    ingest("lmsys", tmp_path / "train.parquet").told("train.parquet", "LMSYS-Chat-1M")
    assert nothing_ingested(tmp_path)


def test_not_utf_8(ingest, tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(tutor(4), path)
    text = json.dumps(one("Caf\u00e9 or tea?", 9), ensure_ascii=False)
    path.write_bytes(path.read_bytes() + text.encode("latin-1") + b"\n")
    ran = ingest("messages", path)
    assert ledger(ran) == {"carried": 5}
    assert repairs(ran) == {"not-utf-8": 1}
    path.write_bytes("\n".join(json.dumps(row) for row in tutor(4)).encode("utf-16"))
    ingest("messages", path).told("rows.jsonl")


def repairs(ran: Ran) -> dict[str, int]:
    """Repairs while reading."""
    return {
        line["reason"]: line["rows"]
        for line in json.loads(ran.out)["ledger"]
        if line["reason"] and line["step"] in ("repaired", "mended")
    }


# Rows


def test_a_lone_surrogate_and_a_control_byte_in_an_array(ingest, tmp_path):
    path = tmp_path / "rows.json"
    good = [json.dumps(row) for row in tutor(3)]
    odd = [
        json.dumps(one("SURROGATE is half of it?", 20)).replace("SURROGATE", "\\ud83d"),
        json.dumps(one("Did CONTROL pass?", 21)).replace("CONTROL", "\x07"),
    ]
    path.write_text("[" + ",\n".join([*good, *odd]) + "]", "utf-8")
    ran = ingest("messages", path)
    assert ledger(ran) == {"carried": 5}
    assert {"lone-surrogate": 1, "control-byte": 1}.items() <= repairs(ran).items()


def test_a_line_that_is_no_json_is_refused_alone(ingest, tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(tutor(3), path)
    with path.open("a") as stream:
        stream.write('{"messages": [{"role"\n[1, 2]\nnull\n')
    assert ledger(ingest("messages", path)) == {"carried": 3, "not-json": 1, "not-an-object": 2}


BLANKS = (" ", "\u200b", "\x00", "a ", "\n", "\t", " \n", "\u3000", "\u2003", "\u00a0", "\u2028")


def some(values: Iterable[str], count: int) -> list[object]:
    """Values of which the ordinary loop takes the first few."""
    return [
        pytest.param(value, id=value.encode("unicode_escape").decode(), marks=[pytest.mark.slow] if at >= count else [])
        for at, value in enumerate(values)
    ]


@pytest.mark.parametrize("blank", some(BLANKS, 2))
def test_a_megabyte_of_blanks(ingest, tmp_path, blank):
    write_lines([one("Before" + blank * (900_000 // len(blank)) + "after?", 1), *tutor(3)], tmp_path / "rows.jsonl")
    found = ledger(ingest("messages", tmp_path / "rows.jsonl"))
    assert found == {"carried": 4}


LONG = ("a", "\U0001f600", "e\u0301", "7", "语", "!")


@pytest.mark.parametrize("unit", some(LONG, 1))
def test_the_longest_message_without_a_blank(ingest, tmp_path, unit):
    write_lines([one(unit * (900_000 // len(unit)), 1), *tutor(3)], tmp_path / "rows.jsonl")
    assert sum(ledger(ingest("messages", tmp_path / "rows.jsonl")).values()) == 4


@pytest.mark.parametrize(
    ("unit", "megabytes"),
    [
        (question(7) + " ", 5),
        pytest.param(question(7) + " ", 50, marks=pytest.mark.slow),
        pytest.param("x", 50, marks=pytest.mark.slow),
    ],
)
def test_a_message_of_megabytes(ingest, tmp_path, unit, megabytes):
    write_lines([one(unit * (megabytes * 10**6 // len(unit)), 1), *tutor(3)], tmp_path / "rows.jsonl")
    assert ledger(ingest("messages", tmp_path / "rows.jsonl")) == {"carried": 3, "message-too-long": 1}


# Recipes and versions


def recipe_file(tmp_path: Path, old: str = "", new: str = "") -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(old, new, 1) if old else RECIPE, "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('unit = "dialogues"', 'units = "dialogues"', ("units: unknown key", "Valid keys: name")),
        ("max_chars = 770", "max_characters = 770", ("filters.max_characters", "Valid keys of [filters]")),
        ("weight = 0.4", "weight = 0.5", ("must sum to 1", "1.1")),
        ("weight = 0.4", "weight = 40", ("components.1.weight",)),
        ("size = 360", 'size = "all"', ("size",)),
        ("validation = 0.1", "validation = 0.95", ("leave room for train",)),
        ('sources = ["lmsys"]', "sources = []", ("components.1.sources",)),
        ("size = 360", "size = ", ("is not TOML",)),
        ('sources = ["lmsys"]', 'sources = ["nowhere"]', ("no corpus 'nowhere'", "quimbot ingest nowhere")),
        ('sources = ["tutor"]', 'sources = ["toefl11"]', ("toefl11", "learner texts", "Take it out")),
        ('sources = ["lmsys"]', 'sources = ["magpie"]', ("whose family is instruction",)),
        ("size = 360", "size = 90000", ("cannot be filled", "binds", "Ways out: ")),
    ],
)
def test_recipes_that_cannot_be_built(quimbot, built, tmp_path, old, new, words):
    recipe = recipe_file(tmp_path, old, new)
    quimbot("build", recipe, "--version", "9.0.0", "--workspace", built.root).told(*words)
    assert [str(ref) for ref in built.versions()] == ["small@1.0.0"]
    assert files_below(built.root / ".scratch") == {}


def test_recipes_that_are_no_files(quimbot, built, tmp_path):
    build = ("--version", "9.0.0", "--workspace", built.root)
    quimbot("build", tmp_path / "none.toml", *build).told("none.toml cannot be read")
    quimbot("build", f"{tmp_path}/", *build).told("cannot be read")
    quimbot("build", "nothing-shipped", *build).told("no recipe 'nothing-shipped'", "Shipped: ", "demo")
    (tmp_path / "latin.toml").write_bytes('name = "café"'.encode("latin-1"))
    quimbot("build", tmp_path / "latin.toml", *build).told("latin.toml")


@pytest.mark.parametrize("number", ["1", "1.2", "1.2.x", "v1.2.3", "01.2.3", "1.2.3-rc1", "../../x", ""])
def test_bad_version_numbers(quimbot, built, tmp_path, number):
    ran = quimbot("build", recipe_file(tmp_path), "--version", number, "--workspace", built.root)
    ran.told("NAME@X.Y.Z")


@pytest.mark.parametrize("command", ["show", "verify", "card", "verify-card"])
def test_versions_that_are_not_there(quimbot, built, command):
    quimbot(command, "small@9.9.9", "--workspace", built.root).told("no version small@9.9.9", "Built here: small@1.0.0")
    quimbot(command, "small", "--workspace", built.root).told("'small' names no version", "NAME@X.Y.Z")


# What `ingest` is told


def test_messages_needs_a_name_a_family_and_a_licence(quimbot, tmp_path):
    write_lines(tutor(3), tmp_path / "rows.jsonl")

    def run(*options: str) -> Ran:
        return quimbot("ingest", "messages", tmp_path / "rows.jsonl", *options, "--workspace", tmp_path / "w")

    run().told("need a name, a family and a licence", "--as")
    run(*OWN[:4]).told("need a name, a family and a licence")
    run(*OWN, "--terms", "free").told("free are no terms", "no-transfer")
    run(*OWN[:2], "--family", "poems", *OWN[4:]).told("'poems' is no family", "conversation")
    run("--as", "lmsys", *OWN[2:]).told("lmsys is the name of a known corpus")
    run("--as", "../up", *OWN[2:]).told("'../up' is no source name")
    assert not (tmp_path / "w").exists()


def test_a_corpus_states_its_own_terms(quimbot, tmp_path):
    quimbot("ingest", "lmsys", tmp_path, "--license", "MIT", "--workspace", tmp_path / "w").told("its own name")
    quimbot("ingest", "lmsis", tmp_path, "--workspace", tmp_path / "w").told("no corpus 'lmsis'", "Known: lmsys")
