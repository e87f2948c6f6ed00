"""datatrove's four MinHash stages: signature, buckets, cluster, filter; local executor, two tasks and two workers.

Runs of as many words, 16 buckets of 8 hashes, 64 bits each. Candidates are not verified: it has no such step. In its
favour, rows carry nothing but id and text. Three ways to make shingles:

- as it ships: its own normalization (lower case, numbers, diacritics, punctuation, blanks), and words by spaCy's
  English tokenizer, the default of `MinhashDedupSignature`;
- words by regex: the same normalization, and in its favour words by one regex, that of `quimbot_data.words`;
- lower case only: that regex and nothing else, which gives the very shingles that ours has.
"""

from pathlib import Path

import regex
import xxhash
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import TextNormConfig
from datatrove.utils.typeshelper import Languages
from datatrove.utils.word_tokenizers import WordTokenizer
from near_rows import NGRAM

WORKERS = 2
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
#: `quimbot_data.words`: Rust's `\w` holds marks, which that of Python does not.
WORDS = regex.compile(rf"(?V1)[{UNSPACED}]|[[\w\p{{M}}]--[{UNSPACED}]]+")
AS_THEY_ARE = TextNormConfig(
    norm_whitespace=False, remove_punctuation=False, norm_unicode_diacritics=False, norm_numbers=False
)


def config(*, normalized: bool) -> MinhashConfig:
    norm = TextNormConfig() if normalized else AS_THEY_ARE
    return MinhashConfig(NGRAM, 16, 8, norm_config=norm, hash_config=HashConfig(precision=64))


class Signature(MinhashDedupSignature):
    """Its hash is xxHash 64 of a str, which xxhash 4 no longer takes: of the same bytes."""

    def __init__(self, folder: str, settings: MinhashConfig, words: WordTokenizer | str) -> None:
        super().__init__(folder, settings, language=words)
        self._hash_func = hashed


def hashed(shingle: str) -> int:
    return xxhash.xxh64_intdigest(shingle.encode())


class Words(WordTokenizer):
    """Words of any script; where a script sets no blanks between words, characters."""

    def word_tokenize(self, text: str) -> list[str]:
        return WORDS.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError  # MinHash takes words only

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def run(paths: list[Path], out: Path, *, normalized: bool, own_words: bool) -> None:
    settings, words = config(normalized=normalized), Languages.english if own_words else Words()
    listing = out / "paths.txt"
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    signatures, buckets, removed = (str(out / name) for name in ("signatures", "buckets", "removed"))

    def reader() -> ParquetReader:
        return ParquetReader(str(paths[0].parent), paths_file=str(listing))

    stage(out, "signature", [reader(), Signature(signatures, settings, words)], WORKERS)
    stage(out, "buckets", [MinhashDedupBuckets(signatures, buckets, config=settings)], settings.num_buckets)
    stage(out, "cluster", [MinhashDedupCluster(buckets, removed, config=settings)], 1)
    writer = ParquetWriter(str(out / "rows"), compression="zstd")
    stage(out, "filter", [reader(), MinhashDedupFilter(removed), writer], WORKERS)


def stage(out: Path, name: str, steps: list[PipelineStep], tasks: int) -> None:
    workers = min(tasks, WORKERS)
    LocalPipelineExecutor(steps, tasks=tasks, workers=workers, logging_dir=str(out / "logs" / name)).run()
