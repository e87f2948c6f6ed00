"""Field types that all models share, and the rules for text inside them."""

import re
import unicodedata
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SCHEMA_VERSION: Final = 1

Role = Literal["system", "user", "assistant"]
Family = Literal["conversation", "instruction", "multilingual", "pedagogical", "safety"]
Term = Literal["attribution", "no-transfer", "non-commercial", "research-only", "share-alike", "unknown"]

FAMILIES: Final = ("conversation", "instruction", "multilingual", "pedagogical", "safety")
TERMS: Final = ("attribution", "no-transfer", "non-commercial", "research-only", "share-alike", "unknown")

#: Least safety score that is kept: below, a classifier says no more than that it saw nothing.
LEAST_SCORE: Final = 0.01

SOURCE_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"

SourceName = Annotated[str, StringConstraints(pattern=SOURCE_PATTERN)]
Subtag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
LongCount = Annotated[int, Field(ge=0, le=2**63 - 1)]
Share = Annotated[float, Field(ge=0, le=1)]

#: Unicode White_Space: what counts as blank, for the models and the columnar check alike.
WHITESPACE: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

#: C0 and C1 controls except tab and newline, and the byte-order mark: clean-up removes them, so none may be left.
CONTROL_CLASS: Final = r"[\x00-\x08\x0B-\x1F\x7F-\x{9F}\x{FEFF}]"
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")


#: No character from here on composes, decomposes or combines (Unicode 16); looking further costs a second.
_LAST: Final = 0x30000


class Strict(BaseModel):
    """Base of all models: no unknown keys, no coercion, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def text_fault(text: str) -> str | None:
    """Name the first rule of message text that `text` breaks, or None."""
    if not text.strip(WHITESPACE):
        return "empty-content"
    if _CONTROL.search(text):
        return "control-character"
    return None if _in_nfc(text) else "not-nfc"


def _in_nfc(text: str) -> bool:
    # By polars' tables, as in clean-up and the columnar check: Python's are older, and pass marks younger than they.
    if text.isascii():
        return True
    import polars as pl

    return bool(pl.Series([text]).str.normalize("NFC").item() == text)


@cache
def nfc_suspects() -> str:
    """Regex class of the characters whose NFC quick check is not "yes" (UAX #15), or not known to this Python.

    They change by themselves, reorder, or compose with what precedes. Text without any of them is in NFC already, so
    the costly normalization can be skipped.
    """
    suspects = set(range(0x1161, 0x11C3))  # Hangul vowels and finals compose by rule, not by table
    for code in range(_LAST):
        char = chr(code)
        # Unassigned here (Cn); the tables of whoever normalizes may know it.
        if unicodedata.combining(char) or unicodedata.category(char) == "Cn":
            suspects.add(code)
        decomposition = unicodedata.decomposition(char)
        if decomposition and not decomposition.startswith("<"):
            suspects.update(int(second, 16) for second in decomposition.split()[1:2])
            if unicodedata.normalize("NFC", char) != char:
                suspects.add(code)
    return "[" + "".join(f"\\x{{{first:X}}}-\\x{{{last:X}}}" for first, last in _ranges(sorted(suspects))) + "]"


def _ranges(codes: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges
