"""The Spanish and Arabic banks: variation apart, families as profiles need them, types that the corpus would give."""

import re
from collections import Counter
from itertools import islice

import pytest

from quimbot_data.pedagogy.cowsl2h_tags import SUBJECT_PRONOUN, spanish_family
from quimbot_data.pedagogy.error_rates import MOST_DIVERGENCE, error_rates, family_mix, jensen_shannon
from schemas.learner import Background
from schemas.seed import Seed
from synth.profiles import load_profile
from synth.scenarios import plan
from synth.seeds import load_seeds, shipped_bank

SPANISH, ARABIC = load_seeds(["es"]), load_seeds(["ar"])
#: Types of our own, where COWS-L2H has no tag: operation and family, or lexis.
OWN_TYPE = re.compile(r"[RMU]:[A-Z-]+")


def targets(seeds: list[Seed]) -> list[Seed]:
    return [seed for seed in seeds if not seed.is_variation]


def test_banks_are_as_large_as_they_should_be() -> None:
    assert len(targets(SPANISH)) >= 150
    assert len(targets(ARABIC)) >= 60
    assert {seed.cefr for seed in SPANISH} == {seed.cefr for seed in ARABIC} == {"A1", "A2", "B1"}
    assert {background for seed in ARABIC for background in seed.backgrounds} == {"l2"}
    assert not shipped_bank("ar").reviewed


@pytest.mark.parametrize("background", ["heritage", "l2"])
def test_every_family_that_a_profile_errs_in_has_seeds(background: Background) -> None:
    families = {family for group in error_rates() if group.background == background for family in group.rates}
    held = Counter(seed.family for seed in targets(SPANISH) if background in seed.backgrounds)
    assert families == set(held)
    assert min(held.values()) >= 4, held


def test_what_profiles_err_in_most_has_most_seeds() -> None:
    heritage = Counter(seed.family for seed in targets(SPANISH) if "heritage" in seed.backgrounds)
    assert heritage.most_common(1)[0][0] == "orthography"
    assert heritage["orthography"] >= 40


def test_variation_names_its_varieties_and_is_no_target() -> None:
    variation = [seed for seed in SPANISH if seed.is_variation]
    assert len(variation) >= 20
    assert all(seed.varieties for seed in variation)
    assert {"es-MX", "es-DO", "es-PR", "es-ES"} <= {variety for seed in variation for variety in seed.varieties}
    assert {"heritage", "l2"} == {background for seed in variation for background in seed.backgrounds}


def test_an_overt_subject_pronoun_is_never_a_target() -> None:
    overt = [seed for seed in SPANISH if SUBJECT_PRONOUN.match(seed.type)]
    assert len(overt) >= 8
    assert all(seed.is_variation and seed.operation == "unnecessary" for seed in overt)
    assert {"es-DO", "es-PR"} <= {variety for seed in overt for variety in seed.varieties}
    dropped = re.compile(r"(?:yo|tú|él|ella|ellos|ellas|nosotros|nosotras|ustedes|usted) ?", re.IGNORECASE)
    assert not [s for s in targets(SPANISH) if s.operation == "unnecessary" and dropped.fullmatch(s.original)]


def test_types_are_cowsl2hs_own_where_it_has_one() -> None:
    tagged = [seed for seed in SPANISH if not OWN_TYPE.fullmatch(seed.type) and not SUBJECT_PRONOUN.match(seed.type)]
    assert len(tagged) >= 100
    wrong = [s.seed_id for s in tagged if spanish_family(s.type, s.original, s.corrected).family != s.family]
    assert wrong == []


def test_own_types_say_operation_and_family() -> None:
    for seed in (*SPANISH, *ARABIC):
        if OWN_TYPE.fullmatch(seed.type):
            assert seed.type == f"{seed.operation[0].upper()}:{seed.family.upper()}", seed.seed_id


@pytest.mark.parametrize("name", ["spanish-heritage", "spanish-l2"])
def test_a_plan_errs_as_its_profile_does(name: str) -> None:
    profile = load_profile(name)
    scenarios = list(islice(plan([profile], SPANISH, 7), 600))
    assert not any(scenario.seed.is_variation for scenario in scenarios)
    for level in {scenario.learner.cefr for scenario in scenarios}:
        families = Counter(scenario.seed.family for scenario in scenarios if scenario.learner.cefr == level)
        assert level is not None
        assert jensen_shannon(families, family_mix("es", profile.background, level)) <= MOST_DIVERGENCE
