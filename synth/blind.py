"""The blind check: can strategy, level and background be read off the tutor's words alone?

A critic sees what the tutor says and nothing else. Dialogues of one fold of seeds are judged by a critic that was
fitted on the other fold, whose seeds and whose alternatives of the grammar are other ones. What it does not recover is
dropped; how much it recovered before is reported. It is never asked for the first language: no tutor's words may tell.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from quimbot_data.pedagogy.tokens import QUESTION_MARKS, sentences_of, tokens_of, words_of, zipf

#: What is to be recovered.
TARGETS: Final = ("strategy", "level", "background")
#: Width of a step of a count, where it is not 1, and the most steps that are told apart.
_WIDTHS: Final = {
    "letters a word": 0.2,
    "frequency": 0.1,
    "questions": 0.25,
    "words a turn": 2.0,
    "words in the first": 2.0,
}
_MOST_STEPS: Final = 80
#: Inverse strength of the regression's penalty.
_C: Final = 1.0


@dataclass(frozen=True)
class Unseen:
    """A dialogue as the check takes it: the tutor's turns in order, and what is to be recovered from them."""

    language: str
    fold: int
    turns: Sequence[str]
    truth: Mapping[str, str]
    """Value by target."""


@dataclass
class BlindCritic:
    """One model a language, fold and target; a target with one value only is known without a model.

    Attributes:
        models: by (language, fold to judge, target): a fitted pipeline, or the one value that there is.
    """

    models: dict[tuple[str, int, str], Any] = field(default_factory=dict)

    def recovered(self, dialogues: Sequence[Unseen]) -> list[dict[str, bool]]:
        """For each dialogue, by target, whether the critic finds what it is."""
        found: list[dict[str, bool]] = [{} for _ in dialogues]
        looks = [traits(each.language, each.turns) for each in dialogues]
        for key in sorted({(each.language, each.fold) for each in dialogues}):
            places = [place for place, each in enumerate(dialogues) if (each.language, each.fold) == key]
            for target in TARGETS:
                model = self.models[(*key, target)]
                guesses = [model] * len(places) if isinstance(model, str) else _predicted(model, looks, places)
                for place, guess in zip(places, guesses, strict=True):
                    found[place][target] = guess == dialogues[place].truth[target]
        return found


def _predicted(model: Any, looks: Sequence[Mapping[str, float]], places: Sequence[int]) -> list[str]:
    return [str(value) for value in model.predict([looks[place] for place in places])]


def fit(dialogues: Sequence[Unseen]) -> BlindCritic:
    """Fit a critic for each fold on the dialogues of the others.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
    """
    critic = BlindCritic()
    looks = [traits(each.language, each.turns) for each in dialogues]
    for language, fold in sorted({(each.language, each.fold) for each in dialogues}):
        others = [n for n, each in enumerate(dialogues) if each.language == language and each.fold != fold]
        for target in TARGETS:
            truth = [dialogues[n].truth[target] for n in others]
            several = len(set(truth)) > 1
            critic.models[language, fold, target] = (
                _fitted([looks[n] for n in others], truth) if several else (truth or ["none"])[0]
            )
    return critic


def _fitted(looks: Sequence[Mapping[str, float]], truth: Sequence[str]) -> Any:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler
    from threadpoolctl import threadpool_limits

    model = make_pipeline(DictVectorizer(), MaxAbsScaler(), LogisticRegression(C=_C, max_iter=300))
    with threadpool_limits(1):  # sums over threads would differ in their last bits
        return model.fit(list(looks), list(truth))


def traits(language: str, turns: Sequence[str]) -> dict[str, float]:
    """What is seen of a tutor's turns: words and pairs of words, of the first turn and of all, and counts."""
    first = tokens_of(turns[0], language)
    every = [token for turn in turns for token in tokens_of(turn, language)]
    seen = {f"1 {run}": 1.0 for run in _runs(first)} | {f"* {run}": 1.0 for run in _runs(every)}
    if language == "zh":  # words are cut by chance where phrases are short
        seen |= {f"c {run}": 1.0 for run in _runs([char for turn in turns for char in turn if char.isalnum()])}
    return seen | _counts(language, turns)


def _runs(tokens: Sequence[str]) -> list[str]:
    return [*tokens, *map(" ".join, itertools.pairwise(tokens))]


def _counts(language: str, turns: Sequence[str]) -> dict[str, float]:
    words = [words_of(turn, language) for turn in turns]
    sentences = [len(words_of(part, language)) for turn in turns for part in sentences_of(turn)]
    every = [word for turn in words for word in turn]
    counted = {
        "words a turn": len(every) / len(turns),
        "words in the first": len(words[0]),
        "words a sentence": sum(sentences) / max(len(sentences), 1),
        "longest sentence": max(sentences, default=0),
        "letters a word": sum(map(len, every)) / max(len(every), 1),
        "frequency": sum(zipf(word, language) for word in every) / max(len(every), 1),
        "foreign words": sum(_foreign(word, language) for word in every),
        "questions": sum(turn.count(mark) for turn in turns for mark in QUESTION_MARKS) / len(turns),
        "questions in the first": sum(turns[0].count(mark) for mark in QUESTION_MARKS),
        "phrases quoted": sum(turns[0].count(mark) for mark in '“«「"'),
    }
    return {f"# {name} > {step}": 1.0 for name, value in counted.items() for step in _steps(name, float(value))}


def _foreign(word: str, language: str) -> bool:
    """Whether a word is rather English's than the target language's."""
    return language != "en" and zipf(word, "en") > zipf(word, language) + 1


def _steps(name: str, value: float) -> list[int]:
    """A count as the steps that it has passed, so that a line through traits can bend."""
    width = _WIDTHS.get(name, 1.0)
    return list(range(min(int(value / width), _MOST_STEPS)))
