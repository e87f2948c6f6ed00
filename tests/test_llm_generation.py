"""Dialogues by a model: valid rows, every failure with its reason, one repair, resumed for nothing, never too dear."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from conftest import Ran
from llm_author import author
from llm_standin import Answer, LlmStandIn, Payload, Script

from quimbot_data.endpoint import Endpoint
from quimbot_data.pedagogy.critics import check
from quimbot_data.workspace import Workspace
from schemas.errors import TermsError
from schemas.seed import Seed
from synth.llm.clearing import check_transfer
from synth.llm.dialogues import PROMPTS
from synth.llm.outcome import FailureRow, failures_beside
from synth.prompts import misconceptions, prompt_hash
from synth.recovery import LEAST
from synth.seeds import load_seeds

SECRET = "sk-quimbot-0123456789"
Quimbot = Callable[..., Ran]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def arguments(url: str, folder: Path, count: int = 12, **more: object) -> list[str]:
    told = {"engine": "llm", "profile": "english-l2", "model": "small", "base-url": url, "count": count}
    told |= {"output": folder / "made.parquet", "workspace": folder / "datasets", "attempts": 3}
    return ["synth", "generate", *(f"--{name}={value}" for name, value in (told | more).items())]


def failures(folder: Path) -> list[FailureRow]:
    lines = failures_beside(folder / "made.parquet").read_text(encoding="utf-8").splitlines()
    return [FailureRow.model_validate_json(line) for line in lines]


def ended(ran: Ran, *words: str) -> None:
    """Hold that a run went to its end, and ended in an error that names these."""
    replace(ran, err=ran.err.splitlines()[-1]).told(*words)


def made(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "made.parquet")


def files(folder: Path) -> dict[str, bytes]:
    """What a run wrote, but its account, which tells what it cost this time."""
    return {path.name: path.read_bytes() for path in folder.glob("made.*") if "account" not in path.name}


def after(*first: Answer) -> Script:
    """These answers to the first requests, then the author's."""
    waiting = list(first)
    return lambda payload, again: waiting.pop(0) if waiting else author(payload, again)


@pytest.mark.parametrize("roles", ["one-call", "in-turn"])
def test_rows_are_valid_and_say_where_they_come_from(tmp_path: Path, quimbot: Quimbot, roles: str) -> None:
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path, count=30, roles=roles, temperature=0.5), "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    rows = made(tmp_path)
    assert report["written"] == len(rows) > 15
    assert report["planned"] == 30 == len(rows) + len(failures(tmp_path))
    assert report["account"]["requests"] == len(server.seen) == sum(server.paid.values())
    assert [failure for row in rows.to_dicts() for failure in check(row)] == []
    assert set(rows["prompt_hash"]) == {prompt_hash(PROMPTS[roles])}  # type: ignore[index]
    assert set(rows["model"]) == {"small"}
    assert {json.loads(told)["temperature"] for told in rows["sampling"]} == {0.5}
    assert set(rows["generator"]) == {"llm@1"}
    assert set(rows["seed_id"]) <= {seed.seed_id for seed in load_seeds(["en"])}
    ran = quimbot("ingest", "synthetic", tmp_path / "made.parquet", "--workspace", tmp_path / "datasets", "--json")
    assert ran.code == 0, ran.err
    ran = quimbot("sql", "SELECT count(*) FROM rejected", "--workspace", tmp_path / "datasets", "--format=csv")
    assert ran.out.split() == ["count_star()", "0"]


