"""The plot of a report: each measure as a point against its range, with human teachers' figures beside it."""

from typing import TYPE_CHECKING, Final

from quimbot_data.card.plots import blank_figure, png
from quimbot_data.pedagogy.report import MeasureReport, ReportLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GOOD, _BAD, _HUMAN, _RANGE = "#0072B2", "#B34700", "#E69F00", "#DDDDDD"
#: In inches: a measure's row, and the legend above all.
_ROW: Final = 0.46
_TOP: Final = 0.4
#: Where panels begin, as a share of the width.
_LEFT: Final = 0.33
_LEGEND: Final = "Point: these dialogues, red where out of range. Grey: the range. Strokes: human teachers."


def drawing(made: MeasureReport) -> bytes:
    """PNG of all measures that have a value, a panel each; each panel has a scale of its own."""
    lines = [line for line in made.lines if line.value is not None]
    return png(lambda: _figure(lines))


def _figure(lines: list[ReportLine]) -> "Figure":
    height = _TOP + _ROW * len(lines) + 0.2
    figure = blank_figure(height)
    figure.set_layout_engine("none")  # panels are placed by hand: fitting twenty of them takes seconds
    figure.text(0.02, 1 - 0.2 / height, _LEGEND, fontsize=8, va="center")
    for number, line in enumerate(lines, 1):
        axes = figure.add_axes((_LEFT, 1 - (_TOP + _ROW * number - 0.08) / height, 0.97 - _LEFT, 0.2 / height))
        _panel(axes, line)
    return figure


def _panel(axes: "Axes", line: ReportLine) -> None:
    humans = [value for value in line.human.values() if value is not None]
    value = line.value or 0.0
    ends = [end for end in (line.low, line.high) if end is not None]
    most, least = max([value, *humans, *ends, 1e-3]) * 1.05, min(0.0, value, *humans)
    if ends:
        low, high = (least if line.low is None else line.low), (most if line.high is None else line.high)
        axes.axvspan(low, high, color=_RANGE, linewidth=0)
    axes.plot(humans, [0.0] * len(humans), "|", color=_HUMAN, markersize=12, markeredgewidth=2)
    axes.plot([value], [0.0], "o", color=_BAD if line.within is False else _GOOD, markersize=6)
    axes.set(xlim=(least, most), ylim=(-1, 1), yticks=[], xticks=sorted({least, *ends, most}))
    axes.tick_params(labelsize=6, pad=1, length=2)
    axes.set_xticklabels([f"{tick:.3g}" for tick in sorted({least, *ends, most})])
    axes.spines["left"].set_visible(False)
    axes.text(-0.02, 0.5, f"{line.name}  {value:.3f}", transform=axes.transAxes, ha="right", va="center", fontsize=8)
