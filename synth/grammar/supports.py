"""Supports: a turn of a strategy, and after confusion or a slow response a simpler or a shorter one."""

from typing import Final

from quimbot_data.pedagogy.adaptation import simplify_fault
from quimbot_data.pedagogy.tokens import words_of
from schemas.learner import Background, Move, Strategy
from synth.grammar.dialogue import Course, Spoken
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
    parts = [opened]
    if not opened and course.chance.random() < OPENED.get(course.scenario.level, 0.6):
        praises = not again and course.chance.random() < PRAISE
        cheers = again and course.path[-1] != "acknowledge" and course.chance.random() < CHEERS["again"]
        opening = "effort" if cheers else "again-open" if again else "praise" if praises else "open"
        parts = [say(course, opening)]
        moves = ["affirm", strategy] if praises else moves
    parts.append(_core(course, strategy))
    if strategy != "recast" and course.chance.random() < MARKED[course.scenario.profile.background]:
        mark(course, parts, moves, strategy)
    return Spoken(joined(course, parts), moves, strategy, mixed=mixed)


def _core(course: Course, strategy: Strategy) -> str:
    if strategy != "recast":
        apart = f"{strategy}-{course.scenario.seed.family}"
        return say(course, apart if course.speaker.holds(apart) else strategy)
    tail = say(course, "recast-tail") if course.chance.random() < TAIL else ""
    return joined(course, [say(course, "recast"), question(course), tail])


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
