"""What a tutor says: a support by strategy, a simpler or shorter one, and what follows when it worked or did not."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from quimbot_data.pedagogy.adaptation import simplify_fault
from quimbot_data.pedagogy.levels import length_fault
from quimbot_data.pedagogy.strategies import explore_fault, hint_fault, question_fault, recast_fault
from quimbot_data.pedagogy.tokens import words_of
from quimbot_data.pedagogy.wording import MOST_QUESTIONS, explicit_corrections, questions
from schemas.learner import Background, Move, Strategy
from synth.cultural_notes import cultural_notes
from synth.grammar.expansion import DRAWS, Script
from synth.grammar.phrases import capitalised, lowered
from synth.output import NoteRow
from synth.scenarios import openings

if TYPE_CHECKING:
    from synth.grammar.course import Course

#: Shares of first supports: that open with something, and of those that do, with praise or thanks.
OPENED: Final[dict[str, float]] = {"A1": 0.5, "A2": 0.6, "B1": 0.75}
PRAISE: Final = 0.65
#: What a comprehension check is about once the supports are over: what was found, or the talk; else, the form.
CHECKS: Final = {"repair": "check-after", "acknowledge": "check-gist"}
#: Shares of answers with a word of cheer, and of openings that are one after a support that failed.
CHEERS: Final = {"affirm": 0.8, "receive": 0.5, "leave": 0.55, "again": 0.35}
#: Shares of recasts that go on after their question, and of other supports that have the mark of a background.
TAIL: Final = 0.6
MARKED: Final[dict[Background, float]] = {"heritage": 0.8, "l2": 0.15}
#: Shares of answers to a repair that ask how it was found, and of questions about meaning that fit any story.
REFLECTS: Final = 0.3
INVITES: Final = 0.2


class Wordless(Exception):  # noqa: N818 - no error of the caller: the grammar has no words for a scenario
    """The grammar has no words that fit; the scenario is dropped and counted."""


class Said(NamedTuple):
    """A tutor's turn."""

    text: str
    moves: list[Move]
    strategy: Strategy | None = None
    note: NoteRow | None = None
    mixed: bool = False


def support(course: "Course", strategy: Strategy, *, again: bool = False) -> Said:
    """A turn of a strategy, the first one or another after one that failed."""
    if strategy == "explore":
        _alternate(course)
    said = _drawn(course, lambda: _support(course, strategy, again=again), lambda said: _holds(course, said))
    course.asked += strategy == "recast"
    return said


def _support(course: "Course", strategy: Strategy, *, again: bool) -> Said:
    moves: list[Move] = [strategy]
    opened, mixed = _mirrored(course)
    parts = [opened]
    if not opened and course.chance.random() < OPENED.get(course.scenario.level, 0.6):
        praises = not again and course.chance.random() < PRAISE
        cheers = again and course.chance.random() < CHEERS["again"]
        opening = "cheer" if cheers else "again-open" if again else "praise" if praises else "open"
        parts = [_say(course, opening)]
        moves = ["affirm", strategy] if praises else moves
    parts.append(_core(course, strategy))
    if strategy != "recast" and course.chance.random() < MARKED[course.scenario.profile.background]:
        _mark(course, parts, moves, strategy)
    return Said(_joined(course, parts), moves, strategy, mixed=mixed)


def _core(course: "Course", strategy: Strategy) -> str:
    if strategy != "recast":
        return _say(course, strategy)
    tail = _say(course, "recast-tail") if course.chance.random() < TAIL else ""
    return _joined(course, [_say(course, "recast"), _question(course), tail])


def _alternate(course: "Course") -> None:
    """Each further comparison of a dialogue has the other order."""
    if "explore" in course.supports:
        slots = course.speaker.slots
        slots["first"], slots["second"] = slots["second"], slots["first"]


def _readable(course: "Course", text: str) -> bool:
    """Whether a turn asks no more than two things and, at A1, is short enough."""
    cefr, language = course.scenario.learner.cefr, course.scenario.profile.language
    return questions(text) <= MOST_QUESTIONS and not (cefr == "A1" and length_fault(text, language))


