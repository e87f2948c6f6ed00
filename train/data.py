"""A version's split as token ids: rendered once, kept under what decides it, cut to a length, packed into rows."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from quimbot_data.buckets import read_parquet, write_row_groups
from quimbot_data.observe import Progress, silent
from quimbot_data.workspace import Ref, Workspace, atomic
from schemas.frame import sha256
from schemas.manifest import SplitName
from train.models import tokenizer_hash
from train.packing import Ints, Shuffle
from train.render import IGNORED, render_all, template_hash

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: Counts up when the same dialogue, template and tokenizer would come out otherwise.
RENDERING: Final = 1
#: Dialogues that are encoded at once.
_AT_ONCE: Final = 2_000
_TOKENIZED: Final = pl.Schema(
    {
        **{"dialogue_id": pl.String(), "source": pl.String(), "family": pl.String(), "language": pl.String()},
        **{name: pl.List(pl.Int32()) for name in ("ids", "starts", "stops", "ends")},
    }
)
Ids = npt.NDArray[np.int32]


def cache_key(version_id: str, split: str, template: str, tokenizer: str) -> str:
    """What a split's tokens follow from: version, split, chat template and tokenizer, by their hashes."""
    return hashlib.sha256("|".join([version_id, split, template, tokenizer, str(RENDERING)]).encode()).hexdigest()


def tokenized(
    workspace: Workspace,
    ref: Ref,
    split: SplitName,
    tokenizer: "PreTrainedTokenizerFast",
    tell: Progress = silent,
) -> pl.DataFrame:
    """Every dialogue of a split as token ids; from the cache where they are there already.

    Returns:
        One row a dialogue, in the version's order: dialogue_id, source, family, language, ids, and spans that are
        trained on (`starts`, `stops`), and where each exchange `ends`, all in tokens.
    """
    manifest = workspace.version_manifest(ref)
    key = cache_key(manifest.id, split, template_hash(), tokenizer_hash(tokenizer))
    path = workspace.tokens(manifest.id) / f"{split}-{key[:32]}.parquet"
    if not path.exists():
        files = [entry.path for entry in manifest.data if entry.path.startswith(f"data/{split}-")]
        mine = path.with_name(f"{os.getpid()}-{path.name}")  # another run may make the same at this moment
        with atomic(mine) as stream:
            parts = _tokenize([workspace.version(ref) / file for file in files], tokenizer, tell)
            write_row_groups(stream, parts, _TOKENIZED)
        mine.replace(path)
    return read_parquet(path)


def _tokenize(files: Sequence[Path], tokenizer: "PreTrainedTokenizerFast", tell: Progress) -> Iterator[pl.DataFrame]:
    done = 0
    for file in files:
        columns = ["dialogue_id", "source", "family", "language", "messages", "untrained"]
        for part in read_parquet(file, columns).iter_slices(_AT_ONCE):
            yield tokenize(part, tokenizer)
            done += part.height
            tell("tokenize", done)


