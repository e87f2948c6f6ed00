"""From raw files to corpora: `demo`, `sources`, `fetch`, `ingest`."""

from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption, LogJsonOption, ThreadsOption, WorkspaceOption, grouped, opened
from quimbot_data.report import print_ledger, source_row, text
from quimbot_data.terminal import finishing_what_is_in_hand, log_steps, note, print_json, print_table, progress, say
from schemas.errors import InputError, MissingError

if TYPE_CHECKING:
    from quimbot_data.sources.source import Corpus, Options
    from quimbot_data.takedowns.corpora import InCorpus
    from quimbot_data.workspace import Workspace
    from schemas.manifest import CorpusManifest


def demo(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Bundled samples to a version, a card and a query: under a minute, offline.

    The workspace is temporary unless one is given.
    """
    from quimbot_data.demo import run_demo

    given = workspace or context.obj
    run_demo(opened(context, given) if given else None)


def sources(context: typer.Context, json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Corpora that can be read: family, licence, terms, and what the workspace holds of each."""
    from quimbot_data.sources import SOURCES

    place = opened(context, workspace)
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

    if source == "messages":
        raise MissingError(
            "There is nothing to fetch: messages are files of your own.",
            next_step="Name them to `quimbot ingest messages`.",
        )
    dossier, place = corpus_named(source).dossier, opened(context, workspace)
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


@dataclass(frozen=True, kw_only=True)
class OwnFiles:
    """What `messages` are, by whoever brings them: no file says it."""

    name: Annotated[str | None, typer.Option("--as", help="messages: what the source is called from here on.")] = None
    family: Annotated[
        str | None, typer.Option(help="messages: conversation, instruction, multilingual, pedagogical or safety.")
    ] = None
    license_id: Annotated[str | None, typer.Option("--license", help="messages: SPDX id, or LicenseRef-NAME.")] = None
    terms: Annotated[
        list[str] | None,
        typer.Option(
            help="messages: terms beyond those that the licence implies (attribution, share-alike, non-commercial, "
            "research-only, no-transfer, unknown, or none); repeatable."
        ),
    ] = None
    attribution: Annotated[
        str, typer.Option(help="messages: the line to print wherever rows of it are published.", show_default=False)
    ] = ""
    url: Annotated[str, typer.Option(help="messages: where the corpus is found.", show_default=False)] = ""

    def corpus(self) -> "Corpus":
        """The source that they make.

        Raises:
            MissingError: name, family or licence is not told, or the name is a known corpus's.
        """
        from quimbot_data.licenses import terms_of
        from quimbot_data.sources import SOURCES, messages

        if not (self.name and self.family and self.license_id):
            raise MissingError(
                "Files of your own need a name, a family and a licence.",
                next_step="Example: quimbot ingest messages my.jsonl --as my-chats --family conversation "
                "--license CC-BY-4.0 --terms attribution",
            )
        if self.name in SOURCES:
            raise MissingError(f"{self.name} is the name of a known corpus.", next_step="Choose another with --as.")
        rights = terms_of(self.license_id, self.terms)
        return messages.corpus(
            self.name, self.family, self.license_id, rights, attribution=self.attribution, url=self.url
        )


@grouped
def ingest(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A corpus, or `messages` for files of your own.")],
    own: OwnFiles,
    *,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Raw files or folders; default raw/SOURCE.")
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
    """Turn raw files into a corpus of dialogues; replaces what the source held, atomically.

    The format of rows is checked, not what they say: whether synthetic dialogues keep the invariants of scaffolding is
    told by `quimbot critics check FILE`.

    Rows that were taken down are ingested, too, since a purge finds the raw rows by the corpus; they are told.
    """
    from quimbot_data.classifier import load_classifier
    from quimbot_data.ingest import ingest as run
    from quimbot_data.sources import refuse_other_corpora

    place = opened(context, workspace)
    corpus = _corpus(place, source, own)
    chosen, options = _raw_files(place, source, corpus, paths, revision)
    refuse_other_corpora(corpus, chosen)
    model = load_classifier(classifier) if classifier else None
    title = f"ingest {corpus.dossier.name}"
    with finishing_what_is_in_hand(), progress(title, log_json=log_json) as tell:
        manifest = run(place, corpus, chosen, options, threads=threads, classifier=model, progress=tell)
    if log_json:
        log_steps(title, manifest.record)
    _report(place, manifest, title, json=json, log_json=log_json)
    if not (manifest.dialogues or manifest.learner_texts):
        raise InputError(
            "Nothing was kept." if manifest.rejected else "The raw files hold no rows.",
            next_step="`quimbot sql 'SELECT source, reason, detail FROM rejected LIMIT 5'` shows why."
            if manifest.rejected
            else "Name the files that do.",
        )


def _corpus(place: "Workspace", source: str, own: OwnFiles) -> "Corpus":
    from quimbot_data.sources import SOURCES, corpus_named

    if source == "messages":
        return own.corpus()
    if source not in SOURCES and source in place.sources():
        raise MissingError(
            f"{source} was made of files of your own.",
            next_step=f"Ingest it as then: `quimbot ingest messages PATH --as {source} --family … --license …`.",
        )
    if own != OwnFiles():
        raise MissingError(
            f"{source} states its own name, family, licence and terms.",
            next_step="Leave --as, --family, --license, --terms, --attribution and --url out.",
        )
    return corpus_named(source)


def _raw_files(
    place: "Workspace", source: str, corpus: "Corpus", paths: list[Path] | None, revision: str | None
) -> "tuple[list[Path], Options]":
    """The files or folders to read, and the revision that they are of."""
    from quimbot_data.hub.raw_folder import fetched
    from quimbot_data.sources.source import Options

    if paths:
        return paths, Options(revision=revision)
    folder = place.raw(source)
    if not folder.exists():
        raise MissingError(
            f"{folder} does not exist.",
            next_step=f"{corpus.dossier.obtain} Or name the files: `quimbot ingest {source} PATH`.",
        )
    record = fetched(folder)
    return [folder], Options(revision=revision or (record.revision if record else None))


def _report(place: "Workspace", manifest: "CorpusManifest", title: str, *, json: bool, log_json: bool) -> None:
    """What became of the raw rows, and what of them is taken down."""
    from quimbot_data.takedowns.corpora import taken_in
    from quimbot_data.takedowns.ledger import entries

    taken = taken_in(place, manifest.source, entries(place))
    if json:
        held = {entry: found.model_dump(mode="json") for entry, found in taken.items()}
        print_json(manifest.model_dump(mode="json") | {"taken_down": held})
    else:
        print_ledger(manifest)
    for entry, found in taken.items():
        line = {"run": title, "taken_down": entry, **found.model_dump(mode="json")}
        note(dumps(line) if log_json else _told(entry, found))


def _told(entry: str, found: "InCorpus") -> str:
    return (
        f"Taken down by {entry}: {found.told()} of {found.source}. No build takes what is taken down; "
        f"`quimbot takedown purge {entry}` erases it from corpus and raw files."
    )
