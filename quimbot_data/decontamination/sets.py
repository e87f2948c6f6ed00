"""Evaluation sets, read from the files that they come in: what `matching` looks for in the corpora.

    a JSON array, JSON Lines (plain or gzip), Parquet    one item a row, see below
    plain text                                          one item a line that is not blank
    a folder that is a version                          one item a dialogue of its validation and test splits
    a split file of a version                           one item a dialogue
    any other folder                                    all such files below it, as one set

All strings of a row are its texts, however deep in lists and objects, but for those under keys with a word of
`_NO_TEXT` (`questionId` has the words question and id). Under keys with a word of `_ANSWERED` they are answers and
options, else what is asked; where nothing is asked, answers count as asked. A list of turns (objects with a key of
`_SPEAKERS`, or strings under a key of `_CONVERSATION`) gives two texts: its first turn by a user, and all turns joined
by newlines.

The difference matters to short text only. What is asked is looked for even where it is short; a short answer ("all of
the above are true") does not say where it was read. A version's dialogue is one text, without what a template wrote,
so that a commonplace opening is no item of its own. Names and categories do no harm: too short, or boilerplate.

An item's id is its own, else its place: `#<row>` with rows from 0, after the file's name where there are several files.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from quimbot_data.sources.files import RawFile, open_raw, raw_files, sniff
from quimbot_data.sources.parquet import parquet_batches
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import RawBatch
from quimbot_data.sources.turns import ROLES, is_blank
from quimbot_data.words import own_texts, words
from schemas.dialogue import netstring
from schemas.errors import InputError
from schemas.frame import dialogue_schema


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NO_TEXT: Final = frozenset(
    _names("id idx index uuid guid qid pid hash sha md url uri link path file filename key label role type")
    + _names("date time timestamp license")
)
_ANSWERED: Final = frozenset(
    _names("answer choice option ending distractor target output response completion reference solution rationale")
    + _names("explanation gold correct incorrect")
)
_CONVERSATION: Final = frozenset(_names("messages conversation conversations dialogue dialog utterances"))
_SPEAKERS: Final = _names("role from speaker user author sender")
#: Where an item's own id may stand, in this order.
_IDS: Final = _names("id question_id item_id task_id example_id dialogue_id conversation_id uuid guid qid idx _id")
_KEY_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".parquet", ".txt", ".gz")
_OURS: Final = ("dialogue_id", "messages", "provenance")
_HELD_OUT: Final = ("validation", "test")
_BROKEN_GZIP: Final = (EOFError, gzip.BadGzipFile, zlib.error)


class Said(NamedTuple):
    """A text of an item, and whether it is what is asked (else an answer or option)."""

    asked: bool
    text: str


class Item(NamedTuple):
    """One evaluation item as read."""

    id: str
    texts: Sequence[Said]


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """What is looked for.

    Attributes:
        name: what reports call it.
        items: one row a distinct item: id (of the first of equal ones) and copies (how often it stands in the set),
            sorted by id, so that the order of files and rows decides nothing.
        texts: one row a text: item (its row in `items`), asked, words (list[str], never empty).
        digest: the set's identity beside its name: sha256 over the sorted sha256s of its items, with copies. An item is
            the netstrings of its id and, in the order of their words, of its texts: `?` where asked, else `=`, and the
            words joined by blanks.
    """

    name: str
    items: pl.DataFrame
    texts: pl.DataFrame
    digest: str


def load_set(path: Path, name: str | None = None, splits: Sequence[str] = _HELD_OUT) -> EvaluationSet:
    """Read an evaluation set.

    Args:
        path: a file or folder, see above.
        name: what to call it; by default the file's name up to its first dot, or `<name>@<version>` of a version.
        splits: which splits of a version's folder to read.

    Raises:
        InputError: nothing is there; a file is empty, damaged or no text; a row is no JSON; no item has any word.
    """
    whole = path.resolve()
    if path.is_dir() and any((path / "data").glob("*.parquet")):
        files = [f for f in raw_files([path / "data"], [".parquet"]) if f.name.split("-")[0] in splits]
        called = f"{whole.parent.name}@{whole.name}"
        if not files:
            raise InputError(
                f"{path} has no {' or '.join(splits)} split.", next_step="Name another version, or a split's file."
            )
    else:
        files = raw_files([path], _SUFFIXES)
        called = whole.name.split(".")[0] or whole.name
    read = (item for file in files for item in _items(file, file.name if len(files) > 1 else ""))
    made = evaluation_set(name or called, read)
    if made.texts.is_empty():
        raise InputError(
            f"{path} holds no text: not one word in {made.items['copies'].sum():,} items.",
            valid="Valid: JSON, JSON Lines or Parquet with text in each row, or plain text, one item a line.",
            next_step="Check that it is the evaluation set that was meant.",
        )
    return made


def evaluation_set(name: str, items: Iterable[Item]) -> EvaluationSet:
    """A set of these items: texts in NFC, cut into words; items of the same words become one."""
    read = list(items)
    texts = _in_words([(number, *said) for number, item in enumerate(read) for said in item.texts])
    contents = [b""] * len(read)
    for number, asked, said in texts.select("item", "asked", "said").iter_rows():
        contents[number] += netstring(f"{'?' if asked else '='}{said}")
    digests = sorted(hashlib.sha256(netstring(i.id) + c).digest() for i, c in zip(read, contents, strict=True))
    copies = Counter(contents)
    firsts: dict[bytes, int] = {}
    for number in sorted(range(len(read)), key=lambda number: (read[number].id, contents[number])):
        firsts.setdefault(contents[number], number)
    taken: Counter[str] = Counter()
    rows = []
    for content, number in firsts.items():
        taken[key := read[number].id] += 1
        rows.append((number, key if taken[key] == 1 else f"{key}~{taken[key]}", copies[content]))
    schema = {"item": pl.UInt32, "id": pl.String, "copies": pl.Int64}
    kept = pl.DataFrame(rows, schema, orient="row").with_row_index("place")
    placed = texts.join(kept.select("item", "place"), on="item", how="inner").sort("place", "asked", "said")
    return EvaluationSet(
        name,
        items=kept.select("id", "copies"),
        texts=placed.select("asked", "words", item="place").select("item", "asked", "words"),
        digest=hashlib.sha256(b"".join(digests)).hexdigest(),
    )


def _in_words(texts: list[tuple[int, bool, str]]) -> pl.DataFrame:
    """item, asked, words and said (the words joined by blanks), each text once an item, without those of no word."""
    frame = pl.DataFrame(texts, {"item": pl.UInt32, "asked": pl.Boolean, "text": pl.String}, orient="row")
    frame = frame.with_columns(words=words(frame["text"].str.normalize("NFC"))).filter(pl.col("words").list.len() > 0)
    frame = frame.select("item", "asked", "words", said=pl.col("words").list.join(" "))
    # Asked goes before answered, so that a text that is both counts as asked.
    frame = frame.sort("item", "said", "asked", descending=[False, False, True])
    return frame.unique(["item", "said"], keep="first", maintain_order=True)


# Files


def _items(file: RawFile, place: str) -> Iterator[Item]:
    """Items of one file; `place` goes before row numbers where these alone would not tell items apart."""
    kind = sniff(file)
    if kind == "text":
        yield from (Item(f"{place}#{row}", [Said(True, line)]) for row, line in enumerate(_lines(file)))
    elif kind == "parquet" and _is_ours(file):
        for _, rows in parquet_batches(file, _OURS):
            for key, text in zip(rows["dialogue_id"], own_texts(rows), strict=True):
                yield Item(key, [Said(True, text)])
    else:
        for batch in records(file):
            refused = _bare_texts(file, batch, place)
            for row, values in zip(batch.origins["raw_row"], mappings(batch), strict=True):
                yield Item(_own_id(values) or f"{place}#{row}", row_texts(values))
            yield from refused


def _is_ours(file: RawFile) -> bool:
    schema = next((rows.schema for _, rows in parquet_batches(file, _OURS, rows=1)), None)
    return schema is not None and dict(schema) == {name: dialogue_schema()[name] for name in _OURS}


def _lines(file: RawFile) -> Iterator[str]:
    """Lines of plain text that are not blank; undecodable bytes become U+FFFD."""
    try:
        with open_raw(file) as stream:
            for line in stream:
                if b"\0" in line:
                    raise InputError(
                        f"{file.path} is no text: it holds NUL bytes.",
                        valid="Valid: JSON, JSON Lines or Parquet, or plain text in UTF-8, one item a line.",
                        next_step="Convert it.",
                    )
                if not is_blank(text := line.decode("utf-8", "replace")):
                    yield text
    except _BROKEN_GZIP as error:
        raise InputError(f"{file.path} is broken gzip: {error}.", next_step="Download it again.") from error


def _bare_texts(file: RawFile, batch: RawBatch, place: str) -> list[Item]:
    """Items that are no objects but bare strings or lists.

    Raises:
        InputError: a row is no JSON. It is not passed over: what it holds would go unlooked-for.
    """
    found = []
    for _, row, reason, detail, raw in batch.unreadable.iter_rows() if batch.unreadable is not None else ():
        if reason != "not-an-object":
            raise InputError(
                f"{file.path}, row {row} (from 0) is no JSON: {detail}.",
                valid="Valid: a JSON array, or JSON Lines (one item a line).",
                next_step="Mend that row; an evaluation set is looked for as a whole.",
            )
        found.append(Item(f"{place}#{row}", list(_texts(json.loads(raw, strict=False)))))
    return found


# Rows


def row_texts(row: Mapping[str, Any]) -> list[Said]:
    """The texts of a row, by the rule above."""
    texts = list(_texts(row))
    return texts if any(said.asked for said in texts) else [said._replace(asked=True) for said in texts]


@cache
def _key_words(key: str) -> frozenset[str]:
    """Words of a key in lower case, each also without a plural's s."""
    found = [word.lower() for word in _KEY_WORD.findall(key)]
    return frozenset(found + [word.removesuffix("s") for word in found])


