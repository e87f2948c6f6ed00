"""Which rows may go where: what a profile forbids, and what no profile lets out of the workspace."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.clearance import clearances
from quimbot_data.filters import term_rules
from quimbot_data.workspace import Workspace
from schemas.errors import TermsError
from schemas.manifest import VersionManifest
from schemas.recipe import Profile

#: Rows under this term never leave the workspace, whatever the profile.
NO_TRANSFER: Final = "no-transfer"

#: Text under these terms goes to models on this machine only, unless somebody clears it.
LOOPBACK_ONLY: Final = (NO_TRANSFER, "unknown")

#: What holds for the rows that may go, by the term that bars the others.
Rules = dict[str, pl.Expr]
#: Dialogues by reason, then by source.
Counts = dict[str, dict[str, int]]


def transfer_rules(workspace: Workspace, manifest: VersionManifest, profile: Profile, *, leaves: bool) -> Rules:
    """What lets a version's rows go where this profile holds, inside the workspace or out of it.

    A clearance that the version was built under counts, and one that the workspace holds now.
    """
    rules = {NO_TRANSFER: ~pl.col("terms").list.contains(NO_TRANSFER)} if leaves else {}
    return rules | term_rules(profile, [*manifest.cleared, *clearances(workspace)])


def barring_term(rules: Rules) -> pl.Expr:
    """The first term that bars a row, as the column `reason`; null for a row that may go."""
    bars = [pl.when(~holds).then(pl.lit(term)) for term, holds in rules.items()]
    return pl.coalesce(*bars, pl.lit(None, pl.String)).alias("reason")


def barred(folder: Path, manifest: VersionManifest, rules: Rules) -> Counts:
    """How many dialogues of a version are barred: by the first term that bars each, and by source."""
    counts: Counts = {}
    for entry in manifest.data if rules else []:
        rows = read_parquet(folder / entry.path, ["source", "license", "terms"])
        add_counts(counts, rows.select("source", barring_term(rules)))
    return counts


def add_counts(counts: Counts, rows: pl.DataFrame) -> None:
    """Count the rows (`source`, `reason`) that have a reason."""
    grouped = rows.filter(pl.col("reason").is_not_null()).group_by("reason", "source").len()
    for reason, source, number in grouped.sort("reason", "source").iter_rows():
        by_source = counts.setdefault(reason, {})
        by_source[source] = by_source.get(source, 0) + number


def total(counts: Mapping[str, Mapping[str, int]]) -> int:
    """All dialogues counted."""
    return sum(number for by_source in counts.values() for number in by_source.values())


def told(counts: Mapping[str, Mapping[str, int]]) -> str:
    """`unknown: 12 of openhermes; untrained: 3 of lmsys, 1 of openhermes`."""
    return "; ".join(
        f"{reason}: " + ", ".join(f"{number:,} of {source}" for source, number in sorted(by_source.items()))
        for reason, by_source in sorted(counts.items())
    )


def endpoint_rules() -> Rules:
    """What lets text go to an endpoint on another machine: terms that are known, and do not forbid it."""
    return {term: ~pl.col("terms").list.contains(term) for term in LOOPBACK_ONLY}


def barred_from_endpoints(rows: pl.DataFrame) -> Counts:
    """How many rows (`source`, `terms`) may go to endpoints on this machine alone, by term and source."""
    counts: Counts = {}
    add_counts(counts, rows.select("source", barring_term(endpoint_rules())))
    return counts


def check_clearance(cleared: str | None) -> None:
    """Hold that a clearance says who and why.

    Raises:
        TermsError: it does not.
    """
    who, _, why = (cleared or "").partition(",")
    if cleared is not None and not (who.strip() and why.strip()):
        raise TermsError(
            f"{cleared!r} does not say who cleared the transfer and why.",
            valid='It is written "WHO, why", e.g. "Legal, agreement of 3 May covers our own storage".',
        )
