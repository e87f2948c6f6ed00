"""Trouble with the Hub: what is tried again, and errors that say what to do in place of its library's own.

Nothing of a token, of request headers or of the Hub's own wording gets into a message.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas.errors import FetchError, GatedError, QuimbotError, WorkspaceError

#: Tries of one file or byte range whose connection breaks; the wait before the next doubles from one second.
ATTEMPTS: Final = 5
SIGN_IN: Final = (
    "Make a read token at https://huggingface.co/settings/tokens, "
    "set it as HF_TOKEN (or run `hf auth login`), and fetch again."
)
RUN_AGAIN: Final = "Run the same command again: finished files are kept."

Sleep = Callable[[float], None]
Tell = Callable[[str], None]
T = TypeVar("T")


def hub_library() -> Any:
    """The lower functions of `huggingface_hub`: public, but not in its type information."""
    # Read by the library at import. Plain HTTP is what resumes by byte range; who sets the variable decides otherwise.
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    from huggingface_hub import utils

    return utils


@dataclass(frozen=True)
class Patience:
    """What is tried again, and how."""

    passing: Collection[int] = ()
    """Answers that may be another when asked again; a connection that broke always may."""
    sleep: Sleep = field(default_factory=lambda: time.sleep)
    tell: Tell = lambda _: None
    """Told of each try that failed."""

    def insist(self, attempt: Callable[[], T]) -> T:
        """Try a few times and ever later."""
        from huggingface_hub.errors import HfHubHTTPError

        broken = hub_library().httpx.TransportError
        for number in range(ATTEMPTS - 1):
            try:
                return attempt()
            except (broken, json.JSONDecodeError, HfHubHTTPError) as error:
                status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
                if status is not None and status not in self.passing:
                    raise
                wait = 2.0**number
                told = f"The Hub answered {status}" if status else f"The Hub did not answer ({type(error).__name__})"
                self.tell(f"{told}; trying again in {wait:.0f} s.")
                self.sleep(wait)
        return attempt()


@contextmanager
def explained(explanation: Callable[[Exception], QuimbotError | None]) -> Iterator[None]:
    """Turn what `huggingface_hub`, its HTTP library and the disk raise into errors that say what to do.

    Args:
        explanation: of what was raised; None lets that through.

    Raises:
        FetchError: what answers is no Hub.
        QuimbotError: the explanation.
    """
    httpx = hub_library().httpx
    try:
        yield
    except QuimbotError:
        raise
    except json.JSONDecodeError as error:
        raise FetchError(
            f"{os.environ.get('HF_ENDPOINT')} does not answer as a Hub does.", next_step="Check HF_ENDPOINT."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError, ValueError) as error:
        told = explanation(error)
        if told is None:
            raise
        raise told from error


def fetching(repo: str, revision: str | None, folder: Path, *, gated: bool) -> AbstractContextManager[None]:
    """Explain what a fetch into a folder may meet.

    Raises:
        GatedError, FetchError: see `quimbot_data.hub.fetch`.
        WorkspaceError: the folder cannot be written.
    """
    httpx = hub_library().httpx

    def explanation(error: Exception) -> QuimbotError | None:
        known = isinstance(error, (httpx.HTTPError, httpx.InvalidURL, OSError))
        return _explanation(error, repo, revision, folder, gated=gated) if known else None

    return explained(explanation)


def _explanation(error: BaseException, repo: str, revision: str | None, folder: Path, *, gated: bool) -> QuimbotError:
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__:
        return _explanation(error.__cause__, repo, revision, folder, gated=gated)
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if isinstance(error, errors.GatedRepoError) or (gated and isinstance(error, errors.RepositoryNotFoundError)):
        return _gated(repo)
    if isinstance(error, errors.RepositoryNotFoundError):
        return FetchError(
            f"The Hub shows no dataset {repo}: it does not exist, or it is private.",
            next_step=f"If it is private: {SIGN_IN}",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FetchError(
            f"{repo} has no revision {revision!r}.",
            valid="A revision is a branch, a tag or a full commit hash;",
            next_step=f"see https://huggingface.co/datasets/{repo}/commits/main, or leave --revision out.",
        )
    if status in (401, 403):
        return GatedError(f"The Hub refused the token for {repo} ({status}).", next_step=SIGN_IN)
    if status is not None:
        return FetchError(f"The Hub answered {status} for {repo}.", next_step=RUN_AGAIN)
    # The library's own complaints are OSErrors without a number; those of the disk have one.
    if isinstance(error, OSError) and error.errno is not None:
        return WorkspaceError(f"{folder} cannot be written: {error.strerror}.", next_step=f"Mend that. {RUN_AGAIN}")
    return unreachable(error, repo)


def _gated(repo: str) -> GatedError:
    return GatedError(
        f"{repo} is gated: the Hub gives its files only to accounts that accepted its terms.",
        valid=f"Accept them at https://huggingface.co/datasets/{repo} (some are granted by hand, which takes time).",
        next_step=SIGN_IN,
    )


def unreachable(error: BaseException, repo: str) -> FetchError:
    """The Hub did not answer at all."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return FetchError(f"HF_HUB_OFFLINE is set, so {repo} cannot be reached.", next_step="Unset it and run again.")
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return FetchError(
        f"The connection to the Hub at {endpoint} failed for {repo} ({type(error).__name__}).",
        next_step=f"Check the network and HF_ENDPOINT. {RUN_AGAIN}",
    )
