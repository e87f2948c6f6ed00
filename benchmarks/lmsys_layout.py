"""Rows in the layout of LMSYS-Chat-1M, generated: what the benchmarks read. Equal seeds give equal rows.

Stated properties, shares exact in every 10,000 rows (`python benchmarks/lmsys_layout.py --describe` looks them up):
- 35 % of conversations are in a non-Latin script (Cyrillic, Devanagari, Arabic, Han, Hangul);
- 10 % hold text that is not in NFC (decomposed accents or jamo), 3 % a CRLF, 1 % a control character or a no-break
  space (½ each): always in the last message;
- message length in characters is log-normal with sigma 1.15, cut at 12,000: users have a median of 60 (quantiles
  .05/.25/.75/.95: 9, 28, 130, 398), assistants one of 440 (66, 203, 956, 2,917); blank ends are cut off and
  defects planted after that, which moves them by a character;
- 1 to 6 turns, geometric with p = ½, 1.97 on average;
- 2 % have one empty message and are refused; 1 % end in a user message, which is dropped, and the conversation is
  refused where nothing else is left;
- 5 % are flagged by moderation.
"""

import argparse
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

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
LATIN = ("English", "Spanish")
USER_MEDIAN, ASSISTANT_MEDIAN, SIGMA, LONGEST = 60, 440, 1.15, 12_000
MOST_TURNS = 6
VOCABULARY = 4_000
#: Rows made at a time, and rows a row group.
ROWS_A_CHUNK = 10_000
ROWS_A_FILE = 100_000


def rows(count: int, seed: int = 1) -> Iterator[pl.DataFrame]:
    """Frames of at most `ROWS_A_CHUNK` rows, `count` in all."""
    for start in range(0, count, ROWS_A_CHUNK):
        yield chunk(seed, start, min(ROWS_A_CHUNK, count - start))


def chunk(seed: int, start: int, size: int) -> pl.DataFrame:
    """Rows `start` to `start + size`; depends on nothing but the three numbers."""
    rng = np.random.default_rng([seed, start])
    script = np.searchsorted(np.cumsum([share for _, share, _, _ in SCRIPTS])[:-1], evenly(rng, size), side="right")
    fate = evenly(rng, size)
    dangling = (fate >= 0.02) & (fate < 0.03)
    turns = np.minimum(MOST_TURNS, rng.geometric(0.5, size))
    sizes = 2 * turns - dangling
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
    contents = texts(rng, np.repeat(script, sizes), np.where(position % 2, ASSISTANT_MEDIAN, USER_MEDIAN))
    for row, kind in zip(*defects(rng, size), strict=True):
        contents[offsets[row + 1] - 1] = spoil(contents[offsets[row + 1] - 1], kind)
    blank = np.flatnonzero(fate < 0.02)  # never the last message, which carries the defects
    contents[offsets[blank] + (rng.random(blank.size) * (sizes[blank] - 1)).astype(int)] = ""
    return pl.DataFrame(
        {
            "conversation_id": [f"{row:032x}" for row in range(start, start + size)],
            "model": ["vicuna-13b"] * size,
            "conversation": nested(
                offsets, {"content": contents, "role": np.array(["user", "assistant"])[position % 2]}
            ),
            "turn": sizes // 2,
            "language": np.array([name for name, _, _, _ in SCRIPTS])[script],
            "openai_moderation": nested(offsets, moderation(rng, np.repeat(evenly(rng, size) < 0.05, sizes), position)),
            "redacted": rng.random(size) < 0.25,
        }
    )


def evenly(rng: np.random.Generator, size: int) -> np.ndarray:
    """0, 1/size, 2/size, … in random order: shares that are drawn by it are exact in every chunk."""
    return rng.permutation(size) / size


def texts(rng: np.random.Generator, script: np.ndarray, median: np.ndarray) -> np.ndarray:
    """One text a message: consecutive cuts of a text that is made for each script."""
    lengths = np.rint(median * np.exp(SIGMA * rng.standard_normal(median.size))).clip(1, LONGEST).astype(int)
    contents = np.empty(median.size, dtype=object)
    for number, (_, _, letters, separator) in enumerate(SCRIPTS):
        messages = np.flatnonzero(script == number)
        ends = np.cumsum(lengths[messages])
        book = prose(rng, letters, separator, int(ends[-1]) if ends.size else 0)
        for message, end in zip(messages, ends, strict=True):
            contents[message] = book[end - lengths[message] : end].strip() or letters[0]
    return contents


