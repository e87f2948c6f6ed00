"""What a dry run tells."""

from typing import TYPE_CHECKING

from quimbot_data.terminal import counted, print_json, print_table, say

if TYPE_CHECKING:
    from synth.llm.estimate import Estimate


def tell_estimate(found: "Estimate", unit: str, *, json: bool) -> None:
    """Tell what a run would take."""
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


def _dollars(amount: float | None) -> str:
    return "price unknown" if amount is None else f"{amount:,.4f}"
