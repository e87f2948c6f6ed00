"""The tables of a card: figures and the manifest in, Markdown out."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from quimbot_data.card.figures import CardFacts
from quimbot_data.card.markdown import code, count, plain, points, share, table
from quimbot_data.ledger import MENDING
from schemas.manifest import SPLITS, AuditReport, Interval, LedgerLine, SplitName, VersionManifest
from schemas.recipe import Splits

#: Languages that a card lists one by one.
TOP_LANGUAGES: Final = 20
#: What a licence term asks, in a card's words.
DUTIES: Final = {
    "attribution": "name the source (the lines above)",
    "no-transfer": "do not pass on: no publication, no copy to others, no hosted service",
    "non-commercial": "no commercial use",
    "research-only": "research only",
    "share-alike": "share what is made of it under the same licence",
    "unknown": "terms are not known: clear them before any use beyond private study",
}


def mix(manifest: VersionManifest) -> str:
    """Asked against got, a row a component."""
    dialogues = sum(line.dialogues for line in manifest.mix)
    tokens = sum(line.tokens for line in manifest.mix)
    columns = ["Component", "Sources", ">Asked", ">Of dialogues", ">Of tokens", ">Dialogues", ">Tokens"]
    unit = manifest.identity.recipe.unit
    rows = [
        [
            *(line.family, ", ".join(map(code, line.sources)), share(line.weight, 1)),
            *(share(line.dialogues, dialogues), share(line.tokens, tokens)),
            *(count(line.dialogues), count(line.tokens)),
            *(count(line.budget), count(line.shortfall), count(line.available)),
        ]
        for line in manifest.mix
    ]
    return table([*columns, f">Budget ({unit})", ">Shortfall", ">Available"], rows)


def splits(manifest: VersionManifest, facts: CardFacts) -> str:
    """Each split's rows, and its share asked against got."""
    held = {row.split: row for row in facts.splits}
    total = facts.totals.dialogues
    rows = []
    for split in SPLITS:
        dialogues, tokens = (held[split].dialogues, held[split].tokens) if split in held else (0, 0)
        asked = asked_share(manifest.identity.recipe.splits, split)
        surplus = points(dialogues / total, asked) if total else "–"
        rows.append([split, count(dialogues), count(tokens), share(asked, 1), share(dialogues, total), surplus])
    return table(["Split", ">Dialogues", ">Tokens", ">Asked", ">Got", ">Surplus (points)"], rows)


def asked_share(asked: Splits, split: SplitName) -> float:
    """The share of the hash range that a recipe gives a split."""
    return {"validation": asked.validation, "test": asked.test}.get(split, 1 - asked.validation - asked.test)


def sources(manifest: VersionManifest, facts: CardFacts) -> str:
    """Every source of the recipe, with the licences that its rows carry."""
    held = {row.source: row for row in facts.sources}
    rows = []
    for source in by_size(manifest, facts):
        known, row = manifest.sources[source], held.get(source)
        terms = ", ".join(known["terms"]) or "none"
        revision = code(known["revision"][:12]) if known["revision"] else "–"
        figures = [count(row.dialogues if row else 0), count(row.tokens if row else 0)]
        licenses = _licenses(facts, source) or plain(known["license"])
        digest = code(known["corpus_digest"][:12])
        rows.append([code(source), plain(known["title"]), licenses, terms, *figures, revision, digest])
    return table(["Source", "Title", "Licence", "Terms", ">Dialogues", ">Tokens", "Revision", "Corpus"], rows)


def by_size(manifest: VersionManifest, facts: CardFacts) -> list[str]:
    """The recipe's sources, those that gave most dialogues first."""
    held = {row.source: row.dialogues for row in facts.sources}
    return sorted(manifest.sources, key=lambda source: (-held.get(source, 0), source))


def _licenses(facts: CardFacts, source: str) -> str:
    rows = [row for row in facts.licenses if row.source == source]
    if len(rows) == 1:
        return plain(rows[0].license)
    return ", ".join(f"{plain(row.license)} ({count(row.dialogues)})" for row in rows)


def terms(facts: CardFacts) -> str:
    """What the licences of the dialogues ask."""
    total = facts.totals.dialogues
    rows = [
        [code(row.term), count(row.dialogues), share(row.dialogues, total), DUTIES[row.term]] for row in facts.terms
    ]
    return table(["Term", ">Dialogues", ">Share", "What it asks"], rows)


def ledger(lines: list[LedgerLine]) -> str:
    """One source's steps, from raw rows to the rows kept."""
    rows = []
    for step, group in groupby(lines, key=lambda line: line.step):
        counted = list(group)
        first = counted[0]
        reasons = sorted((line for line in counted if line.reason), key=lambda line: (-line.rows, line.reason or ""))
        named = " · ".join(f"{code(line.reason or '')} {count(line.rows)}" for line in reasons)
        rows.append([step, first.unit, count(first.rows_in), count(first.rows_out), _change(first), named or "–"])
    return table(["Step", "Counts", ">In", ">Out", ">Change", "Reasons"], rows)