def prose(rng: np.random.Generator, letters: str, separator: str, length: int) -> str:
    """At least `length` characters of made-up words of 1 to 10 letters, drawn by Zipf's law; stops and paragraphs."""
    sizes = np.clip(rng.poisson(4, VOCABULARY) + 1, 1, 10)
    spelled = rng.choice(list(letters), (VOCABULARY, 10))
    words = np.array(["".join(word[:size]) for word, size in zip(spelled, sizes, strict=True)], dtype=object)
    picked: list[str] = []
    found = 0
    while found < length:
        more = words[(rng.zipf(1.3, length // 3 + 12) - 1) % VOCABULARY].tolist()
        more[11::12] = [word + "." for word in more[11::12]]
        more[59::60] = [word + "\n\n" for word in more[59::60]]
        picked += more
        found += sum(map(len, more)) + len(separator) * len(more)
    return separator.join(picked)


def defects(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose last message is to be spoiled, and how."""
    draw = evenly(rng, size)
    kinds = np.select(
        [draw < 0.10, draw < 0.13, draw < 0.135, draw < 0.14], ["not-nfc", "crlf", "control", "no-break"], ""
    )
    spoiled = np.flatnonzero(kinds != "")
    return spoiled, kinds[spoiled]


def spoil(content: str, kind: str) -> str:
    """Plant one defect that clean-up mends."""
    if kind == "not-nfc":
        return unicodedata.normalize("NFD", content) + "e\u0301"
    if kind == "crlf":
        return content.replace(" ", "\r\n", 1) + "\r\nend"
    return content + ("\x00" if kind == "control" else "\u00a0.")


def moderation(rng: np.random.Generator, flagged_row: np.ndarray, position: np.ndarray) -> dict[str, object]:
    """Labels for every message; the first message of a flagged row is flagged for harassment."""
    flagged = flagged_row & (position == 0)
    scores = {name: rng.random(flagged.size) * np.where(flagged, 0.9, 1e-3) for name in CATEGORIES}
    labels = {name: flagged & (name == "harassment") for name in CATEGORIES}
    return {"categories": struct(labels), "category_scores": struct(scores), "flagged": flagged}


def struct(columns: dict[str, object]) -> pa.StructArray:
    arrays = [column if isinstance(column, pa.Array) else pa.array(column) for column in columns.values()]
    return pa.StructArray.from_arrays(arrays, names=list(columns))


def nested(offsets: np.ndarray, columns: dict[str, object]) -> pl.Series:
    """A list of structs a row."""
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), struct(columns))
    return pl.Series(pl.from_arrow(lists))


def write(folder: Path, count: int, seed: int = 1, rows_a_file: int = ROWS_A_FILE) -> list[Path]:
    """Write `count` rows as Parquet files; reuses what is there, so fewer rows are the first files of more rows."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for start in range(0, count, rows_a_file):
        end = min(count, start + rows_a_file)
        paths.append(folder / f"train-{start:07}-to-{end:07}-seed-{seed}.parquet")
        if not paths[-1].exists():
            unfinished = paths[-1].with_suffix(".unfinished")
            write_file(unfinished, seed, start, end)
            unfinished.replace(paths[-1])
    return paths


def write_file(path: Path, seed: int, start: int, end: int) -> None:
    """One file, one row group a chunk; snappy, as the publisher's files are."""
    writer = None
    for at in range(start, end, ROWS_A_CHUNK):
        table = chunk(seed, at, min(ROWS_A_CHUNK, end - at)).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table)
    if writer:
        writer.close()


def describe(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The stated properties as found: length quantiles by role, and shares of conversations in percent."""
    content, role = pl.element().struct.field("content"), pl.element().struct.field("role")

    def share(message: pl.Expr) -> pl.Expr:
        return 100 * pl.col("conversation").list.eval(message).list.any().mean()

    quantiles = [pl.col("characters").quantile(q).alias(f"q{round(100 * q):02}") for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    lengths = frame.select(pl.col("conversation").explode()).unnest("conversation")
    lengths = lengths.filter(pl.col("content") != "").with_columns(characters=pl.col("content").str.len_chars())
    shares = frame.select(
        non_latin=100 * (~pl.col("language").is_in(LATIN)).mean(),
        not_nfc=share(content != content.str.normalize("NFC")),
        crlf=share(content.str.contains("\r\n", literal=True)),
        control=share(content.str.contains("\x00", literal=True)),
        no_break_space=share(content.str.contains("\u00a0", literal=True)),
        empty=share(content == ""),
        dangling_user=100 * pl.col("conversation").list.eval(role).list.last().eq("user").mean(),
        flagged=100 * pl.col("openai_moderation").list.eval(pl.element().struct.field("flagged")).list.any().mean(),
        turns=pl.col("turn").mean(),
    )
    return lengths.group_by("role").agg(*quantiles, pl.col("characters").max().alias("longest")).sort("role"), shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where to write the files")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--describe", action="store_true")
    arguments = parser.parse_args()
    if arguments.describe:
        for table in describe(pl.concat(rows(arguments.rows, arguments.seed))):
            sys.stdout.write(f"{table}\n")
    if arguments.folder:
        write(arguments.folder, arguments.rows, arguments.seed)


if __name__ == "__main__":
    main()
