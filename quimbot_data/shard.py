"""One raw batch becomes finished dialogue rows: clean-up, redaction, the check, annotation. Pure: frame in, frame out.

Batches share no state, so threads, processes or a cluster run this same function and get the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data import language, pii, quality, tokens
from quimbot_data.clean import clean  # establishes that text is NFC and free of control characters
from quimbot_data.flat import FlatMessages, authored, flatten, large_list
from quimbot_data.ledger import merge_counts
from quimbot_data.sources.source import Corpus, Normalized, Options, RawBatch
from schemas.dialogue import Dialogue
from schemas.errors import InputError
from schemas.frame import dialogue_schema, faults, message_netstrings, polars_schema, sha256, turns_signature
from schemas.learner import LearnerText

#: Messages whose dialogues are hashed together: to hash takes two copies of them.
_HASHED_TOGETHER: Final = 16_384
#: Longest message, in characters. A longer one is no turn of a conversation but a pasted file.
MAX_MESSAGE_CHARS: Final = 1_000_000

REJECTED_SCHEMA: Final = pl.Schema(
    {
        "reason": pl.String(),
        "detail": pl.String(),
        "raw_file": pl.String(),
        "raw_row": pl.Int64(),
        "raw": pl.String(),
    }
)
#: A finished row carries its key and its raw rows until ids are given (see `quimbot_data.ids`).
KEYED: Final = {"key": pl.String(), "origins": pl.List(pl.Struct({"raw_file": pl.String(), "raw_row": pl.Int64()}))}


@dataclass(frozen=True)
class Shard:
    """What one raw batch became.

    Attributes:
        rows: dialogues (or learner texts) + `KEYED`; ids are provisional.
        rejected: refused raw rows, in `REJECTED_SCHEMA`.
        raw_rows: how many raw rows the batch held.
        repaired: raw rows mended while reading, by name.
        cleaned: dialogues changed by clean-up, by name.
        redacted: dialogues by the kind of personal data that was replaced in them.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    raw_rows: int
    repaired: Mapping[str, int]
    cleaned: Mapping[str, int]
    redacted: Mapping[str, int]


def make_shard(corpus: Corpus, batch: RawBatch, options: Options, *, annotate: bool = True) -> Shard:
    """Normalize, clean, redact, check and annotate one batch.

    Args:
        corpus: whose rows these are.
        batch: raw rows.
        options: what the caller knows beyond the files.
        annotate: find personal data, languages, tokens and quality; without, those columns hold neutral values
            (benchmarks measure the two apart).

    Raises:
        InputError: columns of the right names that hold other types.
    """
    normalized = _normalized(corpus, batch, options)
    made = _texts(corpus, normalized) if normalized.texts is not None else _dialogues(corpus, normalized, annotate)
    rejected = _rejected(batch, normalized, made.rows["parts"], made.faulty)
    raw_rows = batch.origins.height + (0 if batch.unreadable is None else batch.unreadable.height)
    repaired = merge_counts(batch.repaired, normalized.repaired)
    return Shard(_with_origins(made.rows, batch.origins), rejected, raw_rows, repaired, made.cleaned, made.redacted)


def _normalized(corpus: Corpus, batch: RawBatch, options: Options) -> Normalized:
    try:
        return corpus.normalize(batch, options)
    except pl.exceptions.PolarsError as error:  # columns of the right names and of other types
        file, problem = str(batch.origins["raw_file"][0]), str(error).partition("\n")[0]
        raise InputError(
            f"{file} is not in the layout of {corpus.dossier.title}: its columns hold other types ({problem}).",
            next_step="Compare it with the published files, or take it out.",
        ) from error


class _Made(NamedTuple):
    """Finished rows; faulty drafts as (parts, reason, detail); dialogues that clean-up and redaction changed."""

    rows: pl.DataFrame
    faulty: pl.DataFrame
    cleaned: dict[str, int]
    redacted: dict[str, int]


