"""Versions beside each other: `diff`."""

from pathlib import Path
from typing import Annotated

import typer

from quimbot_data.commands.options import (
    JsonOption,
    ThreadsOption,
    WorkspaceOption,
    opened,
    parsed_ref,
)
from quimbot_data.commands.questions import refuse_inside
from quimbot_data.terminal import note, print_json, say


def diff(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="The version to start from, NAME@X.Y.Z.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The version to come to; of another name, if you like.")],
    examples: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Rows to show of each change, reason and source.")
    ] = 3,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as CHANGES.md has it, without text that may not travel.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write Markdown, or JSON with --json, to a file instead.")
    ] = None,
    threads: ThreadsOption = 2,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What changed from version A to version B: every row with its reason, what shifted and how far, and examples.

    A removed row has the reason for which B left it out, an added one that for which A had.
    """
    from quimbot_data.diff import diff as run
    from quimbot_data.diff.changes import changes
    from quimbot_data.diff.tables import print_diff
    from quimbot_data.workspace import atomic, write_model

    place = opened(context, workspace)
    if output:
        refuse_inside(place, output)
    found = run(place, parsed_ref(a), parsed_ref(b), examples=examples, threads=threads)
    if output and json:
        write_model(output, found)
    elif output:
        with atomic(output) as stream:
            stream.write(changes(found).encode())
    elif json:
        print_json(found.model_dump(mode="json"))
    elif markdown:
        say(changes(found).rstrip())
    else:
        print_diff(found)
    if output:
        note(f"Written: {output}")
