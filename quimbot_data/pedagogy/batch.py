"""Critics of a batch: rates that no single dialogue has, and what must not stand in two splits.

A share of many is held to its bounds as it is. A share of few is a draw of chance: it fails where its 95 % interval
(Wilson 1927) lies wholly outside of them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import polars as pl

from quimbot_data.pedagogy.folding import fold
from quimbot_data.pedagogy.invariants import BATCH_CHECKS, Failure
from quimbot_data.pedagogy.scene import LEARNER, Row, Scene, Turn, mapping, scene_of
from quimbot_data.pedagogy.strategies import variant_order
from quimbot_data.pedagogy.wording import ends_in_question

#: Bounds of shares (pedagogy §3): explores that give the right variant first; error turns that end in a question.
RIGHT_FIRST: Final = (0.45, 0.55)
END_IN_QUESTION: Final = (0.50, 0.75)
_SUPPORT: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "split": pl.String,
    "strategy": pl.String,
    "uptake": pl.String,
    "asks": pl.Boolean,
    "right_first": pl.Boolean,
}
_ORIGIN: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "split": pl.String,
    "dialogue": pl.String,
    "seed": pl.String,
    "template": pl.String,
    "sentences": pl.List(pl.String),
}
#: From how many on a share is held to its bounds as it is; from how many on it is looked at.
MANY: Final = 400
FEW: Final = 20
_Z: Final = 1.96
#: A configured rate is missed where it is further off than chance goes once in 1,000 batches.
_Z_CONFIGURED: Final = 3.29


@dataclass(frozen=True)
class Configured:
    """Rates that a generator was asked for; what is not configured is only held to what the invariants say."""

    repair: Mapping[str, float] = field(default_factory=dict)
    """Share of supports that end in a repair, by strategy."""
    mirroring: float | None = None
    """Share of code-switched learner turns that a heritage tutor answers in both languages."""


class Rate(NamedTuple):
    """A share that was counted: of which check, of what, and its 95 % interval."""

    name: str
    of: str
    value: float
    total: int
    low: float
    high: float


@dataclass(frozen=True)
class BatchReport:
    """What is wrong with a batch, the shares that were counted, and checks that could not be made, with the reason."""

    failures: list[Failure]
    rates: list[Rate]
    unchecked: dict[str, str]


class Support(NamedTuple):
    """One tutor turn with a strategy, as a row."""

    split: str | None
    strategy: str
    uptake: str | None
    asks: bool
    right_first: bool | None


class Origin(NamedTuple):
    """What a dialogue shares with others, as a row."""

    split: str | None
    dialogue: str
    seed: str | None
    template: str | None
    sentences: list[str]


def check_batch(dialogues: Iterable[Row], configured: Configured | None = None) -> BatchReport:
    """Check a batch as a whole; dialogues without annotations count for splits alone.

    Args:
        dialogues: rows; `split` and provenance (or `seed_id` and `template_id`) where they have them. Read once.
        configured: rates that were asked for.
    """
    supports: list[Support] = []
    mirrored: list[bool] = []
    origins: list[Origin] = []
    for dialogue in dialogues:
        scene = scene_of(dialogue)
        split = str(dialogue["split"]) if dialogue.get("split") else None
        supports += [_support(scene, turn, split) for turn in scene.tutor if turn.strategy]
        mirrored += _mirrored(scene)
        origins.append(_origin(scene, dialogue, split))
    turns = pl.DataFrame(supports, schema=_SUPPORT, orient="row")
    report = BatchReport([], [], {})
    asked = configured or Configured()
    _check_order(turns, report)
    _check_repair(turns, asked, report)
    _check_questions(turns, report)
    _check_mirroring(mirrored, asked, report)
    _check_splits(pl.DataFrame(origins, schema=_ORIGIN, orient="row"), report)
    report.failures.sort(key=lambda failure: BATCH_CHECKS.index(failure.name))
    return report


def _support(scene: Scene, turn: Turn, split: str | None) -> Support:
    answer, edit = scene.after(turn), scene.edit_of(turn)
    order = variant_order(turn.text, edit) if turn.strategy == "explore" and edit is not None else None
    return Support(
        split,
        str(turn.strategy),
        answer.uptake if answer is not None else None,
        ends_in_question(turn.text),
        order.right < order.other if order is not None else None,
    )


def _mirrored(scene: Scene) -> list[bool]:
    """Of each switched turn of a heritage learner, whether the tutor answers in both languages."""
    if scene.learner.get("background") != "heritage":
        return []
    switched = [turn for turn in scene.turns if turn.role == LEARNER and "code_switch" in turn.signals]
    answers = [scene.after(turn) for turn in switched]
    return [len(answer.languages) > 1 for answer in answers if answer is not None]


def _origin(scene: Scene, dialogue: Row, split: str | None) -> Origin:
    provenance = mapping(dialogue.get("provenance"))
    derived = mapping(provenance.get("derived"))
    seed = provenance.get("lineage") or dialogue.get("seed_id")
    template = derived.get("template_id") or dialogue.get("template_id")
    return Origin(
        split,
        fold("\n".join(turn.text for turn in scene.turns)),
        str(seed) if seed else None,
        str(template) if template else None,
        sorted({fold(edit.sentence) for edit in scene.edits if edit is not None}),
    )


def _check_order(turns: pl.DataFrame, report: BatchReport) -> None:
    explores = turns.filter(strategy="explore").drop_nulls("right_first")
    for (split,), group in sorted(explores.group_by("split"), key=lambda item: str(item[0])):
        place = f"explores of split {split}" if split else "explores"
        rate = rate_of("explore-order", place, int(group["right_first"].sum()), group.height)
        _hold(rate, RIGHT_FIRST, "give the right variant first", report)
    _note_unchecked("explore-order", "no explores", report)


def _check_questions(turns: pl.DataFrame, report: BatchReport) -> None:
    if turns.height:
        rate = rate_of("question-rate", "error turns", int(turns["asks"].sum()), turns.height)
        _hold(rate, END_IN_QUESTION, "end in a question", report)
    _note_unchecked("question-rate", "no turns with a strategy", report)


def _check_repair(turns: pl.DataFrame, configured: Configured, report: BatchReport) -> None:
    answered = turns.drop_nulls("uptake").with_columns(repaired=turns.drop_nulls("uptake")["uptake"] == "repair")
    rates = {}
    for (strategy,), group in sorted(answered.group_by("strategy"), key=lambda item: str(item[0])):
        rate = rate_of("repair-rate", f"{strategy} turns", int(group["repaired"].sum()), group.height)
        report.rates.append(rate)
        rates[str(strategy)] = rate
    for strategy, rate in rates.items():
        if rate.total >= FEW and rate.value == 1:
            report.failures.append(Failure(rate.name, None, f"Every {strategy} is repaired: no learner does that."))
        _hold_configured(rate, configured.repair.get(strategy), report)
    recast, others = rates.pop("recast", None), [rate for rate in rates.values() if rate.total >= FEW]
    if recast is not None and recast.total >= FEW:
        for other in (each for each in others if _exceeds(recast, each)):
            found = f"Recasts are repaired in {recast.value:.2f}, {other.of} in {other.value:.2f}: recasts draw fewest."
            report.failures.append(Failure("repair-rate", None, found))
    _note_unchecked("repair-rate", "no annotated uptake", report)


def _exceeds(rate: Rate, other: Rate) -> bool:
    return rate.value > other.value if min(rate.total, other.total) >= MANY else rate.low > other.high


def _check_mirroring(mirrored: list[bool], configured: Configured, report: BatchReport) -> None:
    if mirrored:
        rate = rate_of("mirroring-rate", "switched heritage turns", sum(mirrored), len(mirrored))
        report.rates.append(rate)
        if configured.mirroring is None and rate.total >= FEW and not any(mirrored):
            report.failures.append(Failure(rate.name, None, "Code-switching is never mirrored."))
        _hold_configured(rate, configured.mirroring, report)
    _note_unchecked("mirroring-rate", "no code-switching by heritage learners", report)


def _check_splits(origins: pl.DataFrame, report: BatchReport) -> None:
    placed = origins.drop_nulls("split")
    if placed["split"].n_unique() < 2:
        report.unchecked["splits"] = "fewer than two splits"
        return
    for what in ("seed", "template", "sentences", "dialogue"):
        told = placed.explode("sentences") if what == "sentences" else placed
        held = told.drop_nulls(what).group_by(what).agg(pl.col("split").unique().sort())
        for value, splits in held.filter(pl.col("split").list.len() > 1).sort(what).iter_rows():
            found = f"One {what.removesuffix('s')} stands in {', '.join(splits)}: {_short(value)}."
            report.failures.append(Failure("splits", None, found))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def rate_of(name: str, of: str, hits: int, count: int) -> Rate:
    """A share with its 95 % interval (Wilson 1927)."""
    return Rate(name, of, hits / count, count, *wilson(hits, count, _Z))


def wilson(hits: int, count: int, z: float) -> tuple[float, float]:
    """Wilson's interval of a share of `count`, `z` standard deviations to each side."""
    share, square = hits / count, z * z / count
    centre = (share + square / 2) / (1 + square)
    reach = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _hold(rate: Rate, bounds: tuple[float, float], does: str, report: BatchReport) -> None:
    low, high = bounds
    report.rates.append(rate)
    outside = not low <= rate.value <= high if rate.total >= MANY else rate.low > high or rate.high < low
    if outside and rate.total >= FEW:
        found = f"{rate.value:.2f} of {rate.total:,} {rate.of} {does}; {low:.2f} to {high:.2f} are valid."
        report.failures.append(Failure(rate.name, None, found))


def _hold_configured(rate: Rate, configured: float | None, report: BatchReport) -> None:
    if configured is None or rate.total < FEW:
        return
    low, high = wilson(round(rate.value * rate.total), rate.total, _Z_CONFIGURED)
    if not low <= configured <= high:
        found = f"{rate.value:.2f} of {rate.total:,} {rate.of}, where {configured:.2f} was configured."
        report.failures.append(Failure(rate.name, None, found))


def _note_unchecked(name: str, reason: str, report: BatchReport) -> None:
    """Say that a check was not made; its shares are of too few, then, to be printed."""
    counted = [rate.total for rate in report.rates if rate.name == name]
    if not counted:
        report.unchecked[name] = reason
    elif max(counted) < FEW:
        report.unchecked[name] = f"{max(counted)} to count, fewer than {FEW}"
        report.rates[:] = [rate for rate in report.rates if rate.name != name]
