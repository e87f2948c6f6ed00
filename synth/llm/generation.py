"""The run: scenarios are written by a model, checked, and written to a file; what failed, and the account, beside it.

    plan -> ask -> structure -> critics -> one repair -> critics -> duplicates -> blind check -> file, failures, account

A run that was stopped or killed goes on where it was: the same command asks for nothing twice that it has the reply to,
and ends in the same file as one that nobody disturbed.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from quimbot_data.endpoint import Endpoint
from quimbot_data.workspace import Workspace, write_model
from schemas.errors import BudgetError, InputError, MixError
from schemas.generation import GenerationReport, reasons
from schemas.manifest import canonical_json
from schemas.seed import Seed
from synth.cache import ReplyCache, open_cache
from synth.fitting import profiles_with_seeds
from synth.llm.account import Account, account_of, remark
from synth.llm.budget import UNLIMITED, Budget
from synth.llm.clearing import check_transfer
from synth.llm.client import PATIENT, Client, Patience
from synth.llm.critic import critics_for
from synth.llm.dialogues import ENGINE, PROMPTS, Rejected, Roles, Writer, Written
from synth.llm.outcome import failures_beside, sort_out, write_failures
from synth.llm.prices import DOLLAR, FREE, Price
from synth.llm.request import DEFAULT_SAMPLING, Sampling
from synth.llm.work import Worked, work_through
from synth.output import write_dialogues
from synth.profiles import Profile
from synth.prompts import prompt_hash
from synth.scenarios import Scenario, plan

Tell = Callable[[int, str], None]


@dataclass(frozen=True)
class Asking:
    """Whom to ask, how, and at what cost."""

    endpoint: Endpoint
    model: str
    sampling: Sampling = DEFAULT_SAMPLING
    price: Price | None = FREE
    """None where it is not known."""
    budget: float | None = None
    """US dollars that all runs of a job may cost together."""
    at_once: int = 8
    patience: Patience = PATIENT
    cleared: str | None = None
    """`WHO, why`: text of restricted terms may leave this machine."""

    def client(self, cache: ReplyCache) -> Client:
        """Who asks, with what earlier runs of the job took counted against the budget.

        Raises:
            InputError: a budget without a price.
        """
        if self.budget is not None and self.price is None:
            raise InputError(
                f"A budget needs the price of {self.model!r}.",
                next_step="Give --price-in and --price-out, or --prices.",
            )
        before = cache.totals()
        limit = UNLIMITED if self.budget is None else round(self.budget * DOLLAR)
        budget = Budget(limit, before.cost, before.doubtful_cost)
        return Client(self.endpoint, cache, budget, self.price or FREE, self.patience, self.at_once)


@dataclass(frozen=True)
class Job:
    """What is to be written."""

    profiles: Sequence[str]
    seeds: Sequence[Seed]
    random_seed: int
    roles: Roles = "one-call"

    @property
    def chosen(self) -> list[Profile]:
        """For whom.

        Raises:
            InputError: no such profile, or none that a seed fits.
        """
        return profiles_with_seeds(self.profiles, self.seeds, worded=False)

    def scenarios(self, count: int) -> list[Scenario]:
        """The first scenarios of the plan.

        Raises:
            InputError: no such profile, or no seed fits one.
        """
        return list(islice(plan(self.chosen, self.seeds, self.random_seed, worded=False), count))

    def key(self, asking: Asking) -> str:
        """What runs share an account: all that decides their requests, but how many there are."""
        told = {
            "engine": ENGINE,
            "model": asking.model,
            "prompts": prompt_hash(PROMPTS[self.roles]),
            "sampling": asking.sampling.told(),
            "profiles": [profile.model_dump(mode="json") for profile in self.chosen],
            "seeds": [seed.model_dump(mode="json") for seed in self.seeds],
            "random_seed": self.random_seed,
            "roles": self.roles,
        }
        return hashlib.sha256(canonical_json(told).encode()).hexdigest()


@dataclass(frozen=True)
class Generated:
    """What a run made."""

    report: GenerationReport
    account: Account
    repaired: int
    """Scenarios whose dialogue was asked for a second time."""


def generate_by_model(
    output: Path,
    *,
    workspace: Workspace,
    job: Job,
    asking: Asking,
    count: int,
    tell: Tell = lambda done, remark: None,
) -> Generated:
    """Write the dialogues of a plan's first scenarios; beside them what failed, the report and the account.

    Args:
        output: a Parquet file.
        workspace: holds the cache of replies and the record of transfers.
        job: what is to be written.
        asking: by whom, and how.
        count: scenarios; each becomes a dialogue or a failure.
        tell: told how many are done, and what they cost.

    Raises:
        InputError: no such profile, no seed fits one, or a budget without a price.
        TermsError: seeds that may not go to the endpoint.
        LockedError: another process works on this job.
        EndpointError: the endpoint takes no requests, answers none, or is gone; what was paid for is kept.
        BudgetError: the budget ended the run; what is finished was written.
        MixError: no scenario became a dialogue; a file that was there stays.
    """
    scenarios, worked, account = asyncio.run(_write(workspace, job, asking, count, tell))
    written = sort_out(scenarios, worked.results)
    report = written.report(job.random_seed, job.profiles)
    if written.rows:
        write_dialogues(written.rows, output, report)
    write_failures(output, written.failures)
    write_model(output.with_name(output.name + ".account.json"), account)
    if worked.budget:
        done = f"{output} holds {len(written.rows):,} dialogues of the scenarios that it did cover."
        raise BudgetError(worked.budget.found, valid=done if written.rows else "", next_step=worked.budget.next_step)
    if not written.rows:
        raise MixError(
            f"None of {report.planned:,} scenarios became a dialogue: {reasons(report.dropped)}.",
            valid=f"{output} {'stays as it was' if output.exists() else 'was not written'}.",
            next_step=f"Read what failed in {failures_beside(output)}.",
        )
    return Generated(report, account, written.repaired)


async def _write(
    workspace: Workspace, job: Job, asking: Asking, count: int, tell: Tell
) -> tuple[list[Scenario], Worked[Written], Account]:
    done = failed = 0

    def heard(result: Written) -> None:
        nonlocal done, failed
        done, failed = done + 1, failed + isinstance(result.made, Rejected)
        tell(done, remark(client, failed))

    async with critics_for(count) as critics:
        scenarios = job.scenarios(count)  # while the critics read their tables
        check_transfer(workspace, seed_rights(scenarios), asking.endpoint, asking.model, asking.cleared, send=True)
        with open_cache(workspace, job.key(asking)) as cache:
            client = asking.client(cache)
            paid_before = client.budget.spent
            async with client.open():
                writer = Writer(client, asking.model, asking.sampling, job.roles, critics)
                writer.warm(scenarios)
                worked = await work_through(client, scenarios, writer.write, tell=heard)
            priced = asking.price is not None
            account = account_of(client.tally, cache.totals(), paid_before=paid_before, priced=priced)
    return scenarios, worked, account


def seed_rights(scenarios: Sequence[Scenario]) -> pl.DataFrame:
    """`source` and `terms` of each seed that text of is sent; a seed's source is what its id begins with."""
    used = {seed.seed_id: seed for each in scenarios for seed in (each.seed, each.variation) if seed}
    sources = [name.partition(":")[0] for name in used]
    terms = [list(seed.terms) for seed in used.values()]
    return pl.DataFrame({"source": sources, "terms": terms}, {"source": pl.String, "terms": pl.List(pl.String)})
