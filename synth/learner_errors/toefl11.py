"""TOEFL11's essays in a workspace: what somebody corrected, and else what rules find.

Corrections are a folder of corrected essays, `<id>.txt` as the essays are called, or TOEFL-Spell's `Annotations.csv`
(Flor, Fried and Rozovskaya 2019), whose offsets count the characters of the essay:

    Filename,OffsetSpan,Misspelling,Type,Correction
    1004135,749-754,writi,M,writing

A corrected essay stands beside the learner's where both have as many sentences, paragraph by paragraph; ERRANT finds
the edits. TOEFL-Spell knows misspellings alone. In sentences of essays without a correction, `detect` finds what it
can, and every seed made of that says `detected`; there, and beside a misspelling, other errors may be left.

Essays that a takedown names are not read. Terms: an essay's own and those of the corrections join.

Skips: `no-error`, `not-aligned` (a paragraph of more or fewer sentences than its correction), `not-plain` (a sentence
that no message could hold as it stands), `misplaced` (an annotation whose word does not stand at its offsets).
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.buckets import read_parquet
from quimbot_data.licenses import Rights, joined
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import Marks
from quimbot_data.workspace import Workspace
from schemas.errors import InputError
from schemas.fields import text_fault
from synth.learner_errors.detect import corrected_by_rule
from synth.learner_errors.errant_edits import Pair, edits_of, parser
from synth.learner_errors.families import errant_family
from synth.learner_errors.paths import lines_of, text_files
from synth.learner_errors.sentences import Edit, LearnerSentence, Read, Skipped

SOURCE: Final = "toefl11"
_SENTENCE: Final = re.compile(r"\S(?:.*?[.!?](?=\s)|.*$)", re.MULTILINE)
_SPELL_COLUMNS: Final = ["Filename", "OffsetSpan", "Misspelling", "Type", "Correction"]


class Part(NamedTuple):
    """A sentence of an essay, and where it starts, in characters."""

    start: int
    text: str


class _Misspelling(NamedTuple):
    start: int
    end: int
    word: str
    corrected: str


class Corrections(NamedTuple):
    """What people corrected: whole essays, or misspellings, by essay id."""

    essays: Mapping[str, str]
    misspellings: Mapping[str, list[_Misspelling]]


def read(workspace: Workspace, corrections: Path | None = None, rights: Rights | None = None) -> Read:
    """Sentences of the workspace's essays, by essay id and place.

    Args:
        workspace: holds the corpus.
        corrections: folder or `Annotations.csv`; None where there are none.
        rights: what the corrections are under.

    Raises:
        MissingError: the corpus was not ingested.
        InputError: corrections that cannot be read.
    """
    known = _corrections(corrections)
    marks = Marks.of(entries(workspace))
    manifest = workspace.corpus_manifest(SOURCE)
    for file in sorted(manifest.learner_texts, key=lambda file: file.path):
        rows = read_parquet(workspace.corpus(SOURCE) / file.path)
        for row in rows.filter(marks.of_text().is_null()).sort("text_id").iter_rows(named=True):
            own = Rights(row["license"], row["terms"])
            essay = row["text_id"].partition(":")[2]
            yield from _essay(essay, row["text"], known, joined(own, rights) if rights else own, own)


def _essay(essay: str, text: str, known: Corrections, shared: Rights, own: Rights) -> Read:
    if essay in known.essays:
        yield from _beside(essay, text, known.essays[essay], shared)
    elif essay in known.misspellings:
        yield from _respelt(essay, text, known.misspellings[essay], shared)
    else:
        yield from _by_rule(essay, text, own)


def _beside(essay: str, text: str, corrected: str, rights: Rights) -> Read:
    """Sentences of an essay that somebody corrected."""
    aligned: list[tuple[Part, str]] = []
    for mine, theirs in _paragraphs(parts_of(text), text, parts_of(corrected), corrected):
        if len(mine) == len(theirs):
            aligned.extend((part, other.text) for part, other in zip(mine, theirs, strict=True))
        else:
            yield from (Skipped(_key(essay, part), "not-aligned") for part in mine)
    plain = [(part, other) for part, other in aligned if _plain(part.text)]
    yield from (Skipped(_key(essay, part), "not-plain") for part, _ in aligned if not _plain(part.text))
    found = edits_of(Pair(part.text, other) for part, other in plain)
    for (part, _), (sentence, edits) in zip(plain, found, strict=True):
        yield _sentence(essay, part, sentence, edits, rights)


def _paragraphs(
    mine: list[Part], text: str, theirs: list[Part], corrected: str
) -> Iterator[tuple[list[Part], list[Part]]]:
    """Sentences paragraph by paragraph; all at once where the two differ in paragraphs."""
    ours, others = _by_paragraph(mine, text), _by_paragraph(theirs, corrected)
    if len(ours) == len(others):
        yield from zip(ours, others, strict=True)
    else:
        yield mine, theirs


def _by_paragraph(parts: list[Part], text: str) -> list[list[Part]]:
    grouped: dict[int, list[Part]] = {}
    for part in parts:
        grouped.setdefault(text.count("\n", 0, part.start), []).append(part)
    return list(grouped.values())


def _respelt(essay: str, text: str, found: list[_Misspelling], rights: Rights) -> Read:
    """Sentences with annotated misspellings."""
    for part in parts_of(text):
        within = [each for each in found if part.start <= each.start and each.end <= part.start + len(part.text)]
        placed = [each for each in within if text[each.start : each.end] == each.word]
        yield from (Skipped(_key(essay, part), "misplaced") for _ in range(len(within) - len(placed)))
        edits = tuple(_spelling(each, part.start) for each in sorted(placed))
        yield _sentence(essay, part, part.text, edits, rights)


def _spelling(found: _Misspelling, offset: int) -> Edit:
    family, generalizable = errant_family("R:SPELL", found.word, found.corrected)
    return Edit(found.start - offset, found.end - offset, found.corrected, "R:SPELL", family, generalizable)


def _by_rule(essay: str, text: str, rights: Rights) -> Read:
    """Sentences in which rules find something."""
    parts = parts_of(text)
    docs = parser().pipe(part.text for part in parts)
    corrected = [(part, corrected_by_rule(doc)) for part, doc in zip(parts, docs, strict=True)]
    yield from (Skipped(_key(essay, part), "no-error") for part, other in corrected if other == part.text)
    wrong = [(part, other) for part, other in corrected if other != part.text]
    found = edits_of(Pair(part.text, other) for part, other in wrong)
    for (part, _), (sentence, edits) in zip(wrong, found, strict=True):
        marked = tuple(edit._replace(detected=True) for edit in edits)
        yield _sentence(essay, part, sentence, marked, rights)


def _sentence(essay: str, part: Part, text: str, edits: tuple[Edit, ...], rights: Rights) -> LearnerSentence | Skipped:
    key = _key(essay, part)
    if not edits:
        return Skipped(key, "no-error")
    if not _plain(text):
        return Skipped(key, "not-plain")
    return LearnerSentence(key, text, "en", edits, ("l2",), rights)


def _key(essay: str, part: Part) -> str:
    return f"{essay}#{part.start}"


def parts_of(text: str) -> list[Part]:
    """The sentences of an essay; none crosses a line.

    >>> parts_of("I agree. In my country")
    [Part(start=0, text='I agree.'), Part(start=9, text='In my country')]
    """
    return [Part(found.start(), found.group().rstrip()) for found in _SENTENCE.finditer(text)]


def _plain(sentence: str) -> bool:
    return text_fault(sentence) is None and "  " not in sentence and "\t" not in sentence


def _corrections(path: Path | None) -> Corrections:
    if path is None:
        return Corrections({}, {})
    if path.suffix == ".csv":
        return Corrections({}, _misspellings(path))
    return Corrections({name: "\n".join(lines_of(file)) for file, name in text_files(path, (".txt",))}, {})


def _misspellings(path: Path) -> dict[str, list[_Misspelling]]:
    rows = csv.DictReader(lines_of(path))
    if list(rows.fieldnames or ()) != _SPELL_COLUMNS:
        found = ", ".join(rows.fieldnames or ()) or "none"
        raise InputError(f"{path} has the columns {found}.", valid=f"TOEFL-Spell's: {', '.join(_SPELL_COLUMNS)}.")
    essays: dict[str, list[_Misspelling]] = {}
    for number, row in enumerate(rows, 2):
        span = re.fullmatch(r"(\d+)-(\d+)", row["OffsetSpan"] or "")
        if not span:
            raise InputError(f"{path}, line {number}: {row['OffsetSpan']!r} is no span.", valid="START-END.")
        word = _Misspelling(int(span[1]), int(span[2]), row["Misspelling"], row["Correction"])
        essays.setdefault(row["Filename"].removesuffix(".txt"), []).append(word)
    return essays
