"""Scenarios: who talks about what, with which error, and how the tutor begins; what both engines grow dialogues from.

A plan is an endless sequence, made one scenario after another: its first thousand are the same whatever the count.
Shares (levels, families of errors, strategies) are kept by taking what lags most, so that small batches have them.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.error_rates import family_mix
from quimbot_data.pedagogy.lemmas import content_lemmas
from quimbot_data.pedagogy.levels import reach
from quimbot_data.pedagogy.strategies import hint_fault
from schemas.errors import InputError
from schemas.learner import STRATEGIES, Cefr, Learner, Strategy
from schemas.seed import ErrorFamily, Seed
from synth.cultural_notes import Note, cultural_notes
from synth.fitting import fits, rank, targets
from synth.profiles import Profile

K = TypeVar("K", bound=str)

#: For errors that no rule covers: there is nothing to hint at (Coyne et al. 2025: teachers hint at 9 % of those).
ARBITRARY: Final[tuple[Strategy, ...]] = ("recast", "explore")


@dataclass(frozen=True)
class Scenario:
    """What is settled before a word is said."""

    number: int
    """Its place in the plan, from 0."""
    random_seed: int
    profile: Profile
    learner: Learner
    seed: Seed
    strategy: Strategy
    """How the tutor begins."""
    right_first: bool
    """Whether the right form comes first where two are compared."""
    variation: Seed | None
    """Something else that the learner says, right in their variety."""
    note: Note | None = None
    """What the tutor tells of a culture where the learner's variety is spoken."""

    @property
    def level(self) -> Cefr:
        """The learner's level."""
        return self.learner.cefr or "A1"

    def random(self, purpose: str = "") -> random.Random:
        """A source of chance of its own, the same on every machine."""
        text = f"{self.random_seed}|{self.number}|{purpose}"
        return random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - chance, no secret


def pick(weights: Mapping[K, float], chance: random.Random) -> K:
    """One of the keys, by weight."""
    left = chance.random() * sum(weights.values())
    for key, weight in weights.items():  # noqa: B007 - the last one, where rounding leaves nothing
        left -= weight
        if left < 0:
            break
    return key


