"""What a version's licences ask: its rows by source, licence and term, the lines to print, and what is unresolved."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from quimbot_data.licenses import parts_of
from quimbot_data.sources import SOURCES
from quimbot_data.sql.named import named_query
from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Ref, Workspace
from schemas.clearance import Clearance
from schemas.generation import Credit, Generated
from schemas.manifest import VersionManifest


class LicenceLine(BaseModel):
    """Rows of one source under one licence and one set of terms."""

    source: str
    license: str
    terms: list[str]
    dialogues: int
    tokens: int


class TermLine(BaseModel):
    """Rows under one term; a row may be under several."""

    term: str
    dialogues: int
    tokens: int


class Attribution(BaseModel):
    """The line to print wherever rows are published, and where the corpus is found."""

    source: str
    text: str
    url: str


class LicenceReport(BaseModel):
    """The answer of `quimbot licenses`."""

    version: str
    profile: str
    lines: list[LicenceLine]
    terms: list[TermLine]
    attributions: list[Attribution]
    cleared: list[Clearance]
    unresolved: list[str]
    """What stands in the way of publishing, a sentence each."""


def licence_report(workspace: Workspace, ref: Ref) -> LicenceReport:
    """Licences of a version's rows.

    Raises:
        MissingError: no such version.
        IntegrityError: its data cannot be read.
    """
    manifest = workspace.version_manifest(ref)
    found = run_query(workspace, named_query("licences").sql, version=ref).to_pylist()
    lines = [LicenceLine(**row | {"terms": row["terms"].split(", ") if row["terms"] else []}) for row in found]
    printed = list(attributions(manifest, ((line.source, line.license) for line in lines)))
    return LicenceReport(
        version=str(ref),
        profile=manifest.identity.recipe.profile,
        lines=lines,
        terms=_by_term(lines),
        attributions=printed,
        cleared=manifest.cleared,
        unresolved=list(_unresolved(manifest, lines, {each.source for each in printed})),
    )


def _by_term(lines: list[LicenceLine]) -> list[TermLine]:
    terms = {term for line in lines for term in line.terms}
    under = {term: [line for line in lines if term in line.terms] for term in terms}
    found = [
        TermLine(term=term, dialogues=sum(line.dialogues for line in rows), tokens=sum(line.tokens for line in rows))
        for term, rows in under.items()
    ]
    return sorted(found, key=lambda line: (-line.dialogues, line.term))


def attributions(manifest: VersionManifest, rows: Iterable[tuple[str, str]]) -> Iterator[Attribution]:
    """The lines to print with rows of a version, given as (source, licence).

    One a source, and one a corpus that its rows were taken from or grown from, by their licence.
    """
    pairs = list(rows)
    held = dict.fromkeys(source for source, _ in pairs)
    licences = {part for _, license_id in pairs for part in parts_of(license_id)}
    for source in held:
        facts = manifest.sources[source]
        if facts["attribution"]:
            yield Attribution(source=source, text=facts["attribution"], url=facts["url"])
    for name, corpus in SOURCES.items():
        # A licence that only this corpus has.
        if name not in held and corpus.dossier.license.startswith("LicenseRef-") and corpus.dossier.license in licences:
            yield Attribution(source=name, text=corpus.dossier.attribution, url=corpus.dossier.url)


def _credits(manifest: VersionManifest, source: str, licences: set[str]) -> list[Credit]:
    """Corpora that dialogues of a source may have grown from, by the licences that rows of the version carry."""
    files = [Generated.model_validate(file) for file in manifest.record.get("generated", {}).get(source, [])]
    return [each for file in files for each in file.credits if licences.issuperset(parts_of(each.license))]


def _unresolved(manifest: VersionManifest, lines: list[LicenceLine], named: set[str]) -> Iterator[str]:
    cleared = {(each.source, each.license) for each in manifest.cleared}
    for line in lines:
        if "unknown" in line.terms and (line.source, line.license) not in cleared:
            yield (
                f"{line.source}: the terms of {line.dialogues:,} dialogues under {line.license} are unknown. "
                f"Whoever knows them records it: `quimbot clear {line.source} --by WHO --reason WHY`."
            )
    licences = {part for line in lines for part in parts_of(line.license)}
    known = {corpus.dossier.license for corpus in SOURCES.values()}
    for source in dict.fromkeys(line.source for line in lines):
        for credit in _credits(manifest, source, licences):
            if not credit.attribution and credit.license not in known:
                yield (
                    f"{source}: dialogues grew from learner errors of {credit.corpus}, under {credit.license}, and "
                    "what it asks to be printed is not on record: `quimbot synth seeds extract … --attribution TEXT`, "
                    "then generate, ingest and build again."
                )
    for source in dict.fromkeys(line.source for line in lines if "attribution" in line.terms):
        if source not in named:
            yield (
                f"{source}: its licence asks for attribution, and no text is on record: "
                "`quimbot ingest messages … --attribution TEXT`."
            )
