"""Asking a model: what is paid once, what is tried again, what stops the run, and what never leaves or shows."""

import asyncio
import itertools
import sqlite3
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_standin import Answer, LlmStandIn, Payload, Script
from pydantic import SecretStr

from quimbot_data.endpoint import Endpoint, choose_endpoint
from quimbot_data.workspace import Workspace
from schemas.errors import BudgetError, EndpointError, InputError, LockedError
from synth.cache import Totals, open_cache
from synth.llm.attempts import retry_after
from synth.llm.budget import UNLIMITED, Budget
from synth.llm.client import Client, Patience, Tally
from synth.llm.prices import DOLLAR, FREE, Asked, Price, price_of
from synth.llm.replies import Failed, Reply
from synth.llm.request import Request, Sampling, make_request

JOB = "a" * 64
SECRET = "sk-quimbot-0123456789"
QUICK = Patience(attempts=4, timeout=0.5, first_wait=0.02, longest_wait=0.1)
PRICE = Price(input=1.0, output=2.0)
ONE = PRICE.cost(20, 50)
"""What a reply of the stand-in costs."""


def request(number: int = 0, **sampling: object) -> Request:
    chosen = Sampling.model_validate({"max_tokens": 60, **sampling})
    return make_request("small", [{"role": "user", "content": "Say yes."}], chosen, seed=number)


def said(payload: Payload, again: int) -> Answer:
    return Answer(f"yes {payload.get('seed')}")


def after(*first: Answer) -> Script:
    """These answers to the first tries of each request, then a good one."""
    return lambda payload, again: first[again] if again < len(first) else said(payload, again)


class Run:
    """What became of some requests."""

    def __init__(self, client: Client, outcomes: list[Reply | Failed | BaseException], totals: Totals) -> None:
        self.client, self.outcomes, self.totals = client, outcomes, totals
        self.tally: Tally = client.tally


def ask(
    workspace: Workspace,
    url: str,
    requests: list[Request],
    *,
    limit: int = UNLIMITED,
    price: Price = FREE,
    patience: Patience = QUICK,
    key: str = SECRET,
) -> Run:
    """Ask for all at once, within one job."""

    async def run() -> Run:
        with open_cache(workspace, JOB) as cache:
            before = cache.totals()
            budget = Budget(limit, before.cost, before.doubtful_cost)
            client = Client(Endpoint(url, SecretStr(key)), cache, budget, price, patience)
            async with client.open():
                outcomes = await asyncio.gather(*map(client.ask, requests), return_exceptions=True)
            return Run(client, list(outcomes), cache.totals())

    return asyncio.run(run())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "datasets")


def test_a_reply_is_paid_once_and_a_rerun_costs_nothing(workspace: Workspace) -> None:
    asked = [request(number) for number in range(5)]
    with LlmStandIn(said) as server:
        first = ask(workspace, server.url, asked, price=PRICE)
        again = ask(workspace, server.url, asked, price=PRICE)
    assert [reply.content for reply in first.outcomes if isinstance(reply, Reply)] == [f"yes {n}" for n in range(5)]
    assert again.outcomes == first.outcomes
    assert len(server.seen) == 5
    assert (again.tally.asked, again.tally.cached) == (0, 5)
    assert again.totals == first.totals == Totals(5, 100, 250, 5 * ONE, 0, 0)


def test_equal_requests_at_the_same_time_are_sent_once(workspace: Workspace) -> None:
    with LlmStandIn(lambda payload, _: Answer("yes", delay=0.05)) as server:
        run = ask(workspace, server.url, [request()] * 8)
    assert len(server.seen) == 1
    assert run.tally.cached == 7


