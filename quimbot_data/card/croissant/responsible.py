"""Responsible AI in Croissant's vocabulary: what is known of a version, and no more.

https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html
"""

from quimbot_data.card.figures import CardFacts
from quimbot_data.card.markdown import count
from schemas.manifest import VersionManifest


def responsible(manifest: VersionManifest, facts: CardFacts) -> dict[str, str | list[str]]:
    """The properties `rai:…` of a version."""
    return {
        "rai:dataCollection": _collection(manifest),
        "rai:dataCollectionType": "Secondary Data analysis",
        "rai:dataPreprocessingProtocol": _preprocessing(manifest),
        "rai:machineAnnotationTools": _annotators(manifest, facts),
        "rai:personalSensitiveInformation": _personal(manifest),
        "rai:dataLimitations": _limitations(manifest, facts),
        "rai:dataReleaseMaintenancePlan": (
            "A version is never changed. Rows that have to go are left out of the next one, and what a version is made"
            " of can be checked against its identifier."
        ),
    }


def _collection(manifest: VersionManifest) -> str:
    raw = sum({line.source: line.rows_in for line in reversed(manifest.ledger)}.values())
    return (
        f"Nothing was collected for this version. It was drawn from {count(raw)} raw rows of {len(manifest.sources)}"
        " corpora; prov:wasDerivedFrom names those that gave dialogues. The file fates.parquet says of every dialogue"
        " that the recipe looked at whether it was kept, or which step dropped it and why."
    )


def _preprocessing(manifest: VersionManifest) -> list[str]:
    recipe = manifest.identity.recipe
    steps = [
        "Text is brought to Unicode NFC and freed of control characters; turns alternate between user and assistant.",
        "Personal data and secrets found by rules are replaced by placeholders.",
        "The thresholds, safety policy and licence profile of the recipe drop dialogues, each for a named reason.",
    ]
    if recipe.filters.exact_duplicates == "drop":
        steps.append("Of dialogues with equal text one is kept.")
    if recipe.near_duplicates.action == "drop":
        steps.append(
            f"Of dialogues with a Jaccard similarity of {recipe.near_duplicates.threshold} or more one is kept."
        )
    if manifest.evaluation:
        sets = ", ".join(line.set for line in manifest.evaluation)
        steps.append(f"Dialogues that hold text of evaluation sets are dropped: {sets}.")
    steps.append("Dialogues that belong together share a split, which a published hash decides.")
    return steps


def _annotators(manifest: VersionManifest, facts: CardFacts) -> list[str]:
    detectors = sorted(manifest.record.get("language_detectors", {}).items())
    classifiers = sorted({name for row in facts.safety for name in row.classifiers})
    return [
        *(f"languages: {name} {version}" for name, version in detectors),
        f"tokens: {manifest.tokenizer.name}",
        *(f"safety: {name}" for name in classifiers),
    ]


def _personal(manifest: VersionManifest) -> str:
    kinds = sorted({line.reason for line in manifest.ledger if line.step == "redacted" and line.reason})
    found = f"In these corpora it found: {', '.join(kinds)}." if kinds else "It found none in these corpora."
    return (
        "The corpora may hold what people wrote, and wrote about others. A search by rules replaced personal data"
        " (addresses, numbers of phones, cards and accounts, secrets) by placeholders before ids and hashes were made."
        f" {found} Rules miss names, addresses in prose and unusual spellings: this is no guarantee that none is left."
    )


def _limitations(manifest: VersionManifest, facts: CardFacts) -> list[str]:
    limits = [
        "Language identification is unreliable on short, mixed or romanised text.",
        "Safety labels are the corpora's own, by their own standards, or a classifier's; no label does not mean safe.",
        "Nobody checked the facts in the answers, many of which a model wrote.",
    ]
    if manifest.identity.recipe.near_duplicates.action == "drop":
        limits.append("Near-duplicates are found by hashing, which misses a few; paraphrases and translations stay.")
    if facts.totals.derived:
        made = count(facts.totals.derived)
        limits.append(f"In {made} dialogues a template or generator made turns: provenance.derived.by names it.")
    return limits
