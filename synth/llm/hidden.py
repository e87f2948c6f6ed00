"""What the prompts tell: the scenario, and the learner's hidden state, which no tutor is told."""

from collections.abc import Sequence
from typing import Any

from quimbot_data.language_codes import language_name
from synth.llm.steps import Step
from synth.prompts import misconceptions
from synth.scenarios import Scenario


def prompt_values(scenario: Scenario, steps: Sequence[Step]) -> dict[str, Any]:
    """What the prompts' blanks are filled with; `misconception` is the learner's hidden state."""
    seed, learner, profile = scenario.seed, scenario.learner, scenario.profile
    believed = misconceptions()[seed.family]
    contrast = seed.contrast if scenario.right_first else seed.contrast[::-1]
    heritage = profile.background == "heritage"
    return {
        "language": language_name(profile.language),
        "l1": language_name(learner.l1) if learner.l1 else "unknown",
        "cefr": learner.cefr,
        "background": profile.background,
        "background_told": "grew up with the language at home" if heritage else "learns it as a second language",
        "variety": learner.variety,
        "topic": seed.topic or "everyday life",
        "sentence": seed.sentence,
        "corrected": seed.corrected_sentence,
        "contrast": contrast,
        "cue": seed.cue,
        "misconception": believed[int(scenario.random("misconception").random() * len(believed))],
        "steps": steps,
    }
