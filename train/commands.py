"""What becomes of a run: `train score`, `train export` and `eval`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from quimbot_data.commands.options import JsonOption, LogJsonOption, RefArgument, WorkspaceOption, opened, parsed_ref
from quimbot_data.terminal import note, print_json, print_table, progress, say
from train.options import check_extra

if TYPE_CHECKING:
    from train.evaluate.results import Evaluation
    from train.export import Format, GgufType, ModelExport

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A finished run of the workspace.")]


class Split(StrEnum):
    """Splits of a version."""

    train, validation, test = "train", "validation", "test"


class Form(StrEnum):
    """What a run is exported as."""

    safetensors, gguf, ollama = "safetensors", "gguf", "ollama"


class Kind(StrEnum):
    """Types of the matrices in a GGUF file."""

    f16, q8_0 = "F16", "Q8_0"


def score(
    context: typer.Context,
    ref: RefArgument,
    adapter: Annotated[
        str, typer.Option("--adapter", metavar="RUN", help="The run whose adapter is set against its base.")
    ],
    split: Annotated[
        list[Split] | None,
        typer.Option("--split", help="Score this split; may be given again. Default: all."),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(
            "--most", min=1, help="Score so many dialogues of a split at most, a random sample.", show_default=False
        ),
    ] = None,
    longest: Annotated[
        int,
        typer.Option(
            "--longest", min=16, help="Read so many tokens of a dialogue at most; whole turns beyond are left out."
        ),
    ] = 2048,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the loss of every turn of a version under a run's base and under its adapter, for `quimbot sql`.

    The views are `losses` (turns) and `dialogue_losses`; `quimbot sql @losses-by-source`, `@losses-by-level`,
    `@losses-by-move` and `@losses-worse` ask them. Interrupted, it goes on with the next data file.
    """
    check_extra()
    from train.models import enough_memory
    from train.score import Scope, losses_of
    from train.score import score as run

    place, scope = opened(context, workspace), Scope([each.value for each in split or Split], most, longest)
    with progress("score", log_json=log_json, unit="dialogues") as tell, enough_memory():
        scored = run(place, parsed_ref(ref), adapter, scope, tell)
    sums = [(name, losses_of(place, scored, name, most).sum()) for name in scope.splits]
    rows = [
        {
            **{"split": name, "tokens": total["n_tokens"].item(), "base": total["base_nll"].item()},
            **{"adapter": total["adapter_nll"].item()},
        }
        for name, total in sums
        if total["n_tokens"].item()
    ]
    for row in rows:
        row["base"], row["adapter"] = row["base"] / row["tokens"], row["adapter"] / row["tokens"]
    if json:
        print_json(scored.model_dump(mode="json") | {"splits": rows})
        return
    print_table(f"Nats a token of {ref}", ("split", "tokens", "base", adapter), [list(row.values()) for row in rows])
    if cut := sum(scored.cut.get(name, 0) for name in scope.splits):
        note(f"{cut:,} dialogues are longer than {longest:,} tokens: their last turns were left out.")
    say('quimbot sql "SELECT * FROM dialogue_losses ORDER BY change DESC LIMIT 10"')


def export(
    context: typer.Context,
    run: RunArgument,
    formats: Annotated[
        list[Form] | None,
        typer.Option("--format", help="Write this format; may be given again. Default: all."),
    ] = None,
    kind: Annotated[
        list[Kind] | None,
        typer.Option("--type", help="Write GGUF files of this type; may be given again. Default: both."),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare", help="Load GGUF files in llama.cpp, and compare them with transformers."
        ),
    ] = True,
    license_id: Annotated[
        str | None,
        typer.Option("--base-license", help="Licence of the base, where it states none.", show_default=False),
    ] = None,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Merge a run's adapter and write safetensors, GGUF, an Ollama Modelfile and a card into `runs/RUN/export/`.

    GGUF files are loaded in llama.cpp and compared with transformers, token by token.

    Exit 1 if they do not say the same.
    """
    check_extra()
    from train.export import export as write

    place = opened(context, workspace)
    with progress(f"export {run}", log_json=log_json, unit="done") as tell:
        chosen = (
            cast("list[Format]", [each.value for each in formats or Form]),
            cast("list[GgufType]", [each.value for each in kind or Kind]),
        )
        made = write(place, run, *chosen, compare=compare, license_id=license_id, progress=tell)
    differ = [each.file for each in made.parity if not each.holds]
    if json:
        print_json(made.model_dump(mode="json") | {"differ": differ})
    else:
        _print_export(made, place.run(run) / "export")
    for file in differ:
        note(f"{file} does not say what the safetensors say: see export.json.")
    raise typer.Exit(1 if differ else 0)


def evaluate(
    context: typer.Context,
    run: RunArgument,
    most: Annotated[
        int | None,
        typer.Option(
            "--most",
            min=1,
            help="Score so many dialogues of a test split at most, a random sample.",
            show_default=False,
        ),
    ] = None,
    prompts: Annotated[
        int | None,
        typer.Option(
            "--prompts", min=0, help="Ask so many prompts of each set at most; 0 asks none.", show_default=False
        ),
    ] = None,
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="Let an answer have so many tokens at most.")] = 128,
    longest: Annotated[
        int,
        typer.Option(
            "--longest", min=16, help="Read so many tokens of a dialogue at most; whole turns beyond are left out."
        ),
    ] = 2048,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Have the model of this name compare answers.", show_default=False)
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", help="Address of the judge; default: OPENAI_BASE_URL.", show_default=False),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="File of its key; default: OPENAI_API_KEY.", show_default=False)
    ] = None,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Set a run against its base: losses on the test split, answers to prompt sets, and what stage 2 forgot.

    Writes `runs/RUN/evaluation/`: report.md with plots and samples side by side, and evaluation.json with every figure.
    Losses and answers that are there already are kept.
    """
    check_extra()
    from quimbot_data.endpoint import choose_endpoint
    from train.evaluate import Settings
    from train.evaluate import evaluate as measure
    from train.models import enough_memory

    place = opened(context, workspace)
    asked = (choose_endpoint(base_url, key_file), judge) if judge else None
    with progress(f"eval {run}", log_json=log_json, unit="done") as tell, enough_memory():
        found = measure(place, run, Settings(most, longest, prompts, tokens, asked), tell)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        _print_evaluation(found)
        say(str(place.run(run) / "evaluation" / "report.md"))


def _print_evaluation(found: "Evaluation") -> None:
    for losses in found.losses:
        lines = [
            [
                line.name,
                line.dialogues,
                *(each.value for each in line.nll),
                *(each.shown("+.3f") for each in line.change),
            ]
            for line in losses.lines
        ]
        columns = ("group", "dialogues", *losses.models, *(f"{model} − base" for model in losses.models[1:]))
        print_table(f"Nats a token, test split of {losses.version}{losses.why}", columns, lines)
    overall = [each for each in found.measures if each.language == "all"]
    if overall:
        rows = [[each.measure, max(each.units), *(value and value.value for value in each.values)] for each in overall]
        print_table("What is said", ("measure", "answers", *found.models), rows)


def _print_export(made: "ModelExport", folder: Path) -> None:
    print_table("", ("file", "MB"), [[name, (folder / name).stat().st_size / 1e6] for name in made.files])
    for each in made.parity:
        say(
            f"{each.file}: {each.equal} of {len(each.prompts)} prompts answered the same; KL {each.kl:.1e} nats a token"
        )
    say(str(folder))
