"""The judge: labels that count only with evidence, preferences that survive the other order, terms, cache, budget."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from conftest import REF, Ran
from hypothesis import given
from hypothesis import strategies as st
from llm_standin import Answer, LlmStandIn, Payload

from quimbot_data.workspace import Workspace
from synth.judge.dialogues import judged, pairs
from synth.judge.rubric import LEAST_WORDS, rubric, stands_in

Quimbot = Callable[..., Ran]


def dialogue(name: str, seed: str, *turns: str, terms: Sequence[str] | None = ("attribution",)) -> dict[str, object]:
    """An annotated dialogue: an error, the tutor's answers, and what the learner makes of them."""
    learner = ["Yesterday I go home.", "I went home!", "Bye."]
    messages = [
        {"role": role, "content": text}
        for said, told in zip(learner, turns, strict=False)
        for role, text in (("user", said), ("assistant", told))
    ]
    turn = {"position": 1, "signals": [], "uptake": None, "moves": ["hint"], "strategy": "hint", "target": 0}
    pedagogy = {"learner": {"target_language": "en", "cefr": "A2", "background": "l2"}, "turns": [turn], "errors": []}
    row = {"id": name, "seed_id": seed, "language": "en", "messages": messages, "pedagogy": pedagogy}
    return row if terms is None else row | {"terms": list(terms)}


GOOD = dialogue("good", "en:1", "When was that? Look at the word yesterday.", "How nice to be at home again.")
BLUNT = dialogue("blunt", "en:1", "That is wrong, say I went.", "Now it is right, well done.")


def written(folder: Path, name: str, *rows: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def judging(quimbot: Quimbot, url: str, *more: object) -> Ran:
    return quimbot("synth", "judge", *more, "--model=judge", f"--base-url={url}", "--attempts=2", "--json")


def verdicts(evidence: str | None = None) -> Callable[[Payload, int], Answer]:
    """A judge who gives each dimension its first label, quoting the turn's first words, or something else."""

    def script(payload: Payload, again: int) -> Answer:
        turn = payload["messages"][1]["content"].rpartition("Tutor: ")[2]
        quoted = evidence or " ".join(turn.split()[:3])
        told = {name: {"label": each.labels[0], "evidence": quoted} for name, each in rubric().items()}
        return Answer(json.dumps(told), usage=(1_500, 600))

    return script


def test_each_support_is_judged_on_every_dimension(tmp_path: Path, quimbot: Quimbot) -> None:
    file, out = written(tmp_path, "d.jsonl", GOOD, BLUNT), tmp_path / "verdicts.parquet"
    with LlmStandIn(verdicts()) as server:
        ran = judging(quimbot, server.url, file, f"--output={out}", f"--workspace={tmp_path / 'w'}")
    assert ran.code == 0, ran.err
    rows = pl.read_parquet(out)
    assert rows.select("dialogue_id", "position").unique().sort("dialogue_id").rows() == [("blunt", 1), ("good", 1)]
    assert rows["dimension"].to_list() == [*rubric(), *rubric()]
    assert rows["label"].null_count() == 0
    asked = [seen.payload["messages"] for seen in server.seen]
    assert len(asked) == 2, "a turn a request, and no turn that answers no error"
    assert all("English, level A2" in messages[1]["content"] for messages in asked)
    assert all("again" not in messages[1]["content"] for messages in asked), "what came after is not shown"
    told = {each["dimension"]: each for each in json.loads(ran.out)["dimensions"]}
    assert told["tutor_tone"]["labels"] == {"encouraging": 2, "neutral": 0, "offensive": 0}
    assert told["tutor_tone"]["desired"] == 1
    assert told["strategy"]["desired"] is None


@pytest.mark.parametrize("evidence", ["words that nobody said", "yesterday", "", "…", "Look at the word tomorrow"])
def test_a_label_without_evidence_does_not_count(tmp_path: Path, quimbot: Quimbot, evidence: str) -> None:
    file, out = written(tmp_path, "d.jsonl", GOOD), tmp_path / "verdicts.jsonl"
    with LlmStandIn(verdicts(evidence or " ")) as server:
        ran = judging(quimbot, server.url, file, f"--output={out}", f"--workspace={tmp_path / 'w'}")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(row["label"], row["reason"]) for row in rows} == {(None, "evidence-not-in-text")}
    assert all(each["unsupported"] == 1 for each in json.loads(ran.out)["dimensions"])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Answer("no"), "not-json"), (Answer("{}"), "not-schema"), (Answer(None, refusal="No."), "refused")],
)
def test_a_reply_of_no_use_is_rows_with_its_reason(
    tmp_path: Path, quimbot: Quimbot, answer: Answer, reason: str
) -> None:
    file, out = written(tmp_path, "d.jsonl", GOOD), tmp_path / "verdicts.parquet"
    with LlmStandIn(lambda *_: answer) as server:
        ran = judging(quimbot, server.url, file, f"--output={out}", f"--workspace={tmp_path / 'w'}")
    assert ran.code == 0
    assert set(pl.read_parquet(out)["reason"]) == {reason}
    assert all(each["failed"] == 1 for each in json.loads(ran.out)["dimensions"])


