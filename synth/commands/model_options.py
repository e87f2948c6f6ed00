"""Options of commands that ask a model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from schemas.errors import InputError

if TYPE_CHECKING:
    from synth.llm.account import Account
    from synth.llm.generation import Asking
    from synth.llm.request import Sampling

PANEL: Final = "By a model"


def _option(help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=PANEL, **more)


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Whom to ask, how, and for how much."""

    model: Annotated[str | None, _option("The model's name at the endpoint.")] = None
    base_url: Annotated[
        str | None, _option("An OpenAI-compatible endpoint; default OPENAI_BASE_URL, else OpenAI.", metavar="URL")
    ] = None
    key_file: Annotated[Path | None, _option("A file that holds the key alone; default: OPENAI_API_KEY.")] = None
    at_once: Annotated[int, _option("Requests under way at the same time.", "--concurrency", min=1, max=1024)] = 8
    budget: Annotated[
        float | None, _option("US dollars that all runs of this job may cost together: a hard stop.", min=0)
    ] = None
    prices: Annotated[Path | None, _option(r'A TOML table of prices: \[models."NAME"], input and output.')] = None
    price_in: Annotated[float | None, _option("US dollars for a million tokens of prompt.", min=0)] = None
    price_out: Annotated[float | None, _option("US dollars for a million tokens of reply.", min=0)] = None
    dry_run: Annotated[bool, _option("Estimate requests, tokens and cost; send nothing.", "--dry-run")] = False
    allow_transfer: Annotated[
        str | None,
        _option(
            "Let text under no-transfer or unknown terms go to another machine: who cleared that, and why, is "
            "recorded.",
            metavar='"WHO, why"',
        ),
    ] = None
    temperature: Annotated[
        float | None, _option("Sampling temperature; default 0.9 to write, 0 to judge.", min=0, max=2)
    ] = None
    max_tokens: Annotated[int, _option("The most tokens of one reply.", min=16, max=100_000)] = 1600
    structured: Annotated[
        Literal["json_schema", "json_object", "none"],
        _option("How the endpoint is told the structure of replies; the prompts tell it, too."),
    ] = "json_schema"
    parameters: Annotated[
        str | None, _option("Further parameters of requests as JSON; null leaves one out.", metavar="JSON")
    ] = None
    timeout: Annotated[float, _option("Seconds for one request.", min=0.1)] = 120.0
    attempts: Annotated[int, _option("Tries of one request.", min=1, max=100)] = 6

    def asking(self, temperature: float) -> "Asking":
        """Whom to ask and how.

        Args:
            temperature: where the options name none.

        Raises:
            InputError: no model, parameters that are no JSON object, or prices that are not valid.
            EndpointError: an address or key file that is not valid, or no key.
        """
        from quimbot_data.endpoint import choose_endpoint
        from synth.llm.client import Patience
        from synth.llm.generation import Asking
        from synth.llm.prices import Asked, price_of

        if not self.model:
            raise InputError("No model is named.", next_step="Give --model with its name at the endpoint.")
        endpoint = choose_endpoint(self.base_url, self.key_file, needs_key=not self.dry_run)
        asked = Asked(self.price_in, self.price_out, self.prices)
        return Asking(
            endpoint=endpoint,
            model=self.model,
            sampling=self._sampling(temperature if self.temperature is None else self.temperature),
            price=price_of(self.model, asked, loopback=endpoint.loopback),
            budget=self.budget,
            at_once=self.at_once,
            patience=Patience(attempts=self.attempts, timeout=self.timeout),
            cleared=self.allow_transfer,
        )

    def _sampling(self, temperature: float) -> "Sampling":
        from synth.llm.request import Sampling

        extra = _parameters(self.parameters)
        seeded = "seed" not in extra
        extra.pop("seed", None)
        sampling = Sampling(
            temperature=temperature,
            max_tokens=self.max_tokens,
            structured=self.structured,
            extra=extra,
            seeded=seeded,
        )
        if not {"max_tokens", "max_completion_tokens"} & set(sampling.parameters()):
            raise InputError(
                "--parameters leaves replies without a limit, so nobody knows what one can cost.",
                next_step='Give "max_completion_tokens" where the endpoint knows no "max_tokens".',
            )
        return sampling


_EXAMPLE: Final = """E.g. '{"top_k": 40, "temperature": null, "seed": null}'."""


def _parameters(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise InputError(f"--parameters is no JSON: {error}.", valid=_EXAMPLE) from error
    if not isinstance(value, dict) or value.get("seed") is not None:
        raise InputError("--parameters is no JSON object, or gives all requests one seed.", valid=_EXAMPLE)
    if taken := {"model", "messages", "response_format", "stream", "n"} & set(value):
        raise InputError(f"--parameters holds {', '.join(sorted(taken))}, which is set here.", valid=_EXAMPLE)
    return value


def told(account: "Account") -> str:
    """What a run took, in a sentence."""
    from quimbot_data.terminal import counted

    asked = f"{counted(account.requests, 'request')} sent, {account.cached:,} from the cache"
    tokens = f"{account.prompt_tokens:,} + {account.completion_tokens:,} tokens"
    cost = f"${account.dollars:,.4f}" if account.priced else "price unknown"
    all_runs = f", ${account.all_runs_dollars:,.4f} with earlier runs" if account.priced else ""
    doubt = f"; {counted(account.doubtful, 'request')} without a reply may be billed, too" if account.doubtful else ""
    return f"{asked}; {tokens}; {cost}{all_runs}{doubt}"
