"""Measures of dialogues: `critics report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, opened
from quimbot_data.terminal import note, print_json, print_table, say

if TYPE_CHECKING:
    from quimbot_data.pedagogy.report import MeasureReport


def report(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME@X.Y.Z", help="Dialogues in a file or folder, ours or anybody's, or a built version."
        ),
    ],
    evaluation: Annotated[
        list[Path] | None,
        typer.Option("--evaluation", "-e", help="An evaluation set to look for, a file or folder; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", file_okay=False, help="Write Markdown, JSON and a plot to this folder."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    seed: Annotated[int, typer.Option(help="Of samples and random pairs.")] = 0,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Measure dialogues: coherence, questions, adaptation, scaffolding, tone, level, profile, diversity, contamination.

    Each measure stands beside the range that it should lie in and the figures of human teachers. Of a version, its
    annotated dialogues are measured. What cannot be measured says why.
    """
    from quimbot_data.pedagogy.contamination import evaluation_sets
    from quimbot_data.pedagogy.dialogues import measured_dialogues
    from quimbot_data.pedagogy.report import markdown as as_markdown
    from quimbot_data.pedagogy.report import report as run
    from quimbot_data.pedagogy.report import write

    dialogues = measured_dialogues(target, opened(context, workspace))
    made = run(target, dialogues, evaluation_sets(evaluation or []), seed=seed)
    if output:
        write(made, output)
        note(f"Written: {output}")
    if json:
        print_json(made.model_dump(mode="json"))
    elif markdown:
        say(as_markdown(made).rstrip())
    else:
        _show(made)


def _show(made: "MeasureReport") -> None:
    from quimbot_data.pedagogy.report import human_figures, span

    humans = list(human_figures().sets)
    rows = [
        [
            *(line.group, line.name, line.value, span(line)),
            "" if line.within is None else "yes" if line.within else "no",
            *(line.human[name] for name in humans),
            *(line.taken_of, line.note),
        ]
        for line in made.lines
    ]
    title = f"{made.target}: {made.dialogues:,} dialogues, {made.messages:,} messages"
    print_table(title, ("group", "measure", "here", "range", "within", *humans, "taken of", "note"), rows)
