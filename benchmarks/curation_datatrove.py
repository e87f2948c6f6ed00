"""The peer of the curation benchmark: datatrove, its local executor with two tasks and two workers.

Six stages, as its examples cut them: rows are read, cleaned, checked, filtered, written and signed for exact
duplicates; those are found; the rest is signed for MinHash; buckets are matched; clusters are made; what stays is
written. Clean-up and check are `conversations.py`, as in the first benchmark.

MinHash has its defaults but for the run of words, which is ours. As it ships, words are cut by spaCy's English
tokenizer; the other two take one regex, that of `quimbot_data.words`, which costs less. In its favour:

- exact duplicates are looked up by the content hash that the check made, and are dropped while signatures are made and
  again while the rest is written, which spares a third copy of the rows;
- candidates are not verified (it has no such step); output is neither sorted nor synced, nothing is split into train,
  validation and test, nor documented;
- the trimmed one is spared moderation labels, which `ingest` always reads, and the normalization of text (punctuation,
  digits, accents) that MinHash does before it cuts words; lower case is left, as on our side.
"""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import regex
from conversations import Conversation
from curation_settings import NEAR_DUPLICATES, SHINGLE, THRESHOLDS
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.text import TextNormConfig
from datatrove.utils.typeshelper import Languages
from datatrove.utils.word_tokenizers import WordTokenizer
from near_datatrove import AS_THEY_ARE, Signature, Words
from peer_datatrove import LEAN, MADE, Finish, LeanReader, document, writer

WORKERS = 2
SYMBOLS = regex.compile(r"[^\p{L}\p{M}\p{N}\s]+")
DIGITS = regex.compile(r"\p{Nd}+")
DROPPED = pa.schema([("conversation_id", pa.string()), ("filter_reason", pa.string())])


class Quality(BaseFilter):
    """Lengths, and shares of symbols and digits in all messages, one a line."""

    name = "quality"

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        doc.text = joined(doc.metadata["messages"])
        chars, size = doc.metadata["n_chars"], len(doc.text)
        if chars < THRESHOLDS["min_chars"]:
            return False, "min_chars"
        if chars > THRESHOLDS["max_chars"]:
            return False, "max_chars"
        if round(1 - len(SYMBOLS.sub("", doc.text)) / size, 4) > THRESHOLDS["max_symbol_share"]:
            return False, "max_symbol_share"
        if round(1 - len(DIGITS.sub("", doc.text)) / size, 4) > THRESHOLDS["max_digit_share"]:
            return False, "max_digit_share"
        return True


def joined(messages: Conversation) -> str:
    return "\n".join(message["content"] for message in messages)


def restored(_: ParquetReader, row: dict[str, object], path: str, number: int) -> dict[str, object]:
    return {"text": joined(row["messages"]), "id": row["conversation_id"], "metadata": row}


def content(document: Document) -> bytes:
    return document.metadata["content_hash"].encode()


class Pipeline:
    """The stages over one folder; each `run` waits for all of its tasks."""

    def __init__(self, out: Path, schema: pa.Schema, norm: TextNormConfig, words: WordTokenizer | str) -> None:
        self.out, self.schema, self.words = out, schema, words
        self.minhash = MinhashConfig(n_grams=SHINGLE, norm_config=norm)
        self.exact = ExactDedupConfig(content_getter=content)

    def at(self, name: str) -> str:
        return str(self.out / name)

    def run(self, name: str, steps: list[PipelineStep], tasks: int = WORKERS) -> None:
        workers = min(tasks, WORKERS)
        LocalPipelineExecutor(steps, tasks=tasks, workers=workers, logging_dir=self.at(f"logs/{name}")).run()

    def clean_and_filter(self, read: ParquetReader, refused: pa.Schema) -> None:
        steps = [
            read,
            Finish(exclusion_writer=writer(self.out / "rejected", refused)),
            Quality(exclusion_writer=writer(self.out / "filtered", DROPPED)),
            writer(self.out / "clean", self.schema),
            ExactDedupSignature(self.at("signatures"), self.exact),
        ]
        self.run("clean", steps)
        self.run("exact", [ExactFindDedups(self.at("signatures"), self.at("exact"), self.exact)], tasks=1)

    def unique(self, exclusion_writer: ParquetWriter | None = None) -> list[PipelineStep]:
        """The clean rows that are no exact duplicates."""
        reader = ParquetReader(self.at("clean"), adapter=restored)
        return [reader, ExactDedupFilter(self.at("exact"), self.exact, exclusion_writer=exclusion_writer)]

    def find_near_duplicates(self) -> None:
        self.run("sign", [*self.unique(), Signature(self.at("minhash"), self.minhash, self.words)])
        buckets = MinhashDedupBuckets(self.at("minhash"), self.at("buckets"), config=self.minhash)
        self.run("match", [buckets], tasks=self.minhash.num_buckets)
        self.run("cluster", [MinhashDedupCluster(self.at("buckets"), self.at("remove"), config=self.minhash)], tasks=1)

    def write(self, *, near: bool) -> None:
        steps = self.unique(writer(self.out / "exact-duplicates", DROPPED.remove(1)))
        if near:
            dropped = writer(self.out / "near-duplicates", self.schema)
            steps.append(MinhashDedupFilter(self.at("remove"), exclusion_writer=dropped))
        self.run("write", [*steps, writer(self.out / "rows", self.schema)])


def run(paths: list[Path], out: Path, *, trimmed: bool, own_words: bool) -> None:
    listing = out / "paths.txt"
    listing.write_text("".join(f"{path.name}\n" for path in paths))
    raw = [field for field in pq.read_schema(paths[0]) if not trimmed or field.name in LEAN]
    kept = [field for field in raw if field.name != "conversation"] + [pa.field(*column) for column in MADE.items()]
    reader = LeanReader if trimmed else ParquetReader
    norm, words = AS_THEY_ARE if trimmed else TextNormConfig(), Languages.english if own_words else Words()
    pipeline = Pipeline(out, pa.schema(kept), norm, words)
    pipeline.clean_and_filter(
        reader(str(paths[0].parent), paths_file=str(listing), adapter=document),
        pa.schema([*raw, pa.field("filter_reason", pa.string())]),
    )
    if NEAR_DUPLICATES is not None:
        pipeline.find_near_duplicates()
    pipeline.write(near=NEAR_DUPLICATES is not None)


def rows(out: Path, name: str) -> pl.DataFrame:
    """What a writer wrote: key, reason (of refusals and filters) and content hash (of rows); empty where nothing."""
    files = sorted((out / name).glob("*.parquet"))
    wanted = {
        "conversation_id": "key",
        "filter_reason": "reason",
        "content_hash": "content_hash",
        "messages": "messages",
    }
    if not files:
        return pl.DataFrame(schema=dict.fromkeys(("key", "reason", "content_hash"), pl.String))
    found = pl.scan_parquet(files)
    return found.select(
        pl.col(old).alias(new) for old, new in wanted.items() if old in found.collect_schema()
    ).collect()
