"""Where an export lies: a folder that appears whole, is left where it holds the same, and is replaced only if asked."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from quimbot_data.export.report import Exported
from quimbot_data.workspace import Ref, Workspace, file_digest, sync_folder, writing
from schemas.errors import ExistsError, WorkspaceError

#: Written last, so that a folder without it is no export.
RECORD: Final = "export.json"
EXPORTS: Final = "exports"


def destination(workspace: Workspace, ref: Ref, form: str, output: Path | None) -> Path:
    """The folder that an export of this format fills, its links followed.

    Args:
        workspace: its `exports/` is the default place, and the only one within it.
        ref: the version.
        form: the format.
        output: the folder that the user named, or None.

    Raises:
        WorkspaceError: no folder can be made there, or it lies among what the workspace keeps.
    """
    chosen = output or workspace.root / EXPORTS / f"{ref.name}-{ref.version}-{form}"
    if not _is_text(chosen):
        raise WorkspaceError(f"{str(chosen)!r} names no folder.", valid="A path is text, in UTF-8.")
    with writing(chosen):
        final, root = (Path(os.path.realpath(path)) for path in (chosen, workspace.root))
        if final.exists() and not final.is_dir():
            raise WorkspaceError(f"{final} is a file.", next_step="Name a folder with --output.")
    if output and final.is_relative_to(root) and root / EXPORTS not in final.parents:
        raise WorkspaceError(
            f"{final} lies in the workspace, among what it keeps.",
            next_step=f"Name a folder below {root / EXPORTS}, or one outside of the workspace.",
        )
    return final


def _is_text(path: Path) -> bool:
    try:
        return b"\0" not in str(path).encode()
    except UnicodeEncodeError:
        return False


def leaves(workspace: Workspace, final: Path) -> bool:
    """Whether what lies in a folder (its links followed) has left the workspace."""
    return not final.is_relative_to(os.path.realpath(workspace.root))


def refuse_strangers(final: Path) -> None:
    """Hold that a folder is new, empty, or an earlier export and nothing else: it may be replaced without loss.

    Raises:
        ExistsError: it holds a file that no export wrote.
    """
    with writing(final):
        held = {path.name for path in final.iterdir()} if final.exists() else set()
    strangers = sorted(held - _listed(final))
    if strangers:
        raise ExistsError(
            f"{final} holds {strangers[0]}{' and more' if len(strangers) > 1 else ''}, which no export wrote.",
            next_step="Name a new folder with --output.",
        )


def _listed(final: Path) -> set[str]:
    """The files that an export's own record names; none where there is no such record."""
    try:
        record = Exported.model_validate_json((final / RECORD).read_bytes())
    except (OSError, ValidationError):
        return set()
    return {RECORD, *(entry.path for entry in record.files)}


@contextmanager
def staged(final: Path) -> Iterator[Path]:
    """An empty folder beside the final one, gone at the end; remains of a killed run are cleared first."""
    place = final.with_name(f".writing-{final.name}")
    with writing(final.parent):
        shutil.rmtree(place, ignore_errors=True)
        (place / "new").mkdir(parents=True)
        try:
            yield place / "new"
        finally:
            shutil.rmtree(place, ignore_errors=True)


def may_settle(made: Path, final: Path, *, replace: bool) -> bool:
    """Whether a finished folder has yet to get its name: not where the same lies there already.

    Args:
        made: what `staged` gave.
        final: where it belongs; a folder that `refuse_strangers` has passed.
        replace: whether another export may give way to it.

    Raises:
        ExistsError: another export lies there, and may not.
    """
    if not _is_filled(final):
        return True
    if _digests(final) == _digests(made):
        return False
    if not replace:
        raise ExistsError(
            f"{final} holds another export.", next_step="Add --replace, or name another folder with --output."
        )
    return True


def settle(made: Path, final: Path) -> None:
    """Give a finished folder its name, in the place of what lies there: `may_settle` has said that it may."""
    if _is_filled(final):
        final.rename(made.parent / "replaced")  # gone with the staging folder
    sync_folder(made)
    made.rename(final)
    sync_folder(final.parent)


def _is_filled(final: Path) -> bool:
    return final.exists() and any(final.iterdir())


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: file_digest(path) for path in folder.iterdir()}