def _dialogues(corpus: Corpus, normalized: Normalized, annotate: bool) -> _Made:
    drafts = normalized.dialogues
    flat = flatten(drafts["messages"])
    contents, repairs = clean(flat.contents)
    long = contents.str.len_bytes() > MAX_MESSAGE_CHARS  # known without a look at the text; no fewer than characters
    if long.any():
        long = contents.str.len_chars() > MAX_MESSAGE_CHARS
        # Refused below: spare megabytes the costlier steps.
        contents = contents.clone().scatter(long.arg_true(), "")
    contents, redactions = pii.redact_column(contents) if annotate else (contents, {})
    rows = drafts.with_columns(flat.column(contents), pl.lit(corpus.dossier.name).alias("source"))
    rows = _finish(rows, corpus, FlatMessages(flat.offsets, flat.roles, contents), annotate=annotate)
    fault = _faults(rows, FlatMessages(flat.offsets, flat.roles, contents), long, flat.contents)
    kept = fault.is_null()
    bad = rows.with_columns(fault, raw=drafts["messages"]).filter(~kept)
    detail = pl.when(pl.col("fault") == "message-too-long").then(_detail("raw")).otherwise(_detail("messages"))
    return _Made(
        rows.filter(kept).drop("turns"),
        bad.select("parts", pl.col("fault").alias("reason"), detail.alias("detail")),
        _dialogues_by_name(flat, repairs, kept.to_numpy()),
        _dialogues_by_name(flat, redactions, kept.to_numpy()),
    )


def _faults(rows: pl.DataFrame, flat: FlatMessages, long: pl.Series, raw: pl.Series) -> pl.Series:
    """Name of the rule that each finished row breaks, as a column `fault`; `long` and `raw` are of messages."""

    def any_of(messages: pl.Series) -> pl.Series:
        return flat.total(messages.cast(pl.Int64)) > 0

    moved = rows["pedagogy"].is_not_null()
    moved = moved & any_of(flat.contents != raw) if moved.any() else moved
    empty = any_of(flat.contents == "")  # ends are trimmed, so what is blank is empty
    absent = frozenset(name for name in rows.columns if rows[name].null_count() == rows.height)
    return rows.select(
        pl.when(any_of(long))
        .then(pl.lit("message-too-long"))
        .when(moved)  # annotations index characters that have moved
        .then(pl.lit("annotated-text-changed"))
        .when(empty)
        .then(pl.lit("empty-content"))
        .otherwise(_check(absent))
        .alias("fault")
    ).to_series()


@cache
def _check(absent: frozenset[str]) -> pl.Expr:
    """What clean-up and `_finish` have not made true; built once: that takes as long as checking a thousand rows."""
    rules = ("empty-content", "content-hash", "counts", "control-character", "not-nfc")
    fields = ("field:content_hash", "field:n_messages", "field:n_turns", "field:n_chars")
    return faults(Dialogue, rules + fields, absent=absent, turns=pl.col("turns"))


def _dialogues_by_name(
    flat: FlatMessages, messages: Mapping[str, npt.NDArray[np.integer[Any]]], kept: npt.NDArray[np.bool_]
) -> dict[str, int]:
    """How many of the kept dialogues hold these messages."""
    counted = {name: int(kept[flat.dialogues(found)].sum()) for name, found in messages.items()}
    return {name: dialogues for name, dialogues in counted.items() if dialogues}


def _finish(rows: pl.DataFrame, corpus: Corpus, flat: FlatMessages, *, annotate: bool) -> pl.DataFrame:
    """All columns of a dialogue; `dialogue_id` is `<source>:<key or content hash>` until ids are given."""
    messages = pl.col("messages")
    rows = rows.with_columns(
        key=pl.when(pl.col("key").str.strip_chars() != "").then(pl.col("key").str.strip_chars()),
        family=pl.lit(corpus.dossier.family),
        content_hash=_content_hashes(flat),
        cluster_id=pl.lit(None, pl.String),
        language_declared=language.subtag_column(rows["language_declared"]),
    )
    turns = rows.select(turns_signature(messages).alias("turns")).to_series()
    rows = rows.with_columns(
        turns,
        pl.Series("n_messages", np.diff(flat.offsets), dtype=pl.Int32),
        turns.str.count_matches("u", literal=True).cast(pl.Int32).alias("n_turns"),
        flat.total(flat.contents.str.len_chars()).alias("n_chars"),
    )
    rows = rows.with_columns(*(_annotations(rows, flat) if annotate else _no_annotations()))
    declared, detected = pl.col("language_declared"), pl.col("language_detected")
    first, second = (declared, detected) if corpus.dossier.language_from == "declared" else (detected, declared)
    return rows.with_columns(
        language=pl.coalesce(first, second, pl.lit("und")),
        language_agrees=declared.replace(language.UMBRELLAS) == detected.replace(language.UMBRELLAS),
        dialogue_id=pl.concat_str("source", pl.lit(":"), pl.coalesce("key", "content_hash")),
    ).select(*dialogue_schema(), "key", "parts", "turns")


