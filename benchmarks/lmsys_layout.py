"""Rows in the layout of LMSYS-Chat-1M, generated: what the benchmarks read.

Stated properties, held by construction and printed by `python benchmarks/lmsys_layout.py --describe`:
- at least 30 % of conversations in a non-Latin script (Cyrillic, Devanagari, Arabic, Han, Hangul);
- 10 % hold text that is not in NFC (decomposed accents or jamo), 3 % a CRLF, 1 % a control character or no-break space;
- message length in characters is log-normal: users median 60, assistants median 440 (quantiles .05/.25/.75/.95 about
  ×.15/.45/2.2/7), cut at 12,000; 1 to 6 turns, geometric with mean 2;
- 2 % have an empty message and 1 % end in a user message (both are rejects);
- 5 % are flagged by moderation.
"""

import argparse
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "self-harm", "self-harm/instructions"),
    *("self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
#: Script, share of conversations, letters that its made-up words are drawn from, separator.
SCRIPTS: tuple[tuple[str, float, str, str], ...] = (
    ("English", 0.50, "etaoinshrdlucmfwypvbgkqjxz", " "),
    ("Spanish", 0.15, "eaosrnidlctumpbgvyqhfzjñxáéíóú", " "),
    ("Russian", 0.12, "оеаинтсрвлкмдпуяыьгзбчйхжшю", " "),
    ("Hindi", 0.06, "कखगघचजटडतदनपबमयरलवशसहािीुेो", " "),
    ("Arabic", 0.06, "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", " "),
    ("Chinese", 0.08, "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生", ""),
    ("Korean", 0.03, "가나다라마바사아자차카타파하고노도로모보소오", " "),
)
USER_MEDIAN, ASSISTANT_MEDIAN, SIGMA, LONGEST = 60, 440, 1.15, 12_000
ROWS_A_CHUNK = 10_000


def vocabulary(rng: np.random.Generator, letters: str, size: int = 4_000) -> np.ndarray:
    """Made-up words of a script, 1 to 10 letters."""
    lengths = np.clip(rng.poisson(4, size) + 1, 1, 10)
    return np.array(["".join(rng.choice(list(letters), length)) for length in lengths], dtype=object)


def text(rng: np.random.Generator, words: np.ndarray, separator: str, length: int) -> str:
    """About `length` characters of words, with full stops and paragraphs."""
    picked = words[(rng.zipf(1.3, max(1, length // 5) + 1) - 1) % len(words)].tolist()
    for stop in range(11, len(picked), 12):
        picked[stop] += ".\n\n" if stop % 60 == 59 else "."
    return (separator.join(picked)[: max(1, length)]).strip() or words[0]


def spoil(rng: np.random.Generator, content: str, kind: float) -> str:
    """Plant one defect that clean-up mends."""
    if kind < 0.10:
        return unicodedata.normalize("NFD", content) + "e\u0301"
    if kind < 0.13:
        return content.replace(" ", "\r\n", 1) + "\r\nend"
    return content + ("\x00" if rng.random() < 0.5 else "\u00a0.") if kind < 0.14 else content


def rows(count: int, seed: int = 1) -> Iterator[pl.DataFrame]:
    """Frames of at most `ROWS_A_CHUNK` rows, `count` in all; equal for equal seeds."""
    rng = np.random.default_rng(seed)
    words = [vocabulary(rng, letters) for _, _, letters, _ in SCRIPTS]
    shares = np.array([share for _, share, _, _ in SCRIPTS])
    for start in range(0, count, ROWS_A_CHUNK):
        yield chunk(rng, words, shares, start, min(ROWS_A_CHUNK, count - start))


def chunk(rng: np.random.Generator, words: list[np.ndarray], shares: np.ndarray, start: int, size: int) -> pl.DataFrame:
    conversations, languages, moderation = [], [], []
    for _ in range(size):
        script = int(rng.choice(len(SCRIPTS), p=shares))
        turns = min(6, int(rng.geometric(0.5)))
        conversation = []
        for position in range(2 * turns):
            median = ASSISTANT_MEDIAN if position % 2 else USER_MEDIAN
            length = min(LONGEST, int(median * np.exp(SIGMA * rng.standard_normal())))
            content = text(rng, words[script], SCRIPTS[script][3], length)
            conversation.append({"content": content, "role": "assistant" if position % 2 else "user"})
        conversation[-1]["content"] = spoil(rng, conversation[-1]["content"], rng.random())
        fate = rng.random()
        if fate < 0.02:
            conversation[int(rng.integers(len(conversation)))]["content"] = ""
        elif fate < 0.03:
            conversation.pop()
        flagged = rng.random() < 0.05
        conversations.append(conversation)
        languages.append(SCRIPTS[script][0])
        moderation.append([labels(rng, flagged and p == 0) for p in range(len(conversation))])
    return pl.DataFrame(
        {
            "conversation_id": [f"{start + row:032x}" for row in range(size)],
            "model": ["vicuna-13b"] * size,
            "conversation": conversations,
            "turn": [len(conversation) // 2 for conversation in conversations],
            "language": languages,
            "openai_moderation": moderation,
            "redacted": rng.random(size) < 0.25,
        }
    )


def labels(rng: np.random.Generator, flagged: bool) -> dict[str, object]:
    scores = rng.random(len(CATEGORIES)) * (0.9 if flagged else 1e-3)
    return {
        "categories": {name: flagged and name == "harassment" for name in CATEGORIES},
        "category_scores": dict(zip(CATEGORIES, scores.tolist(), strict=True)),
        "flagged": flagged,
    }


def write(folder: Path, count: int, files: int = 6, seed: int = 1) -> list[Path]:
    """Write `count` rows as `files` Parquet files named as the publisher names them; reuses what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"train-{number:05}-of-{files:05}.parquet" for number in range(files)]
    if not all(path.exists() for path in paths):
        chunks = list(rows(count, seed))
        for number, path in enumerate(paths):
            part = pl.concat(chunks[number::files] or [chunks[0].head(0)])
            part.write_parquet(path, row_group_size=ROWS_A_CHUNK)
    return paths


def describe(frame: pl.DataFrame) -> pl.DataFrame:
    """The stated properties, as found."""
    messages = frame.explode("conversation").unnest("conversation")
    lengths = messages.group_by("role").agg(
        *(pl.col("content").str.len_chars().quantile(q).alias(f"q{round(100 * q)}") for q in (0.05, 0.25, 0.5, 0.75, 0.95))
    )
    latin = frame["language"].is_in(["English", "Spanish"]).mean()
    not_nfc = (messages["content"] != messages["content"].str.normalize("NFC")).sum() / frame.height
    return lengths.with_columns(
        non_latin=pl.lit(1 - float(latin or 0)), not_nfc=pl.lit(not_nfc), bytes=pl.lit(frame.estimated_size())  # type: ignore[arg-type]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--describe", action="store_true")
    arguments = parser.parse_args()
    if arguments.describe:
        sys.stdout.write(f"{describe(pl.concat(rows(arguments.rows)))}\n")
    if arguments.folder:
        write(arguments.folder, arguments.rows)
