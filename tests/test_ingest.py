"""Raw rows to corpora: nothing disappears unnamed, and a corpus is exactly what its manifest lists."""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from conftest import corpus_bytes, corpus_of, files_below
from raw_rows import lmsys, tutor, write_lines, write_parquet

from quimbot_data.ingest import ingest
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace

SOURCES = ("lmsys", "magpie", "openhermes", "waxal", "tutor", "prosocial", "toefl11")
Places = set[tuple[str, int]]


def raw_places(folder: Path) -> Places:
    """Every raw row as (file, row), counted without the code under test."""
    return {
        (path.relative_to(folder).as_posix(), row)
        for path in folder.rglob("*")
        if path.is_file()
        for row in range(raw_count(path))
    }


def raw_count(path: Path) -> int:
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as stream:
            return len(list(csv.reader(stream))) - 1
    if path.suffix == ".txt":
        return 0  # an essay is no row: its index row is
    text = path.read_text("utf-8")
    return len(json.loads(text)) if text.startswith("[") else sum(bool(line.strip()) for line in text.split("\n"))


def places_in(folder: Path, pattern: str) -> list[tuple[str, int]]:
    frames = [pl.read_parquet(path).select("raw_file", "raw_row") for path in sorted(folder.glob(pattern))]
    return list(pl.concat(frames).iter_rows()) if frames else []


def rows_of(workspace: Workspace, source: str) -> pl.DataFrame:
    manifest = workspace.corpus_manifest(source)
    files = [*manifest.dialogues, *manifest.learner_texts]
    return pl.concat([pl.read_parquet(workspace.corpus(source) / file.path) for file in files])


def refused(workspace: Workspace, source: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in workspace.corpus(source).glob("rejected-*.parquet")])


@pytest.mark.parametrize("source", SOURCES)
def test_every_raw_row_is_carried_or_refused_and_none_is_both(built, raw, source):
    folder = built.corpus(source)
    carried, rejected = set(places_in(folder, "origins-*")), places_in(folder, "rejected-*")
    assert len(set(rejected)) == len(rejected)
    assert not carried & set(rejected)
    assert carried | set(rejected) == raw_places(raw[source])
    assert rejected, "the sample plants rows to refuse in every source"


@pytest.mark.parametrize("source", SOURCES)
def test_the_ledger_states_what_the_files_hold(built, raw, source):
    folder, lines = built.corpus(source), built.corpus_manifest(source).ledger
    read = [line for line in lines if line.step == "read"]
    made = next(line for line in lines if line.step == "assembled")
    reasons = Counter(refused(built, source)["reason"].to_list())
    assert {line.rows_in for line in read} == {len(raw_places(raw[source]))}
    assert {line.rows_out for line in read} == {len(set(places_in(folder, "origins-*")))} == {made.rows_in}
    assert {line.reason: line.rows for line in read if line.reason} == reasons
    assert made.rows_out == rows_of(built, source).height


