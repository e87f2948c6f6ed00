"""How dialogues by a model are planned: within the critics' rules, at the profile's rates, the same every time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import pytest

from quimbot_data.pedagogy.course import NARROWNESS, PATIENCE
from synth.llm.hidden import prompt_values
from synth.llm.steps import LONGEST, Step, steps_of
from synth.profiles import load_profile, load_profiles, profile_names
from synth.prompts import misconceptions, prompt_files, prompt_hash, render
from synth.scenarios import Scenario, plan
from synth.seeds import load_seeds, seed_languages


def scenarios(count: int, profiles: Sequence[str] = ()) -> list[Scenario]:
    chosen = [each for each in load_profiles(profiles) if each.language in seed_languages()]
    return list(islice(plan(chosen, load_seeds(), 7), count))


@pytest.fixture(scope="module")
def planned() -> list[tuple[Scenario, list[Step]]]:
    return [(scenario, steps_of(scenario)) for scenario in scenarios(1_500)]


def supports(steps: Sequence[Step]) -> Iterator[tuple[Step, Step | None]]:
    """Each step with a support, and the step that follows."""
    yield from ((step, after) for step, after in pairwise([*steps, None]) if step and step.strategy)


def test_a_plan_is_the_same_every_time(planned: list[tuple[Scenario, list[Step]]]) -> None:
    assert [steps_of(scenario) for scenario, _ in planned[:50]] == [steps for _, steps in planned[:50]]


def test_every_dialogue_has_four_to_twelve_messages(planned: list[tuple[Scenario, list[Step]]]) -> None:
    assert {len(steps) for _, steps in planned} <= set(range(2, LONGEST + 1))


def test_the_tutor_begins_as_the_scenario_says_and_is_always_answered(
    planned: list[tuple[Scenario, list[Step]]],
) -> None:
    for scenario, steps in planned:
        assert (steps[0].signals[0], steps[0].strategy) == ("error", scenario.strategy)
        assert all(after is not None and after.uptake for _, after in supports(steps))


def test_after_two_failed_supports_a_narrower_one_follows(planned: list[tuple[Scenario, list[Step]]]) -> None:
    for _, steps in planned:
        given, failed = [step for step, _ in supports(steps)], 0
        for (step, after), (following, _) in pairwise(supports(steps)):
            failed = failed + 1 if after and after.uptake in {"needs_repair", "none"} else 0
            narrower = NARROWNESS[str(following.strategy)] > NARROWNESS[str(step.strategy)]
            assert failed < PATIENCE or narrower or following.strategy == "recast", given


def test_arbitrary_errors_get_no_hint(planned: list[tuple[Scenario, list[Step]]]) -> None:
    for scenario, steps in planned:
        used = {step.strategy for step in steps} - {None}
        assert scenario.seed.generalizable or used <= {"recast", "explore"}


def test_heritage_learners_get_no_explanation_and_others_a_check(planned: list[tuple[Scenario, list[Step]]]) -> None:
    for scenario, steps in planned:
        moves = {move for step in steps for move in step.moves}
        assert ("comprehension_check" in moves) == (scenario.profile.background == "l2")
        assert "explain" not in moves or scenario.profile.background == "l2"


def test_repair_rates_are_the_profiles(planned: list[tuple[Scenario, list[Step]]]) -> None:
    rates = load_profile("spanish-l2").reactions
    for strategy, reactions in rates.items():
        pairs = [(s, a) for _, steps in planned for s, a in supports(steps) if s.strategy == strategy]
        reacted = Counter(after.uptake for _, after in pairs if after and after.uptake != "none")
        assert abs(reacted["repair"] / reacted.total() - reactions.repair) < 0.06, strategy


def test_only_who_shares_a_language_mixes(planned: list[tuple[Scenario, list[Step]]]) -> None:
    for scenario, steps in planned:
        for step in steps:
            assert not step.mixed or scenario.profile.shared_languages
            assert step.mixed == ("code_switch" in step.signals)
            assert not step.mirrored or step.mixed


@pytest.mark.parametrize("name", profile_names())
def test_prompts_render_for_every_profile(name: str) -> None:
    if load_profile(name).language not in seed_languages():
        pytest.skip("no seeds in this language yet")
    for scenario in scenarios(20, [name]):
        values = prompt_values(scenario, steps_of(scenario))
        asked = render("scenario.md", **values)
        assert scenario.seed.sentence in asked
        assert scenario.seed.corrected_sentence in asked
        for role in ("dialogue.md", "learner.md", "tutor.md"):
            assert "{" not in render(role, **values).replace('{"', "")
        assert values["misconception"] not in render("tutor.md", **values), "hidden from the tutor"


def test_every_family_has_something_to_believe() -> None:
    from typing import get_args

    from schemas.seed import ErrorFamily

    assert set(misconceptions()) == set(get_args(ErrorFamily))


def test_prompts_are_known_by_their_content(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompt_hash(["rules.md", "tutor.md"])
    assert before == prompt_hash(["tutor.md", "rules.md"])
    assert before != prompt_hash(["rules.md", "learner.md"])
    changed = prompt_files() | {"rules.md": prompt_files()["rules.md"] + " "}
    monkeypatch.setattr("synth.prompts.prompt_files", lambda: changed)
    assert prompt_hash(["rules.md", "tutor.md"]) != before
