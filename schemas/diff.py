"""What `quimbot diff A B` finds: every row that differs, with one reason, and what shifted from A to B."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.fields import Hash, LongCount, NonEmpty, Share, SourceName, Strict, Term
from schemas.manifest import SplitName

Change = Literal["removed", "added", "changed", "moved"]
CHANGES: tuple[Change, ...] = ("removed", "added", "changed", "moved")
"""`changed` rows have the same id and other columns; `moved` ones differ in nothing but their split."""
Band = Literal["negligible", "small", "medium", "large", "in one alone"]


class VersionSide(Strict):
    """One of the two versions."""

    version: NonEmpty
    id: Hash
    schema_version: int
    dialogues: LongCount
    tokens: LongCount


class KeyChange(Strict):
    """A key of the recipe, or another input, that differs: its values as JSON, null where it is not there."""

    key: NonEmpty
    a: str | None
    b: str | None


class SourceChange(Strict):
    """A source that differs: its revision and the digest of its corpus, null where the recipe does not name it."""

    source: SourceName
    revision_a: str | None
    revision_b: str | None
    corpus_a: Hash | None
    corpus_b: Hash | None


class Reasoned(Strict):
    """What differs, in which way and why."""

    change: Change
    reason: NonEmpty
    """`recipe`, `source revision`, `takedown`, `duplicate`, `over budget`, `epochs`, or the step whose rule dropped the
    row in the other version: `terms`, `filter`, `safety`, `decontaminate`, `skeletons`."""
    detail: str
    """The keys, the rule, what the row is a duplicate of, the columns that changed, or the splits; empty where there is
    nothing to add."""
    source: SourceName

    def why(self) -> str:
        """The reason and its detail in one."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class ChangeCount(Reasoned):
    """Dialogues of one source that differ in the same way for the same reason."""

    dialogues: Annotated[int, Field(ge=1)]


class Handover(Strict):
    """A row of A that B leaves to an equal or nearly equal one of another source."""

    dialogue_id: NonEmpty
    survivor: NonEmpty


class Example(Reasoned):
    """One of the rows behind a count."""

    dialogue_id: NonEmpty
    because: str | None
    """What the other version's fates name: a survivor, an evaluation item, an entry of the takedown ledger."""
    split_a: SplitName | None
    split_b: SplitName | None
    terms: list[Term]
    text: str | None
    """The opening of the dialogue as B holds it, else as A does; null where it was taken down."""


class ValueShares(Strict):
    """Dialogues with one value, and their share of those that state the measure."""

    value: str
    a: LongCount
    b: LongCount
    share_a: Share | None
    share_b: Share | None


class ShareShift(Strict):
    """A measure with named values; those that moved most come first."""

    measure: NonEmpty
    statistic: Literal["Cramér's V"] = "Cramér's V"
    effect: float | None
    """0 to 1; null where one version states the measure nowhere."""
    band: Band
    a: LongCount
    """Dialogues of A that state the measure."""
    b: LongCount
    values: list[ValueShares]


class Quantiles(Strict):
    """The least values that 5, 25, 50, 75 and 95 % of the dialogues do not exceed."""

    p05: LongCount
    p25: LongCount
    p50: LongCount
    p75: LongCount
    p95: LongCount


class LengthShift(Strict):
    """A measure in whole numbers."""

    measure: NonEmpty
    statistic: Literal["Cliff's delta"] = "Cliff's delta"
    effect: float | None
    """-1 to 1: above 0 where B is longer; null where one version is empty."""
    band: Band
    a: Quantiles | None
    b: Quantiles | None


class Diff(Strict):
    """Version A against version B. Counts add up: A = kept + removed + changed + moved; B likewise with added."""

    a: VersionSide
    b: VersionSide
    kept: LongCount
    """Dialogues that both hold, the same in every column and in the same split."""
    counts: list[ChangeCount]
    recipe: list[KeyChange]
    sources: list[SourceChange]
    handovers: list[Handover]
    shifts: list[ShareShift | LengthShift]
    """By band and effect, the largest first."""
    examples: list[Example]

    def rows(self, change: Change) -> int:
        """Dialogues that differ in this way."""
        return sum(count.dialogues for count in self.counts if count.change == change)

    def same_rows(self) -> bool:
        """Whether both hold the same rows in the same splits."""
        return not self.counts
