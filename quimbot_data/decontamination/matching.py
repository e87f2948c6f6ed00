"""Dialogues that share text with evaluation sets, each with the item that it hit and the words that both hold.

Text is compared as words in lower case (`words.py`), without what a template wrote. The rule:

    ngram   a dialogue and an item share `n` words in a row
    exact   an item's text shorter than that (what it asks, not its answers or options) stands whole in the dialogue,
            or a dialogue shorter than that stands whole in an item's text; under `min_words` words nothing is compared

n = 13 follows Brown et al. (2020, appendix C: 13-grams of lower-case words without punctuation; shorter ones only for
data sets of short items), as do lm-evaluation-harness and NeMo Curator. One shared n-gram suffices, since a dialogue is
dropped, not an item scored: Chowdhery et al. (2022: 70 % of an item's 8-grams), Touvron et al. (2023, Llama 2, A.6: the
share of tokens within matches over 10 tokens) and Lambert et al. (2024, Tülu 3: half of an item's tokens within shared
8-grams) measure how much of a test is spoilt. min_words = 5 is ours: a whole item in five words is rarely chance.

Where a script sets no blanks between words, each character is a word, and 13 of them are a greeting (你好请问有什么可以
帮助你的吗). So a character counts for less than a word: half of one in Chinese and Japanese, a quarter in Thai, Lao,
Khmer and Burmese. An n-gram there is 26 or 52 characters long; in mixed text each counts by its own script.

Words in a row that more than `max_items` different items of one set hold are that set's boilerplate (instructions, a
system prompt, a passage under many questions) and count for nothing. NeMo Curator passes over n-grams found more than
ten times in the corpus, since those are common phrases (as openai/gpt-3's overlap_frequency.md shows). Counted over
items instead, the outcome for a dialogue depends on no other dialogue. Items that are nothing but boilerplate, and
those too short, are counted by `summary`.

Every hit is found by hashes and then compared word by word. A dialogue's outcome depends on itself and the sets alone.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from quimbot_data.decontamination.index import Rule, Sought, seek, short_texts
from quimbot_data.decontamination.runs import WORD_WEIGHT, Hashes, Ints, Texts, equal_runs, spread, texts_of
from quimbot_data.decontamination.sets import EvaluationSet
from quimbot_data.words import words

MATCHES_SCHEMA: Final = pl.Schema(
    {"dialogue_id": pl.String, "set": pl.String, "item": pl.String, "rule": pl.String, "match": pl.String}
)
SUMMARY_SCHEMA: Final = pl.Schema(
    {"set": pl.String(), "digest": pl.String()}
    | dict.fromkeys(("items", "ngram", "exact", "boilerplate", "too_short", "items_hit", "dialogues_hit"), pl.Int64())
)

#: Words of a match that are shown.
_SHOWN: Final = 20
#: Dialogues at a time: their hashes stay within a core's cache.
_CHUNK: Final = 4096


# Looking


def matches(sought: Sought, ids: pl.Series, texts: pl.Series) -> pl.DataFrame:
    """All pairs of a dialogue and an item that it hit.

    Args:
        sought: what `seek` made.
        ids: dialogue ids.
        texts: the dialogues' own texts (`words.own_texts`), in the order of ids.

    Returns:
        In `MATCHES_SCHEMA`, sorted by dialogue, then by the order of sets, then of item ids. `match` holds the first
        words in the dialogue that both share, at most 20, joined by blanks.
    """
    names = pl.Series("set", [one.name for one in sought.sets], pl.String)
    found = [pl.DataFrame(schema={**MATCHES_SCHEMA, "at": pl.Int64})]
    for begin in range(0, len(ids), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        hits = _hits(sought, texts_of(words(texts[chunk].fill_null(""))))
        item = hits["item"]
        columns = {
            "dialogue_id": ids[chunk].cast(pl.String).gather(hits["dialogue"]),
            "set": names.gather(sought.items["set"].gather(item)),
            "item": sought.items["id"].gather(item),
        }
        found.append(pl.DataFrame({**columns, "rule": hits["rule"], "match": hits["match"], "at": item}))
    return pl.concat(found).sort("dialogue_id", "at").drop("at")


def _hits(sought: Sought, said: Texts) -> pl.DataFrame:
    """dialogue and item (as positions), rule and match: one row a pair of dialogue and item."""
    _, hashes = said.runs(sought.rule.min_words * WORD_WEIGHT)
    parts = (
        _shared_ngrams(sought, said).with_columns(rule=pl.lit("ngram")),
        _whole_items(sought, said, hashes).with_columns(rule=pl.lit("exact")),
        _whole_dialogues(sought, said, hashes).with_columns(rule=pl.lit("exact")),
    )
    hits = pl.concat(parts).unique(["dialogue", "item"], keep="first", maintain_order=True)
    return hits.with_columns(match=_shown(said, hits))


def _shared_ngrams(sought: Sought, said: Texts) -> pl.DataFrame:
    ends, hashes = said.runs(sought.rule.n * WORD_WEIGHT)
    begins, others = sought.ngrams.pairs(hashes)
    return _compared(sought, said, begins, others, ends[begins] - begins)


def _whole_items(sought: Sought, said: Texts, hashes: Hashes) -> pl.DataFrame:
    """Short texts of items that stand whole in a dialogue; `hashes` are those of the dialogues' `min_words` runs."""
    begins, texts = sought.wholes.pairs(hashes)
    others = sought.texts.starts[texts]
    return _compared(sought, said, begins, others, sought.texts.starts[texts + 1] - others)


