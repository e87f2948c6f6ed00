"""Files of a workspace that no manifest lists, searched for rows that go: nobody may have told of copies made by hand.

What is found is erased where nothing else is lost by that, and is named otherwise:

    a cached reply                             erased, since it can be asked for again
    a row that names a row that goes, or holds
    all of it, in JSON Lines, JSON or Parquet  erased
    a shard that no corpus lists               removed
    anything else                              named, as holding it still

Links are not followed: what is behind one that leads out is named as not looked into.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.copies import Copies
from quimbot_data.takedowns.reading import Part, batches, parts_of
from quimbot_data.takedowns.replies import cache_of, quoting_replies
from quimbot_data.takedowns.told import Hit, Told
from quimbot_data.takedowns.traces import Traces
from quimbot_data.terminal import counted
from quimbot_data.version import DOCUMENTS, FATES
from quimbot_data.workspace import MANIFEST, SEEN, Workspace, read_model
from schemas.manifest import Documents
from schemas.takedown import Takedown

#: Without text of a row, or cleared by every purge.
_TOPS: Final = (".locks", ".scratch")
#: What a command wrote there belongs together, and is not rewritten in parts.
_WHOLE: Final = ("versions", "runs", "corpus")
#: Weights hold no text, and what was trained on a row is named as such.
_WEIGHTS: Final = (".safetensors", ".pt", ".bin", ".gguf")
_NAMED: Final = 5
Inode = tuple[int, int]


def sweep(copies: Copies, wanted: Sequence[Takedown], going: Mapping[Path, Collection[str]]) -> None:
    """Search what is beside corpora and versions.

    Args:
        copies: is added to.
        wanted: the entries; one whose text is gone already is told by ids and shingles.
        going: folders of versions and corpora that go or are rewritten, with the entries on whose account.
    """
    links, raw = Counter[Inode](), _raw_files(copies.workspace)
    told = {entry for entries in copies.told.longest.values() for entry in entries}
    gone = [entry for entry in wanted if entry.id not in told and entry.rows.contents]
    listed, traces = _listed(copies.workspace), Traces(gone) if gone else None
    for path in _walk(copies):
        links[_inode(path)] += 1
        if path not in listed and not _goes(path, copies, going) and not _is_passed_over(copies, path):
            _search(copies, path, raw.get(path, []), traces)
    _leave_links(copies, links, going)


def _raw_files(workspace: Workspace) -> dict[Path, list[tuple[str, str]]]:
    """The raw files below a corpus's own folder, each with the corpus and the name that it has for it."""
    found: dict[Path, list[tuple[str, str]]] = {}
    for source in workspace.sources():
        for file in workspace.corpus_manifest(source).record.get("raw_files", []):
            found.setdefault(workspace.raw(source) / file["path"], []).append((source, file["path"]))
    return found


def _known_rows(workspace: Workspace, names: Collection[tuple[str, str]]) -> set[int]:
    """The rows of a raw file on which dialogues, learner texts or refusals of a corpus stand."""
    found = set[int]()
    for source, name in names:
        manifest, folder = workspace.corpus_manifest(source), workspace.corpus(source)
        for file in (manifest.origins, *manifest.rejected):
            rows = read_parquet(folder / file.path, ["raw_file", "raw_row"])
            found.update(rows.filter(raw_file=name)["raw_row"])
    return found


def _listed(workspace: Workspace) -> set[Path]:
    """The files that manifests list, and manifests."""
    found = set[Path]()
    for source in workspace.sources():
        folder = workspace.corpus(source)
        found |= {folder / name for name in (MANIFEST, *workspace.corpus_manifest(source).paths())}
    for ref in workspace.versions():
        folder = workspace.version(ref)
        found |= {folder / name for name in (MANIFEST, FATES, DOCUMENTS)}
        found |= {folder / entry.path for entry in workspace.version_manifest(ref).data}
        if (folder / DOCUMENTS).exists():
            found |= {folder / name for name in read_model(folder / DOCUMENTS, Documents).files}
    return found


def _walk(copies: Copies) -> Iterator[Path]:
    """Every file of the workspace that is no link, sorted; tells of folders that cannot be read, and of links out."""
    root = copies.workspace.root

    def refused(error: OSError) -> None:
        copies.unread.append(f"{error.filename} cannot be read: {error.strerror}")

    for place, folders, names in os.walk(root, onerror=refused):
        folders.sort()
        for path in (Path(place) / name for name in sorted([*names, *folders])):
            if not _is_named_in_unicode(path):
                copies.unread.append(f"{os.fsencode(path)!r} has a name that is no Unicode text")
            elif path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                copies.unread.append(f"{copies.below(path)} is a link out of the workspace, to {path.resolve()}")
            elif path.is_file() and not path.is_symlink():
                yield path


