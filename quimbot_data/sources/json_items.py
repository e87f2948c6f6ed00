"""Raw rows out of a JSON array or JSON Lines, one at a time; `records` tells what is mended and what is refused."""

import codecs
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from quimbot_data.sources.files import RawFile
from quimbot_data.sources.json_text import BLANK, Decoded, Decoder, whole_text
from schemas.errors import InputError

#: A record beyond this is taken for a file of another kind, before it fills the memory.
LARGEST_RECORD: Final = 256 * 2**20

_CHUNK_BYTES: Final = 4 * 2**20
#: A value that ends, or a fault that lies, this close to the end of the text may be otherwise once more is read
#: (`12` becomes `12.5e3`); the longest such token is two escaped halves of a surrogate pair.
_MARGIN: Final = 16
#: Lines after which a file without any object is refused as a whole rather than line by line.
_PATIENCE: Final = 10_000
_BLANKS: Final = re.compile(f"[{BLANK}]*")


@dataclass(frozen=True, slots=True)
class Item:
    """One raw row: its value, or the reason and detail of why it is no record."""

    value: Any
    text: str
    mended: frozenset[str] = frozenset()
    fault: tuple[str, str] | None = None


# Lines


def line_items(file: RawFile, stream: BinaryIO) -> Iterator[Item]:
    """One item a line that is not blank.

    Raises:
        InputError: not one line is a JSON object, or a line is beyond `LARGEST_RECORD`.
    """
    decoder, seen, refused = Decoder(), 0, 0
    for seen, line in enumerate(_lines(file, stream), start=1):
        item = _line_item(decoder, line)
        yield item
        refused += item.fault is not None
        if refused == seen == _PATIENCE:
            break
    if refused and refused == seen:
        raise _no_json(file, refused)


def _lines(file: RawFile, stream: BinaryIO) -> Iterator[str]:
    for number in itertools.count(1):
        line = stream.readline(LARGEST_RECORD + 1)
        if not line:
            return
        if len(line) > LARGEST_RECORD:
            raise _too_large(file, f"line {number}")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if text := line.decode("utf-8", "surrogateescape").strip(BLANK):
            yield text


def _line_item(decoder: Decoder, line: str) -> Item:
    try:
        decoded = decoder.at(line, 0)
        if decoded.end < len(line):
            raise json.JSONDecodeError("Extra data", line, decoded.end)
    except json.JSONDecodeError as error:
        return Item(None, whole_text(line), fault=("not-json", f"{error.msg} (character {error.pos})"))
    return _object(decoded)


def _object(decoded: Decoded) -> Item:
    if isinstance(decoded.value, dict):
        return Item(decoded.value, decoded.text, decoded.mended)
    kind = "null" if decoded.value is None else type(decoded.value).__name__
    return Item(None, decoded.text, decoded.mended, ("not-an-object", f"a {kind} stands where an object is due"))


# Arrays


def array_items(file: RawFile, stream: BinaryIO) -> Iterator[Item]:
    """One item an element of the array that is the whole file.

    Raises:
        InputError: the array is cut or broken, or an element is beyond `LARGEST_RECORD`; names row and character.
    """
    window = _Window(file, stream)
    if window.step() != "[":
        raise window.broken("no bracket opens it", -1)
    if window.peek() == "]":
        window.step()
    else:
        separator = ","
        while separator == ",":
            yield _object(window.value())
            separator = window.step()
        if separator != "]":
            raise window.broken("a comma or the closing bracket is missing", -1)
    if window.peek():
        raise window.broken("something follows the closing bracket")


@dataclass
class _Window:
    """The part of an array's text that is held in memory, and the place reached in it."""

    file: RawFile
    stream: BinaryIO
    text: str = ""
    place: int = 0
    passed: int = 0
    """Characters before `text`."""
    row: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        self.bytes = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.decoder = Decoder()

    def value(self) -> Decoded:
        """Decode the next value, reading on until it is whole."""
        self.peek()
        while True:
            try:
                decoded = self.decoder.at(self.text, self.place)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string")
                if self.ended or not (cut or error.pos + _MARGIN >= len(self.text)):
                    raise self.broken(error.msg, error.pos - self.place, cut=cut) from error
            else:
                if self.ended or decoded.end + _MARGIN < len(self.text):
                    self.place, self.row = decoded.end, self.row + 1
                    return decoded
            self.grow()

    def step(self) -> str:
        """Pass over the next character that is not blank."""
        char = self.peek()
        self.place += 1
        return char

    def peek(self) -> str:
        """The next character that is not blank; empty only after the array's end."""
        while True:
            self.place = cast(re.Match[str], _BLANKS.match(self.text, self.place)).end()
            if self.place < len(self.text) or self.ended:
                return self.text[self.place : self.place + 1]
            self.grow()

    def grow(self) -> None:
        """Drop what has been read and append at least as much as is kept, so that a long value costs linear time."""
        kept = self.text[self.place :]
        if len(kept) > LARGEST_RECORD:
            raise _too_large(self.file, f"row {self.row}")
        data = self.stream.read(max(_CHUNK_BYTES, len(kept)))
        self.ended = not data
        self.passed += self.place
        self.text, self.place = kept + self.bytes.decode(data, final=self.ended), 0

    def broken(self, what: str, ahead: int = 0, *, cut: bool = False) -> InputError:
        """The error for a fault `ahead` characters after the place reached."""
        if cut or self.place + ahead >= len(self.text):
            ahead, what = len(self.text) - self.place, "the file ends within it"
        return InputError(
            f"{self.file.path} is no whole JSON array: row {self.row}, "
            f"character {self.passed + self.place + ahead}: {what}.",
            valid="Valid: a JSON array of objects; rows and characters count from 0.",
            next_step="Download it again.",
        )


# Errors


def _no_json(file: RawFile, lines: int) -> InputError:
    return InputError(
        f"{file.path} is no JSON Lines: not one of its first {lines:,} lines is a JSON object.",
        valid="Valid: a JSON array of objects, or JSON Lines (one object a line).",
        next_step="Convert it, or take it out of the folder.",
    )


def _too_large(file: RawFile, where: str) -> InputError:
    return InputError(
        f"{file.path} has more than {LARGEST_RECORD:,} bytes in one record ({where}).",
        valid="Valid: a JSON array of objects, or JSON Lines (one object a line).",
        next_step="Convert it, or take it out of the folder.",
    )
