"""Rows of entries looked for in files without their text, which the ledger does not have: by ids, and by shingles."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.marks import StoredSets, sets_of
from quimbot_data.takedowns.reading import batches, parts_of
from quimbot_data.takedowns.texts import sound, unescaped
from quimbot_data.takedowns.told import Told
from schemas.takedown import Takedown

#: What stands between messages in files of dialogues, and is no text of theirs.
_ROLES: Final = frozenset({"system", "user", "assistant", "human", "gpt", "prompter", "messages", "conversations"})


@dataclass
class Looked:
    """What files hold of some entries.

    Attributes:
        rows: by entry, rows, or pieces of text, that name a row of it or hold what it said, or most of that.
        unread: files that could not be looked into, or not well.
    """

    rows: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)

    def held(self, entry: Takedown) -> int | None:
        """Rows of an entry, or like it; None where that cannot be seen."""
        return None if self.unread and not self.rows[entry.id] else self.rows[entry.id]


class Traces:
    """By what entries are told once their text is gone; no place is looked into twice."""

    def __init__(self, entries: Sequence[Takedown]) -> None:
        self._names, self._stored = Told.of(entries), StoredSets.of(entries)
        self._looked: dict[Path, Looked] = {}

    def below(self, place: Path) -> Looked:
        """What a file, or the files below a folder, hold of them."""
        if place not in self._looked:
            found = self._looked[place] = Looked()
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file():
                    self._look(path, found)
        return self._looked[place]

    def in_rows(self, rows: Sequence[Sequence[str]]) -> dict[int, set[str]]:
        """The entries that each row, given by its strings, is a row of, or like one of."""
        found = {at: named for at, row in enumerate(rows) if (named := self._names.named(row))}
        texts = pl.Series([_text_of(row) for row in rows], dtype=pl.String)
        for at, entry in self._stored.within(sets_of(texts), THRESHOLD):
            found.setdefault(at, set()).add(entry)
        return found

    def _look(self, path: Path, found: Looked) -> None:
        unread: list[str] = []
        for parts in batches(parts_of(path, unread)):
            for entries in self.in_rows([part.strings for part in parts]).values():
                found.rows.update(entries)
        found.unread += [f"{path.name} {why}" for why in dict.fromkeys(unread)]


def tells_all(entry: Takedown) -> bool:
    """Whether every row of an entry is known by shingles that are enough to tell it within longer text."""
    return len(StoredSets.of([entry]).told()) == len(entry.rows.contents) and not entry.rows.refused


def _text_of(strings: Iterable[str]) -> str:
    told = (text for text in strings if text not in _ROLES)
    return "\n".join(sound(unescaped(text)) for text in told)
