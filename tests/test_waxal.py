"""WAXAL: transcripts become marked template turns; audio is never read."""

import json
import unicodedata
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told import DATA, expected, tell

from quimbot_data.sources import templates, waxal
from quimbot_data.sources.templates import LEAST_WORDS, exchange, one_line
from quimbot_data.sources.waxal import CORPUS
from schemas.errors import InputError, WrongCorpusError

FILES = json.loads((DATA / "provided" / "waxal.json").read_text(encoding="utf-8"))
TEXT = "Omwana omuto azannya omupiira mu luguudo ne mikwano gye."


def write(folder: Path, name: str, rows: list[dict]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        [row | {"audio": {"bytes": b"RIFF" * 50, "path": "a.wav"}} for row in rows], infer_schema_length=None
    ).write_parquet(path, compression="uncompressed")
    return path


def told_row(folder: Path, name: str = "data/ASR/lug/lug-train-00000.parquet", **row):
    write(folder, name, [row])
    return tell(CORPUS, folder)


def test_all_layouts_as_expected(tmp_path):
    for name, rows in FILES.items():
        write(tmp_path, name, rows)
    told = tell(CORPUS, tmp_path, revision="r1")
    assert told.dialogues == expected("waxal")
    assert len(told.raw_rows) == sum(map(len, FILES.values()))
    assert told.rejected == [
        ("data/ASR/lug/lug-train-00000.parquet", 2, "too-short"),
        ("data/ASR/lug/lug-train-00000.parquet", 3, "no-transcript"),
        ("data/ASR/lug/lug-unlabeled-00000.parquet", 0, "no-transcript"),
    ]


def test_audio_is_never_read(tmp_path):
    name = "data/ASR/lug/lug-train-00000.parquet"
    path = write(tmp_path, name, FILES[name])
    metadata = pq.ParquetFile(path).metadata.row_group(0)
    data = bytearray(path.read_bytes())
    for column in map(metadata.column, range(metadata.num_columns)):
        if column.path_in_schema.startswith("audio"):
            start = column.dictionary_page_offset or column.data_page_offset
            data[start : start + column.total_compressed_size] = b"\xee" * column.total_compressed_size
    path.write_bytes(data)
    with pytest.raises((OSError, pa.ArrowException)):
        pq.read_table(path)
    assert len(tell(CORPUS, tmp_path).raw_rows) == len(FILES[name])
    assert all("audio" not in batch.rows.columns for batch in CORPUS.read([tmp_path]))


@pytest.mark.parametrize(
    ("file", "row", "declared", "license_"),
    [
        ("data/ASR/lug/lug-train-00000.parquet", {"language": "lug"}, "lug", "CC-BY-SA-4.0"),
        ("data/ASR/lug/lug-train-00000.parquet", {"language": " "}, "lug", "CC-BY-SA-4.0"),
        ("data/ASR/sog/sog-train-00000.parquet", {"language": "sog"}, "xog", "CC-BY-SA-4.0"),
        ("data/ASR/mas/mas-train-00000.parquet", {"language": "mas"}, "myx", "CC-BY-SA-4.0"),
        ("data/TTS/bau/bau-train-00000.parquet", {"locale": "bau_CI"}, "bci", "CC-BY-SA-4.0"),
        ("data/ASR/ewe/ewe-train-00000.parquet", {"language": "ewe"}, "ewe", "CC-BY-4.0"),
        ("data/TTS/ewe/ewe-train-00000.parquet", {"locale": "ee_GH"}, "ee_GH", "CC-BY-SA-4.0"),
        ("ewe-test-00003.parquet", {"language": "ewe"}, "ewe", "CC-BY-4.0"),
        ("ewe-test-00003.parquet", {"locale": "ee_GH"}, "ee_GH", "CC-BY-SA-4.0"),
        ("renamed.parquet", {"language": "dag"}, "dag", "CC-BY-4.0"),
        ("renamed.parquet", {"language": None}, None, "CC-BY-SA-4.0"),
        ("data/ASR/ewe/ewe-train-00000.parquet", {"language": "twi"}, "twi", "CC-BY-4.0"),
    ],
)
def test_language_and_licence_by_row_and_path(tmp_path, file, row, declared, license_):
    (found,) = told_row(tmp_path, file, id="a", transcription=TEXT, **row).dialogues
    assert (found["language_declared"], found["license"]) == (declared, license_)
    assert found["terms"] == ["attribution"] if license_ == "CC-BY-4.0" else ["attribution", "share-alike"]


def test_every_configuration_of_the_corpus_has_a_name_for_its_language():
    asr = "ach aka amh dag dga ewe ful kpo lin lug mas mlg nyn orm sid sna sog tir wal"
    tts = "ach bau ewe fat ful hau ibo kik lug luo nyn pcm swa twi yor"
    for code in f"{asr} {tts}".split():
        subtag = waxal.subtag(waxal.ISO_CODES.get(code, code))
        assert subtag in waxal.NAMES, code


def test_an_unknown_language_is_not_named(tmp_path):
    (found,) = told_row(tmp_path, "renamed.parquet", id="a", transcription=TEXT).dialogues
    assert " the same language" in found["messages"][0]["content"]


