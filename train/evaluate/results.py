"""`evaluation.json`: what an evaluation found."""

from pydantic import BaseModel

from schemas.fields import Hash
from train.evaluate.judge import Judgement
from train.evaluate.likelihoods import Likelihood
from train.evaluate.summary import Measured
from train.evaluate.whole import Whole


class Losses(BaseModel):
    """Losses on the test split of one version."""

    version: str
    version_id: Hash
    why: str
    """What it is told for, after its heading."""
    models: list[str]
    lines: list[Likelihood]
    plot: str | None
    """Beside the report."""


class Evaluation(BaseModel):
    """An evaluation of a run."""

    run: str
    adapter: dict[str, Hash]
    models: list[str]
    """The base, the run that a stage-2 run started from, the run."""
    tokens: int
    """Of an answer at most."""
    most: int | None
    """Dialogues of a split that were scored at most."""
    losses: list[Losses]
    """Of the run's own version first, then, at stage 2, of stage 1's: what was forgotten."""
    measures: list[Measured]
    whole: list[Whole]
    """Measures of all answers at once."""
    judgement: Judgement | None
