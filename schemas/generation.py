"""How a file of generated dialogues came to be: its generator's report, and what corpora and versions keep of it."""

from collections.abc import Sequence
from typing import Final

from pydantic import Field, model_validator

from schemas.fields import Count, LongCount, NonEmpty, Strict

#: Where a file of dialogues holds its report: the key of Parquet's metadata.
REPORT_KEY: Final = "quimbot.generation"


class Dropped(Strict):
    """Scenarios that became no dialogue, by the step and the reason."""

    step: NonEmpty
    reason: NonEmpty
    dialogues: Count


def reasons(dropped: Sequence[Dropped]) -> str:
    """Why scenarios became no dialogues, the most frequent reason first, in a line."""
    lines = sorted(dropped, key=lambda line: -line.dialogues)
    return ", ".join(f"{line.dialogues:,} {line.reason} ({line.step})" for line in lines)


class BlindRecovery(Strict):
    """What the blind critic recovered before what it did not was dropped."""

    profile: NonEmpty
    target: NonEmpty
    """`strategy`, `level`, `background`, or `all` for those of which it found each; of what has one value only in its
    language there is nothing to recover, and no line."""
    dialogues: Count
    recovered: Count

    @model_validator(mode="after")
    def _part_of_all(self) -> "BlindRecovery":
        if self.recovered > self.dialogues:
            raise ValueError("recovered: more than there were dialogues")
        return self


class Unjudged(Strict):
    """Dialogues that no blind critic judged."""

    profile: NonEmpty
    dialogues: Count
    reason: NonEmpty


class Credit(Strict):
    """A corpus other than ours whose learner errors dialogues grew from."""

    corpus: NonEmpty
    license: NonEmpty
    attribution: str
    """What is to be printed with them; empty where nobody said."""
    dialogues: Count


class GenerationReport(Strict):
    """How a file of dialogues came to be; the same bytes on every run.

    It stands beside the file as `<file>.report.json`, and within it in Parquet's metadata under `REPORT_KEY`.
    """

    generator: NonEmpty
    random_seed: int
    profiles: list[str]
    planned: Count
    written: Count
    dropped: list[Dropped]
    blind: list[BlindRecovery]
    unjudged: list[Unjudged] = Field(default=[])
    credits: list[Credit] = Field(default=[])
    batch: list[str]
    """What does not hold of the dialogues as a batch; small ones may miss rates by chance."""

    @model_validator(mode="after")
    def _nothing_unnamed(self) -> "GenerationReport":
        if self.planned != self.written + sum(line.dialogues for line in self.dropped):
            raise ValueError("ledger: planned must be written plus dropped")
        return self


class Generated(Strict):
    """What the record of a corpus, and of each version of it, keeps of a raw file: how it came to be."""

    path: NonEmpty
    rows: LongCount
    blind: list[BlindRecovery]
    """Empty where the file holds no report, as those that no generator of this project wrote."""
    unjudged: list[Unjudged]
    credits: list[Credit] = Field(default=[])
