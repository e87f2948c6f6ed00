"""The plots of a card: mix, ledger, languages, lengths, each a PNG of some 30 kB.

Drawn on white, so they read on a dark page too, in colours that colour-blind readers tell apart (Okabe and Ito 2008).
The bytes follow from the figures and matplotlib's version: own settings over its defaults, its own font, no date.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quimbot_data.card.figures import CardFacts
from quimbot_data.card.markdown import count, share
from quimbot_data.card.rows import Bin, Step
from quimbot_data.card.tables import TOP_LANGUAGES
from quimbot_data.ledger import ASSEMBLED, MENDING, REPEATED

if TYPE_CHECKING:
    from matplotlib.axes import Axes  # loaded where it is needed: half a second
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

#: Panels of the ledger plot; further sources stand in the card's tables.
MOST_PANELS: Final = 10

_ASKED, _DIALOGUES, _TOKENS = "#BBBBBB", "#0072B2", "#E69F00"
_INK, _FAINT, _LOSS = "#333333", "#DDDDDD", "#B34700"
_WIDTH: Final = 8.0  # inches
_STYLE: Final[dict[str, Any]] = {
    **{"font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left"},
    **{"text.color": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK},
    **{"axes.edgecolor": _INK, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True},
    **{"figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 144, "savefig.dpi": 144},
}


def plots(facts: CardFacts) -> dict[str, bytes]:
    """All plots of a version, as PNG by name; a version without dialogues has no languages and lengths to plot."""
    drawings: dict[str, Callable[[], Figure]] = {
        "mix": lambda: _mix(facts),
        "ledger": lambda: _ledger(facts),
    }
    if facts.totals.dialogues:
        drawings |= {"languages": lambda: _languages(facts), "lengths": lambda: _lengths(facts)}
    return {name: png(draw) for name, draw in drawings.items()}


def png(draw: Callable[[], "Figure"]) -> bytes:
    """Draw a figure in the style of all plots, and give its bytes."""
    from matplotlib import style
    from PIL import Image

    drawn, small = BytesIO(), BytesIO()
    with style.context(["default", _STYLE]):
        draw().savefig(drawn, format="png", metadata={"Software": None})
    # Few hues, smoothed at their edges: 64 colours look the same and take a third of the bytes.
    image = Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True)
    return small.getvalue()


def blank_figure(height: float) -> "Figure":
    """An empty figure, `height` inches high; made without pyplot, which would keep it and look for a display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), layout="constrained")


def _panels(figure: "Figure", rows: int, columns: int) -> "list[Axes]":
    """A grid of panels, row by row; panels of one row share their vertical scale."""
    return list(figure.subplots(rows, columns, squeeze=False, sharey="row").flatten())


def _mix(facts: CardFacts) -> "Figure":
    """Three bars a component: its weight, and its shares of dialogues and tokens."""
    lines = sorted(facts.mix, key=lambda line: (-line.weight, line.component))
    dialogues, tokens = facts.totals.dialogues, facts.totals.tokens
    figure = blank_figure(1.1 + 0.62 * len(lines))
    axes = figure.subplots()
    series: tuple[tuple[str, str, list[tuple[float, float]]], ...] = (
        ("asked", _ASKED, [(line.weight, 1.0) for line in lines]),
        ("got, of dialogues", _DIALOGUES, [(line.dialogues, dialogues) for line in lines]),
        ("got, of tokens", _TOKENS, [(line.tokens, tokens) for line in lines]),
    )
    for offset, (label, color, parts) in enumerate(series):
        places = [place + 0.27 * (offset - 1) for place in range(len(lines))]
        widths = [100 * part / whole if whole else 0.0 for part, whole in parts]
        bars = axes.barh(places, widths, height=0.25, color=color, label=label)
        axes.bar_label(bars, [share(*part) for part in parts], padding=3, fontsize=8)
    names = [f"{line.family}\n{shortened(', '.join(line.sources), 30)}" for line in lines]
    _name_rows(axes, names)
    axes.margins(x=0.13)
    axes.set_xlabel("per cent of the version")
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def _name_rows(axes: "Axes", names: Sequence[str]) -> None:
    """Names beside horizontal bars, the first one on top."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.5, -0.5)


def shortened(text: str, most: int) -> str:
    """At most so many characters: what is longer loses its middle, since names differ at either end."""
    end = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[-end:]}"


def _ledger(facts: CardFacts) -> "Figure":
    """A panel a source: rows left after each step that dropped any somewhere."""
    stages = funnels(facts)
    names = [row.source for row in facts.sources[:MOST_PANELS]]
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = blank_figure(0.3 + rows * (0.45 + 0.26 * max(len(stages[name]) for name in names)))
    panels = _panels(figure, rows, columns)
    for panel, name in zip(panels, names, strict=False):
        _funnel(panel, name, stages[name])
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    return figure


class Stage(NamedTuple):
    """Rows left at a point of a source's ledger, and those that steps before it dropped."""

    label: str
    left: int
    dropped: int


def funnels(facts: CardFacts) -> dict[str, list[Stage]]:
    """Per source: raw rows, dialogues, what is left after each step that drops in some source, kept.

    The same stages for each, since panels beside each other share their names.
    """
    dropping = {line.step for line in facts.ledger if line.reason} - {*MENDING, "read", "mix", REPEATED}
    passed = [line for line in facts.ledger if line.reason is None and line.step != REPEATED]
    ledgers = {source: list(lines) for source, lines in groupby(passed, key=lambda line: line.source)}
    steps = _in_order([[line.step for line in lines if line.step in dropping] for lines in ledgers.values()])
    return {source: _stages(lines, steps) for source, lines in ledgers.items()}


