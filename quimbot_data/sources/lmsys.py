"""LMSYS-Chat-1M: a million conversations of people with 25 chat models, collected on Vicuna demo and Chatbot Arena.

Who       LMSYS Org (Zheng et al. 2023, arXiv 2309.11998)
Where     https://huggingface.co/datasets/lmsys/lmsys-chat-1m (gated), six Parquet files, 1,000,000 rows
Licence   LMSYS-Chat-1M Dataset License Agreement: commercial and research use; no redistribution or transfer, no
          re-identification, deletion on request
One row   {"conversation_id": "…", "model": "vicuna-13b", "turn": 1, "language": "English", "redacted": false,
           "conversation": [{"role": "user", "content": "Name a fruit."}, {"role": "assistant", "content": "A pear."}],
           "openai_moderation": [{"categories": {…11 bool}, "category_scores": {…11 float}, "flagged": false}, …]}

`language` is an English name, detected by the publisher on the first user message only, so our own detection decides.
`NAME_1` tokens are the publisher's redaction. Contents may be blank: such conversations are refused by the check.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from quimbot_data.hub import HubFiles
from quimbot_data.sources.files import raw_files
from quimbot_data.sources.parquet import parquet_batches
from quimbot_data.sources.source import DRAFT_SCHEMA, Corpus, Dossier, Normalized, Options, RawBatch, rejects
from quimbot_data.sources.turns import Assembled, Refusal, assemble
from schemas.dialogue import Safety
from schemas.fields import LEAST_SCORE
from schemas.frame import polars_schema, turns_signature

DOSSIER: Final = Dossier(
    name="lmsys",
    title="LMSYS-Chat-1M",
    family="conversation",
    license="LicenseRef-LMSYS-Chat-1M",
    terms=("no-transfer",),
    url="https://huggingface.co/datasets/lmsys/lmsys-chat-1m",
    obtain="Gated: accept the licence on its page, then `quimbot fetch lmsys` with a token in HF_TOKEN.",
    hub=HubFiles("lmsys/lmsys-chat-1m", ("data/*.parquet",), gated=True),
    attribution="LMSYS-Chat-1M (Zheng et al. 2023), under the LMSYS-Chat-1M Dataset License Agreement.",
)

_MESSAGE: Final = pl.struct(pl.element().struct.field("role"), pl.element().struct.field("content"))
_NULLS: Final = "the conversation, a role or a content is null"
_REGULAR: Final = "^s?(ua)+$"
_DANGLING: Final = "^(ua)+u$"
_NO_LABELS: Final = pl.lit(None, DRAFT_SCHEMA["safety"])
_SCORES: Final = polars_schema(Safety)["scores"]


def recognizes(columns: frozenset[str]) -> bool:
    """Whether these are LMSYS columns: `redacted` and `openai_moderation` are absent from some revisions."""
    return {"conversation_id", "conversation", "model"} <= columns


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Parquet files, batch by batch."""
    for file in raw_files(paths, (".parquet",)):
        for origins, rows in parquet_batches(file):
            yield RawBatch(origins, rows)


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a row. Nearly all rows alternate as promised and stay columns; the others are mended one by one."""
    rows = pl.DataFrame(batch.rows).with_row_index("part")
    broken = rows.select(
        pl.col("conversation").is_null() | pl.col("conversation").list.eval(_broken_message()).list.any()
    ).to_series()
    refused = [(part, "no-conversation", _NULLS) for part in rows["part"].filter(broken)]
    told = rows.filter(~broken) if refused else rows
    dialogues = told.select(_draft_columns(told, options))
    turns = dialogues.select(turns_signature(pl.col("messages"))).to_series()
    regular, dangling = turns.str.contains(_REGULAR), turns.str.contains(_DANGLING)
    if regular.all():
        return Normalized(dialogues, rejects(refused))
    answered = _without_last(dialogues.filter(dangling))
    mended, more, repaired = _mend(dialogues.filter(~regular & ~dangling))
    if answered.height:
        repaired["dangling-user-dropped"] += answered.height
    return Normalized(pl.concat([dialogues.filter(regular), answered, mended]), rejects(refused + more), repaired)


def _without_last(dialogues: pl.DataFrame) -> pl.DataFrame:
    """Drop a last user message that nobody answers, and its label: the one fault that is common."""
    last = pl.col("messages").list.len() - 1
    flagged = pl.col("safety").struct.field("flagged_positions")
    kept = flagged.list.set_intersection(pl.int_ranges(last, dtype=pl.Int32)).list.sort()
    scores = pl.col("safety").struct.field("scores")  # by position: those of the last message stand last
    positions = scores.list.eval(pl.element().struct.field("position"))
    of_last = (positions - last.cast(pl.Int32)).list.count_matches(0)
    scores = scores.list.head(scores.list.len() - of_last)
    safety = pl.col("safety").struct.with_fields(kept.alias("flagged_positions"), scores.alias("scores"))
    return dialogues.with_columns(
        messages=pl.col("messages").list.head(last),
        safety=pl.when(pl.col("safety").is_not_null()).then(safety),
    )


def _mend(dialogues: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[int, str, str]], Counter[str]]:
    """Apply the turn policies of `quimbot_data.sources.turns` to rows that do not alternate."""
    kept, refused, repaired = [], [], Counter[str]()
    for row in dialogues.iter_rows(named=True):
        made = assemble([(message["role"], message["content"]) for message in row["messages"]])
        if isinstance(made, Refusal):
            refused.append((row["parts"][0], made.reason, made.detail))
            continue
        repaired.update(made.repairs)
        kept.append(row | {"messages": made.messages, "safety": _moved(row["safety"], made)})
    return pl.DataFrame(kept or None, schema=DRAFT_SCHEMA), refused, repaired


def _moved(safety: dict[str, Any] | None, made: Assembled) -> dict[str, Any] | None:
    """Labels after turns were merged or dropped; moderation may also hold fewer entries than messages."""
    if safety is None:
        return None
    moved = dict(enumerate(made.positions))
    positions = {moved.get(position) for position in safety["flagged_positions"]}
    scores: dict[tuple[int, str], float] = {}
    for score in safety["scores"]:
        position = moved.get(score["position"])
        if position is not None:  # of merged messages the highest score
            key = position, score["category"]
            scores[key] = max(score["score"], scores.get(key, 0.0))
    return safety | {
        "flagged_positions": sorted(position for position in positions if position is not None),
        "scores": [{"position": at, "category": name, "score": scores[at, name]} for at, name in sorted(scores)],
    }


def _broken_message() -> pl.Expr:
    message = pl.element()
    return message.is_null() | message.struct.field("role").is_null() | message.struct.field("content").is_null()


def _draft_columns(rows: pl.DataFrame, options: Options) -> list[pl.Expr]:
    columns = {
        "key": pl.col("conversation_id").cast(pl.String),
        "parts": pl.concat_list(pl.col("part")),
        "messages": pl.col("conversation").list.eval(_MESSAGE),
        "untrained": pl.lit([], pl.List(pl.Int32)),
        "language_declared": pl.col("language") if "language" in rows.columns else pl.lit(None),
        "license": pl.lit(DOSSIER.license),
        "terms": pl.lit(list(DOSSIER.terms), pl.List(pl.String)),
        "provenance": pl.struct(
            raw_id=pl.col("conversation_id").cast(pl.String),
            revision=pl.lit(options.revision, pl.String),
            lineage=pl.lit(None, pl.String),
            derived=pl.lit(None),
        ),
        "safety": _safety(rows) if "openai_moderation" in rows.columns else _NO_LABELS,
        "pedagogy": pl.lit(None),
    }
    return [columns[name].cast(dtype).alias(name) for name, dtype in DRAFT_SCHEMA.items()]


def _safety(rows: pl.DataFrame) -> pl.Expr:
    """Moderation, one entry a message, as flagged positions and the categories that any of them carries."""
    flags = pl.col("openai_moderation").list.eval(pl.element().struct.field("flagged").fill_null(value=False))
    flags = flags.list.head(pl.col("conversation").list.len())  # entries beyond the messages are about nothing
    return pl.when(pl.col("openai_moderation").is_not_null()).then(
        pl.struct(
            flagged=flags.list.any(),
            categories=pl.lit(_categories(rows, rows.select(flags.list.any()).to_series())),
            label=pl.lit(None, pl.String),
            rules_of_thumb=pl.lit([], pl.List(pl.String)),
            flagged_positions=flags.list.eval(pl.element().arg_true().cast(pl.Int32)),
            scores=pl.lit(_scores(rows)),
            classifier=pl.lit(None, pl.String),
        )
    )


def _categories(rows: pl.DataFrame, flagged: pl.Series) -> pl.Series:
    """Sorted category names of each row; only the one row in twenty that is flagged pays for eleven columns."""
    labelled = rows.filter(flagged)["openai_moderation"].to_frame()
    present = [
        pl.when(pl.col("openai_moderation").list.eval(_category(name)).list.any()).then(pl.lit(name))
        for name in sorted(_names(rows, "categories"))
    ]
    if not present or labelled.is_empty():
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, rows.height)
    found = labelled.select(pl.concat_list(present).list.drop_nulls()).to_series()
    place = flagged.cast(pl.Int64).cum_sum() - 1
    return found.gather(place.set(~flagged, None)).fill_null([])


def _category(name: str) -> pl.Expr:
    return pl.element().struct.field("categories").struct.field(name).fill_null(value=False)


def _scores(rows: pl.DataFrame) -> pl.Series:
    """Scores of each row that are worth keeping, by position and category; few rows have any."""
    names = _names(rows, "category_scores")
    if not names:
        return pl.Series([[]], dtype=_SCORES).new_from_index(0, rows.height)
    entries, count = pl.col("openai_moderation"), pl.col("conversation").list.len()
    highest = pl.max_horizontal(_score(name) for name in names)
    found = (
        rows.filter(entries.list.eval(highest >= LEAST_SCORE).list.any())
        .select(
            "part", entry=entries.list.head(count), position=pl.int_ranges(pl.min_horizontal(entries.list.len(), count))
        )
        .explode("entry", "position", empty_as_null=False, keep_nulls=False)
        .select("part", pl.col("position").cast(pl.Int32), pl.col("entry").struct.field("category_scores"))
        .unnest("category_scores")
        .unpivot(index=["part", "position"], variable_name="category", value_name="score")
        .filter(pl.col("score").is_not_nan() & (pl.col("score") >= LEAST_SCORE))
        .sort("part", "position", "category")
        .group_by("part", maintain_order=True)
        .agg(scores=pl.struct("position", "category", pl.col("score").cast(pl.Float64).clip(upper_bound=1).round(4)))
    )
    scores = rows.select("part").join(found, on="part", how="left", maintain_order="left")["scores"]
    return scores.cast(_SCORES).fill_null([])


def _score(name: str) -> pl.Expr:
    return pl.element().struct.field("category_scores").struct.field(name)


def _names(rows: pl.DataFrame, field: str) -> list[str]:
    """Categories that moderation entries hold a flag (`categories`) or a score (`category_scores`) for."""
    dtype = rows.schema["openai_moderation"]
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        held = {inner.name: inner.dtype for inner in dtype.inner.fields}.get(field)
        if isinstance(held, pl.Struct):
            return [inner.name for inner in held.fields]
    return []


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
