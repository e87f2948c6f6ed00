"""What `matching` looks for: the runs of words of evaluation sets, by hash, without what is boilerplate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data.decontamination.runs import WORD_WEIGHT, Ints, Lookup, Texts, lookup, texts_of
from quimbot_data.decontamination.sets import EvaluationSet
from schemas.errors import InputError, RecipeError


@dataclass(frozen=True)
class Rule:
    """The rule's numbers; a recipe's resolved form should hold them beside the sets' digests.

    Raises:
        RecipeError: a number is under 1, or `min_words` is over `n`.
    """

    n: int = 13
    min_words: int = 5
    max_items: int = 10

    def __post_init__(self) -> None:
        if not (1 <= self.min_words <= self.n and self.max_items >= 1):
            raise RecipeError(f"{self} is no rule.", valid="Valid: 1 <= min_words <= n, and max_items of 1 or more.")


@dataclass(frozen=True, eq=False)
class Sought:
    """What is looked for in the dialogues: made once by `seek`, used for every shard.

    Attributes:
        sets, rule: what it was made of.
        items: one row an item, by the order of sets and then of ids: item (the row), set (its position), id, copies,
            and whether it is looked for by ngram, by exact, or would be but for boilerplate.
        texts, text_items: the items' words, and the item of each text.
        ngrams: the words where n-grams begin.
        wholes: the texts that are looked for as a whole, by their first `min_words`.
        inner: the words where runs of `min_words` begin, for dialogues that stand within a text.
    """

    sets: Sequence[EvaluationSet]
    rule: Rule
    items: pl.DataFrame
    texts: Texts
    text_items: Ints
    ngrams: Lookup
    wholes: Lookup
    inner: Lookup


def seek(sets: Sequence[EvaluationSet], rule: Rule | None = None) -> Sought:
    """Make sets ready for `matches`.

    Raises:
        InputError: two sets go by one name.
    """
    rule = rule or Rule()
    items, listed = _joined(sets)
    texts, places = texts_of(listed["words"]), listed.select("text", "item", "set")
    ends, hashes = texts.runs(rule.min_words * WORD_WEIGHT)
    inside = np.flatnonzero(texts.within(np.arange(len(ends)), ends))
    runs = {"ngram": _ngrams(texts, rule), "exact": _wholes(texts, listed["asked"], rule)}
    tried = {kind: run.join(places, on="text", maintain_order="left") for kind, run in runs.items()}
    kept = {kind: _without_boilerplate(run, rule.max_items) for kind, run in tried.items()}
    return Sought(
        sets,
        rule,
        _told(items, tried, kept),
        texts,
        listed["item"].to_numpy(),
        ngrams=lookup(kept["ngram"]["hash"].to_numpy(), kept["ngram"]["begin"].to_numpy()),
        wholes=lookup(hashes[kept["exact"]["begin"].to_numpy()], kept["exact"]["text"].to_numpy()),
        inner=lookup(hashes[inside], inside),
    )


def _joined(sets: Sequence[EvaluationSet]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items (item, set, id, copies) and texts (text, item, set, asked, words) of all sets."""
    items, texts, above = [], [], 0
    for place, one in enumerate(sets):
        if any(one.name == other.name for other in sets[:place]):
            raise InputError(f"Two evaluation sets are named {one.name!r}.", next_step="Give one another name.")
        position = pl.lit(place, pl.Int64).alias("set")
        items.append(one.items.select(position, "id", "copies"))
        texts.append(one.texts.select(pl.col("item").cast(pl.Int64) + above, position, "asked", "words"))
        above += one.items.height
    no_items = pl.DataFrame(schema={"set": pl.Int64, "id": pl.String, "copies": pl.Int64})
    no_texts = pl.DataFrame(
        schema={"item": pl.Int64, "set": pl.Int64, "asked": pl.Boolean, "words": pl.List(pl.String)}
    )
    numbered = (
        pl.concat([empty, *frames]).with_row_index(name).with_columns(pl.col(name).cast(pl.Int64))
        for name, empty, frames in (("item", no_items, items), ("text", no_texts, texts))
    )
    all_items, all_texts = numbered
    return all_items, all_texts


def _ngrams(texts: Texts, rule: Rule) -> pl.DataFrame:
    """All n-grams: hash, length, begin, text."""
    ends, hashes = texts.runs(rule.n * WORD_WEIGHT)
    begins = np.arange(len(ends))
    frame = pl.DataFrame({"hash": hashes, "length": ends - begins, "begin": begins, "text": texts.text_of(begins)})
    return frame.filter(texts.within(begins, ends))


def _wholes(texts: Texts, asked: pl.Series, rule: Rule) -> pl.DataFrame:
    """Texts to be looked for as a whole, likewise: what is asked and shorter than an n-gram."""
    begins, ends = texts.starts[:-1], texts.starts[1:]
    frame = pl.DataFrame({"hash": texts.hashes(begins, ends), "length": ends - begins, "begin": begins})
    return frame.with_columns(text=np.arange(len(begins))).filter(asked.to_numpy() & short_texts(texts, rule))


def short_texts(texts: Texts, rule: Rule) -> npt.NDArray[np.bool_]:
    """Which texts are shorter than an n-gram and yet long enough to be compared."""
    weights = np.diff(texts.weights[texts.starts])
    return (weights >= rule.min_words * WORD_WEIGHT) & (weights < rule.n * WORD_WEIGHT)


def _without_boilerplate(runs: pl.DataFrame, max_items: int) -> pl.DataFrame:
    """Runs that at most `max_items` items of a set hold, each once an item."""
    runs = runs.unique(["hash", "length", "item"], keep="first", maintain_order=True)
    return runs.filter(pl.len().over("hash", "length", "set") <= max_items)


def _told(items: pl.DataFrame, tried: dict[str, pl.DataFrame], kept: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Items with what becomes of them: ngram, exact, boilerplate."""
    ways = {kind: items["item"].is_in(run["item"].implode()) for kind, run in kept.items()}
    once = pl.concat([run["item"] for run in tried.values()])
    boilerplate = items["item"].is_in(once.implode()) & ~ways["ngram"] & ~ways["exact"]
    return items.with_columns(**ways, boilerplate=boilerplate)
