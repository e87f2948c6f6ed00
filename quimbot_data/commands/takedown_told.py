"""What the commands of `takedown` say on a terminal."""

from typing import TYPE_CHECKING

from quimbot_data.terminal import counted, note, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quimbot_data.takedowns.report import EntryReport
    from quimbot_data.takedowns.request import Added
    from schemas.takedown import FileErasure, PurgeJournal, Takedown

#: Rows of a request that are listed; `--json` has them all.
LISTED = 20


def print_added(added: "Added", *, dry_run: bool) -> None:
    """What a request takes, and whether it was noted."""
    from quimbot_data.takedowns.shared import told_of

    taken = added.entry.rows
    lines = [f"dialogue      {name}" for name in taken.dialogues]
    lines += [f"learner text  {name}" for name in taken.learner_texts]
    lines += [f"refused row   {row.source}: {row.raw_file}, row {row.raw_row} ({row.reason})" for row in added.refused]
    say(f"{added.entry.id}: {added.entry.reason}")
    for line in lines[:LISTED]:
        say(f"  {line}")
    if len(lines) > LISTED:
        say(f"  and {len(lines) - LISTED:,} more")
    if added.entry.shared:
        say(f"  {told_of(added.entry.shared)}")
    if dry_run:
        say(f"{counted(len(lines), 'row')} would be taken down; nothing was written.")
    elif added.new:
        rows = counted(len(lines), "row")
        say(f"Taken down: {rows}. No later build holds what is taken down, or near-duplicates of it.")
        note(f"What holds them now: `quimbot takedown report {added.entry.id}`")
    else:
        say("They were taken down before; nothing was changed.")


def listed(entry: "Takedown") -> list[object]:
    """A row of `takedown list`."""
    rows = entry.rows
    counts = (len(rows.dialogues), len(rows.learner_texts), len(rows.refused))
    return [entry.id, *counts, entry.by, entry.when[:10], (entry.purged or "")[:10], len(entry.left), entry.reason]


def print_report(entry: "EntryReport") -> None:
    """Who holds rows of an entry."""
    from quimbot_data.takedowns.shared import told_of

    say(f"{entry.takedown}: {entry.reason}")
    for stone in entry.withdrawn:
        trained = f"; trained on it: {', '.join(stone.runs)}" if stone.runs else ""
        say(f"  {stone.version} was withdrawn{trained}")
    for corpus in entry.corpora:
        again = ", though it was purged" if entry.purged else ""
        say(f"  corpus/{corpus.source} holds {corpus.told()} of it{again}")
    for export in entry.exports:
        say(f"  {export.told()}")
    _print_earlier(entry)
    for run in entry.learnt:
        shown = f"was shown {counted(run.dialogues, 'row')} of {run.version}" if run.dialogues else ""
        started = f"started from {', '.join(run.through)}, which was shown some" if run.through else ""
        say(f"  runs/{run.run} {' and '.join(filter(None, (shown, started)))}")
    if entry.shared:
        say(f"  {told_of(entry.shared)}")
    for part in entry.left:
        if part.kind != "export":  # those are told above
            say(f"  left: {part.what}")
    _print_holders(entry)


def _print_holders(entry: "EntryReport") -> None:
    if not entry.holders:
        say(f"  {_none_holds(entry)}")
        return
    columns = ("version", "dialogues", "near-duplicates", "training runs", "in its place")
    rows = [
        [
            *(holder.version, holder.dialogues, holder.near_duplicates, ", ".join(holder.runs) or "none"),
            holder.patched or holder.command,
        ]
        for holder in entry.holders
    ]
    print_table("", columns, rows)


def _none_holds(entry: "EntryReport") -> str:
    if entry.interrupted:
        return "No version is listed, but a purge was interrupted: end it before relying on that."
    which = "No version that is here" if entry.earlier else "No version"
    return f"{which} holds its rows or their near-duplicates."


def _print_earlier(entry: "EntryReport") -> None:
    from quimbot_data.takedowns.left import MOVED

    for earlier in entry.earlier:
        say(f"  {earlier.told()}")
        for export in earlier.exports:
            say(f"    {export.written()}{', ' + MOVED if export.gone else ''}")
        for name in earlier.runs:
            say(f"    runs/{name} was trained on it")


def print_purge(made: "PurgeJournal", *, done: bool) -> None:
    """What a purge erased, or would erase, and what it does not reach."""
    say(f"{', '.join(made.takedowns)}: {'erased' if done else 'would be erased'}")
    for file in made.files:
        say(f"  {file.path}: {counted(len(file.rows), 'row')}")
        _print_shared(file)
    for path in (*made.removed, *made.documents):
        say(f"  {path}: whole")
    for cache in made.replies:
        say(f"  {cache.path}: {counted(len(cache.keys), 'cached reply', 'cached replies')}")
    for source in made.corpora:
        say(f"  corpus/{source}")
    for stone in made.versions:
        instead = f"; {stone.patched} stands in for it" if stone.patched else ""
        held = f"{stone.taken:,} of {stone.dialogues:,} dialogues"
        say(f"  {stone.name}@{stone.version}: {'' if done else 'to be '}withdrawn, it held {held}{instead}")
    if not (made.files or made.removed or made.documents or made.replies or made.corpora or made.versions):
        left = any(made.left.values())
        say("  nothing more can be erased here; what is left stands below" if left else "  nothing is left of it here")
    say("Beyond reach:")
    for place in made.unreachable:
        say(f"  {place}")
    _print_unread(made.unread)


def _print_unread(unread: "Sequence[str]") -> None:
    if unread:
        say("Not looked into, or not well:")
    for place in unread[:LISTED]:
        say(f"  {place}")
    if len(unread) > LISTED:
        say(f"  and {len(unread) - LISTED:,} more")


def _print_shared(file: "FileErasure") -> None:
    """Raw rows that take others' raw text along: what can no longer be read from the raw file."""
    for shared in file.shared[:LISTED]:
        for source, dialogues in shared.dialogues.items():
            stay = "stays, and" if dialogues == 1 else "stay, and"
            told = f"{counted(dialogues, 'other dialogue')} of {source} {stay} cannot be read from raw again"
            say(f"    row {shared.row} goes whole: {told}")
    if more := file.shared[LISTED:]:
        others = sum(sum(shared.dialogues.values()) for shared in more)
        say(f"    and {counted(len(more), 'more row')}, with {counted(others, 'other dialogue')}")