def test_a_judge_who_does_not_answer_is_told(tmp_path: Path, quimbot: Quimbot) -> None:
    file, out = written(tmp_path, "d.jsonl", GOOD, BLUNT), tmp_path / "verdicts.parquet"
    with LlmStandIn(verdicts()) as server:
        gone = server.url
    ran = judging(quimbot, gone, file, "--limit=2", "--attempts=1", f"--output={out}", f"--workspace={tmp_path / 'w'}")
    assert ran.code == 1
    assert "does not answer: no connection" in ran.err.splitlines()[-1]
    assert not out.exists()


def prefers(choose: Callable[[list[str]], str]) -> Callable[[Payload, int], Answer]:
    """A judge of pairs, told the two dialogues' first tutor turns."""

    def script(payload: Payload, again: int) -> Answer:
        both = payload["messages"][1]["content"].partition("The second dialogue:")
        said = [re.findall(r"^Tutor: (.*)$", text, re.MULTILINE)[0] for text in (both[0], both[2])]
        quoted = [" ".join(text.split()[:3]) for text in said]
        told = {"better": choose(said), "evidence_first": quoted[0], "evidence_second": quoted[1]}
        return Answer(json.dumps(told), usage=(1_500, 600))

    return script


@pytest.mark.parametrize(
    ("choose", "better", "as_first", "as_second"),
    [
        (lambda said: "second" if "wrong" in said[0] else "first", "a", "a", "a"),
        (lambda said: "first" if "wrong" in said[0] else "second", "b", "b", "b"),
        (lambda said: "first", "inconsistent", "a", "b"),
        (lambda said: "second", "inconsistent", "b", "a"),
        (lambda said: "neither", "neither", "neither", "neither"),
    ],
)
def test_a_preference_must_survive_the_other_order(
    tmp_path: Path, quimbot: Quimbot, choose: Callable[[list[str]], str], better: str, as_first: str, as_second: str
) -> None:
    ours, theirs = written(tmp_path, "a.jsonl", GOOD), written(tmp_path, "b.jsonl", BLUNT)
    out = tmp_path / "pairs.parquet"
    with LlmStandIn(prefers(choose)) as server:
        told = (ours, f"--against={theirs}", f"--output={out}", f"--workspace={tmp_path / 'w'}")
        ran = judging(quimbot, server.url, *told)
    assert ran.code == 0, ran.err
    [row] = pl.read_parquet(out).to_dicts()
    assert (row["better"], row["as_first"], row["as_second"]) == (better, as_first, as_second)
    assert (row["a"], row["b"], row["reason"]) == ("good", "blunt", None)
    assert len(server.seen) == 2
    assert json.loads(ran.out)[better] == 1


def test_a_preference_needs_evidence_out_of_both(tmp_path: Path, quimbot: Quimbot) -> None:
    ours, theirs = written(tmp_path, "a.jsonl", GOOD), written(tmp_path, "b.jsonl", BLUNT)
    answer = {"better": "first", "evidence_first": "Look at the", "evidence_second": "Look at the"}
    with LlmStandIn(lambda *_: Answer(json.dumps(answer))) as server:
        ran = judging(quimbot, server.url, ours, f"--against={theirs}", f"--workspace={tmp_path / 'w'}")
    assert json.loads(ran.out)["failed"] == 1


def test_pairs_are_of_one_seed() -> None:
    ours = judged([GOOD, GOOD | {"id": "again"}, dialogue("other", "en:2", "Look here, please.")])
    theirs = judged([BLUNT, BLUNT | {"id": "blunt-2"}, BLUNT | {"id": "blunt-3"}])
    found = [(a.dialogue_id, b.dialogue_id) for a, b in pairs(ours, theirs)]
    assert found == [("good", "blunt"), ("again", "blunt-2")]


def test_judging_again_costs_nothing_and_a_dry_run_knows(tmp_path: Path, quimbot: Quimbot) -> None:
    told = (written(tmp_path, "d.jsonl", GOOD, BLUNT), f"--workspace={tmp_path / 'w'}", "--price-in=1", "--price-out=1")
    with LlmStandIn(verdicts()) as server:
        before = json.loads(judging(quimbot, server.url, *told, "--dry-run").out)
        assert server.seen == []
        first = json.loads(judging(quimbot, server.url, *told).out)
        again = json.loads(judging(quimbot, server.url, *told).out)
        after = json.loads(judging(quimbot, server.url, *told, "--dry-run").out)
        assert len(server.seen) == 2
    assert (before["work"], before["finished"], before["requests"]) == (2, 0, 2)
    assert before["dollars_most"] >= first["account"]["dollars"] > 0 == again["account"]["dollars"]
    assert again["dimensions"] == first["dimensions"]
    assert (after["finished"], after["requests"]) == (2, 0)


