"""The identifiers that are compared, each on one core in a process of its own.

`python benchmarks/language_contenders.py NAME PARAGRAPHS OUT` reads the columns `text` and `part`, writes the guesses
as Parquet and prints as JSON the seconds that guessing took, in all and by part. Imports are left out; so are models,
which some paragraphs, guessed once before the clock starts, make each contender load.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

OURS, PEER = "quimbot_data.language.detect", "langdetect, seed 0"
#: Enough that both contenders load all they have: ours takes its third detector only where the first two differ.
WARM = 500


def ours() -> Callable[[pl.Series], list[str | None]]:
    from quimbot_data.language import detect

    return lambda texts: detect(texts)["language"].to_list()


def langdetect() -> Callable[[pl.Series], list[str | None]]:
    """As its README has it: a fixed seed, and an exception where a text holds no features."""
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0

    def guess(text: str) -> str | None:
        try:
            return detect(text)
        except LangDetectException:
            return None

    return lambda texts: [guess(text) for text in texts.to_list()]


CONTENDERS = {OURS: ours, PEER: langdetect}


def main() -> None:
    _, name, paragraphs, out = sys.argv
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    identify, rows = CONTENDERS[name](), pl.read_parquet(paragraphs)
    identify(rows["text"].gather_every(max(1, rows.height // WARM)))
    guesses: list[pl.DataFrame] = []
    parts: dict[str, float] = {}
    for (part,), some in rows.group_by("part", maintain_order=True):
        started = time.perf_counter()
        guessed = identify(some["text"])
        parts[part] = time.perf_counter() - started
        guesses.append(some.with_columns(guess=pl.Series(guessed, dtype=pl.String)))
    pl.concat(guesses).write_parquet(Path(out))
    sys.stdout.write(json.dumps({"seconds": sum(parts.values()), "parts": parts}) + "\n")


if __name__ == "__main__":
    main()
