"""Copies of taken rows beside corpora and versions: evaluation sets, exports, the SQL shell's history, documents.

No origins lead there, so they are told by the text: by the longest fragment of each row, where that is long enough to
be no commonplace. What no command writes, `sweep` looks for.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from quimbot_data.takedowns.erasing import row_strings
from quimbot_data.takedowns.reading import Part, batches
from quimbot_data.takedowns.texts import Quotes
from quimbot_data.takedowns.told import Told
from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import Workspace, file_digest, read_model
from schemas.errors import InputError
from schemas.manifest import Documents
from schemas.takedown import Remainder


@dataclass
class Copies:
    """What is to go of a workspace's files, and what cannot.

    Attributes:
        workspace: where they lie.
        told: by what rows that go are known.
        rows: rows to be taken out, by file.
        removed: files and folders that go whole.
        documents: documents of versions that stay.
        replies: keys of cached replies that go.
        owners: the entries on whose account a file goes or is rewritten, where they are known.
        left: what a purge does not reach, by entry.
        unread: files that could not be looked into, or not well, and why.
    """

    workspace: Workspace
    told: Told = field(default_factory=Told)
    rows: dict[Path, set[int]] = field(default_factory=dict)
    removed: set[Path] = field(default_factory=set)
    documents: set[Path] = field(default_factory=set)
    replies: set[str] = field(default_factory=set)
    owners: dict[Path, set[str]] = field(default_factory=dict)
    left: dict[str, list[Remainder]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def erase(self, path: Path, rows: Collection[int], entries: Collection[str] = ()) -> None:
        """Take rows out of a file."""
        if rows:
            self.rows.setdefault(path, set()).update(rows)
            self.owners.setdefault(path, set()).update(entries)

    def remove(self, path: Path, entries: Collection[str] = ()) -> None:
        """Let a file or folder go whole."""
        self.removed.add(path)
        self.owners.setdefault(path, set()).update(entries)

    def below(self, path: Path) -> str:
        """A path as reports and the journal have it."""
        return path.relative_to(self.workspace.root).as_posix()

    def leave(
        self,
        what: str,
        entries: Collection[str],
        place: Path | None = None,
        kind: Literal["file", "export", "other"] = "other",
    ) -> None:
        """Note what a purge does not reach.

        Args:
            what: in words of places and numbers.
            entries: those whose rows it holds.
            place: the file or folder with which it goes, where that can be seen.
            kind: see `Remainder`.
        """
        root = self.workspace.root
        inside = place is not None and place.is_relative_to(root)
        told = None if place is None else self.below(place) if inside else place.as_posix()
        digest = digest_of(place) if place is not None and kind == "file" else None
        part = Remainder(what=what, place=told, kind=kind, sha256=digest)
        for entry in sorted(entries):
            self.left.setdefault(entry, []).append(part)

    def within(self, path: Path, entries: Collection[str]) -> bool:
        """Whether a path lies in the workspace, and not behind a link that leads out of it; tells where it does not."""
        if self.leads_out(path):
            target = path.resolve()
            self.leave(f"{self.below(path)}: a link leads out of the workspace, to {target}", entries, target, "file")
            return False
        return True

    def leads_out(self, path: Path) -> bool:
        """Whether a path lies behind a link that leads out of the workspace; `sweep` tells of all of them."""
        return not path.resolve().is_relative_to(self.workspace.root.resolve())


def digest_of(path: Path) -> str | None:
    """The sha256 of a file; None where there is none that can be read."""
    try:
        return file_digest(path) if path.is_file() else None
    except OSError:
        return None


def find_copies(copies: Copies, withdrawn: Mapping[str, Collection[str]]) -> None:
    """Find what quotes a row that goes.

    Args:
        copies: is added to.
        withdrawn: versions that go, `NAME@X.Y.Z`, with the entries that take their rows; exports of them go whole.
    """
    root = copies.workspace.root
    for path in _files(root / "evaluation"):
        if not copies.leads_out(path):
            copies.erase(path, _quoting(copies, path))
    for path in sorted((root / "exports").glob("*")):
        if not copies.leads_out(path) and (_is_export_of(path, withdrawn) or _any_quotes(copies, path)):
            copies.remove(path)
    begun = Quotes.of(copies.told.begun | copies.told.longest.keys())
    for path in (root / ".sql_history", *_documents(copies.workspace, withdrawn)):
        if path.is_file() and begun.in_rows([[path.read_text("utf-8", "replace")]]):
            (copies.removed if path.parent == root else copies.documents).add(path)


def _files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


def _quoting(copies: Copies, path: Path) -> set[int]:
    """Rows of a file that quote a row."""
    found, quotes = set[int](), Quotes.of(copies.told.longest)
    try:
        for rows in batches(Part(number, strings) for number, strings in row_strings(path)):
            places = quotes.in_rows([part.strings for part in rows])
            found |= {number for at in places if (number := rows[at].number) is not None}
    except InputError as error:
        if path.stat().st_size:
            copies.unread.append(f"{copies.below(path)} cannot be searched: {error.found}")
    return found


def _is_export_of(path: Path, withdrawn: Collection[str]) -> bool:
    try:
        stated = json.loads((path / "export.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(stated, dict) and any(str(value) in withdrawn for value in stated.values())


def _any_quotes(copies: Copies, path: Path) -> bool:
    files = _files(path) if path.is_dir() else [path]
    return any(_quoting(copies, file) for file in files)


def _documents(workspace: Workspace, withdrawn: Collection[str]) -> Iterator[Path]:
    """Texts among the documents of versions that stay."""
    for ref in workspace.versions():
        folder = workspace.version(ref)
        if str(ref) not in withdrawn and (folder / DOCUMENTS).exists():
            for path in read_model(folder / DOCUMENTS, Documents).files:
                if path.endswith((".md", ".json", ".jsonl", ".txt", ".html")):
                    yield folder / path
