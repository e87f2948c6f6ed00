"""Measures of dialogues as reports and versions hold them; what each is, `quimbot_data.pedagogy.measures` says."""

from schemas.fields import Count, NonEmpty, Strict


class MeasureLine(Strict):
    """One measure of some dialogues."""

    group: NonEmpty
    name: NonEmpty
    says: NonEmpty
    value: float | None
    """To four decimals; null where it cannot be taken, and `note` says why."""
    low: float | None
    """Low end of the range that it should lie in; null where that is open."""
    high: float | None
    within: bool | None
    """Whether it lies there; null where it has no value or no range."""
    taken_of: Count
    """Turns, questions, dialogues or pairs."""
    note: str


class VersionMeasures(Strict):
    """`measures.json`: a document beside a version with annotated dialogues, made again by whoever holds its rows."""

    annotated: Count
    """Dialogues with annotations of a tutor, those that stand twice counted once."""
    measured: Count
    """Of these, how many were looked at: those of the smallest content hashes."""
    lines: list[MeasureLine]
