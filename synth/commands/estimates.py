"""What a dry run tells."""

from typing import TYPE_CHECKING

from quimbot_data.terminal import counted, print_json, print_table, say

if TYPE_CHECKING:
    from synth.llm.estimate import Estimate
    from synth.llm.generation import Asking


def tell_estimate(found: "Estimate", unit: str, asking: "Asking", *, json: bool) -> None:
    """Tell what a run would take, and whether the budget covers it."""
    if json:
        print_json(found.model_dump(mode="json"))
        return
    say(f"{counted(found.work, unit)}, of which the cache answers {found.finished:,}. Nothing was sent.")
    rows = [
        ("requests", f"{found.requests:,}", f"{found.requests_most:,}"),
        ("prompt tokens", f"{found.prompt_tokens:,}", ""),
        ("reply tokens", f"{found.completion_tokens:,}", ""),
        ("dollars", _dollars(found.dollars), _dollars(found.dollars_most)),
    ]
    print_table("Estimate", ("", "expected", "at most"), rows)
    for line in (_unpriced(asking), _beyond(found, asking.budget)):
        if line:
            say(line)


def _unpriced(asking: "Asking") -> str:
    from synth.llm.prices import FREE

    if asking.price is None:
        return "No price is known: pass --prices, or --price-in and --price-out."
    here = "No price is known of a model on this machine, which counts as free: pass --prices where it costs."
    return here if asking.price is FREE else ""


def _beyond(found: "Estimate", budget: float | None) -> str:
    if budget is None or not found.dollars_most or found.dollars_most <= budget:
        return ""
    surely = (found.dollars or 0) > budget
    return f"That {'exceeds' if surely else 'can exceed'} the budget of {_dollars(budget)} dollars, which ends a run."


def _dollars(amount: float | None) -> str:
    return "price unknown" if amount is None else f"{amount:,.4f}"
