"""What is taken of a corpus, and the raw rows behind it, each with the entries that take it.

Raw rows are told by the corpus's `origins`, and then held against the text: a raw file may have been replaced since it
was ingested, and no other row may go in the place of the one that is meant.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.copies import Copies
from quimbot_data.takedowns.erasing import essay_files, is_essay, row_strings
from quimbot_data.takedowns.marks import Marks, owners
from quimbot_data.takedowns.resolve import raw_hash
from quimbot_data.takedowns.texts import fold, fragments, redacted, strings_of_json, tells
from quimbot_data.terminal import counted
from quimbot_data.words import own_texts
from quimbot_data.workspace import Workspace
from schemas.errors import InputError
from schemas.takedown import Takedown

#: Columns of dialogues by which taken ones are told.
COLUMNS: Final = ("dialogue_id", "source", "content_hash", "messages", "provenance")

#: Raw rows that are named where there are more.
_NAMED: Final = 5


@dataclass
class Sought:
    """A row that goes: fragments of text, of which its raw row must hold one, and the entries that take it."""

    texts: set[str] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)

    def add(self, other: "Sought") -> None:
        """Several rows may stand on one raw row."""
        self.texts |= other.texts
        self.entries |= other.entries


#: A raw file's name in origins -> row -> what is sought there.
Places = dict[str, dict[int, Sought]]


@dataclass
class Plan:
    """What has been found so far.

    Attributes:
        workspace: where.
        wanted: the entries that are purged.
        copies: what is to go, and what is out of reach.
        marks: of all of them; `each` has those of each.
        corpora: corpora to be rewritten, with the entries that take something of them.
        taken: ids of the dialogues or learner texts that are taken, by source.
        named: source and name in its origins of each raw file.
    """

    workspace: Workspace
    wanted: Sequence[Takedown]
    copies: Copies
    marks: Marks
    each: Mapping[str, Marks]
    corpora: dict[str, set[str]] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)
    named: dict[Path, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, wanted: Sequence[Takedown]) -> "Plan":
        """Nothing found yet."""
        return cls(workspace, wanted, Copies(workspace), Marks.of(wanted), {e.id: Marks.of([e]) for e in wanted})


def plan_corpus(made: Plan, source: str) -> None:
    """Find what is a corpus's own, and the raw rows behind it."""
    texts, refused, raw = _texts_of(made, source), _refused_of(made, source), made.workspace.raw(source)
    made.taken[source] = set(texts)
    places = _places(made, source, texts)
    for (raw_file, raw_row), row in refused.items():
        made.copies.told.note(row.texts, (), row.entries)
        places.setdefault(raw_file, {}).setdefault(raw_row, Sought()).add(row)
    entries = {entry for row in (*texts.values(), *refused.values()) for entry in row.entries}
    if not entries:
        return
    made.corpora[source] = entries
    for raw_file, rows in sorted(places.items()):
        _plan_raw(made, source, raw_file, rows)
    if (raw / "fetched.json").exists():
        told = f"`quimbot fetch {source}` would bring the published files back, rows and all"
        made.copies.leave(told, entries, raw / "fetched.json")
    if (staged := raw / ".fetching" / "files").exists() and made.copies.within(staged, entries):
        made.copies.remove(staged, entries)


def origins_of(workspace: Workspace, source: str) -> pl.DataFrame:
    """Which raw rows each dialogue or learner text of a corpus, named in the first column, stands on."""
    return read_parquet(workspace.corpus(source) / workspace.corpus_manifest(source).origins.path)


def _texts_of(made: Plan, source: str) -> dict[str, Sought]:
    """By what the raw rows of each taken dialogue or learner text of a corpus are told, by id."""
    manifest, folder = made.workspace.corpus_manifest(source), made.workspace.corpus(source)
    found: dict[str, Sought] = {}
    for entry in manifest.dialogues:
        rows = read_parquet(folder / entry.path, COLUMNS).filter(made.marks.of_dialogue().is_not_null())
        whose, noted = owners(rows, made.each), note_dialogues(made, rows)
        folded = fold(own_texts(rows).to_list())  # a template may have cut a short raw text in two
        for name, own, messages, parts in zip(rows["dialogue_id"], folded, _contents(rows), noted, strict=True):
            found[name] = Sought({*parts, own, *redacted(messages)} - {""}, whose[name])
    for entry in manifest.learner_texts:
        rows = read_parquet(folder / entry.path).filter(made.marks.of_text().is_not_null())
        whose = owners(rows, made.each)
        for name, text in rows.select("text_id", "text").iter_rows():
            found[name] = Sought(set(fragments([text])), whose[name])
            made.copies.told.note(found[name].texts, fold([text]), whose[name])
    return found


def note_dialogues(made: Plan, rows: pl.DataFrame) -> list[list[str]]:
    """Fragments of each dialogue: of its messages, and of the lines that no template wrote; copies are told by them.

    Args:
        made: is told of them.
        rows: dialogues that are taken: `COLUMNS`.
    """
    contents, whose = _contents(rows), owners(rows, made.each)
    owns = [own.split("\n") for own in own_texts(rows)]
    found = [fragments([*messages, *own]) for messages, own in zip(contents, owns, strict=True)]
    for name, parts, own in zip(rows["dialogue_id"], found, owns, strict=True):
        made.copies.told.note(parts, fold(own), whose[name])
    return found