def _own_id(row: Mapping[str, Any]) -> str | None:
    for key in _IDS:
        value = row.get(key)
        if isinstance(value, int | str) and not isinstance(value, bool) and not is_blank(str(value)):
            return str(value)
    return None


def _texts(value: object) -> Iterator[Said]:
    """Strings within a value that are not blank, in their order, however deep it nests."""
    waiting: list[tuple[object, bool, str]] = [(value, True, "")]
    while waiting:
        value, asked, key = waiting.pop()
        if isinstance(value, str):
            if not is_blank(value):
                yield Said(asked, value)
        elif isinstance(value, Mapping):
            for name, inner in reversed(list(value.items())):
                if not (parts := _key_words(name)) & _NO_TEXT:
                    waiting.append((inner, asked and not parts & _ANSWERED, name))
        elif isinstance(value, Sequence) and not isinstance(value, bytes):
            waiting.extend((inner, asked, "") for inner in reversed(_spoken(value, key) or value))


def _spoken(value: Sequence[Any], key: str) -> list[str] | None:
    """The first turn by a user (failing that, the first) and the whole conversation, where the list is one."""
    if all(isinstance(turn, str) for turn in value) and _key_words(key) & _CONVERSATION:
        turns = [("", turn) for turn in value]
    elif all(isinstance(turn, Mapping) and any(name in turn for name in _SPEAKERS) for turn in value):
        turns = [_turn(turn) for turn in value]
    else:
        return None
    asked = [text for speaker, text in turns if ROLES.get(speaker.lower()) == "user"] or [text for _, text in turns]
    return [*asked[:1], "\n".join(text for _, text in turns)]


def _turn(turn: Mapping[str, Any]) -> tuple[str, str]:
    """Speaker and text of a turn."""
    speaker = next(name for name in _SPEAKERS if name in turn)
    said = _texts({name: value for name, value in turn.items() if name != speaker})
    return str(turn[speaker]), "\n".join(text for _, text in said)
