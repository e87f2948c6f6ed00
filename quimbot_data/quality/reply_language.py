"""Whether a dialogue's last reply is in another language than its prompt, where both are surely known.

CLD2 alone decides (`language.detect` needs a third detector's millisecond where two disagree): it says itself whether
it is sure. Null, unknown, is the value wherever it is not, and for texts too short or too mixed to tell.
"""

from functools import cache
from typing import Final

import polars as pl

from quimbot_data.language import subtag

#: Characters below which a text's language is unknown, and characters that are read of one.
LEAST_CHARS: Final = 40
READ_CHARS: Final = 400
#: Least share of the text, in percent, that must be in the language found.
LEAST_PERCENT: Final = 90
#: Greatest share of characters that are neither letter, mark nor blank: beyond, the text is code or figures, and a
#: detector reads its identifiers.
MOST_OTHER: Final = 0.15

_NO_PROSE: Final = r"[^\p{L}\p{M}\s]"
#: Pairs that detectors take for one another even in long texts: no difference is claimed between them.
_ALIKE: Final = frozenset(
    frozenset(pair.split())
    for pair in (
        *("id ms", "no da", "no nn", "hr sr", "hr bs", "sr bs", "hr sl", "es gl", "pt gl", "es ca", "cs sk"),
        *("zu xh", "rw rn", "tn st", "nso st", "nso tn", "hi mr", "hi ne", "mr ne", "fa ar", "tr az"),
    )
)


def reply_language_differs(prompts: pl.Series, replies: pl.Series) -> pl.Series:
    """Bool, null where either language is unknown; prompts and replies are texts that no template made."""
    found = [
        None if (asked := _sure(prompt)) is None or (told := _sure(reply)) is None else _differ(asked, told)
        for prompt, reply in zip(_readable(prompts), _readable(replies), strict=True)
    ]
    return pl.Series("reply_language_differs", found, pl.Boolean)


def _differ(asked: str, told: str) -> bool | None:
    if asked == told:
        return False
    return None if frozenset((asked, told)) in _ALIKE else True


def _readable(texts: pl.Series) -> list[str | None]:
    read = texts.set(texts.str.len_chars() < LEAST_CHARS, None).str.slice(0, READ_CHARS)
    other = read.str.count_matches(_NO_PROSE)
    read = read.set(other > MOST_OTHER * read.str.len_chars(), None)
    return read.str.replace_all(r"[\p{Cc}\p{Noncharacter_Code_Point}]+", " ").to_list()


def _sure(text: str | None) -> str | None:
    if text is None:
        return None
    import pycld2

    try:
        reliable, _, candidates = pycld2.detect(text, isPlainText=True)
    except pycld2.error:  # what it refuses was taken out; should a release refuse more, the text is unknown to it
        return None
    _, label, percent, _ = candidates[0]
    return _subtag(label) if reliable and percent >= LEAST_PERCENT else None


@cache
def _subtag(label: str) -> str | None:
    return subtag(label)
