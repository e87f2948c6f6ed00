"""What a run's results come to: dialogues to keep, and a row with its reason for every scenario that became none."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quimbot_data.pedagogy.critics import check_batch
from quimbot_data.workspace import atomic
from schemas.fields import Count, NonEmpty, Strict
from schemas.generation import BlindRecovery, Dropped, GenerationReport, Unjudged
from synth.llm.dialogues import ENGINE, Rejected, Written
from synth.output import Row, credits_of, rights
from synth.recovery import judge
from synth.scenarios import Scenario

_UNASKED: Final = Written(Rejected("unasked", "The budget ended before."), repaired=False)
#: The step that drops a scenario, by reason; elsewhere it is the reply.
_STEPS: Final = {
    "blind": "blind",
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
    """See `synth.llm.replies.Reason`; or `same-content`; `blind` where the tutor's words did not tell what the dialogue
    is, judged with all others at the end; or `unasked` where the budget ended first."""
    detail: str
    failed: list[str]
    """Names of the critics that the dialogue failed; of the blind one, what it did not recover."""
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
    blind: list[BlindRecovery] = field(default_factory=list)
    unjudged: list[Unjudged] = field(default_factory=list)

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
            dropped=[Dropped(step=s, reason=r, dialogues=n) for (s, r), n in sorted(dropped.items())],
            blind=self.blind,
            unjudged=self.unjudged,
            credits=credits_of(self.rows),
            batch=[f"{failure.name}: {failure.detail}" for failure in found],
        )


def sort_out(scenarios: Sequence[Scenario], results: Sequence[Written | None]) -> SortedOut:
    """Keep what is a dialogue, each content once, and what a blind critic recovers; name the reason of the rest.

    Raises:
        InputError: scikit-learn is not installed, and there are dialogues enough to be judged blind.
    """
    told = [result or _UNASKED for result in results]
    once = list(_once([made for made, _ in told]))
    judged = judge([made for made in once if not isinstance(made, Rejected)])
    found = SortedOut(repaired=sum(repaired for _, repaired in told), blind=judged.recovered, unjudged=judged.unjudged)
    for scenario, made in zip(scenarios, once, strict=True):
        if isinstance(made, Rejected):
            found.failures.append(_failure(scenario, made))
        elif lost := judged.lost.get(made["id"]):
            found.failures.append(_failure(scenario, _not_recovered(made, lost)))
        else:
            found.rows.append(made)
    return found


def _once(results: Sequence[Row | Rejected]) -> Iterator[Row | Rejected]:
    ids = set[str]()
    for made in results:
        if isinstance(made, Rejected) or made["id"] not in ids:
            yield made
        else:
            yield Rejected("same-content", f"as {made['id']}", messages=tuple(made["messages"]))
        if not isinstance(made, Rejected):
            ids.add(made["id"])


def _not_recovered(row: Row, lost: Sequence[str]) -> Rejected:
    names = tuple(f"{target}-not-recovered" for target in lost)
    detail = f"The tutor's words do not tell the {' and the '.join(lost)}."
    return Rejected("blind", detail, names, tuple(row["messages"]))


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
