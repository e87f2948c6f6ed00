"""By what taken rows are known again: ids, hashes, what they were made of, and shingles, compared exactly.

A build finds near-duplicates by MinHash, which misses a few; what was taken down must not come back by such a miss. So
each row is compared with every stored shingle set for true: an index from shingle to sets says what a row shares with
all of them in one look.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data.near_duplicates import NGRAM
from quimbot_data.near_duplicates.shingles import I64, U32, ShingleSets, joined, offsets_of, shingle_sets
from schemas.takedown import Takedown

_EPOCH: Final = r"@epoch[0-9]+$"
#: Shingles from which on a stored text is told within longer text; a shorter one may be a commonplace.
LEAST_SHINGLES: Final = 6
#: What tells a part of a row, a sentence say, after the row's id.
_PART: Final = r"[#/|@][^#/|@]*$"


def base_id(dialogue_id: pl.Expr) -> pl.Expr:
    """A dialogue's id without the epoch of a repeat."""
    return dialogue_id.str.replace(_EPOCH, "")


def without_epoch(dialogue_id: str) -> str:
    """The same of one id."""
    return re.sub(_EPOCH, "", dialogue_id)


def names_of(text: str) -> tuple[str, str, str]:
    """What an id may name: itself, and the row of which it is a part or an epoch, at most two deep."""
    once = re.sub(_PART, "", text)
    return text, once, re.sub(_PART, "", once)


@dataclass(frozen=True)
class Marks:
    """Of each mark of a row, the entry that takes it down.

    Attributes:
        ids: by id, of dialogues and learner texts.
        raw_ids: by `SOURCE:RAWID`.
        contents: by content hash.
    """

    ids: Mapping[str, str]
    raw_ids: Mapping[str, str]
    contents: Mapping[str, str]

    @classmethod
    def of(cls, entries: Iterable[Takedown]) -> "Marks":
        """The marks of some entries; of two with one mark, the smaller id is named."""
        ids: dict[str, str] = {}
        raw_ids: dict[str, str] = {}
        contents: dict[str, str] = {}
        for entry in sorted(entries, key=lambda entry: entry.id):
            rows = entry.rows
            for key in (*rows.dialogues, *rows.learner_texts):
                ids.setdefault(key, entry.id)
            for key in rows.raw_ids:
                raw_ids.setdefault(key, entry.id)
            for content in rows.contents:
                contents.setdefault(content.content_hash, entry.id)
        return cls(ids, raw_ids, contents)

    def of_dialogue(self) -> pl.Expr:
        """The entry that takes a dialogue down, null where none does.

        Expects dialogue_id, source, content_hash, provenance.
        """
        provenance = pl.col("provenance").struct
        raw_id = provenance.field("raw_id")
        return pl.coalesce(
            _looked_up(base_id(pl.col("dialogue_id")), self.ids),
            _looked_up(pl.col("content_hash"), self.contents),
            _looked_up(pl.concat_str("source", pl.lit(":"), raw_id), self.raw_ids),
            *(_named_in(text, self.ids) for text in (provenance.field("lineage"), raw_id)),
        ).alias("taken")

    def of_text(self) -> pl.Expr:
        """The entry that takes a learner text down; expects text_id, source, content_hash, raw_id."""
        return pl.coalesce(
            _looked_up(pl.col("text_id"), self.ids),
            _looked_up(pl.col("content_hash"), self.contents),
            _looked_up(pl.concat_str("source", pl.lit(":"), "raw_id"), self.raw_ids),
        ).alias("taken")


def owners(rows: pl.DataFrame, each: Mapping[str, Marks]) -> dict[str, set[str]]:
    """The entries that take each row, by its id: of several, all.

    Args:
        rows: dialogues or learner texts, as `Marks` expects them.
        each: the marks of each entry.
    """
    texts, found = "text_id" in rows.columns, dict[str, set[str]]()
    for entry, marks in each.items() if rows.height else ():
        taken = rows.filter((marks.of_text() if texts else marks.of_dialogue()).is_not_null())
        for name in taken["text_id" if texts else "dialogue_id"]:
            found.setdefault(name, set()).add(entry)
    return found


def _named_in(text: pl.Expr, known: Mapping[str, str]) -> pl.Expr:
    """The entry of the id that a lineage or raw id names: as it stands, or before up to two parts of a row."""
    once = text.str.replace(_PART, "")
    return pl.coalesce(_looked_up(name, known) for name in (text, once, once.str.replace(_PART, "")))


