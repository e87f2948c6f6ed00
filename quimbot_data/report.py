"""Reports that several commands print: a corpus's ledger, a version's mix and splits, a source's facts."""

from typing import TYPE_CHECKING, Any

from quimbot_data.terminal import note, print_table, say

if TYPE_CHECKING:
    from quimbot_data.plan import Plan
    from schemas.manifest import CorpusManifest, EvaluationLine, VersionManifest


def source_row(name: str, dossier: Any, held: "CorpusManifest | None") -> dict[str, Any]:
    """Facts of a source, and what the workspace holds of it (nulls where nothing)."""
    facts = held or dossier
    return {
        "source": name,
        "title": facts.title,
        "family": facts.family,
        "license": facts.license,
        "terms": list(facts.terms),
        "url": facts.url,
        "obtain": dossier.obtain if dossier else "",
        "dialogues": sum(entry.rows for entry in held.dialogues) if held else None,
        "learner_texts": sum(entry.rows for entry in held.learner_texts) if held else None,
        "revision": held.revision if held else None,
    }


def print_ledger(manifest: "CorpusManifest") -> None:
    """What became of a corpus's raw rows, by name."""
    from quimbot_data.ledger import ASSEMBLED, MENDING
    from schemas.generation import Generated

    say(f"{manifest.source}: {manifest.title}, {manifest.license}; terms: {', '.join(manifest.terms) or 'none'}")
    read = next(line for line in manifest.ledger if line.step == "read")
    made = next(line for line in manifest.ledger if line.step == ASSEMBLED)
    counts = [("raw rows", read.rows_in)]
    counts += [
        (f"  refused: {line.reason}", line.rows) for line in manifest.ledger if line.reason and line.step == "read"
    ]
    counts += [("  carried", read.rows_out), (made.unit, made.rows_out)]
    counts += [
        (f"  {line.step}: {line.reason}", line.rows) for line in manifest.ledger if line.reason and line.step in MENDING
    ]
    for file in manifest.record.get("generated", []):
        counts += [
            (f"  grown from {each.corpus}, {each.license}", each.dialogues)
            for each in Generated.model_validate(file).credits
        ]
    width = max(len(name) for name, _ in counts)
    for name, rows in counts:
        say(f"  {name:<{width}}  {rows:>12,}")


def print_version(manifest: "VersionManifest") -> None:
    """A version's mix, asked against got, and its splits."""
    unit = manifest.identity.recipe.unit
    say(f"{manifest.name}@{manifest.version}, id {manifest.id[:16]}")
    say()
    total = max(1, sum(getattr(line, unit) for line in manifest.mix))
    print_table(
        "Mix",
        ("family", "sources", "asked", f"got ({unit})", "dialogues", "tokens", "available", "shortfall"),
        [
            [
                line.family,
                ", ".join(line.sources),
                f"{line.weight:.1%}",
                f"{getattr(line, unit) / total:.1%}",
                line.dialogues,
                line.tokens,
                line.available,
                line.shortfall,
            ]
            for line in manifest.mix
        ],
    )
    say()
    rows = max(1, sum(split.rows for split in manifest.identity.splits.values()))
    print_table(
        "Splits",
        ("split", "dialogues", "share", "tokens"),
        [
            [name, split.rows, f"{split.rows / rows:.1%}", split.tokens]
            for name, split in manifest.identity.splits.items()
        ],
    )
    print_evaluation(manifest.evaluation)
    for line in manifest.mix:
        if line.repeats:
            note(f"{line.family}: {line.repeats:,} of {line.dialogues:,} dialogues are repeats (max_epochs).")
    for name, split in manifest.identity.splits.items():
        if not split.rows:
            note(f"The split {name} has no rows, so it has no file.")


def print_plan(plan: "Plan") -> None:
    """What each component can give, what it would take, and which one binds."""
    asked = plan.asked if isinstance(plan.asked, str) else f"{plan.asked:,}"
    say(f"{plan.recipe}: {asked} {plan.unit} asked, {plan.feasible:,} feasible")
    say()
    columns = ("family", "sources", "weight", "dialogues", "tokens", f"available ({plan.unit})", "budget", "takes")
    print_table(
        "",
        (*columns, "short", "epochs", "binds"),
        [
            [
                *(line.family, ", ".join(line.sources), f"{line.weight:.1%}", line.dialogues, line.tokens),
                *(line.available, line.budget, line.takes, line.budget - line.takes, line.epochs, line.binds),
            ]
            for line in plan.components
        ],
    )
    print_evaluation(plan.evaluation)
    if plan.problem:
        note(plan.problem)
    elif any(line.budget - line.takes > line.budget / 20 for line in plan.components):
        note(f"short: {plan.unit} that a component leaves, since its next dialogue would take it beyond its budget.")
    if any(split.strays for split in plan.splits):
        got = ", ".join(f"{split.split} {split.share:.1%} ({split.asked:.1%} asked)" for split in plan.splits)
        note(
            f"Splits stray from what is asked: {got}. The hash falls on whole conversation trees and prompt "
            "seeds; of those there are few, or uneven ones."
        )
    if plan.taken_down:
        note(f"Kept out by takedowns, near-duplicates counted: {plan.taken_down:,} (`quimbot takedown list`).")
    if not plan.near_duplicates:
        note("Near-duplicates are not looked for, and may straddle splits: the recipe has no [near_duplicates].")


def print_evaluation(lines: "list[EvaluationLine]") -> None:
    """What each evaluation set met; one that met nothing is named."""
    if not lines:
        return
    say()
    columns = ("evaluation set", "items", "by n-gram", "by exact text", "boilerplate", "too short")
    print_table(
        "Decontamination",
        (*columns, "items hit", "dialogues hit"),
        [
            [
                *(line.set, line.items, line.ngram, line.exact, line.boilerplate, line.too_short),
                *(line.items_hit, line.dialogues_hit),
            ]
            for line in lines
        ],
    )
    for line in lines:
        if not line.dialogues_hit:
            note(f"The evaluation set {line.set} matched nothing: no dialogue holds text of its {line.items:,} items.")


def text(cell: Any) -> Any:
    """Lists as one cell."""
    return ", ".join(cell) if isinstance(cell, list) else cell
