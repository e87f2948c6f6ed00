"""`quimbot critics validate`: each critic beside majority, the cheap baseline and the reach, on people's labels.

Trained critics are judged by cross-validation: rows of one conversation are never on both sides, and where tutor
systems wrote the rows, the critic has seen no word of the system that it judges. With weights that were trained on
other files, these are judged instead.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

from quimbot_data.pedagogy.validation.agreement import f1, macro_f1, majority_f1, majority_macro_f1, spearman
from quimbot_data.pedagogy.validation.linear import FOLDS, Training, Weights, fit, matrix, predictions
from quimbot_data.pedagogy.validation.tasks import ACTS, FOUR_ACTS, FOUR_ACTS_REACH, TASKS, Metric, Rows, Task, place
from quimbot_data.workspace import file_digest, read_model
from schemas.errors import InputError
from schemas.fields import Strict


class Line(Strict):
    """One critic against people; the numbers are null where its set is not there."""

    critic: str
    labels: str
    """The file that holds them."""
    metric: Metric
    rows: int
    groups: int
    """Conversations, exercises or learner texts."""
    how: str
    """`rule`, or how it was trained: folds by group, and whether each tutor system was left out in turn."""
    agreement: float | None
    majority: float | None
    majority_stated: float | None
    baseline: float | None
    """Of the cheap baseline, computed on the same rows."""
    baseline_stated: str
    """As in the specification."""
    reach: float | None
    missing: str | None
    """Why there is no agreement."""

    @property
    def reached(self) -> bool | None:
        """Whether it reaches what it should; None where nothing is asked or known."""
        return None if self.agreement is None or self.reach is None else self.agreement >= self.reach


class Validation(Strict):
    """All lines, in the order of the specification."""

    folder: str
    lines: list[Line]


class TrainedCritics(Strict):
    """Critics as `quimbot critics train` writes them; the licences of the labelled sets bind them, too."""

    schema_version: int
    made_from: dict[str, str]
    """sha256 of each file that they were trained on, by its path below the folder."""
    critics: dict[str, Weights]


SCHEMA_VERSION: Final = 1
Progress = Callable[[str, int], None]


def validate(folder: Path, trained: TrainedCritics | None = None, progress: Progress | None = None) -> Validation:
    """Hold every critic to the labels of a folder of sets.

    Args:
        folder: holds the sets in folders of their own, in their original files.
        trained: judged in place of critics trained on the folder's own rows.
        progress: told of each critic, with the rows done.

    Raises:
        InputError: none of the sets is there, or a file is not what its name says; scikit-learn is not installed;
            `trained` was made from a file that it would be judged by.
    """
    if not any(place(folder, name).is_file() for task in TASKS for name in task.files):
        raise InputError(
            f"{folder} holds none of the labelled sets.", valid=f"Valid: {', '.join(_files())} below that folder."
        )
    if trained is not None:
        _refuse_own(folder, trained)
    lines, acts = [], []
    for task in TASKS:
        line = _line(folder, task, trained)
        lines.append(line)
        acts += [line] if task.name.removesuffix(" act") in ACTS else []
        if len(acts) == len(ACTS) and line is acts[-1]:
            lines.append(_four_acts(acts))
        if progress:
            progress(task.name, line.rows)
    return Validation(folder=str(folder), lines=lines)


def _files() -> list[str]:
    return list(dict.fromkeys(name for task in TASKS for name in task.files))


def _refuse_own(folder: Path, trained: TrainedCritics) -> None:
    for name, digest in trained.made_from.items():
        if place(folder, name).is_file() and file_digest(place(folder, name)) == digest:
            raise InputError(
                f"These critics were trained on {folder / name} itself.",
                next_step="Judge them by rows that were held back, or leave --critics out: then folds are.",
            )


def _line(folder: Path, task: Task, trained: TrainedCritics | None) -> Line:
    told = {
        "critic": task.name,
        "labels": task.files[0],
        "metric": task.metric,
        "majority_stated": task.stated[0],
        "baseline_stated": task.stated[1],
        "reach": task.reach,
    }
    if not place(folder, task.files[0]).is_file():
        absent = {"rows": 0, "groups": 0, "how": "", "agreement": None, "majority": None, "baseline": None}
        return Line(**told, **absent, missing=f"{folder / task.files[0]} is not there")  # type: ignore[arg-type]
    rows = task.rows(folder)
    said, how = _said(task, rows, trained)
    asked = [place for place in range(len(rows.truth)) if rows.asked is None or rows.asked[place]]
    truth, judged, cheap = ([values[place] for place in asked] for values in (rows.truth, said, rows.baseline))
    return Line(
        **told,  # type: ignore[arg-type]
        rows=len(asked),
        groups=len({rows.groups[place] for place in asked}),
        how=how,
        agreement=_agreement(task.metric, truth, judged),
        majority=_majority(task.metric, truth),
        baseline=_agreement(task.metric, truth, cheap),
        missing=None,
    )


def _said(task: Task, rows: Rows, trained: TrainedCritics | None) -> tuple[Sequence[object], str]:
    """What the critic says of each row, and how it came to be."""
    if rows.said is not None:
        return rows.said, "rule"
    features, truth = rows.features or [], cast("list[bool]", rows.truth)
    if trained is not None:
        if task.name not in trained.critics:
            raise InputError(f"The file of critics holds none named {task.name!r}.", next_step="Train them again.")
        return [trained.critics[task.name].says(row) for row in features], "trained on other files"
    asked = rows.asked or [True] * len(truth)
    training = cast("Training", task.training)
    said = predictions(features, truth, rows.groups, rows.systems, asked, training)
    left = ", systems left out" if rows.systems else ""
    return said, f"trained, {FOLDS} folds{left}"


def _agreement(metric: Metric, truth: Sequence[object], said: Sequence[object]) -> float:
    if metric == "Spearman":
        return spearman(cast("list[float]", truth), cast("list[float]", said))
    measure = f1 if metric == "F1" else macro_f1
    return measure(cast("list[bool]", truth), cast("list[bool]", said))


def _majority(metric: Metric, truth: Sequence[object]) -> float | None:
    if metric == "Spearman":
        return None
    measure = majority_f1 if metric == "F1" else majority_macro_f1
    return measure(cast("list[bool]", truth))


def _four_acts(lines: Sequence[Line]) -> Line:
    """The mean over CIMA's acts."""

    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if len(known) == len(lines) else None

    return lines[0].model_copy(
        update={
            "critic": FOUR_ACTS,
            "agreement": mean([line.agreement for line in lines]),
            "majority": mean([line.majority for line in lines]),
            "majority_stated": mean([line.majority_stated for line in lines]),
            "baseline": mean([line.baseline for line in lines]),
            "baseline_stated": "rule .746; LR .780",
            "reach": FOUR_ACTS_REACH,
        }
    )


