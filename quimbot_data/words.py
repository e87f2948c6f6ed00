"""What text comparisons compare: a dialogue's own text, cut into words alike in every script.

Text that a template wrote is left out, so that two transcripts in one template are no duplicates of each other. Where
a script sets no blanks between words, each character is a word.
"""

from typing import Final

import polars as pl

from quimbot_data.flat import authored, flatten

_UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD: Final = rf"[{_UNSPACED}]|[\w--[{_UNSPACED}]]+"


def own_texts(rows: pl.DataFrame) -> pl.Series:
    """The text of each dialogue that no template wrote, its messages joined by newlines.

    Args:
        rows: messages, provenance.
    """
    flat = flatten(rows["messages"])
    own = flat.column(authored(flat, rows["provenance"]))
    return own.list.eval(pl.element().struct.field("content")).list.join("\n").alias("text")


def words(texts: pl.Series) -> pl.Series:
    """Words of each text in lower case, in their order: list[str]; an empty list where there is none."""
    return texts.str.to_lowercase().str.extract_all(WORD)