def test_the_payload_is_sent_as_it_is_hashed(workspace: Workspace) -> None:
    asked = request(3, extra={"top_k": 40, "max_completion_tokens": 60, "max_tokens": None}, temperature=None)
    with LlmStandIn(said) as server:
        ask(workspace, server.url, [asked])
    [seen] = server.seen
    assert seen.payload == asked.payload
    assert seen.payload["top_k"] == 40
    assert not {"max_tokens", "temperature"} & set(seen.payload)
    assert seen.key == asked.key
    assert Request(seen.payload).key == asked.key


@given(
    st.dictionaries(st.sampled_from(["top_k", "stop", "user"]), st.integers() | st.text("aé"), max_size=3),
    st.integers(),
)
def test_the_key_is_of_the_payload_and_nothing_else(extra: dict[str, object], seed: int) -> None:
    one, two = request(seed, extra=extra), request(seed, extra=dict(reversed(extra.items())))
    assert one.key == two.key
    assert request(seed + 1, extra=extra).key != one.key


@pytest.mark.parametrize(
    ("trouble", "doubtful"),
    [
        (Answer(status=429), 0),
        (Answer(status=500), 0),
        (Answer(status=503), 0),
        (Answer(status=504), 1),
        (Answer("yes", fate="cut"), 1),
        (Answer("yes", fate="reset"), 1),
        (Answer("yes", fate="hang"), 1),
        (Answer(body="<html>"), 1),
        (Answer(body='{"choices": []}'), 1),
    ],
    ids=["429", "500", "503", "504", "cut", "reset", "hang", "html", "no-choice"],
)
def test_what_may_pass_is_tried_again(workspace: Workspace, trouble: Answer, doubtful: int) -> None:
    with LlmStandIn(after(trouble), honours_keys=False) as server:
        run = ask(workspace, server.url, [request()], price=PRICE)
    [reply] = run.outcomes
    assert isinstance(reply, Reply)
    assert len({seen.key for seen in server.seen}) == 1, "a repeat goes out under its first key"
    assert len(server.seen) == 2
    assert run.tally.repeated == 1
    most = run.client.most(request())
    assert run.totals == Totals(1, 20, 50, ONE, doubtful, doubtful * most)
    assert (run.client.budget.spent, run.client.budget.doubtful) == (ONE, doubtful * most)


def test_an_endpoint_that_honours_keys_is_paid_once_whatever_breaks(workspace: Workspace) -> None:
    fates = {0: "cut", 1: "reset", 2: "hang"}

    def script(payload: Payload, again: int) -> Answer:
        fate = fates.get(payload["seed"] % 4)
        return Answer("yes", fate=fate) if fate and not again else said(payload, again)  # type: ignore[arg-type]

    with LlmStandIn(script) as server:
        run = ask(workspace, server.url, [request(number) for number in range(12)])
    assert all(isinstance(outcome, Reply) for outcome in run.outcomes)
    assert set(server.paid.values()) == {1}
    assert len(server.seen) == 21


def test_patience_ends(workspace: Workspace) -> None:
    with LlmStandIn(lambda *_: Answer(status=500)) as server:
        run = ask(workspace, server.url, [request()])
        assert len(server.seen) == QUICK.attempts
        assert run.outcomes == [Failed("unanswered", "status 500; tried 4 times")]
        server.script = said
        later = ask(workspace, server.url, [request()])
    assert isinstance(later.outcomes[0], Reply), "what was not answered is asked again"


def test_waits_double(workspace: Workspace) -> None:
    patience = Patience(attempts=4, timeout=1, first_wait=0.1, longest_wait=0.2)
    with LlmStandIn(lambda *_: Answer(status=500)) as server:
        ask(workspace, server.url, [request()], patience=patience)
    moments = [seen.at for seen in server.seen]
    waits = [late - early for early, late in itertools.pairwise(moments)]
    assert all(wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.1), strict=True)), waits


