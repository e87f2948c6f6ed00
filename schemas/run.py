"""`runs/<name>/run.json`: what a training run was made of, and what it came to."""

from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.fields import Family, Hash, LongCount, NonEmpty, Strict
from schemas.training import RunName, TrainRecipe

#: The file of an adapter's weights, as PEFT names it.
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"

Status = Literal["running", "interrupted", "finished"]


class BaseFacts(Strict):
    """What tells one base model from another."""

    name: NonEmpty
    """As the recipe names it."""
    revision: str | None
    """Commit of the Hub; null where the base lay here."""
    digest: Hash | None
    """sha256 over configuration and weights; null where it came from the Hub."""


class Ancestor(Strict):
    """A link of the lineage; the first is the base itself."""

    kind: Literal["base", "run"]
    name: NonEmpty
    stage: int
    version_id: Hash | None
    """Of the data that the run was trained on; null for the base."""
    adapter: Hash | None
    """sha256 of the adapter's weights; null for the base."""
    mode: Literal["continue", "merge"] | None
    """How the next link started from it; null for the base."""


class FamilySeen(Strict):
    """What a run saw of one family."""

    family: Family
    dialogues: LongCount
    """Renderings, repeats included."""
    tokens: LongCount
    trained_tokens: LongCount


class RunRecord(Strict):
    """One training run."""

    schema_version: int
    run: RunName
    status: Status
    """As of when this was written: a run that was killed left `running`, which `Workspace.run_status` tells apart."""
    host: str | None = None
    """Name of the machine that it runs on; null in records of before that was noted."""
    stage: int
    use: Literal["research", "commercial"]
    version: NonEmpty
    """`NAME@X.Y.Z`."""
    version_id: Hash
    recipe: TrainRecipe
    recipe_sha256: Hash
    template_sha256: Hash
    tokenizer_sha256: Hash
    data_sha256: Hash
    """Of the packed rows in their order: what the run reads, token by token."""
    base: BaseFacts
    lineage: list[Ancestor]
    """From the base to the run's parent."""
    seed: int
    git_revision: str | None
    packages: dict[str, str]
    device: NonEmpty
    precision: Literal["bf16", "fp32"]
    steps: LongCount
    """Planned."""
    steps_done: LongCount
    families: list[FamilySeen]
    """Up to `steps_done`."""
    final_loss: float | None
    """Mean over the last tenth of the steps."""
    adapter: dict[str, Hash] = Field(default_factory=dict)
    """sha256 of each file of `adapter/`; empty until finished."""
    seconds: Annotated[float, Field(ge=0)]
    """Of training, over all its starts."""
    started: NonEmpty
    finished: str | None
