"""The YAML header of a card: what the Hugging Face Hub and `datasets.load_dataset` read of it.

Fields: https://github.com/huggingface/hub-docs/blob/main/datasetcard.md
"""

from collections.abc import Iterator
from typing import Any

from quimbot_data.card.figures import CardFacts
from quimbot_data.card.formats import count, figure, text
from quimbot_data.card.hub_names import hub_license
from quimbot_data.card.marks import unmarked


def header(facts: CardFacts) -> tuple[str, list[str]]:
    """The header's YAML, without its fences, and its values with their marks, in the order of the YAML."""
    from huggingface_hub import DatasetCardData  # takes a while to load

    fields: dict[str, Any] = {
        "pretty_name": text(facts.build.title),
        "language": [str(row.language) for row in facts.languages if row.language != "und"] or None,
        "size_categories": [figure("size_category", facts.totals.dialogues)],
        "task_categories": ["text-generation"],
        "tags": tags(facts),
        **_license(facts),
        **_configs(facts),
    }
    # The marks stay out of the YAML: they would change where its lines break.
    ordered = vars(DatasetCardData(**fields))
    return DatasetCardData(**_unmarked(fields)).to_yaml(), list(_texts(ordered))


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return unmarked(value) if isinstance(value, str) else value


def tags(facts: CardFacts) -> list[str]:
    """What the version is found by: the families of its dialogues among them."""
    return ["dialogue", *sorted({str(line.family) for line in facts.mix if line.dialogues}), "quimbot"]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _license(facts: CardFacts) -> dict[str, str]:
    """The one licence that the Hub knows, or `other` with what there is to say."""
    totals = facts.license_totals
    if len(totals) == 1 and hub_license(totals[0].license):
        return {"license": figure("hub_license", totals[0].license)}
    fields = {"license": "other"}
    if len(totals) == 1:
        fields["license_name"] = figure("license_name", totals[0].license)
        holders = {row.source for row in facts.licenses}
        urls = {row.url or "": row.url for row in facts.sources if row.source in holders}
        if len(urls) == 1 and (url := next(iter(urls))).startswith("https://"):
            fields["license_link"] = text(urls[url])
    elif totals:
        fields["license_name"] = "mixed"
        fields["license_details"] = "; ".join(
            f"{text(row.license)}: {count(row.dialogues)} dialogues" for row in totals
        )
    return fields


def _configs(facts: CardFacts) -> dict[str, Any]:
    """One configuration; a split without rows has no file, and an entry for it would keep all others from loading."""
    held = [str(row.split) for row in facts.splits if row.dialogues]
    if not held:
        return {}
    data_files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in held]
    return {"configs": [{"config_name": "default", "data_files": data_files}]}
