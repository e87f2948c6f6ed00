"""Supports: a turn of a strategy, and after confusion or a slow response a simpler or a shorter one."""

from typing import Final

from quimbot_data.pedagogy.adaptation import simplify_fault
from quimbot_data.pedagogy.tokens import words_of
from schemas.learner import Background, Move, Strategy
from synth.grammar.dialogue import Course, Spoken
from synth.grammar.phrases import long_cue
from synth.grammar.turns import CHEERS, drawn, holds, joined, mark, mirrored, question, say
from synth.scenarios import openings

#: Shares of first supports: that open with something, by level, and of those that do, with praise or thanks.
OPENED: Final[dict[str, float]] = {"A1": 0.4, "A2": 0.6, "B1": 0.9}
PRAISE: Final = 0.65
#: Shares of recasts that go on after their question, and of other supports that have the mark of a background.
TAIL: Final = 0.6
MARKED: Final[dict[Background, float]] = {"heritage": 0.9, "l2": 0.15}


def support(course: Course, strategy: Strategy, *, again: bool = False) -> Spoken:
    """A turn of a strategy, the first one or another after one that failed."""
    if strategy == "explore":
        _alternate(course)
    return drawn(course, lambda: _support(course, strategy, again=again), lambda said: holds(course, said))


def _support(course: Course, strategy: Strategy, *, again: bool) -> Spoken:
    moves: list[Move] = [strategy]
    opened, mixed = mirrored(course)
    opening = None if opened else _opening(course, again=again)
    if opening == "praise":
        moves.insert(0, "affirm")
    parts = [say(course, opening) if opening else opened, _core(course, strategy)]
    if strategy != "recast" and course.chance.random() < MARKED[course.scenario.profile.background]:
        mark(course, parts, moves, strategy)
    return Spoken(joined(course, parts), moves, strategy, mixed=mixed)


def _opening(course: Course, *, again: bool) -> str | None:
    """The rule of what a support opens with; who passed a question over is always answered."""
    if again and course.path[-1] == "acknowledge":
        return "again-asked"
    if course.chance.random() >= OPENED.get(course.scenario.level, 0.6):
        return None
    if not again:
        return "praise" if course.chance.random() < PRAISE else "open"
    return "effort" if course.chance.random() < CHEERS["again"] else "again-open"


def _core(course: Course, strategy: Strategy) -> str:
    if strategy != "recast":
        apart = f"{strategy}-{course.scenario.seed.family}"
        return _worded(course, apart if course.speaker.holds(apart) else strategy)
    tail = say(course, "recast-tail") if course.chance.random() < TAIL else ""
    return joined(course, [say(course, "recast"), question(course), tail])


def _worded(course: Course, rule: str) -> str:
    """Words of a support; a cue that is long in itself is followed by nothing."""
    speaker, forms = course.speaker, course.speaker.forms
    if rule == "hint" and long_cue(str(course.scenario.seed.cue)):
        speaker.forms = ("brief", *forms)
    try:
        return say(course, rule)
    finally:
        speaker.forms = forms


def _alternate(course: Course) -> None:
    """Each further comparison of a dialogue has the other order."""
    if "explore" in course.supports:
        slots = course.speaker.slots
        slots["first"], slots["second"] = slots["second"], slots["first"]


def simpler(course: Course, strategy: Strategy) -> Spoken:
    """The same in fewer and easier words; never of a recast, which is clear in itself."""
    language, before = course.scenario.profile.language, course.messages[-2]["content"]
    forms, course.speaker.forms = course.speaker.forms, ("simple", "A1")
    try:
        return drawn(
            course,
            lambda: Spoken(joined(course, [say(course, strategy)]), ["simplify", strategy], strategy),
            lambda said: simplify_fault(said.text, before, language) is None and holds(course, said),
        )
    finally:
        course.speaker.forms = forms


def shorter(course: Course) -> Spoken:
    """Time, and a way in: a hint or a choice of two."""
    seed, level = course.scenario.seed, course.scenario.level
    hints = "hint" in openings(seed, level) and course.supports[-1] in ("hint", "explore")
    strategy: Strategy = "hint" if hints else "explore"
    if strategy == "explore":
        _alternate(course)
    language = course.scenario.profile.language
    most = len(words_of(course.messages[-2]["content"], language))
    return drawn(
        course,
        lambda: Spoken(joined(course, [say(course, f"short-{strategy}")]), [strategy], strategy),
        lambda said: len(words_of(said.text, language)) < most and holds(course, said),
    )