def _contents(rows: pl.DataFrame) -> list[list[str]]:
    contents: list[list[str]] = rows["messages"].list.eval(pl.element().struct.field("content")).to_list()
    return contents


def _refused_of(made: Plan, source: str) -> dict[tuple[str, int], Sought]:
    """Refused raw rows of a corpus that are taken, by raw file and row."""
    wanted: dict[str, set[str]] = {}
    for entry in made.wanted:
        for row in entry.rows.refused:
            if row.source == source:
                wanted.setdefault(row.sha256, set()).add(entry.id)
    found: dict[tuple[str, int], Sought] = {}
    for file in made.workspace.corpus_manifest(source).rejected if wanted else ():
        rows = read_parquet(made.workspace.corpus(source) / file.path, ["raw_file", "raw_row", "raw"])
        for raw_file, raw_row, raw in rows.iter_rows():
            if entries := wanted.get(raw_hash(raw)):
                found[raw_file, raw_row] = Sought(set(fragments(strings_of_json(raw))), entries)
    return found


def _places(made: Plan, source: str, texts: Mapping[str, Sought]) -> Places:
    """The raw rows behind taken rows, also those that others stand on, too: erasing comes first."""
    places: Places = {}
    if texts:
        origins = origins_of(made.workspace, source)
        mine = origins.filter(pl.col(origins.columns[0]).is_in(list(texts)))
        for key, raw_file, raw_row in mine.select(origins.columns[0], "raw_file", "raw_row").iter_rows():
            places.setdefault(raw_file, {}).setdefault(raw_row, Sought()).add(texts[key])
    return places


def _plan_raw(made: Plan, source: str, raw_file: str, rows: Mapping[int, Sought]) -> None:
    """The rows of one raw file, each held against the text that it must hold."""
    path, copies, entries = _located(made.workspace, source, raw_file), made.copies, _entries(rows.values())
    if path is None:
        for owner in sorted(entries):
            mine = [number for number, row in rows.items() if owner in row.entries]
            copies.leave(_not_here(source, raw_file, mine), [owner])
        return
    if not copies.within(path, entries):
        return
    try:
        essay = is_essay(path)
        told = [(0, [path.name, path.read_text("utf-8", "replace")])] if essay else row_strings(path, rows)
        found = {number for number, strings in told if tells(strings, rows[number].texts)}
    except InputError as error:
        copies.leave(f"{copies.below(path)}: {error.found}", entries, path, "file")
        return
    if found:
        _take_raw(made, source, raw_file, path, {number: rows[number] for number in found}, essay=essay)
    for owner in sorted(_entries(row for number, row in rows.items() if number not in found)):
        missed = [number for number, row in rows.items() if number not in found and owner in row.entries]
        copies.leave(_elsewhere(copies.below(path), source, raw_file, missed), [owner])


def _take_raw(made: Plan, source: str, raw_file: str, path: Path, found: Mapping[int, Sought], *, essay: bool) -> None:
    copies, entries = made.copies, _entries(found.values())
    if essay:
        copies.remove(path, entries)
        return
    copies.erase(path, found, entries)
    made.named.setdefault(path, set()).add((source, raw_file))
    for file in essay_files(path, found):
        if copies.within(file, entries):
            copies.remove(file, entries)


def _entries(rows: Iterable[Sought]) -> set[str]:
    return {entry for row in rows for entry in row.entries}


def _not_here(source: str, raw_file: str, rows: Collection[int]) -> str:
    """That a raw file lies elsewhere."""
    return (
        f"the raw file {raw_file} of {source} ({counted(len(rows), 'row')}): it is not in this workspace, which knows "
        f"its name and no path; {_numbers(rows)} of it, counted from 0, should go"
    )


def _elsewhere(path: str, source: str, raw_file: str, missed: Collection[int]) -> str:
    """That a file in the workspace is another one than its corpus was ingested from."""
    where = f"{_numbers(missed)} of it {'is another one' if len(missed) == 1 else 'are other ones'}"
    return (
        f"{path} is not the file that {source} was ingested from, or was changed since: {where}. The file that was "
        f"ingested lies elsewhere (origins hold no more than its name, {raw_file}) and may hold "
        f"{counted(len(missed), 'row')} that should go, and so may this one: look for the text in both"
    )


def _numbers(rows: Collection[int]) -> str:
    """Raw rows by their numbers, as `origins` count them."""
    some = ", ".join(map(str, sorted(rows)[:_NAMED])) + (", …" if len(rows) > _NAMED else "")
    return f"{'row' if len(rows) == 1 else 'rows'} {some}"


def _located(workspace: Workspace, source: str, raw_file: str) -> Path | None:
    """Where a raw file lies in the workspace: below its source's folder, or the only one of that name below `raw/`."""
    if (path := workspace.raw(source) / raw_file).is_file():
        return path
    tail = Path(raw_file).parts
    named = (path for path in (workspace.root / "raw").rglob("*") if path.parts[-len(tail) :] == tail)
    found = [path for path in named if path.is_file()]
    return found[0] if len(found) == 1 else None
