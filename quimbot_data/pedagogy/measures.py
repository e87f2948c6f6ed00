"""Measures of a set of dialogues, each with the range that good scaffolding lies in: no model is asked.

coherence    does a tutor's turn go with the learner's turn before it
questions    are they of several kinds, and some of them open
adaptation   is language fitted to confusion, kept short as the talk goes on, and easier for beginners
scaffolding  strategies used and kept; no correction outright, none that leaks
tone         encouragement, in more than one way; no insults
level        words and sentences within the learner's reach
profile      can heritage and L2 be told apart by the tutor's words, are they served equally well, do they err as their
             group does, and is what is theirs (variation, two languages at once) left alone
diversity    see `quimbot_data.pedagogy.diversity`
contamination    runs of words that an evaluation set holds too
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from quimbot_data.pedagogy.coherence import coherence
from quimbot_data.pedagogy.conduct import (
    Judged,
    Share,
    accepted_switches,
    affirmations,
    drift,
    errors_made,
    evenness,
    explicit,
    insulting,
    judged,
    leaks,
    level_against_readability,
    level_fit,
    passing,
    simplified,
    strategies,
    valid_strategies,
    variation_targeted,
)
from quimbot_data.pedagogy.diversity import diversity
from quimbot_data.pedagogy.error_rates import ENOUGH, MOST_DIVERGENCE, family_fit
from quimbot_data.pedagogy.profiles import background_recovery
from quimbot_data.pedagogy.questions import KINDS, is_open, is_question, question_kind
from quimbot_data.pedagogy.tokens import sentences_of
from quimbot_data.pedagogy.tone import encouraging, praise_of
from quimbot_data.pedagogy.turns import TutorTurn, tutor_turns
from quimbot_data.pedagogy.tutor_words import tutor_words
from schemas.errors import InputError
from schemas.learner import STRATEGIES


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
    Target("tone", "insults", None, 0.0, "tutor turns with a word that hurts"),
    Target("level", "level fit", 0.95, None, "dialogues whose tutor stays within a level of the learner's"),
    Target("profile", "heritage against L2 AUC", 0.8, None, "a classifier of tutor text, profile words masked"),
    Target("profile", "quality gap", None, 0.03, "dialogues that keep all invariants, heritage against L2"),
    Target("profile", "error families", None, MOST_DIVERGENCE, "divergence from the rates of the learners' group"),
    Target("profile", "variation targeted", None, 0.0, "what is right in the learner's variety and a turn is about"),
    Target(
        "profile", "code-switching accepted", 0.98, None, "switched turns that are not forbidden, corrected, recast"
    ),
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

CONTAMINATION: Final = TARGETS[-1]


class Measure(NamedTuple):
    """What a measure gave.

    Attributes:
        target: which it is.
        value: None where it cannot be taken; then `note` says why.
        of: turns, questions, dialogues or pairs that it was taken of.
        note: what must be known to read it.
    """

    target: Target
    value: float | None
    of: int
    note: str = ""

    @property
    def within(self) -> bool | None:
        """Whether it lies in its range; None where it has no value or no range."""
        low, high = self.target.low, self.target.high
        if self.value is None or (low is None and high is None):
            return None
        return (low is None or self.value >= low) and (high is None or self.value <= high)


def measures(dialogues: Sequence[Mapping[str, Any]], *, seed: int = 0, trained: bool = True) -> list[Measure]:
    """All measures of a set of dialogues but contamination, in the order of `TARGETS`.

    Args:
        dialogues: mappings of `dialogues.merged_dialogues`: messages; language, pedagogy where they have them.
        seed: of samples and random pairs.
        trained: include what a classifier must be fitted for, with scikit-learn.
    """
    turns, rows = tutor_turns(dialogues), judged(dialogues)
    return [
        *_coherence(turns, seed),
        *_questions(turns),
        *_adaptation(rows),
        *_scaffolding(rows),
        *_tone(turns, rows),
        _share("level fit", level_fit(rows), _NO_LEVEL),
        *([_recovery(dialogues)] if trained else []),
        _gap(rows),
        _families(rows),
        _share("variation targeted", variation_targeted(rows), "no variation is annotated"),
        _share("code-switching accepted", accepted_switches(rows), "no heritage learner switches languages"),
        *_diversity(turns, seed),
    ]


_NO_ERRORS: Final = "no annotated error turns"
_NO_LEVEL: Final = "no learner's level is known"


def _measure(name: str, value: float | None, of: int, note: str = "") -> Measure:
    return Measure(next(target for target in TARGETS if target.name == name), value, of, note)


def _share(name: str, share: Share, missing: str = "") -> Measure:
    return _measure(name, share.value, share.of, "" if share.of else missing)


def _coherence(turns: Sequence[TutorTurn], seed: int) -> list[Measure]:
    found = coherence(turns, seed=seed)
    note = "" if found.turns else "no tutor turn answers a learner's"
    other = note or ("" if found.auc is not None else "no other dialogue in its language")
    return [
        _measure("uptake", found.uptake, found.turns, note),
        _measure("next-turn AUC", found.auc, found.turns, other),
    ]


def _questions(turns: Sequence[TutorTurn]) -> list[Measure]:
    asked = [
        (sentence, turn.language)
        for turn in turns
        if tutor_words(turn.language)
        for sentence in sentences_of(turn.text)
        if is_question(sentence)
    ]
    kinds = Counter(question_kind(sentence, language) for sentence, language in asked)
    unknown = sorted({turn.language for turn in turns if not tutor_words(turn.language)})
    note = f"no words are listed for {', '.join(unknown)}" if unknown else "" if asked else "no questions"
    opened = Share(len(asked), sum(is_open(sentence, language) for sentence, language in asked))
    return [
        _measure("open share", opened.value, opened.of, note),
        _measure("kind entropy", evenness(kinds, len(KINDS)), len(asked), note),
    ]


def _adaptation(rows: Sequence[Judged]) -> list[Measure]:
    scenes = [row.scene for row in rows]
    count, ratio = drift(scenes)
    levelled, correlation, by_language = level_against_readability(scenes)
    return [
        _share("simplify pass rate", simplified(rows), "no confusion is annotated"),
        _measure("drift", ratio, count, "" if count else "no dialogue of four tutor turns"),
        _measure("level against readability", correlation, levelled, _by_language(by_language, _NO_LEVEL)),
    ]


def _by_language(found: Mapping[str, float], missing: str) -> str:
    return ", ".join(f"{language} {value:.3f}" for language, value in found.items()) or missing


def _scaffolding(rows: Sequence[Judged]) -> list[Measure]:
    used = strategies(rows)
    return [
        _share("valid strategies", valid_strategies(rows), _NO_ERRORS),
        _share("explicit correction", explicit(rows)),
        _share("leaks", leaks(rows), _NO_ERRORS),
        _measure("strategy entropy", evenness(used, len(STRATEGIES)), used.total(), "" if used else _NO_ERRORS),
    ]


def _tone(turns: Sequence[TutorTurn], rows: Sequence[Judged]) -> list[Measure]:
    """A turn encourages by its words, or where it is annotated as affirming."""
    known = [turn for turn in turns if tutor_words(turn.language)]
    affirming = affirmations(rows)
    praise = Counter(word for turn in known for word in praise_of(turn.text, turn.language))
    worded = [encouraging(turn.text, turn.language) for turn in known]
    both = sum(says or (turn.dialogue, turn.position) in affirming for says, turn in zip(worded, known, strict=True))
    note = f"{sum(worded) / len(known):.3f} by words alone" if affirming and known else ""
    return [
        _measure("encouraging share", Share(len(known), both).value, len(known), note),
        _measure("praise entropy", evenness(praise, len(praise)), praise.total(), f"{len(praise)} wordings"),
        _share("insults", insulting(rows)),
    ]


def _recovery(dialogues: Sequence[Mapping[str, Any]]) -> Measure:
    name, missing = "heritage against L2 AUC", "fewer than 20 dialogues of a background in every language"
    try:
        found = background_recovery(dialogues)
    except InputError as error:
        return _measure(name, None, 0, str(error))
    return _measure(name, found.auc, found.dialogues, _by_language(found.by_language, missing))


def _gap(rows: Sequence[Judged]) -> Measure:
    heritage, l2 = passing(rows, "heritage"), passing(rows, "l2")
    count = heritage.of + l2.of
    if heritage.value is None or l2.value is None:
        return _measure("quality gap", None, count, "no dialogues of both backgrounds")
    note = f"heritage {heritage.value:.3f}, L2 {l2.value:.3f}"
    return _measure("quality gap", abs(heritage.value - l2.value), count, note)


def _families(rows: Sequence[Judged]) -> Measure:
    """The group that is furthest off counts."""
    found = family_fit(errors_made(rows))
    note = _by_language(found.by_group, f"fewer than {ENOUGH} errors of a group whose rates are known")
    return _measure("error families", max(found.by_group.values(), default=None), found.errors, note)


def _diversity(turns: Sequence[TutorTurn], seed: int) -> list[Measure]:
    found = diversity([turn.text for turn in turns], [turn.language for turn in turns], seed=seed)
    return [
        _measure("unique openings", found.unique_openings, found.turns),
        _measure("commonest opening", found.commonest_opening, found.turns),
        _measure("duplicate 4-grams", found.duplicate_4grams, found.turns),
        _measure("self-BLEU", found.self_bleu, found.turns),
        _measure("compression ratio", found.compression_ratio, found.turns),
        _measure("largest skeleton", found.largest_skeleton, found.turns),
    ]
