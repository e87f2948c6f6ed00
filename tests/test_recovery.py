"""The blind check of a batch by itself: each half of the seeds judged by a critic that was fitted on the other half."""

from collections import Counter
from copy import deepcopy
from itertools import islice

import pytest

from synth.grammar import fold_of, grow
from synth.output import Row
from synth.profiles import load_profiles
from synth.recovery import LEAST, judge
from synth.scenarios import plan
from synth.seeds import load_seeds

pytestmark = pytest.mark.slow  # hundreds of dialogues; test_synth_grammar.py holds the critic itself


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    scenarios = islice(plan(load_profiles(["spanish-heritage", "spanish-l2"]), load_seeds(["es"]), 5), 480)
    grown = {row["id"]: row for each in scenarios if (row := grow(each))}
    return list(grown.values())


def test_what_the_words_do_not_tell_is_lost_by_name(rows: list[Row]) -> None:
    wrong = deepcopy(rows)
    for row in wrong[::20]:  # hints that are told to be recasts, and so on
        turn = next(turn for turn in row["pedagogy"]["turns"] if turn["strategy"])
        turn["strategy"] = {"recast": "hint", "hint": "recast", "question": "explore", "explore": "question"}[
            turn["strategy"]
        ]
    before, after = judge(rows), judge(wrong)
    mislabelled = {row["id"] for row in wrong[::20]}
    found = {key for key in mislabelled if "strategy" in after.lost.get(key, [])}
    assert len(found) >= 0.9 * len(mislabelled)
    told = {(line.profile, line.target): line for line in before.recovered}
    assert {target for _, target in told} == {"strategy", "level", "background", "all"}
    assert sum(line.dialogues for line in before.recovered if line.target == "all") == len(rows)
    assert sum(line.recovered for line in before.recovered if line.target == "all") == len(rows) - len(before.lost)
    assert before.unjudged == []
    assert judge(rows) == before, "the same again"


def test_too_few_are_not_judged_and_it_is_told(rows: list[Row]) -> None:
    half = [row for row in rows if fold_of(row["seed_id"]) == 0]
    few = half + [row for row in rows if fold_of(row["seed_id"]) == 1][: LEAST - 1]
    found = judge(few)
    assert (found.lost, found.recovered) == ({}, [])
    assert {each.profile: each.dialogues for each in found.unjudged} == Counter(row["profile"] for row in few)
    assert all(f"{LEAST} others in 'es'" in each.reason for each in found.unjudged)
    assert judge([]).unjudged == []