class _Shares:
    """Takes what lags most behind its weight; of equals, what comes first in an order drawn once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._taken = chance, Counter[str]()
        self._order: dict[str, float] = {}

    def take(self, weights: Mapping[K, float]) -> K:
        for key in weights:
            self._order.setdefault(key, self._chance.random())
        key = min(weights, key=lambda key: ((self._taken[key] + self._order[key]) / weights[key], self._order[key]))
        self._taken[key] += 1
        return key


class _Plan:
    """The plan of one profile."""

    def __init__(self, profile: Profile, seeds: Sequence[Seed], random_seed: int, *, worded: bool) -> None:
        self.profile, self.random_seed = profile, random_seed
        self.chance = random.Random(f"{random_seed}|{profile.name}")  # noqa: S311
        self.variations = [seed for seed in seeds if fits(seed, profile) and seed.is_variation]
        self.seeds = targets(seeds, profile, worded=worded)
        if not self.seeds:
            raise InputError(
                f"No seed fits the profile {profile.name}.",
                valid=f"Seeds in {profile.language!r} for {profile.background} learners, with recast, questions, cue "
                "and contrast.",
                next_step="Leave --no-shipped-seeds out to use the shipped ones, too.",
            )
        self.levels = _Shares(self.chance)
        # Of each level by itself: over all, what alternates with the levels would fall to one of them.
        self.strategies = {level: _Shares(self.chance) for level in profile.levels}
        self.openings: dict[tuple[str, Cefr], tuple[Strategy, ...]] = {}
        self.mixes: dict[Cefr, Mapping[ErrorFamily, float]] = {}
        self.families: dict[Cefr, _Shares] = {}
        self.waiting: dict[tuple[Cefr, ErrorFamily], list[Seed]] = {}
        self.compared: Counter[str] = Counter()
        self.planned = 0
        self.told: Counter[str] = Counter()

    def scenario(self, number: int) -> Scenario:
        self.planned += 1
        level = self.levels.take(self.profile.levels)
        seed = self.seed(level)
        if (seed.seed_id, level) not in self.openings:
            self.openings[seed.seed_id, level] = openings(seed, level)
        allowed = self.openings[seed.seed_id, level]
        opening = {s: w for s, w in self.profile.strategies.items() if s in allowed}
        strategy = self.strategies[level].take(opening)
        self.compared[seed.seed_id] += strategy == "explore"
        # Every other one, from a start by the seed: each order has its half within each seed, so within each split.
        right_first = (self.compared[seed.seed_id] + _parity(seed.seed_id)) % 2 == 0
        if strategy != "explore":  # the tutor may compare later on
            right_first = self.chance.random() < 0.5
        learner = self.learner(level, seed)
        variation, note = self.variation(learner), self.note(learner, seed)
        return Scenario(number, self.random_seed, self.profile, learner, seed, strategy, right_first, variation, note)

    def seed(self, level: Cefr) -> Seed:
        """One of the family that lags most at this level; each of its seeds once before any twice, in another order."""
        if level not in self.mixes:
            held = Counter(seed.family for seed in self.taught(level))
            known = family_mix(self.profile.language, self.profile.background, level)
            self.mixes[level] = {family: share for family, share in known.items() if family in held} or dict(held)
            self.families[level] = _Shares(self.chance)
        family = self.families[level].take(self.mixes[level])
        waiting = self.waiting.setdefault((level, family), [])
        if not waiting:
            waiting += [seed for seed in self.taught(level) if seed.family == family]
            self.chance.shuffle(waiting)
        return waiting.pop()

    def taught(self, level: Cefr) -> list[Seed]:
        """Seeds of structures that learners of a level were taught."""
        return [seed for seed in self.seeds if rank(seed.cefr) <= rank(level)] or self.seeds

    def learner(self, level: Cefr, seed: Seed) -> Learner:
        profile = self.profile
        tags = [tag for tag in profile.varieties if not seed.varieties or tag in seed.varieties] or profile.varieties
        return Learner(
            l1=pick(profile.l1, self.chance),
            target_language=profile.language,
            cefr=level,
            background=profile.background,
            variety=pick({tag: profile.varieties[tag] for tag in tags}, self.chance) if tags else None,
            shared_languages=sorted(profile.shared_languages),
        )

    def variation(self, learner: Learner) -> Seed | None:
        fitting = [s for s in self.variations if not s.varieties or learner.variety in s.varieties]
        if not fitting or self.chance.random() >= self.profile.variation:
            return None
        return fitting[int(self.chance.random() * len(fitting))]

    def note(self, learner: Learner, seed: Seed) -> Note | None:
        """Of the notes that fit, the one told least; none while the profile's share of dialogues has one."""
        if self.told.total() + 1 > self.profile.cultural_notes * self.planned:
            return None
        known = cultural_notes(self.profile.language)
        fitting = [note for note in known if note.fits(seed.sentence, seed.topic, learner.variety)]
        if not fitting:
            return None
        least = min(fitting, key=lambda note: self.told[note.key])
        self.told[least.key] += 1
        return least


def openings(seed: Seed, level: Cefr) -> tuple[Strategy, ...]:
    """Strategies that a tutor may begin with: a hint where a rule leads on and its cue, in easy words, says where."""
    if not seed.generalizable:
        return ARBITRARY
    hints = cue_within_reach(seed, level) and hint_fault(str(seed.cue), edit_of(seed), seed.type) is None
    return STRATEGIES if hints else tuple(strategy for strategy in STRATEGIES if strategy != "hint")


def cue_within_reach(seed: Seed, level: Cefr) -> bool:
    """Whether learners of a level know the words of a seed's cue."""
    return _within_reach(str(seed.cue), (seed.sentence, seed.corrected_sentence), seed.language, level)


@lru_cache(maxsize=1 << 13)
def _within_reach(cue: str, told: tuple[str, str], language: str, level: Cefr) -> bool:
    known = content_lemmas(told[0], language) | content_lemmas(told[1], language)
    return not reach([cue], language, level, known).above


def edit_of(seed: Seed) -> Edit:
    """A seed's error and what is right instead, as critics take it."""
    return Edit(seed.sentence, seed.start, seed.end, seed.corrected, seed.language)


def _parity(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % 2


def plan(
    profiles: Sequence[Profile], seeds: Sequence[Seed], random_seed: int, *, worded: bool = True
) -> Iterator[Scenario]:
    """Scenarios without end, the profiles in turn.

    Args:
        profiles: for whom.
        seeds: learner errors.
        random_seed: decides all that is left to chance.
        worded: leave out seeds without words for a tutor, which a model can do without.

    Raises:
        InputError: no seed fits one of the profiles.
    """
    plans = [_Plan(profile, seeds, random_seed, worded=worded) for profile in profiles]
    number = 0
    while True:
        for each in plans:
            yield each.scenario(number)
            number += 1
