"""Copies of taken rows beside corpora and versions: evaluation sets, exports, the SQL shell's history, documents.

No origins lead there, so they are told by the text: by the longest fragment of each row, where that is long enough to
be no commonplace.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quimbot_data.takedowns.erasing import row_strings
from quimbot_data.takedowns.texts import LEAST_FRAGMENT, Quotes
from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import Workspace, read_model
from schemas.errors import InputError
from schemas.manifest import Documents
from schemas.takedown import Remainder

#: Characters of a text by which documents are told, which may cut a quotation short.
_BEGINNING: Final = 30
_AT_ONCE: Final = 1_000


@dataclass
class Copies:
    """What is to go of a workspace's files, and what cannot.

    Attributes:
        workspace: where they lie.
        quoted: the longest fragment of each row that goes.
        begun: beginnings of their texts.
        rows: rows to be taken out, by file.
        removed: files and folders that go whole.
        documents: documents of versions that stay.
        left: what a purge does not reach.
    """

    workspace: Workspace
    quoted: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    rows: dict[Path, set[int]] = field(default_factory=dict)
    removed: set[Path] = field(default_factory=set)
    documents: set[Path] = field(default_factory=set)
    left: list[Remainder] = field(default_factory=list)

    def note(self, found: Collection[str], texts: Iterable[str] = ()) -> None:
        """Look for a row from now on, unless it is a commonplace.

        Args:
            found: its fragments; rows that quote it are told by the longest.
            texts: its texts, folded; documents that quote it are told by the beginning of any.
        """
        longest = max(found, key=lambda fragment: (len(fragment), fragment), default="")
        if len(longest) >= LEAST_FRAGMENT:
            self.quoted.add(longest)
        self.begun.update(text[:_BEGINNING] for text in texts if len(text) >= LEAST_FRAGMENT)

    def below(self, path: Path) -> str:
        """A path as reports and the journal have it."""
        return path.relative_to(self.workspace.root).as_posix()

    def leave(self, what: str, place: Path | None = None) -> None:
        """Note what a purge does not reach, and the file or folder with which it goes, where that can be seen."""
        root = self.workspace.root
        inside = place is not None and place.is_relative_to(root)
        told = None if place is None else self.below(place) if inside else place.as_posix()
        self.left.append(Remainder(what=what, place=told))

    def within(self, path: Path) -> bool:
        """Whether a path lies in the workspace, and not behind a link that leads out of it; tells where it does not."""
        target = path.resolve()
        inside = target.is_relative_to(self.workspace.root.resolve())
        if not inside:
            self.leave(f"{self.below(path)}: a link leads out of the workspace, to {target}", target)
        return inside


def find_copies(copies: Copies, withdrawn: set[str]) -> None:
    """Find what quotes a row that goes.

    Args:
        copies: is added to.
        withdrawn: versions that go, `NAME@X.Y.Z`; exports of them go whole.
    """
    root, quotes = copies.workspace.root, Quotes.of(copies.quoted)
    for path in _files(root / "evaluation"):
        if copies.within(path) and (rows := _quoting(copies, path, quotes)):
            copies.rows.setdefault(path, set()).update(rows)
    for path in sorted((root / "exports").glob("*")):
        if copies.within(path) and (_is_export_of(path, withdrawn) or _any_quotes(copies, path, quotes)):
            copies.removed.add(path)
    begun = Quotes.of(copies.begun | copies.quoted)
    for path in (root / ".sql_history", *_documents(copies.workspace, withdrawn)):
        if path.is_file() and begun.in_rows([[path.read_text("utf-8", "replace")]]):
            (copies.removed if path.parent == root else copies.documents).add(path)


def _files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


def _quoting(copies: Copies, path: Path, quotes: Quotes) -> set[int]:
    """Rows of a file that quote a row."""
    found: set[int] = set()
    try:
        for rows in _batches(row_strings(path)):
            found |= {rows[at][0] for at in quotes.in_rows([strings for _, strings in rows])}
    except InputError as error:
        if path.stat().st_size:
            copies.leave(f"{copies.below(path)} cannot be searched: {error.found}", path)
    return found


def _batches(rows: Iterable[tuple[int, list[str]]]) -> Iterator[Sequence[tuple[int, list[str]]]]:
    batch: list[tuple[int, list[str]]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _is_export_of(path: Path, withdrawn: set[str]) -> bool:
    try:
        stated = json.loads((path / "export.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(stated, dict) and not withdrawn.isdisjoint(str(value) for value in stated.values())


def _any_quotes(copies: Copies, path: Path, quotes: Quotes) -> bool:
    files = _files(path) if path.is_dir() else [path]
    return any(_quoting(copies, file, quotes) for file in files)


def _documents(workspace: Workspace, withdrawn: set[str]) -> Iterator[Path]:
    """Texts among the documents of versions that stay."""
    for ref in workspace.versions():
        folder = workspace.version(ref)
        if str(ref) not in withdrawn and (folder / DOCUMENTS).exists():
            for path in read_model(folder / DOCUMENTS, Documents).files:
                if path.endswith((".md", ".json", ".jsonl", ".txt", ".html")):
                    yield folder / path
