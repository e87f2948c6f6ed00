"""TOEFL11: essays to the character, in the layouts of LDC and of the 2013 shared task."""

import shutil
from pathlib import Path

import pytest
from told import DATA, expected, tell

from quimbot_data.sources import toefl11
from quimbot_data.sources.toefl11 import CORPUS
from schemas.errors import InputError

PROVIDED = DATA / "provided"
HEADER = "Filename,Prompt,Language,Score Level\n"


def layout(folder: Path, index: str, name: str = "index.csv", **essays: str) -> Path:
    (folder / "original").mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(index, encoding="utf-8")
    for essay, text in essays.items():
        (folder / "original" / f"{essay}.txt").write_bytes(text.encode())
    return folder


def test_ldc_as_expected():
    told = tell(CORPUS, PROVIDED / "toefl11_ldc", revision="r1")
    assert told.texts == expected("toefl11_ldc")
    assert not told.dialogues
    index = "data/text/index.csv"
    assert told.rejected == [
        (index, 2, "empty-essay"),
        (index, 3, "not-utf-8"),
        (index, 4, "no-original"),
        (index, 5, "missing-essay"),
        (index, 6, "repeated-essay"),
        *((index, row, "bad-index-row") for row in range(7, 12)),
        ("data/text/responses/original/900010.txt", 0, "not-in-index"),
    ]
    lines = (PROVIDED / "toefl11_ldc" / index).read_text().splitlines()
    assert len(told.raw_rows) == sum(bool(line) for line in lines) - 1 + 1, "without the header, with one stray essay"


def test_shared_task_without_header_and_with_other_codes_as_expected():
    told = tell(CORPUS, PROVIDED / "toefl11_2013")
    assert told.texts == expected("toefl11_2013")
    assert len(told.raw_rows) == 3


@pytest.mark.parametrize("text", ["a\r\nb\r\n", "\ufeffa\x00b\u2028", "e\u0301\u00a0\ttwo  blanks \n"])
def test_text_is_kept_to_the_character(tmp_path, text):
    told = tell(CORPUS, layout(tmp_path, HEADER + "1.txt,P1,ARA,low\n", **{"1": text}))
    assert told.texts[0]["text"] == text


def test_an_index_named_outright_finds_its_essays(tmp_path):
    folder = layout(tmp_path, "1.txt,P1,ARA,low\n", "mine.csv", **{"1": "A essay."})
    assert [row["key"] for row in tell(CORPUS, folder / "mine.csv").texts] == ["1"]


def test_columns_by_name_in_any_order_and_with_a_byte_order_mark(tmp_path):
    index = "\ufeffScore Level, language ,Text,Prompt\r\nHigh,TEL,1.txt,P8\r\n"
    (text,) = tell(CORPUS, layout(tmp_path, index, "index-training-dev.csv", **{"1": "A essay."})).texts
    assert (text["key"], text["l1"], text["prompt"], text["level"]) == ("1", "te", "P8", "high")


def test_blank_cells_are_unknown_and_no_fault(tmp_path):
    (text,) = tell(CORPUS, layout(tmp_path, HEADER + "1.txt,,,\n", **{"1": "A essay."})).texts
    assert (text["l1"], text["prompt"], text["level"]) == (None, None, None)


def test_an_essay_in_two_indexes_counts_once(tmp_path):
    folder = layout(tmp_path, HEADER + "1.txt,P1,ARA,low\n", **{"1": "A essay."})
    (folder / "index-dev.csv").write_text("1,P1,ARA,low\n")
    told = tell(CORPUS, folder)
    assert [row["from"] for row in told.texts] == [[["index-dev.csv", 0]]]
    assert told.rejected == [("index.csv", 0, "repeated-essay")]


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "..", "a\\b.txt", ""])
def test_an_index_cannot_name_files_elsewhere(tmp_path, name):
    (tmp_path / "secret.txt").write_text("secret")
    told = tell(CORPUS, layout(tmp_path / "in", HEADER + f"{name},P1,ARA,low\n"))
    assert told.reasons == {"bad-index-row": 1}


def test_equal_names_in_two_releases_leave_no_file_untold(tmp_path):
    layout(tmp_path / "a", "1.txt,P1,ARA,low\n", **{"1": "One."})
    layout(tmp_path / "b", "2.txt,P1,ARA,low\n", **{"1": "Other.", "2": "Two."})
    told = tell(CORPUS, tmp_path)
    assert [row["text"] for row in told.texts] == ["One.", "Two."]
    assert told.rejected == [("b/original/1.txt", 0, "not-in-index")]


def test_batches_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(toefl11, "BATCH_ESSAYS", 2)
    names = [str(number) for number in range(5)]
    layout(tmp_path, "".join(f"{name}.txt,P1,ARA,low\n" for name in names), **dict.fromkeys(names, "Text."))
    assert [batch.origins.height for batch in CORPUS.read([tmp_path])] == [2, 2, 1]


def test_no_index_is_an_error_that_says_where_to_look(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n")
    with pytest.raises(InputError, match=r"no TOEFL11 index.*index-training-dev"):
        list(CORPUS.read([tmp_path]))


def test_an_index_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / "index.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no UTF-8 CSV"):
        list(CORPUS.read([tmp_path]))


def test_folder_and_copy_give_the_same(tmp_path):
    shutil.copytree(PROVIDED / "toefl11_2013", tmp_path / "copy")
    assert tell(CORPUS, tmp_path / "copy").texts == expected("toefl11_2013")


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({"Filename", "Prompt", "Language", "Score Level"}, True),
        ({"900021.txt", "P5", "CHI", "low"}, True),
        ({"text", "locale"}, False),
        ({"context", "response"}, False),
    ],
)
def test_recognizes_its_columns(columns, known):
    assert CORPUS.recognizes(frozenset(columns)) is known
