"""Raw corpora from the Hugging Face Hub into `<workspace>/raw/<source>/`.

What is asked for is resolved to one commit first, so a moving branch cannot mix revisions. Files come one by one: each
is staged under `.fetching/`, checked against the Hub's own hash and renamed, so a final name holds a whole file or
nothing. `fetched.json` is written last and says what the folder holds. A cut connection resumes by byte range; after a
kill or Ctrl-C the next run keeps the finished files and begins with the one that was open.

Where a source states `columns`, only those are read, by byte range: a corpus of recordings costs its text.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from quimbot_data.hub.raw_folder import (
    RECORD,
    STAGING,
    STAMP,
    Fetched,
    FetchedFile,
    hub_hash,
    is_held,
    is_inside,
    make_ready,
    paths_before,
    settle,
    stamp,
)
from quimbot_data.hub.remote import RemoteCommit, RemoteFile, resolve
from quimbot_data.hub.trouble import RUN_AGAIN, fetching
from quimbot_data.workspace import Workspace, write_model
from schemas.errors import FetchError, InputError


@dataclass(frozen=True)
class HubFiles:
    """Where a source lies on the Hub: a fact of its dossier."""

    repo: str
    """Dataset repository, e.g. `lmsys/lmsys-chat-1m`."""
    patterns: tuple[str, ...]
    """`fnmatch` patterns of the files needed, e.g. `data/*.parquet`; `*` crosses slashes."""
    columns: tuple[str, ...] | None = None
    """Columns to read by byte range, those that a file has; None fetches whole files."""
    gated: bool = False
    """The Hub gives the files only to those who accepted the corpus's terms."""


@dataclass(frozen=True)
class FetchProgress:
    """How far a fetch is; told after every chunk."""

    path: str
    number: int
    """Place of this file among those that have to be fetched, from 1."""
    files: int
    received: int
    """Bytes received of this file."""
    size: int | None
    """Bytes of this file on the Hub; None where only columns of it are read."""


