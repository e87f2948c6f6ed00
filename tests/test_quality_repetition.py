"""Repetition inside a message, against shares counted by hand and by a plain loop."""

import itertools
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.quality import repetition as module
from quimbot_data.quality.repetition import LEAST_WORDS, RUN, repetition_shares

#: Words of one length, no pair of them twice.
PLAIN = [f"{number:04}" for number in range(100)]


def shares(text: str) -> tuple[float, float, float]:
    lines, bigram, runs = repetition_shares(pl.Series([text])).row(0)
    return lines, bigram, runs


def test_plain_text_repeats_nothing() -> None:
    assert shares(" ".join(PLAIN)) == (0.0, 0.0, 0.0)
    assert shares("\n".join(PLAIN)) == (0.0, 0.0, 0.0)


def test_lines_that_return_count_by_their_characters() -> None:
    lines = [" ".join(PLAIN[at : at + 10]) for at in range(0, 100, 10)]
    assert shares("\n".join([*lines, *lines[:5]]))[0] == pytest.approx(5 / 15, abs=1e-4)
    assert shares("\n\n".join([*lines, f"  {lines[0]}\t", lines[0]]))[0] == pytest.approx(2 / 12, abs=1e-4)
    assert shares(" ".join(lines))[0] == 0.0


def test_the_commonest_pair_counts_by_the_words_that_it_covers() -> None:
    text = [*PLAIN[:40], *["this", "word"] * 5, *PLAIN[40:80]]
    assert shares(" ".join(text))[1] == pytest.approx(10 / 90, abs=1e-4)
    assert shares(" ".join(["word"] * 60))[1] == 1.0  # pairs overlap, and no word counts twice


def test_runs_that_return_count_from_the_second_time_on() -> None:
    text = [*PLAIN[:60], *PLAIN[10:20], *PLAIN[60:90]]
    assert shares(" ".join(text))[2] == pytest.approx(10 / 100, abs=1e-4)
    assert shares(" ".join([*PLAIN[:60], *PLAIN[10 : 10 + RUN - 1], *PLAIN[60:90]]))[2] == 0.0


def test_a_message_that_loops_is_all_repetition() -> None:
    lines, _, runs = shares("\n".join(["I am a tutor and I say this again and again"] * 40))
    assert lines == pytest.approx(39 / 40, abs=1e-4)
    assert runs == pytest.approx(39 / 40, abs=1e-3)


def test_short_messages_are_not_measured() -> None:
    assert shares(" ".join(["word"] * (LEAST_WORDS - 1))) == (0.0, 0.0, 0.0)
    assert shares("  \n".join(["word"] * (LEAST_WORDS - 1))) == (0.0, 0.0, 0.0)
    assert shares("") == (0.0, 0.0, 0.0)


def test_scripts_without_blanks_are_cut_into_characters() -> None:
    plain = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 100))
    assert shares(plain) == (0.0, 0.0, 0.0)
    assert shares(plain + plain[:30])[2] == pytest.approx(30 / 130, abs=1e-4)
    assert shares(plain + plain[:19])[2] == 0.0
    assert shares("哈" * 60)[1] == 1.0


def reference(text: str) -> tuple[float, tuple[float, float], float]:
    """The definitions once more, word by word; of pairs equally common, the least and the greatest share."""
    words = [word for word in text.replace("\n", " ").split(" ") if word]
    if len(words) < LEAST_WORDS:
        return 0.0, (0.0, 0.0), 0.0
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    again = sum(len(line) for at, line in enumerate(lines) if line in lines[:at])
    total = sum(map(len, words))
    runs = [tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]
    returning: set[int] = set()
    for at, run in enumerate(runs):
        if run in runs[:at]:
            returning.update(range(at, at + RUN))
    pairs = Counter(itertools.pairwise(words))
    most = max(pairs.values())
    bests = []
    for pair in (pair for pair, count in pairs.items() if count == most > 1):
        covered = {
            place for at in range(len(words) - 1) if (words[at], words[at + 1]) == pair for place in (at, at + 1)
        }
        bests.append(sum(len(words[at]) for at in covered) / total)
    runs_share = sum(len(words[at]) for at in returning) / total
    return again / sum(map(len, lines)), (min(bests, default=0.0), max(bests, default=0.0)), runs_share


words = st.sampled_from(["a", "bb", "ccc", "é", "🙂", "dd", "e", "f", "gg", "h"])
long_texts = st.lists(st.tuples(words, st.sampled_from([" ", "  ", "\n"])), min_size=40, max_size=90).map(
    lambda pairs: "".join(word + blank for word, blank in pairs)
)


@tried(60)
@given(st.lists(long_texts, min_size=1, max_size=4))
def test_shares_are_those_of_a_plain_loop(messages: list[str]) -> None:
    for text, (lines, bigram, runs) in zip(messages, repetition_shares(pl.Series(messages)).rows(), strict=True):
        expected = reference(text)
        assert lines == pytest.approx(expected[0], abs=1e-4)
        low, high = expected[1]
        assert low - 1e-4 <= bigram <= high + 1e-4  # of pairs equally common, a hash chooses
        assert runs == pytest.approx(expected[2], abs=1e-4)


def test_slices_and_neighbours_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(PLAIN[:60]), "x", "go on " * 40, " ".join(PLAIN[:60]), "", "好" * 80, "\n".join(PLAIN[:5] * 20)]
    whole = repetition_shares(pl.Series(texts))
    assert whole.equals(pl.concat(repetition_shares(pl.Series([text])) for text in texts))
    monkeypatch.setattr(module, "_SLICE", 2)
    assert repetition_shares(pl.Series(texts)).equals(whole)


def test_no_message_gives_no_share() -> None:
    assert repetition_shares(pl.Series([], dtype=pl.String)).shape == (0, 3)
