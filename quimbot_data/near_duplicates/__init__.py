"""Near-duplicates, within and across sources: MinHash finds who may be alike, true Jaccard decides.

    texts -> shingle sets -> signatures -> band keys           `look`, one shard at a time
    equal sets meet: one stands for all                        \\
    equal band keys meet: candidates                            } `pairs`
    candidates meet: each compared once, over the whole sets   /

A signature is 128 values, in each of which two sets agree with probability s, their Jaccard similarity. 16 bands of 8
values are keys, and two sets have a band in common with probability 1 - (1 - s⁸)¹⁶. That curve is steepest near
(1/16)^(1/8) = .707, well below the threshold of .8:

    s        .5     .6     .7     .75    .8     .85    .9     .95
    found    .061   .237   .613   .815   .947   .994   .9999  1.000

What is found is compared for true, so the curve costs recall just above the threshold and never precision.

What meets across shards meets in hash buckets on disk; in memory stands one byte a row. Pairs depend on ids and texts
alone: neither the order of the rows, nor shards, nor threads can be seen in them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from quimbot_data.buckets import NARROW_WEIGHT, Spill
from quimbot_data.dedup import connected
from quimbot_data.ingest import in_order
from quimbot_data.near_duplicates.meeting import Pairs, candidates, unique
from quimbot_data.near_duplicates.shingles import U64, P, ShingleSets, joined, mixed, set_digests, shingle_sets
from quimbot_data.near_duplicates.signatures import band_keys
from quimbot_data.near_duplicates.store import SetStore, by_shard, places
from quimbot_data.workspace import new_folder, writing
from schemas.errors import RecipeError

PAIRS_SCHEMA: Final = pl.Schema({"id_a": pl.String(), "id_b": pl.String(), "jaccard": pl.Float64()})
COMPONENTS_SCHEMA: Final = pl.Schema({"dialogue_id": pl.String(), "component": pl.String()})
#: Words a shingle where no rule says otherwise.
NGRAM: Final = 3
#: First two hex digits by the upper eight bits of a number: what buckets are told by.
_HEX: Final = pl.Series([f"{byte:02x}" for byte in range(256)])


@dataclass(frozen=True)
class Rule:
    """Which texts are near-duplicates.

    Three words a shingle rather than five: one changed word breaks three shingles instead of five, so that of planted
    copies with up to a tenth of their words edited 1.8 times as many reach .8, at equal speed and recall.

    Attributes:
        threshold: least Jaccard similarity of two shingle sets.
        ngram: words a shingle.
        permutations: values a signature, a power of two.
        bands: keys a signature; divides `permutations`.
        seed: see `band_keys`.

    Raises:
        RecipeError: a value that is out of range.
    """

    threshold: float = 0.8
    ngram: int = NGRAM
    permutations: int = 128
    bands: int = 16
    seed: int = 42

    def __post_init__(self) -> None:
        whole = self.ngram > 0 and 0 < self.bands <= self.permutations <= 4096 and self.seed >= 0
        even = whole and self.permutations.bit_count() == 1 and self.permutations % self.bands == 0
        if not (0 < self.threshold <= 1 and even):
            raise RecipeError(
                f"Near-duplicates cannot be told by {self}.",
                valid="The threshold lies above 0 and is at most 1, the rest is positive, bands divide permutations,"
                " and permutations are a power of 2 up to 4096.",
                next_step="Correct the recipe's near-duplicate rule.",
            )

    def recall(self, similarity: float) -> float:
        """How probably two sets of this Jaccard similarity are compared."""
        rows = self.permutations // self.bands
        return float(1 - (1 - similarity**rows) ** self.bands)


@dataclass
class NearDuplicates:
    """The near-duplicates of a corpus that is looked at shard by shard.

    Attributes:
        folder: scratch space; takes 4 bytes a shingle and some 400 bytes a text.
        rule: what near-duplicates are.
    """

    folder: Path
    rule: Rule = field(default_factory=Rule)

    def __post_init__(self) -> None:
        self._store = SetStore(new_folder(self.folder / "sets"))
        self._equal = Spill(new_folder(self.folder / "equal"), NARROW_WEIGHT)
        self._bands = Spill(new_folder(self.folder / "bands"), NARROW_WEIGHT)
        self._candidates = Spill(new_folder(self.folder / "candidates"), NARROW_WEIGHT)
        self._followers: dict[int, npt.NDArray[np.bool_]] = {}

    def look(self, shard: int, ids: pl.Series, texts: pl.Series) -> None:
        """Sign the texts of a shard. Thread-safe; the order of the shards does not matter.

        Args:
            shard: a number of its own, from 0.
            ids: dialogue ids, unique over all shards.
            texts: their own text (see `quimbot_data.words.own_texts`); without a word, it is near to none.
        """
        self.take(shard, ids, self.sets(texts))

    def sets(self, texts: pl.Series) -> ShingleSets:
        """The shingle set of each text."""
        return joined(list(shingle_sets(texts, self.rule.ngram)))

    def take(self, shard: int, ids: pl.Series, sets: ShingleSets) -> None:
        """Sign the texts of a shard, given their shingle sets; see `look`."""
        at = np.flatnonzero(sets.sizes())
        if not len(at):
            return
        self._store.write(shard, sets)
        self._write_ids(shard, ids)
        self._followers[shard] = np.zeros(len(ids), np.bool_)
        rule, here, held = self.rule, places(shard, len(ids))[at], ShingleSets(sets.hashes, np.unique(sets.offsets))
        equal = pl.DataFrame({"digest": set_digests(held), "place": here, "dialogue_id": ids.gather(at)})
        self._equal.write(shard, equal, _bucket("digest"))
        keys = band_keys(held, rule.permutations, rule.bands, rule.seed)
        bands = pl.DataFrame({"key": keys.ravel(), "place": np.repeat(here, rule.bands)})
        self._bands.write(shard, bands, _bucket("key"))

    def pairs(self, threads: int = 2) -> Iterator[pl.DataFrame]:
        """All near-duplicates that were found, each pair once, `PAIRS_SCHEMA`, id_a before id_b.

        Texts of equal shingles are paired with the one of the smallest id, which alone meets others. Where more than
        32 meet under a key, not every pair is named, but those that hold them together (see `candidates`).
        """
        yield from in_order(self._equals, self._equal.groups(), threads)
        for _ in in_order(self._meet, enumerate(self._bands.groups()), threads):
            pass
        yield from in_order(self._verify, self._candidates.groups(), threads)

    def _equals(self, buckets: range) -> pl.DataFrame:
        """Pairs of equal sets; all but the first of equals stay out of what follows."""
        rows = self._equal.read(buckets).sort("digest", "dialogue_id")
        first = pl.col("dialogue_id").first().over("digest")
        rows = rows.select("place", id_a=first, id_b="dialogue_id").filter(pl.col("id_a") != pl.col("id_b"))
        for shard, _, index in by_shard(rows["place"].to_numpy()):
            self._followers[shard][index] = True
        return rows.select("id_a", "id_b", jaccard=pl.lit(1.0))

    def _meet(self, numbered: tuple[int, range]) -> None:
        number, buckets = numbered
        rows = self._bands.read(buckets)
        keys, at = rows["key"].to_numpy(), rows["place"].to_numpy()
        alone = self._leads(at)
        found = candidates(keys[alone], at[alone], self._store, self.rule.threshold)
        spilled = pl.DataFrame({"key": mixed(found.one * P + found.other), "one": found.one, "other": found.other})
        self._candidates.write(number, spilled, _bucket("key"))

    def _leads(self, at: U64) -> npt.NDArray[np.bool_]:
        """Whether the set at each place stands for its equals."""
        leads = np.empty(len(at), np.bool_)
        for shard, chosen, index in by_shard(at):
            leads[chosen] = ~self._followers[shard][index]
        return leads

    def _verify(self, buckets: range) -> pl.DataFrame:
        """Compare the candidates, once each whatever the number of keys that they share."""
        rows = self._candidates.read(buckets)
        one, other = unique([Pairs(rows["one"].to_numpy(), rows["other"].to_numpy())])
        sizes, others = self._store.sizes(one), self._store.sizes(other)
        # No Jaccard is above the smaller set's share of the larger.
        possible = np.minimum(sizes, others) >= self.rule.threshold * np.maximum(sizes, others)
        one, other = one[possible], other[possible]
        jaccard = self._store.jaccard(one, other)
        alike = jaccard >= self.rule.threshold
        found = pl.DataFrame({"a": self._ids(one[alike]), "b": self._ids(other[alike]), "jaccard": jaccard[alike]})
        return found.select(id_a=pl.min_horizontal("a", "b"), id_b=pl.max_horizontal("a", "b"), jaccard="jaccard").sort(
            "id_a", "id_b"
        )

    def _write_ids(self, shard: int, ids: pl.Series) -> None:
        with writing(self.folder), self._ids_path(shard).open("wb") as stream:
            ids.rename("id").to_frame().write_ipc(stream, compat_level=pl.CompatLevel.oldest())

    def _ids(self, at: U64) -> pl.Series:
        """Ids of the dialogues at these places."""
        found = pl.Series("id", [None] * len(at), pl.String)
        for shard, chosen, index in by_shard(at):
            with pa.memory_map(str(self._ids_path(shard))) as mapped:
                ids = cast(pl.DataFrame, pl.from_arrow(pa.ipc.open_file(mapped).read_all()))["id"]
                found = found.scatter(chosen, ids.gather(index))
        return found

    def _ids_path(self, shard: int) -> Path:
        return self._store.folder / f"ids-{shard:06}.arrow"


def components(pairs: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """What hangs together over pairs: `COMPONENTS_SCHEMA`, sorted by id; a component is its smallest id.

    Only dialogues of some pair are there. In memory stand the ids of those.
    """
    roots = connected(row[:2] for part in pairs for row in part.select("id_a", "id_b").iter_rows())
    ids = sorted({*roots, *roots.values()})
    return pl.DataFrame({"dialogue_id": ids, "component": [roots.get(one, one) for one in ids]}, COMPONENTS_SCHEMA)


def _bucket(column: str) -> pl.Expr:
    """The upper bits of a uint64, as `Spill` wants them: in hex."""
    return pl.lit(_HEX).gather(pl.col(column) // 2**56)
