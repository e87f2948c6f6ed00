"""Sets that people labelled, read from the files that they come in; none of them may be shipped.

    wcf_hints/human_feedback.json     Coyne et al., AIED 2025: teachers' feedback on learner errors, direct or hint
    wcf_hints/rated_feedback.json     the same: feedback by people and five systems, rated by two teachers each
    cima/dataset.json                 Stasaski et al. 2020: tutors' replies to learners of Italian, and what they do
    mrbench/MRBench_V2.json           Maurya et al. 2025: replies of tutor systems, rated on eight dimensions
    swda_questions/questions.csv      Jurafsky et al. 1997: questions of telephone talk by dialogue act
    uptake/uptake_data.csv            Demszky et al. 2021: teachers' replies, uptake rated by three

Each reader says what is wrong with a file by its row and field.
"""

import csv
import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from quimbot_data.pedagogy.layouts import spoken_turns
from schemas.errors import InputError

R = TypeVar("R")
#: What the set writes where nothing stands.
_NONE: Final = "[NONE]"
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_ACTS: Final = ("question", "hint", "correction", "confirmation", "other")
#: Dialogue acts of questions, by form; rhetorical ones are neither.
_CLOSED: Final = frozenset({"qy", "qy^d", "qrr", "^g"})
_OTHER: Final = frozenset({"qw", "qw^d", "qo"})


class Feedback(NamedTuple):
    """Written feedback on an error."""

    system: str
    """`human`, or the system that wrote it."""
    instance: str
    """The learner's text: what groups rows."""
    original: str
    corrected: str
    text: str
    direct: bool


class Reply(NamedTuple):
    """A tutor's reply to a learner of Italian."""

    exercise: str
    said: tuple[str, ...]
    """The talk before, the learner's turn last."""
    target: tuple[str, ...]
    """The Italian words sought: preposition, object, colour."""
    english: tuple[str, ...]
    text: str
    acts: Mapping[str, bool]


class Answer(NamedTuple):
    """A tutor system's reply to a mistaken learner of mathematics."""

    system: str
    conversation: str
    said: tuple[tuple[str, str], ...]
    solution: str | None
    text: str
    revealed: bool
    encouraging: bool


class Question(NamedTuple):
    """A question, and whether it asks for yes, no or one of what it names."""

    dialogue: str
    text: str
    closed: bool


class Exchange(NamedTuple):
    """A learner's turn, the teacher's, and how much of it that takes up, by raters' z-scores."""

    lesson: str
    learner: str
    teacher: str
    uptake: float


def human_feedback(path: Path) -> list[Feedback]:
    """Teachers' feedback; errors that a teacher let stand have none and are left out.

    Raises:
        InputError: the file is not the set's.
    """

    def read(row: Mapping[str, Any]) -> Feedback | None:
        error, told = row["error_properties"], row["feedback"]
        if told["feedback_is_direct"] is None:
            return None
        original, corrected = (_some(error[key]) for key in ("error_text", "correction_text"))
        text = " ".join(filter(None, (told["feedback_explanation"], told["feedback_suggestion"])))
        return Feedback(
            "human", row["instance_text"]["source"], original, corrected, text, _flag(told["feedback_is_direct"])
        )

    return _read(path, _array(path), read)


def rated_feedback(path: Path) -> list[Feedback]:
    """Feedback with one teacher's rating each; a rating that is neither direct nor hint is left out.

    Raises:
        InputError: the file is not the set's.
    """

    def read(row: Mapping[str, Any]) -> Feedback | None:
        if row["is_direct"] not in ("Direct", "Hint"):
            return None
        texts = row["instance_text"]
        original, corrected = edited(texts["source"], texts["corrected"])
        direct = row["is_direct"] == "Direct"
        return Feedback(row["fb_source"], texts["source"], original, corrected, texts["feedback"], direct)

    return _read(path, _array(path), read)


