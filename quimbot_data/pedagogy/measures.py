"""Measures of a set of dialogues, each with the range that good scaffolding lies in: no model is asked.

coherence    does a tutor's turn go with the learner's turn before it
questions    are they of several kinds, and some of them open
adaptation   is language fitted to confusion, kept short as the talk goes on, and easier for beginners
scaffolding  strategies used and kept; no correction outright, none that leaks
tone         encouragement, in more than one way
level        words and sentences within the learner's reach
profile      can heritage and L2 be told apart by the tutor's words, and are they served equally well
diversity    see `quimbot_data.pedagogy.diversity`
contamination    runs of words that an evaluation set holds too
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple


class Target(NamedTuple):
    """A measure by its group and name, and the range that it should lie in; an end that is None is open."""

    group: str
    name: str
    low: float | None
    high: float | None
    says: str


TARGETS: Final = (
    Target("coherence", "uptake", None, None, "mean uptake of the learner's turn"),
    Target("coherence", "next-turn AUC", 0.80, None, "a true next turn against a random one, by words taken up"),
    Target("questions", "open share", 0.10, 0.40, "questions that leave the answer open"),
    Target("questions", "kind entropy", 0.75, None, "over closed, wh, open, check and reflective; 1 is even"),
    Target("adaptation", "simplify pass rate", 1.0, None, "turns after confusion that keep the invariant"),
    Target("adaptation", "drift", None, 1.2, "words of late tutor turns by those of early ones"),
    Target("adaptation", "level against readability", 0.7, None, "Spearman, harder text for higher levels"),
    Target("scaffolding", "valid strategies", 0.95, None, "error turns with a strategy that keeps its invariant"),
    Target("scaffolding", "explicit correction", None, 0.005, "tutor turns that correct outright"),
    Target("scaffolding", "leaks", None, 0.02, "questions and hints that hold the correction"),
    Target("scaffolding", "strategy entropy", 0.85, None, "over the four strategies; 1 is even"),
    Target("tone", "encouraging share", 0.3, 0.6, "tutor turns that encourage"),
    Target("tone", "praise entropy", None, None, "over wordings of praise; 1 is even"),
    Target("level", "level fit", 0.95, None, "tutor turns within a level of the learner's"),
    Target("profile", "heritage against L2 AUC", 0.8, None, "a classifier of tutor text, profile words masked"),
    Target("profile", "quality gap", None, 0.03, "dialogues that keep all invariants, heritage against L2"),
    Target("diversity", "unique openings", 0.60, None, "different first three tokens"),
    Target("diversity", "commonest opening", None, 0.10, "turns that open with the same three tokens"),
    Target("diversity", "duplicate 4-grams", None, 0.18, "runs of four tokens that stood before"),
    Target("diversity", "self-BLEU", None, 0.38, "likeness of turns to each other"),
    Target("diversity", "compression ratio", None, 2.9, "bytes by bytes after gzip"),
    Target("diversity", "largest skeleton", None, 0.02, "turns of one template, slots masked"),
    Target(
        "contamination", "evaluation overlap", None, 0.0, "dialogues with 8 words in a row, or Jaccard .8, of a set"
    ),
)


class Measure(NamedTuple):
    """What a measure gave.

    Attributes:
        target: which it is.
        value: None where it cannot be taken; then `note` says why.
        count: turns, questions, dialogues or pairs that it was taken of.
        note: what must be known to read it.
    """

    target: Target
    value: float | None
    count: int
    note: str = ""

    @property
    def within(self) -> bool | None:
        """Whether it lies in its range; None where it has no value or no range."""
        low, high = self.target.low, self.target.high
        if self.value is None or (low is None and high is None):
            return None
        return (low is None or self.value >= low) and (high is None or self.value <= high)


def measures(dialogues: Sequence[Mapping[str, Any]], *, seed: int = 0) -> list[Measure]:
    """All measures of a set of dialogues but contamination, in the order of `TARGETS`.

    Args:
        dialogues: mappings as `dialogues.read_dialogues` gives them: messages; language, pedagogy where they have them.
        seed: of samples and random pairs.
    """
    raise NotImplementedError
