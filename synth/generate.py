"""The offline run: scenarios are grown, checked and judged blind until there are enough; nothing is dropped unnamed.

    plan -> grow -> critics -> duplicates -> blind check -> file, report

Processes share the growing and the checking. Each dialogue hangs on its scenario alone, and what meets (duplicates, the
count) meets in the plan's order, so neither their number nor their speed can be seen in the file.
"""

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.pedagogy.critics import Configured, check, check_batch
from schemas.errors import MixError
from schemas.generation import Dropped, GenerationReport, reasons
from schemas.seed import Seed
from synth.blind import BlindCritic, Unseen, fit
from synth.fitting import profiles_with_seeds
from synth.grammar import ENGINE, grow
from synth.output import Row, credits_of, write_dialogues
from synth.profiles import Profile
from synth.recovery import Tally, unseen
from synth.scenarios import Scenario, plan

#: Scenarios a process takes at once.
CHUNK: Final = 250
#: Dialogues a profile that the blind critic is fitted on, and the random seed of their plan, which is nobody's else.
FITTED_ON: Final = 800
FITTING_SEED: Final = 2**61 - 1
#: Scenarios by dialogues asked, after which a run says that it cannot do it.
MOST_TRIES: Final = 10
#: Scenarios judged at once: from so many on what came of them tells how many the seeds will give.
JUDGED: Final = 4 * CHUNK
#: Scenarios in a row that bring no dialogue, after which the seeds have given what they have.
EXHAUSTED: Final = 2 * CHUNK

Tell = Callable[[int, str], None]
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
        yield lambda scenarios: (each for chunk in _chunks(scenarios) for each in grown(chunk))
        return
    # Not forked: threads of libraries that are loaded already would be missed by the copies.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_leave_interrupts)
    with _ended_politely():
        try:
            yield lambda scenarios: (each for chunk in pool.map(grown, _chunks(scenarios)) for each in chunk)
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(scenarios: Sequence[Scenario]) -> list[Sequence[Scenario]]:
    return [scenarios[at : at + CHUNK] for at in range(0, len(scenarios), CHUNK)]


def _leave_interrupts() -> None:
    """Ctrl-C on the terminal is for the run, which ends its processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Let a polite kill end the run as Ctrl-C does, so that its processes are cleared away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def generate_offline(
    output: Path,
    *,
    count: int,
    random_seed: int,
    profiles: Sequence[str],
    seeds: Sequence[Seed],
    workers: int = 2,
    at_most: bool = False,
    tell: Tell = lambda done, remark: None,
) -> GenerationReport:
    """Write dialogues and, beside them, the report of how they came to be.

    Args:
        output: a Parquet file; the report is `<output>.report.json`.
        count: dialogues to write.
        random_seed: of the plan.
        profiles: names of shipped profiles; none for all.
        seeds: learner errors.
        workers: processes.
        at_most: write fewer where the seeds give no more.
        tell: told how many dialogues there are, and of how many scenarios.

    Raises:
        InputError: no such profile, or no seed fits one.
        MixError: too many scenarios are dropped for this count, or all of them.
    """
    chosen = profiles_with_seeds(profiles, seeds)
    scenarios = plan(chosen, seeds, random_seed)
    with _processes(workers) as spread:
        to_fit = spread(list(islice(plan(chosen, seeds, FITTING_SEED), FITTED_ON * len(chosen))))
        first = spread(list(islice(scenarios, count)))  # grown while the critic is fitted
        run = _Run(count, fit([each.unseen for each in to_fit if each.unseen]), tell, at_most=at_most)
        tell(0, "the blind critic is fitted")
        run.take(first)
        while run.missing() and not run.given_up():
            run.take(spread(list(islice(scenarios, run.next_round()))))
    if run.missing() and not (at_most and run.kept):
        raise run.too_few()
    report = run.report(chosen, random_seed)
    write_dialogues(run.kept, output, report)
    return report


class _Run:
    """What was kept so far and what was dropped, by step and reason."""

    def __init__(self, count: int, critic: BlindCritic, tell: Tell, *, at_most: bool) -> None:
        self.count, self.critic, self.tell, self.at_most = count, critic, tell, at_most
        self.kept: list[Row] = []
        self.planned = 0
        self._in_vain = 0
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

    def given_up(self) -> bool:
        """Whether the seeds have given what they have or, where all are wanted, can by their share so far not do it."""
        left = MOST_TRIES * self.count + CHUNK - self.planned
        hopeless = self.planned >= JUDGED and len(self.kept) / self.planned * left < self.missing()
        return left <= 0 or self._in_vain >= EXHAUSTED or (hopeless and not self.at_most)

    def too_few(self) -> MixError:
        return MixError(
            f"Of {self.planned:,} scenarios {len(self.kept):,} became dialogues, too few for {self.count:,}: "
            f"{reasons(self.ledger())}.",
            next_step="Ask for fewer, give more seeds, or add --at-most to write what there is.",
        )

    def take(self, several: Iterator[Grown]) -> None:
        """Take a round of scenarios, as far as there is hope."""
        while not (self.missing() and self.given_up()) and (part := list(islice(several, JUDGED))):
            self._take(part)
            self.tell(len(self.kept), f"of {self.planned:,} scenarios")

    def _take(self, several: Sequence[Grown]) -> None:
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
        self._in_vain += 1

    def _judge(self, row: Row, lost: Sequence[str]) -> None:
        if lost:
            self._drop("blind", f"{lost[0]}-not-recovered")
        elif self.missing():
            self.kept.append(row)
            self._in_vain = 0
        else:
            self._drop("count", "more-than-asked")

    def ledger(self) -> list[Dropped]:
        return [Dropped(step=s, reason=r, dialogues=n) for (s, r), n in sorted(self.dropped.items())]

    def report(self, profiles: Sequence[Profile], random_seed: int) -> GenerationReport:
        return GenerationReport(
            generator=ENGINE,
            random_seed=random_seed,
            profiles=[profile.name for profile in profiles],
            planned=self.planned,
            written=len(self.kept),
            dropped=self.ledger(),
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
