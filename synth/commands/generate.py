"""`quimbot synth generate`: dialogues by grammars, offline, or by a model."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption
from quimbot_data.terminal import counted, print_json, print_table, progress, say

if TYPE_CHECKING:
    from synth.generation_report import GenerationReport


_BLIND = ("profile", "target", "dialogues", "recovered")


class Engine(StrEnum):
    """What makes the dialogues."""

    grammar = "grammar"
    llm = "llm"


def generate(
    output: Annotated[Path, typer.Option(help="The Parquet file to write; its report goes beside it.")],
    engine: Annotated[
        Engine, typer.Option(help="grammar: offline, from grammars; llm: by an OpenAI-compatible endpoint.")
    ] = Engine.grammar,
    count: Annotated[int, typer.Option(min=1, help="Dialogues to write.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same dialogues.")] = 0,
    profile: Annotated[
        list[str] | None, typer.Option(help="For whom, e.g. spanish-heritage; repeatable. Default: all shipped ones.")
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option(help="Learner errors of your own, JSON Lines; default: the shipped banks.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; they change the speed and nothing else.")] = 2,
    json: JsonOption = False,
) -> None:
    """Write scaffolding dialogues to a file that `quimbot ingest synthetic` reads."""

    match engine:
        case Engine.grammar:
            report = _by_grammar(output, count, seed, profile or [], seeds, workers)
        case Engine.llm:  # synth.llm is called from here
            raise typer.BadParameter("only grammar is there", param_hint="--engine")
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        _tell(report, output)


def _by_grammar(
    output: Path, count: int, seed: int, profiles: list[str], seeds: Path | None, workers: int
) -> "GenerationReport":
    from synth.generate import generate_offline
    from synth.seeds import load_seeds, read_seeds

    errors = read_seeds(seeds) if seeds else load_seeds()
    with progress("synth generate") as tell:
        return generate_offline(
            output, count=count, random_seed=seed, profiles=profiles, seeds=errors, workers=workers, progress=tell
        )


def _tell(report: "GenerationReport", output: Path) -> None:
    say(f"{output}: {counted(report.written, 'dialogue')} of {counted(report.planned, 'scenario')}, {report.generator}")
    if report.dropped:
        rows = [(line.step, line.reason, line.dialogues) for line in report.dropped]
        print_table("Dropped", ("step", "reason", "dialogues"), rows)
    shares = [(b.profile, b.target, b.dialogues, b.recovered / max(b.dialogues, 1)) for b in report.blind]
    print_table("Recovered by the blind critic, before what it did not was dropped", _BLIND, shares)
    for line in report.batch:
        say(f"Not as a batch should be: {line}")
