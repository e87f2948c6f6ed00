"""Shingle sets: the runs of n words that a text holds, each once, as 32-bit hashes.

Words are those of `quimbot_data.words`, found over code points instead of by a regex, at a third of the time. A text of
fewer than n words has one shingle, its whole sequence of words, so that it is like texts of equal words only; a text
without words has none.

Hashes, all modulo 2⁶⁴ (published here, so that no library's release can move a duplicate):

    character   splitmix64 of the lower-case code point
    word        sum of character · P^position
    shingle     ((w₁·P + w₂)·P + w₃)…, its upper 32 bits; of fewer than n words, plus their number · Q

Two sets of s shingles share s²/2³² by chance: a Jaccard of 250 against 250 is off by 3·10⁻⁸ on average.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data.words import WORD

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

P: Final = np.uint64(0x9E3779B97F4A7C15)
Q: Final = np.uint64(0xD6E8FEB86659FD93)
_P_INVERSE: Final = np.uint64(pow(int(P), -1, 2**64))
_ROUNDS: Final = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_HALF: Final = np.uint64(32)
#: Characters worked on at once: their arrays stay in a core's cache.
_BLOCK: Final = 2**17
_PLANE: Final = 0x10000
_NONE: Final = np.empty(0, np.int64)
#: Where letters, digits and marks may stand, by plane: the first four but surrogates, and the marks of the fifteenth.
_LETTERED: Final = {
    0: np.concatenate([np.arange(0xD800), np.arange(0xE000, _PLANE)]),
    **{plane: np.arange(_PLANE) for plane in (1, 2, 3)},
    14: np.arange(0x200),
}
#: Lower case of these depends on what stands around them, or is two characters.
_CONTEXTUAL: Final = ("\u03a3", "\u0130")


@dataclass(frozen=True)
class ShingleSets:
    """Sets of shingles, one after the other.

    Attributes:
        hashes: uint32; ascending and unique within a set.
        offsets: int64, one more than sets; set i is hashes[offsets[i]:offsets[i + 1]].
    """

    hashes: U32
    offsets: I64

    def sizes(self) -> I64:
        """Shingles of each set."""
        return np.diff(self.offsets)


def shingle_sets(texts: pl.Series, n: int) -> Iterator[ShingleSets]:
    """The shingles of each text (str, no nulls), runs of `n` words; some texts at a time, in their order."""
    return (_block_sets(block, n) for block in _blocks(texts))


def joined(parts: Sequence[ShingleSets]) -> ShingleSets:
    """Sets of several parts as one."""
    sizes = np.concatenate([np.empty(0, np.int64), *(part.sizes() for part in parts)])
    hashes = np.concatenate([np.empty(0, np.uint32), *(part.hashes for part in parts)])
    return ShingleSets(hashes, offsets_of(sizes))


def offsets_of(sizes: npt.NDArray[np.integer[Any]]) -> I64:
    """Where sets of these sizes start and end when they lie one after the other."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def mixed(numbers: U64) -> U64:
    """splitmix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit of the number."""
    numbers = numbers + P
    for shift, factor in _ROUNDS:
        numbers ^= numbers >> shift
        numbers *= factor
    return numbers ^ (numbers >> np.uint64(31))


def set_digests(sets: ShingleSets) -> U64:
    """One number a set (none may be empty), equal for equal sets; 64 bits, so a million sets collide at 3·10⁻⁸."""
    if not sets.sizes().size:
        return np.empty(0, np.uint64)
    sums = np.add.reduceat(mixed(sets.hashes.astype(np.uint64)), sets.offsets[:-1])
    return mixed(sums + sets.sizes().astype(np.uint64) * Q)


class _Block(NamedTuple):
    """Some texts as code points; text i holds code_points[offsets[i]:offsets[i + 1]]."""

    code_points: U32
    offsets: I64


def _blocks(texts: pl.Series) -> Iterator[_Block]:
    """Cut texts into blocks of about `_BLOCK` characters, one text at the least."""
    ends = offsets_of(texts.str.len_chars().to_numpy())
    held, start = _Held.of(texts), 0
    while start < len(texts):
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + _BLOCK, side="right")) - 1)
        text, offsets = held.text(start, stop), ends[start : stop + 1] - ends[start]
        if any(letter in text for letter in _CONTEXTUAL):
            lower = texts[start:stop].str.to_lowercase()
            text, offsets = _Held.of(lower).text(0, len(lower)), offsets_of(lower.str.len_chars().to_numpy())
        yield _Block(_code_points(text), offsets)
        start = stop


class _Held(NamedTuple):
    """Texts as one buffer of UTF-8, decoded a block at a time: making a Python string of each would take longer."""

    data: memoryview
    offsets: I64

    @classmethod
    def of(cls, texts: pl.Series) -> "_Held":
        arrow = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, data = arrow.buffers()
        ends = np.frombuffer(offsets, np.int64, len(arrow) + 1, arrow.offset * 8) if len(arrow) else offsets_of(_NONE)
        return cls(memoryview(data or b""), ends)

    def text(self, start: int, stop: int) -> str:
        """Texts start to stop, one after the other."""
        return str(self.data[self.offsets[start] : self.offsets[stop]], "utf-8")


