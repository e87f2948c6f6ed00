"""The bundled samples hold every defect that a reader must survive, and each meets the fate that stands beside it."""

import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from quimbot_data.ingest import ingest
from quimbot_data.pedagogy.critics import check
from quimbot_data.samples import defects, lay_out, samples
from quimbot_data.sources import SOURCES, refuse_other_corpora
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, WrongCorpusError
from schemas.manifest import CorpusManifest, VersionManifest

DEMO = Ref("demo", "0.1.0")
LESSONS = range(1, 11)
BY_SOURCE = {source: [defect for defect in defects() if defect.source == source] for source in SOURCES}

Place = tuple[str, int]


@dataclass
class Ingested:
    workspace: Workspace
    raw: dict[str, Path]
    corpora: dict[str, CorpusManifest]
    version: VersionManifest

    def rejected(self, source: str) -> dict[Place, str]:
        entries = self.corpora[source].rejected
        frames = [pl.read_parquet(self.workspace.corpus(source) / entry.path) for entry in entries]
        return {(row["raw_file"], row["raw_row"]): row["reason"] for frame in frames for row in frame.to_dicts()}

    def origins(self, source: str) -> dict[Place, str]:
        """Id of the dialogue or text that carries each raw row."""
        rows = pl.read_parquet(self.workspace.corpus(source) / self.corpora[source].origins.path).rows()
        return {(raw_file, raw_row): row_id for row_id, raw_file, raw_row in rows}

    def rows(self, source: str) -> dict[str, dict]:
        manifest = self.corpora[source]
        frames = [
            pl.read_parquet(self.workspace.corpus(source) / entry.path)
            for entry in (*manifest.dialogues, *manifest.learner_texts)
        ]
        return {row.get("dialogue_id") or row["text_id"]: row for frame in frames for row in frame.to_dicts()}

    def mended(self, source: str, fate: str) -> dict[str, int]:
        steps = {"repaired": ("repaired", "cleaned"), "redacted": ("redacted",)}[fate]
        return {line.reason: line.rows for line in self.corpora[source].ledger if line.step in steps and line.reason}

    def planted(self, source: str, what: str) -> dict:
        """The dialogue or text made of the raw row in which exactly this was planted."""
        [defect] = [defect for defect in BY_SOURCE[source] if defect.what.startswith(what)]
        return self.rows(source)[self.origins(source)[defect.raw_file, defect.raw_row]]


@pytest.fixture(scope="module")
def ingested(samples_ingested) -> Ingested:
    raw = {source: samples_ingested.raw(source) for source in SOURCES}
    corpora = {source: samples_ingested.corpus_manifest(source) for source in SOURCES}
    return Ingested(samples_ingested, raw, corpora, samples_ingested.version_manifest(DEMO))


def expected(source: str, fate: str) -> dict[Place, str]:
    return {(defect.raw_file, defect.raw_row): defect.name for defect in BY_SOURCE[source] if defect.fate == fate}


def test_every_lesson_is_planted():
    assert {defect.lesson for defect in defects()} - {None} == set(LESSONS)
    assert {defect.fate for defect in defects()} == {"rejected", "repaired", "redacted", "dropped", "kept"}


def test_every_source_has_samples_and_rows_carry_no_stray_keys():
    assert set(BY_SOURCE) == set(SOURCES)
    keys = {"file", "row", "planted", "flagged", "repeat", "index", "essay", "text"}
    for source in SOURCES:
        assert 15 <= len(samples(source)) <= 60
        assert {key for sample in samples(source) for key in sample} <= keys


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_exactly_the_planted_rows_are_refused_and_by_the_planted_names(ingested, source):
    assert ingested.rejected(source) == expected(source, "rejected")


@pytest.mark.parametrize("source", sorted(SOURCES))
@pytest.mark.parametrize("fate", ["repaired", "redacted"])
def test_exactly_the_planted_repairs_and_redactions_are_counted(ingested, source, fate):
    planted = Counter(defect.name for defect in BY_SOURCE[source] if defect.fate == fate)
    assert ingested.mended(source, fate) == planted


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_whatever_is_not_refused_is_carried(ingested, source):
    carried, refused = set(ingested.origins(source)), set(ingested.rejected(source))
    assert not carried & refused
    assert len(carried | refused) == ingested.corpora[source].ledger[0].rows_in == len(samples(source))


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"toefl11"}))
def test_exactly_the_planted_dialogues_are_dropped_before_the_mix(ingested, source):
    fates = pl.read_parquet(ingested.workspace.version(DEMO) / "fates.parquet")
    dropped = fates.filter((pl.col("source") == source) & (pl.col("step") != "mix"))
    found = {row["dialogue_id"]: f"{row['step']} {row['reason']}" for row in dropped.to_dicts()}
    origins = ingested.origins(source)
    assert found == {origins[place]: name for place, name in expected(source, "dropped").items()}


