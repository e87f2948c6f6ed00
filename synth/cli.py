"""`quimbot synth`: the commands about scaffolding dialogues. Heavy libraries are loaded inside the commands only."""

import typer

from quimbot_data.commands.options import WorkspaceOption
from synth.commands import generate, judge, samples, seeds

app = typer.Typer(
    name="synth",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def root(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Make scaffolding dialogues out of learner errors."""
    context.obj = workspace or context.obj


app.command()(generate.generate)
app.command()(judge.judge)
app.command()(samples.samples)
app.add_typer(seeds.app)
