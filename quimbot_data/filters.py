"""Named rules that drop dialogues one by one: component, licence terms, thresholds, safety.

Each rule is an expression that holds for the rows to keep; the first that a row breaks names its step and reason.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from schemas.clearance import Clearance
from schemas.recipe import Component, Filters, Profile, Recipe, SafetyAction, SafetyPolicy

#: Terms that a profile does not admit.
FORBIDDEN_TERMS: Final[dict[Profile, tuple[str, ...]]] = {
    "private": (),
    "research": ("unknown",),
    "redistributable": ("no-transfer", "research-only", "unknown"),
    "commercial": ("non-commercial", "research-only", "unknown"),
}

#: Profiles that admit rows of unknown terms once somebody has cleared them (`quimbot_data.clearance`).
CLEARABLE: Final[tuple[Profile, ...]] = ("research",)

#: Columns that the rules read.
COLUMNS: Final = (
    *("dialogue_id", "source", "family", "untrained", "language", "language_confidence", "language_agrees"),
    *(
        "license",
        "terms",
        "provenance",
        "content_hash",
        "n_messages",
        "n_turns",
        "n_chars",
        "n_tokens",
        "safety",
        "pedagogy",
        "quality",
    ),
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


def verdict(recipe: Recipe, cleared: Sequence[Clearance] = ()) -> list[pl.Expr]:
    """Columns `step` and `reason` of the first rule that a dialogue breaks; both null where it passes all.

    Expects the columns `COLUMNS` and `component`.
    """
    rules = [
        ("select", "no-component", pl.col("component").is_not_null()),
        *(("terms", term, rule) for term, rule in term_rules(recipe.profile, cleared).items()),
        *(("filter", name, rule) for name, rule in filter_rules(recipe.filters).items()),
        *(("safety", name, rule) for name, rule in safety_rules(recipe.safety).items()),
    ]
    broken = [(step, reason, ~rule.fill_null(value=True)) for step, reason, rule in rules]
    return [
        pl.coalesce(pl.when(breaks).then(pl.lit(step)) for step, _, breaks in broken).alias("step"),
        pl.coalesce(pl.when(breaks).then(pl.lit(reason)) for _, reason, breaks in broken).alias("reason"),
    ]


def term_rules(profile: Profile, cleared: Sequence[Clearance] = ()) -> dict[str, pl.Expr]:
    """What a profile asks of `source`, `license` and `terms`, by the term that it does not admit."""
    rules = {term: ~pl.col("terms").list.contains(term) for term in FORBIDDEN_TERMS[profile]}
    if profile in CLEARABLE:
        for each in cleared:
            rules["unknown"] |= (pl.col("source") == each.source) & (pl.col("license") == each.license)
    return rules


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
        "max_duplicate_line_share": lambda limit: quality.field("duplicate_line_share") <= limit,
        "max_top_bigram_share": lambda limit: quality.field("top_bigram_share") <= limit,
        "max_duplicate_5gram_share": lambda limit: quality.field("duplicate_5gram_share") <= limit,
        "min_language_confidence": lambda limit: pl.col("language_confidence") >= limit,
        "languages": lambda subtags: pl.col("language").is_in(subtags),
    }
    rules = {name: rule(getattr(filters, name)) for name, rule in limits.items() if getattr(filters, name) is not None}
    if filters.languages_agree:
        rules["languages_agree"] = pl.col("language_agrees")
    faults = {
        "truncated_prompts": quality.field("truncated_prompt"),
        "refusals": quality.field("refusal") & (pl.col("family") != "safety"),
        "ai_disclaimers": quality.field("ai_disclaimer"),
        "reply_language": quality.field("reply_language_differs"),
        "empty_talk": quality.field("empty_talk"),
    }
    rules |= {name: ~fault for name, fault in faults.items() if getattr(filters, name) == "drop"}
    if filters.culturally_neutral:
        rules["culturally_neutral"] = _culturally_neutral()
    return rules


def _culturally_neutral() -> pl.Expr:
    pedagogy = pl.col("pedagogy").struct
    note = pl.element().struct.field("cultural_note")
    learner = pedagogy.field("learner").struct
    bound = (
        learner.field("background").eq_missing(pl.lit("heritage"))
        | learner.field("variety").is_not_null()
        | pedagogy.field("turns").list.eval(note.is_not_null()).list.any()
    )
    return pl.col("pedagogy").is_null() | ~bound


def safety_rules(policy: SafetyPolicy) -> dict[str, pl.Expr]:
    """Rules of the safety policy; a dialogue whose every assistant message is untrained teaches nothing."""
    dropped = {reason: ~holds for reason, holds in _judged(policy, "drop").items()}
    return dropped | {"nothing-to-train": untrained(policy).list.len() < pl.col("n_turns")}


def _judged(policy: SafetyPolicy, action: SafetyAction) -> dict[str, pl.Expr]:
    """What makes the policy take this action, by reason: the categories that it names, the labels, else the flag.

    A dialogue's label counts where no category of its own was named, and the flag where its label was not either; of
    several categories each counts, those that were not named as the label or the flag does.
    """
    flagged, categories, _ = _labels(policy)
    label = pl.col("safety").struct.field("label")
    general = (categories.list.len() == 0) | (categories.list.set_difference(list(policy.categories)).list.len() > 0)
    other = general & ~label.is_in(list(policy.labels)).fill_null(value=False)
    judged = {
        **{f"category:{name}": categories.list.contains(name) for name in _named(policy.categories, action)},
        **{f"label:{name}": (label == name) & general for name in _named(policy.labels, action)},
    }
    return judged | ({"flagged": flagged & other} if policy.flagged == action else {})


def _labels(policy: SafetyPolicy) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Whether a dialogue is flagged, its categories and the flagged positions: the corpus's, and by its scores."""
    safety = pl.col("safety").struct
    own = safety.field("flagged"), safety.field("categories"), safety.field("flagged_positions")
    if not policy.scores:
        return own
    score = pl.element().struct
    reached = pl.any_horizontal(
        (score.field("category") == name) & (score.field("score") >= least) for name, least in policy.scores.items()
    )
    scored = safety.field("scores").list.eval(pl.element().filter(reached))
    return (
        own[0] | (scored.list.len() > 0),
        own[1].list.set_union(scored.list.eval(score.field("category"))),
        own[2].list.set_union(scored.list.eval(score.field("position"))),
    )


def _named(actions: Mapping[str, SafetyAction], action: SafetyAction) -> list[str]:
    # Sorted, since the order of keys is not part of a version's identity, and the first reason is what fates state.
    return sorted(name for name, chosen in actions.items() if chosen == action)


def untrained(policy: SafetyPolicy) -> pl.Expr:
    """Positions of assistant messages kept out of the loss, under this policy: sorted int32.

    A corpus flags positions and labels dialogues: whatever the reason, all flagged assistant messages are untrained,
    and no other; a message is flagged by its corpus or by a score that the policy names. ProsocialDialog's labels are
    about the user's words, so its answers stay in.
    """
    judged = [holds.fill_null(value=False) for holds in _judged(policy, "untrain").values()]
    if not judged:
        return pl.col("untrained")
    flagged = pl.when(pl.any_horizontal(judged)).then(_labels(policy)[2])
    # User and system messages may be flagged too: assistants stand at the odd positions, or at the even ones from 2
    # where a system message opens.
    odd = (pl.col("n_messages") % 2).cast(pl.Int32)
    assistants = pl.int_ranges(1 + odd, pl.col("n_messages"), 2, dtype=pl.Int32)
    return pl.col("untrained").list.set_union(flagged.fill_null([]).list.set_intersection(assistants)).list.sort()
