import gzip
import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.sources import json_items
from quimbot_data.sources.files import RawFile, origins
from quimbot_data.sources.json_text import Decoder
from quimbot_data.sources.records import UNREADABLE_SCHEMA, json_batches, mappings, record_keys, records
from quimbot_data.sources.source import ORIGIN_SCHEMA, RawBatch
from schemas.errors import InputError


def raw(folder: Path, content: bytes | str, name: str = "rows.json") -> RawFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return RawFile(name, path)


def rows_of(file: RawFile, rows: int = 100) -> list[Any]:
    return [row for batch in json_batches(file, rows) for row in mappings(batch)]


def only(file: RawFile) -> RawBatch:
    (batch,) = json_batches(file)
    return batch


# Layouts


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.txt"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, {"a": 2}]',
        b'\n [\n{"a": 1}\r\n,{"a":2}\n ] \n',
        b'{"a": 1}\n{"a": 2}',
        b'{"a": 1}\r\n\r\n{"a": 2}\r\n',
    ],
    ids=["array", "spread-array", "lines", "crlf-and-blank-lines"],
)
def test_the_content_decides_not_the_name(tmp_path: Path, content: bytes, bom: bytes, name: str) -> None:
    for data in (bom + content, gzip.compress(bom + content)):
        batch = only(raw(tmp_path, data, name))
        assert batch.rows == [{"a": 1}, {"a": 2}]
        assert batch.origins.rows() == [(name, 0), (name, 1)]
        assert batch.origins.schema == ORIGIN_SCHEMA
        assert batch.unreadable is None
        assert batch.repaired == {}


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_lines_end_at_the_newline_alone(tmp_path: Path, separator: str) -> None:
    lines = f'{{"a": "one{separator}two"}}\n{{"a": "three"}}\n'
    assert [row["a"] for row in rows_of(raw(tmp_path, lines))] == [f"one{separator}two", "three"]


def test_an_empty_array_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(raw(tmp_path, " [ ] \n")) == []


def test_the_last_of_repeated_keys_wins(tmp_path: Path) -> None:
    assert rows_of(raw(tmp_path, '[{"a": 1, "a": 2}]')) == [{"a": 2}]


def test_parquet_comes_as_mappings_too(tmp_path: Path) -> None:
    table = [{"turns": [{"role": "user"}], "n": 1}, {"turns": [], "n": None}]
    pl.DataFrame(table).write_parquet(tmp_path / "rows.json")
    file = RawFile("rows.json", tmp_path / "rows.json")
    assert [row for batch in records(file, rows=1) for row in mappings(batch)] == table
    assert record_keys(file) == {"turns", "n"}


def test_keys_are_those_of_all_first_rows(tmp_path: Path) -> None:
    assert record_keys(raw(tmp_path, '[{"a": 1}, {"b": 1}, {"c": 1}]'), rows=2) == {"a", "b"}
    assert record_keys(raw(tmp_path, "[1, 2]")) == frozenset()
    assert record_keys(raw(tmp_path, "[]")) == frozenset()


@pytest.mark.parametrize("content", ['[{"a": 1}, {"a": 2}, {"a": 3}]', '{"a": 1}\n{"a": 2}\n{"a": 3}'])
def test_batches_are_bounded_by_rows_and_by_characters(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = raw(tmp_path, content)
    assert [batch.origins["raw_row"].to_list() for batch in json_batches(file, rows=2)] == [[0, 1], [2]]
    monkeypatch.setattr("quimbot_data.sources.records.BATCH_CHARS", 9)
    assert [batch.origins["raw_row"].to_list() for batch in json_batches(file)] == [[0, 1], [2]]


# Repairs


def both(folder: Path, record: bytes) -> list[RawBatch]:
    """The record after a plain one, as an array and as lines."""
    return [only(raw(folder, b'[{"a": 0}, %s]' % record)), only(raw(folder, b'{"a": 0}\n%s\n' % record))]


@pytest.mark.parametrize(
    ("name", "record", "value"),
    [
        ("lone-surrogate", rb'{"a": "x\ud83dy", "b": "\ud83d\ude00"}', {"a": "x\ufffdy", "b": "\U0001f600"}),
        ("lone-surrogate", rb'{"\uDE00": ["\uDE00"]}', {"\ufffd": ["\ufffd"]}),
        ("not-utf-8", b'{"a": "caf\xe9 \xff\xfe"}', {"a": "caf\ufffd \ufffd\ufffd"}),
        ("not-utf-8", b'{"a": "\xed\xa0\xbd"}', {"a": "\ufffd\ufffd\ufffd"}),
        ("control-byte", b'{"a": "x\x00y\tz\x1b"}', {"a": "x\x00y\tz\x1b"}),
        (
            "not-finite",
            b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}',
            {"a": None, "b": None, "c": None, "d": 1.5},
        ),
    ],
)
def test_repairs_are_counted_by_raw_row(tmp_path: Path, name: str, record: bytes, value: object) -> None:
    for batch in both(tmp_path, record):
        assert list(mappings(batch)) == [{"a": 0}, value]
        assert batch.repaired == {name: 1}
        assert json.loads(batch.as_json([1])[0], parse_constant=pytest.fail) == value