def _is_named_in_unicode(path: Path) -> bool:
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _inode(path: Path) -> Inode:
    status = path.stat()
    return status.st_dev, status.st_ino


def _goes(path: Path, copies: Copies, going: Mapping[Path, Collection[str]]) -> bool:
    """Whether a file goes whole, or lies in a version that does."""
    versions = copies.workspace.root / "versions"
    return any(
        place in copies.removed or (place in going and place.is_relative_to(versions))
        for place in (path, *path.parents)
    )


def _is_passed_over(copies: Copies, path: Path) -> bool:
    parts = path.relative_to(copies.workspace.root).parts
    if parts[0] in _TOPS or parts[:2] == ("cache", "tokens"):
        return True
    if parts[0] == "takedowns":
        return path.suffix == ".json"
    if parts[0] == "evaluation":  # other than elsewhere, lines of text go
        return path in copies.rows
    if parts[0] == "runs":
        return path.name == SEEN or path.suffix in _WEIGHTS
    return path.name.startswith(f"{cache_of(copies.workspace).name}-")  # SQLite's own, which go with a rewrite


def _search(copies: Copies, path: Path, names: Collection[tuple[str, str]], traces: Traces | None) -> None:
    if path == cache_of(copies.workspace):
        _search_replies(copies, path)
        return
    unread: list[str] = []
    found: list[tuple[int | None, Hit]] = []
    for parts in batches(parts_of(path, unread)):
        found += _hits(copies.told, path, parts)
        if traces and not names:
            like = traces.in_rows([part.strings for part in parts])
            found += [(parts[at].number, Hit(frozenset(entries), whole=False)) for at, entries in like.items()]
    copies.unread += [f"{copies.below(path)} {why}" for why in dict.fromkeys(unread)]
    planned = copies.rows.get(path, set())
    if found and names:  # of rows that a corpus knows its manifest says whose they are
        known = _known_rows(copies.workspace, names)
        found = [(number, hit) for number, hit in found if number is not None and number not in known]
    found = [(number, hit) for number, hit in found if number not in planned]
    if found:
        _settle(copies, path, found)


def _hits(told: Told, path: Path, parts: list[Part]) -> list[tuple[int | None, Hit]]:
    if any(part.is_text for part in parts):
        hits = told.beginnings_in([part.strings[0] for part in parts])
    elif path.name.endswith(".failures.jsonl"):
        hits = told.parts_in([part.strings for part in parts])
    else:
        hits = told.hits([part.strings for part in parts], told.quotable())
    return [(parts[at].number, hit) for at, hit in hits.items()]


def _settle(copies: Copies, path: Path, found: list[tuple[int | None, Hit]]) -> None:
    """Erase what can be, and name the file where something stays in it."""
    top = path.relative_to(copies.workspace.root).parts[0]
    if top == "corpus" and path.suffix == ".parquet":
        copies.remove(path, _entries(found))
        return
    for number, hit in found:
        if number is not None and hit.whole and top not in _WHOLE:
            copies.erase(path, [number], hit.entries)
    stay = [(number, hit) for number, hit in found if number not in copies.rows.get(path, ())]
    if stay:
        rows = [number for number, _ in stay if number is not None]
        what = counted(len(rows), "row") + " with text of it, or its name" if rows else "text of it"
        why = "what a run or version keeps is not rewritten" if top in _WHOLE else _why(rows)
        copies.leave(f"{copies.below(path)} still holds {what}: {why}", _entries(stay), path, "file")


def _entries(found: Collection[tuple[int | None, Hit]]) -> set[str]:
    return {entry for _, hit in found for entry in hit.entries}


def _why(rows: Collection[int]) -> str:
    if rows:
        return "a row that holds no more than a part of it is another one, and is left to you"
    return "of a file of this form no rows can be taken out"


def _search_replies(copies: Copies, path: Path) -> None:
    try:
        hits = quoting_replies(path, copies.told)
    except sqlite3.Error as error:
        copies.unread.append(f"{copies.below(path)} cannot be read: {error}")
        return
    copies.replies.update(hits)
    copies.owners.setdefault(path, set()).update(*(hit.entries for hit in hits.values()))


def _leave_links(copies: Copies, links: Counter[Inode], going: Mapping[Path, Collection[str]]) -> None:
    """Files that go by another name outside, too: a rewrite makes a new file, and the old one stays there."""
    places = dict[Path, Collection[str]](copies.owners)
    for folder, entries in going.items():
        places |= {path: entries for path in folder.rglob("*") if path.is_file()}
    linked: dict[frozenset[str], list[str]] = {}
    for path, entries in places.items():
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink > links[_inode(path)]:
            linked.setdefault(frozenset(entries), []).append(copies.below(path))
    for entries, names in linked.items():
        some = ", ".join(sorted(names)[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        copies.leave(f"files outside of the workspace that are hard links of {some}, and hold it still", entries)
