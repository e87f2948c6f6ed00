"""Messages as flat columns: all contents of a frame in one Series, so that text steps run once over all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa


@dataclass(frozen=True)
class FlatMessages:
    """A `messages` column taken apart.

    Attributes:
        offsets: int64, one more than dialogues; dialogue i holds messages offsets[i] to offsets[i+1].
        roles: one role a message.
        contents: one text a message.
    """

    offsets: npt.NDArray[np.int64]
    roles: pl.Series
    contents: pl.Series

    def column(self, contents: pl.Series) -> pl.Series:
        """The messages column again, with these contents."""
        return self.listed(role=self.roles, content=contents).alias("messages")

    def listed(self, **fields: pl.Series) -> pl.Series:
        """Lists of structs with these fields, one value a message each."""
        structs = pa.StructArray.from_arrays([_arrow(values) for values in fields.values()], names=list(fields))
        return cast(pl.Series, pl.from_arrow(large_list(self.offsets, structs)))

    def dialogues(self, messages: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Which dialogues hold these messages: sorted, unique."""
        return np.unique(np.searchsorted(self.offsets, messages, side="right") - 1)

    def blocks(self, messages: int) -> Iterator["FlatMessages"]:
        """Neighbouring dialogues of about so many messages together; at least one block."""
        ends = np.searchsorted(self.offsets, np.arange(messages, self.offsets[-1], messages))
        cuts = np.unique([0, *ends, len(self.offsets) - 1])
        for first, last in pairwise(cuts if len(cuts) > 1 else [0, 0]):
            start, end = int(self.offsets[first]), int(self.offsets[last])
            yield FlatMessages(self.offsets[first : last + 1] - start, self.roles[start:end], self.contents[start:end])

    def joined(self, texts: pl.Series) -> pl.Series:
        """One text a message, end to end for each dialogue: the same bytes, cut at dialogues, so nothing is copied."""
        ends, data = text_buffers(texts)
        count = len(self.offsets) - 1
        return cast(
            pl.Series, pl.from_arrow(pa.LargeStringArray.from_buffers(count, pa.py_buffer(ends[self.offsets]), data))
        )

    def total(self, values: pl.Series) -> pl.Series:
        """Sum of a number per message over each dialogue, as int64."""
        sums = np.concatenate([[0], np.cumsum(values.to_numpy().astype(np.int64))])
        return pl.Series(values.name, sums[self.offsets[1:]] - sums[self.offsets[:-1]], dtype=pl.Int64)


def flatten(messages: pl.Series) -> FlatMessages:
    """Take a messages column (no null lists, no null messages) apart; roles and contents must not be null."""
    arrow = messages.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    # Buffers rather than to_numpy() and pa.array(): those import pandas wherever it is installed, for half a second.
    offsets = np.frombuffer(arrow.offsets.buffers()[1], np.int64, len(arrow) + 1, arrow.offset * 8)
    values = arrow.values.slice(offsets[0], offsets[-1] - offsets[0])
    role, content = (cast(pl.Series, pl.from_arrow(values.field(name))) for name in ("role", "content"))
    return FlatMessages(offsets - offsets[0], role.alias("role"), content.alias("content"))


def authored(flat: FlatMessages, provenance: pl.Series) -> pl.Series:
    """Message contents without the parts that a template wrote (`provenance` is of the same dialogues)."""
    derived = provenance.struct.field("derived")
    if derived.is_null().all():
        return flat.contents
    spans = (
        pl.DataFrame({"start": flat.offsets[:-1], "spans": derived.struct.field("template")})
        .explode("spans", empty_as_null=False, keep_nulls=False)
        .unnest("spans")
        .select(at=pl.col("start") + pl.col("position"), head="head", tail="tail")
    )
    made = flat.contents.gather(spans["at"])
    kept = pl.select(
        pl.lit(made).str.slice(
            pl.lit(spans["head"]),
            (pl.lit(made).str.len_chars().cast(pl.Int64) - spans["head"] - spans["tail"]).clip(0),
        )
    ).to_series()
    return flat.contents.clone().scatter(spans["at"], kept)


def large_list(offsets: npt.NDArray[np.int64], values: pa.Array) -> pa.LargeListArray:
    """Lists of values, list i being values[offsets[i]] to values[offsets[i + 1]]."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int64))]
    return pa.Array.from_buffers(pa.large_list(values.type), len(offsets) - 1, buffers, children=[values])


def text_buffers(texts: pl.Series) -> tuple[npt.NDArray[np.int64], pa.Buffer | None]:
    """Texts without nulls as bytes: where each ends, after where the first begins, and the bytes of all in one run."""
    arrow = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = arrow.buffers()
    return np.frombuffer(offsets, np.int64)[arrow.offset : arrow.offset + len(arrow) + 1], data


def _arrow(series: pl.Series) -> pa.Array:
    return series.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
