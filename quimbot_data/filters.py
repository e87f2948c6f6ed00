"""Named rules that drop dialogues one by one: component, licence terms, thresholds, safety.

Each rule is an expression that holds for the rows to keep; the first that a row breaks names its step and reason.
"""

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from schemas.recipe import Component, Filters, Profile, Recipe, SafetyPolicy

#: Terms that a profile does not admit.
FORBIDDEN_TERMS: Final[dict[Profile, tuple[str, ...]]] = {
    "private": (),
    "research": ("unknown",),
    "redistributable": ("no-transfer", "research-only", "unknown"),
    "commercial": ("non-commercial", "research-only", "unknown"),
}

#: Columns that the rules read.
COLUMNS: Final = (
    *("dialogue_id", "source", "family", "untrained", "language", "language_confidence", "language_agrees", "terms"),
    *("provenance", "content_hash", "n_messages", "n_turns", "n_chars", "n_tokens", "safety", "pedagogy", "quality"),
)


def component_of(recipe: Recipe) -> pl.Expr:
    """Index of the first component that a dialogue fits, as int32; null where it fits none."""
    fits = [
        pl.when(_fits(component)).then(pl.lit(number, pl.Int32)) for number, component in enumerate(recipe.components)
    ]
    return pl.coalesce(fits).alias("component")


def _fits(component: Component) -> pl.Expr:
    learner = pl.col("pedagogy").struct.field("learner")
    fits = (pl.col("family") == component.family) & pl.col("source").is_in(component.sources)
    if component.languages is not None:
        fits &= pl.col("language").is_in(component.languages)
    if component.target_languages is not None:
        fits &= learner.struct.field("target_language").is_in(component.target_languages)
    if component.backgrounds is not None:
        fits &= learner.struct.field("background").is_in(component.backgrounds)
    return fits.fill_null(value=False)


def verdict(recipe: Recipe) -> list[pl.Expr]:
    """Columns `step` and `reason` of the first rule that a dialogue breaks; both null where it passes all.

    Expects the columns `COLUMNS` and `component`.
    """
    rules = [
        ("select", "no-component", pl.col("component").is_not_null()),
        *(("terms", term, ~pl.col("terms").list.contains(term)) for term in FORBIDDEN_TERMS[recipe.profile]),
        *(("filter", name, rule) for name, rule in filter_rules(recipe.filters).items()),
        *(("safety", name, rule) for name, rule in safety_rules(recipe.safety).items()),
    ]
    broken = [(step, reason, ~rule.fill_null(value=True)) for step, reason, rule in rules]
    return [
        pl.coalesce(pl.when(breaks).then(pl.lit(step)) for step, _, breaks in broken).alias("step"),
        pl.coalesce(pl.when(breaks).then(pl.lit(reason)) for _, reason, breaks in broken).alias("reason"),
    ]


def filter_rules(filters: Filters) -> dict[str, pl.Expr]:
    """Active threshold rules by the name of the recipe's key; nulls (an undetected language, say) pass."""
    quality = pl.col("quality").struct
    limits: dict[str, Callable[[Any], pl.Expr]] = {
        "min_chars": lambda limit: pl.col("n_chars") >= limit,
        "max_chars": lambda limit: pl.col("n_chars") <= limit,
        "max_tokens": lambda limit: pl.col("n_tokens") <= limit,
        "max_turns": lambda limit: pl.col("n_turns") <= limit,
        "max_symbol_share": lambda limit: quality.field("symbol_share") <= limit,
        "max_digit_share": lambda limit: quality.field("digit_share") <= limit,
        "min_language_confidence": lambda limit: pl.col("language_confidence") >= limit,
        "languages": lambda subtags: pl.col("language").is_in(subtags),
    }
    rules = {name: rule(getattr(filters, name)) for name, rule in limits.items() if getattr(filters, name) is not None}
    if filters.languages_agree:
        rules["languages_agree"] = pl.col("language_agrees")
    if filters.truncated_prompts == "drop":
        rules["truncated_prompts"] = ~quality.field("truncated_prompt")
    if filters.culturally_neutral:
        rules["culturally_neutral"] = _culturally_neutral()
    return rules


def _culturally_neutral() -> pl.Expr:
    pedagogy = pl.col("pedagogy").struct
    learner = pedagogy.field("learner").struct
    bound = (
        learner.field("background").eq_missing(pl.lit("heritage"))
        | learner.field("variety").is_not_null()
        | pedagogy.field("cultural_note").is_not_null()
    )
    return pl.col("pedagogy").is_null() | ~bound


def safety_rules(policy: SafetyPolicy) -> dict[str, pl.Expr]:
    """Rules of the safety policy; a dialogue whose every assistant message is untrained teaches nothing."""
    safety = pl.col("safety").struct
    rules: dict[str, pl.Expr] = {}
    if policy.flagged == "drop":
        rules["flagged"] = ~safety.field("flagged")
    for label in policy.drop_labels:
        rules[f"label:{label}"] = safety.field("label") != label
    for category in policy.drop_categories:
        rules[f"category:{category}"] = ~safety.field("categories").list.contains(category)
    return rules | {"nothing-to-train": untrained(policy).list.len() < pl.col("n_turns")}


def untrained(policy: SafetyPolicy) -> pl.Expr:
    """Positions of assistant messages kept out of the loss, under this policy: sorted int32."""
    if policy.flagged != "untrain":
        return pl.col("untrained")
    flagged = pl.col("safety").struct.field("flagged_positions").fill_null([])
    # User and system messages may be flagged too: assistants stand at the odd positions, or at the even ones from 2
    # where a system message opens.
    odd = (pl.col("n_messages") % 2).cast(pl.Int32)
    assistants = pl.int_ranges(1 + odd, pl.col("n_messages"), 2, dtype=pl.Int32)
    return pl.col("untrained").list.set_union(flagged.list.set_intersection(assistants)).list.sort()