def tokenize(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerFast") -> pl.DataFrame:
    """Render the rows of a version (dialogue_id, source, family, language, messages, untrained); see `tokenized`."""
    dialogues = list(zip(rows["messages"].to_list(), rows["untrained"].to_list(), strict=True))
    found = list(render_all(dialogues, tokenizer))
    lists = {
        "ids": [each.ids for each in found],
        "starts": [[span.start for span in each.spans] for each in found],
        "stops": [[span.end for span in each.spans] for each in found],
        "ends": [each.ends for each in found],
    }
    # Arrow takes lists of whole numbers ten times as fast as polars does.
    arrays = pa.table({name: pa.array(values, pa.large_list(pa.int32())) for name, values in lists.items()})
    columns = cast(pl.DataFrame, pl.from_arrow(arrays)).get_columns()
    return rows.select("dialogue_id", "source", "family", "language").with_columns(columns)


@dataclass(frozen=True)
class Trainable:
    """Dialogues that fit a row and hold something to learn, as flat arrays.

    Attributes:
        dialogues: dialogue_id, source, family, language, tokens, trained_tokens, cut; one row a dialogue.
        ids: token ids, one dialogue after another.
        labels: likewise, `IGNORED` where not trained on.
        offsets: where each dialogue begins, and the end: one more than dialogues.
        cut: dialogues that lost exchanges at their end.
        too_long: dialogues left out, whose first exchange alone does not fit.
        untrained: dialogues left out, in which nothing is trained on.
    """

    dialogues: pl.DataFrame
    ids: Ids
    labels: Ids
    offsets: Ints
    cut: int
    too_long: int
    untrained: int

    @property
    def lengths(self) -> Ints:
        """Tokens of each dialogue."""
        lengths: Ints = np.diff(self.offsets)
        return lengths

    def row(self, places: Sequence[int]) -> tuple[Ids, Ids, list[int]]:
        """Ids, labels and lengths of dialogues packed into one row."""
        slices = [slice(self.offsets[place], self.offsets[place + 1]) for place in places]
        ids = np.concatenate([self.ids[part] for part in slices])
        labels = np.concatenate([self.labels[part] for part in slices])
        return ids, labels, [int(part.stop - part.start) for part in slices]


def trainable(tokens: pl.DataFrame, most: int) -> Trainable:
    """Cut dialogues to whole exchanges within `most` tokens, and leave out what then holds nothing to learn.

    Args:
        tokens: see `tokenized`.
        most: tokens of a packed row.
    """
    lengths = tokens["ids"].list.len().to_numpy().astype(np.int64)
    fitting = tokens["ends"].list.eval(pl.element().filter(pl.element() <= most)).list.max()
    kept = fitting.fill_null(0).to_numpy().astype(np.int64)
    begins, of = lengths.cumsum() - lengths, np.repeat(np.arange(len(lengths)), lengths)
    ids = _flat(tokens["ids"]).astype(np.int32)
    spans = np.repeat(begins, tokens["starts"].list.len().to_numpy())
    labels = _labels(ids, spans + _flat(tokens["starts"]), spans + _flat(tokens["stops"]))
    inside = np.arange(len(ids)) - begins[of] < kept[of]
    trained = np.bincount(of[inside & (labels != IGNORED)], minlength=len(lengths))
    chosen = (kept > 0) & (trained > 0)
    told = tokens.select("dialogue_id", "source", "family", "language").with_columns(
        tokens=pl.Series(kept), trained_tokens=pl.Series(trained), cut=pl.Series(kept < lengths)
    )
    stays = inside & chosen[of]
    return Trainable(
        dialogues=told.filter(pl.Series(chosen)),
        ids=ids[stays],
        labels=labels[stays],
        offsets=np.concatenate([[0], kept[chosen].cumsum()]).astype(np.int64),
        cut=int((chosen & (kept < lengths)).sum()),
        too_long=int((kept == 0).sum()),
        untrained=int(((kept > 0) & (trained == 0)).sum()),
    )


def _flat(lists: pl.Series) -> Ints:
    """The items of all lists, one after another."""
    items: Ints = lists.filter(lists.list.len() > 0).explode().to_numpy().astype(np.int64)
    return items


def _labels(ids: Ids, starts: Ints, stops: Ints) -> Ids:
    edges = np.zeros(len(ids) + 1, np.int32)
    np.add.at(edges, starts, 1)
    np.add.at(edges, stops, -1)
    labels: Ids = np.where(edges[:-1].cumsum() > 0, ids, IGNORED).astype(np.int32)
    return labels


def shuffle_by(seed: int, dialogue_ids: pl.Series) -> Shuffle:
    """An epoch's order: by sha256 of `<seed>|<epoch>|<dialogue_id>`, the same on every machine."""

    def shuffled(epoch: int, places: Ints) -> Ints:
        ids = dialogue_ids.gather(places).alias("id")
        digests = pl.DataFrame({"id": ids}).select(sha256(pl.concat_str(pl.lit(f"{seed}|{epoch}|"), "id")))
        ordered: Ints = places[digests.to_series().arg_sort().to_numpy()]
        return ordered

    return shuffled
