"""The report beside a file of dialogues: what was planned, what became of it, what the blind critic recovered."""

from pathlib import Path

from pydantic import model_validator

from quimbot_data.workspace import write_model
from schemas.fields import Count, NonEmpty, Strict


class LedgerLine(Strict):
    """Scenarios that became no dialogue, by the step and the reason."""

    step: NonEmpty
    reason: NonEmpty
    dialogues: Count


class BlindRecovery(Strict):
    """What the blind critic recovered before what it did not was dropped."""

    profile: NonEmpty
    target: NonEmpty
    """`strategy`, `level`, `background`, or `all` for those of which it found each."""
    dialogues: Count
    recovered: Count


class GenerationReport(Strict):
    """How a file of dialogues came to be; the same bytes on every run.

    It stands beside the file as `<file>.report.json`, and within it in Parquet's metadata as `quimbot.generation`.
    """

    generator: NonEmpty
    random_seed: int
    profiles: list[str]
    planned: Count
    written: Count
    dropped: list[LedgerLine]
    blind: list[BlindRecovery]
    batch: list[str]
    """What does not hold of the dialogues as a batch; small ones may miss rates by chance."""

    @model_validator(mode="after")
    def _nothing_unnamed(self) -> "GenerationReport":
        if self.planned != self.written + sum(line.dialogues for line in self.dropped):
            raise ValueError("ledger: planned must be written plus dropped")
        return self

    def write_beside(self, output: Path) -> None:
        """Write it where readers of the file look for it."""
        write_model(output.with_name(output.name + ".report.json"), self)
