"""Critics against people's labels: `critics validate` and `critics train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption
from quimbot_data.terminal import counted, note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from quimbot_data.pedagogy.validation.validate import Validation

SetsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        file_okay=False,
        help="Folder of labelled sets, each in a folder of its own: wcf_hints, cima, mrbench, swda_questions, uptake.",
    ),
]


def validate(
    folder: SetsArgument,
    critics: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Judge critics that `train` wrote, in place of those trained fold by fold."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Hold critics to people's labels: agreement beside majority, a cheap baseline and the reach.

    Trained critics are judged by cross-validation over conversations, leaving out one tutor system at a time. A set
    that is not there is named. Exit 1 only for errors, not for a reach that is missed.
    """
    from quimbot_data.pedagogy.validation.validate import load
    from quimbot_data.pedagogy.validation.validate import validate as run

    trained = load(critics) if critics else None
    with progress("critics") as tell:
        found = run(folder, trained, tell)
    if json:
        lines = [{**line.model_dump(mode="json"), "reached": line.reached} for line in found.lines]
        print_json({"folder": found.folder, "lines": lines})
    else:
        _show(found)


def _show(found: "Validation") -> None:
    rows = [
        [
            *(line.critic, line.metric, line.rows, line.agreement, line.majority, line.majority_stated),
            *(line.baseline, line.baseline_stated, line.reach),
            "" if line.reached is None else "yes" if line.reached else "no",
            line.how,
        ]
        for line in found.lines
        if line.missing is None
    ]
    columns = (
        "critic",
        "measure",
        "rows",
        "ours",
        "majority",
        "stated",
        "baseline",
        "stated",
        "reach",
        "reached",
        "how",
    )
    print_table("Critics against people", columns, rows)
    for line in found.lines:
        if line.missing:
            note(f"Not judged: {line.critic}: {line.missing}.")
    asked = [line for line in found.lines if line.reached is not None]
    say(f"{sum(bool(line.reached) for line in asked)} of {counted(len(asked), 'reach', 'reaches')} reached.")


def train(
    folder: SetsArgument,
    output: Annotated[Path, typer.Option(dir_okay=False, help="Write the critics' weights to this JSON file.")],
) -> None:
    """Train critics on all rows of the labelled sets and write their weights.

    The sets' licences bind the weights, too: that of wcf_hints allows research that is not commercial, so keep them to
    yourself. The same rows give the same bytes.
    """
    from quimbot_data.pedagogy.validation.validate import train as run
    from quimbot_data.workspace import write_model

    with progress("critics") as tell:
        trained, missing = run(folder, tell)
    write_model(output, trained)
    for name in missing:
        note(f"Not trained: {folder / name} is not there.")
    say(f"{counted(len(trained.critics), 'critic')} written to {output}.")