def test_the_tutor_never_sees_what_the_learner_believes(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        assert quimbot(*arguments(server.url, tmp_path, count=10, roles="in-turn")).code == 0
    beliefs = [belief for several in misconceptions().values() for belief in several]
    by_role = Counter[tuple[str, bool]]()
    for seen in server.seen:
        told = json.dumps(seen.payload["messages"])
        if len(seen.payload["messages"]) == 2:
            role = "tutor" if "You are a tutor" in told else "learner"
            by_role[role, any(json.dumps(belief)[1:-1] in told for belief in beliefs)] += 1
    assert by_role["tutor", True] == 0 < by_role["tutor", False]
    assert by_role["learner", False] == 0 < by_role["learner", True]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(None, refusal="I will not."), "refused"),
        (Answer("I'm sorry, but I can't help with that."), "refused"),
        (Answer("Lo siento, no puedo ayudar con eso."), "refused"),
        (Answer("", finish_reason="content_filter"), "refused"),
        (Answer('{"exchanges": [{"lear', finish_reason="length"), "cut"),
        (Answer('{"exchanges": [{"learner": "Hi'), "not-json"),
        (Answer("Sure! Here is the dialogue."), "not-json"),
        (Answer('{"exchanges": []}'), "not-schema"),
        (Answer('{"exchanges": [{"learner": 1, "tutor": "a", "moves": ["dance"]}]}'), "not-schema"),
        (Answer("[]"), "not-schema"),
        (Answer("  "), "empty"),
        (Answer(None), "empty"),
        (Answer(status=400), "not-accepted"),
    ],
)
def test_a_reply_that_is_of_no_use_is_a_row_with_its_reason(
    tmp_path: Path, quimbot: Quimbot, answer: Answer, reason: str
) -> None:
    with LlmStandIn(after(answer)) as server:
        ran = quimbot(*arguments(server.url, tmp_path, count=3, concurrency=1))
    assert ran.code == 0, ran.err
    first = failures(tmp_path)[0]
    assert (first.scenario, first.reason) == (0, reason)
    assert first.detail
    assert first.reply == (None if answer.status != 200 else answer.content or "")
    assert reason in ran.out
    assert first.terms == ["attribution"]


def test_a_fence_around_json_is_forgiven(tmp_path: Path, quimbot: Quimbot) -> None:
    def fenced(payload: Payload, again: int) -> Answer:
        return Answer(f"```json\n{author(payload, again).content}\n```")

    with LlmStandIn(author) as server:
        quimbot(*arguments(server.url, tmp_path / "plain"))
    with LlmStandIn(fenced) as server:
        quimbot(*arguments(server.url, tmp_path / "fenced"))
    assert made(tmp_path / "fenced").equals(made(tmp_path / "plain"))


def blunt(times: int) -> Script:
    """An author whose first tutor turns correct explicitly, so many times."""

    def script(payload: Payload, again: int) -> Answer:
        answer = author(payload, again)
        if "exchanges" not in payload["messages"][0]["content"] or len(payload["messages"]) > 2 * times:
            return answer
        told = json.loads(answer.content or "")
        told["exchanges"][0]["tutor"] = "That is wrong. You should say it like this."
        return Answer(json.dumps(told))

    return script


