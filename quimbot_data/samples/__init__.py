"""A few dozen rows of every corpus, written for this project, in each corpus's own raw layout: what the demo ingests.

No row, sentence or name in them comes from a corpus. They stand here as text to be reviewed, one JSON object a line:

    file      the raw file that `lay_out` writes the row to
    planted   defects on purpose: [lesson, what, what becomes of it], see `Defect`
    row       the raw row; `flagged` (LMSYS) and `repeat` beside it spare the reader what `lay_out` fills in
    index, essay, text    TOEFL11's cells, file name and essay in place of `file` and `row`

Invisible and decomposed characters are escaped here and raw in the files laid out. Lessons, by number:

     1  columns renamed, missing or extra            6  exact, near and cross-source duplicates
     2  extensions that lie, U+2028 inside strings   7  labels that drift, a stray language in a file
     3  "no text" spelled null, "", " ", blank rows  8  languages as names, codes, locales
     4  broken turn structure                        9  control bytes, surrogates, CRLF, NFD, huge messages
     5  system text in a turn, a column, or empty   10  licence and terms as data on a row

Truncated files cannot be among them, since they stop an ingest; the tests cut these samples instead.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from quimbot_data.samples import layouts

_WRITERS: Final[Mapping[str, Callable[[Path, Sequence[layouts.Sample]], None]]] = {
    "lmsys": layouts.write_lmsys,
    "magpie": layouts.write_magpie,
    "openhermes": layouts.write_openhermes,
    "prosocial": layouts.write_prosocial,
    "synthetic": layouts.write_synthetic,
    "toefl11": layouts.write_toefl11,
    "waxal": layouts.write_waxal,
}


@dataclass(frozen=True)
class Defect:
    """Something planted in a raw row, and what becomes of it.

    Attributes:
        lesson: number in this package's docstring; null for what a filter, policy or redaction is to find.
        source: corpus.
        raw_file: relative to the source's folder, as `origins` name it.
        raw_row: 0-based.
        what: what is there.
        fate: `rejected`, `repaired`, `redacted`, `dropped` (by the demo's recipe) or `kept`.
        name: reason, repair or kind of personal data; for `dropped` step and reason; for `kept` how it shows.
    """

    lesson: int | None
    source: str
    raw_file: str
    raw_row: int
    what: str
    fate: str
    name: str


def lay_out(folder: Path) -> dict[str, Path]:
    """Write the samples below `folder` in the corpora's raw layouts: the same bytes every time.

    Returns:
        each source's raw folder, `folder / source`.
    """
    folders = {}
    for source, write in _WRITERS.items():
        write(folder / source, samples(source))
        folders[source] = folder / source
    return folders


def samples(source: str) -> list[layouts.Sample]:
    """The sample rows of a source as they stand in its file here."""
    lines = (files(__name__) / f"{source}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def defects() -> list[Defect]:
    """Everything that is planted, in the order of sources and rows."""
    return [
        Defect(lesson, source, raw_file, raw_row, what, *becomes.split(": ", 1))
        for source in _WRITERS
        for raw_file, raw_row, sample in _placed(source)
        for lesson, what, becomes in sample.get("planted", ())
    ]


def _placed(source: str) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Each sample with its raw file and row."""
    rows: Counter[str] = Counter()
    for sample in samples(source):
        file = sample["file"] if source != "toefl11" else layouts.toefl11_file(sample)
        yield file, rows[file], sample
        rows[file] += 1
