"""Versions that held taken rows, and documents that quote them: what goes, and the tombstone that stays."""

import shutil
from pathlib import Path

from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import TOMBSTONE, Ref, Workspace, read_model, sync_folder, write_model, writing
from schemas.manifest import Documents
from schemas.takedown import Tombstone


def withdraw(workspace: Workspace, stone: Tombstone) -> None:
    """Leave nothing of a version but its tombstone, which is written first: from then on the version is withdrawn.

    Raises:
        LockedError: another process works on the version.
    """
    ref = Ref(stone.name, stone.version)
    folder = workspace.version(ref)
    with workspace.lock("version", ref.name, ref.version):
        if not (folder / TOMBSTONE).exists():
            write_model(folder / TOMBSTONE, stone)
        for path in folder.iterdir():
            if path.name != TOMBSTONE:
                remove(path)


def withdraw_document(workspace: Workspace, document: str) -> None:
    """Remove a document from a version that stays, and from its list of documents; `quimbot card` may write it again.

    Args:
        workspace: holds the version.
        document: its path below the workspace.

    Raises:
        LockedError: another process works on the version.
    """
    _, name, version, *below = Path(document).parts
    folder = workspace.version(Ref(name, version))
    with workspace.lock("version", name, version):
        listed = read_model(folder / DOCUMENTS, Documents).files
        kept = {path: digest for path, digest in listed.items() if path != "/".join(below)}
        write_model(folder / DOCUMENTS, Documents(files=kept))
        remove(workspace.root / document)


def remove(path: Path) -> None:
    """Remove a file or folder, for good."""
    with writing(path.parent):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if path.parent.exists():
            sync_folder(path.parent)
