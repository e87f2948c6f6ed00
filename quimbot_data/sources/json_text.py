"""One JSON record out of text, mended where that loses nothing but what was broken already.

Text comes decoded with `surrogateescape`, so an undecodable byte is still told apart from a real U+FFFD.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

#: JSON's own white space; U+2028 and other Unicode blanks belong to strings.
BLANK: Final = " \t\n\r"

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A JSON value, the text that it was decoded from, where that ends, and the names of what was mended."""

    value: Any
    text: str
    end: int
    mended: frozenset[str]


class Decoder:
    """Decodes values one at a time; `records` tells what each repair means."""

    def __init__(self) -> None:
        self._mended: set[str] = set()
        self._strict = json.JSONDecoder(parse_constant=self._null, parse_float=self._finite)
        self._lenient = json.JSONDecoder(parse_constant=self._null, parse_float=self._finite, strict=False)

    def at(self, text: str, start: int) -> Decoded:
        """Decode the value that begins at `start`.

        Raises:
            json.JSONDecodeError: no value stands there, or it is not whole.
        """
        self._mended = set()
        try:
            return self._decoded(text, start)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            raise json.JSONDecodeError("Nested too deeply", text, start) from None
        except ValueError as error:  # Python refuses whole numbers of more than 4,300 digits
            raise json.JSONDecodeError(str(error), text, start) from None

    def _decoded(self, text: str, start: int) -> Decoded:
        value, end = self._value(text, start)
        source = text[start:end]
        if (whole := whole_text(source)) is not source:
            value, _ = self._value(source := whole, 0)
            self._mended.add("not-utf-8")
        if "\\ud" in source or "\\uD" in source:
            value = self._without_surrogates(value)
        return Decoded(value, source, end, frozenset(self._mended))

    def _value(self, text: str, start: int) -> tuple[Any, int]:
        try:
            return self._strict.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
            self._mended.add("control-byte")
            return self._lenient.raw_decode(text, start)

    def _without_surrogates(self, value: Any) -> Any:
        """Whole pairs have become one character by now, so whatever surrogate is left is a lone one."""
        text = json.dumps(value, ensure_ascii=False)
        if not _SURROGATE.search(text):
            return value
        self._mended.add("lone-surrogate")
        return json.loads(_SURROGATE.sub("\ufffd", text))

    def _null(self, _: str) -> None:
        self._mended.add("not-finite")

    def _finite(self, digits: str) -> float | None:
        number = float(digits)
        if math.isfinite(number):
            return number
        self._mended.add("not-finite")
        return None


def whole_text(text: str) -> str:
    """The same text, with U+FFFD for what `surrogateescape` smuggled through; the very object where nothing was."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text
