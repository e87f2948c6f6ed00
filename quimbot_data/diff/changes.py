"""A comparison as Markdown: what `quimbot diff --markdown` prints, and a version's `CHANGES.md`.

A document of B may travel with it. So it quotes no dialogue that B does not hold, and none whose terms forbid passing
it on or are not known: of those it gives ids alone.
"""

from collections.abc import Iterator
from typing import Final

from quimbot_data.card.markdown import code, plain, table
from quimbot_data.diff import diff
from quimbot_data.diff.shifts import most_moved
from quimbot_data.workspace import Ref, Workspace
from schemas.diff import Diff, Example

#: Lines of a list that a document shows; `quimbot diff --json` has all.
_MOST: Final = 20
#: Terms under which a document quotes no text.
_UNQUOTED: Final = frozenset({"no-transfer", "unknown"})


def document(workspace: Workspace, ref: Ref, below: Ref | None) -> str:
    """`CHANGES.md` of a published version against the one below it.

    Raises:
        MissingError: one of them is not there.
        IntegrityError: one of them is not what it was built as.
    """
    return changes(diff(workspace, below, ref)) if below else first_changes(ref)


def first_changes(ref: Ref) -> str:
    """`CHANGES.md` of a version that has none below it, or in the place of one that was withdrawn."""
    told = f"{code(str(ref))} has no version below it that it could be compared with."
    return f"# Changes in {ref}\n\n{told}\n"


def changes(found: Diff) -> str:
    """A comparison's Markdown, from A to B: the same bytes for the same versions."""
    a, b = found.a, found.b
    opening = (
        f"{code(b.version)} (id `{b.id[:16]}`) holds {b.dialogues:,} dialogues, {b.tokens:,} tokens. "
        f"It is compared with {code(a.version)} (id `{a.id[:16]}`): {a.dialogues:,} dialogues, {a.tokens:,} tokens."
    )
    return "\n\n".join([f"# Changes in {b.version}", opening, *_parts(found)]) + "\n"


def _parts(found: Diff) -> Iterator[str]:
    yield _rows(found)
    if found.recipe:
        keys = [[code(row.key), _value(row.a), _value(row.b)] for row in found.recipe]
        yield from ("## Recipe", table(["Key", "Before", "Now"], keys))
    if found.sources:
        yield from ("## Sources", _sources(found))
    if found.handovers:
        yield from ("## Left to another source", _handovers(found))
    if shifted := _shifts(found):
        columns = ["Measure", "Size", ">Effect", "Statistic", "What moved most"]
        yield from ("## Shifts", table(columns, shifted))
    if found.examples:
        yield from ("## Examples", "\n".join(map(_example, found.examples)))


def _value(value: str | None) -> str:
    return "–" if value is None else code(value)


def _rows(found: Diff) -> str:
    if found.same_rows():
        return f"Both hold the same {found.kept:,} dialogues in the same splits."
    rows = [[line.change, plain(line.why()), code(line.source), f"{line.dialogues:,}"] for line in found.counts]
    counts = table(["Change", "Reason", "Source", ">Dialogues"], rows)
    kept = f"{found.kept:,} dialogues are as they were."
    added = " An added one has the reason for which the version before left it out." if found.rows("added") else ""
    return f"{counts}\n\n{kept}{added}"


def _sources(found: Diff) -> str:
    rows = [
        [code(row.source), _value(row.revision_a), _value(row.revision_b)]
        + [code(digest[:12]) if digest else "–" for digest in (row.corpus_a, row.corpus_b)]
        for row in found.sources
    ]
    return table(["Source", "Revision before", "Now", "Corpus before", "Now"], rows)


def _handovers(found: Diff) -> str:
    lines = [f"- {code(row.dialogue_id)} to {code(row.survivor)}" for row in found.handovers[:_MOST]]
    more = len(found.handovers) - _MOST
    return "\n".join([*lines, f"- and {more:,} more"] if more > 0 else lines)


def _shifts(found: Diff) -> list[list[str]]:
    return [
        [shift.measure, shift.band, _effect(shift.effect), shift.statistic, plain(most_moved(shift))]
        for shift in found.shifts
        if shift.effect != 0
    ]


def _effect(effect: float | None) -> str:
    return "–" if effect is None else f"{effect:.3f}"


def _example(example: Example) -> str:
    of = f", because of {code(example.because)}" if example.because else ""
    line = f"- {example.change} {code(example.dialogue_id)} ({plain(example.why())}{of})"
    if not (example.text and _quotable(example)):
        return line
    return line + "".join(f"\n  > {plain(said)}\\" for said in example.text.split("\n")).removesuffix("\\")


def _quotable(example: Example) -> bool:
    return example.split_b is not None and not _UNQUOTED & set(example.terms)
