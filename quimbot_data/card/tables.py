"""The tables of a card: figures in, Markdown out."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from quimbot_data.card.figures import CardFacts
from quimbot_data.card.formats import change, code, count, figure, interval, plain, share, short_digest
from quimbot_data.card.markdown import table
from quimbot_data.card.rows import Recovery, Step
from quimbot_data.ledger import MENDING

#: Languages that a card lists one by one; `figures/other_languages.sql` sums the others.
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


def mix(facts: CardFacts, unit: str) -> str:
    """Asked against got, a row a component; budgets are in `unit`."""
    totals = facts.totals
    columns = ["Component", "Sources", ">Asked", ">Of dialogues", ">Of tokens", ">Dialogues", ">Tokens"]
    rows = [
        [
            *(line.family, ", ".join(map(code, line.sources)), share(line.weight)),
            *(share(line.dialogues, totals.dialogues), share(line.tokens, totals.tokens)),
            *(count(line.dialogues), count(line.tokens)),
            *(count(line.budget), count(line.shortfall), count(line.available)),
        ]
        for line in facts.mix
    ]
    return table([*columns, f">Budget ({unit})", ">Shortfall", ">Available"], rows)


def splits(facts: CardFacts) -> str:
    """Each split's rows, and its share asked against got."""
    total = facts.totals.dialogues
    rows = [
        [
            *(row.split, count(row.dialogues), count(row.tokens), share(row.asked)),
            *(share(row.dialogues, total), figure("surplus", row.dialogues, total, row.asked)),
        ]
        for row in facts.splits
    ]
    return table(["Split", ">Dialogues", ">Tokens", ">Asked", ">Got", ">Surplus (points)"], rows)


def sources(facts: CardFacts) -> str:
    """Every source of the recipe, with the licences that its rows carry."""
    rows = []
    for row in facts.sources:
        revision = short_digest(row.revision) if row.revision else "–"
        licenses = _licenses(facts, row.source) or plain(row.license)
        figures = [count(row.dialogues), count(row.tokens)]
        named = [code(row.source), plain(row.title), licenses, ", ".join(map(plain, row.terms)) or "none"]
        rows.append([*named, *figures, revision, short_digest(row.corpus_digest)])
    return table(["Source", "Title", "Licence", "Terms", ">Dialogues", ">Tokens", "Revision", "Corpus"], rows)


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


def ledger(lines: list[Step]) -> str:
    """One source's steps, from raw rows to the rows kept."""
    rows = []
    for step, group in groupby(lines, key=lambda line: line.step):
        counted = list(group)
        first = counted[0]
        reasons = sorted((line for line in counted if line.reason), key=lambda line: (-line.rows, line.reason or ""))
        named = " · ".join(f"{code(line.reason)} {count(line.rows)}" for line in reasons)
        changed = "mends" if step in MENDING else change(first.rows_out, first.rows_in)
        rows.append(
            [plain(step), plain(first.unit), count(first.rows_in), count(first.rows_out), changed, named or "–"]
        )
    return table(["Step", "Counts", ">In", ">Out", ">Change", "Reasons"], rows)


def ledgers(facts: CardFacts) -> Iterator[tuple[str, str]]:
    """Each source with its ledger, in the recipe's order."""
    for source, lines in groupby(facts.ledger, key=lambda line: line.source):
        yield source, ledger(list(lines))


def evaluation(facts: CardFacts) -> str:
    """Each evaluation set: what of it could be tested, and what it met."""
    rows = [
        [
            *(code(line.name), count(line.items), count(line.ngram), count(line.exact), count(line.boilerplate)),
            *(count(line.too_short), count(line.items_hit), count(line.dialogues_hit), short_digest(line.digest)),
        ]
        for line in facts.evaluation
    ]
    columns = ["Set", ">Items", ">By n-gram", ">By exact text", ">Boilerplate", ">Too short"]
    return table([*columns, ">Items hit", ">Dialogues", "Digest"], rows)


def audit(facts: CardFacts) -> str:
    """What each step made of the rows that were planted for it."""
    rows = [
        [
            *(plain(line.step), code(line.kind), f"{count(line.found)} of {count(line.planted)}"),
            _measured(line.recall, line.recall_low, line.recall_high),
            f"{count(line.false_alarms)} of {count(line.clean)}",
            _measured(line.precision, line.precision_low, line.precision_high),
            count(line.taken_before),
        ]
        for line in facts.audit
    ]
    columns = ["Step", "Planted", ">Found", ">Recall (95 %)", ">False alarms", ">Precision (95 %)", ">Taken before"]
    return table(columns, rows)


def _measured(*measured: float | None) -> str:
    return "–" if None in measured else interval(*measured)


def languages(facts: CardFacts) -> str:
    """The most frequent languages, and the others together."""
    totals, others = facts.totals, facts.other_languages
    named = [(code(row.language), row.dialogues, row.tokens) for row in facts.languages[:TOP_LANGUAGES]]
    if others.languages:
        named.append((f"{count(others.languages)} others", others.dialogues, others.tokens))
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
    rows = [[code(row.source), plain(row.kind), code(row.name), count(row.dialogues)] for row in facts.labels]
    return table(["Source", "Kind", "Name", ">Dialogues"], rows)


def derived(facts: CardFacts) -> str:
    """What made turns that no person or corpus wrote."""
    total = facts.totals.dialogues
    rows = [
        [code(row.source), code(row.made_by), count(row.dialogues), share(row.dialogues, total)]
        for row in facts.derived
    ]
    return table(["Source", "Made by", ">Dialogues", ">Share"], rows)


def redactions(facts: CardFacts) -> str:
    """Dialogues of each corpus in which personal data was replaced, by kind; empty where none was."""
    kinds = list(dict.fromkeys(row.kind for row in facts.redactions))
    if not kinds:
        return ""
    rows = [
        [code(source), *(count(row.dialogues) for row in found)]
        for source, found in groupby(facts.redactions, key=lambda row: row.source)
    ]
    return table(["Corpus", *(f">{plain(kind)}" for kind in kinds)], rows)


def measures(facts: CardFacts) -> str:
    """Measures of the annotated dialogues against their ranges; bold where out of range."""
    rows = []
    for row in facts.measures:
        value = "–" if row.value is None else figure("thousandths", row.value)
        shown = f"**{value}**" if row.within is False else value
        told = [plain(row.group), f"{plain(row.name)}: {plain(row.says)}", shown, _range(row.low, row.high)]
        rows.append([*told, count(row.taken_of), plain(row.note) if row.note else ""])
    return table(["Group", "Measure", ">Value", "Range", ">Taken of", "Note"], rows)


def recovery(facts: CardFacts) -> str:
    """What a blind critic recovered of each profile, before what it did not was dropped."""
    rows = []
    for profile, found in groupby(facts.recovery, key=lambda row: row.profile):
        by_target = {row.target: row for row in found}
        shares = [_recovered(by_target.get(target)) for target in ("strategy", "level", "background", "all")]
        rows.append([code(profile), count(max(row.judged for row in by_target.values())), *shares])
    return table(["Profile", ">Judged", ">Strategy", ">Level", ">Background", ">All of these"], rows)


def _recovered(row: Recovery | None) -> str:
    return "–" if row is None else share(row.recovered, row.judged)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{figure('decimal', low)} to {figure('decimal', high)}"
    if low is not None:
        return f"≥ {figure('decimal', low)}"
    return "" if high is None else f"≤ {figure('decimal', high)}"
