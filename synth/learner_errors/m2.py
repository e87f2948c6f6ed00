"""M2 files: a tokenized sentence a block, an edit a line (Dahlmeier and Ng 2012), with ERRANT's tags.

    S Yesterday I go to market .
    A 2 3|||R:VERB:TENSE|||went|||REQUIRED|||-NONE-|||0
    A 4 4|||M:DET|||the|||REQUIRED|||-NONE-|||0

The last field is the annotator; the first one's edits are taken, so that no two corrections are mixed in a sentence.
Whoever saw no error wrote `noop`; who saw one and knew no correction, `UNK`.

Skips: `no-error`, `no-correction`, `spans-outside`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.licenses import Rights
from schemas.errors import InputError
from synth.learner_errors.families import errant_family
from synth.learner_errors.paths import lines_of, text_files
from synth.learner_errors.sentences import Edit, LearnerSentence, Read, Skipped
from synth.learner_errors.tokens import Cut, change, joined

_EDIT: Final = re.compile(r"A (-?\d+) (-?\d+)\|\|\|(.*?)\|\|\|(.*?)\|\|\|.*?\|\|\|.*?\|\|\|(\d+)\s*")


class _Line(NamedTuple):
    start: int
    end: int
    type: str
    corrected: list[str]
    annotator: int


def read(path: Path, language: str, rights: Rights) -> Read:
    """Sentences of an M2 file, or of all below a folder.

    Raises:
        InputError: no such file, or a line that is none of M2's; names it.
    """
    for file, name in text_files(path, (".m2",)):
        for number, tokens, edits in _blocks(file):
            yield _sentence(f"{name}#{number}", tokens, edits, language, rights)


def _blocks(file: Path) -> Iterator[tuple[int, list[str], list[_Line]]]:
    """Each sentence with the number of its line, counted from 1."""
    block: tuple[int, list[str], list[_Line]] | None = None
    for number, line in enumerate(lines_of(file), 1):
        if line.startswith("S ") or line == "S":
            if block:
                yield block
            block = number, line[2:].split(), []
        elif line.startswith("A ") and block:
            block[2].append(_parsed(line, f"{file}, line {number}"))
        elif line.strip():
            raise InputError(f"{file}, line {number} is no line of M2.", valid="Lines begin with S or A.")
    if block:
        yield block


def _parsed(line: str, place: str) -> _Line:
    found = _EDIT.fullmatch(line)
    if not found:
        raise InputError(
            f"{place} is no edit.", valid="A START END|||TYPE|||CORRECTION|||REQUIRED|||-NONE-|||ANNOTATOR"
        )
    start, end, tag, corrected, annotator = found.groups()
    return _Line(int(start), int(end), tag, [] if corrected == "-NONE-" else corrected.split(), int(annotator))


def _sentence(
    key: str, tokens: list[str], lines: list[_Line], language: str, rights: Rights
) -> LearnerSentence | Skipped:
    first = min((line.annotator for line in lines), default=0)
    found = sorted(line for line in lines if line.annotator == first and line.start >= 0)
    if not found:
        return Skipped(key, "no-error")
    if any(line.type.startswith("UNK") for line in found):
        return Skipped(key, "no-correction")
    if any(not line.start <= line.end <= len(tokens) for line in found):
        return Skipped(key, "spans-outside")
    cut = joined(tokens)
    edits = tuple(_edit(cut, tokens, line) for line in found)
    return LearnerSentence(key, cut.text, language, edits, ("heritage", "l2"), rights)


def _edit(cut: Cut, tokens: list[str], line: _Line) -> Edit:
    corrected = joined([*tokens[: line.start], *line.corrected, *tokens[line.end :]])
    part = change(cut, (line.start, line.end), corrected, (line.start, line.start + len(line.corrected)))
    said = " ".join(tokens[line.start : line.end])
    family, generalizable = errant_family(line.type, said, " ".join(line.corrected))
    return Edit(*part, type=line.type, family=family, generalizable=generalizable)
