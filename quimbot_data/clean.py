"""Clean-up of message text: NFC, no control characters, newlines as newlines, blank runs bounded, ends trimmed.

| repair            | what becomes of it                                                        |
|-------------------|---------------------------------------------------------------------------|
| control-character | C0 and C1 controls except tab and newline, and byte-order marks, go       |
| carriage-return   | CRLF and CR become newline                                                |
| no-break-space    | U+00A0 becomes a space                                                    |
| blank-run         | more than 200 blanks in a row become 200 (a tokenizer gives up on a million) |
| nfc               | text is brought into Unicode normal form C                                |

Blank ends are trimmed without being counted: every second corpus has them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.fields import CONTROL_CLASS, nfc_suspects

#: Longest run of blanks that is kept.
BLANK_RUN: Final = 200

_STEPS: Final[dict[str, tuple[str, str]]] = {
    "carriage-return": (r"\r\n?", "\n"),
    "control-character": (CONTROL_CLASS, ""),
    "no-break-space": ("\u00a0", " "),
    "blank-run": (r"([ \t\n]{" + str(BLANK_RUN) + r"})[ \t\n]+", "$1"),
}


def clean(texts: pl.Series) -> tuple[pl.Series, dict[str, npt.NDArray[np.uint32]]]:
    """Clean texts.

    Args:
        texts: str, no nulls.

    Returns:
        The clean texts in the same order, and per repair the positions of the texts that it changed.
    """
    suspects = texts.str.contains(_gate()).arg_true()
    if not len(suspects):
        return texts.str.strip_chars(), {}
    mended, repairs = _mend(texts.gather(suspects))
    positions = suspects.to_numpy()
    cleaned = texts.clone().scatter(suspects, mended)  # scatter writes in place
    return cleaned.str.strip_chars(), {name: positions[changed] for name, changed in repairs.items()}


def _gate() -> str:
    """One pass that finds every text in need of any repair."""
    blanks = r"[ \t\n]{" + str(BLANK_RUN + 1) + "}"
    return "|".join([r"[\r\x{A0}]", CONTROL_CLASS, nfc_suspects(), blanks])


def _mend(texts: pl.Series) -> tuple[pl.Series, dict[str, npt.NDArray[np.intp]]]:
    repairs: dict[str, npt.NDArray[np.intp]] = {}

    def note(name: str, before: pl.Series, after: pl.Series) -> pl.Series:
        changed = np.flatnonzero((before != after).to_numpy())
        if changed.size:
            repairs[name] = changed
        return after

    for name, (pattern, replacement) in _STEPS.items():
        texts = note(name, texts, texts.str.replace_all(pattern, replacement))
    return note("nfc", texts, texts.str.normalize("NFC")), repairs