def test_a_raw_row_is_json_whatever_it_holds() -> None:
    row = {"audio": b"\x89PNG\xff", "turns": [{"content": "¿Qué?".encode(), "score": math.nan}], "score": math.inf}
    said = {"audio": "iVBOR/8=", "turns": [{"content": "¿Qué?", "score": None}], "score": None}
    places = origins("a", range(1))
    for batch in (RawBatch(places, pl.DataFrame([row])), RawBatch(places, [row])):
        assert json.loads(batch.as_json([0])[0], parse_constant=pytest.fail) == said


def test_whole_pairs_and_real_replacement_characters_are_no_repair(tmp_path: Path) -> None:
    for batch in both(tmp_path, '{"a": "\\ud83d\\ude00 \ufffd \\ufffd é"}'.encode()):
        assert list(mappings(batch))[1] == {"a": "\U0001f600 \ufffd \ufffd é"}
        assert batch.repaired == {}


def test_several_repairs_of_one_row(tmp_path: Path) -> None:
    for batch in both(tmp_path, b'{"a": "\xff\\ud83d\n"}'.replace(b"\n", b"\x01")):
        assert list(mappings(batch))[1] == {"a": "\ufffd\ufffd\x01"}
        assert batch.repaired == {"not-utf-8": 1, "lone-surrogate": 1, "control-byte": 1}


# Refusals


def test_broken_lines_are_kept_aside_with_their_text(tmp_path: Path) -> None:
    lines = (
        b'{"a": 1}\n{"a": \xff\n\n[1]\n{"a": 2} x\nnull\n'
        + b"[" * 99_999
        + b"\n"
        + b'{"n": 1%s}\n{"a": 3' % (b"0" * 5000)
    )
    batch = only(raw(tmp_path, lines))
    assert list(mappings(batch)) == [{"a": 1}]
    assert batch.unreadable is not None
    assert batch.unreadable.schema == UNREADABLE_SCHEMA
    assert batch.unreadable.select("raw_row", "reason").rows() == [
        (1, "not-json"),
        (2, "not-an-object"),
        (3, "not-json"),
        (4, "not-an-object"),
        (5, "not-json"),
        (6, "not-json"),
        (7, "not-json"),
    ]
    assert batch.unreadable["raw"].to_list()[:4] == ['{"a": \ufffd', "[1]", '{"a": 2} x', "null"]
    assert batch.unreadable["detail"][2] == "Extra data (character 8)"
    assert batch.unreadable["detail"][1] == "a list stands where an object is due"


def test_array_elements_that_are_no_objects_are_kept_aside(tmp_path: Path) -> None:
    batch = only(raw(tmp_path, '[{"a": 1}, 12.5, "\\ud83d", {"a": 2}, null, [], true]'))
    assert batch.origins["raw_row"].to_list() == [0, 3]
    assert batch.unreadable is not None
    assert batch.unreadable["raw_row"].to_list() == [1, 2, 4, 5, 6]
    assert batch.unreadable["raw"].to_list() == ["12.5", '"\\ud83d"', "null", "[]", "true"]
    assert set(batch.unreadable["reason"]) == {"not-an-object"}


@pytest.mark.parametrize(
    ("content", "row", "character", "why"),
    [
        ('[{"a": 1}, {"a": "tw', 1, 20, "ends within"),
        ('[{"a": 1}, {"a"', 1, 15, "ends within"),
        ('[{"a": 1},', 1, 10, "ends within"),
        ('[{"a": 1}', 1, 9, "ends within"),
        ("[", 0, 1, "ends within"),
        ('[{"a": 1}, {"a": tru', 1, 17, "Expecting value"),
        ('[{"a": 1} {"a": 2}]', 1, 10, "comma"),
        ('[{"a": 1},]', 1, 10, "Expecting value"),
        ('[{"a": 1}, oops, {"a": 2}]' + " " * 99, 1, 11, "Expecting value"),
        ('[{"a": 1}] {"a": 2}', 1, 11, "follows"),
        ('[{"a": 1}, {"a" 2}]' + " " * 99, 1, 16, "':' delimiter"),
        ("[" * 99_999, 0, 1, "Nested too deeply"),
    ],
)
def test_a_cut_or_broken_array_stops_with_row_and_character(
    tmp_path: Path, content: str, row: int, character: int, why: str
) -> None:
    for data in (content.encode(), gzip.compress(content.encode())):
        file = raw(tmp_path, data)
        with pytest.raises(InputError, match=why) as caught:
            rows_of(file)
        assert f"{file.path} is no whole JSON array: row {row}, character {character}: " in str(caught.value)


@pytest.mark.parametrize("chunk", [1, 3, 7, 64])
def test_places_do_not_depend_on_chunks(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_items, "_CHUNK_BYTES", chunk)
    content = "[" + ", ".join(f'{{"a": "é{n}"}}' for n in range(50)) + ', {"a" 2}, {"a": 3}]'
    with pytest.raises(InputError, match=f"row 50, character {content.index('2}, {')}: "):
        rows_of(raw(tmp_path, content))


