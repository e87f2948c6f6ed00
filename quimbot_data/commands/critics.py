"""Whether dialogues are good scaffolding: `critics check`, and the group of commands about critics."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands import labels, measures
from quimbot_data.commands.options import JsonOption, WorkspaceOption, opened
from quimbot_data.terminal import counted, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from quimbot_data.pedagogy.checking import CheckReport, Rejected

#: Rejected dialogues that are shown, each with all its failures; `--output` has them all.
_SHOWN = 10

app = typer.Typer(
    name="critics",
    help="Whether dialogues are good scaffolding: critics, held against people's labels, and measures.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def root(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Whether dialogues are good scaffolding."""
    context.obj = workspace or context.obj


@app.command()
def check(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="FILE|NAME@X.Y.Z", help="Dialogues as Parquet or JSON Lines, or a built version.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="Write the rejected with the names of what failed: .parquet or .jsonl.")
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Hold dialogues to every invariant of scaffolding, one by one and as a batch; say what could not be checked.

    Rejected dialogues are a finding, no error: the exit status is 0 with them, too; --json and --output tell how many
    there are and which.
    """
    from quimbot_data.pedagogy.checking import check_all, write_rejected
    from quimbot_data.pedagogy.dialogues import read_dialogues

    with progress("critics") as tell:
        report, rejected = check_all(read_dialogues(target, opened(context, workspace)), progress=tell)
    if output is not None:
        write_rejected(rejected, output)
    if json:
        print_json(report.to_json())
    else:
        _show(report, rejected)
        if output is not None:
            note(f"{counted(len(rejected), 'rejected dialogue')} in {output}.")


def _show(report: "CheckReport", rejected: "list[Rejected]") -> None:
    from quimbot_data.pedagogy.invariants import INVARIANTS

    said = f"{counted(report.dialogues, 'dialogue')}, {report.annotated:,} with annotations"
    say(f"{said}: {report.valid:,} valid, {report.rejected:,} rejected.")
    rows = [
        [each.number, name, report.failed[name], report.unchecked[name], each.says]
        for name, each in INVARIANTS.items()
        if each.scope == "dialogue" and (report.failed[name] or report.unchecked[name])
    ]
    if rows:
        print_table("Dialogues", ("no.", "check", "failed", "not checked", "what must hold"), rows)
    _show_rejected(rejected)
    _show_batch(report)


def _show_rejected(rejected: "list[Rejected]") -> None:
    if len(rejected) > _SHOWN:
        say(f"The first {_SHOWN} of {counted(len(rejected), 'rejected dialogue')}; --output writes them all:")
    for each in rejected[:_SHOWN]:
        for name, position, detail in each.failures:
            place = "" if position is None else f", message {position}"
            say(f"  {each.dialogue_id() or f'row {each.place}'}{place}: {name}: {detail}")


def _show_batch(report: "CheckReport") -> None:
    rates = [
        [rate.name, rate.of, rate.value, rate.total, f"{rate.low:.3f} to {rate.high:.3f}"]
        for rate in report.batch.rates
    ]
    if rates:
        print_table("Batch", ("check", "of", "share", "counted", "95 % interval"), rates)
    for failure in report.batch.failures:
        say(f"  {failure.name}: {failure.detail}")
    for name, reason in report.batch.unchecked.items():
        note(f"Not checked: {name}: {reason}.")


app.command()(labels.validate)
app.command()(labels.train)
app.command()(measures.report)
