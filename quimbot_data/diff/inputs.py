"""Which inputs of two versions differ: keys of their recipes, evaluation sets, tokenizer, and corpora."""

import json
from collections import Counter
from typing import Any

from schemas.diff import KeyChange, SourceChange
from schemas.manifest import Identity, VersionManifest
from schemas.recipe import Component, Recipe

#: Keys that decide how much of what passed all rules a version takes.
_MIX = ("seed", "unit", "size")


def key_changes(a: Identity, b: Identity) -> list[KeyChange]:
    """Keys of the recipe, evaluation sets and tokenizer that differ, in the order of the recipe's tables.

    The recipe's name is none of them: the versions carry it.
    """
    left_labels, right_labels = labels(a.recipe, b.recipe), labels(b.recipe, a.recipe)
    shared = set(left_labels) & set(right_labels)
    left, right = _inputs(a, left_labels, shared), _inputs(b, right_labels, shared)
    keys = [key for key in dict.fromkeys((*left, *right)) if left.get(key) != right.get(key)]
    return [KeyChange(key=key, a=left.get(key), b=right.get(key)) for key in keys]


def clearance_changes(a: VersionManifest, b: VersionManifest) -> list[KeyChange]:
    """Clearances under which one version was built and the other was not: by whom, on which day."""
    left, right = _clearances(a), _clearances(b)
    return [
        KeyChange(key=f"clearance of {key[0]} ({key[1]})", a=left.get(key), b=right.get(key))
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    ]


def _clearances(manifest: VersionManifest) -> dict[tuple[str, str], str]:
    return {(each.source, each.license): _text(f"{each.by}, {each.on}") for each in manifest.cleared}


def _inputs(identity: Identity, names: list[str], shared: set[str]) -> dict[str, str]:
    """Values as JSON by key; a component that the other recipe does not have is one key."""
    recipe = identity.recipe
    tables = recipe.model_dump(mode="json", exclude={"name", "components"})
    found = _flat("", tables)
    for label, component in zip(names, recipe.components, strict=True):
        if label in shared:
            found |= _flat(f"components.{label}.", component.model_dump(mode="json"))
        else:
            found[f"components.{label}"] = _text(component.model_dump(mode="json", exclude_defaults=True))
    found |= {f"evaluation set {name}": digest[:12] for name, digest in identity.evaluation_sets.items()}
    return found | {"tokenizer": identity.tokenizer_sha256[:12]}


def _flat(prefix: str, table: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else {f"{prefix}{key}": _text(value)}
    return found


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def labels(recipe: Recipe, other: Recipe) -> list[str]:
    """What each component is called beside another recipe: its family; with its sources where either recipe has several
    of the family; and with a number where that is not enough."""
    within = [Counter(component.family for component in each.components) for each in (recipe, other)]
    families = within[0] | within[1]
    found: list[str] = []
    for part in recipe.components:
        label = part.family if families[part.family] == 1 else f"{part.family}({','.join(part.sources)})"
        again = sum(name.partition("#")[0] == label for name in found)
        found.append(f"{label}#{again + 1}" if again else label)
    return found


def source_changes(a: VersionManifest, b: VersionManifest) -> list[SourceChange]:
    """Sources that one recipe alone names, or whose corpus is another, sorted."""
    found = []
    for source in sorted(a.sources.keys() | b.sources.keys()):
        left, right = a.sources.get(source, {}), b.sources.get(source, {})
        if left.get("corpus_digest") != right.get("corpus_digest"):
            found.append(
                SourceChange(
                    source=source,
                    revision_a=left.get("revision"),
                    revision_b=right.get("revision"),
                    corpus_a=left.get("corpus_digest"),
                    corpus_b=right.get("corpus_digest"),
                )
            )
    return found


def mix_keys(own: VersionManifest, component: int, other: VersionManifest, other_component: int) -> list[str]:
    """Keys for which one component took another share of its candidates; empty where its budget and order are the same.

    Sizes and weights that differ and give the same budget are no reason.
    """
    recipe, others = own.identity.recipe, other.identity.recipe
    part, met = recipe.components[component], others.components[other_component]
    label = f"components.{labels(recipe, others)[component]}"
    keys = [key for key in ("seed", "unit") if getattr(recipe, key) != getattr(others, key)]
    if own.mix[component].budget != other.mix[other_component].budget:
        keys += ["size"] if recipe.size != others.size else []
        keys += [f"{label}.weight"] if part.weight != met.weight else []
    return keys + [f"{label}.{key}" for key in _selecting(part, met)]


def _selecting(part: Component, other: Component) -> list[str]:
    keys = [key for key in Component.model_fields if key not in ("family", "weight")]
    return [key for key in keys if getattr(part, key) != getattr(other, key)]


def keys_for(column: str, changes: list[KeyChange]) -> list[str]:
    """Changed keys that can change a column which a build makes: `untrained`, `cluster_id`, or the split."""
    names = [change.key for change in changes]
    if column == "untrained":
        return [name for name in names if name.startswith("safety.")]
    mixed = (*_MIX, "title", "tokenizer")
    return [
        name
        for name in names
        if name not in mixed and not name.endswith((".weight", ".max_epochs")) and not name.startswith("evaluation set")
    ]