def _content_hashes(flat: FlatMessages) -> pl.Series:
    """As `schemas.frame.content_hashes` gives; a fifth faster, as no dialogue's messages are copied together."""
    joined = (block.joined(_netstrings(block)) for block in flat.blocks(_HASHED_TOGETHER))
    return pl.concat([pl.select(sha256(pl.lit(texts))).to_series() for texts in joined])


def _netstrings(flat: FlatMessages) -> pl.Series:
    return pl.select(message_netstrings(pl.lit(flat.roles), pl.lit(flat.contents))).to_series()


def _annotations(rows: pl.DataFrame, flat: FlatMessages) -> list[pl.Series]:
    own = FlatMessages(flat.offsets, flat.roles, authored(flat, rows["provenance"]))
    text = own.column(own.contents).list.eval(pl.element().struct.field("content")).list.join("\n")
    found = language.detect(text)
    return [
        found["language"].alias("language_detected"),
        found["confidence"].alias("language_confidence"),
        flat.total(tokens.count_tokens(flat.contents)).alias("n_tokens"),
        quality.signals(own, text),
    ]


def _no_annotations() -> list[pl.Expr]:
    schema = dialogue_schema()
    return [
        pl.lit(None, schema["language_detected"]).alias("language_detected"),
        pl.lit(None, schema["language_confidence"]).alias("language_confidence"),
        pl.lit(0, schema["n_tokens"]).alias("n_tokens"),
        quality.unmeasured(),
    ]


def _detail(messages: str) -> pl.Expr:
    """Roles and lengths, enough to see what is wrong without quoting anybody."""
    message = pl.element()
    role, length = message.struct.field("role"), message.struct.field("content").str.len_chars()
    return pl.col(messages).list.eval(pl.format("{} ({} characters)", role, length)).list.head(12).list.join(", ")


def _texts(corpus: Corpus, normalized: Normalized) -> _Made:
    texts = pl.DataFrame(normalized.texts)
    key = pl.col("key").str.strip_chars()
    texts = texts.with_columns(key=pl.when(key != "").then(key))
    rows = texts.with_columns(
        text_id=pl.concat_str(pl.lit(corpus.dossier.name + ":"), pl.coalesce("key", sha256(pl.col("text")))),
        source=pl.lit(corpus.dossier.name),
        raw_id=pl.col("key"),
        content_hash=sha256(pl.col("text")),
        n_chars=pl.col("text").str.len_chars().cast(pl.Int64),
    ).select(*polars_schema(LearnerText), "key", "parts")
    fault = rows.select(faults(LearnerText)).to_series()
    detail = pl.format("{} characters", "n_chars").alias("detail")
    bad = rows.filter(fault.is_not_null()).select("parts", fault.drop_nulls().alias("reason"), detail)
    return _Made(rows.filter(fault.is_null()), bad, {}, {})


def _rejected(batch: RawBatch, normalized: Normalized, carried: pl.Series, faulty: pl.DataFrame) -> pl.DataFrame:
    """Refused raw rows: those the reader refused, and parts of faulty drafts that no good draft carries."""
    parts = faulty.explode("parts", empty_as_null=False, keep_nulls=False).rename({"parts": "part"})
    refused = pl.concat([normalized.rejected, parts.select(normalized.rejected.columns)])
    kept = carried.explode(empty_as_null=False, keep_nulls=False).unique()
    refused = refused.filter(~pl.col("part").is_in(kept.implode())).unique("part", keep="first").sort("part")
    places = batch.origins[refused["part"]]
    raw = pl.Series("raw", batch.as_json(refused["part"].to_list()), dtype=pl.String)
    rejected = refused.select("reason", "detail").hstack(places).with_columns(raw).select(list(REJECTED_SCHEMA))
    if batch.unreadable is None or batch.unreadable.is_empty():
        return rejected
    unreadable = batch.unreadable.select([pl.col(name).cast(dtype) for name, dtype in REJECTED_SCHEMA.items()])
    return pl.concat([rejected, unreadable]).sort("raw_file", "raw_row")


def _with_origins(rows: pl.DataFrame, origins: pl.DataFrame) -> pl.DataFrame:
    """Replace positions in the batch by raw file and row."""
    offsets = np.concatenate([[0], np.cumsum(rows["parts"].list.len().to_numpy())]).astype(np.int64)
    places = origins[rows["parts"].explode(empty_as_null=False, keep_nulls=False)].to_struct().to_arrow()
    lists = large_list(offsets, places)
    return rows.drop("parts").with_columns(pl.Series("origins", pl.from_arrow(lists), KEYED["origins"]))
