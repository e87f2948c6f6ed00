"""Parallel files: a learner's sentence a line, and its correction on the same line of one or several others.

JFLEG (Napoles, Sakaguchi and Tetreault 2017) has `dev.src` and `dev.ref0` to `dev.ref3`, tokenized; other corpora have
text as it was written, or one `.tsv` with the two in two columns. Tokens are told by the blank before a full stop.

Edits and their types are ERRANT's. JFLEG's corrections rewrite freely. So of several, the one with the fewest edits is
taken that leaves nothing which others saw to be wrong. All its edits put the sentence right, and a seed is made of
those only that another corrector made as well.

Skips: `no-error`, `blank`, `left-wrong` (every corrector left something), `not-agreed` (an edit of one alone),
`no-corrections-beside FILE` (a whole file).
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from quimbot_data.licenses import Rights
from schemas.errors import InputError
from synth.learner_errors.errant_edits import Pair, edits_of
from synth.learner_errors.paths import lines_of, text_files
from synth.learner_errors.sentences import Edit, LearnerSentence, Read, Skipped, tangled

_TOKENIZED: Final = re.compile(r"\s[.,!?;](\s|$)")
#: Families that are hardly a matter of style: what one corrector puts right there is wrong.
_FORM: Final = frozenset({"agreement", "article", "copula", "noun-number", "verb-form"})
#: Sentences whose corrections are parsed together.
_CHUNK: Final = 200

Line = tuple[str, str, list[str]]
"""Key, sentence, corrections."""
Reading = tuple[str, tuple[Edit, ...]]
"""A sentence, and what one corrector put right in it."""


def read(path: Path, language: str, rights: Rights) -> Read:
    """Sentences of a `.src` or `.tsv` file, or of all below a folder that have corrections beside them.

    Raises:
        InputError: no such file, none with corrections, files of unequal length, or another language than English.
    """
    if language != "en":
        raise InputError(f"Edits between sentences cannot be found in {language!r}.", valid="ERRANT here knows en.")
    lines = list(_lines(path, alone := list[Path]()))
    yield from (Skipped(file.name, f"no-corrections-beside {file.name}") for file in alone)
    for start in range(0, len(lines), _CHUNK):
        yield from _corrected(lines[start : start + _CHUNK], rights)


def _lines(path: Path, alone: list[Path]) -> Iterator[Line]:
    """Lines of all files; `alone` is filled with those that have no corrections beside them."""
    files = text_files(path, (".src", ".tsv"))
    whole = [(file, name) for file, name in files if file.suffix == ".tsv" or _references(file)]
    if not whole:
        raise InputError(f"{path} has no corrections.", valid="NAME.ref or NAME.ref0, NAME.ref1 … beside NAME.src.")
    alone += [file for file, name in files if (file, name) not in whole]
    for file, name in whole:
        yield from _columns(file, name) if file.suffix == ".tsv" else _parallel(file, name)


def _references(source: Path) -> list[Path]:
    return sorted(source.parent.glob(f"{source.stem}.ref*"))


def _parallel(source: Path, name: str) -> Iterator[Line]:
    sides = [lines_of(file) for file in (source, *_references(source))]
    if len({len(side) for side in sides}) > 1:
        lengths = ", ".join(str(len(side)) for side in sides)
        raise InputError(f"{source} and its corrections have {lengths} lines.", valid="Equally many, line by line.")
    for number, (sentence, *corrections) in enumerate(zip(*sides, strict=True), 1):
        yield f"{name}#{number}", sentence, corrections


def _columns(file: Path, name: str) -> Iterator[Line]:
    rows = csv.reader(lines_of(file), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, 1):
        if len(row) < 2:
            raise InputError(f"{file}, line {number} has {len(row)} columns.", valid="A sentence and its corrections.")
        yield f"{name}#{number}", row[0], row[1:]


def _corrected(lines: Sequence[Line], rights: Rights) -> Read:
    told = [(key, _sides(sentence, corrections)) for key, sentence, corrections in lines]
    found = edits_of(pair for _, pairs in told for pair in pairs)
    for key, pairs in told:
        readings = [next(found) for _ in pairs]
        yield from _sentence(key, readings, rights) if readings else [Skipped(key, "blank")]


def _sides(sentence: str, corrections: Sequence[str]) -> list[Pair]:
    texts = [text for text in corrections if text.strip()]
    if not sentence.strip():
        return []
    if any(_TOKENIZED.search(text) for text in (sentence, *texts)):
        return [Pair(sentence.split(), text.split()) for text in texts]
    return [Pair(sentence.strip(), text.strip()) for text in texts]


def _sentence(key: str, readings: list[Reading], rights: Rights) -> Read:
    votes = Counter(edit[:3] for _, edits in readings for edit in edits)
    whole = [reading for at, reading in enumerate(readings) if not _leaves(reading, readings[:at] + readings[at + 1 :])]
    if not whole:
        yield Skipped(key, "left-wrong")
        return
    text, edits = min(whole, key=lambda reading: (tangled(*reading), len(reading[1])))
    if not edits:
        yield Skipped(key, "no-error")
        return
    needed = min(2, len(readings))
    kept = tuple(edit if votes[edit[:3]] >= needed else edit._replace(family=None) for edit in edits)
    for edit, agreed in zip(edits, kept, strict=True):
        if edit.family != agreed.family:
            yield Skipped(key, "not-agreed")
    yield LearnerSentence(key, text, "en", kept, ("heritage", "l2"), rights)


def _leaves(reading: Reading, others: Sequence[Reading]) -> bool:
    """Whether a reading leaves what others put right: one of them an error of form, two of them anything alike."""
    left = [edit for _, edits in others for edit in edits if not any(_touch(edit, own) for own in reading[1])]
    alike = Counter(edit[:3] for edit in left)
    return any(alike[edit[:3]] > 1 or edit.family in _FORM or edit.type == "R:SPELL" for edit in left)


def _touch(one: Edit, other: Edit) -> bool:
    return one.start <= other.end and other.start <= one.end
