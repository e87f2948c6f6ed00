"""How much tutor turns repeat each other: what templates and models do, and human teachers do less.

Every measure is taken of samples of `SIZE` turns, each cut to its first `TOKENS` tokens (words, and marks by
themselves), since all of them grow or fall with the size of the text; what is told is the worst of `SAMPLES` seeded
samples. Self-BLEU: Zhu et al. 2018 (arXiv 1802.01886), BLEU-4 smoothed by an epsilon; compression ratio: Shaib et al.
2024 (arXiv 2403.00553).
"""

import gzip
import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from quimbot_data.pedagogy.tokens import tokens_of, zipf

SAMPLES: Final = 10
SIZE: Final = 200
TOKENS: Final = 30
#: Words rarer than this (once in 10,000 words) fill slots: what is left of a turn is its skeleton.
SLOT_ZIPF: Final = 5.0
#: Words that a skeleton must hold besides slots: "Great job!" is no template.
LEAST_WORDS: Final = 3
#: Longest run of words that BLEU compares.
_ORDER: Final = 4
#: In place of no match at all, as in Chen & Cherry 2014, method 1.
_EPSILON: Final = 0.1

Tokens = Sequence[str]


class Diversity(NamedTuple):
    """Shares from 0 to 1, but for the ratio; the worst of the samples, each measure by itself."""

    turns: int
    """Tutor turns there were, of which a sample holds `SIZE` at most."""
    unique_openings: float
    """Different first three tokens, by turns."""
    commonest_opening: float
    """Turns that open with the most frequent three tokens."""
    duplicate_4grams: float
    """Runs of four tokens that stood in the sample before."""
    self_bleu: float
    """Mean BLEU-4 of each turn against all others."""
    compression_ratio: float
    """Bytes by bytes after gzip, of the turns in lines."""
    largest_skeleton: float
    """Turns of the most frequent skeleton: words under `SLOT_ZIPF` masked, runs of masks as one."""


def diversity(turns: Sequence[str], languages: Sequence[str], *, seed: int = 0) -> Diversity:
    """Diversity of tutor turns.

    Args:
        turns: texts; their order decides nothing.
        languages: of each, a subtag.
        seed: of the samples.

    Returns:
        Zeros, and a ratio of 1, where there are no turns.
    """
    cut = [(tokens_of(text, language)[:TOKENS], language) for text, language in zip(turns, languages, strict=True)]
    held = sorted((words, language) for words, language in cut if words)
    if not held:
        return Diversity(0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    found = [_of_sample(sample) for sample in _samples(held, seed)]
    worst = {name: max(getattr(one, name) for one in found) for name in Diversity._fields}
    return Diversity(**worst | {"turns": len(held), "unique_openings": min(one.unique_openings for one in found)})


def _samples(turns: list[tuple[list[str], str]], seed: int) -> Iterator[list[tuple[list[str], str]]]:
    """Samples by published hashes of seed, sample and place; all turns once where there are no more than a sample."""
    if len(turns) <= SIZE:
        yield turns
        return
    for sample in range(SAMPLES):
        keys = [hashlib.sha256(f"{seed}|{sample}|{place}".encode()).digest() for place in range(len(turns))]
        chosen = sorted(range(len(turns)), key=keys.__getitem__)[:SIZE]
        yield [turns[place] for place in sorted(chosen)]


def _of_sample(sample: list[tuple[list[str], str]]) -> Diversity:
    turns = [words for words, _ in sample]
    openings = Counter(tuple(words[:3]) for words in turns)
    runs = Counter(run for words in turns for run in _runs(words, 4))
    skeletons = Counter(filter(None, (skeleton(words, language) for words, language in sample)))
    text = "\n".join(" ".join(words) for words in turns).encode()
    return Diversity(
        turns=len(turns),
        unique_openings=len(openings) / len(turns),
        commonest_opening=max(openings.values()) / len(turns),
        duplicate_4grams=1 - len(runs) / runs.total() if runs else 0.0,
        self_bleu=self_bleu(turns),
        compression_ratio=len(text) / len(gzip.compress(text, mtime=0)),
        largest_skeleton=max(skeletons.values(), default=0) / len(turns),
    )


def skeleton(words: Tokens, language: str) -> str | None:
    """What a turn's words are without what fills its slots; None where too little is left to be a template.

    >>> skeleton(["yes", "she", "went", "to", "the", "museum", "of", "astronomy"], "en")
    'yes she went to the _ of _'
    """
    words = [word for word in words if any(map(str.isalnum, word))]
    kept = [word if zipf(word, language) >= SLOT_ZIPF else "_" for word in words]
    merged = [word for place, word in enumerate(kept) if word != "_" or place == 0 or kept[place - 1] != "_"]
    return " ".join(merged) if sum(word != "_" for word in merged) >= LEAST_WORDS else None


def self_bleu(turns: Sequence[Tokens]) -> float:
    """Mean BLEU-4 of each turn with all others as references; 0 where there is but one."""
    if len(turns) < 2:
        return 0.0
    counts = [[Counter(_runs(words, order)) for words in turns] for order in range(1, _ORDER + 1)]
    highest = [_two_highest(of_order) for of_order in counts]
    lengths = Counter(map(len, turns))
    return math.fsum(_bleu(place, turns, counts, highest, lengths) for place in range(len(turns))) / len(turns)


Counts = Sequence[Sequence[Counter[tuple[str, ...]]]]
Highest = Sequence[dict[tuple[str, ...], tuple[int, int]]]


def _bleu(place: int, turns: Sequence[Tokens], counts: Counts, highest: Highest, lengths: Counter[int]) -> float:
    logs = []
    for of_order, best in zip(counts, highest, strict=True):
        own = of_order[place]
        if not own:
            break  # shorter than the run
        matched = sum(min(count, _elsewhere(best[run], count)) for run, count in own.items())
        logs.append(math.log((matched or _EPSILON) / own.total()))
    length = len(turns[place])
    others = [other for other, count in lengths.items() if count > (other == length)]
    closest = min(others, key=lambda other: (abs(other - length), other))
    return min(1.0, math.exp(1 - closest / length)) * math.exp(math.fsum(logs) / len(logs))


def _two_highest(counts: Sequence[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """For each run the two highest counts that turns have of it."""
    best: dict[tuple[str, ...], tuple[int, int]] = {}
    for counter in counts:
        for run, count in counter.items():
            first, second = best.get(run, (0, 0))
            best[run] = (count, first) if count > first else (first, max(second, count))
    return best


def _elsewhere(best: tuple[int, int], own: int) -> int:
    """The highest count in another turn."""
    first, second = best
    return second if own == first else first


def _runs(words: Tokens, length: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[step:] for step in range(length)), strict=False))
