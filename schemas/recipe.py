"""A recipe: which corpora, in which shares, past which thresholds, split how. A dated TOML file, never reused."""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.fields import LEAST_SCORE, Count, Family, NonEmpty, Share, SourceName, Strict, Subtag
from schemas.toml import load_toml, parse_toml

Profile = Literal["private", "research", "redistributable", "commercial"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Positive = Annotated[int, Field(ge=1)]
KeepOrDrop = Literal["keep", "drop"]
SafetyAction = Literal["keep", "drop", "untrain"]


class Component(Strict):
    """One share of the mix. A dialogue belongs to the first component that it fits."""

    family: Family
    weight: Annotated[float, Field(gt=0, le=1)]
    sources: Annotated[list[SourceName], Field(min_length=1)]
    max_epochs: Annotated[int, Field(ge=1, le=100)] = 1
    """How often a row may be used to fill the share: repeats are of training rows only, by rising `u` again, and each
    has an id of its own (`…@epoch2`)."""
    languages: list[Subtag] | None = None
    """Only dialogues in these languages; all where not given."""
    target_languages: list[Subtag] | None = None
    """Only dialogues whose learner studies one of these."""
    backgrounds: list[Literal["heritage", "l2"]] | None = None
    """Only dialogues whose learner has one of these backgrounds."""


class Filters(Strict):
    """Thresholds, each the name of the reason that a dropped dialogue gets. Null switches a filter off."""

    min_chars: Count | None = None
    max_chars: Count | None = None
    max_tokens: Count | None = None
    max_turns: Count | None = None
    max_symbol_share: Share | None = None
    max_digit_share: Share | None = None
    min_language_confidence: Share | None = None
    languages: list[Subtag] | None = None
    languages_agree: bool = False
    """Drop dialogues whose declared language is another than the detected one."""
    truncated_prompts: KeepOrDrop = "keep"
    max_duplicate_line_share: Share | None = None
    max_top_bigram_share: Share | None = None
    max_duplicate_5gram_share: Share | None = None
    refusals: KeepOrDrop = "keep"
    """Dialogues in which an assistant refuses. The safety family keeps its own: there a refusal may be the lesson."""
    ai_disclaimers: KeepOrDrop = "keep"
    """Dialogues in which an assistant speaks of itself as a language model."""
    reply_language: KeepOrDrop = "keep"
    """Dialogues whose last reply is surely in another language than its prompt; translations are, too."""
    empty_talk: KeepOrDrop = "keep"
    """Dialogues in which the user says nothing but greetings and the like."""
    max_rows_per_skeleton: Positive | None = None
    """Most dialogues whose first prompt follows one template (`quimbot_data.skeletons`)."""
    culturally_neutral: bool = False
    """Drop heritage and variety-bound dialogues and those with a cultural note (Stage 1)."""
    exact_duplicates: KeepOrDrop = "drop"


class SafetyPolicy(Strict):
    """What becomes of dialogues by the safety labels and scores that their own corpus, or a classifier, gave them.

    The most specific action holds: that of a category (`[safety.categories]`, of several the strictest), else that of
    the corpus's overall label (`[safety.labels]`, flagged or not), else `flagged`, for flagged dialogues.
    """

    flagged: SafetyAction = "keep"
    """`untrain` keeps the dialogue and takes flagged assistant messages out of the loss; a flagged user message
    changes nothing, since users are never trained on."""
    labels: dict[NonEmpty, SafetyAction] = Field(default_factory=dict)
    """By label, e.g. `needs_intervention` (ProsocialDialog) or `unsafe` (Llama Guard)."""
    categories: dict[NonEmpty, SafetyAction] = Field(default_factory=dict)
    """By category, e.g. `sexual/minors` (OpenAI's moderation) or `S4` (Llama Guard)."""
    scores: dict[NonEmpty, Annotated[float, Field(ge=LEAST_SCORE, le=1)]] = Field(default_factory=dict)
    """By category, the score from which a message counts as flagged for it, whatever the corpus flagged itself."""


class NearDuplicates(Strict):
    """What becomes of dialogues whose word shingles overlap (see `quimbot_data.near_duplicates`)."""

    action: Literal["off", "tie", "drop"] = "drop"
    """A recipe without this table does not look for them. `drop` keeps one of each cluster; `tie` keeps all, names the
    cluster and keeps it in one split."""
    threshold: Annotated[float, Field(ge=0.7, le=1)] = 0.8
    """Least Jaccard similarity; below 0.7 the bands that find candidates would miss too many."""


class Decontamination(Strict):
    """Evaluation sets that no dialogue of the version may hold (see `quimbot_data.decontamination`)."""

    sets: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Files or folders below the workspace's `evaluation/`, or `NAME@X.Y.Z` for a version's validation and test."""
    ngram: Annotated[int, Field(ge=5, le=50)] = 13
    """Words that a dialogue and an item must share in a row: 13 after GPT-3 (Brown et al. 2020, appendix C)."""


class Splits(Strict):
    """Shares of the hash range, and languages held out whole (they go to test)."""

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.01
    test: Annotated[float, Field(ge=0, lt=1)] = 0.01
    languages: list[Subtag] = Field(default_factory=list)

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave room for train (sum below 1)")
        return self


class Recipe(Strict):
    """A resolved recipe: every default filled in. Its canonical JSON is part of a version's identity."""

    name: Name
    title: str = ""
    unit: Literal["tokens", "dialogues"] = "tokens"
    size: Positive | Literal["max"]
    seed: Annotated[int, Field(ge=0)] = 20260208
    profile: Profile = "private"
    components: Annotated[list[Component], Field(min_length=1)]
    filters: Filters = Filters()
    safety: SafetyPolicy = SafetyPolicy()
    near_duplicates: NearDuplicates = NearDuplicates(action="off")
    decontaminate: Decontamination = Decontamination()
    splits: Splits = Splits()

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = math.fsum(component.weight for component in self.components)
        if not math.isclose(total, 1, abs_tol=1e-9):
            raise ValueError(f"component weights must sum to 1, not {total:g}")
        return self

    def sources(self) -> list[str]:
        """All sources that the recipe names, each once, in its order: the order of preference among duplicates."""
        return list(dict.fromkeys(source for component in self.components for source in component.sources))


def parse_recipe(text: str, origin: str) -> Recipe:
    """Parse and validate a recipe.

    Args:
        text: TOML.
        origin: where it was read, for messages.

    Raises:
        RecipeError: naming every wrong key and value, and what is valid.
    """
    return parse_toml(Recipe, text, origin)


def load_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: not readable, not TOML, or not valid.
    """
    return load_toml(Recipe, path)
