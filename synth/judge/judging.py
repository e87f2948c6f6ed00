"""Asking the judge: about each turn by the rubric, and about pairs of dialogues in both orders."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from quimbot_data.workspace import Workspace
from schemas.errors import BudgetError, InputError
from schemas.fields import Count, NonEmpty, Strict
from schemas.manifest import canonical_json
from synth.cache import open_cache
from synth.judge.dialogues import Judged, rights_of
from synth.judge.rubric import Preference, Verdict, judgement, rubric, stands_in
from synth.llm.account import Account, account_of, remark
from synth.llm.clearing import check_transfer
from synth.llm.client import Client
from synth.llm.generation import Asking, Tell
from synth.llm.replies import Failed, parse
from synth.llm.request import ChatMessage, Request, make_request
from synth.llm.work import work_through
from synth.prompts import prompt_hash, render

#: Named in the account; raised when the same dialogue would be asked about in another way.
ENGINE: Final = "judge@1"
PROMPTS: Final = ("judge.md", "judged.md", "pair.md", "paired.md", "rubric.toml")
Choice = Literal["a", "b", "neither", "inconsistent"]
R = TypeVar("R", bound=Strict)
T = TypeVar("T")


class VerdictRow(Strict):
    """One row a turn and dimension."""

    dialogue_id: NonEmpty
    position: Count
    dimension: NonEmpty
    label: str | None
    """Null where the judge gave none that counts; `reason` says why."""
    evidence: str | None
    reason: str | None
    """`evidence-not-in-text`, or what was wrong with the whole reply; see `synth.llm.replies.Reason`."""


class PairRow(Strict):
    """One row a pair."""

    a: NonEmpty
    b: NonEmpty
    better: Choice | None
    """`inconsistent` where the answer turned with the order; null where there is none that counts."""
    as_first: str | None
    """What was said with `a` first: `a`, `b` or `neither`."""
    as_second: str | None
    """What was said with `a` second."""
    evidence_a: str | None
    evidence_b: str | None
    reason: str | None


@dataclass(frozen=True)
class Judge:
    """Who judges, and how it is asked."""

    client: Client
    asking: Asking

    async def turn(self, work: tuple[Judged, int]) -> list[VerdictRow]:
        """The verdicts on one turn of a dialogue."""
        dialogue, position = work
        told = dialogue.messages[position]["content"]
        said = await self.ask(self.about_turn(work), judgement())
        return [_verdict(dialogue.dialogue_id, position, name, told, said) for name in rubric()]

    async def pair(self, work: tuple[Judged, Judged]) -> list[PairRow]:
        """Which of two dialogues is better, asked in both orders."""
        a, b = work
        there, back = await self.prefers(a, b), await self.prefers(b, a)
        failed = next((each for each in (there, back) if isinstance(each, Failed)), None)
        row = PairRow(
            a=a.dialogue_id,
            b=b.dialogue_id,
            better=None,
            as_first=None if isinstance(there, Failed) else _SIDES[there.better, True],
            as_second=None if isinstance(back, Failed) else _SIDES[back.better, False],
            evidence_a=None if isinstance(there, Failed) else there.evidence_first,
            evidence_b=None if isinstance(there, Failed) else there.evidence_second,
            reason=failed.reason if failed else None,
        )
        better = row.as_first if row.as_first == row.as_second else "inconsistent"
        return [row if failed else row.model_copy(update={"better": better})]

    async def prefers(self, first: Judged, second: Judged) -> Preference | Failed:
        """The answer in one order, its evidence looked up."""
        said = await self.ask(self.about_pair(first, second), Preference)
        if isinstance(said, Failed):
            return said
        for evidence, dialogue in ((said.evidence_first, first), (said.evidence_second, second)):
            spoken = [message["content"] for message in dialogue.messages if message["role"] == "assistant"]
            if not any(stands_in(evidence, text) for text in spoken):
                return Failed("evidence-not-in-text", evidence)
        return said

    def about_turn(self, work: tuple[Judged, int]) -> Request:
        """The request about a turn."""
        dialogue, position = work
        before, turn = dialogue.messages[:position], dialogue.messages[position]["content"]
        asked = render("judged.md", learner=dialogue.learner, messages=before, turn=turn)
        return self.request(render("judge.md", rubric=rubric()), asked, judgement())

    def about_pair(self, first: Judged, second: Judged) -> Request:
        """The request about two dialogues in this order."""
        asked = render("paired.md", learner=first.learner, dialogues=[first.messages, second.messages])
        return self.request(render("pair.md"), asked, Preference)

    def request(self, told: str, asked: str, schema: type[Strict]) -> Request:
        """A request of the judge."""
        messages: list[ChatMessage] = [{"role": "system", "content": told}, {"role": "user", "content": asked}]
        return make_request(self.asking.model, messages, self.asking.sampling, seed=0, schema=schema)

    async def ask(self, request: Request, schema: type[R]) -> R | Failed:
        """A reply in the structure asked for."""
        reply = await self.client.ask(request)
        return reply if isinstance(reply, Failed) else parse(reply, schema)


_SIDES: Final = {
    ("first", True): "a",
    ("second", True): "b",
    ("first", False): "b",
    ("second", False): "a",
    ("neither", True): "neither",
    ("neither", False): "neither",
}


def _verdict(dialogue_id: str, position: int, name: str, turn: str, said: Strict | Failed) -> VerdictRow:
    label = evidence = reason = None
    if isinstance(said, Failed):
        reason = str(said.reason)
    else:
        verdict: Verdict = getattr(said, name)
        evidence = verdict.evidence
        label = verdict.label if stands_in(evidence, turn) else None
        reason = None if label else "evidence-not-in-text"
    return VerdictRow(
        dialogue_id=dialogue_id, position=position, dimension=name, label=label, evidence=evidence, reason=reason
    )


@dataclass(frozen=True)
class JudgeRun(Generic[R]):
    """Rows of verdicts or pairs in the order of the work; and what it took."""

    rows: list[R]
    account: Account
    budget: BudgetError | None
    """Why some is not judged."""


def judge_turns(
    workspace: Workspace, dialogues: Sequence[Judged], asking: Asking, tell: Tell = lambda done, remark: None
) -> JudgeRun[VerdictRow]:
    """Judge every turn that answers an error.

    Raises:
        InputError: nothing to judge, or a budget without a price.
        TermsError: dialogues that may not go to the endpoint.
        LockedError, EndpointError: see `synth.llm.generation.generate_by_model`.
    """
    return _run(workspace, dialogues, turns_of(dialogues), lambda judge: judge.turn, asking, tell)


def judge_pairs(
    workspace: Workspace,
    matched: Sequence[tuple[Judged, Judged]],
    asking: Asking,
    tell: Tell = lambda done, remark: None,
) -> JudgeRun[PairRow]:
    """Judge pairs of dialogues, each in both orders.

    Raises:
        InputError, TermsError, LockedError, EndpointError: see `judge_turns`.
    """
    sent = [each for pair in matched for each in pair]
    return _run(workspace, sent, matched, lambda judge: judge.pair, asking, tell)


def turns_of(dialogues: Sequence[Judged]) -> list[tuple[Judged, int]]:
    """Every turn to judge, with its dialogue."""
    return [(dialogue, position) for dialogue in dialogues for position in dialogue.turns]


def _run(
    workspace: Workspace,
    sent: Sequence[Judged],
    work: Sequence[T],
    how: Callable[[Judge], Callable[[T], Awaitable[list[R]]]],
    asking: Asking,
    tell: Tell,
) -> JudgeRun[R]:
    if not work:
        raise InputError(
            "There is nothing to judge.", valid="Dialogues with a turn of a tutor; pairs share a seed or an id."
        )
    check_transfer(workspace, rights_of(sent), asking.endpoint, asking.model, asking.cleared, send=True)
    return asyncio.run(_judged(workspace, work, how, asking, tell))


async def _judged(
    workspace: Workspace,
    work: Sequence[T],
    how: Callable[[Judge], Callable[[T], Awaitable[list[R]]]],
    asking: Asking,
    tell: Tell,
) -> JudgeRun[R]:
    done = failed = 0

    def heard(rows: list[R]) -> None:
        nonlocal done, failed
        done, failed = done + 1, failed + any(getattr(row, "reason", None) for row in rows)
        tell(done, remark(client, failed))

    with open_cache(workspace, job_key(asking)) as cache:
        client = asking.client(cache)
        paid_before = client.budget.spent
        async with client.open():
            worked = await work_through(client, work, how(Judge(client, asking)), tell=heard)
        priced = asking.price is not None
        account = account_of(client.tally, cache.totals(), paid_before=paid_before, priced=priced)
    return JudgeRun([row for rows in worked.results for row in rows or ()], account, worked.budget)


def job_key(asking: Asking) -> str:
    """What runs share an account: all by this model and these prompts."""
    told = {
        "engine": ENGINE,
        "model": asking.model,
        "prompts": prompt_hash(PROMPTS),
        "sampling": asking.sampling.told(),
    }
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()
