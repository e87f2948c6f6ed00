"""What is in there, and why: `sample`, `why`, `sql`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quimbot_data.commands.options import (
    JsonOption,
    RefArgument,
    WorkspaceOption,
    opened,
    parsed_ref,
)
from quimbot_data.terminal import note, print_json, print_table, say
from schemas.errors import QueryError

if TYPE_CHECKING:
    from quimbot_data.workspace import Workspace

Format = Literal["table", "json", "csv", "parquet"]


def sample(
    context: typer.Context,
    ref: RefArgument,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="How many dialogues.")] = 5,
    where: Annotated[str | None, typer.Option(help="SQL condition over the columns of `dialogues`.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other dialogues.")] = 0,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Read some dialogues of a version, the same ones on every run."""
    from quimbot_data.sample import sample_dialogues

    rows = sample_dialogues(opened(context, workspace), parsed_ref(ref), count, where=where, seed=seed)
    if json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['dialogue_id']}  {row['split']}, {row['language']}, {row['license']}, {row['n_tokens']:,} tokens")
        for message in row["messages"]:
            say(f"  {message['role']}: {message['content']}")
        say()
    if not rows:
        note("No dialogue meets that condition.")


def why(
    context: typer.Context,
    dialogue_id: Annotated[str, typer.Argument(help="SOURCE:KEY, as in the column dialogue_id.")],
    version: Annotated[
        str | None, typer.Option("--version", metavar="NAME@X.Y.Z", help="Ask one version; default all.")
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """A dialogue's whole story: raw rows, steps, licence, and its fate in each version; or why it is absent."""
    from quimbot_data.why import why as run

    story = run(opened(context, workspace), dialogue_id, parsed_ref(version) if version else None)
    if json:
        print_json(story.model_dump(mode="json"))
        return
    for line in story.lines():
        say(line)


def sql(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(help="One SELECT, or @NAME of --list; without it, a shell.", show_default=False)
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="NAME@X.Y.Z", help="Show a version instead of the corpora.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for $NAME in the query; repeatable.")
    ] = None,
    list_queries: Annotated[bool, typer.Option("--list", help="List the named queries.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show the query's plan instead of its result.")] = False,
    result_format: Annotated[
        Format | None, typer.Option("--format", help="Default what the output's ending names, else table.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write to a file instead of the terminal.")] = None,
    show_raw: Annotated[
        bool, typer.Option("--show-raw", help="Let `rejected` show raw rows: they may hold personal data.")
    ] = False,
    memory: Annotated[str, typer.Option(help="Memory limit.")] = "4GB",
    seconds: Annotated[float, typer.Option(min=0.1, help="Time limit.")] = 60,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Query the corpora, or a version, with DuckDB SQL: read-only, nothing but the workspace.

    Views: dialogues, messages, turns, errors, learner_texts, ledger, rejected, fates, sources, versions, runs, steps,
    losses, dialogue_losses; of a version also build, recipe, inputs, clearances, mix, evaluation, measures, recovery,
    audit.
    """
    from quimbot_data.sql.named import named_query, parameters, resolved
    from quimbot_data.sql.query import Limits, run_query

    if list_queries:
        _list_queries(as_json=json)
        return
    place, parsed = opened(context, workspace), parsed_ref(version) if version else None
    limits = Limits(memory=memory, seconds=seconds)
    named = _named_format(output) if output else None
    chosen: Format = "json" if json else result_format or named or "table"
    if query is None:
        from quimbot_data.sql.shell import shell

        shell(place, parsed, show_raw=show_raw, form=chosen, limits=limits)
        return
    if output:
        refuse_inside(place, output)
    text, given = resolved(query, parameters(param or []))
    text = f"EXPLAIN {text}" if explain else text
    found = run_query(place, text, version=parsed, show_raw=show_raw, limits=limits, parameters=given)
    from quimbot_data.sql.output import write_result  # here, so that Arrow loads beside the worker and not before it

    if explain and chosen == "table" and not output:
        say("\n".join(found["explain_value"].to_pylist()))
        return
    write_result(found, chosen, output or sys.stdout)
    if not parsed and query.startswith("@") and named_query(query.removeprefix("@")).of_version:
        note(f"{query} is about a version: name one with --version NAME@X.Y.Z.")


def _named_format(output: Path) -> Format | None:
    """The format that a file's ending names."""
    formats: dict[str, Format] = {".json": "json", ".csv": "csv", ".parquet": "parquet"}
    return formats.get(output.suffix.lower())


def _list_queries(*, as_json: bool) -> None:
    from quimbot_data.sql.named import named_queries

    queries = named_queries()
    if as_json:
        print_json([asdict(query) for query in queries])
        return
    rows = [
        [
            f"@{query.name}",
            query.grain,
            ", ".join(p.name if p.default is None else f"{p.name}={p.default}" for p in query.parameters),
        ]
        for query in queries
    ]
    print_table("", ("query", "one row is", "parameters"), rows)
    note("Run one: `quimbot sql @drop-reasons --version NAME@X.Y.Z --param source=lmsys`")


def refuse_inside(workspace: "Workspace", output: Path) -> None:
    """Results never land among corpora, versions or raw files."""
    kept = [workspace.root / name for name in ("raw", "corpus", "versions", "takedowns")]
    if any(output.absolute().resolve().is_relative_to(folder.resolve()) for folder in kept):
        raise QueryError(
            f"{output} lies among the files that the workspace keeps.", next_step="Choose a place outside of it."
        )
