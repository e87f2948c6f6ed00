"""What both sides of the curation benchmark are told: thresholds, and what a near-duplicate is."""

from typing import Any

#: Each the key of our recipe and the reason that a dropped dialogue gets. Shares as the shipped recipes have them.
THRESHOLDS: dict[str, int | float] = {
    "min_chars": 40,
    "max_chars": 10_000,
    "max_symbol_share": 0.25,
    "max_digit_share": 0.30,
}
#: Jaccard from which two dialogues are near-duplicates; None: neither side looks for them.
NEAR_DUPLICATES: float | None = 0.8
#: Words of a shingle, on both sides.
SHINGLE = 3
#: Our side compares candidates for true, so it drops none that are less alike; of those at .7 datatrove's bands drop
#: .56, and they find .924 of those at .8, ours .947. So the rows dropped as near-duplicates may differ by this share.
NEAR_TOLERANCE = 0.05


def recipe() -> dict[str, Any]:
    """Our recipe, as a TOML file would hold it: all dialogues of one corpus that pass."""
    settings: dict[str, Any] = {
        "name": "curation-benchmark",
        "unit": "dialogues",
        "size": "max",
        "components": [{"family": "conversation", "weight": 1.0, "sources": ["lmsys"]}],
        "filters": THRESHOLDS | {"exact_duplicates": "drop"},
    }
    if NEAR_DUPLICATES is not None:
        settings["near_duplicates"] = {"action": "drop", "threshold": NEAR_DUPLICATES}
    return settings
