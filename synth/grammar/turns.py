"""A tutor's turn: how it is drawn, what it may be, and the parts that supports and answers share."""

from collections.abc import Callable
from typing import Final

from quimbot_data.pedagogy.levels import length_fault
from quimbot_data.pedagogy.strategies import explore_fault, hint_fault, question_fault, recast_fault
from quimbot_data.pedagogy.wording import MOST_QUESTIONS, explicit_corrections, questions
from schemas.learner import Move, Strategy
from synth.grammar.dialogue import Course, Spoken
from synth.grammar.expansion import DRAWS
from synth.grammar.notation import Script
from synth.grammar.phrases import capitalised, lowered

#: Shares of answers with a word of cheer, and of openings that are one after a support that failed.
CHEERS: Final = {"affirm": 0.8, "receive": 0.5, "leave": 0.55, "again": 0.35}
#: What a comprehension check is about: the form in a support or an explanation, then what was found, else the talk.
CHECKS: Final = {"repair": "check-after", "explain": "check"}
#: Share of questions about meaning that fit any story.
INVITES: Final = 0.2


class Wordless(Exception):  # noqa: N818 - no error of the caller: the grammar has no words for a scenario
    """The grammar has no words that fit; the scenario is dropped and counted."""


def drawn(course: Course, build: Callable[[], Spoken], accept: Callable[[Spoken], bool]) -> Spoken:
    """The first turn, drawn again and again, that may be said.

    Raises:
        Wordless: there is none.
    """
    speaker, marks = course.speaker, set(course.marks)
    for _ in range(DRAWS):
        before = len(speaker.chosen)
        said = build()
        if accept(said):
            return said
        del speaker.chosen[before:]
        course.marks = set(marks)
    raise Wordless


def readable(course: Course, text: str) -> bool:
    """Whether a turn asks no more than two things and, at A1, is short enough."""
    cefr, language = course.scenario.learner.cefr, course.scenario.profile.language
    return questions(text) <= MOST_QUESTIONS and not (cefr == "A1" and length_fault(text, language))


def holds(course: Course, said: Spoken) -> bool:
    """Whether a support is what its strategy asks for, and corrects nothing outright."""
    seed, learner_said = course.scenario.seed, [m["content"] for m in course.messages if m["role"] == "user"]
    faults: dict[Strategy, Callable[[], str | None]] = {
        "recast": lambda: recast_fault(said.text, course.edit, learner_said),
        "question": lambda: question_fault(said.text, course.edit),
        "hint": lambda: hint_fault(said.text, course.edit, seed.type),
        "explore": lambda: explore_fault(said.text, course.edit),
    }
    if not readable(course, said.text) or (said.strategy and faults[said.strategy]()):
        return False
    return not explicit_corrections(said.text, learner_said)


def mark(course: Course, parts: list[str], moves: list[Move], strategy: Strategy | None) -> None:
    """A comprehension check for second-language learners, once; for heritage learners the home's speech.

    The latter once in a support and once in what follows.
    """
    if course.scenario.profile.background == "l2":
        if not course.marks:
            parts.append(say(course, "check" if strategy else CHECKS.get(course.path[-1], "check-gist")))
            moves.append("comprehension_check")
            course.marks.add("check")
        return
    rule = "home" if strategy else "home-after"
    if rule not in course.marks:
        parts.insert(1, say(course, _home_rule(course, rule)))
        course.marks.add(rule)


def _home_rule(course: Course, rule: str) -> str:
    """The ear hears no spelling, and what was not found does not come from home; where a grammar tells them apart."""
    apart = f"{rule}-{course.scenario.seed.family}"
    if rule == "home-after" and course.path[-1] != "repair":
        apart = "home-onward"
    return apart if course.speaker.holds(apart) else rule


def mirrored(course: Course) -> tuple[str, bool]:
    """An opening in both languages, where the learner's message mixed and the profile's rate has it."""
    if "code_switch" not in course.turns[-1]["signals"] or course.chance.random() >= course.scenario.profile.mirroring:
        return "", False
    if course.pair is None:
        return "", False
    return course.pair.tutor_openings[int(course.chance.random() * len(course.pair.tutor_openings))], True


def question(course: Course, *, opens: bool = False) -> str:
    """A question about meaning: the seed's own while they last, else one that fits whatever was told."""
    own = course.unasked()
    if own and not (opens and course.chance.random() < INVITES):
        return own
    return say(course, "invite")


def say(course: Course, rule: str) -> str:
    """Words of a rule.

    Raises:
        Wordless: the grammar has none that fit.
    """
    text = course.speaker.say(rule)
    if text is None:
        raise Wordless
    return text


def joined(course: Course, parts: list[str]) -> str:
    """The parts as sentences; an opening in the other language runs on into the next."""
    script, text = course.speaker.grammar.script, ""
    for part in filter(None, parts):
        low = lowered(part, script) if text.endswith((" ", "，")) else None
        if low is None:
            text = _ended(text, script) + capitalised(part)
        else:
            text += low
    return capitalised(text)


def _ended(text: str, script: Script) -> str:
    """What was said so far, before a new sentence."""
    if text.endswith((" ", "，")):
        return text.rstrip(" ,:，") + script.stop + script.space
    return text + script.space if text else ""
