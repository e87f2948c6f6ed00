"""Dialogues into rows of a fixed length: families take turns by their share of tokens, and fill rows greedily.

The next dialogue is of the family that lags furthest behind its share. Where that one no longer fits the row, the
longest that does is taken from what comes next in any family that is not ahead, so that little room stays empty and no
family drifts: shares hold over every stretch of rows, not only over the whole.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

#: Dialogues of each family that are looked at to fill the end of a row.
AHEAD: Final = 64
#: How far ahead of its share a family may be, in rows.
MOST_AHEAD: Final = 0.5

Ints = npt.NDArray[np.int64]
#: The order of an epoch: given its number and the places of a family's dialogues, these places shuffled.
Shuffle = Callable[[int, Ints], Ints]


@dataclass
class _Queue:
    """What comes next of one family, epoch after epoch; some of it sorted by length."""

    places: Ints
    lengths: Ints
    shuffle: Shuffle
    tokens: int = 0
    _epoch: int = 0
    _coming: Iterator[int] = field(default_factory=lambda: iter(()))
    _order: list[int] = field(default_factory=list)
    _sorted: list[tuple[int, int]] = field(default_factory=list)

    def head(self) -> int:
        """The dialogue whose turn it is."""
        if not self._order:
            self._coming = iter(self.shuffle(self._epoch, self.places).tolist())
            self._epoch += 1
            self._fill()
        return self._order[0]

    def longest(self, room: int) -> tuple[int, int] | None:
        """Length and place of the longest that fits among those that come next in this epoch."""
        self.head()
        at = bisect_right(self._sorted, (room, len(self.lengths)))
        return self._sorted[at - 1] if at else None

    def take(self, place: int) -> int:
        """Take a dialogue out, and return its length."""
        length = int(self.lengths[place])
        self._order.remove(place)
        del self._sorted[bisect_left(self._sorted, (length, place))]
        self._fill()
        self.tokens += length
        return length

    def _fill(self) -> None:
        while len(self._order) < AHEAD and (place := next(self._coming, None)) is not None:
            self._order.append(place)
            insort(self._sorted, (int(self.lengths[place]), place))


def packed_rows(lengths: Ints, families: Sequence[str], capacity: int, shuffle: Shuffle) -> Iterator[list[int]]:
    """Rows without end, epoch after epoch, each a list of places of dialogues.

    Args:
        lengths: tokens of each dialogue, 1 to `capacity`.
        families: of each dialogue.
        capacity: tokens of a row.
        shuffle: orders a family's dialogues in an epoch.

    Returns:
        Rows whose lengths sum to `capacity` at most.
    """
    names, total = np.asarray(families), int(lengths.sum())
    queues = [_Queue(np.flatnonzero(names == name), lengths, shuffle) for name in sorted(set(families))]
    shares = [int(lengths[queue.places].sum()) / total for queue in queues]
    while queues:
        yield _row(queues, shares, capacity)


def _row(queues: list[_Queue], shares: list[float], capacity: int) -> list[int]:
    row: list[int] = []
    room = capacity
    while room:
        given = sum(queue.tokens for queue in queues)
        ahead = [queue.tokens - share * given for queue, share in zip(queues, shares, strict=True)]
        behind = min(range(len(queues)), key=lambda at: (ahead[at], at))
        place = queues[behind].head()
        if queues[behind].lengths[place] > room:
            found = [
                (longest[0], -ahead[at], at, longest[1])
                for at, queue in enumerate(queues)
                if ahead[at] <= MOST_AHEAD * capacity and (longest := queue.longest(room))
            ]
            if not found:
                break
            _, _, behind, place = max(found)
        room -= queues[behind].take(place)
        row.append(place)
    return row
