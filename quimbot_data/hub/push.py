"""A version from the workspace to a dataset repository on the Hugging Face Hub.

Everything that can be refused is refused before the first byte goes: a version that is not what its manifest states,
rows that may not leave, rows that the profile forbids, a repository of the wrong visibility or of other content.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from quimbot_data.hub.allowed import (
    check_name,
    check_profile,
    check_repository,
    check_token,
    check_version,
    no_transfer,
)
from quimbot_data.hub.commit import PASSING, Repository, commit, create, difference, listing, look, pushing
from quimbot_data.hub.remote import RemoteFile
from quimbot_data.hub.trouble import Patience, Sleep, Tell
from quimbot_data.transfer import check_clearance
from quimbot_data.version import DOCUMENTS
from quimbot_data.workspace import MANIFEST, Ref, Workspace, read_model, write_model
from schemas.errors import PushError
from schemas.manifest import Documents, VersionManifest
from schemas.recipe import Profile


class Pushed(BaseModel):
    """What one push did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repo: str
    url: str
    private: bool
    created: bool
    commit: str
    """The repository's commit that holds the version."""
    sent: tuple[str, ...]
    removed: tuple[str, ...]
    """Files of an earlier version that this one does not have."""
    unchanged: int
    bytes_sent: int
    """Of the files sent; what of them a push that broke off had brought was not sent again."""


def push(
    workspace: Workspace,
    ref: Ref,
    repo: str,
    *,
    private: bool | None = None,
    profile: Profile | None = None,
    message: str | None = None,
    cleared: str | None = None,
    sleep: Sleep = time.sleep,
    tell: Tell = lambda _: None,
) -> Pushed:
    """Bring a version to the Hub: data, card, plots, other documents, manifest and fates, in one commit.

    The Hub's address is `HF_ENDPOINT`, the token `HF_TOKEN` or the one of `hf auth login`.

    Args:
        workspace: holds the version.
        ref: which version.
        repo: dataset repository, `OWNER/NAME`; made if it is missing.
        private: what a new repository becomes (private if None); an old one that is otherwise is refused.
        profile: whose forbidden terms no row may be under; the recipe's own if None, and where that lets in what not
            everybody may have, `redistributable` for a public repository.
        message: the commit's; the version and its id if None.
        cleared: `WHO, why`: rows under `no-transfer` may go to a private repository. The manifest's record keeps it.
        sleep: waits between tries.
        tell: told what happens, a line each.

    Raises:
        MissingError: no such version.
        IntegrityError: it is not what its manifest states.
        TermsError: rows that may not go there.
        GatedError: no token, or one that may not write there.
        PushError: the repository is not as asked for, was changed meanwhile, or cannot be reached.
    """
    manifest = workspace.version_manifest(ref)
    check_name(repo)
    check_clearance(cleared)
    held_back = check_version(workspace, ref, manifest)
    if held_back and not cleared:
        raise no_transfer(ref, held_back)
    with pushing(repo):
        check_token()
        target = _target(repo, private, Patience(PASSING, sleep, tell))
        if held_back and not target.private:
            raise no_transfer(ref, held_back)
        check_profile(workspace, manifest, profile, private=target.private)
        if held_back and cleared:
            _record_clearance(workspace, ref, repo, cleared, held_back)
        _renew_card(workspace, ref, manifest)
        with workspace.lock("version", ref.name, ref.version, shared=True):
            files = version_files(workspace.version(ref), manifest)
            return _sent(target, files, message or f"{ref}, id {manifest.id[:16]}")


@dataclass(frozen=True)
class _Target:
    """The repository that a push goes to."""

    repo: str
    there: Repository | None
    holds: Mapping[str, RemoteFile]
    private: bool
    """What it is, or will be."""
    patience: Patience


def _target(repo: str, private: bool | None, patience: Patience) -> _Target:
    there = patience.insist(lambda: look(repo))
    holds = patience.insist(lambda: listing(there.head) if there else {})
    check_repository(repo, there, holds, private)
    return _Target(repo, there, holds, there.private if there else private is not False, patience)


def _sent(target: _Target, files: Mapping[str, Path], message: str) -> Pushed:
    change = difference(target.holds, files)
    sending = sum(path.stat().st_size for path in change.send.values())
    if change.send:
        target.patience.tell(f"Sending {len(change.send)} files, {sending:,} bytes, to {target.repo}.")
    found = target.there or _created(target)
    return Pushed(
        repo=target.repo,
        url=f"{found.head.api.endpoint}/datasets/{target.repo}",
        private=found.private,
        created=target.there is None,
        commit=commit(found.head, files, message, target.patience),
        sent=tuple(change.send),
        removed=change.remove,
        unchanged=len(files) - len(change.send),
        bytes_sent=sending,
    )


def version_files(folder: Path, manifest: VersionManifest) -> dict[str, Path]:
    """All that a version consists of: path in its folder to file. What nothing lists does not go."""
    documents = read_model(folder / DOCUMENTS, Documents).files
    data = [entry.path for entry in (*manifest.data, manifest.fates)]
    return {path: folder / path for path in sorted({*data, *documents, MANIFEST, DOCUMENTS})}


def _created(target: _Target) -> Repository:
    repo = target.repo

    def attempt() -> Repository:
        if (there := look(repo)) is None:
            create(repo, private=target.private)
            there = look(repo)
        if there is None or there.private != target.private:
            raise PushError(f"{repo} is not the repository that was made for this push.", next_step="Push again.")
        return there

    return target.patience.insist(attempt)


def _record_clearance(workspace: Workspace, ref: Ref, repo: str, cleared: str, rows: Mapping[str, int]) -> None:
    """Keep who let rows out, why and where to, in the manifest's record: once, however often it is pushed."""
    with workspace.lock("version", ref.name, ref.version):
        manifest = workspace.version_manifest(ref)
        transfers: list[dict[str, Any]] = manifest.record.get("transfers", [])
        if any((entry["to"], entry["cleared"]) == (repo, cleared) for entry in transfers):
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"to": repo, "cleared": cleared, "at": at, "dialogues": dict(sorted(rows.items()))}
        record = manifest.record | {"transfers": [*transfers, entry]}
        write_model(workspace.version(ref) / MANIFEST, manifest.model_copy(update={"record": record}))


def _renew_card(workspace: Workspace, ref: Ref, manifest: VersionManifest) -> None:
    """Write the documents again where the card's header is not what this package would write: it goes whole.

    The Hub's own merging of headers would keep the splits and sizes of another version.
    """
    from quimbot_data.card import CARD, header, refresh_documents
    from quimbot_data.card.figures import card_facts

    folder = workspace.version(ref)
    _, _, text = (folder / CARD).read_text("utf-8").partition("---\n")
    if text.partition("\n---\n")[0].strip() != header.header(card_facts(folder, manifest))[0].strip():
        refresh_documents(workspace, ref)
