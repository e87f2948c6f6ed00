"""Trained critics: logistic regressions over named features, kept as weights that can be read and need no library.

Which folds a row is in follows from a hash of its group, so that the same rows give the same figures in any order.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from quimbot_data.pedagogy.profiles import needs_sklearn
from quimbot_data.pedagogy.validation.agreement import f1
from quimbot_data.pedagogy.validation.features import Features
from schemas.fields import Strict

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS: Final = 10
#: Rows that a feature must occur in, to be more than chance.
_LEAST_ROWS: Final = 3


class Weights(Strict):
    """One trained critic: the log odds of yes are `bias` and the sum of weights by features."""

    bias: float
    weights: dict[str, float]

    def says(self, features: Features) -> bool:
        """What the critic says of a row."""
        held = (self.weights.get(name, 0.0) * value for name, value in sorted(features.items()))
        return self.bias + math.fsum(held) > 0


@dataclass(frozen=True)
class Training:
    """How a critic is trained.

    Attributes:
        strength: inverse of the regularisation (C of scikit-learn).
        balanced: rare answers weigh as much as frequent ones.
        tuned: the line between yes and no is moved to where F1 is highest on inner folds of the training rows.
    """

    strength: float
    balanced: bool
    tuned: bool = False


@dataclass(frozen=True)
class Matrix:
    """Features of rows as a sparse matrix: rows by sorted names."""

    names: list[str]
    values: "csr_matrix"


def matrix(rows: Sequence[Features]) -> Matrix:
    """Features, row by row.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction import DictVectorizer
    except ImportError as error:
        raise needs_sklearn() from error
    vectorizer = DictVectorizer(sort=True)
    return Matrix(list(vectorizer.fit(rows).feature_names_), vectorizer.transform(rows))


def fit(
    features: Matrix, rows: Sequence[int], truth: Sequence[bool], groups: Sequence[str], training: Training
) -> Weights:
    """Train a critic on some rows.

    Args:
        features: of all rows.
        rows: places of those to train on.
        truth: what people say of each of all rows.
        groups: of each of all rows; inner folds keep groups together.
        training: how.
    """
    found = _fit(features, rows, truth, training)
    if not training.tuned or not found.weights:
        return found
    inner = [fold_of(groups[place]) % _INNER for place in rows]
    scores = [0.0] * len(rows)
    for fold in set(inner):
        others = [place for place, own in zip(rows, inner, strict=True) if own != fold]
        critic = _fit(features, others, truth, training)
        held = [number for number, own in enumerate(inner) if own == fold]
        for number, score in zip(held, _scores(critic, features, [rows[number] for number in held]), strict=True):
            scores[number] = score
    known = [truth[place] for place in rows]
    best = max(_CUTS, key=lambda cut: (f1(known, [score > cut for score in scores]), -abs(cut)))
    return Weights(bias=round(found.bias - _TRUST * best, 6), weights=found.weights)


#: Inner folds, and where the line may be moved to, in log odds; it goes most of the way only, for what chance is in it.
_INNER: Final = 3
_CUTS: Final = tuple(step / 20 for step in range(-20, 21))
_TRUST: Final = 0.7


def _scores(critic: Weights, features: Matrix, rows: Sequence[int]) -> list[float]:
    import numpy as np

    weights = np.array([critic.weights.get(name, 0.0) for name in features.names])
    return [float(score) for score in features.values[list(rows)] @ weights + critic.bias]


def _fit(features: Matrix, rows: Sequence[int], truth: Sequence[bool], training: Training) -> Weights:
    from sklearn.linear_model import LogisticRegression

    known = [truth[place] for place in rows]
    if len(set(known)) < 2:
        return Weights(bias=1.0 if known and known[0] else -1.0, weights={})
    values = features.values[list(rows)]
    frequent = [int(column) for column in (values.getnnz(axis=0) >= _LEAST_ROWS).nonzero()[0]]
    weight = "balanced" if training.balanced else None
    # Random state: liblinear draws the order of coordinates.
    model = LogisticRegression(
        C=training.strength, class_weight=weight, max_iter=2000, solver="liblinear", random_state=0
    )
    model.fit(values[:, frequent], known)
    told = zip(frequent, model.coef_[0], strict=True)
    weights = {features.names[column]: round(float(one), 6) for column, one in told}
    return Weights(bias=round(float(model.intercept_[0]), 6), weights=weights)


def fold_of(group: str) -> int:
    """The fold of a group."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % FOLDS


def predictions(
    rows: Sequence[Features],
    truth: Sequence[bool],
    groups: Sequence[str],
    systems: Sequence[str] | None,
    asked: Sequence[bool],
    training: Training,
) -> list[bool | None]:
    """What critics say that were trained on other groups only, and, given systems, on other systems only.

    Args:
        rows: features.
        truth: what people say.
        groups: rows of one group are never on both sides.
        systems: whose words each row is; None where no system is left out.
        asked: which rows are to be judged; the others only train.
        training: how.

    Returns:
        One a row, None where it was not asked.
    """
    folds = [fold_of(group) for group in groups]
    features = matrix(rows)
    found: list[bool | None] = [None] * len(rows)
    for system in sorted({s for s, wanted in zip(systems, asked, strict=True) if wanted}) if systems else [None]:
        others = [systems is None or systems[place] != system for place in range(len(rows))]
        for fold in range(FOLDS):
            held = [p for p in range(len(rows)) if asked[p] and folds[p] == fold and (not systems or not others[p])]
            if not held:
                continue
            train = [p for p in range(len(rows)) if folds[p] != fold and others[p]]
            critic = fit(features, train, truth, groups, training)
            for place in held:
                found[place] = critic.says(rows[place])
    return found
