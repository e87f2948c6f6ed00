"""The workspace on disk: its paths, its locks, and writes that are whole or not there.

A write goes to a temporary file in the same folder, is synced, and is renamed; the folder is synced after. Writers
get an open file object, never a path. A manifest goes last: what no manifest lists does not exist and is swept later.
"""

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from schemas.errors import IntegrityError, LockedError, MissingError, QuimbotError, WithdrawnError, WorkspaceError
from schemas.manifest import CorpusManifest, FileEntry, VersionManifest
from schemas.recipe import Recipe
from schemas.run import RunRecord, Status
from schemas.takedown import Tombstone

if TYPE_CHECKING:
    from typing_extensions import Buffer

DEFAULT_ROOT: Final = Path("datasets")
MANIFEST: Final = "manifest.json"
#: What an audit of a version found, beside its data.
AUDIT: Final = "audit.json"
#: Measures of its annotated dialogues, beside its data.
MEASURES: Final = "measures.json"
TOMBSTONE: Final = "tombstone.json"
#: The record of a training run.
RUN: Final = "run.json"
#: The dialogues that it is shown, by id.
SEEN: Final = "seen.parquet"
M = TypeVar("M", bound=BaseModel)
_TEMPORARY: Final = ".writing-"
#: Seconds; far longer than it takes to see whether a lock is held.
_MOMENT: Final = 0.05
#: Nine digits a part: far more than anyone counts to, and a file name all the same.
_SEMVER: Final = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Ref:
    """A version's address, `NAME@X.Y.Z`."""

    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> "Ref":
        """Parse `NAME@X.Y.Z`.

        Raises:
            MissingError: another form.
        """
        name, _, version = text.partition("@")
        if not _NAME.fullmatch(name) or not _SEMVER.fullmatch(version):
            raise MissingError(f"{text!r} names no version.", valid="A version is written NAME@X.Y.Z, e.g. demo@0.1.0.")
        return cls(name, version)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def order(self) -> tuple[str, tuple[int, ...]]:
        """Sort key: by name, then by version number."""
        return self.name, tuple(int(part) for part in self.version.split("."))


