"""Dialogues to be looked at: of a version, or of files, ours or anybody's, one plain mapping each.

Critics read them as they stand. Measures read them merged: neighbouring turns by one speaker become one, blank ones go,
and, unlike in a corpus, a dialogue may open with the tutor.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quimbot_data.pedagogy.layouts import LAYOUTS, Dialogue, dialogues_of, merged, unpacked
from quimbot_data.sources.files import RawFile, raw_files, sniff
from quimbot_data.sources.records import mappings, records
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, IntegrityError

if TYPE_CHECKING:
    import polars as pl

_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".parquet", ".gz")


def read_dialogues(target: str, workspace: Workspace) -> Iterator[Dialogue]:
    """Dialogues as they stand: annotated ones of a version, each with its `split`, or all of a file or folder.

    Args:
        target: NAME@X.Y.Z, or a path; a file of that name comes first.
        workspace: holds the version.

    Raises:
        InputError: no such file, one that cannot be read or holds no dialogue, or a version without annotations.
        MissingError: no such version.
    """
    path = Path(target)
    return iter(_of_version(target, workspace)) if not path.exists() else (row for _, row in _of_files(path))


def measured_dialogues(target: str, workspace: Workspace) -> list[Dialogue]:
    """Dialogues as they are measured; of a version in the order of its card's measures, repeats of an epoch left out.

    Args:
        target: NAME@X.Y.Z, or a path.
        workspace: holds the version.

    Raises:
        As `read_dialogues`.
    """
    if Path(target).exists():
        return list(merged_dialogues(Path(target)))
    found = sorted(_of_version(target, workspace), key=lambda row: str(row["dialogue_id"]), reverse=True)
    by_content = {str(row["content_hash"]): row for row in found}
    return [by_content[key] for key in sorted(by_content)]


def merged_dialogues(path: Path) -> Iterator[Dialogue]:
    """Dialogues of a file, or of all files in a folder, merged.

    Raises:
        InputError: a file that cannot be read; a row that is no dialogue; no dialogue at all.
    """
    for place, row in _of_files(path):
        try:
            yield row | {"messages": merged(row["messages"])}
        except ValueError as error:
            raise _no_dialogue(place, error) from error


def _of_version(target: str, workspace: Workspace) -> list[Dialogue]:
    if "@" not in target or "/" in target:
        raise InputError(
            f"{target} is neither a file nor a version.",
            valid="A file or folder of dialogues, or NAME@X.Y.Z.",
            next_step="`quimbot versions` lists what was built.",
        )
    ref = Ref.parse(target)
    manifest = workspace.version_manifest(ref)
    found = version_dialogues(workspace.version(ref), [entry.path for entry in manifest.data])
    if not found:
        raise InputError(f"{ref} holds no annotated dialogue.", next_step="Its recipe has no pedagogical component.")
    return found


def version_dialogues(folder: Path, data: Iterable[str], ids: "pl.Series | None" = None) -> list[Dialogue]:
    """Dialogues of a version with annotations of a tutor, in the order of its files, each with its split.

    Args:
        folder: the version's.
        data: paths of its data files below that.
        ids: of those asked for; all where None.

    Raises:
        IntegrityError: a file is not there or cannot be read.
    """
    columns = ["dialogue_id", "content_hash", "language", "messages", "pedagogy", "provenance"]
    return [
        {**row, "split": Path(path).name.partition("-")[0]}
        for path in data
        for row in annotated_rows(folder / path, columns, ids).to_dicts()
    ]


def annotated_rows(file: Path, columns: Sequence[str], ids: "pl.Series | None" = None) -> "pl.DataFrame":
    """Columns of the rows of a data file that have annotations.

    Raises:
        IntegrityError: the file is not there or cannot be read.
    """
    import polars as pl

    wanted = pl.col("pedagogy").is_not_null()
    if ids is not None:
        wanted &= pl.col("dialogue_id").is_in(ids.implode())
    try:
        return pl.scan_parquet(file).filter(wanted).select(columns).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IntegrityError(f"{file} cannot be read: {error}.", next_step="Run `quimbot verify`.") from error


def _of_files(path: Path) -> Iterator[tuple[str, Dialogue]]:
    """Each dialogue, with its file and row for errors."""
    empty = True
    for file in raw_files([path], _SUFFIXES):
        for number, row in _rows(file):
            place = f"{file.path}, row {number}"
            try:
                for dialogue in dialogues_of(row):
                    empty = False
                    yield place, dialogue
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise _no_dialogue(place, error) from error
    if empty:
        raise InputError(f"{path} holds no dialogue.", valid=LAYOUTS)


def _no_dialogue(place: str, error: Exception) -> InputError:
    return InputError(f"{place} is no dialogue: {error}.", valid=LAYOUTS)


def _rows(file: RawFile) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a file with their numbers."""
    if file.path.suffix == ".json" and sniff(file) != "json-array" and (whole := _whole_object(file)):
        yield from enumerate(unpacked(whole))
        return
    for batch in records(file):
        if batch.unreadable is not None and batch.unreadable.height:
            number, detail = batch.unreadable.select("raw_row", "detail").row(0)
            raise InputError(f"{file.path}, row {number} is no record: {detail}.", next_step="Mend or remove that row.")
        for number, row in zip(batch.origins["raw_row"], mappings(batch), strict=True):
            yield from ((number, each) for each in unpacked(row))


def _whole_object(file: RawFile) -> dict[str, Any] | None:
    """The one JSON object of a file, which may go over many lines; None where it holds several, or none."""
    try:
        found = json.loads(file.path.read_text("utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
