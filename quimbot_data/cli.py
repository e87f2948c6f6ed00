"""The `quimbot` command. Commands are thin: they parse, call one function, and print what it returns.

Heavy imports stand inside the commands, so that help answers at once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from quimbot_data.report import print_ledger, print_plan, print_version, source_row, text
from quimbot_data.terminal import err, log_steps, note, print_json, print_table, progress, say
from schemas.errors import MissingError, QueryError, QuimbotError

if TYPE_CHECKING:
    from quimbot_data.sources.source import Corpus
    from quimbot_data.workspace import Ref, Workspace
    from schemas.recipe import Recipe

#: Exit code after Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130

Format = Literal["table", "json", "csv", "parquet"]

app = typer.Typer(
    name="quimbot",
    help="Raw corpora in; immutable, verified, documented dialogue datasets out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", help="Folder of datasets; default ./datasets, or QUIMBOT_WORKSPACE.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, max=64, help="Work on that many shards at once.")]
LogJsonOption = Annotated[bool, typer.Option("--log-json", help="Log progress as JSON lines on stderr.")]
RefArgument = Annotated[str, typer.Argument(metavar="NAME@X.Y.Z", help="A built version.")]


@app.callback()
def root(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Raw corpora in; immutable, verified, documented dialogue datasets out."""
    context.obj = workspace


def _open(context: typer.Context, workspace: Path | None) -> "Workspace":
    from quimbot_data.workspace import DEFAULT_ROOT, Workspace

    chosen = workspace or context.obj or os.environ.get("QUIMBOT_WORKSPACE") or DEFAULT_ROOT
    return Workspace(Path(chosen).absolute())