# What "kept" means, lesson by lesson.


@pytest.mark.parametrize(
    ("source", "what"), [("lmsys", "two conversations share one id"), ("prosocial", "a dialogue_id that the train")]
)
def test_an_id_that_a_corpus_repeats_gets_a_suffix(ingested, source, what):
    row = ingested.planted(source, what)
    assert row["dialogue_id"] == f"{source}:{row['provenance']['raw_id']}#{row['content_hash'][:12]}"


def test_lesson_1_every_variant_of_a_corpus_gives_dialogues(ingested):
    variants = {place[0].split("/")[0] for place in ingested.origins("magpie")}
    assert len(variants) == 6
    assert [len(m["messages"]) for m in [ingested.planted("magpie", "turns in numbered columns")]] == [4]
    assert ingested.planted("magpie", "an id called `conversation_id`")["provenance"]["raw_id"]
    assert ingested.planted("waxal", "the early layout")["provenance"]["raw_id"] is None


def test_lesson_2_the_name_of_a_file_says_nothing_and_lines_end_at_newlines_only(ingested):
    zipped = next(ingested.raw["magpie"].rglob("*.json"))
    assert zipped.read_bytes()[:2] == b"\x1f\x8b"
    for source in ("magpie", "prosocial"):
        row = ingested.planted(source, "a line separator (U+2028)")
        assert any("\u2028" in message["content"] for message in row["messages"])


def test_lesson_5_system_text_comes_from_wherever_it_stands(ingested):
    systems = {
        what: [m["content"] for m in ingested.planted("openhermes", what)["messages"] if m["role"] == "system"]
        for what in (
            "no system text",
            "a first turn by the system",
            "system text in a column",
            "system texts in a turn",
        )
    }
    assert [len(texts) for texts in systems.values()] == [0, 0, 1, 1]
    assert systems["system texts in a turn"] == ["Answer as a gardener."]


def test_lesson_6_a_near_duplicate_shares_its_lineage_where_the_corpus_names_it(ingested):
    near = ingested.planted("magpie", "a near duplicate that names")
    first = ingested.planted("magpie", "a language as an ISO 639-1 code")
    assert near["provenance"]["lineage"] == first["provenance"]["lineage"] == first["provenance"]["raw_id"]
    assert near["content_hash"] != first["content_hash"]


def test_lesson_7_labels_and_stray_languages(ingested):
    assert ingested.planted("waxal", "an English row")["language"] == "en"
    assert ingested.planted("magpie", "a German row")["language_declared"] == "de"
    assert ingested.planted("lmsys", "declared English")["language_agrees"] is False
    casual = ingested.planted("prosocial", "a casual row")["safety"]
    assert (casual["label"], casual["flagged"], len(casual["rules_of_thumb"])) == ("casual", False, 1)


def test_lesson_8_languages_in_every_spelling(ingested):
    assert ingested.planted("lmsys", 'a language called "unknown"')["language_declared"] is None
    assert ingested.planted("magpie", "a language as an ISO 639-1")["language_declared"] == "zh"
    assert ingested.planted("openhermes", "a language as an English name")["language_declared"] == "fr"
    assert ingested.planted("openhermes", "a programming language")["language_declared"] is None
    assert ingested.planted("waxal", "`sog` is Soga")["language"] == "xog"
    assert ingested.planted("waxal", "a language that only the file's name")["language"] == "am"
    assert ingested.planted("waxal", "a language as a locale")["language"] == "sw"
    assert ingested.planted("toefl11", "a first language by its other code, GER")["l1"] == "de"
    assert ingested.planted("toefl11", "a first language by its other code, CHI")["l1"] == "zh"


def test_lesson_9_essays_keep_every_character_and_broken_ones_stay_visible(ingested):
    assert "\r\n" in ingested.planted("toefl11", "CRLF line ends")["text"]
    assert "says \ufffd when" in ingested.planted("openhermes", "a lone surrogate")["messages"][0]["content"]
    assert "  " not in ingested.planted("waxal", "a filler")["messages"][1]["content"]


