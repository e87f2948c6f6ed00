"""A recipe of five steps on a tiny random model that reads bytes, and what refuses to begin with it."""

from pathlib import Path

import pytest
from tiny_run import tiny_llama
from versions_to_share import MIXED

from quimbot_data.workspace import Workspace
from schemas.errors import QuimbotError
from schemas.training import Adapter, Optimization, TrainRecipe
from train import run as runs
from train.run import run

STEPS = 5


def tiny_recipe(folder: Path) -> TrainRecipe:
    """Dropout is on, so that a run that goes on must go on with the same random numbers."""
    return TrainRecipe(
        name="tiny",
        version=str(MIXED),
        base=str(tiny_llama(folder)),
        adapter=Adapter(rank=2, alpha=4, dropout=0.1),
        optimization=Optimization(steps=STEPS, batch=2, max_length=256, learning_rate=1e-2, warmup=0),
        checkpoint_every=2,
    )


def no_weights(*_: object, **__: object) -> None:
    raise AssertionError("weights were loaded")


def refused(place: Workspace, recipe: TrainRecipe, error: type[QuimbotError], *told: str, name: str = "tiny") -> None:
    """Hold that a run is refused before any weight is loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "starting_model", no_weights)
        with pytest.raises(error) as caught:
            run(place, recipe, name)
    for word in told:
        assert word in str(caught.value), (word, str(caught.value))
