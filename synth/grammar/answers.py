"""Answers once the supports are over: what worked, what may wait, an explanation, a note, a farewell."""

from typing import Final, NamedTuple

from quimbot_data.pedagogy.tokens import words_of
from schemas.learner import Move
from synth.grammar.dialogue import Course, Spoken
from synth.grammar.turns import CHEERS, Wordless, drawn, joined, mark, mirrored, question, readable, say
from synth.output import NoteRow

#: Share of answers to a repair that ask how it was found.
REFLECTS: Final = 0.3
#: Share of answers in both languages that speak of home no second time.
SPARED: Final = 0.5
#: Draws after which an answer goes without a word of cheer.
TRIES: Final = 6


class Told(NamedTuple):
    """A cultural note in one of its wordings."""

    text: str
    row: NoteRow


def affirm(course: Course) -> Spoken:
    """What the learner found is theirs; then on with what they want to say."""
    return _onward(course, "affirm", ["affirm"])


def receive(course: Course) -> Spoken:
    """What the learner means has arrived; then on."""
    return _onward(course, "receive", ["affirm"])


def leave(course: Course) -> Spoken:
    """The form may wait for another day; then on."""
    return _onward(course, "leave", ["affirm"])


def _onward(course: Course, rule: str, moves: list[Move]) -> Spoken:
    """With the scenario's cultural note, where it has one and the level has room for it."""
    note = _note(course)
    try:
        return _onward_with(course, rule, moves, note)
    except Wordless:
        if note is None:
            raise
        return _onward_with(course, rule, moves, None)


def _onward_with(course: Course, rule: str, moves: list[Move], note: Told | None) -> Spoken:
    def build() -> Spoken:
        return _onward_once(course, rule, list(moves), note)

    return drawn(course, build, lambda said: readable(course, said.text))


def _onward_once(course: Course, rule: str, moves: list[Move], note: Told | None) -> Spoken:
    slots = course.speaker.slots
    right = slots["right"]
    try:
        return _onward_parts(course, rule, moves, note)
    finally:
        slots["right"] = right


def _onward_parts(course: Course, rule: str, moves: list[Move], note: Told | None) -> Spoken:
    opened, mixed = mirrored(course)
    parts = [opened or say(course, rule)]
    slots = course.speaker.slots
    if course.chance.random() < CHEERS[rule]:
        parts.append(_cheer(course, rule, parts[0]))
    if slots["right"].casefold() in parts[0].casefold():
        _refer_back(course)
    if not note and course.path[-1] == "repair" and course.chance.random() < REFLECTS:
        parts.append(say(course, "reflect"))
        moves.append("reflect")
    if not (mixed and "home" in course.marks and course.chance.random() < SPARED):
        mark(course, parts, moves, None)
    if note:
        parts.append(note.text)
        moves.append("cultural_note")
    asked = len({"comprehension_check", "reflect"} & set(moves))
    if note or asked == 0 or (asked == 1 and course.chance.random() < 0.4):
        parts.append(question(course, opens=True))
        moves.append("elicit_content")
    return Spoken(joined(course, parts), moves, note=note.row if note else None, mixed=mixed)


def _cheer(course: Course, rule: str, before: str) -> str:
    """A word of cheer that does not say the praise before it again; for what was not found, the effort is cheered."""
    if rule == "leave" and course.path[-1] != "acknowledge":
        return say(course, "effort")
    named, language = "cheer" if rule == "affirm" else "keep-on", course.scenario.profile.language
    said = set(words_of(before.casefold(), language))
    cheer = say(course, named)
    for _ in range(TRIES):
        if not said & set(words_of(cheer.casefold(), language)):
            return cheer
        cheer = say(course, named)
    return ""


def _refer_back(course: Course) -> None:
    """What was just said is called `again`; where a grammar has no such word, it is not named again."""
    slots, again = course.speaker.slots, course.speaker.grammar.script.again
    if again:
        slots["right"] = again
    else:
        del slots["right"]


def switched(course: Course, reply: str) -> Spoken:
    """An answer to a message in both languages: mirrored at the profile's rate, else in the target language."""
    if course.chance.random() < course.scenario.profile.mirroring:
        return Spoken(reply, ["affirm", "elicit_content"], mixed=True)
    parts = [say(course, "receive"), say(course, "invite")]
    return Spoken(joined(course, parts), ["affirm", "elicit_content"])


def _note(course: Course) -> Told | None:
    note = course.scenario.note
    if note is None:
        return None
    text = note.texts[int(course.chance.random() * len(note.texts))]
    return Told(text, NoteRow(topic=note.topic, region=note.region, source=note.key))


def explain(course: Course) -> Spoken:
    """One structure, told without the answer; for second-language learners after supports that failed."""
    return drawn(course, lambda: _explained(course), lambda said: not course.edit.held_in(said.text))


def _explained(course: Course) -> Spoken:
    rule = f"explain-{course.scenario.seed.family}"
    named = rule if course.speaker.holds(rule) else "explain"
    parts, moves = [say(course, "explain-open"), say(course, named)], list[Move](("explain",))
    mark(course, parts, moves, None)
    return Spoken(joined(course, parts), moves)


def close(course: Course) -> Spoken:
    """A farewell, with a question to take along where the seed has one that was not asked before."""
    opened, mixed = mirrored(course)
    asked = course.unasked()
    if asked:
        opened_mark, rest = asked[:1], asked[1:]
        course.speaker.slots["ask"] = f"{opened_mark}{rest[:1].lower()}{rest[1:]}" if opened_mark == "¿" else asked
    return Spoken(joined(course, [opened, say(course, "close" if asked else "close-plain")]), ["close"], mixed=mixed)
