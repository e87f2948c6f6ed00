"""Text as critics compare it: what looks alike is alike, and what the tutor quotes of the learner can be set aside.

`fold` keeps accents, since an error may be one; `bare` drops them, since a verdict is one with and without.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_QUOTES: Final = str.maketrans(
    dict.fromkeys("“”„‟«»「」『』〝〞＂", '"') | dict.fromkeys("‘’‛‹›´`＇", "'") | {"ـ": None}
)
#: Arabic vowel points: left out in writing as one likes.
_VOWEL_POINTS: Final = re.compile("[\u064b-\u0652\u0670]")
#: Unicode's default ignorable code points, as far as text holds them.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
#: Double quotation marks, once folded; single ones where no letter stands outside of them, so no apostrophes.
QUOTED: Final = re.compile(r"\"([^\"]*)\"|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w)")
#: A word; where none is parted from the next by a blank, a character.
_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
#: In place of words that are set aside: no word, and still a quotation.
_ASIDE: Final = '"~"'
#: Casing and composing may call for each other again; nothing known needs more than three rounds.
_ROUNDS: Final = 4


class _WithoutMarks(dict[int, int | None]):
    """A table for `str.translate` that drops combining marks; it learns each character once."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.combining(chr(code)) else code
        return self[code]


_WITHOUT_MARKS: Final = _WithoutMarks()


@lru_cache(maxsize=1 << 15)
def fold(text: str) -> str:
    """One spelling of what looks the same: compatibility forms, case, quotation marks, nothing invisible; NFKC.

    >>> fold("Ｔｈａｔ’s “ＦＵＬＬ”")
    'that\\'s "full"'
    """
    if text.isascii():
        return text.lower()
    for _ in range(_ROUNDS):
        folded = unicodedata.normalize("NFKC", _VOWEL_POINTS.sub("", _INVISIBLE.sub("", text)).casefold())
        folded = folded.translate(_QUOTES)
        if folded == text:
            break
        text = folded
    return folded


@lru_cache(maxsize=1 << 15)
def bare(text: str) -> str:
    """Folded text without accents and other marks.

    >>> bare("Está MAL")
    'esta mal'
    """
    folded = fold(text)
    if folded.isascii():
        return folded
    kept = unicodedata.normalize("NFKD", folded).translate(_WITHOUT_MARKS)
    again = fold(unicodedata.normalize("NFKC", kept))
    return again if again == folded else bare(again)


def quotations(text: str) -> list[str]:
    """What stands in quotation marks in folded text, in its order."""
    return [first if first is not None else second for first, second in (m.groups() for m in QUOTED.finditer(text))]


def without_quoted(text: str, said: Sequence[str]) -> str:
    """Bare text in which every quotation of what was said is set aside.

    Args:
        text: a tutor's turn.
        said: what the learner said before it.
    """
    spoken = " ".join(map(_plain, said))

    def aside(match: re.Match[str]) -> str:
        words = _plain(match[1] if match[1] is not None else match[2])
        return _ASIDE if words.strip() and words in spoken else match[0]

    return QUOTED.sub(aside, bare(text)) if said else bare(text)


def _plain(text: str) -> str:
    """Bare words between single blanks, one before and one after, so that parts of words don't match."""
    return f" {' '.join(_WORD.findall(bare(text)))} "