def _looked_up(column: pl.Expr, known: Mapping[str, str]) -> pl.Expr:
    if not known:
        return pl.lit(None, pl.String)
    return column.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def sets_of(texts: pl.Series) -> ShingleSets:
    """The shingle sets of some texts (str, no nulls), as near-duplicates compare them."""
    return joined(list(shingle_sets(texts, NGRAM)))


def packed(hashes: U32) -> str:
    """A shingle set as the ledger holds it."""
    return base64.b64encode(hashes.astype("<u4").tobytes()).decode()


def _unpacked(text: str) -> U32:
    return np.frombuffer(base64.b64decode(text), "<u4").astype(np.uint32)


@dataclass(frozen=True)
class StoredSets:
    """The shingle sets of a ledger, indexed.

    Attributes:
        entries: the entry of each set.
        sizes: its shingles.
        hashes: the shingles of all sets, ascending.
        owners: the set of each of them.
    """

    entries: tuple[str, ...]
    sizes: I64
    hashes: U32
    owners: I64

    @classmethod
    def of(cls, entries: Iterable[Takedown]) -> "StoredSets":
        """The sets of some entries, those of the smaller id first."""
        held = [
            (entry.id, hashes)
            for entry in sorted(entries, key=lambda entry: entry.id)
            for content in entry.rows.contents
            if len(hashes := _unpacked(content.shingles))
        ]
        sizes = np.array([len(hashes) for _, hashes in held], np.int64)
        hashes = np.concatenate([np.empty(0, np.uint32), *(hashes for _, hashes in held)])
        order = np.argsort(hashes, kind="stable")
        owners = np.repeat(np.arange(len(held)), sizes)
        return cls(tuple(entry for entry, _ in held), sizes, hashes[order], owners[order])

    def near(self, sets: ShingleSets, threshold: float) -> Iterator[tuple[int, str]]:
        """Which of these sets are near to a stored one: their places, each with the entries, in order."""
        if not self.hashes.size or not sets.hashes.size:
            return
        # No Jaccard is above the share of a set that lies in the other; the small sum stands for rounding.
        shared = self._shared(sets)
        possible = np.flatnonzero((shared > 0) & (shared + 1e-6 >= threshold * sets.sizes()))
        for place, one in _sets_at(sets, possible):
            common = self._common(one)
            yield from self._owners(place, common / (len(one) + self.sizes - common) >= threshold)

    def within(self, sets: ShingleSets, share: float) -> Iterator[tuple[int, str]]:
        """Which of these sets hold this share of a stored one, of such as can be told: as `near` has it."""
        told = self.sizes >= LEAST_SHINGLES
        if not told.any() or not sets.hashes.size:
            return
        for place, one in _sets_at(sets, np.flatnonzero(self._shared(sets) >= share * LEAST_SHINGLES)):
            yield from self._owners(place, told & (self._common(one) >= share * self.sizes))

    def told(self) -> I64:
        """The sets that are long enough to be told within longer text."""
        return np.flatnonzero(self.sizes >= LEAST_SHINGLES)

    def _shared(self, sets: ShingleSets) -> I64:
        """How many shingles of each set are in any stored one."""
        at = np.minimum(np.searchsorted(self.hashes, sets.hashes), len(self.hashes) - 1)
        shared = offsets_of((self.hashes[at] == sets.hashes).astype(np.int64))
        return shared[sets.offsets[1:]] - shared[sets.offsets[:-1]]

    def _common(self, one: U32) -> I64:
        """How many shingles of one set each stored one holds."""
        starts, ends = (np.searchsorted(self.hashes, one, side) for side in ("left", "right"))
        owners = np.concatenate([self.owners[start:end] for start, end in zip(starts, ends, strict=True)])
        return np.bincount(owners, minlength=len(self.sizes))

    def _owners(self, place: int, alike: npt.NDArray[np.bool_]) -> Iterator[tuple[int, str]]:
        for entry in dict.fromkeys(self.entries[owner] for owner in np.flatnonzero(alike)):
            yield place, entry


def _sets_at(sets: ShingleSets, places: I64) -> Iterator[tuple[int, U32]]:
    for place in places.tolist():
        yield place, sets.hashes[sets.offsets[place] : sets.offsets[place + 1]]
