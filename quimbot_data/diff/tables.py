"""A comparison as it is told on a terminal."""

from typing import Any, Final

from quimbot_data.diff.shifts import most_moved
from quimbot_data.terminal import note, print_table, say
from schemas.diff import Diff

#: Lines of a list that are told; `--json` has all.
_MOST: Final = 20


def print_diff(found: Diff) -> None:
    """Rows that differ by reason, inputs that differ, shifts and examples."""
    a, b = found.a, found.b
    for side in (a, b):
        say(f"{side.version}, id {side.id[:16]}: {side.dialogues:,} dialogues, {side.tokens:,} tokens")
    if a.id == b.id:
        say("They are the same: one id, the same rows.")
        return
    if found.same_rows():
        say(f"Both hold the same {found.kept:,} dialogues in the same splits.")
    else:
        counts = [[line.change, line.why(), line.source, line.dialogues] for line in found.counts]
        _print("Rows", ("change", "reason", "source", "dialogues"), [*counts, ["kept", "", "", found.kept]])
    _print("Recipe", ("key", a.version, b.version), [[row.key, row.a, row.b] for row in found.recipe])
    _print_sources(found)
    _print_handovers(found)
    _print_shifts(found)
    _print_examples(found)


def _print(title: str, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    """A table after a blank line; nothing where it has no rows."""
    if rows:
        say()
        print_table(title, columns, rows)


def _print_sources(found: Diff) -> None:
    rows = [
        [row.source, row.revision_a, row.revision_b, (row.corpus_a or "")[:12], (row.corpus_b or "")[:12]]
        for row in found.sources
    ]
    _print("Sources", ("source", "revision before", "now", "corpus before", "now"), rows)


def _print_handovers(found: Diff) -> None:
    rows = [[row.dialogue_id, row.survivor] for row in found.handovers[:_MOST]]
    _print("Left to another source", ("dialogue", "survivor"), rows)
    if (more := len(found.handovers) - _MOST) > 0:
        note(f"And {more:,} more: `--json` names them all.")


def _print_shifts(found: Diff) -> None:
    rows = [
        [shift.measure, shift.band, shift.effect, shift.statistic, most_moved(shift)]
        for shift in found.shifts
        if shift.effect != 0
    ]
    _print("Shifts", ("measure", "size", "effect", "statistic", "what moved most"), rows)


def _print_examples(found: Diff) -> None:
    if found.examples:
        say()
        say("Examples")
    for line in found.examples:
        of = f", because of {line.because}" if line.because else ""
        say(f"  {line.change} {line.dialogue_id} ({line.why()}{of})")
        for said in (line.text or "").splitlines():
            say(f"    {said}")
