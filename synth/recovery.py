"""What the blind critic recovers of a batch of dialogues: counted by profile before what it does not is dropped.

The grammar's dialogues are judged by a critic that others were grown for (`synth.generate`). A model's are too dear for
that: each half of a batch, by its seeds, is judged by a critic that was fitted on the other half.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.generation import BlindRecovery, Unjudged
from synth.blind import TARGETS, Unseen, fit, seen
from synth.grammar import fold_of
from synth.grammar.expansion import FOLDS
from synth.output import Row

#: Dialogues of a language that each critic must be fitted on. Of grammar dialogues that one fitted on 700 recovers, one
#: fitted on 50 loses half, on 100 .15 (English, one background) to .19 (Spanish, two), on 150 .09 to .13, on 400 .03 to
#: .04: below 150 it drops more for its own want of examples than for what the dialogues are.
LEAST: Final = 150


@dataclass
class Tally:
    """Dialogues judged, and those of which each target was found, by profile and target."""

    judged: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)

    def lost(self, profile: str, found: Mapping[str, bool], told: Sequence[str]) -> list[str]:
        """Count a dialogue, and say what of it was not recovered.

        Args:
            profile: its profile.
            found: by target, whether the critic finds what it is.
            told: targets that the critic tells by the words; what is known without them counts for no recovery.
        """
        for target, recovered in [*((target, found[target]) for target in told), ("all", all(found.values()))]:
            self.judged[profile, target] += 1
            self.found[profile, target] += recovered
        return [target for target in TARGETS if not found[target]]

    def lines(self) -> list[BlindRecovery]:
        """As the report tells it."""
        return [
            BlindRecovery(profile=profile, target=target, dialogues=judged, recovered=self.found[profile, target])
            for (profile, target), judged in sorted(self.judged.items())
        ]


@dataclass(frozen=True)
class Judgement:
    """What came of judging a batch by itself."""

    lost: dict[str, list[str]]
    """What was not recovered, by dialogue id; those of which all was are not there."""
    recovered: list[BlindRecovery]
    unjudged: list[Unjudged]


def unseen(row: Row) -> Unseen:
    """A dialogue for the blind check."""
    pedagogy = row["pedagogy"]
    truth = {
        "strategy": str(next(turn["strategy"] for turn in pedagogy["turns"] if turn["strategy"])),
        "level": str(pedagogy["learner"]["cefr"]),
        "background": str(pedagogy["learner"]["background"]),
    }
    said = [message["content"] for message in row["messages"] if message["role"] == "assistant"]
    return Unseen(row["language"], fold_of(row["seed_id"]), seen(row["language"], said), truth)


def judge(rows: Sequence[Row]) -> Judgement:
    """Judge a batch blind, each half of a language by what the other half shows.

    Languages of which a half has fewer than `LEAST` dialogues are left out, and told.

    Raises:
        InputError: scikit-learn is not installed.
    """
    halves = Counter((row["language"], fold_of(row["seed_id"])) for row in rows)
    fewest = {row["language"]: min(halves[row["language"], fold] for fold in range(FOLDS)) for row in rows}
    enough = [row for row in rows if fewest[row["language"]] >= LEAST]
    looked_at, tally = [unseen(row) for row in enough], Tally()
    critic = fit(looked_at)
    found = critic.recovered(looked_at)
    lost = {
        row["id"]: tally.lost(row["profile"], each, critic.tells(seen_of))
        for row, seen_of, each in zip(enough, looked_at, found, strict=True)
    }
    dropped = {key: targets for key, targets in lost.items() if targets}
    return Judgement(dropped, tally.lines(), _unjudged(rows, fewest))


def _unjudged(rows: Sequence[Row], fewest: Mapping[str, int]) -> list[Unjudged]:
    left: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if fewest[row["language"]] < LEAST:
            left[row["profile"], row["language"]] += 1
    return [
        Unjudged(
            profile=profile,
            dialogues=dialogues,
            reason=f"a critic must be fitted on {LEAST} others in {language!r}, of other seeds, or more",
        )
        for (profile, language), dialogues in sorted(left.items())
    ]
