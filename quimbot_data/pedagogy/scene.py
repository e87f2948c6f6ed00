"""A dialogue as critics read it: turns with their annotations, the learner, the errors; out of plain mappings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.folding import bare

Row = Mapping[str, object]

TUTOR: Final = "assistant"
LEARNER: Final = "user"


@dataclass(frozen=True)
class Turn:
    """One message, and what its annotation says; all empty where it has none."""

    position: int
    role: str
    text: str
    signals: tuple[str, ...] = ()
    uptake: str | None = None
    moves: tuple[str, ...] = ()
    strategy: str | None = None
    target: int | None = None
    languages: tuple[str, ...] = ()
    note: Row | None = None
    annotated: bool = False


@dataclass(frozen=True)
class Scene:
    """A dialogue: turns in their order, the learner and the errors as `schemas.dialogue.Pedagogy` has them."""

    turns: tuple[Turn, ...]
    language: str
    learner: Row
    errors: tuple[Row, ...]
    annotated: bool
    roles: tuple[str, ...] = ()
    """Of all messages, the system's too."""

    @property
    def tutor(self) -> list[Turn]:
        """The tutor's turns."""
        return [turn for turn in self.turns if turn.role == TUTOR]

    def before(self, turn: Turn, role: str) -> Turn | None:
        """The nearest turn of a role before another."""
        return next((each for each in reversed(self.turns[: self.place(turn)]) if each.role == role), None)

    def after(self, turn: Turn) -> Turn | None:
        """The turn that follows another."""
        at = self.place(turn) + 1
        return self.turns[at] if at < len(self.turns) else None

    def place(self, turn: Turn) -> int:
        """The place of a turn among the turns, which are fewer than the messages where one is the system's."""
        return turn.position - self.turns[0].position

    def said_before(self, turn: Turn) -> list[str]:
        """What the learner said before a turn."""
        return [each.text for each in self.turns[: self.place(turn)] if each.role == LEARNER]

    @cached_property
    def edits(self) -> tuple[Edit | None, ...]:
        """Each error as an edit of its message; None where it points nowhere."""
        return tuple(self._edit(error) for error in self.errors)

    def edit_of(self, turn: Turn) -> Edit | None:
        """The error that a turn is about."""
        return self.edits[turn.target] if turn.target is not None and turn.target < len(self.edits) else None

    def error_of(self, turn: Turn) -> Row | None:
        """The annotation of the error that a turn is about."""
        return self.errors[turn.target] if turn.target is not None and turn.target < len(self.errors) else None

    def _edit(self, error: Row) -> Edit | None:
        at, start, end = whole(error.get("position")), whole(error.get("start")), whole(error.get("end"))
        turn = next((turn for turn in self.turns if turn.position == at), None)
        if turn is None or start is None or end is None or not 0 <= start <= end <= len(turn.text):
            return None
        return Edit(turn.text, start, end, str(error.get("corrected") or ""), self.language)


def scene_of(dialogue: Row) -> Scene:
    """A dialogue as critics read it; what is malformed is read as absent, which `structure` tells of."""
    pedagogy = mapping(dialogue.get("pedagogy"))
    notes = {whole(note.get("position")): note for note in rows(pedagogy.get("turns"))}
    messages = list(enumerate(rows(dialogue.get("messages"))))
    spoken = [(at, message) for at, message in messages if message.get("role") != "system"]
    learner = mapping(pedagogy.get("learner"))
    language = learner.get("target_language") or dialogue.get("language") or "en"
    return Scene(
        turns=tuple(_turn(at, message, notes.get(at)) for at, message in spoken),
        language=str(language),
        learner=learner,
        errors=tuple(rows(pedagogy.get("errors"))),
        annotated=bool(pedagogy),
        roles=tuple(str(message.get("role") or "") for _, message in messages),
    )


def _turn(position: int, message: Row, note: Row | None) -> Turn:
    role, text = str(message.get("role") or ""), str(message.get("content") or "")
    if note is None:
        return Turn(position, role, text)
    return Turn(
        position,
        role,
        text,
        signals=texts(note.get("signals")),
        uptake=str(note["uptake"]) if note.get("uptake") else None,
        moves=texts(note.get("moves")),
        strategy=str(note["strategy"]) if note.get("strategy") else None,
        target=whole(note.get("target")),
        languages=texts(note.get("languages")),
        note=mapping(note.get("cultural_note")) or None,
        annotated=True,
    )


def rows(value: object) -> list[Row]:
    """A list's mappings; none where it is no list."""
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [each for each in listed if isinstance(each, Mapping)]


def mapping(value: object) -> Row:
    """A mapping, empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> tuple[str, ...]:
    """A list's texts; none where it is no list."""
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(each for each in listed if isinstance(each, str))


def whole(value: object) -> int | None:
    """A whole number, None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def same_text(first: str, second: str) -> bool:
    """Whether two turns say the same, letter by letter, once folded and without marks."""
    return _letters(first) == _letters(second)


def within(first: str, second: str) -> bool:
    """Whether one turn stands word by word within another."""
    return _letters(first) in _letters(second)


def _letters(text: str) -> str:
    return "".join(char for char in bare(text) if char.isalnum())
