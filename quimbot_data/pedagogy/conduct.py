"""How tutors behave over many dialogues: strategies, what they give away, tone, and fit to the learner.

All is counted by the critics of one dialogue, so that a measure and a rejection never disagree.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast, get_args

from quimbot_data.pedagogy.acceptance import switched_turns
from quimbot_data.pedagogy.critics import check
from quimbot_data.pedagogy.error_rates import family_of
from quimbot_data.pedagogy.invariants import Failure
from quimbot_data.pedagogy.readability import reading_ease
from quimbot_data.pedagogy.scene import LEARNER, TUTOR, Scene, Turn, scene_of
from quimbot_data.pedagogy.tokens import words_of
from quimbot_data.pedagogy.tone import insults
from quimbot_data.pedagogy.wording import explicit_corrections
from schemas.learner import CEFR_LEVELS, STRATEGIES, Background, Cefr
from schemas.seed import ErrorFamily

#: Strategies whose turn must not hold the correction.
WITHHOLDING: Final = ("question", "hint")


class Judged(NamedTuple):
    """A dialogue, and what the critics say of it."""

    scene: Scene
    failures: list[Failure]


class Share(NamedTuple):
    """Of how many, how many."""

    of: int
    held: int

    @property
    def value(self) -> float | None:
        """The share; None of none."""
        return self.held / self.of if self.of else None


def judged(dialogues: Iterable[Mapping[str, Any]]) -> list[Judged]:
    """Dialogues with the failures of their critics."""
    return [Judged(scene_of(dialogue), check(dialogue)) for dialogue in dialogues]


def explicit(rows: Sequence[Judged]) -> Share:
    """Tutor turns, and those that correct outright."""
    turns = [(scene, turn) for scene, _ in rows for turn in scene.tutor]
    found = (
        explicit_corrections(turn.text, scene.said_before(turn), explains="explain" in turn.moves)
        for scene, turn in turns
    )
    return Share(len(turns), sum(map(bool, found)))


def insulting(rows: Sequence[Judged]) -> Share:
    """Tutor turns, and those that insult."""
    turns = [(scene, turn) for scene, _ in rows for turn in scene.tutor]
    return Share(len(turns), sum(bool(insults(turn.text, scene.said_before(turn))) for scene, turn in turns))


def valid_strategies(rows: Sequence[Judged]) -> Share:
    """Tutor turns about an error, and those whose strategy keeps its invariant."""
    of = held = 0
    for scene, failures in rows:
        failed = {(failure.name, failure.position) for failure in failures}
        for turn in scene.tutor:
            if _about_error(scene, turn):
                of += 1
                outright = ("explicit-correction", turn.position) in failed
                held += turn.strategy is not None and not outright and (turn.strategy, turn.position) not in failed
    return Share(of, held)


def _about_error(scene: Scene, turn: Turn) -> bool:
    """Whether a turn has an error to support; what explains or simplifies at the learner's wish has not."""
    if turn.strategy is None and {"explain", "simplify"} & set(turn.moves):
        return False
    before = scene.before(turn, LEARNER)
    return turn.target is not None or (before is not None and "error" in before.signals)


def leaks(rows: Sequence[Judged]) -> Share:
    """Questions and hints about a known error, and those that hold its correction."""
    of = held = 0
    for scene, _ in rows:
        for turn in scene.tutor:
            edit = scene.edit_of(turn)
            if turn.strategy in WITHHOLDING and edit is not None:
                of, held = of + 1, held + edit.held_in(turn.text)
    return Share(of, held)


def strategies(rows: Sequence[Judged]) -> Counter[str]:
    """Tutor turns by strategy."""
    used = (turn.strategy for scene, _ in rows for turn in scene.tutor)
    return Counter(strategy for strategy in used if strategy is not None and strategy in STRATEGIES)


def simplified(rows: Sequence[Judged]) -> Share:
    """Learner turns of confusion that are answered, and those whose answer keeps invariant 9."""
    of = broken = 0
    for scene, failures in rows:
        failed = {failure.position for failure in failures if failure.name == "simplify"}
        for turn in scene.tutor:
            before = scene.before(turn, LEARNER)
            if before is not None and "confusion" in before.signals:
                of, broken = of + 1, broken + (turn.position in failed)
    return Share(of, of - broken)


