"""Plots of an evaluation: what changed of the losses, and what is said under each model; PNG, as the cards' plots."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from quimbot_data.card.plots import blank_figure, png, shortened
from train.evaluate.bootstrap import Interval
from train.evaluate.likelihoods import Likelihood
from train.evaluate.summary import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Characters of a model's name in a legend; a base may be a folder's whole path.
_LABEL: Final = 40
#: Okabe and Ito (2008), in the order of the models.
_COLOURS: Final = ("#999999", "#E69F00", "#0072B2")


def plots(lines: Sequence[Likelihood], measured: Sequence[Measured], models: Sequence[str]) -> dict[str, bytes]:
    """PNGs by name; none of what there is nothing of."""
    overall, names = [each for each in measured if each.language == "all"], [shortened(name, _LABEL) for name in models]
    return ({"losses": png(lambda: _losses(lines, names[1:]))} if lines else {}) | (
        {"measures": png(lambda: _measures(overall, names))} if overall else {}
    )


def _losses(lines: Sequence[Likelihood], models: Sequence[str]) -> "Figure":
    """A line a group: nats a token that each model changes, with its interval."""
    figure = blank_figure(1.1 + 0.3 * len(lines))
    axes = figure.subplots()
    axes.axvline(0, color="#333333", linewidth=0.8)
    for row, line in enumerate(lines):
        for place, (change, colour) in enumerate(zip(line.change, _COLOURS[-len(models) :], strict=True)):
            _dot(axes, change, row + 0.18 * place, colour, models[place] if row == 0 else None)
    names = [line.name if line.by in ("all", "family") else f"{line.by}: {line.name}" for line in lines]
    axes.set_yticks(range(len(lines)), names)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlabel("change of the loss against the base, nats a token; left of 0 is better")
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def _measures(measured: Sequence[Measured], models: Sequence[str]) -> "Figure":
    """A line a measure: its value under each model, with its interval."""
    figure = blank_figure(1.1 + 0.34 * len(measured))
    axes = figure.subplots()
    colours = (_COLOURS[0], *_COLOURS[-len(models) + 1 :])
    for place, model in enumerate(models):
        axes.plot([], [], "o", color=colours[place], markersize=4, label=model)
    for row, line in enumerate(measured):
        for place, value in enumerate(line.values):
            if value is not None:
                _dot(axes, value, row + 0.2 * place, colours[place], None)
    axes.set_yticks(range(len(measured)), [line.measure.replace("_", " ") for line in measured])
    axes.set_ylim(len(measured) - 0.4, -0.6)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def _dot(axes: "Axes", told: Interval, row: float, colour: str, label: str | None) -> None:
    """A value with its interval; hollow where it has none."""
    filled: Literal["full", "none"] = "none"
    if told.low is not None and told.high is not None:
        axes.plot([told.low, told.high], [row, row], color=colour, linewidth=1.4)
        filled = "full"
    axes.plot([told.value], [row], "o", color=colour, markersize=4, label=label, fillstyle=filled)
