"""By what rows that go are known again in files to which no origins lead: by their text, their ids and their hashes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import polars as pl

from quimbot_data.takedowns.marks import names_of
from quimbot_data.takedowns.texts import LEAST_FRAGMENT, fold_rows, sound, unescaped
from schemas.takedown import Takedown

#: Characters of a text by which documents are told, which may cut a quotation short.
_BEGINNING: Final = 30
#: Characters from which on any fragment of a row, be it one message of many, is a quotation of it.
_LEAST_QUOTED: Final = 30
#: Characters of a fragment that are looked for where a file is read in pieces.
LONGEST_NEEDLE: Final = 200
#: Characters from which on a corpus's own id, without the name of the corpus, is no commonplace.
_LEAST_KEY: Final = 16
#: Longer strings are no ids.
_LONGEST_ID: Final = 300


class Hit(NamedTuple):
    """What a row of a file holds: of which entries, and whether all of a row that goes, or its name."""

    entries: frozenset[str]
    whole: bool


@dataclass
class Told:
    """What is looked for.

    Attributes:
        longest: the longest fragment of each row that goes, and its entries; commonplaces are left out.
        rows: by that fragment, all fragments of each row of which it is the longest.
        parts: every fragment that is no commonplace.
        begun: beginnings of their texts.
        names: ids, and content hashes, with their entries.
        short: rows that only their names tell.
    """

    longest: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, list[frozenset[str]]] = field(default_factory=dict)
    parts: dict[str, set[str]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    short: int = 0

    @classmethod
    def of(cls, entries: Iterable[Takedown]) -> "Told":
        """Look for what some entries of the ledger name."""
        told = cls()
        for entry in entries:
            rows = entry.rows
            names = {*rows.dialogues, *rows.learner_texts, *rows.raw_ids}
            keys = {name.partition(":")[2] for name in names}
            names |= {key for key in keys if len(key) >= _LEAST_KEY}
            for name in names | {content.content_hash for content in rows.contents}:
                told.names.setdefault(name, set()).add(entry.id)
        return told

    def note(self, found: Collection[str], texts: Iterable[str], entries: Collection[str]) -> None:
        """Look for a row from now on, by its text, unless that is a commonplace.

        Args:
            found: its fragments; rows that quote it are told by the longest.
            texts: its texts, folded; documents that quote it are told by the beginning of any.
            entries: those that take it.
        """
        longest = max(found, key=lambda fragment: (len(fragment), fragment), default="")
        if len(longest) < LEAST_FRAGMENT:
            self.short += 1
        else:
            self.longest.setdefault(longest, set()).update(entries)
            whole = frozenset(found)
            if whole not in self.rows.setdefault(longest, []):
                self.rows[longest].append(whole)
        for part in found:
            if len(part) >= LEAST_FRAGMENT:
                self.parts.setdefault(part, set()).update(entries)
        self.begun.update(text[:_BEGINNING] for text in texts if len(text) >= LEAST_FRAGMENT)

    def quotable(self) -> dict[str, set[str]]:
        """The fragments by which a file is told to quote a row: its longest, and all that are no commonplace."""
        return self.longest | {part: of for part, of in self.parts.items() if len(part) >= _LEAST_QUOTED}

    def hits(self, rows: Sequence[Sequence[str]], needles: Mapping[str, set[str]]) -> dict[int, Hit]:
        """Which rows of a file, each by its strings, name a row that goes, or quote one.

        Args:
            rows: strings of each.
            needles: what counts as a quotation, with the entries: `longest`, or all of `quotable`.
        """
        named = {at: found for at, row in enumerate(rows) if (found := self.named(row))}
        folded = _as_read(rows)
        texts = [" ".join(row) for row in folded]
        quoted, hits = _quoting(texts, needles), {}
        for at in sorted(named.keys() | quoted.keys()):
            entries = set[str]().union(named.get(at, ()), *(needles[needle] for needle in quoted.get(at, ())))
            whole = at in named or any(self._holds_all(texts[at], folded[at], needle) for needle in quoted[at])
            hits[at] = Hit(frozenset(entries), whole)
        return hits

    def parts_in(self, rows: Sequence[Sequence[str]]) -> dict[int, Hit]:
        """Which rows quote any fragment, or name a row: for what may be made again, as a cached reply may."""
        named = {at: found for at, row in enumerate(rows) if (found := self.named(row))}
        quoted = _quoting([" ".join(row) for row in _as_read(rows)], self.parts)
        return {
            at: Hit(frozenset().union(named.get(at, ()), *(self.parts[part] for part in quoted.get(at, ()))), True)
            for at in sorted(named.keys() | quoted.keys())
        }

    def beginnings_in(self, pieces: Sequence[str]) -> dict[int, Hit]:
        """Which pieces of a file without rows hold the beginning, as long as a needle may be, of a fragment."""
        needles: dict[str, set[str]] = {}
        for fragment, entries in self.quotable().items():
            needles.setdefault(fragment[:LONGEST_NEEDLE], set()).update(entries)
        found = _quoting([" ".join(row) for row in _as_read([[piece] for piece in pieces])], needles)
        return {at: Hit(frozenset().union(*(needles[part] for part in parts)), False) for at, parts in found.items()}

    def named(self, strings: Iterable[str]) -> set[str]:
        """The entries whose rows some strings name, by id or content hash, or as that of which they are a part."""
        found = set[str]()
        for text in strings:
            if text in self.names:
                found |= self.names[text]
            elif ":" in text and len(text) <= _LONGEST_ID:
                found.update(*(self.names[name] for name in names_of(text) if name in self.names))
        return found

    def _holds_all(self, text: str, strings: Collection[str], longest: str) -> bool:
        """Whether a row holds all fragments of one that goes; a short one, as `yes`, must be a string of its own."""
        return any(
            all(part in (text if len(part) >= LEAST_FRAGMENT else strings) for part in whole)
            for whole in self.rows.get(longest, ())
        )


def _as_read(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The strings of rows, folded, and once more without the escapes of JSON within."""
    held = [[sound(text) for text in row] for row in rows]
    return fold_rows([[*row, *(unescaped(text) for text in row if "\\" in text)] for row in held])


def _quoting(texts: Sequence[str], needles: Mapping[str, object]) -> dict[int, list[str]]:
    """The needles that each text holds; texts that hold none are left out."""
    if not needles or not texts:
        return {}
    column, wanted = pl.Series(texts, dtype=pl.String), list(needles)
    held = column.str.contains_any(wanted).arg_true()
    found = column.gather(held).str.extract_many(wanted, overlapping=True)
    return {int(at): sorted(set(parts)) for at, parts in zip(held, found.to_list(), strict=True)}