def test_the_budget_stops_the_judge_and_what_is_judged_is_written(tmp_path: Path, quimbot: Quimbot) -> None:
    many = [dialogue(f"d{n}", "en:1", f"Look at the word number {n}.", "Yes, go on.") for n in range(12)]
    file, out = written(tmp_path, "d.jsonl", *many), tmp_path / "verdicts.parquet"
    told = (
        file,
        f"--output={out}",
        f"--workspace={tmp_path / 'w'}",
        "--price-in=1",
        "--price-out=1",
        "--concurrency=2",
    )
    with LlmStandIn(verdicts()) as server:
        ran = judging(quimbot, server.url, *told, "--budget=0.02")
        ran.told("budget", "larger --budget", "verdicts.parquet holds")
        short = pl.read_parquet(out).height
        assert 0 < short < 12 * len(rubric())
        assert judging(quimbot, server.url, *told, "--budget=1").code == 0
        assert set(server.paid.values()) == {1}
    assert pl.read_parquet(out).height == 12 * len(rubric())


@pytest.mark.parametrize("terms", [None, ["unknown"], ["no-transfer"]])
def test_dialogues_that_may_not_leave_are_judged_here_alone(
    tmp_path: Path, quimbot: Quimbot, monkeypatch: pytest.MonkeyPatch, terms: list[str] | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    file = written(tmp_path, "d.jsonl", dialogue("d", "en:1", "Look at that, please.", terms=terms))
    told = (file, f"--workspace={tmp_path / 'w'}")
    judging(quimbot, "https://models.example.org/v1", *told).told(terms[0] if terms else "unknown", "--allow-transfer")
    with LlmStandIn(verdicts()) as server:
        assert judging(quimbot, server.url, *told).code == 0


def test_the_last_turn_is_judged_where_nothing_is_annotated(tmp_path: Path, quimbot: Quimbot) -> None:
    said = [
        ("user", "I go home."),
        ("assistant", "When did you go?"),
        ("user", "Yesterday."),
        ("assistant", "I see, go on."),
    ]
    row = {"id": "chat", "messages": [{"role": role, "content": text} for role, text in said], "terms": []}
    out = tmp_path / "verdicts.parquet"
    with LlmStandIn(verdicts()) as server:
        told = (written(tmp_path, "d.jsonl", row), f"--output={out}", f"--workspace={tmp_path / 'w'}")
        assert judging(quimbot, server.url, *told).code == 0
    assert set(pl.read_parquet(out)["position"]) == {3}


def test_a_version_without_dialogues_to_judge_is_told(copied: Workspace, quimbot: Quimbot) -> None:
    judging(quimbot, "http://127.0.0.1:1/v1", REF, f"--workspace={copied.root}").told("no annotated dialogue")


def test_a_file_ending_is_looked_at_before_anything_is_paid(tmp_path: Path, quimbot: Quimbot) -> None:
    with LlmStandIn(verdicts()) as server:
        file = written(tmp_path, "d.jsonl", GOOD)
        judging(quimbot, server.url, file, "--output=v.csv", f"--workspace={tmp_path / 'w'}").told(".csv", ".parquet")
        judging(quimbot, server.url, tmp_path / "none", f"--workspace={tmp_path / 'w'}").told("neither a file")
        other = written(tmp_path, "e.jsonl", dialogue("x", "en:9", "Look at that."))
        judging(quimbot, server.url, file, f"--against={other}", f"--workspace={tmp_path / 'w'}").told("nothing")
        assert server.seen == []


WORDS = st.lists(st.text("abcé你好", min_size=1, max_size=5), min_size=3, max_size=12)


@given(WORDS, st.data())
def test_any_run_of_a_turn_s_words_is_evidence(words: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(words) - LEAST_WORDS))
    end = data.draw(st.integers(start + LEAST_WORDS, len(words)))
    assert stands_in(" ".join(words[start:end]), " ".join(words))
    assert stands_in("“" + "  ".join(words[start:end]).upper() + "…”", " ".join(words))
    assert not stands_in(" ".join([*words[start:end], "zzz"]), " ".join(words))


def test_the_rubric_holds_mrbench_s_dimensions() -> None:
    theirs = {"mistake_identification", "mistake_location", "revealing_of_the_answer", "providing_guidance"}
    theirs |= {"actionability", "coherence", "tutor_tone", "humanlikeness"}
    assert theirs < set(rubric())
    assert all(each.desired is None or each.desired in each.labels for each in rubric().values())
