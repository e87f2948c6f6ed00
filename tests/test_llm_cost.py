"""What a run by a model costs, and where it may send text: told before, stopped in time, never paid twice."""

import json
from pathlib import Path

import polars as pl
import pytest
from llm_author import author
from llm_runs import SECRET, Quimbot, arguments, failures, files, made
from llm_standin import Answer, LlmStandIn, Payload

from quimbot_data.endpoint import Endpoint
from quimbot_data.workspace import Workspace
from schemas.errors import TermsError
from schemas.seed import Seed
from synth.llm.clearing import check_transfer
from synth.seeds import load_seeds

pytestmark = pytest.mark.usefixtures("key_in_environment")


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


def test_the_budget_stops_a_run_that_goes_on_later(tmp_path: Path, quimbot: Quimbot) -> None:
    priced = {"price-in": 10, "price-out": 10, "count": 20, "max-tokens": 300}
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path, budget=0.09, **priced))
        ran.told("budget of $0.09", "larger --budget", "made.parquet holds")
        spent = sum(sum(author(seen.payload, 0).usage or ()) for seen in server.seen) * 10 / 1e6
        assert 0.04 < spent <= 0.09, "what is under way is held back"
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
        ran.told_at_last("None of 2", "not-schema")
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


def test_progress_tells_the_cost(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        ran = quimbot(*arguments(server.url, tmp_path, budget=5, **{"price-in": 10, "price-out": 10}))
    [line] = [line for line in ran.err.splitlines() if line.startswith("synth generate: 12 of 12")]
    assert "of $5.00" in line
    assert "asked, 0 cached" in line