@pytest.mark.parametrize("source", SOURCES)
def test_a_corpus_is_exactly_what_its_manifest_lists(built, source):
    manifest = built.corpus_manifest(source)
    listed = [*manifest.dialogues, *manifest.learner_texts, *manifest.rejected, manifest.origins]
    found = files_below(built.corpus(source))
    del found["manifest.json"]
    assert {entry.path for entry in listed} == set(found)
    for entry in listed:
        data = found[entry.path]
        assert (entry.sha256, entry.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        assert entry.rows == pl.read_parquet(data).height


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_has_its_origin_and_every_origin_its_row(built, source):
    rows = rows_of(built, source)
    column = rows.columns[0]
    origins = pl.read_parquet(built.corpus(source) / built.corpus_manifest(source).origins.path)
    assert rows[column].is_unique().all()
    assert set(rows[column]) == set(origins[column])


def test_refusals_have_the_planted_reasons(built):
    reasons = {source: Counter(refused(built, source)["reason"].to_list()) for source in SOURCES}
    alone = {number for number, row in enumerate(lmsys(260)) if len(row["conversation"]) == 1}
    blank = {number for number in range(260) if number % 23 == 22} - alone
    assert reasons["lmsys"] == {"no-turns": len(alone), "empty-content": len(blank)}
    assert reasons["magpie"] == {"no-turns": 6}
    assert reasons["openhermes"] == {"no-turns": 4}
    assert reasons["waxal"] == {"no-transcript": 10, "too-short": 6}
    assert reasons["tutor"] == {"no-conversation": 3}
    assert reasons["toefl11"] == {"missing-essay": 2}


def test_refused_rows_are_kept_whole(built, raw):
    for row in refused(built, "tutor").iter_rows(named=True):
        line = (raw["tutor"] / row["raw_file"]).read_text("utf-8").split("\n")[row["raw_row"]]
        assert json.loads(row["raw"]) == json.loads(line)


def test_ids_are_the_corpus_s_own_and_repeated_ones_add_the_content(built):
    rows = rows_of(built, "lmsys")
    repeated = rows.filter(pl.col("dialogue_id").str.contains("#"))
    assert repeated.height
    for row in repeated.iter_rows(named=True):
        assert row["dialogue_id"] == f"lmsys:{row['provenance']['raw_id']}#{row['content_hash'][:12]}"
    plain = rows.filter(~pl.col("dialogue_id").str.contains("#"))
    assert (plain["dialogue_id"] == "lmsys:" + plain["provenance"].struct.field("raw_id")).all()
    without_id = rows_of(built, "openhermes").filter(pl.col("provenance").struct.field("raw_id").is_null())
    pattern = re.compile(r"openhermes:([0-9a-f]{64})(~[0-9]+)?")
    matches = [pattern.fullmatch(name) for name in without_id["dialogue_id"]]
    assert [match[1] for match in matches if match] == without_id["content_hash"].to_list()
    assert any(match[2] for match in matches if match), "the sample repeats contents"


def test_redactions_count_dialogues_by_kind(tmp_path):
    rows = tutor(8)
    rows[0]["messages"][0]["content"] += " Write to anna@example.org or anna@example.com."
    rows[1]["messages"][1]["content"] += " Ask bo@example.net at 192.0.2.44, twice: bo@example.net."
    rows[1]["messages"][0]["content"] += " I am bo@example.net."
    write_lines(rows, tmp_path / "rows.jsonl")
    manifest = ingest(Workspace(tmp_path / "w"), corpus_of("tutor"), [tmp_path / "rows.jsonl"], Options())
    redacted = {line.reason: line.rows for line in manifest.ledger if line.step == "redacted" and line.reason}
    assert redacted == {"email": 2, "ipv4": 1}


def test_ingesting_again_changes_no_byte(raw, tmp_path):
    workspace = Workspace(tmp_path)
    for source in ("tutor", "prosocial"):
        ingest(workspace, corpus_of(source), [raw[source]], Options())
        first = corpus_bytes(workspace, source)
        ingest(workspace, corpus_of(source), [raw[source]], Options())
        assert corpus_bytes(workspace, source) == first


def test_ingesting_replaces_what_the_source_held(tmp_path):
    workspace, path = Workspace(tmp_path / "w"), tmp_path / "rows.jsonl"
    write_lines(tutor(30), path)
    ingest(workspace, corpus_of("tutor"), [path], Options())
    write_lines(tutor(10), path)
    manifest = ingest(workspace, corpus_of("tutor"), [path], Options())
    assert rows_of(workspace, "tutor").height == 10
    assert manifest.rejected == []
    assert len(files_below(workspace.corpus("tutor"))) == 3  # data, origins, manifest
    assert files_below(workspace.root / ".scratch") == {}


def test_equal_file_names_in_two_folders_stay_apart(tmp_path):
    for name, rows in (("a", tutor(20)), ("b", tutor(40)[20:])):
        (tmp_path / name).mkdir()
        write_lines(rows, tmp_path / name / "rows.jsonl")
    manifest = ingest(Workspace(tmp_path / "w"), corpus_of("tutor"), [tmp_path / "a", tmp_path / "b"], Options())
    assert len(manifest.record["raw_files"]) == 2
    assert {row["rows"] for row in manifest.record["raw_files"]} == {20}


def test_a_source_that_is_refused_whole_keeps_its_ledger(tmp_path):
    rows = [row | {"conversation": row["conversation"][:1]} for row in lmsys(30)]
    write_parquet(rows, tmp_path / "raw" / "all.parquet")
    workspace = Workspace(tmp_path / "w")
    manifest = ingest(workspace, corpus_of("lmsys"), [tmp_path / "raw"], Options())
    assert manifest.dialogues == []
    assert refused(workspace, "lmsys").height == 30 == manifest.ledger[0].rows_in
    assert workspace.sources() == ["lmsys"]


def test_learner_texts_are_kept_to_the_character(built):
    rows = rows_of(built, "toefl11")
    assert rows.columns[0] == "text_id"
    assert rows["text"].str.contains("\r\n").all()
    assert set(rows["l1"]) == {"ko"}
