"""Plots of a run: loss, and loss by family, over the steps; PNG, in the style of the cards' plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quimbot_data.card.plots import blank_figure, png
from quimbot_data.workspace import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito (2008), told apart by colour-blind readers.
_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
#: Steps of the mean that is drawn over the single steps: a tenth, so that noise goes and the trend stays.
_SMOOTHED: Final = 10

Metrics = Sequence[Mapping[str, Any]]


def write_plots(folder: Path, metrics: Metrics) -> list[Path]:
    """Draw `loss.png` and `loss_by_family.png` into a folder; nothing before the first step."""
    if not metrics:
        return []
    made = []
    for name, drawn in (("loss", _loss), ("loss_by_family", _by_family)):
        made.append(folder / f"{name}.png")
        with atomic(made[-1]) as stream:
            stream.write(png(lambda drawn=drawn: drawn(metrics)))  # type: ignore[misc]
    return made


def _loss(metrics: Metrics) -> "Figure":
    figure = blank_figure(3.2)
    axes = figure.subplots()
    _line(axes, [(line["step"], line["loss"]) for line in metrics], _COLOURS[0], "loss")
    return _named(figure, axes)


def _by_family(metrics: Metrics) -> "Figure":
    figure = blank_figure(3.6)
    axes = figure.subplots()
    families = sorted({family for line in metrics for family in line["losses"]})
    for family, colour in zip(families, _COLOURS, strict=False):
        points = [(line["step"], line["losses"][family]) for line in metrics if family in line["losses"]]
        _line(axes, points, colour, family)
    axes.legend(frameon=False, fontsize=8)
    return _named(figure, axes)


def _line(axes: "Axes", points: Sequence[tuple[int, float]], colour: str, label: str) -> None:
    steps, losses = [step for step, _ in points], [loss for _, loss in points]
    width = max(1, len(losses) // _SMOOTHED)
    means = [sum(losses[max(0, at - width + 1) : at + 1]) / min(width, at + 1) for at in range(len(losses))]
    axes.plot(steps, losses, color=colour, alpha=0.3, linewidth=0.8)
    axes.plot(steps, means, color=colour, linewidth=1.6, label=label)


def _named(figure: "Figure", axes: "Axes") -> "Figure":
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss, nats a token")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