def replies(path: Path) -> list[Reply]:
    """Replies of CIMA, three or so to each exercise's talk.

    Raises:
        InputError: the file is not the set's.
    """
    found = _json(path)
    if not isinstance(found, dict) or not isinstance(found.get("prepDataset"), dict):
        raise _malformed(path, "it has no object `prepDataset`")

    def read(row: Mapping[str, Any]) -> list[Reply]:
        target = tuple(_plain(row[key]) for key in ("prep", "obj", "color"))
        english = tuple(_plain(row[key]) for key in ("engPrep", "engObj", "engColor"))
        paired = zip(row["tutorResponses"], row["tutorActions"], strict=True)
        exercise, said = _plain(row["img"]), tuple(row["past_convo"])
        return [
            Reply(exercise, said, target, english, text, {a: _flag(f) for a, f in zip(_ACTS, acts, strict=True)})
            for text, acts in paired
        ]

    return [reply for group in _read(path, list(found["prepDataset"].values()), read) for reply in group]


def answers(path: Path) -> list[Answer]:
    """Replies of MRBench.

    Raises:
        InputError: the file is not the set's.
    """

    def read(row: Mapping[str, Any]) -> list[Answer]:
        said, solution = tuple(spoken_turns(row["conversation_history"])), row["Ground_Truth_Solution"]
        return [
            Answer(
                system,
                row["conversation_id"],
                said,
                None if solution == "Not Available" else solution,
                reply["response"],
                revealed=_told(reply["annotation"]["Revealing_of_the_Answer"], ("Yes", "No")) == "Yes",
                encouraging=_told(reply["annotation"]["Tutor_Tone"], ("Encouraging", "Neutral", "Offensive"))
                == "Encouraging",
            )
            for system, reply in row["anno_llm_responses"].items()
        ]

    return [answer for group in _read(path, _array(path), read) for answer in group]


def questions(path: Path) -> list[Question]:
    """Questions of Switchboard that are closed, or ask with a question word.

    Raises:
        InputError: the file is not the set's.
    """

    def read(row: Mapping[str, Any]) -> Question | None:
        act = row["da"]
        return Question(row["dialogue"], row["text"], act in _CLOSED) if act in _CLOSED | _OTHER else None

    return _read(path, _table(path), read)


def exchanges(path: Path) -> list[Exchange]:
    """Exchanges of which both turns are on task, so that uptake was rated.

    Raises:
        InputError: the file is not the set's.
    """

    def read(row: Mapping[str, Any]) -> Exchange | None:
        rating = row["uptake_zscore"]
        return Exchange(row["obs_id"], row["student_text"], row["teacher_text"], float(rating)) if rating else None

    return _read(path, _table(path), read)


def edited(source: str, corrected: str) -> tuple[str, str]:
    """The words that two texts differ in, from the first difference to the last."""
    old, new = (_TOKEN.findall(text) for text in (source, corrected))
    changes = [c for c in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if c[0] != "equal"]
    if not changes:
        return "", ""
    return " ".join(old[changes[0][1] : changes[-1][2]]), " ".join(new[changes[0][3] : changes[-1][4]])


def _read(path: Path, rows: Sequence[Any], read: Callable[[Mapping[str, Any]], R | None]) -> list[R]:
    found = []
    for number, row in enumerate(rows):
        try:
            one = read(row)
        except KeyError as error:
            raise _malformed(path, f"row {number} has no field {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise _malformed(path, f"row {number}: {error}") from error
        if one is not None:
            found.append(one)
    if not found:
        raise _malformed(path, "it holds no labelled row")
    return found


def _array(path: Path) -> list[Any]:
    found = _json(path)
    if not isinstance(found, list):
        raise _malformed(path, f"it holds a {type(found).__name__}, not an array")
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _malformed(path, str(error)) from error


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return list(_whole_lines(csv.DictReader(stream)))
    except (OSError, ValueError, csv.Error) as error:
        raise _malformed(path, str(error)) from error


def _whole_lines(rows: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has more or fewer fields than the header")
        yield row


def _malformed(path: Path, problem: str) -> InputError:
    return InputError(
        f"{path} cannot be read as the labelled set that it is named after: {problem}.",
        next_step="Take the file as its authors publish it.",
    )


def _some(text: str) -> str:
    return "" if text == _NONE else text


def _plain(text: str) -> str:
    return text.strip('"').lower()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is no label, true or false")
    return value


def _told(label: object, valid: tuple[str, ...]) -> str:
    """A label's first word, which says it all ("Yes (but the answer is incorrect)")."""
    first = str(label).partition(" ")[0]
    if first not in valid:
        raise ValueError(f"{label!r} is no label; valid: {', '.join(valid)}")
    return first
