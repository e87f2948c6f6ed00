"""Dialogues by a model: valid rows, every failure with its reason, one repair."""

import json
from collections import Counter
from pathlib import Path

import pytest
from llm_author import author
from llm_runs import Quimbot, after, arguments, failures, files, made
from llm_standin import Answer, LlmStandIn, Payload, Script

from quimbot_data.pedagogy.critics import check
from synth.llm.dialogues import PROMPTS
from synth.prompts import misconceptions, prompt_hash
from synth.recovery import LEAST
from synth.seeds import load_seeds

pytestmark = pytest.mark.usefixtures("key_in_environment")


@pytest.mark.parametrize("roles", ["one-call", pytest.param("in-turn", marks=pytest.mark.slow)])
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


USELESS = [
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
]


def test_a_reply_that_is_of_no_use_is_a_row_with_its_reason(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(after(*(answer for answer, _ in USELESS))) as server:
        ran = quimbot(*arguments(server.url, tmp_path, count=len(USELESS) + 3, concurrency=1))
    assert ran.code == 0, ran.err
    for number, (answer, reason) in enumerate(USELESS):
        row = failures(tmp_path)[number]
        assert (row.scenario, row.reason) == (number, reason)
        assert row.detail
        assert row.reply == (None if answer.status != 200 else answer.content or "")
        assert reason in ran.out
        assert row.terms == ["attribution"]


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
    ran.told_at_last("None of 4 scenarios", "explicit-correction (critics)", "was not written")
    assert len(server.seen) == 8, "one repair and no more"
    rejected = failures(tmp_path)
    assert len(rejected) == 4
    assert all(row.reason == "critics" and "explicit-correction" in row.failed for row in rejected)
    assert all(row.messages[1]["content"].startswith("That is wrong.") for row in rejected)
    assert not (tmp_path / "made.parquet").exists()


@pytest.mark.slow
def test_a_file_stays_where_no_dialogue_came_or_nobody_answers(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        assert quimbot(*arguments(server.url, tmp_path)).code == 0
        before = files(tmp_path)
        server.script = lambda *_: Answer("[]")
        told = arguments(server.url, tmp_path, count=2, seed=1, attempts=1)
        quimbot(*told).told_at_last("None of 2", "not-schema", "stays as it was")
        told = arguments(server.url, tmp_path, count=2, seed=2, attempts=1)
        server.script = lambda *_: Answer(status=503)
        quimbot(*told).told_at_last("does not answer", "status 503")
    quimbot(*told).told_at_last("does not answer", "no connection", "once")
    kept = ("made.parquet", "made.parquet.report.json")
    assert [files(tmp_path)[name] for name in kept] == [before[name] for name in kept]


@pytest.mark.slow
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


# killed and interrupted


@pytest.mark.slow
def test_a_folder_of_dialogues_is_ingested_without_what_stands_beside_them(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(author) as server:
        quimbot(*arguments(server.url, tmp_path / "made", count=12, workspace=tmp_path / "datasets"))
    ran = quimbot("ingest", "synthetic", tmp_path / "made", "--workspace", tmp_path / "datasets", "--json")
    assert ran.code == 0, ran.err
    ran = quimbot("sql", "SELECT count(*) FROM rejected", "--workspace", tmp_path / "datasets", "--format=csv")
    assert ran.out.split() == ["count_star()", "0"]