def _in_order(ledgers: Sequence[Sequence[str]]) -> list[str]:
    """The steps of several ledgers, each in its own order: some sources go through steps that others are spared."""
    steps: list[str] = []
    for ledger in ledgers:
        place = 0
        for step in ledger:
            if step not in steps:
                steps.insert(place, step)
            place = steps.index(step) + 1
    return steps


def _stages(lines: Sequence[Step], steps: Sequence[str]) -> list[Stage]:
    read, *later = lines
    # Reading drops raw rows, assembling joins or splits them: only the first is a loss.
    made = next((line.rows_out for line in later if line.step == ASSEMBLED), read.rows_out)
    stages = [Stage("raw rows", read.rows_in, 0), Stage("dialogues", made, read.rows_in - read.rows_out)]
    by_step = {line.step: line for line in later}
    for step in steps:
        spared = Stage(f"after {step}", stages[-1].left, 0)
        stages.append(_stage(f"after {step}", by_step[step]) if step in by_step else spared)
    return [*stages, _stage("kept", later[-1])]


def _stage(label: str, line: Step) -> Stage:
    return Stage(label, line.rows_out, line.rows_in - line.rows_out)


def _funnel(axes: "Axes", name: str, stages: list[Stage]) -> None:
    rows = [stage.left for stage in stages]
    axes.barh(range(len(rows)), rows, height=0.72, color=[_ASKED, *[_DIALOGUES] * (len(rows) - 2), _TOKENS])
    for place, stage in enumerate(stages):
        number = _beside(axes, count(stage.left), (stage.left, place))
        if stage.dropped:
            _beside(axes, f"−{count(stage.dropped)}", (1, 0.5), number, color=_LOSS)
    axes.set_title(shortened(name, 32), fontweight="bold")
    _name_rows(axes, [stage.label for stage in stages])
    axes.set_xlim(0, 1.75 * max(1, *rows))
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _beside(
    axes: "Axes", text: str, place: tuple[float, float], of: "Annotation | None" = None, color: str = _INK
) -> "Annotation":
    """Text right of a place in the data, or right of another text."""
    if of is None:
        return axes.annotate(text, place, (4, 0), textcoords="offset points", va="center", fontsize=8, color=color)
    return axes.annotate(
        text, place, (6, 0), xycoords=of, textcoords="offset points", va="center", fontsize=8, color=color
    )


def _languages(facts: CardFacts) -> "Figure":
    """A dot a language, on a logarithmic scale: most mixes hold some languages a thousand times as often as others."""
    from matplotlib.ticker import LogLocator

    top = facts.languages[:TOP_LANGUAGES]
    most, least = top[0].dialogues, top[-1].dialogues
    figure = blank_figure(1.0 + 0.21 * max(2, len(top)))
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_xlim(min(least / 1.5, most / 20), most * 1.4)
    for place, row in enumerate(top):
        axes.axhline(place, color=_FAINT, linewidth=0.8, zorder=0)
        axes.plot([row.dialogues], [place], "o", color=_DIALOGUES, markersize=6)
        text = f"{count(row.dialogues)} · {share(row.dialogues, facts.totals.dialogues)}"
        axes.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    _name_rows(axes, [row.language for row in top])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most < 100 * least else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
    axes.minorticks_off()
    axes.set_xlabel("dialogues (logarithmic scale)")
    axes.set_title(f"{len(top)} of {len(facts.languages)} languages" if len(top) < len(facts.languages) else "")
    return figure


def _lengths(facts: CardFacts) -> "Figure":
    """A panel a measure: shares of dialogues in ranges that double, and the median."""
    figure = blank_figure(2.9)
    panels = _panels(figure, 1, 3)
    for axes, quantiles in zip(panels, facts.lengths, strict=False):
        bins = [row for row in facts.histogram if row.measure == quantiles.measure]
        _histogram(axes, bins, facts.totals.dialogues)
        axes.set_title(f"{quantiles.measure}: median {count(quantiles.p50)}")
        axes.set_xlabel(f"{quantiles.measure} of a dialogue (logarithmic scale)", fontsize=8)
    panels[0].set_ylabel("per cent of dialogues", fontsize=8)
    return figure


def _histogram(axes: "Axes", bins: Sequence[Bin], dialogues: int) -> None:
    """Bars from the power of two where a range begins to the next."""
    heights = [100 * row.dialogues / dialogues for row in bins]
    bars = axes.bar([row.bits for row in bins], heights, 1.0, align="edge", color=_DIALOGUES, edgecolor="white")
    numbers = [f"{height:.0f}" if height >= 0.5 else "<1" for height in heights]
    axes.bar_label(bars, numbers, padding=2, fontsize=8 if len(bins) < 12 else 6)
    first, last = bins[0].bits, bins[-1].bits
    ticks = range(first, last + 2, 1 + (last - first) // 6)
    axes.set_xticks(list(ticks), [_power(bits) for bits in ticks], fontsize=8)
    axes.margins(y=0.1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _power(bits: int) -> str:
    """Where the range of `bits` begins, in few characters: 2,048 is 2k."""
    value = 2 ** (bits - 1) if bits else 0
    return str(value) if value < 1024 else f"{value // 1024}k" if value < 1024**2 else f"{value // 1024**2}M"
