"""What shifted between two versions, measure by measure, the largest shift first."""

import polars as pl

from quimbot_data.diff import effects
from quimbot_data.diff.measures import LENGTHS, SHARES
from schemas.diff import LengthShift, Quantiles, ShareShift, ValueShares

_Tallies = dict[str, dict[str | int | None, int]]

#: Measures of which a dialogue may have several values.
SEVERAL = ("terms", "tutor moves", "learner signals", "safety categories")
#: Quantiles and values that are told in a line.
_TOLD = {"p50": "median", "p05": "5 %", "p95": "95 %"}
_VALUES = 3


def shifts(a: pl.DataFrame, b: pl.DataFrame) -> list[ShareShift | LengthShift]:
    """Compare two versions' tallies (`measures.TALLY`); measures that neither states are left out."""
    left, right = _summed(a), _summed(b)
    found: list[ShareShift | LengthShift] = [
        *(_share(name, left, right) for name in SHARES if _stated(left, name) or _stated(right, name)),
        *(_length(name, left, right) for name in LENGTHS if name in left or name in right),
    ]
    return sorted(found, key=lambda shift: (effects.BANDS.index(shift.band), -abs(shift.effect or 0), shift.measure))


def _summed(tallies: pl.DataFrame) -> _Tallies:
    """Measure to value or length to dialogues; under None all that state it."""
    summed = tallies.group_by("measure", "value", "length").agg(pl.col("dialogues").sum())
    found: _Tallies = {}
    for measure, value, length, dialogues in summed.iter_rows():
        found.setdefault(measure, {})[length if value is None else value] = dialogues
    return found


def _stated(tallies: _Tallies, measure: str) -> int:
    return tallies.get(measure, {}).get(None, 0)


def _share(measure: str, a: _Tallies, b: _Tallies) -> ShareShift:
    left, right = _by_value(a, measure), _by_value(b, measure)
    of_a, of_b = _stated(a, measure), _stated(b, measure)
    several = measure in SEVERAL
    effect = effects.largest_v(left, of_a, right, of_b) if several else effects.cramers_v(left, right)
    values = [
        ValueShares(value=value, a=x, b=y, share_a=_part(x, of_a), share_b=_part(y, of_b))
        for value in left.keys() | right.keys()
        for x, y in [(left.get(value, 0), right.get(value, 0))]
    ]
    values.sort(key=lambda row: (-abs((row.share_b or 0) - (row.share_a or 0)), row.value))
    name = effects.band(effect, effects.COHEN)
    return ShareShift(measure=measure, effect=effect, band=name, a=of_a, b=of_b, values=values)


def _by_value(tallies: _Tallies, measure: str) -> dict[str, int]:
    return {str(value): dialogues for value, dialogues in tallies.get(measure, {}).items() if value is not None}


def _part(dialogues: int, of: int) -> float | None:
    return round(dialogues / of, 9) if of else None


def _length(measure: str, a: _Tallies, b: _Tallies) -> LengthShift:
    left, right = _by_length(a, measure), _by_length(b, measure)
    effect = effects.cliffs_delta(left, right)
    name = effects.band(effect, effects.ROMANO)
    return LengthShift(measure=measure, effect=effect, band=name, a=_quantiles(left), b=_quantiles(right))


def _by_length(tallies: _Tallies, measure: str) -> dict[int, int]:
    return {int(length): dialogues for length, dialogues in tallies.get(measure, {}).items() if length is not None}


def _quantiles(counts: dict[int, int]) -> Quantiles | None:
    if not counts:
        return None
    return Quantiles(**{f"p{percent:02}": effects.quantile(counts, percent) for percent in (5, 25, 50, 75, 95)})


def most_moved(shift: ShareShift | LengthShift) -> str:
    """What moved most, from A to B: `es 15.0 % → 20.0 %; en …`, or a few quantiles."""
    if isinstance(shift, LengthShift):
        pairs = [(name, _shown(shift.a, key), _shown(shift.b, key)) for key, name in _TOLD.items()]
        return "; ".join(f"{name} {a} → {b}" for name, a, b in pairs)
    moved = [row for row in shift.values if row.share_a != row.share_b]
    return "; ".join(f"{row.value} {_percent(row.share_a)} → {_percent(row.share_b)}" for row in moved[:_VALUES])


def _shown(quantiles: Quantiles | None, key: str) -> str:
    return f"{getattr(quantiles, key):,}" if quantiles else "–"


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.1f} %"
