"""Shares of families: what a split holds of each, and how far any stretch of a run strays from that."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from pydantic import BaseModel

from quimbot_data.terminal import counted
from schemas.training import Optimization
from train.data import Trainable

#: Steps over which a family must stay near its share, and how near.
STRETCH: Final = 50
NEAR: Final = 0.03


class FamilyLine(BaseModel):
    """One family of the training split, and of the steps."""

    family: str
    dialogues: int
    tokens: int
    share: float
    """Of the split's tokens."""
    drift: float
    """Furthest that its share of any 50 steps is from that; of the whole run, where it has fewer."""


def family_lines(data: Trainable, rows: Sequence[Sequence[int]], asked: Optimization) -> list[FamilyLine]:
    """Each family's share of the split's tokens, and how far the steps stray from it."""
    names = sorted(set(data.dialogues["family"]))
    of = np.array([names.index(family) for family in data.dialogues["family"]])
    steps = np.zeros((len(rows) // asked.batch + 1, len(names)))
    for number, row in enumerate(rows):
        np.add.at(steps[number // asked.batch + 1], of[row], data.lengths[row])
    shares = np.bincount(of, data.lengths) / data.lengths.sum()
    stretch = min(STRETCH, len(steps) - 1)
    sums = steps.cumsum(0)
    windows = sums[stretch:] - sums[:-stretch]
    drift = np.abs(windows / windows.sum(1, keepdims=True) - shares).max(0)
    return [
        FamilyLine(
            family=name,
            dialogues=int((of == at).sum()),
            tokens=int(data.lengths[of == at].sum()),
            share=float(shares[at]),
            drift=float(drift[at]),
        )
        for at, name in enumerate(names)
    ]


def strays(families: Sequence[FamilyLine], steps: int, batch: int) -> list[str]:
    """Families that do not keep their share, and why."""
    far = [f"{line.family} strays {line.drift:.1%} from its share" for line in families if line.drift > NEAR]
    if not far:
        return []
    if steps < STRETCH:
        rows = counted(steps * batch, "row")
        return [f"Over the whole run {', '.join(far)}: {rows} are few for shares to even out, more steps come nearer."]
    return [f"Over {STRETCH} steps {', '.join(far)}: the batch is small for such dialogues."]
