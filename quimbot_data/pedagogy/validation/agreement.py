"""How far critics agree with people, in the measures of the specification."""

from collections.abc import Sequence

from quimbot_data.pedagogy.conduct import spearman

__all__ = ["f1", "macro_f1", "majority_f1", "majority_macro_f1", "spearman"]


def f1(truth: Sequence[bool], said: Sequence[bool]) -> float:
    """F1 of yes; 0 where nobody says yes.

    >>> f1([True, True, False], [True, False, False])
    0.6666666666666666
    """
    both = sum(a and b for a, b in zip(truth, said, strict=True))
    either = sum(truth) + sum(said)
    return 2 * both / either if either else 0.0


def macro_f1(truth: Sequence[bool], said: Sequence[bool]) -> float:
    """Mean F1 of yes and of no."""
    return (f1(truth, said) + f1([not a for a in truth], [not b for b in said])) / 2


def majority_macro_f1(truth: Sequence[bool]) -> float:
    """Macro-F1 of always saying what people say most."""
    most = 2 * sum(truth) >= len(truth)
    return macro_f1(truth, [most] * len(truth))


def majority_f1(truth: Sequence[bool]) -> float:
    """F1 of always saying yes, the best that can be had without looking."""
    return f1(truth, [True] * len(truth))
