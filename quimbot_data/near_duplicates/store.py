"""Shingle sets on disk, and the Jaccard similarity of pairs of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from quimbot_data.near_duplicates.shingles import I64, U32, U64, ShingleSets, offsets_of, set_digests
from quimbot_data.workspace import writing

_HALF: Final = np.uint64(32)
#: Shingles compared, or digested, at once: some 100 MB with all that is made of them.
_BATCH: Final = 2**20


def places(shard: int, count: int) -> U64:
    """Where the sets of a shard stand: its number in the upper 32 bits, the set's in the lower."""
    return np.arange(count, dtype=np.uint64) | (np.uint64(shard) << _HALF)


def by_shard(at: U64) -> Iterator[tuple[int, I64, I64]]:
    """Of each shard among places: its number, which of the places are there, and what stands at them."""
    shards, index = at >> _HALF, (at & np.uint64(0xFFFFFFFF)).astype(np.int64)
    for shard in np.unique(shards):
        chosen = np.flatnonzero(shards == shard)
        yield int(shard), chosen, index[chosen]


@dataclass(frozen=True)
class SetStore:
    """Sets in a folder, two files a shard. Writing is thread-safe as long as each shard has its own number."""

    folder: Path

    def write(self, shard: int, sets: ShingleSets) -> None:
        """Keep the sets of a shard."""
        for kind, array in (("hashes", sets.hashes), ("offsets", sets.offsets)):
            with writing(self.folder), self._path(shard, kind).open("wb") as stream:
                _save(stream, array)

    def read(self, at: U64) -> ShingleSets:
        """The sets at these places, in their order."""
        ends = offsets_of(self.sizes(at))
        hashes = np.empty(ends[-1], np.uint32)
        for shard, chosen, index in by_shard(at):
            held, starts = self._open(shard, "hashes"), self._open(shard, "offsets")[index]
            sizes = ends[chosen + 1] - ends[chosen]
            hashes[_spread(ends[chosen], sizes)] = held[_spread(starts, sizes)]
        return ShingleSets(hashes, ends)

    def sizes(self, at: U64) -> I64:
        """Shingles of the sets at these places."""
        sizes = np.empty(len(at), np.int64)
        for shard, chosen, index in by_shard(at):
            offsets = self._open(shard, "offsets")
            sizes[chosen] = offsets[index + 1] - offsets[index]
        return sizes

    def digests(self, at: U64) -> U64:
        """`set_digests` of the sets at these places."""
        found = [set_digests(self.read(at[batch])) for batch in _batches(self.sizes(at))]
        return np.concatenate([np.empty(0, np.uint64), *found])

    def jaccard(self, one: U64, other: U64) -> npt.NDArray[np.float64]:
        """Shared shingles over all shingles of each pair of sets, none of them empty."""
        sizes, others = self.sizes(one), self.sizes(other)
        shared = [_shared(self.read(one[batch]), self.read(other[batch])) for batch in _batches(sizes + others)]
        common = np.concatenate([np.empty(0, np.int64), *shared])
        similarity: npt.NDArray[np.float64] = common / (sizes + others - common)
        return similarity

    def _path(self, shard: int, kind: str) -> Path:
        return self.folder / f"{kind}-{shard:06}.npy"

    def _open(self, shard: int, kind: str) -> npt.NDArray[Any]:
        # Mapped and let go again with each batch, so that pages once touched do not stay in this process.
        return cast(npt.NDArray[Any], np.load(self._path(shard, kind), mmap_mode="r"))


def _batches(sizes: I64) -> Iterator[slice]:
    """Cut so that each part's sizes add up to about `_BATCH`."""
    ends, start = offsets_of(sizes), 0
    while start < len(sizes):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + _BATCH, side="right")) - 1)
        yield slice(start, stop)
        start = stop


def _spread(starts: I64, sizes: I64) -> I64:
    """Every position from each start on, as many as its size says."""
    ends = offsets_of(sizes)
    return np.arange(ends[-1]) + np.repeat(starts - ends[:-1], sizes)


def _shared(one: ShingleSets, other: ShingleSets) -> I64:
    """Shingles that set i of both have in common: equal neighbours once both lie sorted by pair and shingle."""
    pairs = len(one.sizes())
    both = np.concatenate([_numbered(one), _numbered(other)])
    both.sort(kind="stable")  # merges the two sorted halves
    equal = both[1:][both[1:] == both[:-1]]
    return np.bincount((equal >> _HALF).astype(np.int64), minlength=pairs)


def _numbered(sets: ShingleSets) -> U64:
    return sets.hashes | (np.repeat(np.arange(len(sets.sizes()), dtype=np.uint64), sets.sizes()) << _HALF)


def _save(stream: BinaryIO, array: I64 | U32) -> None:
    """`np.save`, through the stream: numpy writes to a real file by its descriptor, and a full disk is then told as a
    count of items written, without the system's error."""
    npy.write_array_header_1_0(stream, npy.header_data_from_array_1_0(array))
    stream.write(np.ascontiguousarray(array).data)
