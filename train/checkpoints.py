"""Checkpoints: whole or not there. The trainer writes a folder file by file, so the last thing written is a seal."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from quimbot_data.workspace import atomic, file_digest, writing
from schemas.errors import WorkspaceError

#: Written into a checkpoint last: file name to sha256. What has none was cut short.
SEAL: Final = "complete.json"
_NAME: Final = "checkpoint-"


def checkpoint_at(folder: Path, step: int) -> Path:
    """The folder of the checkpoint after a step, as transformers names it."""
    return folder / f"{_NAME}{step}"


@contextmanager
def whole_or_gone(folder: Path) -> Iterator[None]:
    """What could not be written to its end goes, with one clear error."""
    try:
        with writing(folder):
            yield
    except WorkspaceError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except Exception as error:
        # torch and safetensors tell a full disk by errors of their own.
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError":
            hint = "Free some space, then run the command again: it goes on from the checkpoint before."
            raise WorkspaceError(f"{folder} cannot be written: {error}", next_step=hint) from error
        raise


def seal(folder: Path) -> None:
    """Mark a checkpoint as whole."""
    files = {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.name != SEAL}
    with atomic(folder / SEAL) as stream:
        stream.write(json.dumps(files, indent=1).encode())


def checkpoints(folder: Path) -> list[Path]:
    """Sealed checkpoints, by step."""
    found = (path.parent for path in folder.glob(f"{_NAME}*/{SEAL}"))
    return sorted(found, key=step_of)


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.removeprefix(_NAME))


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint whose bytes are those that were sealed; None where there is none."""
    return next((found for found in reversed(checkpoints(folder)) if _is_whole(found)), None)


def _is_whole(checkpoint: Path) -> bool:
    stated: dict[str, str] = json.loads((checkpoint / SEAL).read_bytes())
    return all((checkpoint / name).exists() and file_digest(checkpoint / name) == sha for name, sha in stated.items())


def rotate(folder: Path, keep: int) -> None:
    """Remove all but the latest sealed checkpoints."""
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)


def clear_after(folder: Path, last: Path | None) -> None:
    """Remove what a killed run left behind its last whole checkpoint."""
    for path in folder.glob(f"{_NAME}*") if folder.exists() else []:
        if last is None or step_of(path) > step_of(last):
            shutil.rmtree(path)