def _holds(course: "Course", said: Said) -> bool:
    """Whether a support is what its strategy asks for, and corrects nothing outright."""
    seed, learner_said = course.scenario.seed, [m["content"] for m in course.messages if m["role"] == "user"]
    faults: dict[Strategy, Callable[[], str | None]] = {
        "recast": lambda: recast_fault(said.text, course.edit, learner_said),
        "question": lambda: question_fault(said.text, course.edit),
        "hint": lambda: hint_fault(said.text, course.edit, seed.type),
        "explore": lambda: explore_fault(said.text, course.edit),
    }
    corrects = explicit_corrections(said.text, learner_said)
    fault = faults[said.strategy]() if said.strategy else None
    return _readable(course, said.text) and not corrects and fault is None


def _drawn(course: "Course", build: Callable[[], Said], accept: Callable[[Said], bool]) -> Said:
    """The first turn, drawn again and again, that may be said.

    Raises:
        Wordless: there is none.
    """
    speaker, marks, noted = course.speaker, set(course.marks), course.noted
    for _ in range(DRAWS):
        before = len(speaker.chosen)
        said = build()
        if accept(said):
            return said
        del speaker.chosen[before:]
        course.marks, course.noted = set(marks), noted
    raise Wordless


def _mark(course: "Course", parts: list[str], moves: list[Move], strategy: Strategy | None) -> None:
    """A comprehension check for second-language learners, once; for heritage learners the home's speech.

    The latter once in a support and once in what follows.
    """
    if course.scenario.profile.background == "l2":
        if not course.marks:
            parts.append(_say(course, "check" if strategy else CHECKS.get(course.path[-1], "check")))
            moves.append("comprehension_check")
            course.marks.add("check")
        return
    rule = "home" if strategy else "home-after"
    if rule not in course.marks:
        parts.insert(1, _say(course, rule))
        course.marks.add(rule)


def simpler(course: "Course", strategy: Strategy) -> Said:
    """The same in fewer and easier words; never of a recast, which is clear in itself."""
    language, before = course.scenario.profile.language, course.messages[-2]["content"]
    forms, course.speaker.forms = course.speaker.forms, ("simple", "A1")
    try:
        return _drawn(
            course,
            lambda: Said(_joined(course, [_say(course, strategy)]), ["simplify", strategy], strategy),
            lambda said: simplify_fault(said.text, before, language) is None and _holds(course, said),
        )
    finally:
        course.speaker.forms = forms


def shorter(course: "Course") -> Said:
    """Time, and a way in: a hint or a choice of two."""
    seed, level = course.scenario.seed, course.scenario.level
    hints = "hint" in openings(seed, level) and course.supports[-1] in ("hint", "explore")
    strategy: Strategy = "hint" if hints else "explore"
    if strategy == "explore":
        _alternate(course)
    language = course.scenario.profile.language
    most = len(words_of(course.messages[-2]["content"], language))
    return _drawn(
        course,
        lambda: Said(_joined(course, [_say(course, f"short-{strategy}")]), [strategy], strategy),
        lambda said: len(words_of(said.text, language)) < most and _holds(course, said),
    )


def affirm(course: "Course") -> Said:
    """What the learner found is theirs; then on with what they want to say."""
    return _onward(course, "affirm", ["affirm"])


def receive(course: "Course") -> Said:
    """What the learner means has arrived; then on."""
    return _onward(course, "receive", ["affirm"])


def leave(course: "Course") -> Said:
    """The form may wait for another day; then on."""
    return _onward(course, "leave", ["affirm"])


def _onward(course: "Course", rule: str, moves: list[Move]) -> Said:
    def build() -> Said:
        return _onward_once(course, rule, list(moves))

    said = _drawn(course, build, lambda said: _holds(course, said))
    course.asked += "elicit_content" in said.moves
    return said


def _onward_once(course: "Course", rule: str, moves: list[Move]) -> Said:
    slots = course.speaker.slots
    right = slots["right"]
    try:
        return _onward_parts(course, rule, moves)
    finally:
        slots["right"] = right


