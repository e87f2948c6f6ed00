"""One try of one request, and what its end means: a reply, another try, a request that failed, or a run that must stop.

All that knows the errors of the `openai` client is here. Their texts repeat what the endpoint said, which may hold the
key: they are redacted, and no error is raised from one of theirs.
"""

import asyncio
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from quimbot_data.endpoint import KEY_VARIABLE, Endpoint
from schemas.errors import EndpointError
from synth.llm.replies import Failed, Reply, UnreadableReply, read_reply
from synth.llm.request import Request

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, AsyncOpenAI
    from openai._types import RequestOptions

#: Statuses that another try may mend: timeouts, conflicts, too many requests, and whatever is the server's own fault.
_AGAIN: Final = frozenset({408, 409, 425, 429})
#: Of those, the ones behind which the work may have been done, and billed: a gateway gave up waiting.
_MAYBE_PAID: Final = frozenset({408, 502, 504, 524})
#: Statuses of one request that the endpoint does not take; all others below 500 are about the run.
_THIS_REQUEST: Final = frozenset({400, 413, 415, 422})


@dataclass(frozen=True)
class Again:
    """A try that brought nothing, and may be repeated."""

    why: str
    doubtful: bool
    """It may have been paid for."""
    wait: float | None = None
    """Seconds that the endpoint asks to wait."""
    crowded: bool = False
    """The endpoint gets too many requests: all should wait, not this one alone."""
    unreachable: bool = False
    """No connection came about, or it broke: the endpoint may be gone."""


Outcome = Reply | Again | Failed


async def attempt(client: "AsyncOpenAI", endpoint: Endpoint, request: Request, timeout: float) -> Outcome:
    """Send a request once.

    Args:
        client: see `Endpoint.client`.
        endpoint: whose key is kept out of messages.
        request: goes out under its key as `Idempotency-Key`.
        timeout: seconds for the whole of it, silence or not.

    Raises:
        EndpointError: the endpoint will take no request of this run: key, model, address or account are at fault.
    """
    import httpx2
    import openai

    headers: RequestOptions = {"headers": {"Idempotency-Key": request.key}}
    try:
        async with asyncio.timeout(timeout):
            # The payload as it was hashed: the typed method would know no parameters of other servers.
            response = await client.post(
                "/chat/completions", body=dict(request.payload), cast_to=httpx2.Response, options=headers
            )
        body = endpoint.redact(response.text)
        return read_reply(body, at_most=(request.most_prompt_tokens, request.most_completion_tokens))
    except (TimeoutError, openai.APITimeoutError):
        return Again(f"no reply within {timeout:g} s", doubtful=True)
    except openai.APIConnectionError as error:
        return _broken(error)
    except openai.APIStatusError as error:
        return _status(error, endpoint)
    except (UnreadableReply, openai.APIResponseValidationError):
        return Again("a reply that is no chat completion", doubtful=True)


def _broken(error: "APIConnectionError") -> Again:
    import httpx2

    unsent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    why = "no connection" if unsent else "the connection broke"
    return Again(why, doubtful=not unsent, unreachable=True)


def _status(error: "APIStatusError", endpoint: Endpoint) -> Again | Failed:
    status, said = error.status_code, endpoint.redact(_said(error))
    if status == 429 and getattr(error, "code", None) == "insufficient_quota":
        raise _refused(endpoint, status, _HINTS[402]) from None
    if status in _AGAIN or status >= 500:
        wait = retry_after(error.response.headers.get("retry-after-ms"), error.response.headers.get("retry-after"))
        return Again(f"status {status}", doubtful=status in _MAYBE_PAID, wait=wait, crowded=status == 429)
    if status in _THIS_REQUEST:
        return Failed("not-accepted", f"status {status}: {said}")
    raise _refused(endpoint, status, _HINTS.get(status, said)) from None


_HINTS: Final = {
    401: f"the key is missing or not valid; set {KEY_VARIABLE} or give --key-file.",
    402: "the account has no credit left.",
    403: "the key does not allow it.",
    404: "there is no such address or model; check --model and the address, which often ends in /v1.",
}


def _refused(endpoint: Endpoint, status: int, why: str) -> EndpointError:
    if 300 <= status < 400:
        why = "it leads to another address, which is not followed; give that one."
    found = f"{endpoint.shown} answers with status {status}: {why}"
    return EndpointError(found, next_step="What was paid for is kept: mend it, run again.")


def _said(error: "APIStatusError") -> str:
    """What an endpoint says of a request that it does not take, in a line."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.response.reason_phrase or "no reason").split())[:300]


def retry_after(milliseconds: str | None, seconds: str | None, now: float | None = None) -> float | None:
    """Seconds to wait by the headers `retry-after-ms` and `Retry-After` (RFC 9110: seconds, or a date); None if unsaid.

    >>> retry_after(None, "3"), retry_after("1500", "9"), retry_after(None, "soon")
    (3.0, 1.5, None)
    """
    for value, unit in ((milliseconds, 1e-3), (seconds, 1.0)):
        try:
            told = float(value or "") * unit
        except ValueError:
            continue
        if 0 <= told < float("inf"):
            return told
    try:
        due = parsedate_to_datetime(seconds or "").timestamp()
    except (ValueError, TypeError):
        return None
    return max(0.0, due - (time.time() if now is None else now))
