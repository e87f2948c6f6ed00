"""Dialogues that an evaluation set knows: eight words in a row shared with one of its items, or nearly its words.

Runs of words are found as builds find them (`quimbot_data.decontamination`), at eight words instead of thirteen, since
turns are short. Jaccard is over the different words of one message and one text of an item, of `LEAST_WORDS` and more.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from quimbot_data.decontamination.index import Rule, seek
from quimbot_data.decontamination.matching import matches
from quimbot_data.decontamination.sets import EvaluationSet, load_set
from quimbot_data.words import words
from schemas.errors import InputError

RUN: Final = 8
LEAST_JACCARD: Final = 0.8
LEAST_WORDS: Final = 5


class Overlap(NamedTuple):
    """Dialogues looked at, and places of those that a set knows, with its name."""

    dialogues: int
    found: dict[int, str]


def evaluation_sets(paths: Sequence[Path]) -> list[EvaluationSet]:
    """Sets by their paths.

    Raises:
        InputError: a set cannot be read; two go by one name.
    """
    sets = [load_set(path) for path in paths]
    twice = [name for name, count in Counter(one.name for one in sets).items() if count > 1]
    if twice:
        raise InputError(f"Two evaluation sets are named {twice[0]!r}.", next_step="Rename one of the files.")
    return sets


def contamination(dialogues: Sequence[Mapping[str, Any]], sets: Sequence[EvaluationSet]) -> Overlap:
    """Which dialogues a set knows."""
    texts = ["\n".join(message["content"] for message in dialogue["messages"]) for dialogue in dialogues]
    ids = pl.Series("id", [str(place) for place in range(len(texts))], pl.String)
    hits = matches(seek(sets, Rule(RUN, min_words=LEAST_WORDS)), ids, pl.Series("text", texts, pl.String))
    found = {int(place): name for place, name in hits.select("dialogue_id", "set").rows()}
    said = [(place, message["content"]) for place, dialogue in enumerate(dialogues) for message in dialogue["messages"]]
    for one in sets:
        for place in _alike(said, one):
            found.setdefault(place, one.name)
    return Overlap(len(dialogues), dict(sorted(found.items())))


def _alike(said: Sequence[tuple[int, str]], one: EvaluationSet) -> Iterator[int]:
    """Dialogues of which a message and a text of the set hold nearly the same words.

    Two sets of words with Jaccard J share one of the rarest n - ceil(J n) + 1 words of either, n its size: only texts
    that do are compared.
    """
    known = [frozenset(each) for each in one.texts["words"].to_list() if len(set(each)) >= LEAST_WORDS]
    counts = Counter(word for text in known for word in text)
    holders = defaultdict(list)
    for number, text in enumerate(known):
        for word in _rarest(text, counts):
            holders[word].append(number)
    listed = words(pl.Series([text for _, text in said], dtype=pl.String)).to_list()
    for (place, _), own in zip(said, map(frozenset, listed), strict=True):
        if len(own) >= LEAST_WORDS:
            near = {number for word in _rarest(own, counts) for number in holders.get(word, ())}
            if any(len(own & known[n]) >= LEAST_JACCARD * len(own | known[n]) for n in near):
                yield place


def _rarest(text: frozenset[str], counts: Counter[str]) -> list[str]:
    keep = len(text) - math.ceil(LEAST_JACCARD * len(text)) + 1
    return sorted(text, key=lambda word: (counts[word], word))[:keep]