def _change(line: LedgerLine) -> str:
    if line.step in MENDING:
        return "mends"
    difference = line.rows_out - line.rows_in
    if difference > 0:
        return f"+{count(difference)}"
    return f"−{count(-difference)}" if difference else "–"


def ledgers(manifest: VersionManifest) -> Iterator[tuple[str, str]]:
    """Each source with its ledger, in the recipe's order."""
    for source, lines in groupby(manifest.ledger, key=lambda line: line.source):
        yield source, ledger(list(lines))


def evaluation(manifest: VersionManifest) -> str:
    """Each evaluation set: what of it could be tested, and what it met."""
    rows = [
        [
            *(code(line.set), count(line.items), count(line.ngram), count(line.exact), count(line.boilerplate)),
            *(count(line.too_short), count(line.items_hit), count(line.dialogues_hit), code(line.digest[:12])),
        ]
        for line in manifest.evaluation
    ]
    columns = ["Set", ">Items", ">By n-gram", ">By exact text", ">Boilerplate", ">Too short"]
    return table([*columns, ">Items hit", ">Dialogues", "Digest"], rows)


def audit(report: AuditReport) -> str:
    """What each step made of the rows that were planted for it."""
    rows = [
        [
            *(line.step, code(line.kind), f"{count(line.found)} of {count(line.planted)}", _interval(line.recall)),
            *(f"{count(line.false_alarms)} of {count(line.clean)}", _interval(line.precision)),
            count(line.taken_before),
        ]
        for line in report.lines
    ]
    columns = ["Step", "Planted", ">Found", ">Recall (95 %)", ">False alarms", ">Precision (95 %)", ">Taken before"]
    return table(columns, rows)


def _interval(measured: Interval | None) -> str:
    return "–" if measured is None else "{:.3f} ({:.3f} to {:.3f})".format(*measured)


def languages(facts: CardFacts) -> str:
    """The most frequent languages, and the others together."""
    totals = facts.totals
    top, others = facts.languages[:TOP_LANGUAGES], facts.languages[TOP_LANGUAGES:]
    named = [(code(row.language), row.dialogues, row.tokens) for row in top]
    if others:
        named.append((f"{len(others)} others", sum(r.dialogues for r in others), sum(r.tokens for r in others)))
    rows = [
        [name, count(dialogues), share(dialogues, totals.dialogues), count(tokens), share(tokens, totals.tokens)]
        for name, dialogues, tokens in named
    ]
    return table(["Language", ">Dialogues", ">Share", ">Tokens", ">Share of tokens"], rows)


def lengths(facts: CardFacts) -> str:
    """Quantiles of turns, characters and tokens a dialogue."""
    rows = [[row.measure, *(count(value) for value in row[1:])] for row in facts.lengths]
    return table(["A dialogue's", ">Least", ">5 %", ">25 %", ">Median", ">75 %", ">95 %", ">99 %", ">Most"], rows)


def safety(facts: CardFacts) -> str:
    """Labelled and flagged dialogues, and messages kept out of the loss, by source."""
    rows = [
        [
            *(code(row.source), count(row.dialogues), count(row.labelled)),
            *(count(row.flagged), share(row.flagged, row.labelled)),
            *(count(row.untrained_messages), share(row.untrained_messages, row.assistant_messages)),
        ]
        for row in facts.safety
    ]
    columns = ["Source", ">Dialogues", ">Labelled", ">Flagged", ">Of labelled", ">Untrained messages"]
    return table([*columns, ">Of assistant messages"], rows)


def labels(facts: CardFacts) -> str:
    """Labels and categories as the corpora give them."""
    rows = [[code(row.source), row.kind, code(row.name), count(row.dialogues)] for row in facts.labels]
    return table(["Source", "Kind", "Name", ">Dialogues"], rows)


def derived(facts: CardFacts) -> str:
    """What made turns that no person or corpus wrote."""
    total = facts.totals.dialogues
    rows = [
        [code(row.source), code(row.made_by), count(row.dialogues), share(row.dialogues, total)]
        for row in facts.derived
    ]
    return table(["Source", "Made by", ">Dialogues", ">Share"], rows)


def redactions(manifest: VersionManifest) -> str:
    """Dialogues of each corpus in which personal data was replaced, by kind; empty where none was."""
    lines = [line for line in manifest.ledger if line.step == "redacted" and line.reason]
    kinds = sorted({line.reason or "" for line in lines})
    if not kinds:
        return ""
    rows = []
    for source, group in groupby(lines, key=lambda line: line.source):
        found = {line.reason: line.rows for line in group}
        rows.append([code(source), *(count(found.get(kind, 0)) for kind in kinds)])
    return table(["Corpus", *(f">{kind}" for kind in kinds)], rows)
