"""Text under terms that forbid passing it on: to models on this machine only, unless somebody clears it by name."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from quimbot_data.endpoint import Endpoint
from quimbot_data.transfer import barred_from_endpoints, check_clearance, told, total
from quimbot_data.workspace import Workspace, read_model, write_model
from schemas.errors import TermsError
from schemas.fields import Count, NonEmpty, Strict

#: In the workspace: every transfer that was cleared, written before anything was sent.
TRANSFERS: Final = "synth/transfers.json"


class Transfer(Strict):
    """Text of restricted terms that somebody let go to an endpoint."""

    to: NonEmpty
    model: NonEmpty
    cleared: NonEmpty
    """Who, and why."""
    on: NonEmpty
    """When it was first used: a date."""
    rows: dict[str, dict[str, Count]]
    """How many, by term and source."""


class Transfers(Strict):
    """The record."""

    transfers: list[Transfer]


def check_transfer(
    workspace: Workspace, rows: pl.DataFrame, endpoint: Endpoint, model: str, cleared: str | None, *, send: bool
) -> None:
    """Hold that text may go to an endpoint; a clearance is recorded in the workspace before anything is sent.

    Args:
        workspace: keeps the record.
        rows: `source` and `terms` of each text.
        endpoint: where it is to go.
        model: which is to read it.
        cleared: `WHO, why`.
        send: whether anything is going to be sent; else nothing is recorded.

    Raises:
        TermsError: it may not, or the clearance does not say who and why.
    """
    check_clearance(cleared)
    barred = {} if endpoint.loopback else barred_from_endpoints(rows)
    if barred and not cleared:
        raise TermsError(
            f"{total(barred):,} texts may go to models on this machine alone ({told(barred)}), and {endpoint.shown} is "
            "elsewhere.",
            next_step="Serve a model here and set OPENAI_BASE_URL to its loopback address; leave those out; or, if "
            'whoever holds the rights has agreed, say so with --allow-transfer "WHO, why".',
        )
    if barred and cleared and send:
        _record(workspace, Transfer(to=endpoint.shown, model=model, cleared=cleared, on=_today(), rows=barred))


def _record(workspace: Workspace, made: Transfer) -> None:
    path = workspace.root / TRANSFERS
    with workspace.lock("synth", "transfers"):
        before = read_model(path, Transfers).transfers if path.exists() else []
        same = {"to", "model", "cleared", "rows"}
        if not any(each.model_dump(include=same) == made.model_dump(include=same) for each in before):
            write_model(path, Transfers(transfers=[*before, made]))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
