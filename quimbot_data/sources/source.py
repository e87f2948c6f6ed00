"""What a corpus module offers: a dossier of facts, `read` and `normalize`.

`read` walks files and yields raw batches; `normalize` turns one batch into dialogues, learner texts and named rejects.
Both are plain functions; nothing here knows the workspace. A batch is self-contained: rows that one dialogue joins
(ProsocialDialog's turn pairs, a message tree) stand in the same batch.
"""

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

import polars as pl
import pyarrow as pa

from quimbot_data.hub import HubFiles
from quimbot_data.licenses import Rights
from schemas.dialogue import Dialogue
from schemas.frame import holds, polars_schema
from schemas.generation import GenerationReport
from schemas.learner import LearnerText

_DIALOGUE = polars_schema(Dialogue)
_TEXT = polars_schema(LearnerText)

#: A raw row's place: file (relative to the folder that was given) and 0-based row within it.
ORIGIN_SCHEMA: Final = pl.Schema({"raw_file": pl.String(), "raw_row": pl.Int64()})

#: Dialogues before the steps. `key` is the corpus's own id or null; `parts` are the positions, within the batch, of
#: the raw rows that a dialogue was made of.
DRAFT_SCHEMA: Final = pl.Schema(
    {"key": pl.String(), "parts": pl.List(pl.UInt32())}
    | {
        name: _DIALOGUE[name]
        for name in (
            *("messages", "untrained", "language_declared", "license", "terms"),
            *("provenance", "safety", "pedagogy"),
        )
    }
)

_DRAFT_ARROW: Final = DRAFT_SCHEMA.to_arrow(compat_level=pl.CompatLevel.oldest())

#: Learner texts before ids and hashes; `parts` as in drafts, `key` the corpus's own id.
TEXT_SCHEMA: Final = pl.Schema(
    {"key": pl.String(), "parts": pl.List(pl.UInt32())}
    | {name: _TEXT[name] for name in ("text", "language", "l1", "prompt", "level", "license", "terms", "revision")}
)

#: Refused raw rows: position in the batch, the reason's name, and what exactly was wrong.
REJECT_SCHEMA: Final = pl.Schema({"part": pl.UInt32(), "reason": pl.String(), "detail": pl.String()})


@dataclass(frozen=True)
class Dossier:
    """Facts of a corpus, as its publisher states them; `data_cards/sources/<name>.md` says where they were read."""

    name: str
    title: str
    family: str
    license: str
    """SPDX id or `LicenseRef-…` of rows that state no other."""
    terms: tuple[str, ...]
    url: str
    obtain: str
    """How to get it, in one sentence that `quimbot fetch` and `quimbot sources` print."""
    language_from: Literal["declared", "detected"] = "detected"
    hub: HubFiles | None = None
    attribution: str = ""
    """The line to print wherever rows of it are published."""

    def rights(self) -> Rights:
        """Licence and terms of its rows."""
        return Rights(self.license, sorted(self.terms))


@dataclass(frozen=True)
class RawBatch:
    """Raw rows of one corpus, as read: a frame where the files are columnar, records where they are JSON.

    Attributes:
        origins: one row a raw row, in `ORIGIN_SCHEMA`.
        rows: the raw values, in the same order.
        unreadable: lines that are no record at all (broken JSON): `ORIGIN_SCHEMA` + reason, detail, raw (the text).
        repaired: repairs made while decoding, by name, in raw rows (e.g. lone surrogates replaced).
    """

    origins: pl.DataFrame
    rows: pl.DataFrame | Sequence[Mapping[str, Any]]
    unreadable: pl.DataFrame | None = None
    repaired: Mapping[str, int] = field(default_factory=dict)

    def as_json(self, positions: Sequence[int]) -> list[str]:
        """The raw rows at these positions, each as one JSON object; bytes as text if they are UTF-8, else in base64."""
        if isinstance(self.rows, pl.DataFrame):
            rows = self.rows[list(positions)]
            if not any(holds(dtype, pl.Binary) for dtype in rows.dtypes):
                return rows.to_struct().struct.json_encode().to_list()
            return [_json(row) for row in rows.iter_rows(named=True)]
        return [_json(self.rows[position]) for position in positions]


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(_plain(row), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    """What JSON can say, as polars says it: what is no number is null."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value


@dataclass(frozen=True)
class Normalized:
    """What one batch became: every raw row is a part of a draft or text, or it is rejected with a reason."""

    dialogues: pl.DataFrame
    rejected: pl.DataFrame
    repaired: Mapping[str, int] = field(default_factory=dict)
    """Repairs by name, in raw rows: what was mended instead of refused."""
    texts: pl.DataFrame | None = None


@dataclass(frozen=True)
class Options:
    """What the caller knows beyond the files."""

    revision: str | None = None
    rights: Mapping[str, Rights] = field(default_factory=dict)
    """What other sources are under: rows that grew from one of theirs have its terms, too."""


Reader = Callable[[Sequence[Path]], Iterator[RawBatch]]
Normalizer = Callable[[RawBatch, Options], Normalized]
Reports = Callable[[Sequence[Path]], Mapping[str, GenerationReport | None]]


def no_reports(paths: Sequence[Path]) -> Mapping[str, GenerationReport | None]:
    """Of a corpus that no generator of this project writes."""
    return {}


@dataclass(frozen=True)
class Corpus:
    """One corpus: its facts, how its files are read, how its rows become dialogues.

    `recognizes` says from a file's column names (or its first record's keys) whether it is this corpus, so that a
    file of another corpus is refused by name. `reports` gives, by the name of each raw file, its generator's report.
    """

    dossier: Dossier
    read: Reader
    normalize: Normalizer
    recognizes: Callable[[frozenset[str]], bool]
    reports: Reports = no_reports


def rejects(rows: Sequence[tuple[int, str, str]]) -> pl.DataFrame:
    """A frame in `REJECT_SCHEMA` from (position, reason, detail)."""
    return pl.DataFrame(list(rows), schema=REJECT_SCHEMA, orient="row")


def drafts(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame in `DRAFT_SCHEMA` from one mapping a dialogue; absent columns are null."""
    # Column by column through Arrow: seven times as fast as a frame from dicts.
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in _DRAFT_ARROW]
    return cast(pl.DataFrame, pl.from_arrow(pa.table(columns, schema=_DRAFT_ARROW)))