@pytest.mark.parametrize("header", ["Retry-After", "Retry-After-Ms"])
def test_all_wait_as_long_as_the_endpoint_asks(workspace: Workspace, header: str) -> None:
    told = {header: "1" if header == "Retry-After" else "1000"}

    def script(payload: Payload, again: int) -> Answer:
        if payload["seed"] == 0 and not again:
            return Answer(status=429, headers=told)
        return Answer("yes") if payload["seed"] == 0 else Answer(status=500) if not again else said(payload, again)

    with LlmStandIn(script) as server:
        run = ask(workspace, server.url, [request(0), request(1)])
    assert all(isinstance(outcome, Reply) for outcome in run.outcomes)
    refused = min(seen.at for seen in server.seen if seen.payload["seed"] == 0)
    asked = [seen.payload["seed"] for seen in server.seen]
    again = [seen for at, seen in enumerate(server.seen) if asked[at] in asked[:at]]
    assert {seen.payload["seed"] for seen in again} == {0, 1}
    assert all(seen.at - refused >= 0.99 for seen in again), server.seen


def test_a_wait_that_is_too_long_ends_the_request_at_once(workspace: Workspace) -> None:
    with LlmStandIn(lambda *_: Answer(status=429, headers={"Retry-After": "86400"})) as server:
        run = ask(workspace, server.url, [request()])
    [failed] = run.outcomes
    assert isinstance(failed, Failed)
    assert "86,400 s" in failed.detail
    assert len(server.seen) == 1


def test_retry_after_may_be_a_date() -> None:
    now = time.time()
    assert retry_after(None, formatdate(now + 30, usegmt=True), now) == pytest.approx(30, abs=1)
    assert retry_after(None, formatdate(now - 30, usegmt=True), now) == 0
    assert [retry_after(None, text) for text in (None, "", "soon", "-1", "inf", "nan")] == [None] * 6


@pytest.mark.parametrize("status", [401, 402, 403, 404, 307])
def test_what_no_request_can_pass_stops_the_run(workspace: Workspace, status: int) -> None:
    answer = Answer(status=status, headers={"Location": "http://127.0.0.1:1/v1"} if status == 307 else {})
    with LlmStandIn(lambda *_: answer) as server:
        run = ask(workspace, server.url, [request()])
    [error] = run.outcomes
    assert isinstance(error, EndpointError)
    assert str(status) in str(error)
    assert len(server.seen) == 1
    assert run.totals.doubtful == 0


def test_an_account_without_credit_stops_the_run(workspace: Workspace) -> None:
    body = '{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    with LlmStandIn(lambda *_: Answer(status=429, body=body)) as server:
        run = ask(workspace, server.url, [request()])
    assert isinstance(run.outcomes[0], EndpointError)
    assert len(server.seen) == 1


def test_a_request_that_is_not_accepted_fails_alone(workspace: Workspace) -> None:
    def script(payload: Payload, again: int) -> Answer:
        return Answer(status=400) if payload["seed"] == 1 else said(payload, again)

    with LlmStandIn(script) as server:
        run = ask(workspace, server.url, [request(0), request(1)])
    assert isinstance(run.outcomes[0], Reply)
    assert run.outcomes[1] == Failed("not-accepted", "status 400: status 400")


def test_an_endpoint_that_is_gone_stops_the_run(workspace: Workspace) -> None:
    with LlmStandIn(said) as server:
        gone = server.url
    run = ask(workspace, gone, [request(number) for number in range(3)])
    assert any(isinstance(outcome, EndpointError) for outcome in run.outcomes)
    assert run.totals.doubtful == 0, "what never left was not paid for"


def test_uncounted_tokens_are_taken_at_their_most(workspace: Workspace) -> None:
    with LlmStandIn(lambda *_: Answer("yes", usage=None)) as server:
        run = ask(workspace, server.url, [request()], price=PRICE)
    assert run.tally.uncounted == 1
    assert run.totals.cost == run.client.most(request())


