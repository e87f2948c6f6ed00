"""The blind check: can strategy, level and background be read off the tutor's words alone?

A critic sees what the tutor says and nothing else. Dialogues of one fold of seeds are judged by a critic that was
fitted on the other fold, whose seeds and whose alternatives of the grammar are other ones. What it does not recover is
dropped; how much it recovered before is reported. It is never asked for the first language: no tutor's words may tell.
"""

import itertools
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

from quimbot_data.pedagogy.tokens import QUESTION_MARKS, sentences_of, tokens_of, words_of, zipf
from schemas.errors import InputError

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
#: Traits by which a model judges: those that differ most between the values of its target.
_TELLING: Final = 1500
#: Columns that traits are hashed to.
COLUMNS: Final = 2**15
#: Inverse strength of the regression's penalty.
_C: Final = 0.2


@dataclass(frozen=True)
class Unseen:
    """A dialogue as the check takes it: what the tutor's words show, and what is to be recovered from them."""

    language: str
    fold: int
    columns: "array[int]"
    """What `seen` gives."""
    truth: Mapping[str, str]
    """Value by target."""


@dataclass
class BlindCritic:
    """One model a language, fold and target; a target with one value only is known without a model.

    Attributes:
        models: by (language, fold to judge, target): a fitted model, or the one value that there is.
    """

    models: dict[tuple[str, int, str], Any] = field(default_factory=dict)

    def tells(self, dialogue: Unseen) -> tuple[str, ...]:
        """Targets that are told by the words: where there is one value only, there is nothing to recover."""
        models = {target: self.models[dialogue.language, dialogue.fold, target] for target in TARGETS}
        return tuple(target for target, model in models.items() if not isinstance(model, str))

    def recovered(self, dialogues: Sequence[Unseen]) -> list[dict[str, bool]]:
        """For each dialogue, by target, whether the critic finds what it is."""
        found: list[dict[str, bool]] = [{} for _ in dialogues]
        for key in sorted({(each.language, each.fold) for each in dialogues}):
            places = [place for place, each in enumerate(dialogues) if (each.language, each.fold) == key]
            looks = _matrix([dialogues[place] for place in places])
            for target in TARGETS:
                model = self.models[(*key, target)]
                guesses = [model] * len(places) if isinstance(model, str) else model.predict(looks)
                for place, guess in zip(places, guesses, strict=True):
                    found[place][target] = str(guess) == dialogues[place].truth[target]
        return found


def fit(dialogues: Sequence[Unseen]) -> BlindCritic:
    """Fit a critic for each fold on the dialogues of the others.

    Raises:
        InputError: scikit-learn is not installed.
    """
    critic = BlindCritic()
    for language, fold in sorted({(each.language, each.fold) for each in dialogues}):
        others = [each for each in dialogues if each.language == language and each.fold != fold]
        looks = _matrix(others)
        for target in TARGETS:
            truth = [each.truth[target] for each in others]
            several = len(set(truth)) > 1
            critic.models[language, fold, target] = _fitted(looks, truth) if several else (truth or ["none"])[0]
    return critic


def _fitted(looks: Any, truth: Sequence[str]) -> Any:
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits

    chosen = SelectKBest(chi2, k=min(_TELLING, looks.shape[1]))
    with threadpool_limits(1):  # sums over threads would differ in their last bits
        return make_pipeline(chosen, LogisticRegression(C=_C, max_iter=300)).fit(looks, list(truth))


def _matrix(dialogues: Sequence[Unseen]) -> Any:
    """One row a dialogue, one column a trait: 1 where it is seen."""
    import numpy as np

    try:
        from scipy.sparse import csr_matrix
    except ModuleNotFoundError as error:
        raise InputError(
            "The blind check needs scikit-learn.", next_step="Install the extra: pip install 'quimbot-data[synth]'."
        ) from error
    starts = np.cumsum([0, *(len(each.columns) for each in dialogues)])
    places = np.concatenate([np.zeros(0, np.int64), *(np.frombuffer(each.columns, np.uint32) for each in dialogues)])
    return csr_matrix((np.ones(len(places)), places, starts), shape=(len(dialogues), COLUMNS))


def seen(language: str, turns: Sequence[str]) -> "array[int]":
    """The traits of a tutor's turns as numbers of columns, sorted; two traits may share one."""
    return array("I", sorted({crc32(trait.encode()) % COLUMNS for trait in traits(language, turns)}))


def traits(language: str, turns: Sequence[str]) -> set[str]:
    """What is seen of a tutor's turns: words and pairs of words, of the first turn and of all, and counts."""
    first = tokens_of(turns[0], language)
    every = [token for turn in turns for token in tokens_of(turn, language)]
    found = {f"1 {run}" for run in _runs(first)} | {f"* {run}" for run in _runs(every)}
    if language == "zh":  # words are cut by chance where phrases are short
        found |= {f"c {run}" for run in _runs([char for turn in turns for char in turn if char.isalnum()])}
    return found | _counts(language, turns)


def _runs(tokens: Sequence[str]) -> list[str]:
    return [*tokens, *map(" ".join, itertools.pairwise(tokens))]


def _counts(language: str, turns: Sequence[str]) -> set[str]:
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
    return {f"# {name} > {step}" for name, value in counted.items() for step in _steps(name, float(value))}


def _foreign(word: str, language: str) -> bool:
    """Whether a word is rather English's than the target language's."""
    return language != "en" and zipf(word, "en") > zipf(word, language) + 1


def _steps(name: str, value: float) -> list[int]:
    """A count as the steps that it has passed, so that a line through traits can bend."""
    width = _WIDTHS.get(name, 1.0)
    return list(range(min(int(value / width), _MOST_STEPS)))
