"""What a learner says: the error in a small situation, and what they make of each support."""

from typing import TYPE_CHECKING, NamedTuple

from schemas.seed import Seed
from synth.grammar.phrases import capitalised

if TYPE_CHECKING:
    from synth.grammar.course import Course


class Said(NamedTuple):
    """A learner's message, and the seeds whose sentences begin in it at these places."""

    text: str
    errors: list[tuple[Seed, int]]
    mixed: bool


def opening(course: "Course") -> Said:
    """A situation, what is right in the learner's variety, the sentence with the error, and perhaps more."""
    scenario, space = course.scenario, course.speaker.grammar.script.space
    mixed = _mixes(course)
    parts = [_phrase(course, "mixed-situation" if mixed else "situation")]
    errors: list[tuple[Seed, int]] = []
    for seed in (scenario.variation, scenario.seed):
        if seed is not None:
            before = space.join(part for part in parts if part)
            errors.append((seed, len(before) + (len(space) if before else 0)))
            parts.append(seed.sentence)
    parts.append(_phrase(course, "aside"))
    return Said(space.join(part for part in parts if part), errors, mixed)


def repair(course: "Course") -> Said:
    """The learner finds it."""
    return _plain(course, "repair")


def again(course: "Course") -> Said:
    """The same error once more."""
    seed, space = course.scenario.seed, course.speaker.grammar.script.space
    mixed = _mixes(course)
    before = _phrase(course, "mixed-again" if mixed else "again")
    text = space.join(part for part in (before, seed.sentence) if part)
    return Said(text, [(seed, len(text) - len(seed.sentence))], mixed)


def partial(course: "Course") -> Said:
    """The learner finds the place and not the form."""
    return _plain(course, "partial")


def acknowledge(course: "Course") -> Said:
    """The learner takes it up by going on, without the form."""
    return _plain(course, "acknowledge")


def confused(course: "Course") -> Said:
    """The learner does not understand the support."""
    return _plain(course, "confused")


def slow(course: "Course") -> Said:
    """Next to nothing."""
    return Said(_phrase(course, "slow"), [], mixed=False)


def farewell(course: "Course") -> Said:
    """The learner has to go."""
    return _plain(course, "farewell")


def _plain(course: "Course", rule: str) -> Said:
    mixed = _mixes(course)
    return Said(_phrase(course, f"mixed-{rule}" if mixed else rule), [], mixed)


def _mixes(course: "Course") -> bool:
    profile = course.scenario.profile
    return profile.code_switch > 0 and course.chance.random() < profile.code_switch


def _phrase(course: "Course", rule: str) -> str:
    text = course.speaker.say(rule)
    return capitalised(text) if text else ""
