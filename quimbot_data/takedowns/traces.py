"""An entry's rows looked for in files without their text, which the ledger does not have: by ids, and by shingles."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.marks import StoredSets, sets_of
from quimbot_data.takedowns.reading import Part, batches, parts_of
from quimbot_data.takedowns.texts import sound, unescaped
from quimbot_data.takedowns.told import Told
from schemas.takedown import Takedown

#: What stands between messages in files of dialogues, and is no text of theirs.
_ROLES: Final = frozenset({"system", "user", "assistant", "human", "gpt", "prompter", "messages", "conversations"})


@dataclass
class Looked:
    """What files hold of an entry."""

    rows: int = 0
    """Rows, or pieces of text, that name a row of it or hold what it said, or most of that."""
    unread: list[str] = field(default_factory=list)
    """Files that could not be looked into, or not well."""

    def add(self, other: "Looked") -> None:
        """Of several files."""
        self.rows += other.rows
        self.unread += other.unread


class Traces:
    """By what an entry is told once its text is gone."""

    def __init__(self, entry: Takedown) -> None:
        self._names = Told.of([entry])
        self._stored = StoredSets.of([entry])
        self.tells_all = len(self._stored.told()) == len(entry.rows.contents) and not entry.rows.refused
        """Whether each of its contents is long enough to be told by shingles."""

    def below(self, place: Path) -> Looked:
        """What a file, or the files below a folder, hold of it."""
        found = Looked()
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                found.add(self._within(path))
        return found

    def _within(self, path: Path) -> Looked:
        found = Looked()
        unread: list[str] = []
        for parts in batches(parts_of(path, unread)):
            found.rows += self._rows(parts)
        found.unread = [f"{path.name} {why}" for why in dict.fromkeys(unread)]
        return found

    def _rows(self, parts: Iterable[Part]) -> int:
        strings = [part.strings for part in parts]
        named = {at for at, row in enumerate(strings) if self._names.named(row)}
        texts = pl.Series([_text_of(row) for row in strings], dtype=pl.String)
        return len(named | {place for place, _ in self._stored.within(sets_of(texts), THRESHOLD)})


def _text_of(strings: Iterable[str]) -> str:
    told = (text for text in strings if text not in _ROLES)
    return "\n".join(sound(unescaped(text)) for text in told)
