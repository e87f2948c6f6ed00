"""Figures of a version, computed from its own files: each table of its card is one query, kept beside this module.

The queries read one view, `dialogues`, with the columns that `quimbot sql --version REF` shows, so whoever holds the
version can run them again. No text of a dialogue is read; what is held in memory grows with counts, not with text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from schemas.errors import IntegrityError
from schemas.manifest import SPLITS, VersionManifest

if TYPE_CHECKING:
    import duckdb  # loaded where it is needed: the command line starts without it
    from pyarrow.dataset import Dataset

#: Names of the queries, `<name>.sql`.
QUERIES: Final = (
    *("totals", "splits", "sources", "licenses", "terms", "languages"),
    *("lengths", "histogram", "safety", "labels", "derived"),
)
#: Two threads keep up with the disk; more would only take memory.
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 2,
    "temp_directory": "",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class Totals(NamedTuple):
    """The version in all, in dialogues unless the name says otherwise."""

    dialogues: int
    messages: int
    tokens: int
    languages: int
    """How many different ones; the undetermined is none."""
    comparable: int
    """Dialogues with a declared and a detected language."""
    agreeing: int
    clustered: int
    pedagogical: int
    derived: int


class Split(NamedTuple):
    """A split with rows."""

    split: str
    dialogues: int
    tokens: int


class Source(NamedTuple):
    """A source with rows."""

    source: str
    dialogues: int
    tokens: int


class License(NamedTuple):
    """A licence among a source's dialogues."""

    source: str
    license: str
    dialogues: int


class Term(NamedTuple):
    """A licence term."""

    term: str
    dialogues: int


class Language(NamedTuple):
    """A language, by its subtag."""

    language: str
    dialogues: int
    tokens: int


class Length(NamedTuple):
    """Quantiles of one measure."""

    measure: str
    least: int
    p05: int
    p25: int
    p50: int
    p75: int
    p95: int
    p99: int
    most: int


class Bin(NamedTuple):
    """Dialogues whose length has `bits` binary digits: 2^(bits - 1) to 2^bits - 1, or 0 for none."""

    measure: str
    bits: int
    dialogues: int


class Safety(NamedTuple):
    """Safety of a source's dialogues."""

    source: str
    dialogues: int
    labelled: int
    flagged: int
    classifiers: list[str]
    with_untrained: int
    untrained_messages: int
    assistant_messages: int


class Label(NamedTuple):
    """A safety label or category (`kind`) of a source."""

    source: str
    kind: str
    name: str
    dialogues: int


class Derived(NamedTuple):
    """What made turns of a source's dialogues."""

    source: str
    made_by: str
    dialogues: int


@dataclass(frozen=True)
class CardFacts:
    """Everything that a card prints and plots and that its manifest does not state; named as the queries are."""

    totals: Totals
    splits: list[Split]
    sources: list[Source]
    licenses: list[License]
    terms: list[Term]
    languages: list[Language]
    lengths: list[Length]
    histogram: list[Bin]
    safety: list[Safety]
    labels: list[Label]
    derived: list[Derived]


R = TypeVar("R", bound=tuple[object, ...])


def query_sql(name: str) -> str:
    """The text of a query; its first line states the grain."""
    return (files("quimbot_data.card.figures") / f"{name}.sql").read_text("utf-8")


def card_facts(folder: Path, manifest: VersionManifest) -> CardFacts:
    """Run all queries over a version's data files.

    Args:
        folder: holds the files that the manifest lists; may be a staging folder.
        manifest: the version's.

    Raises:
        IntegrityError: a data file cannot be read, or the figures are not those that the manifest states.
    """
    with _connection(folder, manifest) as connection:

        def rows(name: str, kind: type[R]) -> list[R]:
            answer = connection.execute(query_sql(name))
            columns = [column[0] for column in answer.description or ()]
            return [kind(**dict(zip(columns, row, strict=True))) for row in answer.fetchall()]

        facts = CardFacts(
            totals=rows("totals", Totals)[0],
            splits=rows("splits", Split),
            sources=rows("sources", Source),
            licenses=rows("licenses", License),
            terms=rows("terms", Term),
            languages=rows("languages", Language),
            lengths=rows("lengths", Length),
            histogram=rows("histogram", Bin),
            safety=rows("safety", Safety),
            labels=rows("labels", Label),
            derived=rows("derived", Derived),
        )
    _check(facts, manifest)
    return facts


@contextmanager
def _connection(folder: Path, manifest: VersionManifest) -> Iterator["duckdb.DuckDBPyConnection"]:
    """DuckDB with the view `dialogues` and no other way to the disk."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(":memory:", config=_SETTINGS) as connection:
        connection.execute("SET enable_external_access = false")
        try:
            connection.register("dialogues", _dialogues(folder, manifest))
            yield connection
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise IntegrityError(
                f"The data of {manifest.name}@{manifest.version} in {folder} cannot be read: {error}.",
                next_step=f"Run `quimbot verify {manifest.name}@{manifest.version}`.",
            ) from error


def _dialogues(folder: Path, manifest: VersionManifest) -> "Dataset":
    """The data files as one Arrow data set, with `split`, which a file's name says."""
    import pyarrow as pa
    from pyarrow import compute, dataset, fs

    from schemas.columns import arrow_schema
    from schemas.dialogue import Dialogue

    parquet, disk = dataset.ParquetFileFormat(), fs.LocalFileSystem()
    fragments = [
        parquet.make_fragment(
            str((folder / entry.path).absolute()),
            disk,
            partition_expression=compute.field("split") == Path(entry.path).name.partition("-")[0],
        )
        for entry in manifest.data
    ]
    schema = arrow_schema(Dialogue).append(pa.field("split", pa.large_string()))
    if not fragments:
        return dataset.dataset(schema.empty_table())
    return dataset.FileSystemDataset(fragments, schema, parquet, disk)


def _check(facts: CardFacts, manifest: VersionManifest) -> None:
    """Hold the figures to the manifest's: a card of other data than the version's must not come into being."""
    stated = {split: (digest.rows, digest.tokens) for split, digest in manifest.identity.splits.items()}
    counted = dict.fromkeys(SPLITS, (0, 0)) | {row.split: (row.dialogues, row.tokens) for row in facts.splits}
    kept = {line.source: line.rows_out for line in manifest.ledger}  # the last line of a source is of the last step
    held = dict.fromkeys(kept, 0) | {row.source: row.dialogues for row in facts.sources}
    mixed = sum(line.dialogues for line in manifest.mix), sum(line.tokens for line in manifest.mix)
    for what, said, found in (
        ("splits", stated, counted),
        ("kept rows by source", kept, held),
        ("mix (dialogues, tokens)", mixed, (facts.totals.dialogues, facts.totals.tokens)),
    ):
        if said != found:
            raise IntegrityError(
                f"The data of {manifest.name}@{manifest.version} is not what its manifest states: "
                f"{what} {found}, not {said}.",
                next_step=f"Run `quimbot verify {manifest.name}@{manifest.version}`.",
            )
