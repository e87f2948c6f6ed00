"""Critics of a dialogue's course: its structure, one target at a time, and what the learner made of each support."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from quimbot_data.pedagogy.edits import Pieces
from quimbot_data.pedagogy.invariants import Failure
from quimbot_data.pedagogy.scene import LEARNER, TUTOR, Row, Scene, Turn, whole
from schemas.dialogue import turn_structure_fault
from schemas.learner import STRATEGIES

LEAST_MESSAGES: Final = 4
MOST_MESSAGES: Final = 12
#: How narrow a support is: how little it leaves to the learner.
NARROWNESS: Final = {"hint": 0, "explore": 1, "question": 1, "recast": 2}
#: Failed supports after which a narrower one is due.
PATIENCE: Final = 2
FAILED: Final = frozenset({"needs_repair", "none"})


def structure(scene: Scene) -> Iterator[Failure]:
    """Invariant 1: roles alternate, tutor last, 4 to 12 messages; annotations and spans point at what is there."""
    if order := turn_structure_fault(scene.roles):
        yield Failure("structure", None, f"{order}: user and assistant must alternate, the assistant last.")
        return
    if not LEAST_MESSAGES <= len(scene.turns) <= MOST_MESSAGES:
        found = f"{len(scene.turns)} messages; {LEAST_MESSAGES} to {MOST_MESSAGES} are valid."
        yield Failure("structure", None, found)
    for number, error in enumerate(scene.errors):
        if fault := _span_fault(scene, error):
            yield Failure("structure", whole(error.get("position")), f"Error {number}: {fault}.")
    spans = sorted(_place(error) for error in scene.errors)
    for (at, _, end), (next_at, start, _) in pairwise(spans):
        if at == next_at and start < end:
            yield Failure("structure", at, "Two errors overlap: the edits cannot both be applied.")
    for turn in scene.turns:
        if fault := _note_fault(scene, turn):
            yield Failure("structure", turn.position, fault)


def _place(error: Row) -> tuple[int, int, int]:
    at, start, end = (whole(error.get(key)) for key in ("position", "start", "end"))
    return (at or 0, start or 0, end or 0)


def _span_fault(scene: Scene, error: Row) -> str | None:
    at, start, end = _place(error)
    turn = next((turn for turn in scene.turns if turn.position == at), None)
    original, corrected = str(error.get("original") or ""), str(error.get("corrected") or "")
    if turn is None or turn.role != LEARNER:
        return f"message {at} is not the learner's"
    if turn.text[start:end] != original:
        return f"{turn.text[start:end]!r} stands at {start} to {end}, not {original!r}"
    if original == corrected:
        return f"{original!r} is put right by itself"
    operation = "missing" if not original else "replacement" if corrected else "unnecessary"
    if error.get("operation") not in (None, operation):
        return f"{error.get('operation')} does not fit {original!r} and {corrected!r}"
    return None


def _note_fault(scene: Scene, turn: Turn) -> str | None:
    if turn.role == LEARNER and (turn.moves or turn.strategy or turn.target is not None or turn.note):
        return "Moves, strategy, target and cultural note are a tutor's."
    if turn.role == TUTOR and (turn.signals or turn.uptake):
        return "Signals and uptake are a learner's."
    if turn.target is not None and not 0 <= turn.target < len(scene.errors):
        return f"Target {turn.target} is no error of the dialogue."
    error = scene.error_of(turn)
    if error is not None and (whole(error.get("position")) or 0) > turn.position:
        return "The target is an error that the learner has not made yet."
    return None


def one_target(scene: Scene) -> Iterator[Failure]:
    """Invariant 7: one target error a tutor turn; after two failed supports of an error, a narrower one."""
    for turn in scene.tutor:
        if found := _targets_fault(scene, turn):
            yield Failure("one-target", turn.position, found)
    supports: dict[Pieces, list[Turn]] = {}
    for turn in scene.tutor:
        # The same mistake made again is the same target, though another span.
        if turn.strategy and not _adapts(scene, turn) and (edit := scene.edit_of(turn)):
            supports.setdefault(edit.right, []).append(turn)
    for several in supports.values():
        yield from _not_narrower(scene, several)


def _adapts(scene: Scene, turn: Turn) -> bool:
    """Whether a turn answers confusion or a slow response, which ask for a form of their own."""
    asked = scene.before(turn, LEARNER)
    return asked is not None and bool({"slow_response", "confusion"} & set(asked.signals))


def _targets_fault(scene: Scene, turn: Turn) -> str | None:
    named = [move for move in turn.moves if move in STRATEGIES]
    if turn.strategy and turn.target is None:
        return f"The {turn.strategy} names no target error."
    if len(set(named) | ({turn.strategy} if turn.strategy else set())) > 1:
        return f"Several strategies in one turn: {', '.join(sorted(set(named)))}."
    if not turn.strategy:
        return None
    edit = scene.edit_of(turn)
    for number, other in enumerate(scene.edits):
        if edit is None or other is None or number == turn.target or scene.errors[number].get("is_variation"):
            continue
        told = other.right != edit.right and other.held_in(turn.text)
        if told and not edit.held_in(other.original) and whole(scene.errors[number].get("position")) != turn.position:
            return f"It tells {other.corrected!r} too, the correction of another error than its target."
    return None


def _not_narrower(scene: Scene, supports: list[Turn]) -> Iterator[Failure]:
    failed = 0
    for turn, following in pairwise(supports):
        failed = _counted(failed, scene.after(turn))
        narrow, next_narrow = NARROWNESS.get(turn.strategy or "", 0), NARROWNESS.get(following.strategy or "", 0)
        asked = scene.before(following, LEARNER)
        adapts = asked is not None and {"slow_response", "confusion"} & set(
            asked.signals
        )  # which asks for its own form
        if failed >= PATIENCE and not adapts and next_narrow <= narrow and following.strategy != "recast":
            found = f"After {failed} failed supports a {following.strategy} follows a {turn.strategy}; narrower is due."
            yield Failure("one-target", following.position, found)


def failed_supports(scene: Scene, turn: Turn) -> int:
    """Supports before a turn that did not lead to a repair, since the last that did."""
    failed = 0
    for support in (each for each in scene.tutor if each.position < turn.position and each.strategy):
        answer = scene.after(support)
        failed = 0 if answer is not None and answer.uptake == "repair" else failed + 1
    return failed


def _counted(failed: int, answer: Turn | None) -> int:
    """Failed supports after one more answer; what is neither a failure nor a repair changes nothing."""
    if answer is not None and answer.uptake == "repair":
        return 0
    return failed + 1 if answer is not None and answer.uptake in FAILED else failed


def uptake(scene: Scene) -> Iterator[Failure]:
    """Invariant 8, of one dialogue: every strategy is followed by a learner turn that says what came of it."""
    for turn in scene.tutor:
        if not turn.strategy:
            continue
        answer = scene.after(turn)
        if answer is None:
            yield Failure("uptake", turn.position, f"No learner turn follows the {turn.strategy}.")
        elif not answer.uptake:
            yield Failure("uptake", answer.position, f"What the learner made of the {turn.strategy} is not annotated.")
