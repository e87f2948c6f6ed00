"""How a dialogue is to go, settled before a model writes it: what the learner does, and what the tutor answers.

Events follow the profile's rates, as in the offline engine, so the annotations are the plan's and not the model's word.
"""

from dataclasses import dataclass
from typing import Final

from quimbot_data.pedagogy.course import PATIENCE
from schemas.learner import Move, Signal, Strategy, Uptake
from synth.grammar.course import NARROWER, reaction_weights
from synth.scenarios import Scenario, pick

#: Exchanges of the longest dialogue: twelve messages.
LONGEST: Final = 6


@dataclass(frozen=True)
class Step:
    """One exchange: a learner's message and the tutor's answer."""

    signals: tuple[Signal, ...]
    uptake: Uptake | None
    moves: tuple[Move, ...]
    strategy: Strategy | None
    learner: str
    """What the learner is told to do."""
    tutor: str
    """What the tutor is told to do."""
    latency_seconds: float
    mixed: bool = False
    """The learner's message mixes languages."""
    mirrored: bool = False
    """The tutor's answer does, too."""


@dataclass(frozen=True)
class _Act:
    """What one side does, less what chance adds."""

    told: str
    signals: tuple[Signal, ...] = ("none",)
    uptake: Uptake | None = None


_OPENING: Final = _Act(
    "leads up to the sentence with the error in a few words, or in none: it follows by itself and is not to be written",
    ("error",),
)
_CONFUSED: Final = _Act("does not understand what the tutor just said, and says so", ("confusion",), "none")
_SLOW: Final = _Act("after a long silence says next to nothing, one to three words", ("slow_response",), "none")
_FAREWELL: Final = _Act("winds the chat up in a friendly way")
_TAKEN_UP: Final = _Act("goes on with what the tutor told")
_REACTIONS: Final[dict[Uptake, _Act]] = {
    "repair": _Act("finds the right form and uses it in a new short sentence", ("success",), "repair"),
    "partial": _Act("changes something about the form, and not yet to the right one", ("none",), "partial"),
    "needs_repair": _Act("says it again with the same error", ("error",), "needs_repair"),
    "acknowledge": _Act("goes on with the topic, without the form in question", ("none",), "acknowledge"),
}

_EXPLAINS: Final = (
    "`explain`: tells how this one structure works, without the answer and without a verdict, and asks a short question"
)
#: Shares of recasts and hints that do not end in a question, so that .50 to .75 of all supports do.
_UNASKED: Final[dict[Strategy, float]] = {"recast": 0.6, "hint": 0.7}
_SUPPORTS: Final[dict[Strategy, str]] = {
    "recast": "`recast`, then one question about what the learner meant",
    "question": "`question`",
    "hint": "`hint`",
    "explore": "`explore`",
}


def steps_of(scenario: Scenario) -> list[Step]:
    """The exchanges of a dialogue, two to `LONGEST`; the same for the same scenario."""
    return _Course(scenario).steps()


class _Course:
    """A dialogue's events as they are drawn."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.profile = scenario, scenario.profile
        self.chance = scenario.random("steps")
        self.supports: list[Strategy] = []
        self.made: list[Step] = []
        self.failed = 0
        """Supports in a row that the learner could not use."""
        self.troubled = self.checked = False

    def steps(self) -> list[Step]:
        self.support(_OPENING, self.scenario.strategy)
        while self.react():
            pass
        return self.made

    def react(self) -> bool:
        """A reaction to the last support and the answer to it; whether that was another support."""
        room = LONGEST - len(self.made) >= 3
        chance = self.chance.random()
        if (
            room
            and not self.troubled
            and not self.failed
            and chance < self.profile.confusion + self.profile.slow_response
        ):
            self.troubled, self.failed = True, 1
            self.trouble(confused=chance < self.profile.confusion)
            return True
        reaction = pick(reaction_weights(self.profile.reactions[self.supports[-1]]), self.chance)
        act = _REACTIONS[reaction]
        self.failed = self.failed + 1 if reaction == "needs_repair" else 0
        if reaction == "repair":
            self.end(act, "is glad about what was said, in few words, and goes on with the topic by one open question")
            return False
        if room and (following := self.narrower(went_on=reaction == "acknowledge")):
            self.support(act, following)
            return True
        if self.explains():
            self.add(act, _EXPLAINS, ("explain",))
            act = _TAKEN_UP
        self.end(
            act, "takes up what the learner means, whatever its form, and goes on with the topic by one open question"
        )
        return False

    def support(self, act: _Act, strategy: Strategy) -> None:
        self.supports.append(strategy)
        told = _SUPPORTS[strategy]
        if self.chance.random() < _UNASKED.get(strategy, 0.0):
            told += "; ends with a statement, not with the question"
        self.add(act, told, (strategy,), strategy)

    def trouble(self, *, confused: bool) -> None:
        """Nothing that the learner could use: the same again, simpler, or a shorter way in."""
        last = self.supports[-1]
        hints = self.scenario.seed.generalizable and last in ("hint", "explore")
        strategy: Strategy = last if confused else "hint" if hints else "explore"
        self.supports.append(strategy)
        if confused:
            told = f"`simplify`: the same `{last}` in fewer and easier words"
            self.add(_CONFUSED, told, ("simplify", last), last)
        else:
            told = f"`{strategy}`, shorter than the turn before, with nothing new, and time to think"
            self.add(_SLOW, told, (strategy,), strategy)

    def narrower(self, *, went_on: bool) -> Strategy | None:
        """What follows a support that failed; nothing follows a recast that the learner took up by going on."""
        last, generalizable = self.supports[-1], self.scenario.seed.generalizable
        if last != "recast":
            return NARROWER[last] if generalizable and self.failed < PATIENCE else "recast"
        if went_on or len(self.supports) > 1:
            return None
        return "question" if generalizable else "explore"

    def explains(self) -> bool:
        """Whether a learner of a second language is told how the structure works."""
        fits = self.profile.background == "l2" and self.scenario.seed.generalizable
        return fits and self.failed >= PATIENCE and LONGEST - len(self.made) >= 2

    def end(self, act: _Act, told: str) -> None:
        """The tutor's answer, a check where none was made yet, and where there is room a farewell."""
        moves: tuple[Move, ...] = ("affirm", "elicit_content")
        if self.profile.background == "l2" and not self.checked:
            self.checked = True
            told = told.replace("by one open question", "by a short question whether the learner follows")
            moves = ("affirm", "comprehension_check")
        self.add(act, told, moves)
        if len(self.made) < LONGEST and self.chance.random() < 0.6:
            self.add(_FAREWELL, "says goodbye with a word about what was told", ("close",))

    def add(self, act: _Act, told: str, moves: tuple[Move, ...], strategy: Strategy | None = None) -> None:
        mixed = self.chance.random() < self.profile.code_switch
        mirrored = mixed and self.chance.random() < self.profile.mirroring
        slow = "slow_response" in act.signals
        latency = 20 + 40 * self.chance.random() if slow else 2 + 9 * self.chance.random()
        shared = " and ".join(self.profile.shared_languages)
        step = Step(
            signals=(*act.signals, "code_switch") if mixed else act.signals,
            uptake=act.uptake,
            moves=moves,
            strategy=strategy,
            learner=f"{act.told}; mixes a few words of {shared} in" if mixed else act.told,
            tutor=f"{told}; mixes a few words of {shared} in, too" if mirrored else told,
            latency_seconds=round(latency, 1),
            mixed=mixed,
            mirrored=mirrored,
        )
        self.made.append(step)