def affirmations(rows: Sequence[Judged]) -> frozenset[tuple[int, int]]:
    """Place of its dialogue and position of each tutor turn that is annotated as affirming."""
    return frozenset(
        (place, turn.position)
        for place, (scene, _) in enumerate(rows)
        for turn in scene.tutor
        if "affirm" in turn.moves
    )


def level_fit(rows: Sequence[Judged]) -> Share:
    """Dialogues whose learner has a level, and those that the critic of level lets pass."""
    levelled = [row for row in rows if row.scene.learner.get("cefr")]
    return Share(len(levelled), sum(not any(f.name == "level" for f in row.failures) for row in levelled))


def passing(rows: Sequence[Judged], background: str) -> Share:
    """Dialogues of a background, and those that keep every invariant."""
    own = [row for row in rows if row.scene.learner.get("background") == background]
    return Share(len(own), sum(not row.failures for row in own))


def errors_made(rows: Sequence[Judged]) -> Iterator[tuple[str, Background, Cefr, ErrorFamily]]:
    """Language, background and level of the learner of each error, and its family; where all are known."""
    for scene, _ in rows:
        background, cefr = scene.learner.get("background"), scene.learner.get("cefr")
        for error in scene.errors:
            tag, original, corrected = (str(error.get(name) or "") for name in ("type", "original", "corrected"))
            family = family_of(scene.language, tag, original, corrected)
            if family and background in get_args(Background) and cefr in CEFR_LEVELS and not error.get("is_variation"):
                yield scene.language, cast(Background, background), cast(Cefr, cefr), family


def variation_targeted(rows: Sequence[Judged]) -> Share:
    """What learners say that is right in their variety, and of that what a tutor's turn is about."""
    of = held = 0
    for scene, _ in rows:
        targets = {turn.target for turn in scene.tutor}
        variation = [place for place, error in enumerate(scene.errors) if error.get("is_variation")]
        of, held = of + len(variation), held + sum(place in targets for place in variation)
    return Share(of, held)


def accepted_switches(rows: Sequence[Judged]) -> Share:
    """Switched messages of heritage learners that are answered, and those whose answer accepts them."""
    answered = [each for scene, _ in rows for each in switched_turns(scene)]
    return Share(len(answered), sum(each.refusal is None for each in answered))


def drift(scenes: Sequence[Scene]) -> tuple[int, float | None]:
    """Dialogues of four tutor turns or more, and the mean words of their last third by those of their first."""
    early = late = 0.0
    count = 0
    for scene in scenes:
        lengths = [len(words_of(turn.text, scene.language)) for turn in scene.tutor]
        if len(lengths) >= 4:
            third = math.ceil(len(lengths) / 3)
            early, late, count = early + sum(lengths[:third]) / third, late + sum(lengths[-third:]) / third, count + 1
    return count, late / early if early else None


def level_against_readability(scenes: Sequence[Scene]) -> tuple[int, float | None, dict[str, float]]:
    """Spearman of level and difficulty of the tutor's words, over dialogues of each language.

    Returns:
        Dialogues; the mean over languages by their dialogues, None where none has two levels; each language's.
    """
    by_language: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for scene in scenes:
        if (cefr := scene.learner.get("cefr")) in CEFR_LEVELS:
            text = "\n".join(turn.text for turn in scene.turns if turn.role == TUTOR)
            by_language[scene.language].append((CEFR_LEVELS.index(cefr), -reading_ease(text, scene.language)))
    found = {
        language: spearman(*zip(*pairs, strict=True))
        for language, pairs in sorted(by_language.items())
        if len({level for level, _ in pairs}) > 1
    }
    count = sum(len(by_language[language]) for language in found)
    mean = sum(found[language] * len(by_language[language]) for language in found) / count if count else None
    return count, mean, found


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation, ties by their mean rank; 0 where one of the two never changes."""
    import polars as pl

    pairs = pl.DataFrame({"first": first, "second": second}, schema=dict.fromkeys(("first", "second"), pl.Float64))
    found = pairs.select(pl.corr("first", "second", method="spearman")).item()
    return 0.0 if found is None or math.isnan(found) else float(found)


def evenness(counts: Counter[Any], kinds: int) -> float | None:
    """Entropy by that of `kinds` equal shares, 0 to 1; None of nothing, or where there is but one kind to choose."""
    total = counts.total()
    if not total or kinds < 2:
        return None
    shares = [count / total for _, count in sorted(counts.items()) if count]
    return -math.fsum(share * math.log(share) for share in shares) / math.log(kinds) + 0.0
