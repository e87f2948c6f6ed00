"""Does a tutor's turn go with the talk before it: uptake, and whether the true next turn can be told from another's."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from quimbot_data.pedagogy.tokens import words_of, zipf
from quimbot_data.pedagogy.turns import TutorTurn
from quimbot_data.pedagogy.uptake import uptake

#: Turns of other dialogues that each true one is held against.
OTHERS: Final = 4
#: A word of so many Zipf weighs nothing; each step rarer weighs one more.
_COMMONEST: Final = 7.0
#: What words of earlier turns weigh, turn by turn back.
_FADING: Final = 0.6


class Coherence(NamedTuple):
    """Over the tutor turns that answer a learner's; None where there are none, or no other dialogue to compare with."""

    turns: int
    uptake: float | None
    auc: float | None
    """A true next turn scores above a random one of another dialogue in the language; .5 is chance."""


def coherence(turns: Sequence[TutorTurn], *, seed: int = 0) -> Coherence:
    """Mean uptake, and the next-turn AUC."""
    answers = [turn for turn in turns if turn.before is not None]
    if not answers:
        return Coherence(0, None, None)
    mean = math.fsum(uptake(turn.before or "", turn.text, turn.language) for turn in answers) / len(answers)
    return Coherence(len(answers), mean, _next_turn_auc(turns, seed))


def _next_turn_auc(turns: Sequence[TutorTurn], seed: int) -> float | None:
    """Share of pairs, a turn's own talk with its answer and with another's, in which its own fits better; ties half."""
    by_language = defaultdict(list)
    for turn in turns:
        by_language[turn.language].append(turn)
    won = pairs = 0.0
    for place, (turn, context) in enumerate(zip(turns, _contexts(turns), strict=True)):
        if turn.before is None:
            continue
        true = _fit(context, turn)
        others = [_fit(context, other) for other in _others(turn, by_language[turn.language], place, seed)]
        won += sum(1.0 if true > other else 0.5 if true == other else 0.0 for other in others)
        pairs += len(others)
    return won / pairs if pairs else None


def _contexts(turns: Sequence[TutorTurn]) -> list[dict[str, float]]:
    """Words of the talk before each turn, with weights that fade by turns back."""
    contexts: list[dict[str, float]] = []
    dialogue, held = -1, dict[str, float]()
    for turn in turns:
        if turn.dialogue != dialogue:
            dialogue, held = turn.dialogue, {}
        context = held | dict.fromkeys(words_of(turn.before or "", turn.language), 1.0)
        contexts.append(context)
        held = {word: weight * _FADING for word, weight in context.items()}
        held |= {word: max(held.get(word, 0.0), _FADING) for word in words_of(turn.text, turn.language)}
    return contexts


def _fit(context: dict[str, float], turn: TutorTurn) -> float:
    """Weight of a turn's words that the talk before holds, by that of all its words."""
    words = set(words_of(turn.text, turn.language))
    weights = {word: max(0.0, _COMMONEST - zipf(word, turn.language)) for word in sorted(words)}
    held = math.fsum(weight * context.get(word, 0.0) for word, weight in weights.items())
    return held / math.sqrt(1.0 + math.fsum(weights.values()))


def _others(turn: TutorTurn, language: Sequence[TutorTurn], place: int, seed: int) -> list[TutorTurn]:
    """Turns of other dialogues, by hashes of seed and place."""
    found: list[TutorTurn] = []
    for step in range(4 * OTHERS):
        digest = hashlib.sha256(f"{seed}|{place}|{step}".encode()).digest()
        other = language[int.from_bytes(digest[:8], "big") % len(language)]
        if other.dialogue != turn.dialogue:
            found.append(other)
        if len(found) == OTHERS:
            break
    return found
