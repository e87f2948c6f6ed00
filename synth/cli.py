"""`quimbot synth`: the commands about scaffolding dialogues. Heavy libraries are loaded inside the commands only."""

import typer

from synth.commands import generate, judge, samples, seeds

app = typer.Typer(
    name="synth",
    help="Make scaffolding dialogues out of learner errors.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.command()(generate.generate)
app.command()(judge.judge)
app.command()(samples.samples)
app.add_typer(seeds.app)
