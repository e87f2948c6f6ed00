"""What a run's results come to: dialogues to keep, and a row with its reason for every scenario that became none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quimbot_data.pedagogy.critics import check_batch
from quimbot_data.workspace import atomic
from schemas.fields import Count, NonEmpty, Strict
from synth.generation_report import GenerationReport, LedgerLine
from synth.llm.dialogues import ENGINE, Rejected, Written
from synth.output import Row, rights
from synth.scenarios import Scenario

_UNASKED: Final = Written(Rejected("unasked", "The budget ended before."), repaired=False)
#: The step that drops a scenario, by reason; elsewhere it is the reply.
_STEPS: Final = {
    "critics": "critics",
    "not-accepted": "endpoint",
    "same-content": "duplicates",
    "unanswered": "endpoint",
    "unasked": "budget",
}


class FailureRow(Strict):
    """One scenario that became no dialogue; a line of `<file>.failures.jsonl`."""

    scenario: Count
    """Its place in the plan."""
    profile: NonEmpty
    seed_id: NonEmpty
    strategy: NonEmpty
    reason: NonEmpty
    """See `synth.llm.replies.Reason`; or `same-content`, or `unasked` where the budget ended first."""
    detail: str
    failed: list[str]
    """Names of the critics that the dialogue failed."""
    messages: list[dict[str, str]]
    """The dialogue as it was rejected, if there was one."""
    reply: str | None
    """What the model answered, where no dialogue could be made of it."""
    license: list[str]
    terms: list[str]
    """What holds for the texts above: those of the seed."""


@dataclass
class SortedOut:
    """Dialogues in the order of the plan, and the rest."""

    rows: list[Row] = field(default_factory=list)
    failures: list[FailureRow] = field(default_factory=list)
    repaired: int = 0

    def report(self, random_seed: int, profiles: Sequence[str]) -> GenerationReport:
        """The report that stands beside the file."""
        found = check_batch(self.rows).failures if self.rows else []
        dropped = Counter((_STEPS.get(row.reason, "reply"), _name(row)) for row in self.failures)
        return GenerationReport(
            generator=ENGINE,
            random_seed=random_seed,
            profiles=list(profiles),
            planned=len(self.rows) + len(self.failures),
            written=len(self.rows),
            dropped=[LedgerLine(step=s, reason=r, dialogues=n) for (s, r), n in sorted(dropped.items())],
            blind=[],
            batch=[f"{failure.name}: {failure.detail}" for failure in found],
        )


def sort_out(scenarios: Sequence[Scenario], results: Sequence[Written | None]) -> SortedOut:
    """Keep what is a dialogue, each content once; name the reason of the rest."""
    found, ids = SortedOut(), set[str]()
    for scenario, result in zip(scenarios, results, strict=True):
        made, repaired = result or _UNASKED
        found.repaired += repaired
        if not isinstance(made, Rejected):
            if made["id"] not in ids:
                ids.add(made["id"])
                found.rows.append(made)
                continue
            made = Rejected("same-content", f"as {made['id']}", messages=tuple(made["messages"]))
        found.failures.append(_failure(scenario, made))
    return found


def _failure(scenario: Scenario, made: Rejected) -> FailureRow:
    licence, terms = rights(scenario.seed)
    return FailureRow(
        scenario=scenario.number,
        profile=scenario.profile.name,
        seed_id=scenario.seed.seed_id,
        strategy=scenario.strategy,
        reason=made.reason,
        detail=made.detail,
        failed=list(made.failed),
        messages=list(made.messages),
        reply=made.reply,
        license=licence,
        terms=terms,
    )


def _name(row: FailureRow) -> str:
    return row.failed[0] if row.failed else row.reason


def failures_beside(output: Path) -> Path:
    """Where the failures of a file of dialogues are written."""
    return output.with_name(output.name + ".failures.jsonl")


def write_failures(output: Path, failures: Sequence[FailureRow]) -> None:
    """Write the failures beside the dialogues, one JSON object a line; the file is there without any, too."""
    with atomic(failures_beside(output)) as stream:
        for row in failures:
            stream.write(row.model_dump_json().encode() + b"\n")
