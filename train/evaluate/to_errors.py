"""What an answer does about a learner's error, by the critics of `quimbot_data.pedagogy`."""

from dataclasses import dataclass

from quimbot_data.pedagogy.critics import check_turn, reveals
from quimbot_data.pedagogy.questions import Kind, is_open, is_question, questions_of
from quimbot_data.pedagogy.tokens import sentences_of
from quimbot_data.pedagogy.tone import encouraging
from schemas.learner import STRATEGIES
from train.prompts import Prompt, PromptError


@dataclass(frozen=True)
class ToError:
    """An answer to a prompt with an error. One without a word keeps no invariant, and breaks none.

    Attributes:
        explicit: it corrects outright.
        reveals: it holds the correction.
        strategies: those whose invariant it keeps.
        questions: kinds of its questions.
        open: one of them leaves the answer open.
        encourages: it praises or encourages.
        within_level: no word or length is beyond the learner; None where no level is known.
    """

    explicit: bool
    reveals: bool
    strategies: list[str]
    questions: list[Kind]
    open: bool
    encourages: bool
    within_level: bool | None

    @property
    def leads(self) -> bool:
        """Whether it asks or hints, and is neither a recast nor a choice, which hold the correction by their nature."""
        return bool(self.questions) and not {"recast", "explore"} & set(self.strategies)


def to_error(prompt: Prompt, error: PromptError, text: str) -> ToError:
    """Judge an answer to a prompt's error."""
    sentence, language = prompt.messages[-1].content, prompt.language
    start = sentence.index(error.original)
    end = start + len(error.original)
    failures = _failures(prompt, error, text, None)
    asked = [each for each in sentences_of(text) if is_question(each)]
    return ToError(
        explicit="explicit-correction" in failures,
        reveals=reveals(text, sentence, start, end, error.corrected, language),
        strategies=[each for each in STRATEGIES if text and not _barring(each) & _failures(prompt, error, text, each)],
        questions=questions_of(text, language),
        open=any(is_open(each, language) for each in asked),
        encourages=encouraging(text, language),
        within_level=None if prompt.cefr is None else bool(text) and "level" not in failures,
    )


def _barring(strategy: str) -> set[str]:
    """What keeps a turn from being a strategy: its own invariant, and what holds of all."""
    return {strategy, "explicit-correction", "questions"}


def _failures(prompt: Prompt, error: PromptError, text: str, strategy: str | None) -> set[str]:
    sentence = prompt.messages[-1].content
    start = sentence.index(error.original)
    found = check_turn(
        text, prompt.language, sentence=sentence, start=start, end=start + len(error.original),
        corrected=error.corrected, error_type=error.type, generalizable=error.generalizable, strategy=strategy,
        cefr=prompt.cefr,
    )  # fmt: skip
    return {each.name for each in found}
