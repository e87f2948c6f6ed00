"""The measures of a version's annotated dialogues, for its card: made of its rows alone, the same on every machine.

Left out are contamination, of which the card has a table of its own, and the classifier of heritage against L2: it
needs scikit-learn, and its last digits hang on that library's version.
"""

from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.pedagogy.dialogues import annotated_rows, version_dialogues
from quimbot_data.pedagogy.measures import Measure, measures
from schemas.manifest import VersionManifest
from schemas.measures import MeasureLine, VersionMeasures

#: Dialogues that are looked at, at most: their measures take some seconds, and hardly move with more.
MOST: Final = 1_000


def version_measures(folder: Path, manifest: VersionManifest) -> VersionMeasures | None:
    """Measure a version; None where no dialogue is annotated.

    Args:
        folder: holds the data files that the manifest lists; may be a staging folder.
        manifest: the version's.

    Raises:
        IntegrityError: a data file cannot be read.
    """
    paths = [entry.path for entry in manifest.data]
    hashes = _hashes(folder, paths)
    chosen = hashes.sort("content_hash").head(MOST)
    if chosen.is_empty():
        return None
    # By content hash, so that neither files nor epochs decide what a seeded sample holds.
    found = sorted(version_dialogues(folder, paths, chosen["dialogue_id"]), key=lambda row: str(row["content_hash"]))
    lines = [line_of(each) for each in measures(found, trained=False)]
    return VersionMeasures(annotated=len(hashes), measured=len(found), lines=lines)


def _hashes(folder: Path, paths: list[str]) -> pl.DataFrame:
    """dialogue_id and content_hash of annotated dialogues, each content once."""
    parts = [annotated_rows(folder / path, ["dialogue_id", "content_hash"]) for path in paths]
    empty = pl.DataFrame(schema={"dialogue_id": pl.String, "content_hash": pl.String})
    return pl.concat([empty, *parts]).sort("dialogue_id").unique("content_hash", keep="first", maintain_order=True)


def line_of(measure: Measure) -> MeasureLine:
    """A measure as documents hold it."""
    return MeasureLine(
        **measure.target._asdict(),
        value=None if measure.value is None else round(measure.value, 4),
        within=measure.within,
        taken_of=measure.of,
        note=measure.note,
    )
