"""Who is compared: pairs of sets among those whose band keys are equal."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quimbot_data.near_duplicates.shingles import U64
from quimbot_data.near_duplicates.store import SetStore

#: Sets under one key of which each is compared with each.
SMALL: Final = 32
#: Sets under a more crowded key with which all others there are compared, one after the other.
PIVOTS: Final = 16


class Pairs(NamedTuple):
    """Places of two sets each; in a pair the smaller place comes first."""

    one: U64
    other: U64


def candidates(keys: U64, places: U64, store: SetStore, threshold: float) -> Pairs:
    """The pairs to be compared, each once, among different sets.

    Up to `SMALL` sets under a key are all paired. Where more meet, as text from one mould does, pairing all would take
    the square of them: the set of the smallest digest is compared with all others, those that are like it are tied to
    it and step aside, and the rest starts again, until `SMALL` are left, which are all paired, or `PIVOTS` such rounds
    are done. So a crowd of near-duplicates is found whole, as a star, and a crowd of texts that are not alike costs no
    more than `PIVOTS` comparisons a text; a pair that is left over there can still meet under its other 15 keys.
    Digests follow from the texts alone, so the order of rows and shards cannot be seen in what is found.
    """
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.empty(0, np.int64)
    sizes = np.diff(np.concatenate([firsts, [len(keys)]]))
    found = [_all_pairs(places, firsts[sizes == size], int(size)) for size in np.unique(sizes) if 1 < size <= SMALL]
    for first, size in zip(firsts[sizes > SMALL], sizes[sizes > SMALL], strict=True):
        found += _stars(places[first : first + size], store, threshold)
    return unique(found)


def unique(found: list[Pairs]) -> Pairs:
    """Each pair once, sorted."""
    one = np.concatenate([np.empty(0, np.uint64), *(pairs.one for pairs in found)])
    other = np.concatenate([np.empty(0, np.uint64), *(pairs.other for pairs in found)])
    one, other = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    if len(one):
        first = np.concatenate([[True], (one[1:] != one[:-1]) | (other[1:] != other[:-1])])
        one, other = one[first], other[first]
    return Pairs(one, other)


def _all_pairs(places: U64, firsts: npt.NDArray[np.intp], size: int) -> Pairs:
    """Every pair within each of the groups of `size` that begin at `firsts`."""
    left, right = np.triu_indices(size, 1)
    members = places[firsts[:, None] + np.arange(size)]
    return Pairs(members[:, left].ravel(), members[:, right].ravel())


def _stars(places: U64, store: SetStore, threshold: float) -> Iterator[Pairs]:
    """Pairs of a crowd, as `candidates` says."""
    rest = places[np.argsort(store.digests(places))]
    for _ in range(PIVOTS):
        pivot, rest = np.full(len(rest) - 1, rest[0]), rest[1:]
        alike = store.jaccard(pivot, rest) >= threshold
        yield Pairs(pivot[alike], rest[alike])
        rest = rest[~alike]
        if len(rest) <= SMALL:
            yield _all_pairs(rest, np.zeros(1, np.intp), len(rest))
            return
