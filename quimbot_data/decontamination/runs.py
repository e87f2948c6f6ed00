"""Runs of words in many texts at once: rolling hashes of them, the places of equal hashes, and the words compared.

A run from word a up to word b hashes to Σ h(word_i)·Bⁱ⁻ᵃ over a ≤ i < b, modulo 2⁶⁴, with h = xxh3. Prefix sums of
h(word_i)·Bⁱ give any run's hash by one subtraction and one multiplication by B⁻ᵃ (B is odd, so it has an inverse).
Equal runs have equal hashes; whether equal hashes are equal runs is for `equal_runs` to say.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash  # noqa: F401 - registers the `nchash` namespace

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

#: A word's weight, in quarters of a word: what `Texts.weights` counts in.
WORD_WEIGHT: Final = 4

_HALF_WORD: Final = r"^[\p{Han}\p{Hiragana}\p{Katakana}ー]$"
_QUARTER_WORD: Final = r"^[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]$"
_BASE: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_BASE, -1, 2**64)


@dataclass(frozen=True)
class Texts:
    """Texts as words, one text after another.

    Attributes:
        words: all words.
        starts: int64, one more than texts; text i holds words starts[i] to starts[i + 1].
        weights: int64, one more than words: what the words before each weigh together, in quarters of a word.
        sums: prefix sums of hashes, one more than words.
        inverse: powers of B⁻¹, at least as many.
    """

    words: pl.Series
    starts: Ints
    weights: Ints
    sums: Hashes
    inverse: Hashes

    def text_of(self, places: Ints) -> Ints:
        """Which text each word stands in."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def runs(self, weight: int) -> tuple[Ints, Hashes]:
        """End and hash of the shortest run that begins at each word and has this weight.

        Where the rest of all words weighs less, there is no run: the arrays may be shorter than words. A run may
        reach into the next text; `within` tells.
        """
        step = -(-weight // WORD_WEIGHT)
        ends = np.arange(step, len(self.words) + 1)
        begins, sums = slice(0, len(ends)), self.sums[step:]
        light = np.flatnonzero(self.weights[step:] < self.weights[begins] + weight)
        if len(light):
            ends[light] = np.searchsorted(self.weights, self.weights[light] + weight)
            ends = ends[: np.searchsorted(ends, len(self.weights))]
            begins, sums = slice(0, len(ends)), self.sums[ends]
        return ends, (sums - self.sums[begins]) * self.inverse[begins]

    def within(self, begins: Ints, ends: Ints) -> Flags:
        """Whether runs end in the text where they begin."""
        return ends <= self.starts[self.text_of(begins) + 1]

    def hashes(self, begins: Ints, ends: Ints) -> Hashes:
        """Hashes of runs."""
        return (self.sums[ends] - self.sums[begins]) * self.inverse[begins]


def texts_of(lists: pl.Series) -> Texts:
    """Take a column of word lists (list[str] without nulls) apart."""
    words = lists.explode(empty_as_null=False, keep_nulls=False)
    starts = np.concatenate([[0], np.cumsum(lists.list.len().to_numpy().astype(np.int64))])
    # Rounded up, so that few lengths are ever asked for.
    powers, inverse = _powers(1 << len(words).bit_length())
    terms = _word_hashes(words) * powers[: len(words)]
    return Texts(
        words,
        starts,
        weights=np.concatenate([[0], np.cumsum(_weights(words))]),
        sums=np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)]),
        inverse=inverse,
    )


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """The first powers of B and of its inverse, not to be written to."""
    both = [np.full(count, number, np.uint64) for number in (_BASE, _INVERSE)]
    for powers in both:
        powers[:1] = 1
        np.cumprod(powers, out=powers)
        powers.flags.writeable = False
    return both[0], both[1]


def _word_hashes(words: pl.Series) -> Hashes:
    hashes = words.to_frame("word").select(pl.col("word").nchash.xxh3_64())  # type: ignore[attr-defined]
    return hashes.to_series().to_numpy().astype(np.uint64, copy=False)


def _weights(words: pl.Series) -> Ints:
    weights = np.full(len(words), WORD_WEIGHT)
    single = np.flatnonzero(words.str.len_chars().to_numpy() == 1)
    characters = words.gather(single)
    weights[single[characters.str.contains(_HALF_WORD).to_numpy()]] = WORD_WEIGHT // 2
    weights[single[characters.str.contains(_QUARTER_WORD).to_numpy()]] = WORD_WEIGHT // 4
    return weights


def equal_runs(texts: Texts, other: Texts, begins: Ints, others: Ints, lengths: Ints) -> Flags:
    """Whether runs of these lengths (never 0), from `begins` in one and from `others` in the other, are the same."""
    if not len(lengths):
        return np.zeros(0, np.bool_)
    pairs = texts.words.gather(spread(begins, lengths)) == other.words.gather(spread(others, lengths))
    return np.logical_and.reduceat(pairs.to_numpy(), np.cumsum(lengths) - lengths)


def spread(begins: Ints, lengths: Ints) -> Ints:
    """The numbers of all ranges (begin, begin + 1, … of that length), one range after another."""
    skipped: Ints = begins - (np.cumsum(lengths) - lengths)
    return np.arange(int(lengths.sum())) + np.repeat(skipped, lengths)


@dataclass(frozen=True)
class Lookup:
    """Places by hash.

    Attributes:
        hashes: sorted.
        places: the place of each.
        near: for the first bits of a hash, and for as many that follow them, whether any hash has these. Together they
            answer "no" for nearly all that is not there, without a search.
        bits: how many.
    """

    hashes: Hashes
    places: Ints
    near: tuple[Flags, Flags]
    bits: int

    def pairs(self, hashes: Hashes) -> tuple[Ints, Ints]:
        """All pairs of equal hashes: the position in `hashes`, the place looked up."""
        asked = np.flatnonzero(self.near[0][_bits(hashes, 0, self.bits)])
        asked = asked[self.near[1][_bits(hashes[asked], 1, self.bits)]]
        first = np.searchsorted(self.hashes, hashes[asked], side="left")
        found = first < len(self.hashes)
        found[found] = self.hashes[first[found]] == hashes[asked[found]]
        asked, first = asked[found], first[found]
        counts = np.searchsorted(self.hashes, hashes[asked], side="right") - first
        return np.repeat(asked, counts), self.places[spread(first, counts)]


def lookup(hashes: Hashes, places: Ints) -> Lookup:
    """Sort places by their hashes, and note bits of the hashes: of 8 times as many values as hashes, up to 2²⁴."""
    order = np.argsort(hashes, kind="stable")
    bits = min(max(len(hashes) * 8, 1024).bit_length(), 24)
    near = np.zeros(1 << bits, np.bool_), np.zeros(1 << bits, np.bool_)
    for part, flags in enumerate(near):
        flags[_bits(hashes, part, bits)] = True
    return Lookup(hashes[order], places[order], near, bits)


def _bits(hashes: Hashes, part: int, bits: int) -> Hashes:
    return (hashes << np.uint64(part * bits)) >> np.uint64(64 - bits)
