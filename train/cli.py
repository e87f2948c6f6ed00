"""`quimbot train run|plan|recipes|runs|score|export`."""

from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, LogJsonOption, WorkspaceOption, grouped, opened
from quimbot_data.terminal import counted, note, print_json, print_table, progress, say
from train.commands import export, score
from train.options import TrainOptions, check_extra
from train.watch import log_step, progress_line, steps_shown

if TYPE_CHECKING:
    from schemas.run import RunRecord
    from train.plan import TrainPlan

app = typer.Typer(
    name="train",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


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

    Everything is checked before any weight is loaded. Several processes share each batch:

    accelerate launch --multi_gpu --num_processes 2 -m quimbot_data train run RECIPE
    """
    check_extra()
    from train.distributed import Processes
    from train.run import run as train

    resolved = options.resolved()
    first = Processes.of_environment().first
    with progress_line(quiet=log_json or not first) as show:
        record, new = train(
            opened(context, workspace),
            resolved,
            options.name,
            tell=lambda step, rows: show(f"{step}: {rows:,} dialogues"),
            listen=log_step if log_json and first else steps_shown(show),
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
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a recipe comes to before any weight is loaded: data, shares, steps, memory, disk, what is missing.

    Exit 1 if it can't be run as it is.
    """
    check_extra()
    from train.plan import prepare

    resolved = options.resolved()
    with progress("plan", log_json=log_json, unit="dialogues") as tell:
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
    """List the shipped training recipes, or print the TOML of one, to start one of your own from."""
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


@app.command()
def runs(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List the training runs of the workspace: what each is doing, how far it came, and on which version.

    A run that stopped or was killed is interrupted; `quimbot train run`, as it was begun, goes on from its last
    checkpoint.
    """
    place = opened(context, workspace)
    rows = [
        {
            **{"run": each.run, "status": place.run_status(each), "stage": each.stage, "version": each.version},
            **{"steps_done": each.steps_done, "steps": each.steps, "final_loss": each.final_loss},
            **{"host": each.host, "started": each.started, "finished": each.finished},
        }
        for each in place.runs()
    ]
    if json:
        print_json(rows)
    elif rows:
        print_table("", [name.replace("_", " ") for name in rows[0]], [list(row.values()) for row in rows])
    else:
        say(f"{place.root} holds no training run. Train one: `quimbot train run RECIPE`.")


def _print_plan(made: "TrainPlan") -> None:
    _print_lineage(made)
    print_table(
        f"Families of {made.version}, training split",
        ("family", "dialogues", "tokens", "share", "strays by"),
        [[f.family, f.dialogues, f.tokens, f"{f.share:.1%}", f"{f.drift:.1%}"] for f in made.families],
    )
    left = [("shortened by exchanges at the end", made.cut), ("left out: too long for a row", made.too_long)]
    left.append(("left out: nothing in it is trained on", made.untrained))
    for told, number in left:
        if number:
            say(f"{counted(number, 'dialogue')} {told}")
    say(f"{made.tokens:,} tokens, {made.trained_tokens:,} of them trained on")
    say(
        f"{counted(made.steps, 'step')} of {counted(made.batch, 'row')} of {made.max_length:,} tokens, "
        f"filled to {made.filled:.1%}: {made.epochs:.2f} epochs"
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
    say(f"Disk about {_gb(needs.disk)}, an export {_gb(needs.export)} more; {_gb(made.disk_free)} free")


def _gb(size: float) -> str:
    return f"{size / 1e9:.2f} GB"


def _print_record(record: "RunRecord", *, new: bool) -> None:
    if not new:
        say(f"runs/{record.run} is finished already; nothing was changed.")
        return
    loss = f", loss {record.final_loss:.3f} at the end" if record.final_loss is not None else ""
    say(f"runs/{record.run}: {counted(record.steps_done, 'step')} in {record.seconds:,.0f} s{loss}")
    columns = ("family", "dialogues", "tokens", "trained tokens")
    rows = [[seen.family, seen.dialogues, seen.tokens, seen.trained_tokens] for seen in record.families]
    print_table("Seen", columns, rows)


app.command()(score)
app.command()(export)