def test_a_dialogue_that_fails_is_repaired_once(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(blunt(1)) as server:
        ran = quimbot(*arguments(server.url, tmp_path, count=8), "--json")
    assert json.loads(ran.out)["repaired"] == 8
    assert len(made(tmp_path)) >= 4
    repairs = [seen.payload["messages"] for seen in server.seen if len(seen.payload["messages"]) == 4]
    assert len(repairs) == 8
    assert all("explicit-correction, in exchange 1" in messages[-1]["content"] for messages in repairs)
    assert all("That is wrong" in messages[2]["content"] for messages in repairs)


def test_what_is_not_repaired_is_rejected_by_name(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(blunt(2)) as server:
        ran = quimbot(*arguments(server.url, tmp_path, count=4))
    ended(ran, "None of 4 scenarios", "explicit-correction (critics)", "was not written")
    assert len(server.seen) == 8, "one repair and no more"
    rejected = failures(tmp_path)
    assert len(rejected) == 4
    assert all(row.reason == "critics" and "explicit-correction" in row.failed for row in rejected)
    assert all(row.messages[1]["content"].startswith("That is wrong.") for row in rejected)
    assert not (tmp_path / "made.parquet").exists()


def test_a_file_stays_where_no_dialogue_came_or_nobody_answers(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        assert quimbot(*arguments(server.url, tmp_path)).code == 0
        before = files(tmp_path)
        server.script = lambda *_: Answer("[]")
        told = arguments(server.url, tmp_path, count=2, seed=1, attempts=1)
        ended(quimbot(*told), "None of 2", "not-schema", "stays as it was")
        told = arguments(server.url, tmp_path, count=2, seed=2, attempts=1)
        server.script = lambda *_: Answer(status=503)
        ended(quimbot(*told), "does not answer", "status 503")
    ended(quimbot(*told), "does not answer", "no connection", "once")
    kept = ("made.parquet", "made.parquet.report.json")
    assert [files(tmp_path)[name] for name in kept] == [before[name] for name in kept]


def test_a_rerun_costs_nothing_and_writes_the_same_bytes(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        quimbot(*arguments(server.url, tmp_path, **{"price-in": 1, "price-out": 2}))
        first, asked = files(tmp_path), len(server.seen)
        ran = quimbot(*arguments(server.url, tmp_path, **{"price-in": 1, "price-out": 2}), "--json")
        assert (files(tmp_path), len(server.seen)) == (first, asked)
        account = json.loads(ran.out)["account"]
        assert (account["requests"], account["dollars"], account["cached"]) == (0, 0, asked)
        assert account["all_runs_dollars"] > 0
        quimbot(*arguments(server.url, tmp_path, count=20, concurrency=1))
        assert len(server.seen) > asked, "more scenarios, and only those are asked for"
        assert made(tmp_path)["id"].to_list()[: len(pl.read_parquet(first["made.parquet"]))]
    with LlmStandIn(author) as server:
        quimbot(*arguments(server.url, tmp_path / "elsewhere", concurrency=3))
    assert files(tmp_path / "elsewhere")["made.parquet"] == first["made.parquet"]


def test_what_the_tutors_words_do_not_tell_is_dropped_by_name(
    tmp_path: Path, quimbot: Quimbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.recovery.LEAST", 15)
    with LlmStandIn(author) as server:
        report = json.loads(quimbot(*arguments(server.url, tmp_path, count=80, concurrency=16), "--json").out)
        first, asked = files(tmp_path), len(server.seen)
        assert report["unjudged"] == []
        [judged] = [line for line in report["blind"] if line["target"] == "all"]
        lost = [row for row in failures(tmp_path) if row.reason == "blind"]
        assert 0 < len(lost) == judged["dialogues"] - judged["recovered"]
        assert judged["recovered"] == report["written"] == len(made(tmp_path))
        dropped = Counter({(e["step"], e["reason"]): e["dialogues"] for e in report["dropped"] if e["step"] == "blind"})
        assert dropped == Counter(("blind", row.failed[0]) for row in lost)
        assert {name for row in lost for name in row.failed} <= {"strategy-not-recovered", "level-not-recovered"}
        assert all(row.messages and "do not tell the" in row.detail for row in lost)
        numbers = [row.scenario for row in failures(tmp_path)]
        assert numbers == sorted(numbers), "in the plan's order, whatever dropped them"
        assert report["planned"] == 80 == report["written"] + len(numbers)
        quimbot(*arguments(server.url, tmp_path, count=80, concurrency=3))
        assert (files(tmp_path), len(server.seen)) == (first, asked)


def test_a_batch_too_small_to_be_judged_blind_says_so(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path))
    report = json.loads((tmp_path / "made.parquet.report.json").read_text())
    [left] = report["unjudged"]
    assert (left["profile"], left["dialogues"]) == ("english-l2", report["written"])
    assert report["blind"] == []
    assert f"Not judged blind: {report['written']} dialogues for english-l2" in ran.out
    assert str(LEAST) in left["reason"]


def test_the_budget_stops_a_run_that_goes_on_later(tmp_path: Path, quimbot: Quimbot) -> None:
    priced = {"price-in": 10, "price-out": 10, "count": 20, "max-tokens": 300}
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path, budget=0.09, **priced))
        ran.told("budget of $0.09", "larger --budget", "made.parquet holds")
        spent = sum(sum(author(seen.payload, 0).usage or ()) for seen in server.seen) * 10 / 1e6
        assert 0.05 < spent <= 0.09
        assert any(row.reason == "unasked" for row in failures(tmp_path))
        ran = quimbot(*arguments(server.url, tmp_path, budget=100, **priced))
        assert ran.code == 0
        assert set(server.paid.values()) == {1}
        quimbot(*arguments(server.url, tmp_path / "undisturbed", **priced))
    assert files(tmp_path) == files(tmp_path / "undisturbed")


def test_a_budget_needs_a_price(tmp_path: Path, quimbot: Quimbot) -> None:
    quimbot(*arguments("https://models.example.org/v1", tmp_path, budget=1)).told("price of 'small'", "--price-in")


def test_a_dry_run_sends_nothing_and_needs_no_key(
    tmp_path: Path, quimbot: Quimbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    priced = {"price-in": 10, "price-out": 10}
    with LlmStandIn(author) as server:
        before = json.loads(quimbot(*arguments(server.url, tmp_path, **priced), "--dry-run", "--json").out)
        assert server.seen == []
        assert not (tmp_path / "made.parquet").exists()
        ran = quimbot(*arguments(server.url, tmp_path, **priced), "--json")
        account = json.loads(ran.out)["account"]
        rest = json.loads(quimbot(*arguments(server.url, tmp_path, **priced), "--dry-run", "--json").out)
    assert before["work"] == 12
    assert before["finished"] == 0
    assert before["requests"] <= before["requests_most"] == 24
    assert account["dollars"] <= before["dollars_most"]
    assert before["prompt_tokens"] == pytest.approx(account["prompt_tokens"], rel=0.5)
    assert (rest["finished"], rest["requests"], rest["dollars_most"]) == (12, 0, 0)
    said = quimbot(*arguments("https://api.openai.com/v1", tmp_path), "--dry-run")
    assert said.code == 0
    assert "price unknown" in said.out
    assert "pass --prices" in said.out


def test_a_dry_run_says_what_the_budget_does_not_cover(tmp_path: Path, quimbot: Quimbot) -> None:
    def told(**more: object) -> str:
        return quimbot(*arguments("http://localhost:9/v1", tmp_path, **more), "--dry-run").out  # type: ignore[arg-type]

    priced = {"price-in": 10, "price-out": 10}
    assert "No price is known of a model on this machine" in told()
    assert "exceeds the budget of 0.0010 dollars" in told(budget=0.001, **priced)
    assert "budget" not in told(budget=100, **priced)


def test_the_key_is_nowhere(tmp_path: Path, quimbot: Quimbot) -> None:
    repeats = f'{{"error": {{"message": "bad key {SECRET}", "code": "{SECRET}"}}}}'

    def script(payload: Payload, again: int) -> Answer:
        kind = payload["seed"] % 3
        return (
            Answer(status=400, body=repeats) if kind == 0 else Answer(SECRET) if kind == 1 else author(payload, again)
        )

    with LlmStandIn(script) as server:
        ran = quimbot(*arguments(server.url, tmp_path), "--debug")
        server.script = lambda *_: Answer(status=401, body=repeats)
        refused = quimbot(*arguments(server.url, tmp_path, seed=1))
    refused.told("401", "OPENAI_API_KEY")
    assert server.seen[0].headers["authorization"].endswith(SECRET)
    assert not [text for text in (ran.out, ran.err, refused.out, refused.err) if SECRET in text]
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holding == []


def restricted(*terms: str) -> Seed:
    seed = load_seeds(["en"])[0]
    return seed.model_copy(update={"seed_id": "toefl11:1", "license": "LicenseRef-LDC-TOEFL11", "terms": list(terms)})


@pytest.fixture
def corpus_seeds(tmp_path: Path) -> Path:
    bare: dict[str, object] = {"recast": None, "questions": [], "cue": None, "contrast": []}
    file = tmp_path / "seeds.jsonl"
    file.write_text(restricted("no-transfer", "research-only").model_copy(update=bare).model_dump_json() + "\n")
    return file


def test_seeds_that_may_not_leave_stay_on_this_machine(tmp_path: Path, quimbot: Quimbot, corpus_seeds: Path) -> None:
    alone = ["--no-shipped-seeds"]
    remote = arguments("https://models.example.org/v1", tmp_path, seeds=corpus_seeds, count=2, attempts=1) + alone
    quimbot(*remote).told("no-transfer", "toefl11", "models.example.org", "--allow-transfer")
    quimbot(*remote, "--allow-transfer=because").told("who cleared")
    with LlmStandIn(lambda *_: Answer("[]")) as server:
        ran = quimbot(*arguments(server.url, tmp_path, seeds=corpus_seeds, count=2), *alone)
        ended(ran, "None of 2", "not-schema")
        assert len(server.seen) == 2
    [row, _] = failures(tmp_path)
    assert row.license == ["CC-BY-4.0", "LicenseRef-LDC-TOEFL11"]
    assert "no-transfer" in row.terms


@pytest.mark.parametrize("term", ["no-transfer", "unknown"])
def test_a_clearance_is_recorded_before_anything_is_sent(tmp_path: Path, term: str) -> None:
    workspace, endpoint = Workspace(tmp_path), Endpoint("https://me:password@models.example.org/v1")
    rows = pl.DataFrame({"source": ["toefl11", "en"], "terms": [[term], ["attribution"]]})
    with pytest.raises(TermsError):
        check_transfer(workspace, rows, endpoint, "small", None, send=True)
    check_transfer(workspace, rows, endpoint, "small", "Ana, agreement of May", send=False)
    assert not (tmp_path / "synth").exists()
    for _ in range(2):
        check_transfer(workspace, rows, endpoint, "small", "Ana, agreement of May", send=True)
    [told] = json.loads((tmp_path / "synth" / "transfers.json").read_text())["transfers"]
    assert told["to"] == "https://models.example.org/v1"
    assert (told["cleared"], told["rows"]) == ("Ana, agreement of May", {term: {"toefl11": 1}})
    check_transfer(workspace, rows, Endpoint("http://127.0.0.1:1/v1"), "small", None, send=True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": ""}, ("No model", "--model")),
        ({"base-url": "models.example.org"}, ("no URL",)),
        ({"parameters": "[1]"}, ("--parameters",)),
        ({"parameters": '{"stream": true}'}, ("stream",)),
        ({"parameters": '{"max_tokens": null}'}, ("without a limit", "max_completion_tokens")),
        ({"price-in": 1}, ("Half a price",)),
        ({"profile": "klingon-l2"}, ("klingon-l2",)),
    ],
)
def test_what_is_asked_for_wrongly_is_told(
    tmp_path: Path, quimbot: Quimbot, more: dict[str, object], words: tuple[str, ...]
) -> None:
    quimbot(*arguments("http://127.0.0.1:1/v1", tmp_path) + [f"--{name}={value}" for name, value in more.items()]).told(
        *words
    )


def test_progress_tells_the_cost(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path, budget=5, **{"price-in": 10, "price-out": 10}))
    [line] = [line for line in ran.err.splitlines() if line.startswith("synth generate: 12 of 12")]
    assert "of $5.00" in line
    assert "asked, 0 cached" in line


# --- killed and interrupted ------------------------------------------------------------------------------------------


def started(*arguments: str) -> "subprocess.Popen[str]":
    code = "import sys; sys.argv[0] = 'quimbot'; from quimbot_data.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=-1, stderr=-1, text=True)


def until(holds: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def killed_at(server: LlmStandIn, told: list[str], paid: int, sign: signal.Signals) -> "subprocess.Popen[str]":
    """Run until so many requests were paid for, then end it."""
    process = started(*told)
    until(lambda: sum(server.paid.values()) >= paid, process)
    os.kill(process.pid, sign)
    return process


def slowly(payload: Payload, again: int) -> Answer:
    answer = author(payload, again)
    return Answer(answer.content, usage=answer.usage, delay=0.02)


@pytest.fixture
def undisturbed(tmp_path: Path, quimbot: Quimbot) -> Callable[[int], dict[str, bytes]]:
    def run(count: int) -> dict[str, bytes]:
        with LlmStandIn(author) as server:
            assert quimbot(*arguments(server.url, tmp_path / "undisturbed", count=count, concurrency=16)).code == 0
        return files(tmp_path / "undisturbed")

    return run


@pytest.mark.slow
def test_killed_five_times_every_request_is_paid_once(
    tmp_path: Path, undisturbed: Callable[[int], dict[str, bytes]]
) -> None:
    with LlmStandIn(slowly) as server:
        told = arguments(server.url, tmp_path, count=500, concurrency=16)
        for paid in (60, 170, 280, 390, 500):
            process = killed_at(server, told, paid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            process.communicate()
            assert not (tmp_path / "made.parquet").exists()
        process = started(*told)
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)
        assert len(server.paid) > 500
        assert set(server.paid.values()) == {1}
        repeated = len(server.seen) - len(server.paid)
        assert repeated <= 5 * 16, "no more came twice than what was under way at the kills"
    assert files(tmp_path) == undisturbed(500)
    assert json.loads((tmp_path / "made.parquet.report.json").read_text())["blind"], "judged blind at the end"
    account = json.loads((tmp_path / "made.parquet.account.json").read_text())
    assert repeated <= account["doubtful"] <= 5 * 16


@pytest.mark.slow
def test_where_keys_are_not_honoured_only_what_was_under_way_is_paid_twice_and_told(tmp_path: Path) -> None:
    with LlmStandIn(slowly, honours_keys=False) as server:
        told = arguments(server.url, tmp_path, count=30, concurrency=8)
        for paid in (15,):
            killed_at(server, told, paid, signal.SIGKILL).communicate()
        process = started(*told)
        process.communicate()
        twice = sum(times - 1 for times in server.paid.values())
    account = json.loads((tmp_path / "made.parquet.account.json").read_text())
    assert twice <= account["doubtful"] <= 8


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_pays_nothing_twice_whatever_the_endpoint(
    tmp_path: Path, undisturbed: Callable[[int], dict[str, bytes]], sign: signal.Signals
) -> None:
    with LlmStandIn(slowly, honours_keys=False) as server:
        told = arguments(server.url, tmp_path, count=24, concurrency=8)
        process = killed_at(server, told, 10, sign)
        _, err = process.communicate()
        assert process.returncode == 130, err
        assert "Interrupted" in err
        assert not (tmp_path / "made.parquet").exists()
        process = started(*told)
        process.communicate()
        assert set(server.paid.values()) == {1}
        assert len(server.seen) == len(server.paid)
    assert files(tmp_path) == undisturbed(24)


def test_as_many_requests_are_under_way_as_asked_for_and_no_more(tmp_path: Path, quimbot: Quimbot) -> None:
    def late(payload: Payload, again: int) -> Answer:
        return replace(author(payload, again), delay=0.3)

    with LlmStandIn(late) as server:
        assert quimbot(*arguments(server.url, tmp_path, count=64, concurrency=32)).code == 0
    assert server.most_at_once == 32


def test_a_folder_of_dialogues_is_ingested_without_what_stands_beside_them(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        quimbot(*arguments(server.url, tmp_path / "made", count=12, workspace=tmp_path / "datasets"))
    ran = quimbot("ingest", "synthetic", tmp_path / "made", "--workspace", tmp_path / "datasets", "--json")
    assert ran.code == 0, ran.err
    ran = quimbot("sql", "SELECT count(*) FROM rejected", "--workspace", tmp_path / "datasets", "--format=csv")
    assert ran.out.split() == ["count_star()", "0"]
