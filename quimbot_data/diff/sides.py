"""One side of a comparison: a version's rows without their text, read file by file, and what they add up to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.diff.measures import TALLY, tally
from quimbot_data.ingest import in_order
from quimbot_data.version import FATES
from quimbot_data.workspace import Ref, Workspace
from schemas.dialogue import Dialogue
from schemas.errors import IntegrityError, QuimbotError
from schemas.frame import dialogue_schema, row_digests
from schemas.manifest import FileEntry, VersionManifest

#: A row of a version, narrow enough to hold a million: `file` is its place among the manifest's data files.
ROWS: Final = pl.Schema(
    {
        "dialogue_id": pl.String(),
        "source": pl.String(),
        "split": pl.String(),
        "file": pl.UInt32(),
        "digest": pl.UInt64(),
    }
)
_FATE_COLUMNS: Final = ("dialogue_id", "fate", "step", "reason", "detail", "component")
#: What the id of a repeat ends with (`quimbot_data.mix.with_repeats`).
EPOCH: Final = r"@epoch[0-9]+$"


@dataclass(frozen=True)
class Side:
    """A version, published or about to be: its folder holds what its manifest lists."""

    folder: Path
    manifest: VersionManifest

    @classmethod
    def of(cls, workspace: Workspace, ref: Ref) -> "Side":
        """A published version.

        Raises:
            MissingError: no such version.
        """
        return cls(workspace.version(ref), workspace.version_manifest(ref))

    def __str__(self) -> str:
        return f"{self.manifest.name}@{self.manifest.version}"

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn files that cannot be read, or hold other columns, into one clear error."""
        try:
            yield
        except QuimbotError:
            raise
        except (pl.exceptions.PolarsError, OSError) as error:
            raise IntegrityError(
                f"The files of {self} in {self.folder} cannot be read: {str(error).partition(chr(10))[0]}.",
                next_step=f"Run `quimbot verify {self}`.",
            ) from error


@dataclass(frozen=True)
class Read:
    """What was read of a side: its rows in `ROWS`, and its tallies in `measures.TALLY`."""

    rows: pl.DataFrame
    tallies: pl.DataFrame


def shared_columns(sides: Sequence[Side]) -> list[str]:
    """Columns of a dialogue that the data of all sides hold, but for `messages`: `content_hash` vouches for them.

    Raises:
        IntegrityError: a file cannot be read.
    """
    names = [name for name in dialogue_schema() if name != "messages"]
    for side in sides:
        for entry in side.manifest.data[:1]:
            with side.reading():
                held = pl.read_parquet_schema(side.folder / entry.path)
            names = [name for name in names if held.get(name) == dialogue_schema()[name]]
    return names


def first_bytes(digest: pl.Expr) -> pl.Expr:
    """The first 8 bytes of a hex digest as uint64: enough to tell two versions of one row apart."""
    return digest.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)


def read_rows(side: Side, columns: Sequence[str], threads: int) -> Read:
    """Read a side file by file, holding `ROWS` and tallies of each.

    Args:
        side: the version.
        columns: those that count, as `shared_columns` gives them.
        threads: files read at once.

    Raises:
        IntegrityError: a file cannot be read, or holds other rows than the manifest states.
    """

    def read(numbered: tuple[int, FileEntry]) -> tuple[pl.DataFrame, pl.DataFrame]:
        number, entry = numbered
        rows = read_parquet(side.folder / entry.path, columns)
        rows = rows.with_columns(split=pl.lit(Path(entry.path).name.partition("-")[0]))
        narrow = rows.select(
            *("dialogue_id", "source", "split"),
            file=pl.lit(number, pl.UInt32),
            digest=first_bytes(row_digests(Dialogue, columns)),
        )
        return narrow, tally(rows)

    with side.reading():
        found = list(in_order(read, enumerate(side.manifest.data), threads))
    rows = pl.concat([pl.DataFrame(schema=ROWS), *(narrow for narrow, _ in found)])
    stated = sum(split.rows for split in side.manifest.identity.splits.values())
    if rows.height != stated or rows["dialogue_id"].n_unique() != stated:
        raise IntegrityError(
            f"The data of {side} holds {rows.height:,} rows, not the {stated:,} dialogues that its manifest states.",
            next_step=f"Run `quimbot verify {side}`.",
        )
    return Read(rows, pl.concat([pl.DataFrame(schema=TALLY), *(tallies for _, tallies in found)]))


def by_file(rows: pl.DataFrame, file: str) -> list[tuple[int, pl.DataFrame]]:
    """Some rows by the number of the data file that holds them, in the column `file`."""
    if rows.is_empty():
        return []
    parts = rows.partition_by(file, as_dict=True)
    return sorted(((int(number), part) for (number,), part in parts.items()), key=lambda each: each[0])


def column_digests(side: Side, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Each column of some rows as a number that changes with it.

    Args:
        side: holds the rows.
        rows: dialogue_id, file.
        columns: of a dialogue.

    Returns:
        dialogue_id, and the columns as uint64.
    """
    wanted = [name for name in columns if name != "dialogue_id"]
    parts = [pl.DataFrame(schema={"dialogue_id": pl.String(), **dict.fromkeys(wanted, pl.UInt64())})]
    with side.reading():
        for number, ids in by_file(rows, "file"):
            held = read_parquet(side.folder / side.manifest.data[number].path, columns)
            held = held.join(ids.select("dialogue_id"), on="dialogue_id", how="semi")
            digests = [first_bytes(row_digests(Dialogue, [name])).alias(name) for name in wanted]
            parts.append(held.select("dialogue_id", *digests))
    return pl.concat(parts)


def fates(side: Side, ids: pl.Series) -> pl.DataFrame:
    """What a version made of some dialogues; of a repeat (`…@epoch2`), of the dialogue that it repeats.

    Args:
        side: the version that is asked.
        ids: of dialogues.

    Returns:
        dialogue_id as asked, fate, step, reason, detail, component; nulls where the version never looked at it.
    """
    asked = pl.DataFrame({"dialogue_id": ids}).with_columns(once=pl.col("dialogue_id").str.replace(EPOCH, ""))
    wanted = pl.concat([asked["dialogue_id"], asked["once"]]).unique().to_frame("dialogue_id")
    with side.reading():
        scanned = pl.scan_parquet(side.folder / FATES).select(_FATE_COLUMNS)
        found = scanned.join(wanted.lazy(), on="dialogue_id", how="semi").collect(engine="streaming")
    own = asked.join(found, on="dialogue_id", how="left")
    repeated = own.filter(pl.col("fate").is_null()).select("dialogue_id", "once")
    repeated = repeated.join(found.rename({"dialogue_id": "once"}), on="once", how="left")
    return pl.concat([own.filter(pl.col("fate").is_not_null()), repeated.select(own.columns)]).drop("once")
