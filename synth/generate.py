"""The offline run: scenarios are grown, checked and judged blind until there are enough; nothing is dropped unnamed.

    plan -> grow -> critics -> duplicates -> blind check -> file, report

Processes share the growing and the checking. Each dialogue hangs on its scenario alone, and what meets (duplicates, the
count) meets in the plan's order, so neither their number nor their speed can be seen in the file.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.pedagogy.critics import Configured, check, check_batch
from schemas.errors import MixError
from schemas.generation import Dropped, GenerationReport
from schemas.seed import Seed
from synth.blind import BlindCritic, Unseen, fit
from synth.grammar import ENGINE, grow
from synth.output import Row, credits_of, write_dialogues
from synth.profiles import Profile, load_profiles
from synth.recovery import Tally, unseen
from synth.scenarios import Scenario, plan

#: Scenarios a process takes at once.
CHUNK: Final = 250
#: Dialogues a profile that the blind critic is fitted on, and the random seed of their plan, which is nobody's else.
FITTED_ON: Final = 800
FITTING_SEED: Final = 2**61 - 1
#: Scenarios by dialogues asked, after which a run says that it cannot do it.
MOST_TRIES: Final = 10

Progress = Callable[[str, int], None]
Mapper = Callable[[Sequence[Scenario]], Iterator["Grown"]]


class Grown(NamedTuple):
    """What became of a scenario: a dialogue, what is seen of it blind, and the names of critics that it fails."""

    row: Row | None
    unseen: Unseen | None
    failed: list[str]


def grown(scenarios: Sequence[Scenario]) -> list[Grown]:
    """Grow and check a chunk; what a process does."""
    return [_checked(grow(scenario), scenario) for scenario in scenarios]


def _checked(row: Row | None, scenario: Scenario) -> Grown:
    if row is None:
        return Grown(None, None, [])
    failed = [] if scenario.random_seed == FITTING_SEED else check(row)
    return Grown(row, unseen(row), list(dict.fromkeys(failure.name for failure in failed)))


@contextmanager
def _processes(workers: int) -> Iterator[Mapper]:
    """How scenarios are mapped: within this process, or by several."""
    if workers == 1:
        yield lambda scenarios: iter(grown(scenarios))
        return
    # Not forked: threads of libraries that are loaded already would be missed by the copies.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:

        def spread(scenarios: Sequence[Scenario]) -> Iterator[Grown]:
            chunks = [scenarios[at : at + CHUNK] for at in range(0, len(scenarios), CHUNK)]
            return (each for chunk in pool.map(grown, chunks) for each in chunk)

        yield spread


def generate_offline(
    output: Path,
    *,
    count: int,
    random_seed: int,
    profiles: Sequence[str],
    seeds: Sequence[Seed],
    workers: int = 2,
    progress: Progress = lambda step, rows: None,
) -> GenerationReport:
    """Write dialogues and, beside them, the report of how they came to be.

    Args:
        output: a Parquet file; the report is `<output>.report.json`.
        count: dialogues to write.
        random_seed: of the plan.
        profiles: names of shipped profiles; none for all.
        seeds: learner errors.
        workers: processes.
        progress: told the step and the rows done in it.

    Raises:
        InputError: no such profile, or no seed fits one.
        MixError: too many scenarios are dropped for this count.
    """
    chosen = load_profiles(profiles)
    scenarios = plan(chosen, seeds, random_seed)
    with _processes(workers) as spread:
        to_fit = spread(list(islice(plan(chosen, seeds, FITTING_SEED), FITTED_ON * len(chosen))))
        first = spread(list(islice(scenarios, count)))  # grown while the critic is fitted
        run = _Run(count, fit([each.unseen for each in to_fit if each.unseen]))
        progress("dialogues to fit the blind critic on", FITTED_ON * len(chosen))
        run.take(first)
        while run.missing():
            progress("dialogues", len(run.kept))
            if run.planned >= MOST_TRIES * count + CHUNK:
                raise MixError(
                    f"Of {run.planned:,} scenarios only {len(run.kept):,} became dialogues: {dict(run.dropped)}.",
                    next_step="Ask for fewer, or give more seeds.",
                )
            run.take(spread(list(islice(scenarios, run.next_round()))))
    progress("dialogues", len(run.kept))
    report = run.report(chosen, random_seed)
    write_dialogues(run.kept, output, report)
    return report


class _Run:
    """What was kept so far and what was dropped, by step and reason."""

    def __init__(self, count: int, critic: BlindCritic) -> None:
        self.count, self.critic = count, critic
        self.kept: list[Row] = []
        self.planned = 0
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.tally = Tally()
        self._ids: set[str] = set()
        self._templates: dict[str, str] = {}

    def missing(self) -> int:
        return self.count - len(self.kept)

    def next_round(self) -> int:
        """Scenarios to take next: by what became of the others so far, so that few are grown for nothing."""
        share = len(self.kept) / max(self.planned, 1)
        return int(self.missing() / max(share, 0.2)) + 1

    def take(self, several: Iterator[Grown]) -> None:
        valid = [(each.row, each.unseen) for each in several if self._valid(each) and each.row and each.unseen]
        judged = self.critic.recovered([looked_at for _, looked_at in valid])
        for (row, looked_at), found in zip(valid, judged, strict=True):
            self._judge(row, self.tally.lost(row["profile"], found, self.critic.tells(looked_at)))

    def _valid(self, each: Grown) -> bool:
        self.planned += 1
        if each.row is None:
            fault = ("grammar", "no-words")
        elif each.failed:
            fault = ("critics", each.failed[0])
        elif each.row["id"] in self._ids:
            fault = ("duplicates", "same-content")
        elif self._templates.setdefault(str(each.row["template_id"]), each.row["seed_id"]) != each.row["seed_id"]:
            fault = ("duplicates", "template-of-another-seed")
        else:
            self._ids.add(each.row["id"])
            return True
        self._drop(*fault)
        return False

    def _drop(self, step: str, reason: str) -> None:
        self.dropped[step, reason] += 1

    def _judge(self, row: Row, lost: Sequence[str]) -> None:
        if lost:
            self._drop("blind", f"{lost[0]}-not-recovered")
        elif self.missing():
            self.kept.append(row)
        else:
            self._drop("count", "more-than-asked")

    def report(self, profiles: Sequence[Profile], random_seed: int) -> GenerationReport:
        ledger = [Dropped(step=s, reason=r, dialogues=n) for (s, r), n in sorted(self.dropped.items())]
        return GenerationReport(
            generator=ENGINE,
            random_seed=random_seed,
            profiles=[profile.name for profile in profiles],
            planned=self.planned,
            written=len(self.kept),
            dropped=ledger,
            blind=self.tally.lines(),
            credits=credits_of(self.kept),
            batch=[f"{each.name}: {each.detail}" for each in check_batch(self.kept, configured(profiles)).failures],
        )


def configured(profiles: Sequence[Profile]) -> Configured:
    """Rates that all of these profiles ask for alike; others cannot be held to one figure."""
    repair = [{strategy: each.repair for strategy, each in profile.reactions.items()} for profile in profiles]
    mirroring = {profile.mirroring for profile in profiles if profile.code_switch}
    return Configured(
        repair={s: rate for s, rate in repair[0].items() if all(rates[s] == rate for rates in repair)},
        mirroring=mirroring.pop() if len(mirroring) == 1 else None,
    )
