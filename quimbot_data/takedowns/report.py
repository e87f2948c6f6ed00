"""What still holds taken rows: corpora, versions, exports of these, training runs, and the version to build instead."""

from collections.abc import Collection, Sequence

from pydantic import BaseModel

from quimbot_data.export.register import Export, exports_of
from quimbot_data.ledger import PURGED
from quimbot_data.takedowns.corpora import InCorpus, taken_in
from quimbot_data.takedowns.earlier import Earlier, earlier_versions
from quimbot_data.takedowns.holders import Held, held_rows
from quimbot_data.takedowns.ledger import entries, is_interrupted
from quimbot_data.takedowns.left import MOVED, told_left
from quimbot_data.takedowns.shared import still_sharing
from quimbot_data.takedowns.traces import Traces
from quimbot_data.takedowns.trained import Learnt, learnt
from quimbot_data.terminal import counted
from quimbot_data.workspace import Ref, Workspace
from schemas.manifest import CorpusManifest
from schemas.takedown import Remainder, Takedown, Tombstone


class Holder(BaseModel):
    """A version that holds rows of an entry."""

    version: str
    id: str
    dialogues: int
    """Rows of the entry, epochs counted each."""
    near_duplicates: int
    """Rows that are like them: of their cluster, or of shingles as near as the version's recipe draws the line."""
    runs: list[str]
    """Training runs on the version that saw one of these rows."""
    patched: str | None
    """A later version of its line that holds none of them, where there is one."""
    command: str | None
    """What builds that version, where there is none."""


class Withdrawn(BaseModel):
    """A version that was withdrawn on account of an entry."""

    version: str
    runs: list[str]
    """Training runs on the version that saw one of the entry's rows."""


class HeldExport(Export):
    """An export, and what is seen of an entry where it was written."""

    rows: int | None
    """Rows of the entry, or like them, that it holds now; null where it is gone or cannot be read."""

    def told(self) -> str:
        """In words."""
        if self.gone:
            return f"{self.written()}, {MOVED}"
        if self.rows is None:
            return f"{self.written()}, whose files cannot all be read"
        held = counted(self.rows, "row") if self.rows else "no row"
        return f"{self.written()}, which holds {held} of it or like it"


class EntryReport(BaseModel):
    """Who holds rows of an entry."""

    takedown: str
    reason: str
    purged: str | None
    corpora: list[InCorpus]
    """Corpora that hold its rows now, also after a purge: raw files may have brought them back."""
    holders: list[Holder]
    withdrawn: list[Withdrawn]
    earlier: list[Earlier]
    """Versions withdrawn for other entries, of which it is not known whether they held its rows."""
    interrupted: bool
    """Whether a purge was broken off: until it is ended, files of what is listed here as gone may still be there."""
    learnt: list[Learnt]
    """Training runs that saw a row of the entry, themselves or through the run that they started from."""
    exports: list[HeldExport]
    """Exports of these versions, also of those that were withdrawn: a purge does not reach folders outside."""
    left: list[Remainder]
    """What purges could not reach, with what is seen there now; what is seen to be gone is left out."""
    shared: list[str]
    """Dialogues of the same tree that hold turns of its dialogues, and are not taken."""


def report(workspace: Workspace, wanted: Sequence[Takedown]) -> list[EntryReport]:
    """Which corpora, versions and exports hold rows of these entries, and which training runs saw any.

    Raises:
        IntegrityError: a manifest is not valid, or the register of exports is not.
    """
    held = {ref: held_rows(workspace, ref, wanted) for ref in workspace.versions()} if wanted else {}
    corpora = [taken_in(workspace, source, wanted) for source in workspace.sources()] if wanted else []
    stones = [stone for ref in workspace.withdrawn() if (stone := workspace.tombstone(ref))]
    traces = Traces(wanted)
    return [
        _entry_report(
            workspace,
            entry,
            traces,
            [found[entry.id] for found in corpora if entry.id in found],
            held,
            [stone for stone in stones if entry.id in stone.takedowns],
        )
        for entry in wanted
    ]


def _entry_report(
    workspace: Workspace,
    entry: Takedown,
    traces: Traces,
    corpora: list[InCorpus],
    held: dict[Ref, dict[str, Held]],
    stones: list[Tombstone],
) -> EntryReport:
    rows = {
        workspace.version_manifest(ref).id: found[entry.id].taken | found[entry.id].near
        for ref, found in held.items()
        if entry.id in found
    }
    runs = learnt(workspace, entry.rows.dialogues, rows)
    versions = {stone.id for stone in stones}
    holders = [_holder(workspace, ref, entry.id, held, runs) for ref in held if entry.id in held[ref]]
    return EntryReport(
        takedown=entry.id,
        reason=entry.reason,
        purged=entry.purged,
        corpora=corpora,
        holders=holders,
        withdrawn=[Withdrawn(version=f"{stone.name}@{stone.version}", runs=_shown(runs, stone.id)) for stone in stones],
        earlier=earlier_versions(workspace, entry),
        interrupted=is_interrupted(workspace),
        learnt=runs,
        exports=_exports(workspace, entry, traces, versions | {holder.id for holder in holders}),
        left=told_left(workspace, entry, traces),
        shared=still_sharing(workspace, entry, entries(workspace)),
    )


def _exports(workspace: Workspace, entry: Takedown, traces: Traces, versions: Collection[str]) -> list[HeldExport]:
    found = []
    for export in exports_of(workspace, versions):
        rows = None if export.gone else traces.below(workspace.root / export.folder).held(entry)
        found.append(HeldExport(**export.model_dump(), rows=rows))
    return found


def _shown(runs: Sequence[Learnt], version_id: str) -> list[str]:
    return [each.run for each in runs if each.dialogues and each.version_id == version_id]


def _holder(
    workspace: Workspace, ref: Ref, entry: str, held: dict[Ref, dict[str, Held]], runs: Sequence[Learnt]
) -> Holder:
    manifest, rows = workspace.version_manifest(ref), held[ref][entry]
    patched = patched_version(ref, [other for other in held if entry not in held[other]])
    return Holder(
        version=str(ref),
        id=manifest.id,
        dialogues=len(rows.taken),
        near_duplicates=len(rows.near),
        runs=_shown(runs, manifest.id),
        patched=patched,
        command=None if patched else f"quimbot build {ref} --version {workspace.next_patch(ref)}",
    )


def patched_version(ref: Ref, clean: Sequence[Ref]) -> str | None:
    """The lowest of some versions that stands in for one: of its name, MAJOR and MINOR, with a higher PATCH."""
    line = ref.order()[1][:2]
    later = [other for other in clean if other.name == ref.name and other.order()[1][:2] == line]
    return next((str(other) for other in sorted(later, key=Ref.order) if other.order() > ref.order()), None)


def equal_digests(corpus: CorpusManifest, excluded: Collection[str]) -> list[str]:
    """Digests of a corpus that mean the same to whoever leaves these entries' rows out: now, and before purges of them.

    Args:
        corpus: as it is now.
        excluded: entries of the ledger.
    """
    found = [corpus.digest()]
    for purge in reversed(corpus.record.get(PURGED, [])):
        if not set(purge["takedowns"]) <= set(excluded):
            break
        found.append(purge["digest_before"])
    return found