def _onward_parts(course: "Course", rule: str, moves: list[Move]) -> Said:
    opened, mixed = _mirrored(course)
    parts = [opened or _say(course, rule)]
    slots = course.speaker.slots
    if course.chance.random() < CHEERS[rule]:
        parts.append(_say(course, "keep-on" if rule == "receive" else "cheer"))
    if slots["right"].casefold() in parts[0].casefold():
        slots["right"] = course.speaker.grammar.script.again
    if course.path[-1] == "repair" and course.chance.random() < REFLECTS:
        parts.append(_say(course, "reflect"))
        moves.append("reflect")
    _mark(course, parts, moves, None)
    note = _note(course) if course.chance.random() < course.scenario.profile.cultural_notes else None
    if note:
        parts.append(note[0])
        moves.append("cultural_note")
    asked = len({"comprehension_check", "reflect"} & set(moves))
    if asked == 0 or (asked == 1 and course.chance.random() < 0.4):
        parts.append(_question(course, opens=True))
        moves.append("elicit_content")
    return Said(_joined(course, parts), moves, note=note[1] if note else None, mixed=mixed)


def switched(course: "Course", reply: str) -> Said:
    """An answer to a message in both languages: mirrored at the profile's rate, else in the target language."""
    if course.chance.random() < course.scenario.profile.mirroring:
        return Said(reply, ["affirm", "elicit_content"], mixed=True)
    parts = [_say(course, "receive"), _question(course, opens=True)]
    return Said(_joined(course, parts), ["affirm", "elicit_content"])


def _note(course: "Course") -> tuple[str, NoteRow] | None:
    """Something about the topic in a region where the learner's variety is spoken, if any is known."""
    learner, topic = course.scenario.learner, course.scenario.seed.topic
    fitting = [
        note
        for note in cultural_notes(learner.target_language)
        if note.topic == topic and (not learner.variety or not note.varieties or learner.variety in note.varieties)
    ]
    if not fitting or course.noted:
        return None
    note = fitting[int(course.chance.random() * len(fitting))]
    text = note.texts[int(course.chance.random() * len(note.texts))]
    return text, NoteRow(topic=note.topic, region=note.region, source=note.key)


def explain(course: "Course") -> Said:
    """One structure, told without the answer; for second-language learners after supports that failed."""
    return _drawn(course, lambda: _explained(course), lambda said: not course.edit.held_in(said.text))


def _explained(course: "Course") -> Said:
    rule = f"explain-{course.scenario.seed.family}"
    named = rule if course.speaker.holds(rule) else "explain"
    parts, moves = [_say(course, "explain-open"), _say(course, named)], list[Move](("explain",))
    _mark(course, parts, moves, None)
    return Said(_joined(course, parts), moves)


def close(course: "Course") -> Said:
    """A farewell."""
    opened, mixed = _mirrored(course)
    own = course.scenario.seed.questions
    course.speaker.slots["ask"] = own[min(course.asked, len(own) - 1)]
    return Said(_joined(course, [opened, _say(course, "close")]), ["close"], mixed=mixed)


def _mirrored(course: "Course") -> tuple[str, bool]:
    """An opening in both languages, where the learner's message mixed and the profile's rate has it."""
    if "code_switch" not in course.turns[-1]["signals"] or course.chance.random() >= course.scenario.profile.mirroring:
        return "", False
    if course.pair is None:
        return "", False
    return course.pair.tutor_openings[int(course.chance.random() * len(course.pair.tutor_openings))], True


def _question(course: "Course", *, opens: bool = False) -> str:
    """A question about meaning: the seed's own while they last, else one that fits whatever was told."""
    own = course.scenario.seed.questions
    if course.asked < len(own) and not (opens and course.chance.random() < INVITES):
        return own[course.asked]
    return _say(course, "invite")


def _say(course: "Course", rule: str) -> str:
    text = course.speaker.say(rule)
    if text is None:
        raise Wordless
    return text


def _ended(text: str, script: Script) -> str:
    """What was said so far, before a new sentence."""
    if text.endswith((" ", "，")):
        return text.rstrip(" ,:，") + script.stop + script.space
    return text + script.space if text else ""


def _joined(course: "Course", parts: list[str]) -> str:
    """The parts as sentences; an opening in the other language runs on into the next."""
    script, text = course.speaker.grammar.script, ""
    for part in filter(None, parts):
        low = lowered(part, script) if text.endswith((" ", "，")) else None
        if low is None:
            text = _ended(text, script) + capitalised(part)
        else:
            text += low
    return capitalised(text)