def _code_points(text: str) -> U32:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _block_sets(block: _Block, n: int) -> ShingleSets:
    words, offsets = _word_hashes(block)
    texts = len(offsets) - 1
    found = np.sort(np.concatenate([_runs(words, offsets, n), *(_short(words, offsets, k) for k in range(1, n))]))
    if found.size:
        found = found[np.concatenate([[True], found[1:] != found[:-1]])]
    ends = np.searchsorted(found, np.arange(texts + 1, dtype=np.uint64) << _HALF)
    return ShingleSets(found.astype(np.uint32), ends.astype(np.int64))


def _word_hashes(block: _Block) -> tuple[U64, I64]:
    """Hashes of all words in their order, and where each text's words start and end among them."""
    kinds, values = _alphabet(int(block.code_points.max(initial=0)) // _PLANE + 1)
    kind = kinds.take(block.code_points)
    run = kind == 1
    after = np.concatenate([[False], run[:-1]])
    after[block.offsets[:-1][block.offsets[:-1] < len(after)]] = False
    starts = np.flatnonzero((run & ~after) | (kind == 2))
    if not starts.size:
        return np.empty(0, np.uint64), np.zeros(len(block.offsets), np.int64)
    powers, inverses = _powers((len(kind) - 1).bit_length())
    # Sums up to each place. What stands between words counts 0, so a word ends where the next one starts.
    sums = values.take(block.code_points)
    sums *= powers[: len(kind)]
    sums.cumsum(out=sums)
    hashes = np.diff(np.append(sums[starts[1:] - 1], sums[-1]), prepend=np.uint64(0))
    hashes *= inverses[starts]
    return hashes, np.searchsorted(starts, block.offsets).astype(np.int64)


def _runs(words: U64, offsets: I64, n: int) -> U64:
    """Every run of n words within a text: number of the text in the upper 32 bits, shingle in the lower."""
    count = max(0, len(words) - n + 1)
    shingles = words[:count].copy()
    for at in range(1, n):
        shingles *= P
        shingles += words[at : at + count]
    shingles >>= _HALF
    sizes = np.diff(offsets)
    shingles |= np.repeat(np.arange(len(sizes), dtype=np.uint64) << _HALF, sizes)[:count]
    whole = np.ones(len(words), np.bool_)
    for at in range(1, n):  # a run that starts in the last n - 1 words reaches into the next text
        whole[offsets[1:][sizes >= at] - at] = False
    return shingles[whole[:count]]


def _short(words: U64, offsets: I64, length: int) -> U64:
    """The one shingle of each text of `length` words, as `_runs` gives them."""
    texts = np.flatnonzero(np.diff(offsets) == length)
    shingles = np.full(len(texts), length, np.uint64) * Q
    folded = np.zeros(len(texts), np.uint64)
    for at in range(length):
        folded = folded * P + words[offsets[texts] + at]
    return ((folded + shingles) >> _HALF) | (texts.astype(np.uint64) << _HALF)


@cache
def _alphabet(planes: int) -> tuple[npt.NDArray[np.uint8], U64]:
    """Of each code point in the first planes: whether it is no part of a word (0), part of one (1) or one alone (2);
    and its hash."""
    kinds, values = zip(*(_plane(number) for number in range(planes)), strict=True)
    return np.concatenate(kinds), np.concatenate(values)


@cache
def _plane(number: int) -> tuple[npt.NDArray[np.uint8], U64]:
    """The part of the alphabet in one plane, asked of the very regex that `quimbot_data.words` uses, on first use."""
    kinds, values = np.zeros(_PLANE, np.uint8), np.zeros(_PLANE, np.uint64)
    at = _LETTERED.get(number, _NONE)
    letters = pl.Series(list((at + number * _PLANE).astype(np.uint32).tobytes().decode("utf-32-le")), dtype=pl.String)
    lower = letters.str.to_lowercase().str.slice(0, 1)
    alone, joining = WORD.split("|")
    kinds[at] = np.where(lower.str.contains(f"^{alone}$"), 2, lower.str.contains(f"^{joining}$"))
    values[at] = mixed(_code_points(_Held.of(lower).text(0, len(lower))).astype(np.uint64))
    values[kinds == 0] = 0
    return kinds, values


@cache
def _powers(bits: int) -> tuple[U64, U64]:
    """The powers of P and of its inverse from 0 to 2^bits - 1."""
    powers, inverses = np.full(2**bits, P), np.full(2**bits, _P_INVERSE)
    powers[0] = inverses[0] = 1
    return np.cumprod(powers, dtype=np.uint64), np.cumprod(inverses, dtype=np.uint64)