def test_the_budget_is_not_passed(workspace: Workspace) -> None:
    most = PRICE.cost(request().most_prompt_tokens, request().most_completion_tokens)
    limit = 20 * ONE
    requests = [request(number) for number in range(40)]
    with LlmStandIn(lambda payload, _: Answer("yes", delay=0.01)) as server:
        run = ask(workspace, server.url, requests, price=PRICE, limit=limit)
        assert sum(isinstance(outcome, BudgetError) for outcome in run.outcomes) > 0
        assert limit - most < run.totals.cost <= limit, "it stops at the budget, and not long before"
        assert run.totals.cost == ONE * sum(server.paid.values())
        paid = len(server.seen)
        ask(workspace, server.url, requests, price=PRICE, limit=limit)
        assert len(server.seen) == paid, "the budget is of all runs together"
        more = ask(workspace, server.url, requests, price=PRICE, limit=2 * 40 * ONE)
    assert all(isinstance(outcome, Reply) for outcome in more.outcomes)
    assert set(server.paid.values()) == {1}


def test_an_endpoint_that_bills_more_passes_it_by_the_requests_under_way_alone(workspace: Workspace) -> None:
    greedy = Answer("yes", usage=(1_000, 5_000), delay=0.02)
    most = PRICE.cost(request().most_prompt_tokens, request().most_completion_tokens)
    with LlmStandIn(lambda *_: greedy) as server:
        run = ask(workspace, server.url, [request(n) for n in range(40)], price=PRICE, limit=8 * most)
    assert server.most_at_once <= 8
    assert run.totals.cost <= 8 * most + 8 * PRICE.cost(1_000, 5_000)
    assert len(server.seen) <= 8


def test_doubtful_requests_count_against_the_budget(workspace: Workspace) -> None:
    most = PRICE.cost(request().most_prompt_tokens, request().most_completion_tokens)
    with LlmStandIn(lambda *_: Answer("yes", fate="reset"), honours_keys=False) as server:
        run = ask(workspace, server.url, [request()], price=PRICE, limit=2 * most)
    assert isinstance(run.outcomes[0], BudgetError)
    assert "no reply" in str(run.outcomes[0])
    assert len(server.seen) == 2


def test_a_job_belongs_to_one_process(workspace: Workspace) -> None:
    with open_cache(workspace, JOB), pytest.raises(LockedError), open_cache(workspace, JOB):
        pass
    with open_cache(workspace, JOB), open_cache(workspace, "b" * 64):
        pass


def test_what_was_under_way_when_a_process_died_is_doubtful(workspace: Workspace) -> None:
    with open_cache(workspace, JOB) as cache:
        cache.intend("k", 7)
    with open_cache(workspace, JOB) as cache:
        assert cache.totals() == Totals(0, 0, 0, 0, 1, 7)


