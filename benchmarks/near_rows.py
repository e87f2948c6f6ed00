"""Texts for the near-duplicate benchmark: conversations of `lmsys_layout.py` with edited copies planted among them.

Every tenth conversation has one copy in which up to 6 % of the words are replaced by other words of the text
(characters, where the script sets no blanks). What is true is told by plain Python sets over the words of
`quimbot_data.words`: two texts are near-duplicates at a Jaccard of at least .8 over runs of three words.
"""

import random
from pathlib import Path

import polars as pl
from lmsys_layout import rows

from quimbot_data.words import words

NGRAM, THRESHOLD = 3, 0.8
COPIED = 0.1
FILES = 8


def write(folder: Path, count: int) -> list[Path]:
    """`FILES` files of id and text, in an order that keeps no copy beside its original; reuses what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"near-{count:07}-{number}.parquet" for number in range(FILES)]
    if not all(path.exists() for path in paths):
        found = texts(count).sample(fraction=1.0, shuffle=True, seed=1)
        for number, path in enumerate(paths):
            found.gather_every(FILES, number).write_parquet(path)
    return paths


def texts(count: int) -> pl.DataFrame:
    """About `count` rows: originals, and copies whose id is the original's with `#` added."""
    originals = round(count / (1 + COPIED))
    content = pl.element().struct.field("content")
    found = pl.concat(
        frame.select(id="conversation_id", text=pl.col("conversation").list.eval(content).list.join("\n"))
        for frame in rows(originals)
    )
    copies = [(f"{key}#", edited(key, text)) for key, text in found.gather_every(round(1 / COPIED)).iter_rows()]
    return pl.concat([found, pl.DataFrame(copies, schema=found.schema, orient="row")])


def edited(key: str, text: str) -> str:
    rng = random.Random(key)
    blank = " " if text.count(" ") * 12 > len(text) else ""
    parts = text.split(" ") if blank else list(text)
    for _ in range(round(rng.uniform(0, 0.06) * len(parts))):
        parts[rng.randrange(len(parts))] = rng.choice(parts)
    return blank.join(parts)


class Truth:
    """What is known of the rows: who was planted near whom, and who has an equal."""

    def __init__(self, paths: list[Path]) -> None:
        found = pl.concat(pl.read_parquet(path) for path in paths)
        cut = dict(zip(found["id"], words(found["text"]).to_list(), strict=True))
        self.shingles = {key: shingles(tuple(text)) for key, text in cut.items()}
        copies = [key for key in self.shingles if key.endswith("#")]
        self.pairs = [(key[:-1], key) for key in copies if self.jaccard(key[:-1], key) >= THRESHOLD]
        self.alike = {key for pair in self.pairs for key in pair} | self.equals()

    def jaccard(self, one: str, other: str) -> float:
        first, second = self.shingles[one], self.shingles[other]
        return len(first & second) / max(1, len(first | second))

    def equals(self) -> set[str]:
        """Rows whose shingles are another row's: very short texts, mostly."""
        groups: dict[frozenset[tuple[str, ...]], list[str]] = {}
        for key, found in self.shingles.items():
            if found:
                groups.setdefault(found, []).append(key)
        return {key for group in groups.values() if len(group) > 1 for key in group}

    def recall(self, removed: set[str]) -> float:
        """Share of the true planted pairs of which at least one was removed."""
        return sum(one in removed or other in removed for one, other in self.pairs) / len(self.pairs)

    def precision(self, removed: set[str]) -> float:
        """Share of the removed rows that have a true near-duplicate."""
        return len(removed & self.alike) / len(removed)


def shingles(found: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    runs = frozenset(found[at : at + NGRAM] for at in range(len(found) - NGRAM + 1))
    return runs or (frozenset([found]) if found else runs)
