"""`quimbot critics report`: measures of a set of dialogues, beside their ranges and the figures of human teachers."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from quimbot_data.card.markdown import count, table
from quimbot_data.decontamination.sets import EvaluationSet
from quimbot_data.pedagogy.contamination import contamination
from quimbot_data.pedagogy.dialogues import merged_dialogues
from quimbot_data.pedagogy.measures import CONTAMINATION, Measure, measures
from quimbot_data.pedagogy.version_measures import line_of
from quimbot_data.workspace import atomic, write_model
from schemas.fields import Strict
from schemas.measures import MeasureLine

#: Sets of human teachers' dialogues, by the folders that they lie in.
HUMAN_SETS: Final = ("bridge", "cima", "mathdial")
_FIGURES: Final = "human_figures.json"


class ReportLine(MeasureLine):
    """One measure, beside human teachers'."""

    human: dict[str, float | None]
    """The same of each set of human teachers."""


class MeasureReport(Strict):
    """All measures of some dialogues."""

    target: str
    dialogues: int
    messages: int
    languages: dict[str, int]
    """Dialogues by language."""
    seed: int
    evaluation: dict[str, str]
    """Digests of evaluation sets by name."""
    lines: list[ReportLine]


class HumanFigures(Strict):
    """Measures of human teachers' dialogues, by set and by `group/name`."""

    sets: dict[str, dict[str, float | None]]


def report(
    target: str, dialogues: Sequence[Mapping[str, Any]], sets: Sequence[EvaluationSet] = (), *, seed: int = 0
) -> MeasureReport:
    """Measure dialogues.

    Args:
        target: what they are called.
        dialogues: as `measures.measures` takes them.
        sets: evaluation sets to look for.
        seed: of samples.
    """
    found = [*measures(dialogues, seed=seed), _contamination(dialogues, sets)]
    spoken: dict[str, int] = {}
    for dialogue in dialogues:
        language = str(dialogue.get("language") or "en")
        spoken[language] = spoken.get(language, 0) + 1
    return MeasureReport(
        target=target,
        dialogues=len(dialogues),
        messages=sum(len(dialogue["messages"]) for dialogue in dialogues),
        languages=dict(sorted(spoken.items())),
        seed=seed,
        evaluation={one.name: one.digest for one in sets},
        lines=[_line(measure) for measure in found],
    )


def _contamination(dialogues: Sequence[Mapping[str, Any]], sets: Sequence[EvaluationSet]) -> Measure:
    if not sets:
        return Measure(CONTAMINATION, None, 0, "no evaluation set was named")
    overlap = contamination(dialogues, sets)
    named = sorted(set(overlap.found.values()))
    note = ", ".join(named) if named else f"looked for {', '.join(one.name for one in sets)}"
    return Measure(CONTAMINATION, float(len(overlap.found)), overlap.dialogues, note)


def _line(measure: Measure) -> ReportLine:
    key = f"{measure.target.group}/{measure.target.name}"
    return ReportLine(
        **line_of(measure).model_dump(),
        human={name: figures.get(key) for name, figures in human_figures().sets.items()},
    )


@cache
def human_figures() -> HumanFigures:
    """The figures of human teachers' dialogues that are shipped; `measured_humans` makes them."""
    text = (files("quimbot_data.pedagogy") / _FIGURES).read_text("utf-8")
    return HumanFigures.model_validate_json(text)


def measured_humans(folder: Path) -> HumanFigures:
    """Measure the sets of human teachers below a folder.

    Raises:
        InputError: a set cannot be read.
    """
    sets = {}
    for name in HUMAN_SETS:
        found = measures(list(merged_dialogues(folder / name)))
        sets[name] = {
            f"{each.target.group}/{each.target.name}": None if each.value is None else round(each.value, 4)
            for each in found
        }
    return HumanFigures(sets=sets)


def markdown(made: MeasureReport) -> str:
    """The report as Markdown, with a link to its plot."""
    humans = list(human_figures().sets)
    head = ["Measure", ">Here", "Range", *(f">{name}" for name in humans), ">Taken of", "Note"]
    parts = [
        f"# Measures of {made.target}\n",
        f"{count(made.dialogues)} dialogues, {count(made.messages)} messages; "
        + ", ".join(f"{language} {count(number)}" for language, number in made.languages.items())
        + f". Samples by seed {made.seed}. A dash: it cannot be taken, and the note says why.\n",
    ]
    for group in dict.fromkeys(line.group for line in made.lines):
        rows = [
            [
                *(f"{line.name}: {line.says}", _value(line), span(line)),
                *(number(line.human[name]) for name in humans),
                *(count(line.taken_of), line.note),
            ]
            for line in made.lines
            if line.group == group
        ]
        parts.append(f"## {group.capitalize()}\n\n{table(head, rows)}\n")
    parts.append("![Each measure against its range, and human teachers' figures](measures.png)\n")
    return "\n".join(parts)


def _value(line: ReportLine) -> str:
    shown = number(line.value)
    return f"**{shown}**" if line.within is False else shown


def number(value: float | None) -> str:
    """A measure as it is printed."""
    return "–" if value is None else f"{value:.3f}"


def span(line: MeasureLine) -> str:
    """The range of a measure in words."""
    low, high = (None if end is None else f"{end:g}" for end in (line.low, line.high))
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else ""


def write(made: MeasureReport, folder: Path) -> None:
    """Write `measures.md`, `measures.json` and `measures.png`.

    Raises:
        WorkspaceError: the folder cannot be written.
    """
    from quimbot_data.pedagogy.drawing import drawing

    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / "measures.md") as stream:
        stream.write(markdown(made).encode())
    with atomic(folder / "measures.png") as stream:
        stream.write(drawing(made))
    write_model(folder / "measures.json", made)