class FetchReport(BaseModel):
    """What one fetch did; paths are relative to the folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holds: Fetched
    """What the folder holds now."""
    new: tuple[str, ...]
    skipped: tuple[str, ...]
    """Files that were there already, whole and unchanged."""
    removed: tuple[str, ...]
    """Files of an earlier fetch that this revision does not have."""
    bytes_received: int
    """Bytes of files, or of columns, that came from the Hub."""


def fetch(
    files: HubFiles,
    to: Path,
    *,
    revision: str | None = None,
    only: Sequence[str] = (),
    progress: Callable[[FetchProgress], None] | None = None,
) -> FetchReport:
    """Bring the files of a source into a folder, all of one revision; what is there already is not fetched again.

    The Hub's address is `HF_ENDPOINT`, read at this call; the token is `HF_TOKEN` or the one of `hf auth login`.

    Args:
        files: the repository, and what is needed of it.
        to: the folder, usually `<workspace>/raw/<source>`; made if missing.
        revision: branch, tag or commit; the default branch if None.
        only: patterns that narrow `files.patterns`. Files of an earlier fetch stay, brought to this revision.
        progress: called after every chunk.

    Raises:
        GatedError: the terms are not accepted, or the token is missing or refused.
        FetchError: unreachable Hub, unknown repository or revision, no matching file, or a file that is not what the
            Hub lists.
        LockedError: another process fetches into the folder.
        WorkspaceError: the disk is full, or the folder cannot be written.
    """
    with fetching(files.repo, revision, to, gated=files.gated):
        commit = resolve(files.repo, revision)
        with Workspace(to).lock("fetch"):
            return _bring_up_to_date(files, commit, to, only, progress)


def _bring_up_to_date(
    files: HubFiles,
    commit: RemoteCommit,
    to: Path,
    only: Sequence[str],
    progress: Callable[[FetchProgress], None] | None,
) -> FetchReport:
    before = paths_before(to, files.repo)
    wanted = _select(files, {file.path: file for file in commit.files()}, only, before)
    missing = [file for file in wanted if not is_held(to, file, files.columns)]
    gone = sorted(before - {file.path for file in wanted})
    if missing or gone:
        make_ready(to, 0 if files.columns else sum(file.size for file in missing))
    received = 0
    for number, file in enumerate(missing, start=1):
        meter = _Meter(file, number, len(missing), progress, whole=files.columns is None)
        _bring(commit, to, file, files.columns, meter)
        received += meter.received
    for path in gone:
        (to / path).unlink(missing_ok=True)
    held = tuple(FetchedFile(path=f.path, bytes=(to / f.path).stat().st_size, etag=f.etag) for f in wanted)
    holds = Fetched(repo=files.repo, revision=commit.sha, columns=files.columns, files=held)
    write_model(to / RECORD, holds)
    shutil.rmtree(to / STAGING, ignore_errors=True)
    return FetchReport(
        holds=holds,
        new=tuple(file.path for file in missing),
        skipped=tuple(file.path for file in wanted if file not in missing),
        removed=tuple(gone),
        bytes_received=received,
    )


def _select(
    files: HubFiles, listing: Mapping[str, RemoteFile], only: Sequence[str], before: set[str]
) -> list[RemoteFile]:
    """Files to hold, by path: those asked for now, and those of earlier fetches that still exist."""
    candidates = {path for path in listing if _matches(path, files.patterns)}
    asked = {path for path in candidates if not only or _matches(path, only)}
    if not asked:
        some = ", ".join(sorted(candidates or listing)[:5]) or "nothing"
        raise FetchError(
            f"No file of {files.repo} matches {' or '.join(only or files.patterns)}.",
            valid=f"It holds {some}{' …' if len(candidates or listing) > 5 else ''}.",
            next_step=f"See https://huggingface.co/datasets/{files.repo}/tree/main, or name another revision.",
        )
    wanted = sorted(asked | (candidates & before))
    for path in wanted:
        if not is_inside(path):
            raise FetchError(f"{files.repo} lists a file outside the folder: {path!r}.", next_step="Do not use it.")
    return [listing[path] for path in wanted]


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


class _Meter:
    """Counts the bytes of one file as they arrive, and tells."""

    def __init__(
        self,
        file: RemoteFile,
        number: int,
        files: int,
        progress: Callable[[FetchProgress], None] | None,
        *,
        whole: bool,
    ) -> None:
        self._file, self._place, self._progress = file, (number, files), progress
        self._size = file.size if whole else None
        self.received = 0

    def __call__(self, arrived: int) -> None:
        self.received += arrived
        if self._progress:
            self._progress(FetchProgress(self._file.path, *self._place, self.received, self._size))


def _bring(
    commit: RemoteCommit, to: Path, file: RemoteFile, columns: tuple[str, ...] | None, meter: Callable[[int], None]
) -> None:
    """One file: staged, checked, synced, renamed."""
    staging = to / STAGING / "files"
    if columns is None:
        staged = commit.download(file.path, staging, meter)
        if hub_hash(staged, file.etag) != file.etag:
            raise FetchError(
                f"{file.path} of {commit.repo} arrived with other bytes than the Hub lists.",
                next_step=f"{RUN_AGAIN} If it happens again, a proxy or mirror alters files.",
            )
    else:
        staged = staging / "columns.parquet"
        staging.mkdir(parents=True, exist_ok=True)
        with staged.open("wb") as sink:
            _copy_columns(commit, file, columns, sink, meter)
    settle(staged, to / file.path)


def _copy_columns(
    commit: RemoteCommit, file: RemoteFile, columns: tuple[str, ...], sink: IO[bytes], meter: Callable[[int], None]
) -> None:
    from quimbot_data.hub.columns import copy_columns

    def read(start: int, end: int) -> bytes:
        data = commit.read_range(file.path, start, end)
        meter(len(data))
        return data

    try:
        copy_columns(read, file.size, columns, sink, stamp={STAMP: stamp(file, columns)})
    except InputError as error:
        raise FetchError(f"{file.path} of {commit.repo}: {error.found}", valid=error.valid) from error
