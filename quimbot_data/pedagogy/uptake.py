"""How far a turn takes up the turn before: words that return, rare ones more, in a turn that says or asks something.

Measured against teachers' ratings of Demszky et al. 2021 (arXiv 2106.03873), whose overlap counts agree by about .51.
"""

import math
from typing import Final

from quimbot_data.pedagogy.tokens import QUESTION_MARKS, words_of, zipf

#: Words from this frequency on say nothing of a subject, in Zipf units.
_COMMONEST: Final = 7.0
#: Weights of the turn's length and of a question, beside the words taken up: by eye on the ratings, not fitted.
_LENGTH: Final = 0.5
_QUESTION: Final = 0.3


def overlap(before: str, turn: str, language: str) -> int:
    """Different words that return: the cheap baseline."""
    return len(set(words_of(before, language)) & set(words_of(turn, language)))


def taken_up(before: str, turn: str, language: str) -> float:
    """Weight of the words that return: log(1 + sum of 7 - Zipf), 0 where none does."""
    returned = set(words_of(before, language)) & set(words_of(turn, language))
    return math.log1p(math.fsum(sorted(max(0.0, _COMMONEST - zipf(word, language)) for word in returned)))


def uptake(before: str, turn: str, language: str) -> float:
    """How much a tutor's turn makes of the learner's turn before it; from 0, mostly under 6."""
    asks = any(mark in turn for mark in QUESTION_MARKS)
    return taken_up(before, turn, language) + _LENGTH * math.log1p(len(words_of(turn, language))) + _QUESTION * asks