def leaked(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_a_key_that_the_endpoint_repeats_is_nowhere(
    workspace: Workspace, status: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    body = f'{{"error": {{"message": "Incorrect key {SECRET}", "code": "{SECRET}"}}, "choices": ' + (
        f'[{{"message": {{"content": "{SECRET}", "refusal": "{SECRET}"}}, "finish_reason": "{SECRET}"}}]}}'
    )
    with LlmStandIn(lambda *_: Answer(status=status, body=body)) as server:
        run = ask(workspace, server.url, [request()])
    assert server.seen[0].headers["authorization"] == f"Bearer {SECRET}"
    [outcome] = run.outcomes
    shown = [repr(outcome), str(outcome), repr(run.client.endpoint), caplog.text, *capsys.readouterr()]
    if isinstance(outcome, BaseException):
        assert outcome.__suppress_context__, "a traceback would show the endpoint's words"
        assert outcome.__cause__ is None
    assert not [text for text in shown if SECRET in text]
    assert leaked(workspace.root) == []


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1.nip.io/v1", False),
        ("http://127.0.0.1@example.org/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://0.0.0.0/v1", False),
        ("http://192.168.0.5:8000/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, *, loopback: bool) -> None:
    assert Endpoint(url).loopback is loopback


def test_loopback_means_no_proxy_and_no_redirect(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with LlmStandIn(said) as elsewhere, LlmStandIn(said) as server:
        assert isinstance(ask(workspace, server.url, [request()]).outcomes[0], Reply)
        server.script = lambda *_: Answer(status=307, headers={"Location": f"{elsewhere.url}/chat/completions"})
        assert isinstance(ask(workspace, server.url, [request(1)]).outcomes[0], EndpointError)
        assert elsewhere.seen == []


def test_the_key_is_the_file_s_or_the_environment_s(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    environment = {"OPENAI_API_KEY": "of-the-environment", "OPENAI_BASE_URL": "https://models.example.org/v1"}
    assert choose_endpoint(None, file, environment).key.get_secret_value() == SECRET
    found = choose_endpoint(None, None, environment)
    assert (found.key.get_secret_value(), found.url) == ("of-the-environment", "https://models.example.org/v1")
    assert choose_endpoint("http://127.0.0.1:1/v1", None, environment).url == "http://127.0.0.1:1/v1"
    assert SECRET not in repr(choose_endpoint(None, file, {}))


@pytest.mark.parametrize("text", ["", "two words", "one\ntwo", "clé"])
def test_a_key_file_that_holds_no_key_is_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(EndpointError) as told:
        choose_endpoint("http://127.0.0.1:1/v1", file, {})
    assert not text or text not in str(told.value)


def test_openai_wants_a_key() -> None:
    with pytest.raises(EndpointError, match="OPENAI_API_KEY"):
        choose_endpoint(None, None, {})


def test_an_address_is_shown_without_its_password() -> None:
    assert Endpoint("https://me:secret@example.org/v1/?token=x").shown == "https://example.org/v1"


def test_prices(tmp_path: Path) -> None:
    table = tmp_path / "prices.toml"
    table.write_text('[models."a"]\ninput = 0.15\noutput = 0.6\n')
    assert price_of("a", Asked(table=table), loopback=False) == Price(input=0.15, output=0.6)
    assert price_of("a", Asked(1, 2, table), loopback=False) == Price(input=1, output=2)
    assert price_of("a", Asked(), loopback=False) is None
    assert price_of("a", Asked(), loopback=True) == FREE
    assert Price(input=0.15, output=0.6).cost(10**6, 10**6) == DOLLAR * 3 // 4
    for asked, word in ((Asked(input=1), "Half"), (Asked(table=table), "'b'"), (Asked(table=tmp_path), "table")):
        with pytest.raises(InputError, match=word):
            price_of("b", asked, loopback=False)


def test_the_cache_holds_no_payload_and_survives_other_readers(workspace: Workspace) -> None:
    with LlmStandIn(said) as server:
        ask(workspace, server.url, [request()])
    path = workspace.root / "synth" / "replies.sqlite"
    assert b"Say yes." not in path.read_bytes()
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT outcome FROM intents").fetchall() == [("answered",)]
    plain.close()


def test_a_stop_awaits_what_is_under_way(workspace: Workspace) -> None:
    from synth.llm.client import Stopped

    async def run(server: LlmStandIn) -> tuple[list[object], Totals]:
        with open_cache(workspace, JOB) as cache:
            client = Client(Endpoint(server.url), cache, patience=QUICK)
            async with client.open():
                tasks = [asyncio.create_task(client.ask(request(number))) for number in range(3)]
                while len(server.seen) < len(tasks):
                    await asyncio.sleep(0.01)
                client.stopping.set()
                late = client.ask(request(9))
                return list(await asyncio.gather(*tasks, late, return_exceptions=True)), cache.totals()

    with LlmStandIn(lambda *_: Answer("yes", delay=0.3)) as server:
        outcomes, totals = asyncio.run(run(server))
    assert [type(outcome) for outcome in outcomes] == [Reply, Reply, Reply, Stopped]
    assert (totals.replies, totals.doubtful, len(server.seen)) == (3, 0, 3)
