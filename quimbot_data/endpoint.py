"""Where requests go, and the key that they carry: from the environment or a file, never printed, logged or stored."""

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from schemas.errors import EndpointError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

#: Where the `openai` client goes when nobody says otherwise.
DEFAULT_URL: Final = "https://api.openai.com/v1"
URL_VARIABLE: Final = "OPENAI_BASE_URL"
KEY_VARIABLE: Final = "OPENAI_API_KEY"
#: What a server on this machine gets that asks for no key.
_NO_KEY: Final = SecretStr("none")


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint."""

    url: str
    key: SecretStr = field(default=_NO_KEY, repr=False)

    @property
    def loopback(self) -> bool:
        """Whether what is sent stays on this machine: a loopback address, or `localhost` where that is one."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    @property
    def shown(self) -> str:
        """The address without user, password and query."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))

    def redact(self, text: str) -> str:
        """Text without the key, which endpoints repeat in their errors."""
        secret = self.key.get_secret_value()
        return text.replace(secret, "[key]") if self.key is not _NO_KEY else text

    def client(self, timeout: float) -> "AsyncOpenAI":
        """The `openai` client for it; it neither retries nor follows redirects: both are decided elsewhere.

        Args:
            timeout: seconds of silence after which a request counts as broken.
        """
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        # No proxy for a server on this machine, whatever the environment says: text that must stay would go through it.
        # And no redirect: it may lead to another machine, and would take text and key there.
        transport = DefaultAsyncHttpxClient(timeout=timeout, follow_redirects=False, trust_env=not self.loopback)
        return AsyncOpenAI(
            api_key=self.key.get_secret_value(),
            base_url=self.url,
            max_retries=0,
            timeout=timeout,
            http_client=transport,
        )


def choose_endpoint(
    url: str | None, key_file: Path | None, environment: Mapping[str, str] = os.environ, *, needs_key: bool = True
) -> Endpoint:
    """The endpoint that an option or the environment names, with its key.

    Args:
        url: goes before `OPENAI_BASE_URL`, which goes before OpenAI's own address.
        key_file: a file that holds the key alone; goes before `OPENAI_API_KEY`.
        environment: for tests.
        needs_key: whether anything is going to be sent.

    Raises:
        EndpointError: no valid address, a key file that holds none, or no key for OpenAI.
    """
    chosen = (url or environment.get(URL_VARIABLE) or DEFAULT_URL).strip()
    endpoint = Endpoint(chosen)
    _check_url(endpoint)
    key = _key(key_file, environment)
    if key is None and chosen == DEFAULT_URL and needs_key:
        raise EndpointError(
            f"There is no key for {endpoint.shown}.",
            next_step=f"Set {KEY_VARIABLE}, or give --key-file with a file that holds the key alone; for a server on "
            f"this machine set {URL_VARIABLE} or --base-url to its address.",
        )
    return Endpoint(chosen, key or _NO_KEY)


def _check_url(endpoint: Endpoint) -> None:
    try:
        parts = urlsplit(endpoint.url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise EndpointError("The endpoint's address is no URL.", valid="It is written http://127.0.0.1:8080/v1, say.")


def _key(key_file: Path | None, environment: Mapping[str, str]) -> SecretStr | None:
    if key_file is None:
        found = environment.get(KEY_VARIABLE, "").strip()
        return SecretStr(found) if found else None
    try:
        text = key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EndpointError(f"{key_file} cannot be read as a key file: {type(error).__name__}.") from None
    if not text or len(text.split()) != 1 or not text.isascii():
        raise EndpointError(f"{key_file} does not hold a key.", valid="One line: the key and nothing else.")
    return SecretStr(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" and _all_loopback(host)


def _all_loopback(host: str) -> bool:
    """Whether every address of a name is one of this machine: a hosts file may say anything."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)
