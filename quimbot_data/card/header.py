"""The YAML header of a card: what the Hugging Face Hub and `datasets.load_dataset` read of it.

Fields: https://github.com/huggingface/hub-docs/blob/main/datasetcard.md
"""

import re
from typing import Any, Final

from quimbot_data.card.figures import CardFacts
from schemas.manifest import VersionManifest

#: The Hub's licence ids by SPDX id in lower case, where the two differ.
_HUB_NAMES: Final = {
    **{"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl", "c-uda-1.0": "c-uda"},
    **{f"{name}-3.0-{suffix}": f"{name}-3.0" for name in ("gpl", "agpl", "lgpl") for suffix in ("only", "or-later")},
    **{f"gpl-2.0-{suffix}": "gpl-2.0" for suffix in ("only", "or-later")},
    **{f"lgpl-2.1-{suffix}": "lgpl-2.1" for suffix in ("only", "or-later")},
}
#: Licences that the Hub calls by their SPDX id in lower case: https://huggingface.co/docs/hub/repositories-licenses
_HUB_IDS: Final = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "isc", "unlicense", "wtfpl"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
        *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0"),
        *("cdla-permissive-2.0", "mpl-2.0", "epl-2.0", "eupl-1.2", "artistic-2.0", "afl-3.0", "osl-3.0", "zlib"),
        *("gpl-2.0", "gpl-3.0", "agpl-3.0", "lgpl-2.1", "lgpl-3.0", "odc-by", "odbl", "pddl", "c-uda", "etalab-2.0"),
    }
)
_SIZES: Final = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B")


def header(manifest: VersionManifest, facts: CardFacts) -> str:
    """The header's YAML, without its fences."""
    from huggingface_hub import DatasetCardData  # takes a while to load

    fields: dict[str, Any] = {
        "pretty_name": title(manifest),
        "language": [row.language for row in facts.languages if row.language != "und"] or None,
        "size_categories": [size_category(facts.totals.dialogues)],
        "task_categories": ["text-generation"],
        "tags": tags(manifest),
        **_license(manifest, facts),
        **_configs(facts),
    }
    return DatasetCardData(**fields).to_yaml()


def title(manifest: VersionManifest) -> str:
    """What the version is called: the recipe's title, on one line, or its name."""
    return " ".join(manifest.identity.recipe.title.split()) or manifest.name


def tags(manifest: VersionManifest) -> list[str]:
    """What the version is found by: the families of its dialogues among them."""
    return ["dialogue", *sorted({line.family for line in manifest.mix if line.dialogues}), "quimbot"]


def size_category(rows: int) -> str:
    """The Hub's size category of a number of rows.

    >>> size_category(999), size_category(1000), size_category(123_456)
    ('n<1K', '1K<n<10K', '100K<n<1M')
    """
    return _SIZES[min(max(len(str(rows)) - 3, 0), len(_SIZES) - 1)]


def hub_license(license_id: str) -> str | None:
    """The Hub's id of a licence; None for one that the Hub does not list.

    >>> hub_license("CC-BY-SA-4.0"), hub_license("LicenseRef-Own")
    ('cc-by-sa-4.0', None)
    """
    name = _HUB_NAMES.get(license_id.lower(), license_id.lower())
    return name if name in _HUB_IDS else None


def _license(manifest: VersionManifest, facts: CardFacts) -> dict[str, str]:
    """The one licence that the Hub knows, or `other` with what there is to say."""
    rows: dict[str, int] = {}
    for row in facts.licenses:
        rows[row.license] = rows.get(row.license, 0) + row.dialogues
    if len(rows) == 1 and (known := hub_license(*rows)):
        return {"license": known}
    fields = {"license": "other"}
    if len(rows) == 1:
        (license_id,) = rows
        fields["license_name"] = re.sub(r"[^a-z0-9.]+", "-", license_id.removeprefix("LicenseRef-").lower())
        urls = {manifest.sources[row.source].get("url") or "" for row in facts.licenses}
        if len(urls) == 1 and (url := urls.pop()).startswith("https://"):
            fields["license_link"] = url
    elif rows:
        fields["license_name"] = "mixed"
        by_rows = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
        fields["license_details"] = "; ".join(f"{name}: {number:,} dialogues" for name, number in by_rows)
    return fields


def _configs(facts: CardFacts) -> dict[str, Any]:
    """One configuration; a split without rows has no file, and an entry for it would keep all others from loading."""
    if not facts.splits:
        return {}
    data_files = [{"split": row.split, "path": f"data/{row.split}-*.parquet"} for row in facts.splits]
    return {"configs": [{"config_name": "default", "data_files": data_files}]}
