"""COWS-L2H: Spanish essays by heritage and second-language students at UC Davis, with errors that people typed.

What: short essays of courses from SPA 1 to upper division; part of them annotated with the error, the correction and a
tag each. SPA 31 to 33 are courses for heritage speakers, SPA 1 to 24 for learners of a second language; in
upper-division courses there are both.
Who: Yamada, Davidson, Fernández-Mira, Carando, Sagae and Sánchez-Gutiérrez, "COWS-L2H: A corpus of Spanish learner
writing" (Research in Corpus Linguistics 8, 2020).
Licence: Apache-2.0. Link: https://github.com/ucdaviscl/cowsl2h

One raw row of the table of edits, after its header:

    essay,group,course,l1,home,prompt,layer,tags,left,error,correction,right
    famous.W20.csv:1,heritage,SPA 31,Spanish,,famous,updated annotation,ga:det,Vive en ,el,la, misma casa.

Rows whose sentence is the same to the letter are one sentence with several edits; a sentence's other errors stay.

Skips: `subject-pronoun` (legitimate variation, which annotators marked), `no-change`, `no-context`, `cut` (a context of
full length), `placeholder` (a name that was taken out), `markup` and `doubled` (left from annotation), `other-errors`
(a word that no Spanish text holds), `conflicting` (an edit that touches an earlier one).
"""

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.licenses import Rights
from quimbot_data.pedagogy.cowsl2h_tags import SUBJECT_PRONOUN, legitimate, spanish_family
from quimbot_data.pedagogy.tokens import words_of, zipf
from schemas.errors import WrongCorpusError
from schemas.learner import Background
from synth.learner_errors.paths import lines_of, text_files
from synth.learner_errors.sentences import Edit, LearnerSentence, Read, Skipped

COLUMNS: Final = ("essay", "course", "tags", "left", "error", "correction", "right")

_HERITAGE_COURSE: Final = re.compile(r"SPA 3[1-3]")
_SECOND_LANGUAGE_COURSE: Final = re.compile(r"SPA (?:[1-3]|2[1-4])")
#: Contexts are cut at 160 characters and at a blank: one of this length may lack its beginning or end.
_CUT: Final = 150
#: Some layers hold a word twice, as it was and as an earlier layer put it.
_DOUBLED: Final = re.compile(r"\b(\w+) \1\b")
_MARKUP: Final = re.compile(r"[\[\]{}<>_]")
_CLOSING, _OPENING = frozenset(",.;:!?)»”…"), frozenset("(¿¡«“")

Row = Mapping[str, str]


class _Told(NamedTuple):
    """A row's sentence and its edit in it."""

    text: str
    edit: Edit


def read(path: Path, language: str, rights: Rights) -> Read:
    """Sentences of a table of typed edits, or of all tables below a folder, in the order of their first edits.

    Raises:
        WrongCorpusError: a table with other columns, or another language than Spanish.
    """
    if language != "es":
        raise WrongCorpusError(f"COWS-L2H is in Spanish, not in {language!r}.")
    for file, name in text_files(path, (".csv",)):
        sentences: dict[tuple[str, str], tuple[str, Row, list[Edit]]] = {}
        for key, row in _rows(file, name):
            told = _told(key, row)
            if isinstance(told, Skipped):
                yield told
                continue
            _, _, edits = sentences.setdefault((row["essay"], told.text), (key, row, []))
            if any(told.edit.start <= other.end and other.start <= told.edit.end for other in edits):
                yield Skipped(key, "conflicting")
            else:
                edits.append(told.edit)
        for (_, text), (key, row, edits) in sentences.items():
            yield LearnerSentence(key, text, "es", tuple(sorted(edits)), _backgrounds(row["course"]), rights)


def _rows(file: Path, name: str) -> Iterator[tuple[str, Row]]:
    """Rows of a table with their key: the file's name and the row's number, from 1, after the header."""
    rows = csv.DictReader(line + "\n" for line in lines_of(file))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise WrongCorpusError(
            f"{file} has no column {', '.join(missing)}.", valid=f"Columns of typed edits: {', '.join(COLUMNS)}."
        )
    for number, row in enumerate(rows, 1):
        yield f"{name}#{number}", {column: row[column] or "" for column in COLUMNS}


def _backgrounds(course: str) -> tuple[Background, ...]:
    if _HERITAGE_COURSE.fullmatch(course.strip()):
        return ("heritage",)
    return ("l2",) if _SECOND_LANGUAGE_COURSE.fullmatch(course.strip()) else ("heritage", "l2")


def _told(key: str, row: Row) -> _Told | Skipped:
    left, error, correction, right = (_plain(row[part]) for part in ("left", "error", "correction", "right"))
    if SUBJECT_PRONOUN.search(row["tags"].lower()):
        return Skipped(key, "subject-pronoun")
    if error == correction:
        return Skipped(key, "no-change")
    if error and f" {left}".endswith(f" {error}"):  # the error stands in its context, too, in some layers
        left = left[: -len(error)].rstrip()
    if not right or not (left or (error and correction)):
        return Skipped(key, "no-context")
    if reason := _unclean(left, error, correction, right):
        return Skipped(key, reason)
    family, generalizable = spanish_family(row["tags"], error, correction)
    text, start, end, corrected = _placed(left, error, correction, right)
    tags = row["tags"].strip() or "UNK"
    return _Told(text, Edit(start, end, corrected, tags, family, generalizable, legitimate(error, correction)))


def _unclean(left: str, error: str, correction: str, right: str) -> str | None:
    whole = " ".join((left, error, correction, right))
    if max(len(left), len(right)) >= _CUT:
        return "cut"
    if "*" in whole:
        return "placeholder"
    if _MARKUP.search(whole):
        return "markup"
    if any(not zipf(word, "es") for word in words_of(f"{left} {right}", "es") if word.isalpha()):
        return "other-errors"
    return "doubled" if _DOUBLED.search(f"{left} {error} {right}".lower()) else None


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _placed(left: str, error: str, correction: str, right: str) -> tuple[str, int, int, str]:
    """The sentence, the span of the error in it, and its correction, with the blank that goes or comes with them."""
    before = left + _blank(left, error or right)
    if error and correction:
        return before + error + _blank(error, right) + right, len(before), len(before) + len(error), correction
    if error:
        text = before + error + _blank(error, right) + right
        if right[0] in _CLOSING:  # "no sé yo." without "yo" has no blank before its full stop
            return text, len(left), len(before) + len(error), ""
        return text, len(before), len(text) - len(right), ""
    if right[0] in _CLOSING:
        return before + right, len(left), len(left), _blank(left, correction) + correction
    return before + right, len(before), len(before), correction + _blank(correction, right)


def _blank(first: str, second: str) -> str:
    """The blank between two parts of a sentence, where there is one."""
    return "" if not first or not second or second[0] in _CLOSING or first[-1] in _OPENING else " "
