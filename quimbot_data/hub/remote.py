"""One commit of a dataset repository on the Hugging Face Hub: its list of files, whole files, byte ranges.

`huggingface_hub` is imported inside the functions: `quimbot --help` must not pay for it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quimbot_data.hub.trouble import Patience, hub_library
from schemas.errors import FetchError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Seconds without an answer after which a request counts as broken.
TIMEOUT: Final = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """One file as the Hub lists it."""

    path: str
    size: int
    etag: str
    """The Hub's hash: SHA-256 of a large file, git's blob SHA-1 of a small one."""


@dataclass(frozen=True)
class RemoteCommit:
    """One commit of a dataset repository."""

    api: "HfApi"
    repo: str
    sha: str

    def files(self) -> Iterator[RemoteFile]:
        """All files of the commit."""
        from huggingface_hub.hf_api import RepoFile

        for item in self.api.list_repo_tree(self.repo, recursive=True, revision=self.sha, repo_type="dataset"):
            if isinstance(item, RepoFile):
                yield RemoteFile(item.path, item.size, item.lfs.sha256 if item.lfs else item.blob_id)

    def download(self, path: str, into: Path, tell: Callable[[int], None]) -> Path:
        """A whole file below `into`, as yet unchecked; `tell` gets the bytes of each chunk.

        While this process lives, a cut connection resumes by byte range.
        """
        ask: dict[str, Any] = {
            "repo_type": "dataset",
            "revision": self.sha,
            "local_dir": into,
            "tqdm_class": _bar(tell),
        }
        return Path(Patience().insist(lambda: self.api.hf_hub_download(self.repo, path, **ask)))

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Bytes `start` up to, not including, `end` of a file.

        Raises:
            FetchError: the server would send more than was asked for.
        """
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self.repo, path, repo_type="dataset", revision=self.sha, endpoint=self.api.endpoint)
        headers = {
            **hub_library().build_hf_headers(),
            "Range": f"bytes={start}-{end - 1}",
            "Accept-Encoding": "identity",
        }
        return Patience().insist(lambda: _get_range(url, headers, end - start))


def resolve(repo: str, revision: str | None) -> RemoteCommit:
    """The commit that a branch, tag or hash means now; the default branch's if `revision` is None.

    The Hub's address is `HF_ENDPOINT`, read at this call. This question comes before any other: some calls of the
    library fall back on old local files with only a warning when a repository is refused.
    """
    api = hub_api()
    info = api.repo_info(repo, repo_type="dataset", revision=revision, timeout=TIMEOUT)
    if not info.sha:
        raise FetchError(f"{api.endpoint} names no commit for {repo}.", next_step="Check HF_ENDPOINT.")
    return RemoteCommit(api, repo, info.sha)


def hub_api() -> "HfApi":
    """The Hub at `HF_ENDPOINT`, read at this call."""
    from huggingface_hub import HfApi

    # Passed on by hand, since the library reads HF_ENDPOINT only at import.
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT", "").rstrip("/") or None)


def _get_range(url: str, headers: dict[str, str], length: int) -> bytes:
    library = hub_library()
    ask = {"headers": headers, "timeout": TIMEOUT, "retry_on_exceptions": ()}
    with library.http_stream_backoff("GET", url, **ask) as response:
        library.hf_raise_for_status(response)
        # Looked at before the body: a server that ignores ranges would send the whole file, recordings and all.
        if response.status_code != 206 or response.headers.get("Content-Length") != str(length):
            raise FetchError(
                f"The server does not honour byte ranges: asked for {length} bytes, it answered "
                f"{response.status_code} with {response.headers.get('Content-Length')}.",
                next_step="Check HF_ENDPOINT and any proxy in between.",
            )
        data: bytes = response.read()
        return data


def _bar(tell: Callable[[int], None]) -> Callable[..., Any]:
    """What the library takes for a progress bar: it draws nothing and passes the bytes on."""

    class Bar:
        def __init__(self, **_: object) -> None: ...

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, received: int) -> None:
            tell(received)

    return Bar
