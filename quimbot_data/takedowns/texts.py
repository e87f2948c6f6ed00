"""Text compared across clean-up: as somebody pasted it, as a raw file holds it, and as the corpus does.

Folded text is in NFC, without control characters, every run of blanks one blank, ends trimmed. What clean-up changed is
then alike; what redaction replaced is not, so raw text is told by what stands around placeholders.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import polars as pl

from quimbot_data.pii import PLACEHOLDERS
from schemas.errors import InputError
from schemas.fields import CONTROL_CLASS

#: Characters from which on a fragment is looked for within longer text; a shorter one must be a whole string.
LEAST_FRAGMENT: Final = 20
_ESCAPED: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}
_PLACEHOLDER: Final = re.compile("|".join(map(re.escape, sorted(set(PLACEHOLDERS.values())))))


def folded(text: pl.Expr) -> pl.Expr:
    """Text (str) as it is compared."""
    text = text.str.replace_all(r"\r\n?", "\n").str.replace_all(CONTROL_CLASS, "").str.normalize("NFC")
    return text.str.replace_all(r"\s+", " ").str.strip_chars()


def fold(texts: Sequence[str]) -> list[str]:
    """Texts as they are compared."""
    return pl.Series("text", list(texts), dtype=pl.String).to_frame().select(folded(pl.col("text")))["text"].to_list()


def fold_rows(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same of rows of texts, all in one."""
    flat, places = fold([text for row in rows for text in row]), accumulate((len(row) for row in rows), initial=0)
    return [flat[start:end] for start, end in pairwise(places)]


def plain(text: str, what: str) -> str:
    """A text of the command line, held to be one.

    Raises:
        InputError: it is blank, or no Unicode text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is no Unicode text.", next_step="Give it in UTF-8.") from error
    if not fold([text])[0]:
        raise InputError(f"{what} is blank.", next_step="Give it some text.")
    return text


def holds(rows: pl.DataFrame, text: str) -> pl.Series:
    """Which dialogues hold a folded text: in a message, a learner's error, a cultural note or a rule of thumb.

    Args:
        rows: messages, pedagogy, safety.
        text: folded; not empty.
    """
    message, error = pl.element().struct.field("content"), pl.element().struct
    pedagogy = pl.col("pedagogy").struct
    note = error.field("cultural_note").struct
    wrong = _held(error.field("original"), text) | _held(error.field("corrected"), text)
    found = (
        pl.col("messages").list.eval(_held(message, text)).list.any(),
        pedagogy.field("errors").list.eval(wrong).list.any(),
        pedagogy.field("turns").list.eval(_held(note.field("topic"), text)).list.any(),
        pl.col("safety").struct.field("rules_of_thumb").list.eval(_held(pl.element(), text)).list.any(),
    )
    return rows.select(holds=pl.any_horizontal(part.fill_null(value=False) for part in found))["holds"]


def _held(column: pl.Expr, text: str) -> pl.Expr:
    return folded(column).str.contains(text, literal=True)


def strings(value: Any) -> Iterator[str]:
    """All strings within a raw value, keys left out, in their order."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, Sequence) and not isinstance(value, bytes):
            waiting.extend(reversed(value))


def sound(text: str) -> str:
    """Text without halves of surrogate pairs, which no column holds."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def unescaped(text: str) -> str:
    """Text without the escapes of JSON, two deep: as JSON within JSON has them."""
    for _ in range(2):
        if "\\" in text:
            text = _ESCAPED.sub(_unescape, text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _unescape(escaped: re.Match[str]) -> str:
    letter = escaped[1]
    return chr(int(letter[1:], 16)) if len(letter) > 1 else _LETTERS.get(letter, letter)


def strings_of_json(raw: str) -> list[str]:
    """The strings of a raw row as the rejects hold it; the row itself where it is no JSON."""
    try:
        value = json.loads(raw, strict=False)
    except (ValueError, RecursionError):
        return [raw]
    return list(strings(value))


def fragments(texts: Iterable[str]) -> list[str]:
    """A part of each text that raw rows hold unchanged, folded: its longest line between placeholders of redaction.

    Of a short text without placeholders, all of it; blank ones are left out.
    """
    held = list(texts)
    parts = [re.split(r"[\r\n]+", _PLACEHOLDER.sub("\n", text)) for text in held]
    longest, whole = fold([max(found, key=len) for found in parts]), fold(held)
    found = [
        text if len(part) < LEAST_FRAGMENT and not _PLACEHOLDER.search(text) else part
        for part, text in zip(longest, whole, strict=True)
    ]
    return list(dict.fromkeys(fragment for fragment in found if fragment))


@dataclass(frozen=True)
class Quotes:
    """What is looked for in files of no known rows: fragments of the rows that go."""

    long: tuple[str, ...]
    whole: frozenset[str]

    @classmethod
    def of(cls, found: Iterable[str]) -> "Quotes":
        """Look for these fragments."""
        held = set(found)
        long = sorted(fragment for fragment in held if len(fragment) >= LEAST_FRAGMENT)
        return cls(tuple(long), frozenset(held - set(long)))

    def in_rows(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """Which rows, each given by its strings, quote one."""
        if not self.long and not self.whole:
            return []
        parted = fold_rows(rows)
        joined = pl.Series([" ".join(row) for row in parted], dtype=pl.String)
        within = joined.str.contains_any(list(self.long)) if self.long else pl.repeat(False, len(rows), eager=True)
        return [at for at, row in enumerate(parted) if within[at] or not self.whole.isdisjoint(row)]


def redacted(texts: Iterable[str]) -> list[str]:
    """Those of these texts in which redaction replaced something, folded."""
    return [text for text in fold(list(texts)) if _PLACEHOLDER.search(text)]


def tells(strings: Sequence[str], told: Iterable[str]) -> bool:
    """Whether a raw row, given by its strings, is one that any of these tell: `fragments`, or `redacted` texts.

    Of the latter, a whole string must be the text, with anything in the place of its placeholders.
    """
    told = list(told)
    if Quotes.of(told).in_rows([strings]):
        return True
    patterns = [".+".join(map(re.escape, _PLACEHOLDER.split(text))) for text in redacted(told)]
    held = fold(strings)
    return any(re.fullmatch(pattern, string) for pattern in patterns for string in held)
