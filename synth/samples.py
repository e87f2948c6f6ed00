"""A page of dialogues to judge by: chosen by a seed and a fixed order of kinds, never by hand."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from quimbot_data.pedagogy.critics import check
from schemas.learner import STRATEGIES
from schemas.seed import Seed
from synth.grammar import ENGINE, grow
from synth.output import Row, TurnRow
from synth.profiles import Profile, load_profiles
from synth.scenarios import Scenario, plan

SAMPLES: Final = 20
RANDOM_SEED: Final = 20260208

_HEAD: Final = """# Sample dialogues

{count} scaffolding dialogues of the offline engine ({engine}), written by `quimbot synth samples`, not by hand: of the
plan of random seed {seed}, for each kind in turn (profile by profile, the strategies in turn) the first dialogue that
passes its critics. Spanish, Mandarin and Arabic have not been reviewed by native teachers yet.

What to judge by: would you let this turn stand? Does it leave the learner something to find? Is it within the level?
"""


def sample_rows(seeds: Sequence[Seed]) -> list[Row]:
    """The dialogues of the page, each of another seed.

    Raises:
        InputError: no seed fits one of the profiles.
    """
    profiles = load_profiles()
    kinds = _kinds(profiles)
    scenarios, passed, used = plan(profiles, seeds, RANDOM_SEED), list[Scenario](), set[str]()
    rows: list[Row] = []
    for _, (profile, strategy) in zip(range(SAMPLES), kinds, strict=False):
        for scenario in _from_first(scenarios, passed):
            fits = (scenario.profile.name, scenario.strategy) == (profile, strategy)
            if fits and scenario.seed.seed_id not in used and (row := grow(scenario)) and not check(row):
                rows.append(row)
                used.add(scenario.seed.seed_id)
                break
    return rows


def _kinds(profiles: Sequence[Profile]) -> Iterator[tuple[str, str]]:
    """Profile and strategy, so that neighbours differ in both, and every pair comes once before any twice."""
    pairs = list(product(range(len(STRATEGIES)), range(len(profiles))))
    while True:
        for turn, place in pairs:
            yield profiles[place].name, STRATEGIES[(turn + place) % len(STRATEGIES)]


def _from_first(scenarios: Iterator[Scenario], passed: list[Scenario]) -> Iterator[Scenario]:
    """The plan from its beginning, made only as far as it is needed."""
    yield from passed
    for scenario in scenarios:
        passed.append(scenario)
        yield scenario


def page(rows: Sequence[Row]) -> str:
    """The page in Markdown."""
    head = _HEAD.format(count=len(rows), engine=ENGINE, seed=RANDOM_SEED)
    return head + "".join(_section(number, row) for number, row in enumerate(rows, 1))


def _section(number: int, row: Row) -> str:
    pedagogy = row["pedagogy"]
    learner, first = pedagogy["learner"], next(turn["strategy"] for turn in pedagogy["turns"] if turn["strategy"])
    who = ", ".join(filter(None, (row["profile"], learner["cefr"], learner["variety"], first)))
    lines = [f"\n## {number}. {who}\n", f"Seed `{row['seed_id']}`, template `{row['template_id']}`\n"]
    errors = [f"`{e['original'] or '∅'}` for `{e['corrected'].strip() or '∅'}`" for e in pedagogy["errors"][:1]]
    turns = zip(row["messages"], pedagogy["turns"], strict=True)
    lines += [_turn(message["role"], message["content"], turn, errors) for message, turn in turns]
    return "\n".join(lines) + "\n"


def _turn(role: str, content: str, turn: TurnRow, errors: list[str]) -> str:
    if role == "assistant":
        return f"- **Tutor** ({', '.join(turn['moves'])}): {content}"
    signals = [signal for signal in turn["signals"] if signal != "none"]
    told = ", ".join([*signals, *(errors if turn["position"] == 0 else [])])
    return f"- **Learner**{f' ({told})' if told else ''}: {content}"
