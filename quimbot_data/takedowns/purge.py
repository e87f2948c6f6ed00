"""Erasing taken rows from a workspace: raw files, corpora, copies; versions that hold them leave a tombstone.

    plan -> journal -> files rewritten or removed -> corpora, manifest last -> versions withdrawn -> ledger

The journal holds what is to be done, by places and hashes and without text. Each part of it sees whether it is done
already, so a purge that was killed ends, run again, as it would have.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from quimbot_data.export.register import strike
from quimbot_data.takedowns import ledger
from quimbot_data.takedowns.erasing import erase_rows
from quimbot_data.takedowns.ledger import JOURNAL
from quimbot_data.takedowns.left import as_they_are
from quimbot_data.takedowns.plan import plan
from quimbot_data.takedowns.replies import erase_replies
from quimbot_data.takedowns.rewriting import rewrite_corpus
from quimbot_data.takedowns.withdraw import remove, withdraw, withdraw_document
from quimbot_data.workspace import (
    MANIFEST,
    Workspace,
    file_digest,
    read_model,
    sweep,
    write_model,
)
from schemas.errors import LockedError
from schemas.takedown import PurgeJournal, Takedown


def purge(workspace: Workspace, wanted: Sequence[Takedown]) -> list[PurgeJournal]:
    """Erase the rows of some entries from the workspace.

    Returns:
        What was done: a purge that was under way and is ended now, if there was one, then this one.

    Raises:
        LockedError: another process works on a corpus or version, or takes rows down.
        WorkspaceError: the workspace cannot be written.
        IntegrityError: a manifest is not valid.
    """
    journal, done = ledger.folder(workspace) / JOURNAL, []
    with workspace.lock(ledger.LOCK), workspace.lock("export"), _corpora_held(workspace) as held:
        if journal.exists():
            done.append(read_model(journal, PurgeJournal))
            _carry_out(workspace, done[0], held)
        wanted = ledger.named(workspace, [entry.id for entry in wanted])  # the purge that was ended has written there
        made = plan(workspace, wanted)
        if _does_something(made) or any(entry.purged is None for entry in wanted):
            write_model(journal, made)
            _carry_out(workspace, made, held)
            return [*done, made]
        for entry in wanted:
            if entry.left != made.left[entry.id]:
                ledger.write(workspace, entry.model_copy(update={"left": made.left[entry.id]}))
        return [*done, made]


def _does_something(made: PurgeJournal) -> bool:
    return bool(made.files or made.removed or made.documents or made.replies or made.corpora or made.versions)


@contextmanager
def _corpora_held(workspace: Workspace) -> Iterator[set[str]]:
    """All corpora, so that nothing is built or ingested meanwhile; yields the names of the locks."""
    with ExitStack() as held:
        for source in workspace.sources():
            held.enter_context(workspace.lock("corpus", source))
        yield {f"corpus-{source}" for source in workspace.sources()}


def _carry_out(workspace: Workspace, made: PurgeJournal, held: set[str]) -> None:
    wanted = ledger.named(workspace, made.takedowns)
    _erase_copies(workspace, made)
    for source, before in made.corpora.items():
        if file_digest(workspace.corpus(source) / MANIFEST) == before:
            rewrite_corpus(workspace, source, made, wanted)
        sweep(workspace.corpus(source), {MANIFEST, *workspace.corpus_manifest(source).paths()})
    for stone in made.versions:
        withdraw(workspace, stone)
    for document in made.documents:
        withdraw_document(workspace, document)
    _clear_remains(workspace, held)
    for entry in wanted:
        left = as_they_are(workspace, made.left[entry.id])
        ledger.write(workspace, entry.model_copy(update={"purged": ledger.now(), "left": left}))
    remove(ledger.folder(workspace) / JOURNAL)


def _erase_copies(workspace: Workspace, made: PurgeJournal) -> None:
    """Raw files, copies and cached replies."""
    for file in made.files:
        path = workspace.root / file.path
        if path.exists() and file_digest(path) == file.sha256:
            erase_rows(path, set(file.rows))
    for place in made.removed:
        remove(workspace.root / place)
    strike(workspace, made.removed)
    for cache in made.replies:
        if (workspace.root / cache.path).exists():
            erase_replies(workspace.root / cache.path, cache.keys)


def _clear_remains(workspace: Workspace, held: set[str]) -> None:
    """What killed runs left: scratch folders that nobody works in, and files that were never finished."""
    for place in sorted((workspace.root / ".scratch").glob("*")):
        if place.name in held:
            remove(place)
            continue
        try:
            with workspace.lock(place.name):
                remove(place)
        except LockedError:  # a run that began before this purge, on corpora of its own
            continue
    for top in ("raw", "evaluation", "takedowns"):
        for path in (workspace.root / top).rglob(".writing-*"):
            remove(path)