def test_text_stands_in_either_column(tmp_path):
    rows = [
        {"id": "a", "transcription": None, "text": TEXT, "language": "lug"},
        {"id": "b", "transcription": TEXT, "text": "", "language": "lug"},
    ]
    write(tmp_path, "mixed.parquet", rows)
    assert [row["key"] for row in tell(CORPUS, tmp_path).dialogues] == ["a", "b"]


def test_types_that_drift_do_not_break(tmp_path):
    (found,) = told_row(tmp_path, id=41, transcription=TEXT, language="lug", age=" ").dialogues
    assert found["key"] == "41"


def test_gender_and_speaker_are_dropped(tmp_path):
    told = told_row(tmp_path, id="a", transcription=TEXT, language="lug", gender="Female", speaker_id="speaker-77")
    assert "Female" not in str(told.dialogues)
    assert "speaker-77" not in str(told.dialogues)


def test_a_foreign_parquet_file_is_refused_by_name(tmp_path):
    pl.DataFrame({"uuid": ["a"], "conversations": [[]]}).write_parquet(tmp_path / "magpie.parquet")
    with pytest.raises(WrongCorpusError, match=r"no text column.*transcription"):
        list(CORPUS.read([tmp_path]))


def test_a_cut_file_is_refused(tmp_path):
    path = write(tmp_path, "lug-train-00000.parquet", [{"id": "a", "transcription": TEXT}])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="not whole Parquet"):
        list(CORPUS.read([tmp_path]))


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({"id", "speaker_id", "transcription", "language", "gender", "audio"}, True),
        ({"id", "speaker_id", "text", "locale", "gender", "audio"}, True),
        ({"transcription", "locale", "creator", "file_name"}, True),
        ({"id", "speaker_id", "language", "gender", "audio"}, True),
        ({"id", "transcription", "language"}, True),
        ({"conversation", "language", "model"}, False),
        ({"text", "labels"}, False),
        ({"uuid", "instruction", "language"}, False),
    ],
)
def test_recognizes_its_columns(columns, known):
    assert CORPUS.recognizes(frozenset(columns)) is known


# Templates

words = st.lists(st.text("abcdeɔŋሀለ'.?።0", min_size=1, max_size=9), max_size=60).map(" ".join).map(one_line)


@given(words, st.text(max_size=8), st.sampled_from([None, "Luganda"]))
def test_turns_hold_the_whole_text_and_marks_are_exact(text, key, language):
    made = exchange(text, key, language)
    counted = templates.word_count(text)
    assert (made is None) == (counted < 2 * LEAST_WORDS)
    if made is None:
        return
    template = {t.name: t for t in (templates.CONTINUE, templates.FINISH, templates.USE)}[made.template]
    assert made.user[: made.head] == template.head.format(language=language or "the same language")
    assert made.user[len(made.user) - made.tail :] == template.tail
    given_part = made.user[made.head : len(made.user) - made.tail]
    if template is templates.USE:
        assert made.assistant == text
        assert all(word in text for word in given_part.split(", "))
    else:
        assert f"{given_part} {made.assistant}" == text
        assert templates.word_count(given_part) >= LEAST_WORDS
        assert templates.word_count(made.assistant) >= LEAST_WORDS


@given(words, st.text(max_size=8))
def test_the_language_s_name_changes_neither_template_nor_cut(text, key):
    made, other = exchange(text, key, None), exchange(text, key, "Luganda")
    assert (made and (made.template, made.assistant)) == (other and (other.template, other.assistant))


def test_the_template_follows_from_the_id():
    chosen = [made.template for n in range(2000) if (made := exchange(TEXT, f"lug_{n}", "Luganda"))]
    assert 0.2 < chosen.count("use@1") / 2000 < 0.3
    assert set(chosen) == {"use@1", "finish@1"}
    assert [n for n in range(12) if chosen[n] == "use@1"] == [2, 11]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two three. Four five six. Seven eight nine ten.", "One two three. Four five six."),
        ("A b c d. " + "w " * 40, None),
        ("Ab cd ef gh.. ij kl mn op", "Ab cd ef gh.."),
        ("ሰው ወደ ቤት ሄደ። ልጁም ወደ ትምህርት ቤት ሄደ።", "ሰው ወደ ቤት ሄደ።"),
    ],
)
def test_cuts_fall_between_sentences_near_the_middle(text, first):
    made = exchange(one_line(text), "lug_1", None)
    given_part = made.user[made.head :]
    if first is None:
        assert abs(len(given_part.split()) - len(made.assistant.split())) <= 1
    else:
        assert given_part == first


def test_two_full_stops_end_no_sentence():
    assert exchange("Ab cd ef gh.. ij kl mn op", "lug_1", None).template == "finish@1"


def test_one_line_leaves_single_spaces_only():
    assert one_line("\ufeff a\x00 b\u2003\n\r\n c\u00a0 ") == "a b c"


def test_template_text_is_plain_for_clean_up_and_presupposes_nothing_unseen():
    names = [*waxal.NAMES.values(), "the same language"]
    for template in (templates.CONTINUE, templates.FINISH, templates.USE):
        for head in (template.head.format(language=name) for name in names):
            assert unicodedata.is_normalized("NFC", head)
            assert not {"picture", "image", "photo", "recording", "audio", "describe"} & set(head.lower().split())
