"""Template spam: prompts that differ in a number, a name or a quotation share a skeleton, and a recipe caps its rows.

    Write an article about the production process of 2-Butanone   write an article about the production process of
    Translate "guten Tag" for NAME_1, and 3 synonyms              translate <quote> for <name> and <number> synonyms
    请把“早安”翻译成英文                                          请把 <quote> 翻译 成英 文

A skeleton is made of the first user message, less what templates of ours wrote: quotations, numbers and names are
masked, the rest is lower-cased and cut into words, and the first `WORDS` words and masks stand joined by spaces. Names
are the publisher's `NAME_1` tokens, and capitalised words that do not open a sentence (two letters or more: "I" is no
name). The cut finds the templates whose open end is a lower-case phrase. Scripts without blanks give two characters a
word.
"""

from typing import Final

import numpy as np
import polars as pl

from quimbot_data.flat import FlatMessages, authored, flatten
from quimbot_data.quality.repetition import UNSPACED
from quimbot_data.words import WORD
from schemas.frame import sha256

#: Words and masks of a skeleton: LMSYS-Chat-1M's most frequent template, in the first line above, opens with eight.
WORDS: Final = 8
#: Words besides masks that a skeleton must hold, so that "Hi NAME_1" or a bare sum is no template.
LEAST_WORDS: Final = 2
#: Characters of a prompt that are read; no template's first words go further.
READ_CHARS: Final = 600

_QUOTED: Final = (
    r"```[\s\S]*?(?:```|$)|`[^`\n]+`|\"[^\"\n]+\"|“[^”\n]+”|„[^“”\n]+[“”]|‘[^’\n]+’"
    r"|«[^»\n]+»|「[^」\n]+」|『[^』\n]+』|《[^》\n]+》"
)
_APOSTROPHES: Final = r"(^|[\s(:])'[^'\n]+'"
_NUMBER: Final = r"\p{N}+(?:[.,:/×x-]\p{N}+)*"
_PLACEHOLDER: Final = r"\bNAME_\p{N}+"
_CAPITALISED: Final = r"\p{Lu}[\p{L}\p{M}][\w'’-]*"
#: After a word or comma, not after what ends or opens a sentence; runs of capitalised words are one name.
_NAME: Final = rf"([^\s.!?…:;。！？।؟\"“(\[*#>-][ \t]+){_CAPITALISED}(?:[ \t]+{_CAPITALISED})*"
_MASK: Final = "<(?:quote|number|name)>"
_PIECE: Final = rf"{_MASK}|{UNSPACED}{{1,2}}|{WORD.partition('|')[2]}"


def skeletons(rows: pl.DataFrame) -> pl.Series:
    """The skeleton of each dialogue's first prompt as 64 hex digits; null where too little is left to be a template.

    Args:
        rows: messages, provenance.
    """
    flat = flatten(rows["messages"])
    own = FlatMessages(flat.offsets, flat.roles, authored(flat, rows["provenance"]))
    texts = skeleton_texts(_first_prompts(own))
    return texts.to_frame("skeleton").select(sha256(pl.col("skeleton"))).to_series()


def _first_prompts(own: FlatMessages) -> pl.Series:
    """The first message, or the second after a system message; null where there is none."""
    first = own.offsets[:-1]
    opens = np.append((own.roles == "system").to_numpy(), False)[first]  # an empty dialogue may stand at the very end
    place = first + opens
    return own.contents.gather(pl.Series(place).set(pl.Series(place >= own.offsets[1:]), None))


def skeleton_texts(prompts: pl.Series) -> pl.Series:
    """The skeletons of these prompts, as text; null where too little is left to be a template."""
    text = prompts.str.slice(0, READ_CHARS)
    text = text.str.replace_all(_QUOTED, " <quote> ").str.replace_all(_APOSTROPHES, "${1} <quote> ")
    # In capitals throughout, none of them tells a name.
    shouted = text == text.str.to_uppercase()
    text = text.zip_with(~shouted, text.str.to_lowercase())
    text = text.str.replace_all(_PLACEHOLDER, " <name> ").str.replace_all(_NAME, "${1}<name>")
    text = text.str.replace_all(_NUMBER, " <number> ").str.to_lowercase()
    pieces = text.str.extract_all(_PIECE)
    held = pieces.list.head(WORDS)
    words = held.list.eval(pl.element().filter(~pl.element().str.starts_with("<")))
    return held.list.join(" ").set(words.list.len() < LEAST_WORDS, None).alias("skeleton")


def cap(rows: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Drop what goes beyond `limit` rows of one skeleton, for the reason `max_rows_per_skeleton`.

    The rows to stay are those of the smallest content hashes, ids breaking ties: an order that no recipe's seed moves,
    so that versions of several recipes keep the same ones.

    Args:
        rows: all rows of some skeletons: skeleton, content_hash, dialogue_id, and step, reason, detail, of which those
            with a step are out already and count for nothing. Rows without a skeleton stay.
        limit: at least 1.

    Returns:
        The rows in their order, with step, reason and detail (12 digits of the skeleton's) of those dropped.
    """
    alive = rows.with_row_index("at").filter(pl.col("step").is_null() & pl.col("skeleton").is_not_null())
    ranked = alive.sort("content_hash", "dialogue_id").select("at", rank=pl.int_range(pl.len()).over("skeleton"))
    beyond = pl.Series(ranked.filter(pl.col("rank") >= limit)["at"])
    drops = pl.int_range(pl.len()).is_in(beyond.implode())
    return rows.with_columns(
        step=pl.when(drops).then(pl.lit("skeletons")).otherwise("step"),
        reason=pl.when(drops).then(pl.lit("max_rows_per_skeleton")).otherwise("reason"),
        detail=pl.when(drops).then(pl.col("skeleton").str.slice(0, 12)).otherwise("detail"),
    )
