"""Rows that somebody asked to go: `takedown add`, `list`, `report`, `purge`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, opened
from quimbot_data.commands.takedown_told import listed, print_added, print_purge, print_report
from quimbot_data.terminal import counted, note, print_json, print_table, say
from schemas.errors import InputError, MissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quimbot_data.takedowns.request import Added
    from quimbot_data.workspace import Workspace
    from schemas.takedown import PurgeJournal, Takedown

#: Rows from which on a request is asked about: a short `--match` may take half a corpus.
_MANY = 1_000

app = typer.Typer(
    name="takedown",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def root(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Take rows down: out of all later builds, and on demand out of the workspace."""
    context.obj = workspace or context.obj


def _warn_of_interrupted(place: "Workspace", entries: "Sequence[Takedown]") -> None:
    """Say first that a purge was broken off: what it was to erase may still be there."""
    from quimbot_data.takedowns.ledger import is_interrupted

    if is_interrupted(place):
        name = entries[0].id if entries else "ENTRY"
        note(
            "A purge was interrupted, or is under way: files with what it was to erase may still be there, whatever "
            f"else is said here. End it: `quimbot takedown purge {name}`."
        )


def _existing(context: typer.Context, workspace: Path | None) -> "Workspace":
    """The workspace, whose folder must be there: of a mistyped one it must not be said that nothing was taken down."""
    place = opened(context, workspace)
    if not place.root.is_dir():
        raise MissingError(f"{place.root} does not exist.", next_step="Name a workspace with --workspace.")
    return place


@app.command()
def add(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger of takedowns as it is.")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Dialogues or learner texts, SOURCE:KEY.")
    ] = None,
    match: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="All rows that hold this text; the ledger keeps its hash.")
    ] = None,
    raw_id: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE:RAWID", help="All rows of a corpus's own id, now and later.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who decided it; default the login name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it takes, and write nothing.")] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help=f"Do not ask about more than {_MANY:,} rows: needed where there is no terminal."),
    ] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take rows down: no later build holds them, their copies, what was made of them, or their near-duplicates.

    Until it is purged, an entry is taken back by removing its file from the workspace's `takedowns/`.
    """
    from quimbot_data.takedowns.request import add as run
    from quimbot_data.takedowns.resolve import Request

    request = Request(ids or [], match or [], raw_id or [])
    place = opened(context, workspace)
    added = run(place, request, reason, by, dry_run=dry_run, at_most=None if yes else _MANY)
    if added.new and not (added.written or dry_run):
        _ask_about(added)
        added = run(place, request, reason, by)
    if json:
        print_json(_told(added.entry) | {"new": added.new and not dry_run, "dry_run": dry_run})
    else:
        print_added(added, dry_run=dry_run)


def _ask_about(added: "Added") -> None:
    """Whether so many rows are meant."""
    rows = counted(added.rows, "row")
    if not sys.stdin.isatty():
        raise InputError(
            f"That would take {rows} down, and there is no terminal to ask on: nothing was written.",
            next_step="See them with --dry-run; add --yes to take them down.",
        )
    if not typer.confirm(f"Take {rows} down?", err=True):
        raise InputError("Nothing was taken down.")


def _told(entry: "Takedown") -> dict[str, object]:
    """An entry without its shingles, which say nothing to a reader."""
    return entry.model_dump(mode="json", exclude={"rows": {"contents": {"__all__": {"shingles"}}}})


@app.command("list")
def list_entries(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """The ledger of takedowns: ids and hashes, never the text that was taken down; and what purges could not reach."""
    from quimbot_data.takedowns.ledger import entries, is_interrupted
    from quimbot_data.takedowns.left import told_left
    from quimbot_data.takedowns.traces import Traces

    place = _existing(context, workspace)
    _warn_of_interrupted(place, entries(place))
    known, traces = entries(place), Traces(entries(place))
    held = [entry.model_copy(update={"left": told_left(place, entry, traces)}) for entry in known]
    if json:
        print_json([_told(entry) | {"interrupted": is_interrupted(place)} for entry in held])
        return
    if not held:
        note(f"Nothing was taken down in {place.root}.")
        return
    columns = ("takedown", "dialogues", "learner texts", "refused rows", "by", "when", "purged", "left", "reason")
    print_table("", columns, [listed(entry) for entry in held])
    for entry in held:
        for part in entry.left:
            say(f"{entry.id} left: {part.what}")


@app.command()
def report(
    context: typer.Context,
    entries: Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Default all.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Which corpora, versions, exports and training runs hold taken rows, and what to build in the versions' place."""
    from quimbot_data.takedowns import ledger
    from quimbot_data.takedowns.report import report as run

    place = _existing(context, workspace)
    wanted = ledger.named(place, entries) if entries else ledger.entries(place)
    _warn_of_interrupted(place, wanted)
    found = run(place, wanted)
    if json:
        print_json([entry.model_dump(mode="json") for entry in found])
        return
    if not found:
        note(f"Nothing was taken down in {place.root}.")
    for entry in found:
        print_report(entry)


@app.command()
def purge(
    context: typer.Context,
    entries: Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Entries to purge.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Purge all entries.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: needed where there is no terminal.")] = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Erase taken rows from raw files, corpora and copies, and withdraw the versions that hold them. For good."""
    from quimbot_data.takedowns import ledger
    from quimbot_data.takedowns.plan import plan
    from quimbot_data.takedowns.purge import purge as run

    place = _existing(context, workspace)
    if bool(entries) == every:
        raise InputError("Name the entries to purge, or --all.", next_step="See `quimbot takedown list`.")
    wanted = ledger.entries(place) if every else ledger.named(place, entries or [])
    if not wanted:
        raise InputError(f"Nothing was taken down in {place.root}.", next_step="See `quimbot takedown add --help`.")
    _warn_of_interrupted(place, wanted)
    if not yes:
        print_purge(plan(place, wanted), done=False)
        _confirm()
    done = run(place, wanted)
    if json:
        print_json([_told_purge(made) | {"finished_earlier": made is not done[-1]} for made in done])
        return
    for made in done:
        if made is not done[-1]:
            say("An earlier purge had been interrupted; it was finished first:")
        print_purge(made, done=True)


def _told_purge(made: "PurgeJournal") -> dict[str, object]:
    return made.model_dump(mode="json", exclude={"versions": {"__all__": {"recipe"}}})


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise InputError("Nothing was erased: there is no terminal to ask on.", next_step="Add --yes to erase it.")
    if not typer.confirm("Erase this for good?", err=True):
        raise InputError("Nothing was erased.")
