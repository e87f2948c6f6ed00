"""What a learner says: the error in a small situation, and what they make of each support.

A heritage learner's message may mix languages: words of the other go before a sentence, or stand for its full stop.
"""

from schemas.seed import Seed
from synth.code_switching import LanguagePair
from synth.grammar.dialogue import Course, Heard
from synth.grammar.phrases import capitalised, lowered

#: Marks that a mixed ending stands for.
_FULL_STOPS = (".", "。")


def opening(course: Course) -> Heard:
    """A situation, what is right in the learner's variety, the sentence with the error, and perhaps more."""
    scenario, space = course.scenario, course.speaker.grammar.script.space
    text, errors = _phrase(course, "situation"), list[tuple[Seed, int]]()
    mixed = False
    for seed in filter(None, (scenario.variation, scenario.seed)):
        mixes = not mixed and _mixes(course)
        sentence, moved = _mixed_sentence(course, seed) if mixes else (seed.sentence, 0)
        mixed |= sentence != seed.sentence
        before = text + space if text else ""
        errors.append((seed, len(before) + moved))
        text = before + sentence
    aside = "" if mixed else _phrase(course, "aside")
    return Heard(space.join(part for part in (text, aside) if part), errors, mixed)


def again(course: Course) -> Heard:
    """The same error once more."""
    seed, space = course.scenario.seed, course.speaker.grammar.script.space
    before = _phrase(course, "again")
    sentence, moved = _mixed_sentence(course, seed) if _mixes(course) else (seed.sentence, 0)
    lead = before + space if before else ""
    return Heard(lead + sentence, [(seed, len(lead) + moved)], sentence != seed.sentence)


def repair(course: Course) -> Heard:
    """The learner finds it."""
    return _plain(course, "repair")


def partial(course: Course) -> Heard:
    """The learner finds the place and not the form."""
    return _plain(course, "partial")


def acknowledge(course: Course) -> Heard:
    """The learner takes it up by going on, without the form."""
    return _plain(course, "acknowledge")


def take_in(course: Course) -> Heard:
    """The learner has heard an explanation."""
    return _plain(course, "acknowledge-explained")


def put_off(course: Course) -> Heard:
    """The learner passes over what the tutor asked."""
    return _plain(course, "acknowledge-asked")


def confused(course: Course) -> Heard:
    """The learner does not understand the support."""
    return Heard(_phrase(course, "confused"), [], mixed=False)


def slow(course: Course) -> Heard:
    """Next to nothing."""
    return Heard(_phrase(course, "slow"), [], mixed=False)


def farewell(course: Course) -> Heard:
    """The learner has to go."""
    return _plain(course, "farewell")


def _plain(course: Course, rule: str) -> Heard:
    text = _phrase(course, rule)
    if not _mixes(course):
        return Heard(text, [], mixed=False)
    mixed, _ = _mixed(course, text, fixed_start=False)
    return Heard(mixed, [], mixed != text)


def _mixed_sentence(course: Course, seed: Seed) -> tuple[str, int]:
    """A seed's sentence in both languages, and how far its beginning moved."""
    return _mixed(course, seed.sentence, fixed_start=seed.start == 0)


def _mixed(course: Course, text: str, *, fixed_start: bool) -> tuple[str, int]:
    pair = course.pair
    if pair is None:
        return text, 0
    low = None if fixed_start else lowered(text, course.speaker.grammar.script)
    if text.endswith(_FULL_STOPS) and (low is None or course.chance.random() < 0.5):
        return text[:-1] + _one_of(course, pair.closings), 0
    if low is None:
        return text, 0
    before = _one_of(course, pair.openings)
    return before + low, len(before)


def _one_of(course: Course, several: list[str]) -> str:
    return several[int(course.chance.random() * len(several))]


def _mixes(course: Course) -> bool:
    return course.pair is not None and course.chance.random() < course.scenario.profile.code_switch


def _phrase(course: Course, rule: str) -> str:
    text = course.speaker.say(rule)
    return capitalised(text) if text else ""


def switched(course: Course, pair: LanguagePair) -> tuple[Heard, str] | None:
    """A whole message in both languages about the dialogue's topic, and what a tutor gives back; None without one."""
    fitting = [turn for turn in pair.turns if turn.topic == course.scenario.seed.topic]
    if not fitting:
        return None
    turn = fitting[int(course.chance.random() * len(fitting))]
    space = course.speaker.grammar.script.space
    return Heard(turn.said, [], mixed=True), space.join((turn.reply, turn.question))
