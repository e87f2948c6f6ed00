"""`quimbot synth judge`: tutors' turns by a rubric, or dialogues against each other, by a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, opened
from quimbot_data.terminal import counted, counted_progress, print_json, print_table, say
from synth.commands import model_options as options
from synth.commands.estimates import tell_estimate

if TYPE_CHECKING:
    from quimbot_data.workspace import Workspace
    from synth.judge.dialogues import Judged
    from synth.llm.account import Account
    from synth.llm.generation import Asking

_TARGET = "FILE|NAME@X.Y.Z"


def judge(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar=_TARGET, help="Dialogues as Parquet or JSON Lines, or a built version.")
    ],
    against: Annotated[
        str | None,
        typer.Option(metavar=_TARGET, help="Compare with these instead: dialogues of the same seeds, in both orders."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write each verdict or pair with its evidence: .parquet or .jsonl.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many dialogues, the first ones.")] = None,
    model: options.Model = None,
    base_url: options.BaseUrl = None,
    key_file: options.KeyFile = None,
    concurrency: options.AtOnce = 8,
    budget: options.Budget = None,
    prices: options.Prices = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    dry_run: options.DryRun = False,
    allow_transfer: options.AllowTransfer = None,
    temperature: options.Temperature = 0.0,
    max_tokens: options.MaxTokens = 1600,
    structured: options.Structured = "json_schema",
    parameters: options.Parameters = None,
    timeout: options.Timeout = 120.0,
    attempts: options.Attempts = 6,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a model judge each tutor's turn that answers an error, by MRBench's dimensions and ours.

    A label counts only with a quotation that stands in the turn. With --against it says which of two dialogues is
    better, asked in both orders; an answer that turns with the order is none. Replies are kept in the workspace.
    """
    asking = options.asking_of(
        model=model,
        base_url=base_url,
        key_file=key_file,
        at_once=concurrency,
        budget=budget,
        prices=prices,
        price_in=price_in,
        price_out=price_out,
        allow_transfer=allow_transfer,
        temperature=temperature,
        max_tokens=max_tokens,
        structured=structured,
        parameters=parameters,
        timeout=timeout,
        attempts=attempts,
        sends=not dry_run,
    )
    place = opened(context, workspace)
    ours, theirs = _read(target, place, limit), _read(against, place, None) if against else None
    if dry_run:
        _estimate(place, asking, ours, theirs, json=json)
    elif theirs is None:
        _turns(place, asking, ours, output, json=json)
    else:
        _pairs(place, asking, ours, theirs, output, json=json)
