"""Measures of all of a model's answers at once, which no single answer has: how they vary, and how they repeat."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from quimbot_data.pedagogy.conduct import evenness
from quimbot_data.pedagogy.diversity import diversity
from quimbot_data.pedagogy.questions import KINDS, questions_of
from quimbot_data.pedagogy.uptake import uptake
from schemas.learner import STRATEGIES
from train.evaluate.replies import Asked, Reply
from train.evaluate.to_errors import to_error
from train.prompts import Prompt

#: What each tells, and where it should lie (pedagogy, §6).
WHOLE: Final[Mapping[str, tuple[str, str]]] = {
    "question_diversity": ("evenness of the five kinds of questions", "≥ .75"),
    "strategy_diversity": ("evenness of the four strategies among answers to an error", "≥ .85"),
    "uptake": ("how much an answer makes of the learner's words, on average", "higher"),
    "unique_openings": ("different first three words, by answers", "≥ .60"),
    "commonest_opening": ("answers that open with the most frequent three words", "≤ .10"),
    "duplicate_4grams": ("runs of four words that stood in another answer", "≤ .18"),
    "largest_skeleton": ("answers of the most frequent slot-masked skeleton", "≤ .02"),
}


@dataclass(frozen=True)
class Whole:
    """A measure of all answers under each model, in the order of the models; None where it has no value."""

    measure: str
    values: list[float | None]


def whole(asked: Sequence[Asked], replies: Sequence[Reply], models: Sequence[str]) -> list[Whole]:
    """All measures, in the order of `WHOLE`; none where nothing was asked."""
    prompts = {prompt.id: prompt for _, prompt in asked}
    by_model = [_of_model(prompts, [reply for reply in replies if reply.model == model]) for model in models]
    return [Whole(name, [found[name] for found in by_model]) for name in WHOLE] if replies else []


def _of_model(prompts: Mapping[str, Prompt], replies: Sequence[Reply]) -> dict[str, float | None]:
    kinds: Counter[str] = Counter()
    strategies: Counter[str] = Counter()
    taken: list[float] = []
    for reply in replies:
        prompt = prompts[reply.prompt]
        kinds.update(questions_of(reply.text, prompt.language))
        said = [prompt.messages[-1].content, *prompt.then][reply.turn]
        taken.append(uptake(said, reply.text, prompt.language))
        if prompt.error:
            strategies.update(to_error(prompt, prompt.error, reply.text).strategies)
    told = diversity([reply.text for reply in replies], [prompts[reply.prompt].language for reply in replies])
    repeated = ("unique_openings", "commonest_opening", "duplicate_4grams", "largest_skeleton")
    return {
        "question_diversity": evenness(kinds, len(KINDS)),
        "strategy_diversity": evenness(strategies, len(STRATEGIES)),
        "uptake": sum(taken) / len(taken) if taken else None,
        **{name: getattr(told, name) if told.turns else None for name in repeated},
    }
