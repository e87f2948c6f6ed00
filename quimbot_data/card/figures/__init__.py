"""Figures of a version, computed from its own files: each table of its card is one query, kept beside this module.

The queries read the views that `quimbot sql --version REF` shows, so whoever holds the version can run them again. No
text of a dialogue is read; what is held in memory grows with counts, not with text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from quimbot_data.card import rows
from quimbot_data.card.cells import Answer
from quimbot_data.sql.catalog import Catalog, version_tables, view_sql
from schemas.errors import IntegrityError
from schemas.manifest import VersionManifest
from schemas.measures import VersionMeasures

#: The views that the queries read.
VIEWS: Final = (
    "dialogues",
    "ledger",
    "build",
    "recipe",
    "inputs",
    "clearances",
    "mix",
    "evaluation",
    "audit",
    "measures",
    "recovery",
)


@dataclass(frozen=True)
class CardFacts:
    """Everything that a card prints and plots; each field but the last is named as its query is.

    Every value knows the cell that it stands in (`quimbot_data.card.cells`). The block of a card keeps this order.
    """

    build: rows.Build
    recipe: rows.Asked
    policy: list[rows.Rule]
    totals: rows.Totals
    mix: list[rows.Component]
    splits: list[rows.Split]
    sources: list[rows.Source]
    licenses: list[rows.License]
    license_totals: list[rows.LicenseTotal]
    terms: list[rows.Term]
    clearances: list[rows.Clearance]
    ledger: list[rows.Step]
    redactions: list[rows.Redaction]
    evaluation: list[rows.EvaluationSet]
    audit: list[rows.Plants]
    languages: list[rows.Language]
    other_languages: rows.OtherLanguages
    lengths: list[rows.Length]
    histogram: list[rows.Bin]
    safety: list[rows.Safety]
    labels: list[rows.Label]
    derived: list[rows.Derived]
    measures: list[rows.Measured]
    recovery: list[rows.Recovery]
    unjudged: list[rows.Unjudged]
    digests: dict[str, str]
    """sha256 of each query's answer."""


#: What each query's rows are: of some there are many, of some just one.
_KINDS: Final = {name: kind for name, kind in get_type_hints(CardFacts).items() if name != "digests"}
#: Names of the queries, `<name>.sql`.
QUERIES: Final = tuple(_KINDS)
Ask = Callable[[str], Answer]


def query_sql(name: str) -> str:
    """The text of a query; its first line states the grain."""
    return (files("quimbot_data.card.figures") / f"{name}.sql").read_text("utf-8")


def card_facts(folder: Path, manifest: VersionManifest, measures: VersionMeasures | None = None) -> CardFacts:
    """Run all queries over a version's files.

    Args:
        folder: holds the files that the manifest lists; may be a staging folder.
        manifest: the version's.
        measures: of its annotated dialogues, in place of those that its file holds.

    Raises:
        IntegrityError: a data file cannot be read, or the figures are not those that the manifest states.
    """
    with _asking(folder, manifest, measures) as ask:
        facts = facts_of(ask)
    check(facts, manifest)
    return facts


def facts_of(ask: Ask) -> CardFacts:
    """The answers to all queries, by whoever runs them over the version's views."""
    answers = {name: ask(query_sql(name)) for name in QUERIES}

    def given(name: str) -> Any:  # what the field of that name is annotated as
        several = get_args(_KINDS[name])
        (kind,) = several or (_KINDS[name],)
        found = [kind(**row) for row in answers[name].traced_rows(name)]
        return found if several else found[0]

    return CardFacts(
        **{name: given(name) for name in QUERIES}, digests={name: answer.sha256() for name, answer in answers.items()}
    )


@contextmanager
def _asking(folder: Path, manifest: VersionManifest, measures: VersionMeasures | None) -> Iterator[Ask]:
    """DuckDB with the views that the queries read, and no other way to the disk."""
    import duckdb  # loaded where it is needed: the command line starts without it
    import pyarrow as pa

    from quimbot_data.sql.worker import connect

    catalog = Catalog(version_tables(folder, manifest, measures), {view: view_sql(view) for view in VIEWS})
    try:
        # Two threads keep up with the disk; more would only take memory.
        with connect(asdict(catalog), {"threads": "2"}) as connection:

            def ask(sql: str) -> Answer:
                found = connection.execute(sql)
                return Answer([column[0] for column in found.description or ()], found.fetchall())

            yield ask
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"The data of {manifest.name}@{manifest.version} in {folder} cannot be read: {error}.",
            next_step=f"Run `quimbot verify {manifest.name}@{manifest.version}`.",
        ) from error


def check(facts: CardFacts, manifest: VersionManifest) -> None:
    """Hold the figures to the manifest's: a card of other data than the version's must not come into being.

    Raises:
        IntegrityError: they differ.
    """
    stated = {split: (digest.rows, digest.tokens) for split, digest in manifest.identity.splits.items()}
    counted = {row.split: (row.dialogues, row.tokens) for row in facts.splits}
    kept = {line.source: line.rows_out for line in manifest.ledger}  # the last line of a source is of the last step
    held = {row.source: row.dialogues for row in facts.sources}
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
