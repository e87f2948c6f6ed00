"""Losses of a held-out split under several models, by family and language, with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from train.evaluate.bootstrap import Interval, ratios

#: Languages with fewer dialogues get no line of their own.
LEAST_DIALOGUES: Final = 3
_NATS_A_BIT: Final = float(np.log(2))


@dataclass(frozen=True)
class Likelihood:
    """Losses of a group of dialogues, in the order of the models."""

    by: str
    """`all`, `family`, `language`, or `held out` for languages that training never saw."""
    name: str
    dialogues: int
    tokens: int
    nll: list[Interval]
    """Nats a token."""
    bpb: list[Interval]
    """Bits a byte of text, the end of the turn included: comparable between tokenizers."""
    change: list[Interval]
    """Nats a token, against the first model; of all others."""


def likelihoods(losses: pl.DataFrame, models: Sequence[str], held_out: Sequence[str] = ()) -> list[Likelihood]:
    """Losses by group.

    Args:
        losses: a row a turn: dialogue_id, family, language, n_tokens, n_bytes, and a column of nats for each model.
        models: names of these columns; the first is what others are set against.
        held_out: languages that were kept out of training; told apart, and not within the others.
    """
    dialogues = losses.group_by("dialogue_id", "family", "language").agg(
        pl.col("n_tokens", "n_bytes", *models).sum().cast(pl.Float64)
    )
    dialogues = dialogues.sort("dialogue_id")
    apart = pl.col("language").is_in(list(held_out))
    seen = dialogues.filter(~apart)
    found = [_of("all", "all", seen, models)] if seen.height else []
    found += list(_groups("family", seen, models, least=1))
    found += list(_groups("language", seen, models, least=LEAST_DIALOGUES))
    return found + [replace(line, by="held out") for line in _groups("language", dialogues.filter(apart), models, 1)]


def _groups(by: str, dialogues: pl.DataFrame, models: Sequence[str], least: int) -> Iterator[Likelihood]:
    counts = dialogues.group_by(by).len().sort("len", by, descending=[True, False])
    for name, number in counts.iter_rows():
        if number >= least:
            yield _of(by, name, dialogues.filter(pl.col(by) == name), models)


def _of(by: str, name: str, dialogues: pl.DataFrame, models: Sequence[str]) -> Likelihood:
    nats = dialogues.select(models).to_numpy()
    tokens, octets = dialogues["n_tokens"].to_numpy(), dialogues["n_bytes"].to_numpy()
    against = nats[:, 1:] - nats[:, :1]
    told = ratios(np.hstack([nats, against]), tokens)
    bits = ratios(nats / _NATS_A_BIT, octets)
    return Likelihood(by, name, dialogues.height, int(tokens.sum()), told[: len(models)], bits, told[len(models) :])
