"""Signatures: what two sets agree in as often as they are alike; and their bands, by which they meet.

One permutation hashing (Li, Owen and Zhang, 2012) with optimal densification (Shrivastava, 2017): a shingle's hash
names its bin by its upper bits, and a bin's value is the least hash in it. A bin that is empty takes the value of the
first bin that is not, in an order that is its own and the same for all sets. Each value is then equal in two sets with
a probability of their Jaccard similarity, as it is under a permutation a value (Broder, 1997), at a small part of the
work: shingles lie sorted, so the least of a bin is the first.
"""

from functools import cache
from typing import Final

import numpy as np

from quimbot_data.near_duplicates.shingles import I64, U32, U64, P, Q, ShingleSets, mixed

#: Sets signed at once.
_BATCH: Final = 1_024


def band_keys(sets: ShingleSets, values: int, bands: int, seed: int) -> U64:
    """One key a band for each set, sets x bands; keys of different bands do not meet.

    Args:
        sets: none may be empty.
        values: of a signature; a power of two.
        bands: keys; divides `values`.
        seed: of the orders in which empty bins look for a value.
    """
    count = len(sets.sizes())
    keys = np.empty((count, bands), np.uint64)
    for start in range(0, count, _BATCH):
        offsets = sets.offsets[start : start + _BATCH + 1]
        batch = ShingleSets(sets.hashes[offsets[0] : offsets[-1]], offsets - offsets[0])
        keys[start : start + _BATCH] = _banded(signatures(batch, values, seed), bands)
    return keys


def signatures(sets: ShingleSets, values: int, seed: int) -> U32:
    """The signature of each set (none may be empty), sets x values."""
    count = len(sets.sizes())
    shift = np.uint32(33 - values.bit_length())
    bins = np.repeat(np.arange(count) * values, sets.sizes()) + (sets.hashes >> shift).astype(np.int64)
    first = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1]])) if len(bins) else np.empty(0, np.int64)
    signed, filled = np.zeros(count * values, np.uint32), np.zeros(count * values, np.bool_)
    signed[bins[first]] = sets.hashes[first]
    filled[bins[first]] = True
    empty = np.flatnonzero(~filled)
    for others in _orders(values, seed):
        if not len(empty):
            break
        at = empty % values
        giver = empty - at + others[at]
        gives = filled[giver]
        signed[empty[gives]] = signed[giver[gives]]
        empty = empty[~gives]
    return signed.reshape(count, values)


@cache
def _orders(values: int, seed: int) -> I64:
    """Where each bin looks for a value, first row first: each column is a permutation of the bins."""
    drawn = mixed(mixed(np.arange(values * values, dtype=np.uint64)) + np.uint64(seed * int(Q) % 2**64))
    return np.argsort(drawn.reshape(values, values), axis=0, kind="stable")


def _banded(signed: U32, bands: int) -> U64:
    count, values = signed.shape
    by_band = signed.reshape(count, bands, values // bands)
    keys = np.arange(bands, dtype=np.uint64) * Q + np.zeros((count, 1), np.uint64)
    for value in range(by_band.shape[2]):
        keys *= P
        keys += by_band[:, :, value]
    return mixed(keys)