def train(folder: Path, progress: Progress | None = None) -> tuple[TrainedCritics, list[str]]:
    """Train every critic that is trained, on all rows of its set.

    Returns:
        The critics, and files of sets that are not there, whose critics are left out.

    Raises:
        InputError: a file is not what its name says; no set is there; scikit-learn is not installed.
    """
    critics, missing, used = {}, [], set()
    for task in TASKS:
        if task.training is None:
            continue
        if not place(folder, task.files[0]).is_file():
            missing.append(task.files[0])
            continue
        rows = task.rows(folder)
        used |= {name for name in task.files if place(folder, name).is_file()}
        features = matrix(rows.features or [])
        truth = cast("list[bool]", rows.truth)
        critics[task.name] = fit(features, range(len(truth)), truth, rows.groups, task.training)
        if progress:
            progress(task.name, len(truth))
    if not critics:
        raise InputError(f"{folder} holds none of the sets to train on.", valid=f"Valid: {', '.join(_files())}.")
    made_from = {name: file_digest(place(folder, name)) for name in sorted(used)}
    found = TrainedCritics(schema_version=SCHEMA_VERSION, made_from=made_from, critics=critics)
    return found, list(dict.fromkeys(missing))


def load(path: Path) -> TrainedCritics:
    """Critics that `quimbot critics train` wrote.

    Raises:
        InputError: no such file, or another.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", next_step="Make it with `quimbot critics train`.")
    return read_model(path, TrainedCritics)
