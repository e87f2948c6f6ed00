"""Heuristic quality signals, one function a signal, over text that no template made."""

import polars as pl

from schemas.dialogue import Quality
from schemas.frame import polars_schema

#: Neither letter, mark, digit nor blank: punctuation and symbols of any script.
_SYMBOL = r"[^\p{L}\p{M}\p{N}\s]"


def signals(text: pl.Expr, last_prompt: pl.Expr) -> pl.Expr:
    """The `quality` struct.

    Args:
        text: all text of a dialogue, one string a row.
        last_prompt: its last user message.
    """
    columns = {
        "symbol_share": _share(text, _SYMBOL),
        "digit_share": _share(text, r"\p{Nd}"),
        "truncated_prompt": last_prompt.str.ends_with(":"),
    }
    return pl.struct(columns[name].cast(dtype).alias(name) for name, dtype in polars_schema(Quality).items())


def _share(text: pl.Expr, characters: str) -> pl.Expr:
    """Share of characters in this class, to four decimals; 0 of empty text."""
    rest = text.str.replace_all(characters, "").str.len_chars()
    return (1 - rest / text.str.len_chars()).round(4).fill_nan(0.0)
