"""Which seeds fit which profiles, and which of a file of one's own go unused."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from schemas.errors import InputError
from schemas.learner import CEFR_LEVELS, Cefr
from schemas.seed import Seed
from synth.profiles import Profile, load_profiles

_WORDLESS: Final = "without words for a tutor (those are for --engine llm)"
_FOREIGN: Final = "in a language, or for learners, of none of the profiles"


def rank(level: Cefr | None) -> int:
    """A level's place from the lowest, 0; of what has none, 0."""
    return CEFR_LEVELS.index(level) if level else 0


def fits(seed: Seed, profile: Profile) -> bool:
    """Whether learners of a profile may say what a seed says."""
    spoken = not seed.varieties or not profile.varieties or bool(set(seed.varieties) & set(profile.varieties))
    taught = rank(seed.cefr) <= max(map(rank, profile.levels))
    return seed.language == profile.language and profile.background in seed.backgrounds and spoken and taught


def usable(seed: Seed) -> bool:
    """Whether a seed has the words that a tutor needs; seeds out of corpora hold the error alone."""
    return bool(seed.recast and seed.questions and seed.cue and len(seed.contrast) == 2)


def targets(seeds: Sequence[Seed], profile: Profile, *, worded: bool) -> list[Seed]:
    """Seeds that dialogues of a profile can be about.

    Args:
        seeds: learner errors.
        profile: for whom.
        worded: leave out those without words for a tutor.
    """
    return [s for s in seeds if fits(s, profile) and not s.is_variation and (usable(s) or not worded)]


def profiles_with_seeds(names: Sequence[str], seeds: Sequence[Seed], *, worded: bool = True) -> list[Profile]:
    """The shipped profiles of these names; without any, all that there are seeds for.

    Raises:
        InputError: there is none of a name, or none that a seed fits.
    """
    found = load_profiles(names)
    if names:
        return found
    fitting = [profile for profile in found if targets(seeds, profile, worded=worded)]
    if not fitting:
        raise InputError(
            "No seed fits a profile.",
            valid=f"Languages of profiles: {', '.join(sorted({profile.language for profile in found}))}.",
            next_step="Leave --no-shipped-seeds out to use the shipped ones, too.",
        )
    return fitting


def unused(seeds: Sequence[Seed], names: Sequence[str], place: str, *, worded: bool) -> str:
    """Which of a file's seeds no dialogue can grow from, in a sentence; empty where there are none.

    Args:
        seeds: of the file.
        names: of the profiles; none for all.
        place: what the file is called.
        worded: whether seeds need words for a tutor.

    Raises:
        InputError: none of them can be used.
    """
    profiles, left = load_profiles(names), Counter[str]()
    for seed in seeds:
        if not any(fits(seed, profile) for profile in profiles):
            left[_FOREIGN] += 1
        elif worded and not usable(seed) and not seed.is_variation:
            left[_WORDLESS] += 1
    told = ", ".join(f"{number:,} {reason}" for reason, number in left.most_common())
    if not any(targets(seeds, profile, worded=worded) for profile in profiles):
        raise InputError(
            f"None of the {len(seeds):,} seeds in {place} can be used: {told or 'all are legitimate variation'}.",
            valid="Offline, seeds with recast, questions, cue and contrast.",
            next_step="`synth seeds extract --words` writes those for English; --engine llm does without them.",
        )
    return f"{place}: {left.total():,} of {len(seeds):,} seeds are not used: {told}." if told else ""