@pytest.mark.parametrize("content", ['[{"a": "%s"}, {"a": 2}]', '{"a": "%s"}\n{"a": 2}\n'], ids=["array", "lines"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "trailing"])
def test_broken_gzip_stops_with_the_row(tmp_path: Path, content: str, damage: str) -> None:
    data = gzip.compress((content % "".join(map(chr, range(0x100, 0x2000)))).encode())
    data = {"cut": data[:-20], "flipped": data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "trailing": data + b"xyz"}[
        damage
    ]
    with pytest.raises(InputError, match=r"is broken gzip: reading stopped in row [012] "):
        rows_of(raw(tmp_path, data))


def test_a_cut_jsonl_file_keeps_its_last_line_aside(tmp_path: Path) -> None:
    batch = only(raw(tmp_path, '{"a": 1}\n{"a": "tw'))
    assert batch.unreadable is not None
    assert batch.unreadable.rows() == [
        ("rows.json", 1, "not-json", "Unterminated string starting at (character 6)", '{"a": "tw')
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"name,text\na,b\n",
        '{"a": 1}'.encode("utf-16"),
        b'{\n  "a": 1,\n  "b":\n  2\n}\n' * 10_000,
        b"x\n" * 10_001 + b'{"a": 1}',
    ],
    ids=["csv", "utf-16", "spread objects", "late"],
)
def test_a_file_without_json_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"is no JSON Lines: not one of its first [0-9,]+ lines"):
        rows_of(raw(tmp_path, content))


def test_a_record_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_items, "LARGEST_RECORD", 1000)
    monkeypatch.setattr(json_items, "_CHUNK_BYTES", 100)
    record = json.dumps({"a": "x" * 5000})
    for content in ('[{"a": 1}, ' + record + "]", '{"a": 1}\n' + record):
        with pytest.raises(InputError, match=r"more than 1,000 bytes in one record \((row 1|line 2)\)"):
            rows_of(raw(tmp_path, content))


# Promises


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@tried(150)
@given(
    written=st.lists(st.dictionaries(st.text(), _json, max_size=3), max_size=8),
    chunk=st.integers(1, 80),
    rows=st.integers(1, 9),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_any_objects_read_back_equal_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[Any],
    chunk: int,
    rows: int,
    indent: int | None,
    ascii_only: bool,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "_CHUNK_BYTES", chunk)
        array = json.dumps(written, ensure_ascii=ascii_only, indent=indent)
        assert rows_of(raw(folder, array), rows) == written
        if written:
            lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in written)
            assert rows_of(raw(folder, lines), rows) == written


@tried(100)
@given(
    lines=st.lists(st.sampled_from(['{"a": 1}', "oops", "[]", "", " ", '{"a": "\\ud800"}', "{"]), min_size=1),
    rows=st.integers(1, 5),
)
def test_every_line_is_read_or_kept_aside(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], rows: int
) -> None:
    file = raw(tmp_path_factory.mktemp("any"), '{"a": 0}\n' + "\n".join(lines))
    read, aside = [], []
    for batch in json_batches(file, rows):
        read += batch.origins["raw_row"].to_list()
        aside += [] if batch.unreadable is None else batch.unreadable["raw_row"].to_list()
    filled = [line for line in lines if line.strip()]
    assert sorted(read + aside) == list(range(1 + len(filled)))
    assert len(aside) == sum(line in ("oops", "[]", "{") for line in filled)


@tried(200)
@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_as_python_would_or_refused(data: bytes) -> None:
    text = b'{"a": "%s"}' % data
    try:
        decoded = Decoder().at(text.decode("utf-8", "surrogateescape"), 0)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            json.JSONDecoder(strict=False).raw_decode(text.decode("utf-8", "replace"))
        return
    decoded.value["a"].encode()
    decoded.text.encode()


def test_a_message_of_five_megabytes_passes(tmp_path: Path) -> None:
    long = "läng " * 1_000_000
    written = [{"a": 1}, {"a": long}, {"a": 2}]
    assert rows_of(raw(tmp_path, json.dumps(written, ensure_ascii=False))) == written
    assert rows_of(raw(tmp_path, "\n".join(json.dumps(row) for row in written))) == written


@pytest.mark.parametrize("layout", ["array", "lines"])
def test_memory_stays_bounded(tmp_path: Path, layout: str) -> None:
    record = json.dumps({"a": "words and words " * 400}).encode()  # 6.4 KB, 60 MB in all
    start, between, end = (b"[", b",\n", b"]") if layout == "array" else (b"", b"\n", b"\n")
    file = raw(tmp_path, start + between.join([record] * 9_400) + end)
    tracemalloc.start()
    try:
        read = sum(len(batch.rows) for batch in json_batches(file, rows=500))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == 9_400
    assert peak < 25e6  # two chunks and their text, one batch of 3.2 MB and its rows
