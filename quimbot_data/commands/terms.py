"""Licences and terms: `licenses`, `clear`."""

from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, RefArgument, WorkspaceOption, opened, parsed_ref
from quimbot_data.terminal import note, print_json, print_table, say
from schemas.errors import InputError

if TYPE_CHECKING:
    from schemas.clearance import Clearance


def licenses(
    context: typer.Context, ref: RefArgument, json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Licences and terms of a version's rows, the lines to print with them, and what is unresolved."""
    from quimbot_data.licence_report import licence_report

    report = licence_report(opened(context, workspace), parsed_ref(ref))
    if json:
        print_json(report.model_dump(mode="json"))
        return
    columns = ("source", "license", "terms", "dialogues", "tokens")
    rows = [[line.source, line.license, ", ".join(line.terms), line.dialogues, line.tokens] for line in report.lines]
    print_table(f"Licences of {report.version}, profile {report.profile}", columns, rows)
    say()
    print_table("Terms", ("term", "dialogues", "tokens"), [list(dict(line).values()) for line in report.terms])
    say()
    say("Print with what you publish of it")
    for line in report.attributions:
        say(f"  {line.text}{f' <{line.url}>' if line.url else ''}")
    for each in report.cleared:
        say(f"Cleared: {each.source} under {each.license}, by {each.by} on {each.on}: {each.reason}")
    for problem in report.unresolved:
        note(f"Unresolved: {problem}")


def clear(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A corpus of the workspace.")],
    by: Annotated[str | None, typer.Option(help="Who answers for it.", show_default=False)] = None,
    reason: Annotated[str | None, typer.Option(help="What was found, and where.", show_default=False)] = None,
    license_id: Annotated[
        str | None, typer.Option("--license", help="Only rows under this licence; default all of unknown terms.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the clearance back.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Record that rows of unknown terms were looked into: the profile `research` admits them from then on."""
    from quimbot_data.clearance import clear as record
    from quimbot_data.clearance import withdraw as take_back

    place = opened(context, workspace)
    replaced: list[Clearance] = []
    if withdraw:
        changed = take_back(place, source, license_id)
    elif by and reason:
        changed, replaced = record(place, source, by=by, reason=reason, license_id=license_id)
    else:
        raise InputError("A clearance says who answers for it, and why.", next_step="Give --by and --reason.")
    if json:
        print_json([each.model_dump(mode="json") for each in changed])
        return
    for each in changed:
        say(f"{'Withdrawn' if withdraw else 'Cleared'}: {each.source} under {each.license}, by {each.by}")
    for each in replaced:
        note(f"Replaced: {each.source} under {each.license}, by {each.by} on {each.on}: {each.reason}")
