"""What other tools read: one function a format, a frame of dialogues in, the frame of its file's rows out.

Where each layout was read:

    messages-jsonl   TRL's conversational language modelling, https://huggingface.co/docs/trl/dataset_formats;
                     Axolotl's `type: chat_template`, https://docs.axolotl.ai/docs/dataset-formats/conversation.html
    sharegpt-jsonl   LLaMA-Factory's sharegpt, https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
    parquet          the dialogue itself, every column

No list of a JSON row may be empty: readers take its type from the first rows, and would refuse the first that is not.
So a row says its licence, and `terms` stay in Parquet.
"""

from collections.abc import Callable, Iterable
from typing import IO, Final, Literal

import polars as pl

from quimbot_data.buckets import write_row_groups
from quimbot_data.flat import flatten
from schemas.frame import dialogue_schema

Format = Literal["messages-jsonl", "sharegpt-jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("messages-jsonl", "sharegpt-jsonl", "parquet")

#: Beside the messages in every JSON row: which dialogue it is, and under which licence it stands.
ORIGIN: Final = ("dialogue_id", "source", "language", "license")
SHAREGPT_ROLES: Final = {"user": "human", "assistant": "gpt"}


def messages_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """`messages` (role, content) and the origin."""
    return rows.select("messages", *ORIGIN)


def messages_rows_with_train(rows: pl.DataFrame) -> pl.DataFrame:
    """`messages` (role, content, train) and the origin.

    `train` is true for the assistant messages that a model is to learn, false for all others: Axolotl takes it with
    `message_field_training: train`. TRL passes it over and learns every message.
    """
    flat = flatten(rows["messages"])
    spread = pl.DataFrame({"start": flat.offsets[:-1], "at": rows["untrained"]})
    kept_out = spread.explode("at", empty_as_null=False, keep_nulls=False).select(pl.col("start") + pl.col("at"))
    train = (flat.roles == "assistant").scatter(kept_out.to_series(), values=False)
    messages = flat.listed(role=flat.roles, content=flat.contents, train=train)
    return rows.select(messages.alias("messages"), *ORIGIN)


def sharegpt_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """`conversations` (from human or gpt, value), `system` (empty where there is none) and the origin."""
    message = pl.element().struct
    turn = pl.struct(
        message.field("role").replace(SHAREGPT_ROLES).alias("from"), message.field("content").alias("value")
    )
    turns = pl.col("messages").list.eval(turn.filter(message.field("role") != "system"))
    first = pl.col("messages").list.first().struct
    system = pl.when(first.field("role") == "system").then(first.field("content")).otherwise(pl.lit(""))
    return rows.select(turns.alias("conversations"), system.alias("system"), *ORIGIN)


def sharegpt_description(name: str, splits: Iterable[str]) -> dict[str, object]:
    """LLaMA-Factory's `dataset_info.json`: one data set a split, called `<name>-<split>`."""
    layout = {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
    }
    return {f"{name}-{split}": {"file_name": f"{split}.jsonl", **layout} for split in splits}


def write_jsonl(
    stream: IO[bytes], parts: Iterable[pl.DataFrame], layout: Callable[[pl.DataFrame], pl.DataFrame]
) -> int:
    """Write frames as JSON Lines, in UTF-8, as they come; returns the rows written."""
    rows = 0
    for part in parts:
        stream.write(layout(part).write_ndjson().encode())
        rows += part.height
    return rows


def write_dialogues(stream: IO[bytes], parts: Iterable[pl.DataFrame]) -> int:
    """Write frames as one Parquet file of every column, a row group each; returns the rows written."""
    return write_row_groups(stream, parts, dialogue_schema())
