"""Heuristic quality signals, one function a signal, over text that no template made.

symbol_share, digit_share   NeMo Curator's NonAlphaNumericFilter and NumbersFilter, after Gopher
truncated_prompt            Magpie (Xu et al. 2024, arXiv 2406.08464) drops instructions that end in a colon
…_line_share, …gram_share   Gopher's repetition (see `quimbot_data.quality.repetition`), of the worst message
refusal, ai_disclaimer      ShareGPT's cleaning lists (see `quimbot_data.quality.stock_phrases`)
reply_language_differs      see `quimbot_data.quality.reply_language`; FastChat cleans ShareGPT by language too
empty_talk                  ours: the user says nothing but greetings
"""

from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from quimbot_data.flat import FlatMessages
from quimbot_data.quality.repetition import repetition_shares
from quimbot_data.quality.reply_language import reply_language_differs
from quimbot_data.quality.stock_phrases import DISCLAIMERS, GREETINGS, GREETINGS_UNSPACED, REFUSALS
from schemas.dialogue import Quality
from schemas.frame import polars_schema

#: Neither letter, mark, digit nor blank: punctuation and symbols of any script.
_SYMBOL: Final = r"[^\p{L}\p{M}\p{N}\s]"
_REFUSES: Final = rf"(?i)^\W*(?:{'|'.join(REFUSALS.values())})"
_DISCLAIMS: Final = [phrase for phrases in DISCLAIMERS.values() for phrase in phrases]
_GAP: Final = r"[^\p{L}\p{N}]"
_GREETS: Final = rf"(?i)^{_GAP}*(?:(?:{'|'.join(GREETINGS)})(?:{_GAP}+|$)|(?:{'|'.join(GREETINGS_UNSPACED)}){_GAP}*)*$"
#: No greeting is longer, in characters: others are not looked at.
_GREETING_CHARS: Final = 80


def signals(own: FlatMessages, text: pl.Series) -> pl.Series:
    """The `quality` struct, one a dialogue.

    Args:
        own: messages, without what templates wrote.
        text: all of a dialogue's own text, one string a dialogue.
    """
    prompts, replies = last_of(own, "user"), last_of(own, "assistant")
    columns = [
        symbol_share(text),
        digit_share(text),
        truncated_prompt(prompts),
        *worst_repetition(own),
        refusal(own),
        ai_disclaimer(own),
        reply_language_differs(prompts, replies),
        empty_talk(own),
    ]
    return pl.DataFrame(columns).select(pl.struct(_cast(pl.col)).alias("quality")).to_series()


def unmeasured() -> pl.Expr:
    """A `quality` struct that says nothing, where nothing was measured."""
    neutral: dict[pl.DataType, Any] = {pl.Float64(): 0.0, pl.Boolean(): False}
    schema = polars_schema(Quality)
    values = {name: pl.lit(neutral[dtype], dtype) for name, dtype in schema.items() if name != "reply_language_differs"}
    values["reply_language_differs"] = pl.lit(None, pl.Boolean)
    return pl.struct(values[name].alias(name) for name in schema).alias("quality")


def _cast(column: Callable[[str], pl.Expr]) -> list[pl.Expr]:
    return [column(name).cast(dtype) for name, dtype in polars_schema(Quality).items()]


def symbol_share(text: pl.Series) -> pl.Series:
    """Share of characters that are neither letter, mark, digit nor blank, to four decimals; 0 of empty text."""
    return _share(text, _SYMBOL).alias("symbol_share")


def digit_share(text: pl.Series) -> pl.Series:
    """Share of characters that are digits of any script."""
    return _share(text, r"\p{Nd}").alias("digit_share")


def _share(text: pl.Series, characters: str) -> pl.Series:
    rest = text.str.replace_all(characters, "").str.len_chars()
    return (1 - rest / text.str.len_chars()).round(4).fill_nan(0.0)


def truncated_prompt(prompts: pl.Series) -> pl.Series:
    """Whether the last prompt ends in a colon: the instruction was cut."""
    return prompts.fill_null("").str.ends_with(":").alias("truncated_prompt")


def worst_repetition(own: FlatMessages) -> list[pl.Series]:
    """The three shares of `repetition`, each of the message in which it is greatest."""
    return [_greatest(own, share) for share in repetition_shares(own.contents)]


def _greatest(own: FlatMessages, values: pl.Series) -> pl.Series:
    """The greatest of a number per message in each dialogue; 0 where there is none."""
    greatest, filled = np.zeros(len(own.offsets) - 1), own.offsets[1:] > own.offsets[:-1]
    if filled.any():
        greatest[filled] = np.maximum.reduceat(values.to_numpy(), own.offsets[:-1][filled])
    return pl.Series(values.name, greatest)


def refusal(own: FlatMessages) -> pl.Series:
    """Whether an assistant message opens with a refusal."""
    return _any(own, "assistant", lambda texts: texts.str.contains(_REFUSES)).alias("refusal")


def ai_disclaimer(own: FlatMessages) -> pl.Series:
    """Whether an assistant speaks of itself as a language model."""
    return _any(own, "assistant", lambda texts: texts.str.contains_any(_DISCLAIMS, ascii_case_insensitive=True)).alias(
        "ai_disclaimer"
    )


def empty_talk(own: FlatMessages) -> pl.Series:
    """Whether the user's messages hold nothing but greetings, thanks and marks; not where they hold nothing at all."""

    def says_something(texts: pl.Series) -> pl.Series:
        short = texts.str.len_chars() <= _GREETING_CHARS
        greets = texts.set(~short, None).str.contains(_GREETS).fill_null(value=False)
        return ~greets

    def speaks(texts: pl.Series) -> pl.Series:
        return texts.str.contains(r"\S")

    return (_any(own, "user", speaks) & ~_any(own, "user", says_something)).alias("empty_talk")


def _any(own: FlatMessages, role: Literal["user", "assistant"], holds: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Whether a message of this role holds it, one value a dialogue."""
    places = (own.roles == role).arg_true()
    found = np.zeros(len(own.roles), np.int64)
    found[places.to_numpy()] = holds(own.contents.gather(places)).to_numpy()
    return own.total(pl.Series(found)) > 0


def last_of(own: FlatMessages, role: Literal["user", "assistant"]) -> pl.Series:
    """The last message of this role in each dialogue; null where there is none."""
    place = np.where((own.roles == role).to_numpy(), np.arange(len(own.roles)), -1)
    latest = np.append(-1, np.maximum.accumulate(place) if len(place) else place)[own.offsets[1:]]
    found = pl.Series(latest).set(pl.Series(latest < own.offsets[:-1]), None)
    return own.contents.gather(found)
