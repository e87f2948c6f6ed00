"""The table of what critics are held to: label, measure, what is stated of majority and cheap baseline, and the reach.

A task's rows hold what people say, what a cheap baseline says, and either what the untrained critic says or features
that a critic is trained on. Conversations group rows; where tutor systems wrote them, one is left out at a time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from quimbot_data.pedagogy.feedback import is_direct, new_words
from quimbot_data.pedagogy.questions import is_closed
from quimbot_data.pedagogy.tokens import words_of
from quimbot_data.pedagogy.tone import encouraging
from quimbot_data.pedagogy.uptake import overlap, uptake
from quimbot_data.pedagogy.validation import labelled
from quimbot_data.pedagogy.validation.acts import CONFIRMS, CONFIRMS_FIRST, NEGATES, act_features
from quimbot_data.pedagogy.validation.features import Features, answer_features, feedback_features, numbers_of
from quimbot_data.pedagogy.validation.labelled import Feedback, Reply
from quimbot_data.pedagogy.validation.linear import Training

Metric = Literal["macro-F1", "F1", "Spearman"]

_PRAISES: Final = re.compile(r"\b(?:great|good|nice|excellent|well done|close|almost|appreciate)\b", re.I)
#: The acts of CIMA that are judged, with what is stated of majority and cheap baselines.
ACTS: Final = ("correction", "question", "hint", "confirmation")


@dataclass(frozen=True)
class Rows:
    """Rows of a task.

    Attributes:
        truth: what people say: yes or no, or a rating.
        baseline: what the cheap baseline says.
        groups: conversation or exercise of each.
        said: what the untrained critic says; None where one is trained.
        features: what one is trained on; None where none is.
        systems: whose words each row is; None where no system is left out.
        asked: which rows are judged; the others only train.
    """

    truth: list[bool] | list[float]
    baseline: list[bool] | list[float]
    groups: list[str]
    said: list[bool] | list[float] | None = None
    features: list[Features] | None = None
    systems: list[str] | None = None
    asked: list[bool] | None = None


@dataclass(frozen=True)
class Task:
    """One line of the table.

    Attributes:
        name: what reports call it.
        files: of the labelled set, below the folder of sets; the first is the one that is judged.
        stated: majority and cheap baselines, as the specification states them.
        reach: what the critic is to reach; None where only the mean over acts counts.
        rows: reads the rows.
        training: how its critic is trained; None where it is a rule.
    """

    name: str
    files: tuple[str, ...]
    metric: Metric
    stated: tuple[float | None, str]
    reach: float | None
    rows: Callable[[Path], Rows]
    training: Training | None = None


def place(folder: Path, name: str) -> Path:
    """Where a set's file lies: in the set's own folder, or in the folder of sets itself."""
    flat = folder / Path(name).name
    return flat if flat.is_file() and not (folder / name).is_file() else folder / name


def _plain_rule(row: Feedback) -> bool:
    """Every new word of the correction occurs."""
    new = new_words(row.original, row.corrected, "en")
    return bool(new) and set(new) <= set(words_of(row.text, "en"))


def _human_feedback(folder: Path) -> Rows:
    rows = labelled.human_feedback(place(folder, _HUMAN))
    return Rows(
        truth=[row.direct for row in rows],
        baseline=[_plain_rule(row) for row in rows],
        groups=[row.instance for row in rows],
        said=[is_direct(row.text, row.original, row.corrected, "en") for row in rows],
    )


def _written_feedback(folder: Path) -> Rows:
    """Feedback of systems; people's trains beside the other systems', where it is there."""
    rows = labelled.rated_feedback(place(folder, _RATED))
    if (place(folder, _HUMAN)).exists():
        rows += labelled.human_feedback(place(folder, _HUMAN))
    return Rows(
        truth=[row.direct for row in rows],
        baseline=[_plain_rule(row) for row in rows],
        groups=[row.instance for row in rows],
        features=[feedback_features(row) for row in rows],
        systems=[row.system for row in rows],
        asked=[row.system != "human" for row in rows],
    )


#: Cheap baselines of acts.
_ACT_RULES: Final[dict[str, Callable[[Reply], bool]]] = {
    "question": lambda row: "?" in row.text,
    "hint": lambda row: not CONFIRMS_FIRST.match(row.text),
    "correction": lambda row: bool(NEGATES.search(row.text)),
    "confirmation": lambda row: bool(CONFIRMS.search(row.text)),
}


def _act(act: str) -> Callable[[Path], Rows]:
    def rows_of(folder: Path) -> Rows:
        rows = labelled.replies(place(folder, _CIMA))
        return Rows(
            truth=[row.acts[act] for row in rows],
            baseline=[_ACT_RULES[act](row) for row in rows],
            groups=[row.exercise for row in rows],
            features=[act_features(row) for row in rows],
        )

    return rows_of


def _answer(folder: Path) -> Rows:
    rows = labelled.answers(place(folder, _MRBENCH))
    known = [set(numbers_of(" ".join(text for _, text in row.said))) for row in rows]
    return Rows(
        truth=[row.revealed for row in rows],
        baseline=[bool(set(numbers_of(row.text)) - held) for row, held in zip(rows, known, strict=True)],
        groups=[row.conversation for row in rows],
        features=[answer_features(row) for row in rows],
        systems=[row.system for row in rows],
    )


def _tone(folder: Path) -> Rows:
    rows = labelled.answers(place(folder, _MRBENCH))
    return Rows(
        truth=[row.encouraging for row in rows],
        baseline=[bool(_PRAISES.search(row.text)) for row in rows],
        groups=[row.conversation for row in rows],
        said=[encouraging(row.text, "en") for row in rows],
    )


def _question_form(folder: Path) -> Rows:
    rows = labelled.questions(place(folder, _SWDA))
    return Rows(
        truth=[row.closed for row in rows],
        baseline=[not _FIRST_WORD.match(row.text) for row in rows],
        groups=[row.dialogue for row in rows],
        said=[is_closed(row.text, "en") for row in rows],
    )


_FIRST_WORD: Final = re.compile(
    r"\W*(?:(?:uh|um|so|and|but|or|well|oh|okay|now|then)\W+)*(?:what|who|whose|which|when|where|why|how)\b", re.I
)


def _uptake(folder: Path) -> Rows:
    rows = labelled.exchanges(place(folder, _UPTAKE))
    return Rows(
        truth=[row.uptake for row in rows],
        baseline=[float(overlap(row.learner, row.teacher, "en")) for row in rows],
        groups=[row.lesson for row in rows],
        said=[uptake(row.learner, row.teacher, "en") for row in rows],
    )


_HUMAN: Final = "wcf_hints/human_feedback.json"
_RATED: Final = "wcf_hints/rated_feedback.json"
_CIMA: Final = "cima/dataset.json"
_MRBENCH: Final = "mrbench/MRBench_V2.json"
_SWDA: Final = "swda_questions/questions.csv"
_UPTAKE: Final = "uptake/uptake_data.csv"
_ACTS_TRAINED: Final = Training(strength=0.1, balanced=True, tuned=True)

#: The specification's table, line by line.
TASKS: Final[Sequence[Task]] = (
    Task("direct feedback", (_HUMAN,), "macro-F1", (0.358, "rule .938"), 0.93, _human_feedback),
    Task(
        "direct feedback, LLM-written",
        (_RATED, _HUMAN),
        "macro-F1",
        (None, "rule .793; TF-IDF + LR .921"),
        0.90,
        _written_feedback,
        Training(strength=3.0, balanced=False),
    ),
    Task("correction act", (_CIMA,), "F1", (0.448, "rule .688; LR .771"), 0.76, _act("correction"), _ACTS_TRAINED),
    Task("question act", (_CIMA,), "F1", (0.443, "rule .846; LR .831"), None, _act("question"), _ACTS_TRAINED),
    Task("hint act", (_CIMA,), "F1", (0.749, "rule .787; LR .849"), None, _act("hint"), _ACTS_TRAINED),
    Task("confirmation act", (_CIMA,), "F1", (0.254, "rule .664; LR .667"), None, _act("confirmation"), _ACTS_TRAINED),
    Task(
        "answer revealed",
        (_MRBENCH,),
        "macro-F1",
        (0.456, "rule .716; LR .782"),
        0.80,
        _answer,
        Training(strength=0.3, balanced=True),
    ),
    Task("encouraging tone", (_MRBENCH,), "macro-F1", (0.405, "lexicon .803"), 0.82, _tone),
    Task("closed or other question", (_SWDA,), "macro-F1", (None, "rule .951"), 0.95, _question_form),
    Task("uptake", (_UPTAKE,), "Spearman", (None, "overlap .513"), 0.50, _uptake),
)
#: The mean over CIMA's four acts, with its reach.
FOUR_ACTS: Final = "four acts, mean"
FOUR_ACTS_REACH: Final = 0.78
