"""What a push is held to before anything goes: the version, its rows, the token and the repository."""

import re
from collections.abc import Mapping
from typing import Final

from quimbot_data.hub.commit import FOLDERS, SIGN_IN_TO_WRITE, Repository
from quimbot_data.hub.remote import RemoteFile
from quimbot_data.takedowns.holders import refuse_taken
from quimbot_data.transfer import NO_TRANSFER, barred, told, total, transfer_rules
from quimbot_data.version import FATES, verify
from quimbot_data.workspace import MANIFEST, Ref, Workspace
from schemas.errors import GatedError, IntegrityError, PushError, TermsError
from schemas.manifest import VersionManifest
from schemas.recipe import Profile

_REPO: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
#: Profiles under which rows may be given to anybody.
_PUBLIC: Final[tuple[Profile, ...]] = ("redistributable", "commercial")


def check_name(repo: str) -> None:
    """Hold that a name is written as the Hub writes one."""
    if not _REPO.fullmatch(repo):
        raise PushError(f"{repo!r} names no repository.", valid="It is written OWNER/NAME, e.g. quimbot/demo.")


def check_version(workspace: Workspace, ref: Ref, manifest: VersionManifest) -> dict[str, int]:
    """Hold that the version is whole and nothing of it was taken down; returns rows that may not leave, by source."""
    with workspace.lock("version", ref.name, ref.version, shared=True):
        refuse_taken(workspace, ref)
        problems = verify(workspace, ref)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise IntegrityError(
                f"{ref} is not what its manifest states, so it is not pushed: {problems[0]}{more}.",
                next_step=f"See `quimbot verify {ref}`; `quimbot card {ref}` mends card and plots.",
            )
        rules = transfer_rules(workspace, manifest, "private", leaves=True)
        return barred(workspace.version(ref), manifest, rules).get(NO_TRANSFER, {})


def no_transfer(ref: Ref, rows: Mapping[str, int]) -> TermsError:
    """Rows that may not leave, by source."""
    return TermsError(
        f"{ref} holds rows that may not leave the workspace ({told({NO_TRANSFER: rows})}).",
        next_step='Build with profile = "redistributable" and push that; or, if whoever holds the rights has agreed, '
        'push to a private repository with --allow-transfer "WHO, why".',
    )


def check_profile(workspace: Workspace, manifest: VersionManifest, profile: Profile | None, *, private: bool) -> None:
    """Hold that no row is under a term that the profile forbids; a public repository has one of its own."""
    own = manifest.identity.recipe.profile
    chosen = profile or (own if private or own in _PUBLIC else "redistributable")
    rules = transfer_rules(workspace, manifest, chosen, leaves=False)
    rules.pop(NO_TRANSFER, None)  # looked at before, and perhaps cleared
    ref = Ref(manifest.name, manifest.version)
    found = barred(workspace.version(ref), manifest, rules)
    if found:
        raise TermsError(
            f"The profile {chosen} forbids {total(found):,} dialogues of {ref} ({told(found)}).",
            next_step=f'Build with profile = "{chosen}" and push that'
            + ("." if private else "; or push to a private repository."),
        )


def check_token() -> None:
    """Hold that there is a token to push with."""
    from huggingface_hub import get_token

    if not get_token():
        raise GatedError("There is no token to push with.", next_step=SIGN_IN_TO_WRITE)


def check_repository(
    repo: str, there: Repository | None, before: Mapping[str, RemoteFile], private: bool | None
) -> None:
    """Hold that the repository is as asked for, and that what a push would replace was pushed from a workspace."""
    if there and private is not None and private != there.private:
        raise PushError(
            f"{repo} is {'private' if there.private else 'public'}.",
            next_step=f"Change that in its settings on the Hub, or leave --{'private' if private else 'public'} out.",
        )
    strange = sorted(path for path in before if path.startswith(FOLDERS))
    if strange and not {MANIFEST, FATES} <= set(before):  # `load_dataset` would mix the two
        raise PushError(
            f"{repo} holds another data set: {strange[0]} was not pushed from a workspace.",
            next_step="Choose another repository, or empty that one first.",
        )