@app.command()
def demo(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Bundled samples to a version, a card and a query: under a minute, offline.

    The workspace is temporary unless one is given.
    """
    from quimbot_data.demo import run_demo

    given = workspace or context.obj
    run_demo(_open(context, given) if given else None)


@app.command()
def sources(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Corpora that can be read: family, licence, terms, and what the workspace holds of each."""
    from quimbot_data.sources import SOURCES

    place = _open(context, workspace)
    held = {name: place.corpus_manifest(name) for name in place.sources()}
    dossiers = {name: corpus.dossier for name, corpus in SOURCES.items()}
    rows = [
        source_row(name, dossiers.get(name), held.get(name)) for name in (*dossiers, *sorted(set(held) - set(dossiers)))
    ]
    if json:
        print_json(rows)
        return
    columns = ("source", "family", "license", "terms", "dialogues", "learner_texts")
    print_table("", columns, [[text(row[column]) for column in columns] for row in rows])
    for row in rows:
        if row["obtain"] and row["dialogues"] is None:
            note(f"{row['source']}: {row['obtain']}")
    note("messages: files of your own, `quimbot ingest messages PATH --as NAME --family F --license L`")


@app.command()
def fetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A corpus, e.g. waxal.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit; the newest if not given.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Fetch only files that match, e.g. 'data/ASR/lug/*'.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fetch a corpus from the Hub into raw/SOURCE; only what is needed, and only what is not there yet."""
    from quimbot_data.hub import FetchProgress
    from quimbot_data.hub import fetch as fetch_files
    from quimbot_data.sources import corpus_named
    from quimbot_data.terminal import download_progress

    dossier, place = corpus_named(source).dossier, _open(context, workspace)
    if dossier.hub is None:
        raise MissingError(f"{dossier.title} cannot be fetched.", next_step=dossier.obtain)
    with download_progress(f"fetch {source}") as tell:

        def step(state: FetchProgress) -> None:
            tell(f"{state.path} ({state.number} of {state.files})", state.received, state.size)

        report = fetch_files(dossier.hub, place.raw(source), revision=revision, only=only or (), progress=step)
    if json:
        print_json(report.model_dump(mode="json"))
        return
    say(f"{place.raw(source)}: {len(report.new)} files fetched ({report.bytes_received:,} bytes)")
    say(f"{len(report.skipped)} files were there already")
    note(f"Next: quimbot ingest {source}")


@app.command()
def ingest(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A corpus, or `messages` for files of your own.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Raw files or folders; default raw/SOURCE.")
    ] = None,
    name: Annotated[str | None, typer.Option("--as", help="messages: what the source is called from here on.")] = None,
    family: Annotated[
        str | None, typer.Option(help="messages: conversation, instruction, multilingual, pedagogical or safety.")
    ] = None,
    license_id: Annotated[str | None, typer.Option("--license", help="messages: SPDX id, or LicenseRef-NAME.")] = None,
    terms: Annotated[
        list[str] | None,
        typer.Option(
            help="messages: attribution, share-alike, non-commercial, research-only, no-transfer, unknown; repeatable."
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Revision of the raw files; default what fetch recorded.")
    ] = None,
    classifier: Annotated[
        Path | None,
        typer.Option(help="Folder of a transformers classifier: scores dialogues that carry no safety labels."),
    ] = None,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Turn raw files into a corpus of dialogues; replaces what the source held, atomically."""
    from quimbot_data.classifier import load_classifier
    from quimbot_data.hub.raw_folder import fetched
    from quimbot_data.ingest import ingest as run
    from quimbot_data.sources import refuse_other_corpora
    from quimbot_data.sources.source import Options

    place = _open(context, workspace)
    corpus = _corpus(source, name, family, license_id, terms)
    folder = place.raw(source)
    if not paths and not folder.exists():
        raise MissingError(
            f"{folder} does not exist.",
            next_step=f"{corpus.dossier.obtain} Or name the files: `quimbot ingest {source} PATH`.",
        )
    chosen = paths or [folder]
    record = None if paths else fetched(folder)
    options = Options(revision=revision or (record.revision if record else None))
    refuse_other_corpora(corpus, chosen)
    model = load_classifier(classifier) if classifier else None
    title = f"ingest {corpus.dossier.name}"
    with progress(title, log_json=log_json) as tell:
        manifest = run(place, corpus, chosen, options, threads=threads, classifier=model, progress=tell)
    if log_json:
        log_steps(title, manifest.record)
    if json:
        print_json(manifest.model_dump(mode="json"))
        return
    print_ledger(manifest)


def _corpus(
    source: str, name: str | None, family: str | None, license_id: str | None, terms: list[str] | None
) -> "Corpus":
    from quimbot_data.sources import SOURCES, corpus_named, messages

    if source != "messages":
        if name or family or license_id or terms:
            raise MissingError(
                f"{source} states its own name, family, licence and terms.",
                next_step="Leave --as, --family, --license and --terms out.",
            )
        return corpus_named(source)
    if not (name and family and license_id):
        raise MissingError(
            "Files of your own need a name, a family and a licence.",
            next_step="Example: quimbot ingest messages my.jsonl --as my-chats --family conversation "
            "--license CC-BY-4.0 --terms attribution",
        )
    if name in SOURCES:
        raise MissingError(f"{name} is the name of a known corpus.", next_step="Choose another with --as.")
    return messages.corpus(name, family, license_id, terms or [])


@app.command()
def build(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name, or a TOML file.")],
    version: Annotated[str, typer.Option("--version", help="Number of the version, X.Y.Z.")],
    audit: Annotated[
        int, typer.Option(min=0, max=100_000, help="Plant that many rows of each kind, and publish what was found.")
    ] = 0,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Build an immutable version from the corpora: mix, splits, ledger, card."""
    from quimbot_data.build import build as run
    from quimbot_data.workspace import Ref

    resolved, place = _recipe(recipe), _open(context, workspace)
    ref = Ref.parse(f"{resolved.name}@{version}")
    with progress(f"build {ref}", log_json=log_json) as tell:
        manifest, new = run(place, resolved, ref, threads=threads, audit=audit, progress=tell)
    if log_json:
        log_steps(f"build {ref}", manifest.record)
    if json:
        print_json(manifest.model_dump(mode="json") | {"written": new, "path": str(place.version(ref))})
        return
    print_version(manifest)
    say(f"{place.version(ref)}" if new else f"{place.version(ref)} holds this version already; nothing was changed.")


@app.command()
def plan(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name, or a TOML file.")],
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say before a build what each component can give, which binds, and the exact mix. Exit 1 if it can't be met."""
    from quimbot_data.plan import plan as run

    resolved, place = _recipe(recipe), _open(context, workspace)
    with progress(f"plan {resolved.name}", log_json=log_json) as tell:
        made = run(place, resolved, threads=threads, progress=tell)
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        print_plan(made)
    raise typer.Exit(1 if made.problem else 0)


def _recipe(text: str) -> "Recipe":
    from quimbot_data.recipes import shipped_recipe
    from schemas.recipe import load_recipe

    return load_recipe(Path(text)) if text.endswith(".toml") or "/" in text else shipped_recipe(text)


@app.command()
def versions(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """The versions that the workspace holds."""
    place = _open(context, workspace)
    manifests = [place.version_manifest(ref) for ref in place.versions()]
    rows = [
        {
            "version": f"{manifest.name}@{manifest.version}",
            "id": manifest.id,
            "dialogues": sum(split.rows for split in manifest.identity.splits.values()),
            "tokens": sum(split.tokens for split in manifest.identity.splits.values()),
            "profile": manifest.identity.recipe.profile,
            "created": manifest.record.get("created"),
        }
        for manifest in manifests
    ]
    if json:
        print_json(rows)
    elif not rows:
        note(f"{place.root} holds no version. Build one: `quimbot build demo --version 0.1.0`, or try `quimbot demo`.")
    else:
        print_table(
            "", list(rows[0]), [[str(row[key])[:16] if key == "id" else row[key] for key in row] for row in rows]
        )


@app.command()
def show(context: typer.Context, ref: RefArgument, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """What a version holds: mix, splits, ledger, files."""
    place, parsed = _open(context, workspace), _ref(ref)
    manifest = place.version_manifest(parsed)
    if json:
        print_json(manifest.model_dump(mode="json"))
        return
    print_version(manifest)
    print_table(
        "Ledger",
        ("source", "step", "unit", "in", "out", "reason", "rows"),
        [
            [line.source, line.step, line.unit, line.rows_in, line.rows_out, line.reason, line.rows]
            for line in manifest.ledger
            if line.reason
        ],
    )
    print_table(
        "Files",
        ("path", "rows", "bytes", "sha256"),
        [[e.path, e.rows, e.bytes, e.sha256[:16]] for e in (*manifest.data, manifest.fates)],
    )
    say(str(place.version(parsed)))


def _ref(text: str) -> "Ref":
    from quimbot_data.workspace import Ref

    return Ref.parse(text)


@app.command()
def verify(
    context: typer.Context,
    ref: RefArgument,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build again from the corpora and compare the ids.")
    ] = False,
    threads: ThreadsOption = 2,
    log_json: LogJsonOption = False,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare a version with its manifest: every byte, every row digest, its id. Exit 1 if anything differs."""
    from quimbot_data.build import rebuilt_id
    from quimbot_data.version import verify as run

    place, parsed = _open(context, workspace), _ref(ref)
    problems, manifest = run(place, parsed), place.version_manifest(parsed)
    again = None
    if rebuild:
        with progress(f"rebuild {ref}", log_json=log_json) as tell:
            again = rebuilt_id(place, manifest, threads=threads, progress=tell)
        if again != manifest.id:
            problems.append(f"built again from the corpora, its id is {again[:16]}, not {manifest.id[:16]}")
    if json:
        print_json({"version": ref, "id": manifest.id, "rebuilt_id": again, "problems": problems})
    elif problems:
        for problem in problems:
            say(problem)
        note(f"{ref} is not what its manifest states: {len(problems)} problems.")
    else:
        say(f"{ref} is whole: {len(manifest.data) + 1} data files, documents and id {manifest.id[:16]} agree.")
        if rebuild:
            say("Built again from the corpora, it has the same id.")
    raise typer.Exit(1 if problems else 0)


@app.command()
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

    rows = sample_dialogues(_open(context, workspace), _ref(ref), count, where=where, seed=seed)
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


@app.command()
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

    story = run(_open(context, workspace), dialogue_id, _ref(version) if version else None)
    if json:
        print_json(story.model_dump(mode="json"))
        return
    for line in story.lines():
        say(line)


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="One SELECT; without it, a shell.", show_default=False)] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="NAME@X.Y.Z", help="Show a version instead of the corpora.")
    ] = None,
    result_format: Annotated[Format | None, typer.Option("--format", help="Default table.")] = None,
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

    Views: dialogues, messages, learner_texts, ledger, rejected, fates, sources, versions, runs, losses.
    """
    from quimbot_data.sql.output import write_result
    from quimbot_data.sql.query import Limits, run_query
    from quimbot_data.sql.shell import shell

    place, parsed = _open(context, workspace), _ref(version) if version else None
    limits = Limits(memory=memory, seconds=seconds)
    chosen: Format = "json" if json else result_format or "table"
    if query is None:
        shell(place, parsed, show_raw=show_raw, form=chosen, limits=limits)
        return
    if output:
        _refuse_inside(place, output)
    write_result(
        run_query(place, query, version=parsed, show_raw=show_raw, limits=limits), chosen, output or sys.stdout
    )


def _refuse_inside(workspace: "Workspace", output: Path) -> None:
    """Results never land among corpora, versions or raw files."""
    kept = [workspace.root / name for name in ("raw", "corpus", "versions", "takedowns")]
    if any(output.absolute().resolve().is_relative_to(folder.resolve()) for folder in kept):
        raise QueryError(
            f"{output} lies among the files that the workspace keeps.", next_step="Choose a place outside of it."
        )


@app.command()
def card(
    context: typer.Context,
    ref: RefArgument,
    copy_to: Annotated[Path | None, typer.Option("--copy-to", help="Copy the card there, e.g. data_cards.")] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a version's card and plots again, and copy the card where documents are kept."""
    from quimbot_data.card import copy_card, refresh_documents

    place, parsed = _open(context, workspace), _ref(ref)
    refresh_documents(place, parsed)
    written = [place.version(parsed) / "README.md"]
    if copy_to:
        written.append(copy_card(place, parsed, copy_to))
    if json:
        print_json({"version": ref, "written": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))


def main() -> NoReturn:
    """Run the command line: 0 done, 1 a clear error, 2 usage, 130 interrupted."""
    debug, stdout = "--debug" in sys.argv, sys.stdout
    try:
        app()
    except QuimbotError as error:
        if debug:
            raise
        err.print(f"Error: {error}", markup=False, style="red")
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            note("Interrupted. Nothing unfinished is visible; run the command again.")
        if sys.stdout is not stdout:  # Typer puts another in its place when the reader, `head` say, has left
            sys.exit(0)
        raise
    except Exception as error:  # the last wall: whatever nobody foresaw is one line, and a traceback under --debug
        if debug:
            raise
        note(f"Unexpected {type(error).__name__}: {error}. This is a defect: run again with --debug and report it.")
        sys.exit(1)
    sys.exit(0)
