"""`quimbot synth generate`: dialogues by grammars, offline, or by a model."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, WorkspaceOption, grouped, opened
from quimbot_data.terminal import counted, counted_progress, note, print_json, print_table, say
from synth.commands.estimates import tell_estimate
from synth.commands.model_options import PANEL, ModelOptions, told

if TYPE_CHECKING:
    from quimbot_data.workspace import Workspace
    from schemas.generation import BlindRecovery, GenerationReport
    from schemas.seed import Seed
    from synth.llm.generation import Asking, Job


_BLIND = ("profile", "target", "dialogues", "recovered")
#: Dialogues from which on a share of them is shown: below, its 95 % interval is wider than a third.
_TOLD_FROM = 30


class Engine(StrEnum):
    """What makes the dialogues."""

    grammar = "grammar"
    llm = "llm"


class Roles(StrEnum):
    """Who writes a dialogue."""

    one_call = "one-call"
    in_turn = "in-turn"


@grouped
def generate(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The Parquet file to write; its report goes beside it.")],
    *,
    engine: Annotated[
        Engine, typer.Option(help="grammar: offline, from grammars; llm: by an OpenAI-compatible endpoint.")
    ] = Engine.grammar,
    count: Annotated[int, typer.Option(min=1, help="Dialogues to write; by a model, scenarios to try.")] = 1000,
    at_most: Annotated[
        bool,
        typer.Option(
            "--at-most",
            help="Offline: write what the seeds give where they give fewer than --count, instead of writing nothing. "
            "A thousand scenarios tell which; ten scenarios a dialogue are tried.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same dialogues.")] = 0,
    profile: Annotated[
        list[str] | None,
        typer.Option(help="For whom, e.g. spanish-heritage; repeatable. Default: all that there are seeds for."),
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option(help="Learner errors of your own, JSON Lines, beside those of the shipped banks.")
    ] = None,
    shipped_seeds: Annotated[
        bool, typer.Option(help="Whether the shipped banks are used, too, where --seeds names a file.")
    ] = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes; they change the speed and nothing else.")] = 2,
    roles: Annotated[
        Roles, typer.Option(help="A dialogue in one call, or learner and tutor in turn.", rich_help_panel=PANEL)
    ] = Roles.one_call,
    options: ModelOptions,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write scaffolding dialogues to a file that `quimbot ingest synthetic` reads.

    Dialogues whose strategy, level and background a blind critic cannot tell from the tutor's words are dropped; by a
    model, where there are enough of a language to fit one on.

    By a model, each of --count scenarios becomes a dialogue or a line of FILE.failures.jsonl. Replies are kept in the
    workspace: the same command goes on where it was stopped, and asks for nothing twice.
    """
    from synth.output import refuse_output

    refuse_output(output)
    if not shipped_seeds and not seeds:
        raise typer.BadParameter("Without the shipped seeds it needs --seeds.", param_hint="--no-shipped-seeds")
    if engine == Engine.llm:
        if at_most:
            raise typer.BadParameter("By a model, --count is of scenarios: fewer come anyway.", param_hint="--at-most")
        asking = options.asking(temperature=0.9)
        job = _job(seed, profile or [], seeds, roles, shipped=shipped_seeds)
        _by_model(opened(context, workspace), output, job, asking, count, dry_run=options.dry_run, json=json)
        return
    if options.model or options.dry_run:
        raise typer.BadParameter("--model and --dry-run are for --engine llm.", param_hint="--engine")
    errors = _seeds(seeds, profile or [], shipped=shipped_seeds, worded=True)
    report = _by_grammar(output, count, seed, profile or [], errors, workers, at_most=at_most)
    if json:
        print_json(report.model_dump(mode="json"))
        return
    _tell(report, output)
    if report.written < count:
        say(f"Fewer than the {count:,} asked for: these seeds give no more.")


def _job(seed: int, profiles: list[str], seeds: Path | None, roles: Roles, *, shipped: bool) -> "Job":
    from synth.llm.generation import Job

    return Job(profiles, _seeds(seeds, profiles, shipped=shipped, worded=False), seed, roles.value)


def _seeds(path: Path | None, profiles: list[str], *, shipped: bool, worded: bool) -> "list[Seed]":
    """The seeds to use; those of the user's own that cannot be used are told."""
    from synth.fitting import unused
    from synth.seeds import read_seeds, seeds_with

    if path and (told := unused(read_seeds(path), profiles, str(path), worded=worded)):
        note(told)
    return seeds_with(path, shipped=shipped)


def _by_model(
    workspace: "Workspace", output: Path, job: "Job", asking: "Asking", count: int, *, dry_run: bool, json: bool
) -> None:
    from synth.llm.estimate import estimate_generation
    from synth.llm.generation import generate_by_model

    if dry_run:
        tell_estimate(estimate_generation(workspace, job, asking, count), "scenario", asking, json=json)
        return
    with counted_progress("synth generate", count) as tell:
        made = generate_by_model(output, workspace=workspace, job=job, asking=asking, count=count, tell=tell)
    if json:
        account = made.account.model_dump(mode="json")
        print_json(made.report.model_dump(mode="json") | {"repaired": made.repaired, "account": account})
        return
    _tell(made.report, output)
    say(f"{counted(made.repaired, 'dialogue')} asked for a second time.")
    say(f"{told(made.account)}.")


def _by_grammar(
    output: Path, count: int, seed: int, profiles: list[str], seeds: "list[Seed]", workers: int, *, at_most: bool
) -> "GenerationReport":
    from synth.generate import generate_offline

    with counted_progress("synth generate", count) as tell:
        return generate_offline(
            output,
            count=count,
            random_seed=seed,
            profiles=profiles,
            seeds=seeds,
            workers=workers,
            at_most=at_most,
            tell=tell,
        )


def _tell(report: "GenerationReport", output: Path) -> None:
    say(f"{output}: {counted(report.written, 'dialogue')} of {counted(report.planned, 'scenario')}, {report.generator}")
    if report.dropped:
        rows = [(line.step, line.reason, line.dialogues) for line in report.dropped]
        print_table("Dropped", ("step", "reason", "dialogues"), rows)
    shares = [(b.profile, b.target, b.dialogues, b.recovered / b.dialogues) for b in report.blind if _told(b)]
    if shares:
        print_table("Recovered by the blind critic, before what it did not was dropped", _BLIND, shares)
    if few := len({b.profile for b in report.blind if not _told(b)}):
        say(
            f"What the blind critic recovered of {counted(few, 'profile')} stands in {output}.report.json: of fewer "
            f"than {_TOLD_FROM} dialogues a share says little."
        )
    for left in report.unjudged:
        say(f"Not judged blind: {counted(left.dialogues, 'dialogue')} for {left.profile}, {left.reason}.")
    for line in report.batch:
        say(f"Not as a batch should be: {line}")


def _told(line: "BlindRecovery") -> bool:
    return line.dialogues >= _TOLD_FROM
