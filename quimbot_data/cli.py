"""The `quimbot` command: its root, the commands in the order of the help, and what becomes of errors."""

import sys
from typing import Annotated, NoReturn

import typer

from quimbot_data.commands import (
    cards,
    comparisons,
    corpora,
    critics,
    interchange,
    questions,
    takedown,
    terms,
    versions,
)
from quimbot_data.commands.options import WorkspaceOption
from quimbot_data.terminal import INTERRUPTED, err, note, say
from schemas.errors import QuimbotError
from synth.cli import app as synth_app
from train.cli import app as train_app
from train.commands import evaluate

app = typer.Typer(
    name="quimbot",
    help="Raw corpora in; immutable, verified, documented dialogue datasets out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import metadata

        package = metadata("quimbot-data")
        say(f"{package['Name']} {package['Version']}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print name and version, and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Raw corpora in; immutable, verified, documented dialogue datasets out."""
    context.obj = workspace


for _command in (
    *(corpora.demo, corpora.sources, corpora.fetch, corpora.ingest, terms.clear),
    *(versions.recipes, versions.plan, versions.build, versions.versions, versions.show, versions.verify),
    *(comparisons.diff, questions.sample, questions.why, questions.sql, terms.licenses, versions.card),
    cards.verify_card,
    *(interchange.export, interchange.push),
):
    app.command()(_command)
app.add_typer(takedown.app)
app.add_typer(critics.app)
app.add_typer(synth_app)
app.add_typer(train_app)
app.command("eval")(evaluate)


def main() -> NoReturn:
    """Run the command line: 0 done, 1 a clear error, 2 usage, 130 interrupted."""
    debug, stdout = "--debug" in sys.argv, sys.stdout
    try:
        app()
    except QuimbotError as error:
        if debug:
            raise
        err.print(f"Error: {error}", markup=False, style="red")
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            note("Interrupted. Nothing unfinished is visible; run the command again.")
        if sys.stdout is not stdout:  # Typer puts another in its place when the reader, `head` say, has left
            sys.exit(0)
        raise
    except Exception as error:  # the last wall: whatever nobody foresaw is one line, and a traceback under --debug
        if debug:
            raise
        note(f"Unexpected {type(error).__name__}: {error}. This is a defect: run again with --debug and report it.")
        sys.exit(1)
    sys.exit(0)
