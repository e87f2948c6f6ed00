"""A version's documents: `README.md` in the Hub's dataset-card format, its plots, `croissant.json`, and `CHANGES.md`.

All but the last follow from the version's own files alone, that one from those and the version below it, so they can be
written again at any time, byte for byte. Every number on the card says in a block at its end which query gives it;
`verify_card` runs them again.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from quimbot_data.card import croissant, plots
from quimbot_data.card.figures import card_facts
from quimbot_data.card.render import render
from quimbot_data.pedagogy.version_measures import version_measures
from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import (
    AUDIT,
    MEASURES,
    Ref,
    Workspace,
    atomic,
    file_digest,
    model_bytes,
    read_model,
    write_model,
)
from schemas.errors import MissingError
from schemas.manifest import AuditReport, Documents, VersionManifest

CARD: Final = "README.md"
PLOTS: Final = "plots"
CROISSANT: Final = "croissant.json"
CHANGES: Final = "CHANGES.md"


def write_documents(folder: Path, manifest: VersionManifest) -> None:
    """Write card, plots and description for machines beside the data.

    Args:
        folder: holds the data files that the manifest lists; may be a staging folder.
        manifest: the version's.

    Raises:
        IntegrityError: the data cannot be read, or is not what the manifest states.
        WorkspaceError: the folder cannot be written.
    """
    _write(folder, documents(folder, manifest))


def documents(folder: Path, manifest: VersionManifest) -> dict[str, bytes]:
    """Card, plots and description for machines as bytes by their path in the version's folder.

    Raises:
        IntegrityError: the data cannot be read, or is not what the manifest states.
    """
    measured = version_measures(folder, manifest)
    facts = card_facts(folder, manifest, measured)
    drawn = {f"{PLOTS}/{name}.png": png for name, png in plots.plots(facts).items()}
    stated = {MEASURES: model_bytes(measured)} if measured else {}
    return {CARD: render(facts).text.encode(), CROISSANT: croissant.document(manifest, facts), **drawn, **stated}


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        with atomic(folder / path) as stream:
            stream.write(content)


def refresh_documents(workspace: Workspace, ref: Ref, audit: AuditReport | None = None) -> None:
    """Write a published version's documents again, and `documents.json` over them; data and manifest stay untouched.

    With an audit, that becomes one of the documents. `CHANGES.md` is written again where the version below is there.

    All are made before the first is replaced. Other documents keep their entries; a file that `documents.json` did
    not list stays unlisted. Killed in between, it leaves documents that `verify` reports, and running it again mends.

    Raises:
        MissingError: no such version.
        LockedError: another process writes it.
        IntegrityError: its data is not what its manifest states.
    """
    manifest, folder = workspace.version_manifest(ref), workspace.version(ref)
    with workspace.lock("version", ref.name, ref.version):
        if audit is not None:
            write_model(folder / AUDIT, audit)
        made = documents(folder, manifest) | _changes(workspace, ref)
        if audit is not None:
            made[AUDIT] = (folder / AUDIT).read_bytes()
        listed = read_model(folder / DOCUMENTS, Documents).files if (folder / DOCUMENTS).exists() else {}
        outdated = [path for path in listed if path.startswith(f"{PLOTS}/") and path not in made]
        _write(folder, made)
        for path in outdated:
            (folder / path).unlink(missing_ok=True)
        digests = {path: file_digest(folder / path) for path in made}
        kept = {path: digest for path, digest in listed.items() if path not in outdated}
        write_model(folder / DOCUMENTS, Documents(files=dict(sorted({**kept, **digests}.items()))))


def _changes(workspace: Workspace, ref: Ref) -> dict[str, bytes]:
    """`CHANGES.md`, unless it stands already and the version that it compares with is gone."""
    from quimbot_data.diff.changes import document  # written with this package's Markdown, so it stands above

    below = workspace.highest(ref.name, below=ref)
    if below is None and (workspace.version(ref) / CHANGES).exists():
        return {}
    return {CHANGES: document(workspace, ref, below).encode()}


def copy_card(workspace: Workspace, ref: Ref, to: Path) -> Path:
    """Copy a card to `<to>/<name>-<version>.md`, and what it links to the folder `<name>-<version>` beside it.

    Returns:
        The card's path.

    Raises:
        MissingError: no such version, or its card is not there.
        WorkspaceError: `to` cannot be written.
    """
    workspace.version_manifest(ref)
    folder, name = workspace.version(ref), f"{ref.name}-{ref.version}"
    if not (folder / CARD).exists():
        raise MissingError(f"{folder} holds no {CARD}.", next_step=f"Run `quimbot card {ref}`.")
    text = (folder / CARD).read_text("utf-8")
    copies = {f"{name}/{plot.name}": plot.read_bytes() for plot in sorted((folder / PLOTS).glob("*.png"))}
    linked = re.sub(rf"^(!\[.*\]\(){PLOTS}/", rf"\g<1>{name}/", text, flags=re.MULTILINE)
    if (folder / CHANGES).exists():
        copies[f"{name}/{CHANGES}"] = (folder / CHANGES).read_bytes()
        linked = linked.replace(f"({CHANGES})", f"({name}/{CHANGES})")
    _write(to, {**copies, f"{name}.md": linked.encode()})
    return to / f"{name}.md"
