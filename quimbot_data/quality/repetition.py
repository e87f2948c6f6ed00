"""Repetition inside a message, by lines and by runs of words: what a model that loops writes.

The measures are those of Gopher's table A1 (Rae et al. 2021, arXiv 2112.11446), taken of single messages and not of
whole dialogues: that a tutor takes up a learner's words, or code returns changed, is no fault. Words stand between
blanks; in messages that hold a script without blanks, they are those of `quimbot_data.words`, where each of its
characters is one. As in Gopher, texts under `LEAST_WORDS` words are not measured.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash  # noqa: F401 - registers the `nchash` namespace

from quimbot_data.words import WORD

#: Gopher's rules are for documents of 50 words and more; shorter ones repeat themselves by chance.
LEAST_WORDS: Final = 50
#: Words of a run whose return counts: Gopher has rules for runs of 5 to 10; what returns in 10 returns in 5.
RUN: Final = 5
#: The same in scripts without blanks, in characters: about five words of Thai or Burmese, a dozen of Chinese. By runs
#: of five, .2 to .4 of the Declaration of Human Rights in Japanese, Thai, Khmer and Burmese would be repetition.
RUN_UNSPACED: Final = 20
#: One character of a script without blanks: the first branch of the pattern of words.
UNSPACED: Final = WORD.partition("|")[0]

#: Keys hold a message's number above 40 bits of a published hash (xxHash64), so that they meet within a message only,
#: however messages are batched. In 1,000 words two different runs have one key by chance once in two million messages.
_NUMBER: Final = np.uint64(40)
_CUT: Final = np.uint64(24)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of a hash is lost
#: Messages worked on at a time: some million words.
_SLICE: Final = 1 << 14

Bools = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.signedinteger[Any]]
Shares = npt.NDArray[np.float64]


class _Pieces(NamedTuple):
    """Lines or words of messages, one after another, each message holding some.

    Attributes:
        of: the number of each piece's message, rising.
        hashes: one a piece.
        chars: characters of each piece.
    """

    of: Integers
    hashes: Keys
    chars: Integers


def repetition_shares(messages: pl.Series) -> pl.DataFrame:
    """Three shares of each message's characters without its blanks, from 0 to 1 (f64, 4 decimals).

    Returns:
        `duplicate_line_share`: in lines that stand earlier in the message;
        `top_bigram_share`: in the pair of words that it holds most often, if more than once;
        `duplicate_5gram_share`: in runs of five words that stand earlier in the message (in scripts without blanks,
        of twenty characters).
    """
    frame = messages.to_frame("text")
    return pl.concat(_measured(part["text"]) for part in (list(frame.iter_slices(_SLICE)) or [frame]))


def _measured(texts: pl.Series) -> pl.DataFrame:
    """`repetition` of a slice; only long messages pay."""
    shares = np.zeros((3, len(texts)))
    long = (texts.str.len_chars() >= LEAST_WORDS).arg_true()
    text = texts.gather(long)
    unspaced = text.str.contains(UNSPACED)
    apart = text.filter(unspaced).str.extract_all(WORD)
    # Cutting at blanks takes a third of the time of a pattern.
    spaced = text.filter(~unspaced).str.replace_all("\n", " ", literal=True).str.split(" ")
    for of_kind, words, run in ((~unspaced, spaced, RUN), (unspaced, apart, RUN_UNSPACED)):
        found, enough = _pieces(words, LEAST_WORDS)
        if len(enough):
            place = long.filter(of_kind).to_numpy()[enough]
            shares[:, place] = _shares(texts.gather(place), found, run)
    names = ("duplicate_line_share", "top_bigram_share", "duplicate_5gram_share")
    return pl.DataFrame(dict(zip(names, shares.round(4), strict=True)))


def _shares(texts: pl.Series, words: _Pieces, run: int) -> tuple[Shares, Shares, Shares]:
    lines, _ = _pieces(texts.str.split("\n").list.eval(pl.element().str.strip_chars()), 1)
    return (
        _share(_returns(_keys(lines.of, lines.hashes)), lines),
        _share(_runs(words, 2, _commonest), words),
        _share(_runs(words, run, _returns), words),
    )


def _pieces(lists: pl.Series, least: int) -> tuple[_Pieces, Integers]:
    """Pieces that are not empty, of the lists that hold at least so many; and the numbers of these lists."""
    of = np.repeat(np.arange(len(lists)), lists.list.len().to_numpy())
    piece = lists.explode(empty_as_null=False, keep_nulls=False)
    chars = piece.str.len_chars().to_numpy().astype(np.int64)
    counted = np.bincount(of[chars > 0], minlength=len(lists))
    enough = counted >= least
    held = (chars > 0) & enough[of]
    text: Any = pl.lit(piece if held.all() else piece.filter(pl.Series(held)))
    hashes = pl.select(text.nchash.xxhash64()).to_series().to_numpy()
    at = np.flatnonzero(enough)
    return _Pieces(np.repeat(np.arange(len(at)), counted[at]), hashes, chars[held]), at


def _runs(words: _Pieces, length: int, chosen: Callable[[Keys], Bools]) -> Bools:
    """Which words stand in a run of this length that is chosen."""
    count = len(words.of) - length + 1
    hashes = words.hashes[:count]
    for step in range(1, length):
        hashes = hashes * _MULTIPLIER + words.hashes[step : step + count]
    within = np.flatnonzero(words.of[:count] == words.of[length - 1 :])
    starts = np.zeros(len(words.of), bool)
    starts[within] = chosen(_keys(words.of[within], hashes[within]))
    covered = starts.copy()
    for step in range(1, length):
        covered[step:] |= starts[:-step]
    return covered


def _keys(of: Integers, hashes: Keys) -> Keys:
    return (of.astype(np.uint64) << _NUMBER) | (hashes >> _CUT)


def _returns(keys: Keys) -> Bools:
    """Which keys stand earlier already. A sort finds the messages that have any; few do."""
    ordered = np.sort(keys)
    twice = (ordered[1:][ordered[1:] == ordered[:-1]] >> _NUMBER).astype(np.int64)
    concerned = np.zeros(int(keys[-1] >> _NUMBER) + 1, bool)
    concerned[twice] = True
    at = np.flatnonzero(concerned[(keys >> _NUMBER).astype(np.int64)])
    returns = np.zeros(len(keys), bool)
    returns[at] = ~pl.Series(keys[at]).is_first_distinct().to_numpy()
    return returns


def _commonest(keys: Keys) -> Bools:
    """Which keys are the one that their message holds most often, if more than once; of equals, the smallest."""
    ordered = np.sort(keys)
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    number = (ordered[first] >> _NUMBER).astype(np.int64)
    count = np.diff(np.append(first, len(ordered)))
    starts = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    most = np.maximum.reduceat(count, starts)
    best = np.flatnonzero(count == np.repeat(most, np.diff(np.append(starts, len(number)))))
    best = best[np.append(True, number[best][1:] != number[best][:-1])]
    chosen = np.where(most > 1, ordered[first][best], np.uint64(2**64 - 1))
    place = np.cumsum(np.append(0, np.diff((keys >> _NUMBER).astype(np.int64)) != 0))
    is_chosen: Bools = chosen[place] == keys
    return is_chosen


def _share(marked: Bools, pieces: _Pieces) -> Shares:
    starts = np.flatnonzero(np.append(True, pieces.of[1:] != pieces.of[:-1]))
    return np.add.reduceat(pieces.chars * marked, starts) / np.add.reduceat(pieces.chars, starts)
