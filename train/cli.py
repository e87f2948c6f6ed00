"""`quimbot train run|plan|recipes|score|export`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quimbot_data.commands.options import JsonOption, LogJsonOption, WorkspaceOption, grouped, opened
from quimbot_data.terminal import err, note, print_json, print_table, progress, say
from train.commands import export, score
from train.options import TrainOptions

if TYPE_CHECKING:
    from schemas.run import RunRecord
    from train.plan import Prepared, TrainPlan
    from train.run import Listener

app = typer.Typer(
    name="train",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
#: Seconds between lines where there is no terminal.
_EVERY = 10.0


@app.callback()
def root(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Train adapters on versions, resumably; every run leaves a record."""
    context.obj = workspace or context.obj


@app.command()
@grouped
def run(
    context: typer.Context,
    options: TrainOptions,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train an adapter. A run that stopped goes on from its last checkpoint; a finished one is left as it is.

    Everything is checked before any weight is loaded. Start it under `accelerate launch -m quimbot_data` for several
    processes.
    """
    from train.distributed import Processes
    from train.run import run as train

    resolved = options.resolved()
    first = Processes.of_environment().first
    with _told(quiet=log_json or not first) as show:
        record, new = train(
            opened(context, workspace),
            resolved,
            options.name,
            tell=lambda step, rows: show(f"{step}: {rows:,} dialogues"),
            listen=_log_step if log_json and first else _stepping(show),
        )
    if not first:
        return
    if json:
        print_json(record.model_dump(mode="json") | {"trained": new})
    else:
        _print_record(record, new=new)


@app.command()
@grouped
def plan(
    context: typer.Context,
    options: TrainOptions,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a recipe comes to before any weight is loaded: data, shares, steps, memory, disk, what is missing.

    Exit 1 if it can't be run as it is.
    """
    from train.plan import prepare

    resolved = options.resolved()
    with progress("plan") as tell:
        made = prepare(opened(context, workspace), resolved, options.name or resolved.name, tell).plan
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        _print_plan(made)
    raise typer.Exit(1 if made.problems else 0)


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe, comments and all.", show_default=False)] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,  # as every command does; a recipe is no matter of one
) -> None:
    """The shipped training recipes; with a name its TOML, to start one of your own from."""
    from train.recipe import find_recipe, recipe_names, recipe_text

    if name:
        print_json(find_recipe(name).model_dump(mode="json")) if json else say(recipe_text(name).rstrip())
        return
    shipped = [find_recipe(each) for each in recipe_names()]
    rows = [
        {"recipe": each.name, "stage": each.stage, "title": each.title, "version": each.version, "base": each.base}
        for each in shipped
    ]
    if json:
        print_json(rows)
    else:
        print_table("", list(rows[0]), [list(row.values()) for row in rows])


def _print_plan(made: "TrainPlan") -> None:
    _print_lineage(made)
    print_table(
        f"Families of {made.version}, training split",
        ("family", "dialogues", "tokens", "share", "strays by"),
        [[f.family, f.dialogues, f.tokens, f"{f.share:.1%}", f"{f.drift:.1%}"] for f in made.families],
    )
    left = [("lose exchanges at their end", made.cut), ("left out, too long", made.too_long)]
    left.append(("left out, nothing in them is trained on", made.untrained))
    for told, number in left:
        if number:
            say(f"{number:,} dialogues {told}")
    say(f"{made.tokens:,} tokens, {made.trained_tokens:,} of them trained on")
    say(
        f"{made.steps:,} steps of {made.batch} rows of {made.max_length:,} tokens, filled to {made.filled:.1%}: "
        f"{made.epochs:.2f} epochs"
    )
    _print_needs(made)
    for each in made.requirements:
        short = f", {each.shortfall:,} short" if each.shortfall else ""
        say(f"Requires {each.asked:,} {each.told}: holds {each.dialogues:,}{short}")
    for told in made.warnings:
        note(f"Warning: {told}")
    for told in made.problems:
        note(f"Problem: {told}")


def _print_lineage(made: "TrainPlan") -> None:
    say(f"Run {made.run}: stage {made.stage}, use {made.use}, on {made.version} (id {made.version_id[:16]})")
    links = [f"{link.name} ({link.mode})" if link.mode else link.name for link in made.lineage]
    say(f"From {' → '.join(links)}")


def _print_needs(made: "TrainPlan") -> None:
    needs = made.estimate
    say(f"On {made.device}, {made.precision}: {needs.parameters:,} weights, {needs.trained_parameters:,} trained")
    parts = (
        *(("weights", needs.weights), ("adapter and optimizer", needs.optimizer)),
        *(("activations", needs.activations), ("torch itself", needs.runtime)),
    )
    told = ", ".join(f"{name} {_gb(size)}" for name, size in parts)
    say(f"Memory about {_gb(needs.memory)} ({told}); {_gb(made.memory_free)} free")
    say(f"Disk about {_gb(needs.disk)}; {_gb(made.disk_free)} free")


def _gb(size: float) -> str:
    return f"{size / 1e9:.2f} GB"


def _print_record(record: "RunRecord", *, new: bool) -> None:
    if not new:
        say(f"runs/{record.run} is finished already; nothing was changed.")
        return
    loss = f", loss {record.final_loss:.3f} at the end" if record.final_loss is not None else ""
    say(f"runs/{record.run}: {record.steps_done:,} steps in {record.seconds:,.0f} s{loss}")
    columns = ("family", "dialogues", "tokens", "trained tokens")
    rows = [[seen.family, seen.dialogues, seen.tokens, seen.trained_tokens] for seen in record.families]
    print_table("Seen", columns, rows)


@contextmanager
def _told(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show how far a run is: one line that changes on a terminal, a line now and then elsewhere."""
    from rich.live import Live
    from rich.text import Text

    if quiet:
        yield lambda told: None
    elif err.is_terminal:
        with Live(console=err, transient=True, auto_refresh=False) as live:
            yield lambda told: live.update(Text(told), refresh=True)
    else:
        shown = -_EVERY

        def tell(told: str) -> None:
            nonlocal shown
            if time.monotonic() - shown > _EVERY:
                shown = time.monotonic()
                note(told)

        yield tell


def _log_step(prepared: "Prepared", line: dict[str, Any]) -> None:
    note(dumps({"run": prepared.plan.run, "steps": prepared.plan.steps, **line}))


def _stepping(show: Callable[[str], None]) -> "Listener":
    """Tell of steps: loss, tokens a second, time left."""
    begun, done, tokens = 0.0, 0, 0

    def listen(prepared: "Prepared", line: dict[str, Any]) -> None:
        nonlocal begun, done, tokens
        if not done:  # what came before the first step is start-up
            begun = time.monotonic() - line["seconds"]
        done, tokens = done + 1, tokens + line["tokens"]
        seconds, left = max(time.monotonic() - begun, 1e-3), prepared.plan.steps - line["step"]
        show(
            f"{prepared.plan.run}: step {line['step']:,} of {prepared.plan.steps:,}, loss {line['loss']:.3f}, "
            f"{tokens / seconds:,.0f} tokens/s, {_time(seconds / done * left)} left"
        )

    return listen


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


app.command()(score)
app.command()(export)