@pytest.mark.parametrize(
    ("source", "what", "license_", "terms"),
    [
        (
            "openhermes",
            "a row out of LMSYS data that no",
            "LicenseRef-LMSYS-Chat-1M AND LicenseRef-OpenHermes-2.5",
            ["no-transfer", "unknown"],
        ),
        ("waxal", "a configuration of the University", "CC-BY-4.0", ["attribution"]),
        ("waxal", "a configuration under the stricter", "CC-BY-SA-4.0", ["attribution", "share-alike"]),
        (
            "synthetic",
            "a dialogue that grew from a licensed",
            "CC-BY-4.0 AND LicenseRef-LDC-TOEFL11",
            ["attribution", "no-transfer", "research-only"],
        ),
    ],
)
def test_lesson_10_licence_and_terms_stand_on_the_row(ingested, source, what, license_, terms):
    row = ingested.planted(source, what)
    assert (row["license"], row["terms"]) == (license_, terms)


def test_forum_ids_leave_no_trace(ingested):
    assert "forum" not in json.dumps(list(ingested.rows("prosocial").values()))


def test_flags_and_weights_become_untrained_turns(ingested):
    assert ingested.planted("openhermes", "a weight of 0")["untrained"] == [1]
    assert ingested.planted("lmsys", "moderation flagged the user")["safety"]["flagged_positions"] == [0]
    data = pl.concat([pl.read_parquet(path) for path in (ingested.workspace.version(DEMO) / "data").glob("*.parquet")])
    flagged = data.filter(pl.col("safety").struct.field("flagged_positions").list.contains(1))
    villain = ingested.planted("lmsys", "moderation flagged the assistant")["dialogue_id"]
    assert flagged.filter(pl.col("dialogue_id") == villain)["untrained"].to_list() in ([[1]], [])


# The files themselves.


def test_lmsys_has_its_true_column_types(ingested):
    first, second = sorted(ingested.raw["lmsys"].rglob("*.parquet"))
    schema = pq.read_schema(first)
    assert schema.names[:6] == ["conversation_id", "model", "conversation", "turn", "language", "openai_moderation"]
    assert schema.field("openai_moderation").type.value_type.field("categories").type.num_fields == 11
    assert set(schema.names) - set(pq.read_schema(second).names) == {"redacted"}


def test_openhermes_is_one_array_with_a_raw_control_byte_and_an_escaped_half_of_a_pair(ingested):
    data = (ingested.raw["openhermes"] / "openhermes2_5.json").read_bytes()
    assert data.startswith(b"[{")
    assert b"\x07" in data
    assert rb"\ud83d" in data


def test_the_same_bytes_every_time(tmp_path):
    one, other = (lay_out(tmp_path / name) for name in ("one", "other"))
    assert list(one) == list(other)
    read = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "other")
    ]
    assert read[0] == read[1]


def test_every_scaffolding_sample_that_is_carried_is_a_valid_one(ingested):
    rows = ingested.rows("synthetic")
    assert len(rows) > 30
    assert {name: found for name, row in rows.items() if (found := check(row))} == {}


def test_annotations_of_synthetic_samples_cite_the_text(ingested):
    for row in ingested.rows("synthetic").values():
        assert 4 <= len(row["messages"]) <= 12
        for error in row["pedagogy"]["errors"]:
            text = row["messages"][error["position"]]["content"]
            assert text[error["start"] : error["end"]] == error["original"] != error["corrected"]


# Lesson 9, continued: files that cannot be read to their end.


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(
    ("source", "pattern"), [("lmsys", "*.parquet"), ("openhermes", "*.json"), ("magpie", "*.json")]
)
def test_a_file_that_was_cut_stops_the_ingest_and_is_named(tmp_path, source, pattern):
    folder = lay_out(tmp_path)[source]
    path = sorted(folder.rglob(pattern))[0]
    cut(path)
    with pytest.raises(InputError, match=path.name):
        ingest(Workspace(tmp_path / "workspace"), SOURCES[source], [folder], Options(), annotate=False)
    assert Workspace(tmp_path / "workspace").sources() == []


def test_each_source_is_told_from_all_others(ingested):
    columnar = set(SOURCES) - {"toefl11"}  # index and essays are text: its reader alone knows them
    for source, folder in ((source, ingested.raw[source]) for source in columnar):
        for other in columnar - {source}:
            with pytest.raises(WrongCorpusError):
                refuse_other_corpora(SOURCES[other], [folder])


def test_gzip_bytes_name_no_time(ingested):
    zipped = next(ingested.raw["magpie"].rglob("*.json")).read_bytes()
    assert zipped[4:8] == bytes(4)
    assert gzip.decompress(zipped).count(b"\n") == 4
