"""Critics: each invariant of a valid scaffolding dialogue as a named check.

Dialogues are plain mappings with `messages` (role and content each) and `pedagogy` as in `schemas.dialogue`; rows of
`quimbot sql`, of Parquet and of JSON Lines all are. What has no annotations is checked by its messages alone, and
`unchecked` says what that leaves out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from quimbot_data.pedagogy import adaptation, background, course
from quimbot_data.pedagogy.batch import BatchReport, Configured, check_batch
from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.invariants import BATCH_CHECKS, DIALOGUE_CHECKS, INVARIANTS, Failure
from quimbot_data.pedagogy.levels import length_fault, most_above, reach
from quimbot_data.pedagogy.scene import TUTOR, Row, Scene, Turn, scene_of
from quimbot_data.pedagogy.strategies import contrast_in, explore_fault, hint_fault, question_fault, recast_fault
from quimbot_data.pedagogy.wording import MOST_QUESTIONS, explicit_corrections, questions
from schemas.learner import STRATEGIES

__all__ = [
    "BATCH_CHECKS",
    "DIALOGUE_CHECKS",
    "INVARIANTS",
    "BatchReport",
    "Configured",
    "Failure",
    "check",
    "check_batch",
    "check_turn",
    "unchecked",
]


def check(dialogue: Row) -> list[Failure]:
    """Every failure of one dialogue, in the order of `DIALOGUE_CHECKS`; empty where it is valid.

    Where the structure is broken, nothing else is looked at but the tutor's words: annotations point nowhere then.

    Args:
        dialogue: `messages`; `pedagogy` and `language` where it has them.
    """
    scene = scene_of(dialogue)
    broken = list(course.structure(scene))
    left_out = set(DIALOGUE_CHECKS) - _BY_WORDS if broken else set(unchecked(dialogue))
    looked_at = replace(scene, learner={}, errors=(), annotated=False) if broken else scene
    checks = [run for name, run in _CHECKS.items() if name not in left_out]
    return broken + [failure for run in checks for failure in run(looked_at)]


def unchecked(dialogue: Row) -> list[str]:
    """Names of dialogue checks that cannot be made, since the dialogue has no annotations, or its learner no level."""
    pedagogy = dialogue.get("pedagogy")
    if not isinstance(pedagogy, Mapping):
        return [name for name in DIALOGUE_CHECKS if INVARIANTS[name].needs == "pedagogy" and name not in _BY_WORDS]
    learner = pedagogy.get("learner")
    return [] if isinstance(learner, Mapping) and learner.get("cefr") else ["level"]


def check_turn(
    text: str,
    language: str,
    *,
    learner_said: Sequence[str] = (),
    sentence: str | None = None,
    start: int = 0,
    end: int = 0,
    corrected: str = "",
    strategy: str | None = None,
    error_type: str = "",
    generalizable: bool = True,
    cefr: str | None = None,
) -> list[Failure]:
    """Failures of one tutor turn on its own, as a model wrote it in evaluation: no annotations needed.

    Explicit correction, too many questions and deficit terms always; the strategy's own invariant given the learner's
    `sentence` with its error from `start` to `end` and what is right instead; level given `cefr`.

    Args:
        text: what the tutor says.
        language: subtag of the target language.
        learner_said: what the learner said before; words that the tutor quotes out of it are exempt.
        sentence: the learner's message with the error.
        start: where the error begins in it.
        end: where it ends.
        corrected: what is right in its place.
        strategy: one of `schemas.learner.STRATEGIES`; None where no strategy is asked for.
        error_type: the error's tag, by which a hint's cue is judged.
        generalizable: whether a rule covers the error.
        cefr: the learner's level.
    """
    said = [*learner_said, *([sentence] if sentence is not None and sentence not in learner_said else [])]
    edit = Edit(sentence, start, end, corrected, language) if sentence is not None else None
    turn = Turn(0, TUTOR, text)
    found = [*_explicit(turn, said, edit), *_too_many_questions(turn), *background.respect(turn, said)]
    if edit is not None and strategy is not None and strategy in STRATEGIES:
        found += _strategy_failures(turn, strategy, edit, said, error_type, generalizable=generalizable)
    return found + (_level_of_turn(text, language, cefr, said) if cefr else [])


def reveals(text: str, sentence: str, start: int, end: int, corrected: str, language: str) -> bool:
    """Whether a tutor's turn tells the correction of an error, so that nothing is left to discover.

    Args:
        text: the turn.
        sentence: what the learner said.
        start: where the error begins in it.
        end: where it ends.
        corrected: what is right in its place.
        language: subtag.
    """
    return Edit(sentence, start, end, corrected, language).held_in(text)


def _explicit(turn: Turn, said: Sequence[str], edit: Edit | None) -> Iterator[Failure]:
    told = explicit_corrections(turn.text, said, explains="explain" in turn.moves)
    for words in told:
        yield Failure("explicit-correction", turn.position, f"{words!r} corrects explicitly.")
    if not told and edit is not None and contrast_in(turn.text, edit):
        found = f"It sets {edit.corrected!r} against {edit.original!r} as right against wrong."
        yield Failure("explicit-correction", turn.position, found)


def _too_many_questions(turn: Turn) -> Iterator[Failure]:
    if (asked := questions(turn.text)) > MOST_QUESTIONS:
        yield Failure("questions", turn.position, f"{asked} questions in one turn; {MOST_QUESTIONS} are the most.")


def _strategy_failures(
    turn: Turn, strategy: str, edit: Edit, said: Sequence[str], error_type: str, *, generalizable: bool
) -> list[Failure]:
    faults = {
        "recast": lambda: recast_fault(turn.text, edit, said),
        "question": lambda: question_fault(turn.text, edit, error_type),
        "hint": lambda: hint_fault(turn.text, edit, error_type, generalizable=generalizable),
        "explore": lambda: explore_fault(turn.text, edit),
    }
    fault = faults[strategy]()
    return [Failure(strategy, turn.position, fault)] if fault else []


def _strategy(name: str) -> Callable[[Scene], Iterator[Failure]]:
    def run(scene: Scene) -> Iterator[Failure]:
        for turn in scene.tutor:
            edit, error = scene.edit_of(turn), scene.error_of(turn)
            if turn.strategy == name and edit is not None and error is not None:
                kind, rule = str(error.get("type") or ""), error.get("generalizable") is not False
                yield from _strategy_failures(turn, name, edit, scene.said_before(turn), kind, generalizable=rule)

    return run


def _explicit_correction(scene: Scene) -> Iterator[Failure]:
    for turn in scene.tutor:
        yield from _explicit(turn, scene.said_before(turn), scene.edit_of(turn))


def _questions(scene: Scene) -> Iterator[Failure]:
    for turn in scene.tutor:
        yield from _too_many_questions(turn)


def _level_of_turn(text: str, language: str, cefr: str, said: Sequence[str]) -> list[Failure]:
    from quimbot_data.pedagogy.lemmas import content_lemmas

    found = reach([text], language, cefr, frozenset[str]().union(*(content_lemmas(each, language) for each in said)))
    fault = length_fault(text, language) if cefr == "A1" else None
    if len(found.above) > most_above(found.words):
        fault = f"{found.share:.0%} of content words above the level after {cefr}: {', '.join(sorted(found.above))}."
    return [Failure("level", 0, fault)] if fault else []


#: Checks by name, in the order of the specification; the structure's is made before them.
_CHECKS: Final[dict[str, Callable[[Scene], Iterator[Failure]]]] = {
    "explicit-correction": _explicit_correction,
    **{name: _strategy(name) for name in STRATEGIES},
    "one-target": course.one_target,
    "uptake": course.uptake,
    "simplify": adaptation.simplify,
    "slow-response": adaptation.slow_response,
    "level": adaptation.level,
    "questions": _questions,
    "background": background.background,
    "cultural-note": background.cultural_note,
}
#: What the tutor's words alone can break.
_BY_WORDS: Final = frozenset({"explicit-correction", "questions", "background"})
