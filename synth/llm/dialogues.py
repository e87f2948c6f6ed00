"""One dialogue by a model: a scenario, the learner's hidden state, what is written, critics, one repair, or a reason.

Hidden from the tutor, and from every text: the learner's misconception. In one call a model writes both sides; by roles
it plays learner and tutor in turn, and the tutor never sees what the learner believes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeVar

from quimbot_data.pedagogy.invariants import Failure
from schemas.fields import Strict
from synth.llm.client import Client
from synth.llm.critic import HERE, Critics
from synth.llm.hidden import prompt_values
from synth.llm.replies import Failed, Reply, parse
from synth.llm.request import ChatMessage, Request, Sampling, make_request
from synth.llm.steps import steps_of
from synth.llm.written import (
    Assembled,
    Exchange,
    LearnerTurn,
    TutorTurn,
    WrittenDialogue,
    assemble,
    open_with,
    tidy,
    written_dialogue,
)
from synth.output import Row, canonical, dialogue_key, rights
from synth.prompts import prompt_hash, render
from synth.scenarios import Scenario

#: Named in every row; raised when the same scenario would ask for something else.
ENGINE: Final = "llm@1"
Roles = Literal["one-call", "in-turn"]
#: The prompt files that a dialogue can be asked for with.
PROMPTS: Final[dict[Roles, tuple[str, ...]]] = {
    "one-call": ("dialogue.md", "misconceptions.toml", "repair.md", "rules.md", "scenario.md"),
    "in-turn": (
        *("dialogue.md", "learner.md", "misconceptions.toml", "repair.md", "rules.md", "scenario.md", "turn.md"),
        "tutor.md",
    ),
}

S = TypeVar("S", bound=Strict)


@dataclass(frozen=True)
class Rejected:
    """A scenario that became no dialogue, and what there is of it."""

    reason: str
    detail: str
    failed: tuple[str, ...] = ()
    """Names of the invariants that are broken."""
    messages: tuple[dict[str, str], ...] = ()
    reply: str | None = None
    """What the model answered, where no dialogue could be made of it."""


class Written(NamedTuple):
    """What became of a scenario."""

    made: Row | Rejected
    repaired: bool
    """Whether a dialogue was asked for a second time."""


@dataclass(frozen=True)
class Writer:
    """Who writes, and how."""

    client: Client
    model: str
    sampling: Sampling
    roles: Roles = "one-call"
    critics: Critics = HERE

    async def write(self, scenario: Scenario) -> Written:
        """The dialogue of a scenario, or why there is none.

        Raises:
            BudgetError, EndpointError, WorkspaceError, Stopped: see `Client.ask`.
        """
        return await Draft(self, scenario).finish()

    def warm(self, scenarios: Sequence[Scenario]) -> None:
        """Let the critics read their tables, by a dialogue of each two languages that meet."""
        for scenario in {(each.profile.language, each.learner.l1): each for each in scenarios}.values():
            draft, text = Draft(self, scenario), scenario.seed.sentence
            exchanges = [Exchange(learner=text, tutor=text, moves=[])] * len(draft.steps)
            self.critics.warm(draft.assembled(WrittenDialogue(exchanges=exchanges)).row())

    @property
    def prompt_hash(self) -> str:
        """Of all files that this way of asking reads."""
        return prompt_hash(PROMPTS[self.roles])


class _Unusable(Exception):  # noqa: N818 - caught within this module
    """A request that brought nothing to use."""

    def __init__(self, failed: Failed, reply: Reply | None) -> None:
        self.rejected = Rejected(failed.reason, failed.detail, reply=reply.content if reply else None)
        super().__init__(failed.detail)


class Draft:
    """One dialogue as it comes about: its requests, and what is made of the replies."""

    def __init__(self, writer: Writer, scenario: Scenario) -> None:
        self.writer, self.scenario = writer, scenario
        self.steps = steps_of(scenario)
        self.values = prompt_values(scenario, self.steps)
        self.asked = 0
        self.model: str | None = None

    async def finish(self) -> Written:
        """Write, check, and once repair."""
        repaired = False
        try:
            written = await (self.in_one_call() if self.writer.roles == "one-call" else self.in_turn())
            made = self.assembled(written)
            if failures := await self.writer.critics.check(made.row()):
                repaired = True
                made = self.assembled(await self.repaired(written, failures))
                failures = await self.writer.critics.check(made.row())
        except _Unusable as unusable:
            return Written(unusable.rejected, repaired)
        return Written(_rejected(failures, made) if failures else self.row(made), repaired)

    async def in_one_call(self) -> WrittenDialogue:
        """Both sides at once."""
        return await self.ask(self.whole(), written_dialogue(len(self.steps)))

    def whole(self) -> list[ChatMessage]:
        """The request for a whole dialogue."""
        return [_system("dialogue.md", self.values), _user(render("scenario.md", **self.values))]

    async def in_turn(self) -> WrittenDialogue:
        """Learner and tutor by turns, each knowing what was said and no more."""
        exchanges: list[Exchange] = []
        said: list[dict[str, str]] = []
        for step in self.steps:
            learner = (await self.ask(self.turn("learner.md", step.learner, said), LearnerTurn)).text
            text = tidy(learner) if said else open_with(self.scenario, learner)[0]
            said.append({"role": "user", "content": text})
            tutor = await self.ask(self.turn("tutor.md", step.tutor, said), TutorTurn)
            said.append({"role": "assistant", "content": tidy(tutor.text)})
            exchanges.append(Exchange(learner=learner, tutor=tutor.text, moves=tutor.moves))
        return WrittenDialogue(exchanges=exchanges)

    def turn(self, role: str, told: str, said: Sequence[Mapping[str, str]]) -> list[ChatMessage]:
        """The request for one turn of a role."""
        return [_system(role, self.values), _user(render("turn.md", messages=said, step=told))]

    async def repaired(self, written: WrittenDialogue, failures: Sequence[Failure]) -> WrittenDialogue:
        """Another go, told what is broken."""
        return await self.ask(self.mending(written, failures), written_dialogue(len(self.steps)))

    def mending(self, written: WrittenDialogue, failures: Sequence[Failure]) -> list[ChatMessage]:
        """The request for another go."""
        told = [
            {"name": f.name, "exchange": None if f.position is None else f.position // 2 + 1, "detail": f.detail}
            for f in failures
        ]
        before: ChatMessage = {"role": "assistant", "content": written.model_dump_json()}
        return [*self.whole(), before, _user(render("repair.md", failures=told))]

    async def ask(self, messages: Sequence[ChatMessage], schema: type[S]) -> S:
        """What the model answers, in the structure asked for."""
        reply = await self.writer.client.ask(self.request(messages, schema))
        if isinstance(reply, Failed):
            raise _Unusable(reply, None)
        self.model = reply.model or self.writer.model
        found = parse(reply, schema)
        if isinstance(found, Failed):
            raise _Unusable(found, reply)
        return found

    def request(self, messages: Sequence[ChatMessage], schema: type[Strict]) -> Request:
        """The next request of this dialogue."""
        seed = _seed_of(self.scenario, self.asked)
        self.asked += 1
        return make_request(self.writer.model, messages, self.writer.sampling, seed=seed, schema=schema)

    def imagined(self, text: str) -> list[Request]:
        """The requests if every message that is written were this text; the last one asks for a repair."""
        exchange, said = Exchange(learner=text, tutor=text, moves=[]), list[dict[str, str]]()
        requests = []
        for step in self.steps if self.writer.roles == "in-turn" else ():
            for role, told, schema in (("learner.md", step.learner, LearnerTurn), ("tutor.md", step.tutor, TutorTurn)):
                requests.append(self.request(self.turn(role, told, said), schema))
                said.append({"role": "assistant" if role == "tutor.md" else "user", "content": text})
        whole = written_dialogue(len(self.steps))
        written = WrittenDialogue(exchanges=[exchange] * len(self.steps))
        first = requests or [self.request(self.whole(), whole)]
        return [*first, self.request(self.mending(written, []), whole)]

    def assembled(self, written: WrittenDialogue) -> Assembled:
        """The dialogue as critics look at it."""
        made = assemble(self.scenario, self.steps, written)
        if isinstance(made, Failed):
            raise _Unusable(made, None)
        return made

    def row(self, made: Assembled) -> Row:
        """As it is written to the file."""
        licence, terms = rights(self.scenario.seed)
        return Row(
            id=dialogue_key(made.messages),
            language=made.language,
            generator=ENGINE,
            template_id=None,
            prompt_hash=self.writer.prompt_hash,
            model=self.model,
            sampling=canonical(self.writer.sampling.told() | {"roles": self.writer.roles}),
            seed_id=self.scenario.seed.seed_id,
            profile=self.scenario.profile.name,
            license=licence,
            terms=terms,
            attribution=self.scenario.seed.attribution,
            messages=made.messages,
            pedagogy=made.pedagogy,
        )


def _rejected(failures: Sequence[Failure], made: Assembled) -> Rejected:
    names = tuple(dict.fromkeys(failure.name for failure in failures))
    return Rejected("critics", f"{failures[0].name}: {failures[0].detail}", names, tuple(made.messages))


def _system(name: str, values: Mapping[str, Any]) -> ChatMessage:
    return {"role": "system", "content": render(name, **values)}


def _user(text: str) -> ChatMessage:
    return {"role": "user", "content": text}


def _seed_of(scenario: Scenario, number: int) -> int:
    """What a request is sampled by: of the scenario and its place within the dialogue, 31 bits."""
    text = f"{scenario.random_seed}|{scenario.number}|{number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1
