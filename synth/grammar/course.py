"""How a dialogue goes: error, support, what the learner makes of it, a narrower support, and an end."""

from collections.abc import Callable
from itertools import takewhile
from typing import Final

from quimbot_data.pedagogy.course import FAILED, NARROWNESS, PATIENCE
from quimbot_data.pedagogy.tokens import QUESTION_MARKS
from schemas.learner import Strategy, Uptake
from synth.grammar import answers, learner, supports
from synth.grammar.dialogue import Course, Spoken
from synth.grammar.turns import Wordless
from synth.profiles import Reactions
from synth.scenarios import pick

#: After what failed comes what is narrower: a rule to think of, a place to look at, the words themselves.
NARROWER: Final[dict[Strategy, Strategy]] = {"explore": "question", "hint": "question", "question": "recast"}
#: A dialogue has twelve messages at most; a reaction and its answer must fit in before an exchange that ends it.
LONGEST: Final = 12
#: How often a learner takes leave.
FAREWELL: Final = 0.35
#: How often a heritage learner goes on with a story in both languages.
SWITCHED: Final = 0.4


def run(course: Course) -> bool:
    """Let a dialogue happen; whether the grammar had words for all of it."""
    try:
        _open(course)
        while _react(course):
            pass
    except Wordless:
        return False
    return True


def _open(course: Course) -> None:
    course.learner_says(learner.opening(course), ["error"])
    course.tutor_says(supports.support(course, course.scenario.strategy))


def _react(course: Course) -> bool:
    """One reaction to a support and the answer to it; whether another support was given."""
    last = course.supports[-1]
    room = LONGEST - len(course.messages) >= 6
    reaction = pick(reaction_weights(course.scenario.profile.reactions[last]), course.chance)
    if reaction != "repair" and room and (trouble := _trouble(course, last)):
        return trouble(course, last)
    course.path.append(reaction)
    if reaction == "repair":
        course.learner_says(learner.repair(course), ["success"], uptake="repair")
        _end(course, answers.affirm(course))
        return False
    if reaction == "acknowledge":
        said = learner.acknowledge(course) if last == "recast" else learner.put_off(course)
        course.learner_says(said, ["none"], uptake="acknowledge")
    elif reaction == "partial":
        course.learner_says(learner.partial(course), ["none"], uptake="partial")
    else:
        course.learner_says(learner.again(course), ["error"], uptake="needs_repair")
    return _narrower(course, last, room=room, went_on=reaction == "acknowledge")


def _trouble(course: Course, last: Strategy) -> Callable[[Course, Strategy], bool] | None:
    """Once a dialogue, a learner who does not repair may be confused or slow; recasts confuse nobody."""
    profile, chance = course.scenario.profile, course.chance.random()
    if {"confusion", "slow"} & set(course.path) or _failed(course):
        return None
    if chance < profile.slow_response:
        return _slow
    return _confusion if last != "recast" and chance < profile.slow_response + profile.confusion else None


def reaction_weights(reactions: Reactions) -> dict[Uptake, float]:
    """What a learner makes of a support, by weight."""
    rates: dict[Uptake, float] = {
        "repair": reactions.repair,
        "partial": reactions.partial,
        "needs_repair": reactions.needs_repair,
    }
    return rates | {"acknowledge": max(0.0, 1 - sum(rates.values()))}


def _confusion(course: Course, last: Strategy) -> bool:
    course.path.append("confusion")
    course.learner_says(learner.confused(course), ["confusion"], uptake="none")
    course.tutor_says(supports.simpler(course, last))
    return True


def _slow(course: Course, _: Strategy) -> bool:
    course.path.append("slow")
    course.learner_says(learner.slow(course), ["slow_response"], uptake="none", slow=True)
    course.tutor_says(supports.shorter(course))
    return True


def _narrower(course: Course, last: Strategy, *, room: bool, went_on: bool) -> bool:
    """What comes after a support that failed; after a recast that a learner takes up by going on, nothing."""
    following = None if last == "recast" and went_on else _next(course, last)
    if following and room:
        course.tutor_says(supports.support(course, following, again=True))
        return True
    if not went_on and _explains(course):
        course.path.append("explain")
        course.tutor_says(answers.explain(course))
        course.learner_says(learner.take_in(course), ["none"])
    _end(course, answers.receive(course) if went_on and last == "recast" else answers.leave(course))
    return False


def _explains(course: Course) -> bool:
    """Second-language learners are told a structure where a rule leads on, and they ask or two supports failed."""
    if course.scenario.profile.background != "l2" or not course.scenario.seed.generalizable:
        return False
    return any(mark in course.messages[-1]["content"] for mark in QUESTION_MARKS) or _failed(course) >= PATIENCE


def _failed(course: Course) -> int:
    """Supports that failed, one after the other, up to now."""
    answers = [turn["uptake"] for turn in course.turns if turn["uptake"]]
    return len(list(takewhile(FAILED.__contains__, reversed(answers))))


def _next(course: Course, last: Strategy) -> Strategy | None:
    generalizable = course.scenario.seed.generalizable
    if course.supports == ["recast"]:
        return "question" if generalizable else "explore"
    following = NARROWER.get(last) if generalizable or last == "recast" else "recast"
    if following and _failed(course) >= PATIENCE and NARROWNESS[following] <= NARROWNESS[last]:
        following = "recast"
    return None if course.supports.count("recast") > 1 else following


def _end(course: Course, answer: Spoken) -> None:
    """The tutor's answer, and where there is room a farewell."""
    course.tutor_says(answer)
    pair = course.pair
    if pair and "elicit_content" in answer.moves and len(course.messages) + 2 <= LONGEST - 2:
        exchange = learner.switched(course, pair) if course.chance.random() < SWITCHED else None
        if exchange:
            course.path.append("switched")
            course.learner_says(exchange[0], ["none"])
            course.tutor_says(answers.switched(course, exchange[1]))
    if len(course.messages) + 2 <= LONGEST and course.chance.random() < FAREWELL:
        course.learner_says(learner.farewell(course), ["none"])
        course.tutor_says(answers.close(course))
