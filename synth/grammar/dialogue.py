"""A dialogue as it grows: its messages, and the annotations that go with them."""

import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from quimbot_data.pedagogy.edits import Edit
from schemas.learner import Move, Signal, Strategy, Uptake
from schemas.seed import Seed
from synth.code_switching import LanguagePair, language_pair
from synth.grammar.expansion import Speaker
from synth.output import NoteRow, PedagogyRow, TurnRow
from synth.scenarios import Scenario, edit_of


class Heard(NamedTuple):
    """A learner's message, and the seeds whose sentences begin in it at these places."""

    text: str
    errors: list[tuple[Seed, int]]
    mixed: bool


class Spoken(NamedTuple):
    """A tutor's turn."""

    text: str
    moves: list[Move]
    strategy: Strategy | None = None
    note: NoteRow | None = None
    mixed: bool = False


@dataclass
class Course:
    """A dialogue as it grows.

    Attributes:
        scenario: what was settled before.
        speaker: says things.
        chance: decides what happens; what is said is the speaker's to decide.
        path: names of what happened, in order.
    """

    scenario: Scenario
    speaker: Speaker
    chance: random.Random
    messages: list[dict[str, str]] = field(default_factory=list)
    turns: list[TurnRow] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    supports: list[Strategy] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    target: int | None = None
    marks: set[str] = field(default_factory=set)
    """What the tutor did that the background asks for: a comprehension check, the ear for the home's speech."""

    @property
    def pair(self) -> LanguagePair | None:
        """What is said in both of the learner's languages, where the profile mixes them."""
        profile = self.scenario.profile
        if not profile.code_switch or not profile.shared_languages:
            return None
        return language_pair(profile.language, profile.shared_languages[0])

    @cached_property
    def edit(self) -> Edit:
        """The error and what is right instead, as critics take it."""
        return edit_of(self.scenario.seed)

    @cached_property
    def questions(self) -> list[str]:
        """The seed's questions about meaning, each dialogue's in an order of its own."""
        several = list(self.scenario.seed.questions)
        self.scenario.random("questions").shuffle(several)
        return several

    def unasked(self) -> str | None:
        """The first of the seed's questions that no turn of the tutor has asked; None when they are used up."""
        said = [message["content"].casefold() for message in self.messages if message["role"] == "assistant"]
        return next((each for each in self.questions if not any(each.casefold() in text for text in said)), None)

    def pedagogy(self) -> PedagogyRow:
        """What the messages do."""
        learner = self.scenario.learner.model_dump()
        return PedagogyRow(learner=learner, topic=self.scenario.seed.topic, turns=self.turns, errors=self.errors)

    def learner_says(
        self,
        said: Heard,
        signals: list[Signal],
        *,
        uptake: Uptake | None = None,
        slow: bool = False,
    ) -> None:
        """Add a learner's message, with the errors that it repeats."""
        position = len(self.messages)
        for seed, offset in said.errors:
            if not seed.is_variation:
                self.target = len(self.errors)
            self.errors.append(_span(seed, position, offset))
        latency = 20 + 40 * self.chance.random() if slow else 2 + 9 * self.chance.random()
        mixed: list[Signal] = ["code_switch"] if said.mixed else []
        self._add("user", said.text, said.mixed, signals=signals + mixed, uptake=uptake, latency=round(latency, 1))

    def tutor_says(self, said: Spoken) -> None:
        """Add a tutor's turn."""
        if said.strategy:
            self.supports.append(said.strategy)
        target = self.target if said.strategy or "explain" in said.moves else None
        moves = list(dict.fromkeys(said.moves))
        self._add(
            "assistant", said.text, said.mixed, moves=moves, strategy=said.strategy, target=target, note=said.note
        )

    def _add(
        self,
        role: str,
        text: str,
        mixed: bool,
        *,
        signals: list[Signal] | None = None,
        uptake: Uptake | None = None,
        latency: float | None = None,
        moves: list[Move] | None = None,
        strategy: Strategy | None = None,
        target: int | None = None,
        note: NoteRow | None = None,
    ) -> None:
        profile = self.scenario.profile
        annotation = TurnRow(
            position=len(self.messages),
            signals=signals or [],
            uptake=uptake,
            latency_seconds=latency,
            moves=moves or [],
            strategy=strategy,
            target=target,
            languages=[profile.language, *profile.shared_languages] if mixed else [profile.language],
            cultural_note=note,
        )
        self.turns.append(annotation)
        self.messages.append({"role": role, "content": text})


def _span(seed: Seed, position: int, offset: int) -> dict[str, Any]:
    """`schemas.learner.ErrorSpan`, as it is written."""
    return {
        "position": position,
        "start": offset + seed.start,
        "end": offset + seed.end,
        "original": seed.original,
        "corrected": seed.corrected,
        "operation": seed.operation,
        "type": seed.type,
        "generalizable": seed.generalizable,
        "is_variation": seed.is_variation,
        "source_id": seed.seed_id,
    }
