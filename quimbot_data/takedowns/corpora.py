"""Which rows of a corpus are taken down: until a purge, and again once raw files that hold them are ingested anew."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from pydantic import BaseModel

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.marks import Marks
from quimbot_data.takedowns.resolve import raw_hash
from quimbot_data.workspace import Workspace
from schemas.manifest import CorpusManifest, Unit
from schemas.takedown import Takedown

_DIALOGUE = ("dialogue_id", "source", "content_hash", "provenance")
_TEXT = ("text_id", "source", "content_hash", "raw_id")


class InCorpus(BaseModel):
    """Rows of an entry that a corpus holds."""

    source: str
    unit: Unit
    rows: int
    refused: int
    """Raw rows that were refused at ingest, which the corpus keeps, too."""

    def told(self) -> str:
        """In words: `2 dialogues and 1 refused row`."""
        parts = [(self.rows, self.unit.removesuffix("s")), (self.refused, "refused row")]
        return " and ".join(f"{count:,} {name}" + ("" if count == 1 else "s") for count, name in parts if count)


def taken_in(workspace: Workspace, source: str, wanted: Sequence[Takedown]) -> dict[str, InCorpus]:
    """What a corpus holds of each entry, in the order of the entries; entries of which it holds nothing are left out.

    Reads no text, and nothing at all where there is no entry.

    Raises:
        MissingError: the source was never ingested here.
        IntegrityError: its manifest is not valid.
    """
    if not wanted:
        return {}
    manifest = workspace.corpus_manifest(source)
    rows, refused = _rows(workspace, manifest, wanted), _refused(workspace, manifest, wanted)
    unit: Unit = "learner texts" if manifest.learner_texts else "dialogues"
    return {
        entry.id: InCorpus(source=source, unit=unit, rows=rows[entry.id], refused=refused[entry.id])
        for entry in wanted
        if rows[entry.id] or refused[entry.id]
    }


def _rows(workspace: Workspace, manifest: CorpusManifest, wanted: Sequence[Takedown]) -> Counter[str]:
    every, each = Marks.of(wanted), {entry.id: Marks.of([entry]) for entry in wanted}
    found = Counter[str]()
    for rows, taken in _marked(workspace, manifest, every, each):
        for entry, expression in taken.items():
            found[entry] += rows.filter(expression.is_not_null()).height
    return found


def _marked(
    workspace: Workspace, manifest: CorpusManifest, every: Marks, each: Mapping[str, Marks]
) -> Iterator[tuple[pl.DataFrame, dict[str, pl.Expr]]]:
    """The rows that any entry takes, file by file, with what tells each entry's: many entries cost no more passes."""
    folder = workspace.corpus(manifest.source)
    for file in manifest.dialogues:
        rows = read_parquet(folder / file.path, _DIALOGUE).filter(every.of_dialogue().is_not_null())
        if rows.height:
            yield rows, {entry: marks.of_dialogue() for entry, marks in each.items()}
    for file in manifest.learner_texts:
        rows = read_parquet(folder / file.path, _TEXT).filter(every.of_text().is_not_null())
        if rows.height:
            yield rows, {entry: marks.of_text() for entry, marks in each.items()}


def _refused(workspace: Workspace, manifest: CorpusManifest, wanted: Sequence[Takedown]) -> Counter[str]:
    """Refused raw rows of each entry that a corpus holds."""
    known: dict[str, list[str]] = {}
    for entry in wanted:
        for row in entry.rows.refused:
            if row.source == manifest.source:
                known.setdefault(row.sha256, []).append(entry.id)
    found = Counter[str]()
    for file in manifest.rejected if known else ():
        for raw in read_parquet(workspace.corpus(manifest.source) / file.path, ["raw"])["raw"]:
            found.update(known.get(raw_hash(raw), ()))
    return found
