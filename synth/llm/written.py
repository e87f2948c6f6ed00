"""What a model writes: the structures that it is asked for, and the dialogue that they and the plan make together."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Final, NamedTuple

from pydantic import Field, create_model

from schemas.dialogue import Message, Pedagogy, TurnAnnotation
from schemas.fields import Strict, text_fault
from schemas.learner import ErrorSpan, Move, Signal, Strategy, Uptake
from schemas.seed import Seed
from synth.llm.replies import Failed
from synth.llm.steps import Step
from synth.scenarios import Scenario

#: What a tutor's turn may do beside what its step asks for.
_BESIDE: Final[tuple[Move, ...]] = ("affirm", "reflect", "comprehension_check", "elicit_content")
#: Languages whose sentences follow each other without a blank.
_UNSPACED: Final = frozenset({"zh", "ja"})


#: What a tutor's turn does, as a model declares it; small models would go on for ever.
_Moves = Annotated[list[Move], Field(max_length=4)]


class LearnerTurn(Strict):
    """One message of a learner."""

    text: str


class TutorTurn(Strict):
    """One turn of a tutor."""

    text: str
    moves: _Moves


class Exchange(Strict):
    """What a learner says, and what the tutor answers."""

    learner: str
    tutor: str
    moves: _Moves
    """What the tutor's turn does."""


class WrittenDialogue(Strict):
    """A whole dialogue."""

    exchanges: list[Exchange]


@cache
def written_dialogue(exchanges: int) -> type[WrittenDialogue]:
    """The structure of a dialogue of so many exchanges."""
    count = Annotated[list[Exchange], Field(min_length=exchanges, max_length=exchanges)]
    return create_model("WrittenDialogue", __base__=WrittenDialogue, exchanges=(count, ...))


class Assembled(NamedTuple):
    """A dialogue as critics look at it."""

    language: str
    messages: list[dict[str, str]]
    pedagogy: dict[str, object]

    def row(self) -> dict[str, object]:
        """As a mapping."""
        return {"language": self.language, "messages": self.messages, "pedagogy": self.pedagogy}


def assemble(scenario: Scenario, steps: Sequence[Step], written: WrittenDialogue) -> Assembled | Failed:
    """The dialogue of what a model wrote: the seed's sentence put in, errors by place, annotations of the plan."""
    opening, errors = open_with(scenario, written.exchanges[0].learner)
    messages, turns = list[Message](), list[TurnAnnotation]()
    for number, (step, exchange) in enumerate(zip(steps, written.exchanges, strict=True)):
        for text, turn in (
            (opening if number == 0 else exchange.learner, _learner_turn(scenario, step, 2 * number)),
            (exchange.tutor, _tutor_turn(scenario, step, 2 * number + 1, exchange.moves)),
        ):
            text = tidy(text)
            if fault := text_fault(text):
                return Failed("unclean-text", f"{fault} in message {turn.position}")
            role = "assistant" if turn.position % 2 else "user"
            messages.append(Message.model_validate({"role": role, "content": text}))
            turns.append(turn)
    pedagogy = Pedagogy(learner=scenario.learner, topic=scenario.seed.topic, turns=turns, errors=errors)
    told = [message.model_dump() for message in messages]
    return Assembled(scenario.profile.language, told, pedagogy.model_dump())


def tidy(text: str) -> str:
    """Text in NFC, without blanks around it."""
    return unicodedata.normalize("NFC", text).strip()


def open_with(scenario: Scenario, lead: str) -> tuple[str, list[ErrorSpan]]:
    """The learner's first message and the errors in it.

    Args:
        scenario: whose seed's sentence it ends with, after what is right in the learner's variety, if anything.
        lead: what a model wrote to lead up to it; left out where it holds the sentence already.
    """
    seeds = [seed for seed in (scenario.variation, scenario.seed) if seed is not None]
    text, errors = tidy(lead), list[ErrorSpan]()
    if any(tidy(seed.sentence) in text for seed in seeds):
        text = ""
    between = "" if scenario.profile.language in _UNSPACED else " "
    for seed in seeds:
        text += between if text else ""
        errors.append(_span(seed, len(text)))
        text += seed.sentence
    return text, errors


def _span(seed: Seed, offset: int) -> ErrorSpan:
    return ErrorSpan(
        position=0,
        start=offset + seed.start,
        end=offset + seed.end,
        source_id=seed.seed_id,
        **seed.model_dump(include={"original", "corrected", "operation", "type", "generalizable", "is_variation"}),
    )


def _learner_turn(scenario: Scenario, step: Step, position: int) -> TurnAnnotation:
    return _annotation(
        scenario, step.mixed, position, signals=list(step.signals), uptake=step.uptake, latency=step.latency_seconds
    )


def _tutor_turn(scenario: Scenario, step: Step, position: int, declared: Sequence[Move]) -> TurnAnnotation:
    beside = [move for move in declared if move in _BESIDE]
    moves = list(dict.fromkeys([*step.moves, *beside]))
    aimed = step.strategy is not None or "explain" in step.moves
    target = int(scenario.variation is not None) if aimed else None
    return _annotation(scenario, step.mirrored, position, moves=moves, strategy=step.strategy, target=target)


def _annotation(
    scenario: Scenario,
    mixed: bool,
    position: int,
    *,
    signals: list[Signal] | None = None,
    uptake: Uptake | None = None,
    latency: float | None = None,
    moves: list[Move] | None = None,
    strategy: Strategy | None = None,
    target: int | None = None,
) -> TurnAnnotation:
    profile = scenario.profile
    return TurnAnnotation(
        position=position,
        signals=signals or [],
        uptake=uptake,
        latency_seconds=latency,
        moves=moves or [],
        strategy=strategy,
        target=target,
        languages=[profile.language, *profile.shared_languages] if mixed else [profile.language],
        cultural_note=None,
    )
