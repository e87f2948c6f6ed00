"""What requests cost: prices a model, given by the user or by a table of theirs. None are shipped; prices change.

Amounts are integers of 1e-12 US dollars (picodollars), so that sums are exact and a limit is a limit.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from schemas.errors import InputError
from schemas.fields import Strict

#: Picodollars in a dollar.
DOLLAR: Final = 10**12
_MILLION: Final = 10**6

Dollars = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False, strict=False)]


class Price(Strict):
    """US dollars for a million tokens."""

    input: Dollars
    output: Dollars

    def cost(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What a request costs, in picodollars.

        >>> Price(input=0.15, output=0.6).cost(1_000_000, 500_000) / DOLLAR
        0.45
        """
        return prompt_tokens * _a_token(self.input) + completion_tokens * _a_token(self.output)


class PriceTable(Strict):
    """A TOML file of prices:

    [models."small-model-1"]
    input = 0.15     # US dollars for a million tokens
    output = 0.60
    """

    models: dict[str, Price]


@dataclass(frozen=True)
class Asked:
    """What the user says about prices; a price of a million tokens goes before the table."""

    input: float | None = None
    output: float | None = None
    table: Path | None = None


FREE: Final = Price(input=0, output=0)


def price_of(model: str, asked: Asked, *, loopback: bool) -> Price | None:
    """The price of a model: as given, else the table's, else nothing on this machine and unknown elsewhere.

    Raises:
        InputError: half a price, a table that is not valid, or one without the model.
    """
    if asked.input is not None and asked.output is not None:
        return Price(input=asked.input, output=asked.output)
    if asked.input is not None or asked.output is not None:
        raise InputError("Half a price is none.", valid="Give --price-in and --price-out, or --prices FILE.")
    if asked.table is not None:
        return _listed(model, read_prices(asked.table), asked.table)
    return FREE if loopback else None


def read_prices(path: Path) -> dict[str, Price]:
    """Prices by model, from a TOML file.

    Raises:
        InputError: the file is not there or not valid; names the entry.
    """
    try:
        return PriceTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).models
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table of prices: {error}.", valid=_FORM) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {place}: {first['msg']}.", valid=_FORM) from error


_FORM: Final = 'A table is TOML: [models."NAME"], input = 0.15, output = 0.60, in US dollars for a million tokens.'


def _listed(model: str, prices: dict[str, Price], path: Path) -> Price:
    if model in prices:
        return prices[model]
    raise InputError(f"{path} has no price of {model!r}.", valid=f"It lists: {', '.join(sorted(prices)) or 'nothing'}.")


def _a_token(dollars: float) -> int:
    """Picodollars for one token."""
    return round(dollars * (DOLLAR // _MILLION))


def shown(amount: int) -> str:
    """An amount in dollars, to the last digit that matters.

    >>> shown(DOLLAR), shown(450_000_000), shown(0)
    ('$1.00', '$0.00045', '$0.00')
    """
    dollars = amount / DOLLAR
    return f"${dollars:,.2f}" if not amount or dollars >= 0.01 else f"${dollars:.2g}"