def _whole_dialogues(sought: Sought, said: Texts, hashes: Hashes) -> pl.DataFrame:
    """Short dialogues that stand whole in an item's text."""
    short = np.flatnonzero(short_texts(said, sought.rule))
    begins = said.starts[short]
    which, others = sought.inner.pairs(hashes[begins])
    lengths = said.starts[short + 1] - begins
    hits = _compared(sought, said, begins[which], others, lengths[which])
    set_of = sought.items["set"].gather(hits["item"])
    return hits.filter(pl.len().over("dialogue", set_of) <= sought.rule.max_items)


def _compared(sought: Sought, said: Texts, begins: Ints, others: Ints, lengths: Ints) -> pl.DataFrame:
    """Of runs of these lengths from `begins` in dialogues and from `others` in items, those of the same words.

    Returns:
        dialogue, item, begin, other, length: the first run of each pair of dialogue and item.
    """
    near = (begins + lengths <= said.starts[-1]) & (others + lengths <= sought.texts.starts[-1])
    begins, others, lengths = begins[near], others[near], lengths[near]
    near = said.within(begins, begins + lengths) & sought.texts.within(others, others + lengths)
    near &= said.hashes(begins, begins + lengths) == sought.texts.hashes(others, others + lengths)
    begins, others, lengths = begins[near], others[near], lengths[near]
    item = sought.text_items[sought.texts.text_of(others)]
    columns = {"dialogue": said.text_of(begins), "item": item, "begin": begins, "other": others, "length": lengths}
    runs = pl.DataFrame(columns).sort("dialogue", "item", "begin", "other")
    settled = [runs.clear()]
    while runs.height:
        # The first run of a pair settles it, unless hashes collide: then the next is compared.
        first = runs.unique(["dialogue", "item"], keep="first", maintain_order=True)
        same = equal_runs(said, sought.texts, *(first[name].to_numpy() for name in ("begin", "other", "length")))
        settled.append(first.filter(same))
        runs = runs.join(first, on=runs.columns, how="anti", maintain_order="left")
        runs = runs.join(settled[-1], on=["dialogue", "item"], how="anti", maintain_order="left")
    return pl.concat(settled)


def _shown(said: Texts, hits: pl.DataFrame) -> pl.Series:
    """The first words of each hit."""
    lengths = hits["length"].clip(upper_bound=_SHOWN).to_numpy()
    places = spread(hits["begin"].to_numpy(), lengths)
    shown = pl.DataFrame({"hit": np.repeat(np.arange(hits.height), lengths), "word": said.words.gather(places)})
    return shown.group_by("hit", maintain_order=True).agg(pl.col("word").str.join(" "))["word"]


# What was found


def contaminated(sets: Sequence[EvaluationSet], ids: pl.Series, texts: pl.Series, n: int = 13) -> pl.DataFrame:
    """The dialogues that share text with a set: `first_hits` of `matches`, for a single shard.

    Args:
        sets: in the order in which hits are named.
        ids: dialogue ids.
        texts: the dialogues' own texts (`words.own_texts`).
        n: words of an n-gram.
    """
    rule = Rule(n, min_words=min(n, Rule.min_words))
    return first_hits(matches(seek(sets, rule), ids, texts))


def first_hits(found: pl.DataFrame) -> pl.DataFrame:
    """One row a dialogue, sorted by id: the first item that it hit, and n_hits, how many it hit.

    Args:
        found: rows of `matches`, of one shard or of several.
    """
    hits = found.with_columns(n_hits=pl.len().over("dialogue_id").cast(pl.Int64))
    return hits.unique("dialogue_id", keep="first", maintain_order=True).sort("dialogue_id")


def summary(sought: Sought, found: pl.DataFrame) -> pl.DataFrame:
    """One row a set, in their order: what was looked for and what was hit. A set that nothing hit has zeros there.

    Args:
        sought: what `found` was found with.
        found: rows of `matches`, of all shards.

    Returns:
        In `SUMMARY_SCHEMA`. Items count with their copies: all; looked for by ngram or exact (some by both); not at all
        since they are boilerplate or too short; hit.
    """
    names = pl.Series("set", [one.name for one in sought.sets], pl.String)
    hit = found.select("set", id="item", hit=True).unique()
    items = sought.items.with_columns(set=names.gather(sought.items["set"])).join(hit, on=["set", "id"], how="left")
    copies, kinds = pl.col("copies"), ("ngram", "exact", "boilerplate")
    counted = items.group_by("set").agg(
        copies.sum().alias("items"),
        *(copies.filter(kind).sum().alias(kind) for kind in kinds),
        copies.filter(~pl.any_horizontal(kinds)).sum().alias("too_short"),
        copies.filter("hit").sum().alias("items_hit"),
    )
    dialogues = found.group_by("set").agg(dialogues_hit=pl.col("dialogue_id").n_unique().cast(pl.Int64))
    sets = pl.DataFrame([names, pl.Series("digest", [one.digest for one in sought.sets], pl.String)])
    for part in (counted, dialogues):
        sets = sets.join(part, on="set", how="left", maintain_order="left")
    return sets.with_columns(pl.col(pl.Int64).fill_null(0)).match_to_schema(SUMMARY_SCHEMA)


def unmatched(counts: pl.DataFrame) -> list[str]:
    """Names of the sets that no dialogue hit, out of `summary`: to be told, since a wrong file looks the same."""
    return counts.filter(pl.col("dialogues_hit") == 0)["set"].to_list()
