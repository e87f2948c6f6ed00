"""The account of a run: requests, tokens and dollars, of this run and of all runs of its job."""

from schemas.fields import Count, LongCount, Strict
from synth.cache import Totals
from synth.llm.budget import Budget
from synth.llm.client import Client, Tally
from synth.llm.prices import DOLLAR, shown


class Account(Strict):
    """What a run took; dollars as far as prices are known."""

    requests: Count
    """That brought a reply, in this run."""
    cached: Count
    """That the cache answered, for nothing."""
    repeated: Count
    """Tries after a request's first."""
    prompt_tokens: LongCount
    completion_tokens: LongCount
    uncounted: Count
    """Replies whose tokens the endpoint did not count: upper bounds stand in."""
    dollars: float
    """For this run's replies."""
    priced: bool
    """Whether the price is known; else dollars are 0."""
    all_runs_replies: Count
    all_runs_dollars: float
    doubtful: Count
    """Requests of all runs that brought no reply and may have been billed."""
    doubtful_dollars: float
    """The most that those can have cost."""


def account_of(tally: Tally, totals: Totals, *, paid_before: int, priced: bool) -> Account:
    """The account of a run.

    Args:
        tally: of this run.
        totals: of all runs.
        paid_before: picodollars of the runs before.
        priced: whether the price is known.
    """
    return Account(
        requests=tally.asked,
        cached=tally.cached,
        repeated=tally.repeated,
        prompt_tokens=tally.prompt_tokens,
        completion_tokens=tally.completion_tokens,
        uncounted=tally.uncounted,
        dollars=(totals.cost - paid_before) / DOLLAR,
        priced=priced,
        all_runs_replies=totals.replies,
        all_runs_dollars=totals.cost / DOLLAR,
        doubtful=totals.doubtful,
        doubtful_dollars=totals.doubtful_cost / DOLLAR,
    )


def remark(client: Client, failed: int) -> str:
    """What the progress bar says of money and failures."""
    tally, budget = client.tally, client.budget
    parts = [f"{tally.asked:,} asked, {tally.cached:,} cached", _spent(budget)]
    if failed:
        parts.append(f"{failed:,} failed")
    return ", ".join(parts)


def _spent(budget: Budget) -> str:
    spent = shown(budget.spent)
    return f"{spent} of {shown(budget.limit)}" if budget.limited else spent
