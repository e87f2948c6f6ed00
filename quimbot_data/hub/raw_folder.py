"""A folder of fetched raw files: which are whole, of which commit, and the record that says so.

`fetched.json` is the completion marker: written last, put aside while the folder changes. Whether a file is held is
asked of its bytes, never of what an earlier run noted about it.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import BaseModel, ConfigDict

from quimbot_data.hub.remote import RemoteFile
from quimbot_data.workspace import read_model, sync_folder
from schemas.errors import IntegrityError, WorkspaceError

RECORD: Final = "fetched.json"
#: Holds the file that is being fetched, and the record of the fetch before.
STAGING: Final = ".fetching"
#: Key in the footer of a file of projected columns: which remote file and columns it was made from.
STAMP: Final = "quimbot.fetched"


class FetchedFile(BaseModel):
    """A file in the folder: its bytes here, and the Hub's hash of the file that it came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    bytes: int
    etag: str
    """SHA-256 of a large file, git's blob SHA-1 of a small one."""


class Fetched(BaseModel):
    """What `fetched.json` states: files of one commit of one repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repo: str
    revision: str
    """The commit's full hash."""
    columns: tuple[str, ...] | None
    files: tuple[FetchedFile, ...]


def fetched(folder: Path) -> Fetched | None:
    """What a finished fetch left in a folder; None where there was none, or where one is under way or broke off.

    Raises:
        IntegrityError: the folder's `fetched.json` is not valid.
    """
    return read_model(folder / RECORD, Fetched) if (folder / RECORD).exists() else None


def paths_before(to: Path, repo: str) -> set[str]:
    """Paths that an earlier fetch recorded here; a fetch that broke off had put the record aside."""
    for path in (to / RECORD, to / STAGING / RECORD):
        try:
            record = read_model(path, Fetched)
        except (FileNotFoundError, IntegrityError):
            continue
        return {file.path for file in record.files if is_inside(file.path)} if record.repo == repo else set()
    return set()


def is_inside(path: str) -> bool:
    """Whether a repository's path stays inside the folder, and out of what the fetch keeps for itself."""
    parts = path.replace("\\", "/").split("/")
    return not PurePosixPath(path).is_absolute() and {"..", STAGING}.isdisjoint(parts) and path != RECORD


def is_held(to: Path, file: RemoteFile, columns: tuple[str, ...] | None) -> bool:
    """Whether the folder has this very file, whole: by its hash, not by what an earlier run noted about it."""
    path = to / file.path
    if not path.is_file():
        return False
    if columns is None:
        return path.stat().st_size == file.size and hub_hash(path, file.etag) == file.etag
    return _stamp_of(path) == stamp(file, columns)


def hub_hash(path: Path, like: str) -> str:
    """SHA-256 of a file, or git's blob SHA-1 where `like` is one."""
    digest = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    if len(like) != 64:
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def stamp(file: RemoteFile, columns: tuple[str, ...]) -> str:
    """What the footer of a file of projected columns says of its origin."""
    return json.dumps({"etag": file.etag, "columns": columns}, sort_keys=True)


def _stamp_of(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return ""
    return str(metadata.get(STAMP.encode(), b""), "utf-8")


def make_ready(to: Path, needed: int) -> None:
    """Sweep what a killed run left, and put the record aside while the folder changes.

    Raises:
        WorkspaceError: fewer than `needed` bytes are free.
    """
    shutil.rmtree(to / STAGING / "files", ignore_errors=True)
    if needed > (free := shutil.disk_usage(to).free):
        raise WorkspaceError(
            f"{to} has {free / 1e9:.1f} GB free, the files need {needed / 1e9:.1f} GB.",
            next_step="Free some space, or choose another workspace with --workspace.",
        )
    (to / STAGING).mkdir(exist_ok=True)
    if (to / RECORD).exists():
        (to / RECORD).replace(to / STAGING / RECORD)
        sync_folder(to)


def settle(staged: Path, final: Path) -> None:
    """Rename a whole file to its final name, so that a power cut leaves it whole or absent."""
    final.parent.mkdir(parents=True, exist_ok=True)
    with staged.open("rb") as stream:
        os.fsync(stream.fileno())
    staged.replace(final)
    sync_folder(final.parent)