@dataclass(frozen=True)
class Workspace:
    """Paths below one root, and what stands there."""

    root: Path

    def raw(self, source: str) -> Path:
        """Folder of a source's raw files."""
        return self.root / "raw" / source

    def corpus(self, source: str) -> Path:
        """Folder of a source's normalized corpus."""
        return self.root / "corpus" / source

    def version(self, ref: Ref) -> Path:
        """Folder of a version."""
        return self.root / "versions" / ref.name / ref.version

    def sources(self) -> list[str]:
        """Sources with a finished corpus, sorted."""
        return sorted(path.parent.name for path in (self.root / "corpus").glob(f"*/{MANIFEST}"))

    def versions(self) -> list[Ref]:
        """Finished versions that were not withdrawn, sorted by name and number."""
        found = (path.parent for path in (self.root / "versions").glob(f"*/*/{MANIFEST}"))
        # A withdrawal that was cut short leaves both: the tombstone counts.
        alive = (Ref(path.parent.name, path.name) for path in found if not (path / TOMBSTONE).exists())
        return sorted(alive, key=Ref.order)

    def withdrawn(self) -> list[Ref]:
        """Versions that takedowns withdrew, sorted by name and number."""
        found = (path.parent for path in (self.root / "versions").glob(f"*/*/{TOMBSTONE}"))
        return sorted((Ref(path.parent.name, path.name) for path in found), key=Ref.order)

    def highest(self, name: str, *, below: Ref | None = None) -> Ref | None:
        """The highest finished version of a name, or the highest lower than another; None where there is none."""
        held = [ref for ref in self.versions() if ref.name == name and (below is None or ref.order() < below.order())]
        return held[-1] if held else None

    def tombstone(self, ref: Ref) -> Tombstone | None:
        """What stays of a version that was withdrawn; None where it was not.

        Raises:
            IntegrityError: the tombstone is not valid.
        """
        path = self.version(ref) / TOMBSTONE
        return read_model(path, Tombstone) if path.exists() else None

    def next_patch(self, ref: Ref) -> str:
        """The next free PATCH number of a version's line, X.Y.Z."""
        major, minor, _ = ref.order()[1]
        taken = [other.order()[1] for other in (*self.versions(), *self.withdrawn(), ref) if other.name == ref.name]
        return f"{major}.{minor}.{max(patch for *line, patch in taken if line == [major, minor]) + 1}"

    def corpus_manifest(self, source: str) -> CorpusManifest:
        """The manifest of a source's corpus.

        Raises:
            MissingError: the source was never ingested here.
            IntegrityError: the manifest is not valid.
        """
        path = self.corpus(source) / MANIFEST
        if not path.exists():
            held = ", ".join(self.sources()) or "none"
            raise MissingError(
                f"{self.root} holds no corpus {source!r}.",
                valid=f"Ingested here: {held}.",
                next_step=f"Run `quimbot ingest {source} PATH`.",
            )
        return read_model(path, CorpusManifest)

    def version_manifest(self, ref: Ref) -> VersionManifest:
        """The manifest of a version.

        Raises:
            MissingError: no such finished version.
            WithdrawnError: a takedown withdrew it.
            IntegrityError: the manifest is not valid.
        """
        if stone := self.tombstone(ref):
            raise WithdrawnError(
                f"{ref} was withdrawn on {stone.withdrawn[:10]}: {', '.join(stone.takedowns)} erased "
                f"{stone.taken:,} of its {stone.dialogues:,} dialogues.",
                next_step=f"See {stone.patched}."
                if stone.patched
                else f"Run `quimbot build {ref} --version {self.next_patch(ref)}`, which leaves them out.",
            )
        path = self.version(ref) / MANIFEST
        if not path.exists():
            built = ", ".join(str(other) for other in self.versions()) or "none"
            raise MissingError(
                f"{self.root} holds no version {ref}.",
                valid=f"Built here: {built}.",
                next_step="See `quimbot versions`.",
            )
        return read_model(path, VersionManifest)

    def tokens(self, version_id: str) -> Path:
        """Folder of what was tokenized of a version; ids can be read back as text, so a purge removes it."""
        return self.root / "cache" / "tokens" / version_id[:32]

    def run(self, name: str) -> Path:
        """Folder of a training run."""
        return self.root / "runs" / name

    def runs(self) -> list[RunRecord]:
        """The records of training runs, by name.

        Raises:
            IntegrityError: a record is not valid.
        """
        return [read_model(path, RunRecord) for path in sorted((self.root / "runs").glob(f"*/{RUN}"))]

    def run_status(self, record: RunRecord) -> Status:
        """What a run is doing now: one whose record says `running`, but whose process is gone, was interrupted.

        Of a run on another machine nobody here can tell: what its record says stands.
        """
        here = record.host in (None, this_host())
        gone = record.status == "running" and here and not self.locked("runs", record.run)
        return "interrupted" if gone else record.status

    def recipe_of(self, ref: Ref) -> Recipe:
        """The resolved recipe of a version, also of one that was withdrawn.

        Raises:
            MissingError: there never was such a version.
            IntegrityError: its manifest or tombstone is not valid.
        """
        stone = self.tombstone(ref)
        return stone.recipe if stone else self.version_manifest(ref).identity.recipe

    @contextmanager
    def lock(self, *names: str, shared: bool = False) -> Iterator[None]:
        """Hold a lock, e.g. `lock("corpus", "lmsys")`; the system frees it when the process dies.

        Args:
            names: what is locked.
            shared: for readers; readers bear each other, and neither bears a writer.

        Raises:
            LockedError: another process holds it.
            WorkspaceError: the workspace is not writable.
        """
        path = self._lock_file(names)
        with writing(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = path.open("w")
        with stream:
            held = _flock(stream, shared=shared)
            if not held:
                time.sleep(_MOMENT)  # it may have been `locked`, which holds a lock while it looks
                held = _flock(stream, shared=shared)
            if not held:
                raise LockedError(
                    f"Another process {'writes' if shared else 'uses'} {' '.join(names)} in {self.root}.",
                    next_step="Wait for it to end, then run the command again.",
                )
            yield

    def locked(self, *names: str) -> bool:
        """Whether a process on this machine holds a lock to write."""
        path = self._lock_file(names)
        if not path.exists():
            return False
        with path.open() as stream:
            return not _flock(stream, shared=True)

    def _lock_file(self, names: Sequence[str]) -> Path:
        return self.root / ".locks" / "-".join(names)

    @contextmanager
    def scratch(self, *names: str) -> Iterator[Path]:
        """An empty folder for intermediate files, removed at the end; remains of a killed run are cleared first.

        The caller holds the lock of the same name.
        """
        path = self.root / ".scratch" / "-".join(names)
        with writing(self.root):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def this_host() -> str:
    """The name of this machine."""
    return os.uname().nodename


def _flock(stream: IO[str], *, shared: bool) -> bool:
    """Lock a file until it is closed. Returns whether that could be done at once."""
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the system's refusals to write (full disk, read-only, no permission) into one clear error."""
    try:
        yield
    except QuimbotError:
        raise
    except OSError as error:
        hints = {
            errno.ENOSPC: "Free some space, then run the command again: finished work is kept.",
            errno.EROFS: "Choose another workspace with --workspace.",
            errno.EACCES: "Choose another workspace with --workspace, or change its permissions.",
        }
        # polars raises a bare OSError whose text holds the code.
        code = error.errno or next((code for code in hints if f"os error {code})" in str(error)), 0)
        reason = os.strerror(code) if code else str(error)
        hint = hints.get(code, "Mend that, then run the command again.")
        raise WorkspaceError(f"{place} cannot be written: {reason}.", next_step=hint) from error


class _Output(io.RawIOBase):
    """A file that keeps the system's refusal to write; without a descriptor, so that native writers pass through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.refused: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: "Buffer", /) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.refused = error
            raise

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears under its name only when it is whole and on disk.

    Raises:
        WorkspaceError: a folder, or a place that cannot be written.
    """
    if path.is_dir():
        raise WorkspaceError(f"{path} is a folder.", next_step="Name a file in it.")
    temporary = path.with_name(_TEMPORARY + path.name)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                stream = _Output(file)
                try:
                    yield cast(IO[bytes], stream)
                except Exception as error:
                    if stream.refused:  # polars hides a full disk behind errors of its own
                        raise stream.refused from error
                    raise
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:  # Ctrl-C too: a half-written file must not stay, and the failure goes on as it was
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def new_folder(path: Path) -> Path:
    """Make a folder that was not there."""
    with writing(path.parent):
        path.mkdir(parents=True)
    return path


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_model(path: Path, model: BaseModel) -> None:
    """Write a model as indented JSON, atomically."""
    with atomic(path) as stream:
        stream.write(model_bytes(model))


def model_bytes(model: BaseModel) -> bytes:
    """A model as indented JSON."""
    return (json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()


def read_model(path: Path, model: type[M]) -> M:
    """Read a model from JSON.

    Raises:
        IntegrityError: the file is not valid.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        problem = f"{path} is not a valid {model.__name__}: {': '.join(filter(None, (place, first['msg'])))}."
        raise IntegrityError(problem, next_step="Ingest or build again.") from error


def publish(
    folder: Path, suffix: str, write: Callable[[IO[bytes]], None], *, rows: int = 0, prefix: str = ""
) -> FileEntry:
    """Write a file whose name is the hash of its bytes; returns its manifest entry."""
    name = f"{prefix}pending-{threading.get_ident()}{suffix}"
    with atomic(folder / name) as stream:
        write(stream)
    entry = entry_of(folder / name, folder, rows)
    final = f"{prefix}{entry.sha256[:32]}{suffix}"
    with writing(folder):
        (folder / name).replace(folder / final)
        sync_folder(folder)
    return entry.model_copy(update={"path": final})


def entry_of(path: Path, folder: Path, rows: int) -> FileEntry:
    """Manifest entry of a finished file below `folder`."""
    size = path.stat().st_size
    return FileEntry(path=path.relative_to(folder).as_posix(), sha256=file_digest(path), bytes=size, rows=rows)


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sweep(folder: Path, keep: set[str]) -> None:
    """Remove the files of a folder (not its folders) that no manifest lists."""
    for path in folder.iterdir():
        if path.is_file() and path.name not in keep:
            with writing(path):
                path.unlink()


def record_of(value: Any) -> Any:
    """A value as plain JSON, for a manifest's `record`."""
    return json.loads(json.dumps(value, default=str))
