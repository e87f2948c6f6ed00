"""`quimbot synth judge`: tutors' turns by a rubric, or dialogues against each other, by a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, grouped, opened
from quimbot_data.terminal import counted, counted_progress, print_json, print_table, say
from synth.commands.estimates import tell_estimate
from synth.commands.model_options import ModelOptions, told

if TYPE_CHECKING:
    from quimbot_data.workspace import Workspace
    from synth.judge.dialogues import Judged
    from synth.llm.account import Account
    from synth.llm.generation import Asking

_TARGET = "FILE|NAME@X.Y.Z"


@grouped
def judge(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar=_TARGET, help="Dialogues as Parquet or JSON Lines, or a built version.")
    ],
    *,
    against: Annotated[
        str | None,
        typer.Option(metavar=_TARGET, help="Compare with these instead: dialogues of the same seeds, in both orders."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write each verdict or pair with its evidence: .parquet or .jsonl.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many dialogues, the first ones.")] = None,
    options: ModelOptions,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a model judge each tutor's turn that answers an error, by MRBench's dimensions and ours.

    A label counts only with a quotation that stands in the turn. With --against it says which of two dialogues is
    better, asked in both orders; an answer that turns with the order is none. Replies are kept in the workspace.
    """
    asking = options.asking(temperature=0.0)
    place = opened(context, workspace)
    ours, theirs = _read(target, place, limit), _read(against, place, None) if against else None
    if options.dry_run:
        _estimate(place, asking, ours, theirs, json=json)
    elif theirs is None:
        _turns(place, asking, ours, output, json=json)
    else:
        _pairs(place, asking, ours, theirs, output, json=json)


def _read(target: str, workspace: "Workspace", limit: int | None) -> "list[Judged]":
    from itertools import islice

    from quimbot_data.pedagogy.dialogues import read_dialogues
    from synth.judge.dialogues import judged

    return judged(list(islice(read_dialogues(target, workspace), limit)))


def _estimate(
    place: "Workspace", asking: "Asking", ours: "list[Judged]", theirs: "list[Judged] | None", *, json: bool
) -> None:
    from synth.judge.dialogues import pairs
    from synth.judge.estimate import estimate

    work = ours if theirs is None else pairs(ours, theirs)
    tell_estimate(estimate(place, work, asking), "dialogue" if theirs is None else "pair", asking, json=json)


def _turns(place: "Workspace", asking: "Asking", ours: "list[Judged]", output: Path | None, *, json: bool) -> None:
    from synth.judge.judging import judge_turns, turns_of
    from synth.judge.report import dimensions, written

    with written(output, paired=False) as write, counted_progress("synth judge", len(turns_of(ours))) as tell:
        run = judge_turns(place, ours, asking, tell)
        write(run)
    found = dimensions(run.rows)
    if json:
        print_json({"dimensions": [each.model_dump(mode="json") for each in found], **_account(run.account)})
        return
    rows = [(d.dimension, _labels(d.labels), d.desired, d.unsupported, d.failed) for d in found]
    title = f"{counted(len(turns_of(ours)), 'turn')} of {counted(len(ours), 'dialogue')}"
    print_table(title, ("dimension", "labels", "desired", "evidence not there", "no reply"), rows)
    say(f"{told(run.account)}.")


def _pairs(
    place: "Workspace",
    asking: "Asking",
    ours: "list[Judged]",
    theirs: "list[Judged]",
    output: Path | None,
    *,
    json: bool,
) -> None:
    from synth.judge.dialogues import pairs
    from synth.judge.judging import judge_pairs
    from synth.judge.report import preferences, written

    matched = pairs(ours, theirs)
    with written(output, paired=True) as write, counted_progress("synth judge", len(matched)) as tell:
        run = judge_pairs(place, matched, asking, tell)
        write(run)
    found = preferences(run.rows)
    if json:
        print_json(found.model_dump(mode="json") | _account(run.account))
        return
    say(f"{counted(found.pairs, 'pair')}: {found.a:,} better in the first file, {found.b:,} in the second.")
    say(
        f"{found.neither:,} alike; {found.inconsistent:,} turned with the order; {found.failed:,} without usable reply."
    )
    say(f"{told(run.account)}.")


def _labels(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{label} {number:,}" for label, number in labels.items() if number)


def _account(account: "Account") -> dict[str, object]:
    return {"account": account.model_dump(mode="json")}
