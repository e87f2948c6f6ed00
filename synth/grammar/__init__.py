"""The offline engine: dialogues from seeds by grammars, the same on every run.

What happens is decided by rates of the profile (`course`), what is said by the rules of the language (`expansion`,
`rules/<language>.toml`).
"""

import hashlib
from typing import Final

from synth.grammar.course import run
from synth.grammar.dialogue import Course
from synth.grammar.expansion import FOLDS, Speaker
from synth.grammar.notation import load_grammar
from synth.grammar.phrases import slots_of
from synth.output import Row, canonical, dialogue_key, rights
from synth.scenarios import Scenario

#: Named in every row; raised when the same scenario would give other words.
ENGINE: Final = "grammar@1"


def fold_of(seed_id: str) -> int:
    """The half of the grammar's alternatives that dialogues of a seed are made of."""
    return hashlib.sha256(f"fold|{seed_id}".encode()).digest()[0] % FOLDS


def grow(scenario: Scenario) -> Row | None:
    """A dialogue from a scenario, unchecked; None where the grammar has no words for it.

    Raises:
        InputError: there is no grammar of its language.
    """
    profile, seed = scenario.profile, scenario.seed
    grammar = load_grammar(profile.language)
    level, background = scenario.level, profile.background
    speaker = Speaker(
        grammar,
        scenario.random("words"),
        (f"{level}-{background}", background, level),
        fold_of(seed.seed_id),
        slots_of(seed, grammar, scenario.level, right_first=scenario.right_first),
    )
    course = Course(scenario, speaker, scenario.random("events"))
    if not run(course):
        return None
    licence, terms = rights(seed)
    messages = course.messages
    return Row(
        id=dialogue_key(messages),
        language=profile.language,
        generator=ENGINE,
        template_id=_template_id(course),
        prompt_hash=None,
        model=None,
        sampling=canonical({"number": scenario.number, "random_seed": scenario.random_seed}),
        seed_id=seed.seed_id,
        profile=profile.name,
        license=licence,
        terms=terms,
        attribution=seed.attribution,
        messages=messages,
        pedagogy=course.pedagogy(),
    )


def _template_id(course: Course) -> str:
    """Language, strategy, what happened, and a digest of every alternative that was used."""
    used = hashlib.sha256("|".join(course.speaker.chosen).encode()).hexdigest()[:12]
    scenario = course.scenario
    return f"{scenario.profile.language}/{scenario.strategy}/{'-'.join(course.path)}/{used}"
