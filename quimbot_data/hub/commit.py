"""One commit to a dataset repository on the Hub: what differs from it is sent, what it has already is not.

Large files go first and wait on the Hub for the commit that names them; a push that broke off is told which of them are
there. The commit names its parent, so that what somebody else changed meanwhile is never overwritten.
`huggingface_hub` tries again where a file's upload fails, but not where the commit does: that is done here. A commit
whose answer was lost is found by looking again.
"""

import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from quimbot_data.hub.raw_folder import hub_hash
from quimbot_data.hub.remote import TIMEOUT, RemoteCommit, RemoteFile, hub_api, resolve
from quimbot_data.hub.trouble import RUN_AGAIN, Patience, Tell, explained, hub_library, unreachable
from schemas.errors import GatedError, PushError, QuimbotError, WorkspaceError

#: Folders, and documents beside them, that belong to a version as a whole: what is left of an earlier one goes.
FOLDERS: Final = ("data/", "plots/")
DOCUMENTS: Final = ("CHANGES.md", "audit.json", "croissant.json", "measures.json")
#: Answers that may be another when asked again: busy, overtaken (a conflict is looked at anew), or out of order.
PASSING: Final = (408, 409, 412, 429, 500, 502, 503, 504)
SIGN_IN_TO_WRITE: Final = (
    "Make a token that may write at https://huggingface.co/settings/tokens, "
    "set it as HF_TOKEN (or run `hf auth login`), and push again."
)


@dataclass(frozen=True)
class Repository:
    """A dataset repository as it was found."""

    private: bool
    head: RemoteCommit


@dataclass(frozen=True)
class Difference:
    """What a commit has to change."""

    send: dict[str, Path]
    """Path in the repository to local file."""
    remove: tuple[str, ...]


def look(repo: str) -> Repository | None:
    """The repository as it is now; None where the Hub shows none to this token."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    api = hub_api()
    try:
        info = api.repo_info(repo, repo_type="dataset", timeout=TIMEOUT)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        return None
    return Repository(info.private is True, RemoteCommit(api, repo, str(info.sha)))


def create(repo: str, *, private: bool) -> None:
    """Make an empty dataset repository."""
    hub_api().create_repo(repo, private=private, repo_type="dataset")


def difference(there: Mapping[str, RemoteFile], files: Mapping[str, Path]) -> Difference:
    """What a repository that holds some files lacks of others, by the Hub's own hashes."""
    send = {path: local for path, local in files.items() if not _same(local, there.get(path))}
    left = [path for path in there if path not in files and (path.startswith(FOLDERS) or path in DOCUMENTS)]
    return Difference(send, tuple(sorted(left)))


def listing(head: RemoteCommit) -> dict[str, RemoteFile]:
    """A commit's files by path."""
    return {file.path: file for file in head.files()}


def _same(local: Path, file: RemoteFile | None) -> bool:
    return file is not None and local.stat().st_size == file.size and hub_hash(local, file.etag) == file.etag


def commit(start: RemoteCommit, files: Mapping[str, Path], message: str, patience: Patience) -> str:
    """Make the repository hold these files, and nothing of an earlier version; returns the commit's hash.

    Args:
        start: what the repository was when the push began.
        files: path in the repository to local file.
        message: the commit's.
        patience: how requests are tried again; told, besides, what the Hub thinks of the card.

    Raises:
        PushError: somebody else changed the repository meanwhile, or a file did not arrive.
    """

    def attempt() -> str:
        head = resolve(start.repo, None)
        left = difference(listing(head), files)
        if not (left.send or left.remove):
            return head.sha
        if head.sha != start.sha:
            raise PushError(
                f"{start.repo} was changed by somebody else while this push ran (commit {head.sha[:12]}).",
                next_step="Look at what is there, then push again.",
            )
        return _send(head, left, message, patience.tell)

    sha = patience.insist(attempt)
    made = patience.insist(lambda: listing(RemoteCommit(start.api, start.repo, sha)))
    sizes = {path: file.size for path, file in made.items()}
    absent = sorted(path for path, local in files.items() if sizes.get(path) != local.stat().st_size)
    if absent:
        raise PushError(
            f"{start.repo} does not hold {absent[0]} after the commit.",
            next_step="A .gitignore in the repository may keep it out: take that line away, then push again.",
        )
    return sha


def _send(head: RemoteCommit, left: Difference, message: str, tell: Tell) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationDelete(path, is_folder=False) for path in left.remove),
        *(CommitOperationAdd(path, str(local)) for path, local in left.send.items()),
    ]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        made = head.api.create_commit(
            head.repo, operations, commit_message=message, repo_type="dataset", parent_commit=head.sha
        )
    for each in warned:
        if each.category is UserWarning:  # what the Hub thinks of the card's header
            tell(" ".join(str(each.message).split()))
    return str(made.oid)


def quiet_library(*, bars: bool) -> None:
    """Keep the library's warnings, which name signed addresses, off the terminal; and its bars, unless wanted."""
    library = hub_library()
    library.logging.set_verbosity_error()
    if not bars:
        library.disable_progress_bars()


@contextmanager
def pushing(repo: str) -> Iterator[None]:
    """Explain what a push may meet.

    Raises:
        GatedError: the token is refused, or may not write there.
        PushError: the Hub cannot be reached, or does not take what was sent.
        FetchError: what answers is no Hub.
    """
    # polars' handler lets a read that Ctrl-C interrupts begin again, so it would wait for the Hub's answer first.
    signal.siginterrupt(signal.SIGINT, True)
    with explained(partial(_refusal, repo=repo)):
        yield


def _refusal(error: BaseException, repo: str) -> QuimbotError | None:
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, RuntimeError):  # the library's wrapping of a file that did not go
        within = error.__cause__
        return _refusal(within, repo) if isinstance(within, (hub_library().httpx.HTTPError, OSError)) else None
    if isinstance(error, HfHubHTTPError):
        return _answered(error.response.status_code, repo)
    if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the library's own
        return WorkspaceError(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.")
    if isinstance(error, ValueError):  # a card header, say, that the Hub does not understand
        return PushError(f"The Hub does not take this for {repo}: {' '.join(str(error).split())}")
    told = unreachable(error, repo)
    return PushError(told.found, next_step=told.next_step)


def _answered(status: int, repo: str) -> QuimbotError:
    if status == 401:
        return GatedError(f"The Hub refused the token: {repo} (401).", next_step=SIGN_IN_TO_WRITE)
    if status == 403:
        return GatedError(f"The Hub does not let this token write there: {repo} (403).", next_step=SIGN_IN_TO_WRITE)
    if status == 404:
        return PushError(f"The Hub knows no {repo} (404).", next_step="Look at the name: it is written OWNER/NAME.")
    if status in (409, 412):
        return PushError(f"{repo} is being changed by somebody else ({status}).", next_step="Push again later.")
    return PushError(f"The Hub answered {status} for {repo}.", next_step=RUN_AGAIN)
