"""Evaluation: intervals that hold, measures that tell good answers from bad ones, a judge that is asked twice."""

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from run_records import run_record
from tiny_run import tiny_llama, tokenizer, with_versions, write_run
from versions_to_share import MIXED, OPEN

from quimbot_data.endpoint import Endpoint
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import EndpointError, TermsError
from train.evaluate import Settings, evaluate
from train.evaluate.bootstrap import mean, ratios
from train.evaluate.judge import Preference
from train.evaluate.judge import judge as ask_judge
from train.evaluate.likelihoods import likelihoods
from train.evaluate.measures import MEASURES, observations
from train.evaluate.plots import plots
from train.evaluate.register import formality, on_cue
from train.evaluate.replies import Reply, replies
from train.evaluate.report import report
from train.evaluate.results import Evaluation, Losses
from train.evaluate.summary import summary
from train.evaluate.whole import WHOLE, whole
from train.models import load_base
from train.prompts import SETS, all_prompts, prompt_set
from train.render import marks_of, prompt_ids
from train.variants import load

REF = Ref("small", "1.0.0")
FEW = Settings(most=6, prompts=2, tokens=8)


# Intervals


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random, hits = np.random.default_rng(0), 0
    for _ in range(100):
        told = mean(random.exponential(2.0, 60))
        hits += told.low <= 2.0 <= told.high
    assert 85 <= hits <= 100


@tried(30)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(1, 50)), min_size=1, max_size=40))
def test_an_interval_is_around_its_value_and_the_same_again(rows):
    sums = np.array([[value * weight] for value, weight in rows])
    weights = np.array([float(weight) for _, weight in rows])
    (told,) = ratios(sums, weights)
    assert told.value == pytest.approx(sums.sum() / weights.sum())
    assert ratios(sums, weights) == [told]
    if len(rows) == 1:  # drawn again and again it would look exact
        assert (told.low, told.high, told.side) == (None, None, 0)
        assert told.shown(".1f").endswith("(one alone: no interval)")
    else:
        assert told.low - 1e-9 <= told.value <= told.high + 1e-9


def test_a_paired_difference_is_narrower_than_either_loss():
    random = np.random.default_rng(1)
    base = random.normal(3, 1, 200)
    after = base - 0.1 + random.normal(0, 0.02, 200)
    plain, change = ratios(np.column_stack([base, after - base]), np.ones(200))
    assert (change.side, plain.side) == (-1, 1)
    assert change.high - change.low < 0.1 * (plain.high - plain.low)


# Losses by group


def losses_frame(rows):
    columns = ("dialogue_id", "family", "language", "n_tokens", "n_bytes", "base", "run")
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_languages_held_out_stand_apart():
    rows = [(f"d{at}", "conversation", "en", 10, 20, 30.0, 20.0) for at in range(5)]
    rows += [(f"n{at}", "multilingual", "ny", 10, 20, 50.0, 50.0) for at in range(2)]
    lines = likelihoods(losses_frame(rows), ["base", "run"], ["ny"])
    told = {(line.by, line.name): line for line in lines}
    assert told["all", "all"].dialogues == 5
    assert told["all", "all"].nll[0].value == 3.0
    assert told["all", "all"].change[0] == (-1.0, -1.0, -1.0)
    assert told["held out", "ny"].change[0].value == 0.0
    assert ("language", "ny") not in told
    assert ("family", "multilingual") not in told
    assert told["all", "all"].bpb[0].value == pytest.approx(1.5 / np.log(2))


def test_one_dialogue_has_no_interval_and_decides_nothing():
    lines = likelihoods(losses_frame([("d", "conversation", "en", 10, 20, 30.0, 20.0)]), ["base", "run"])
    assert lines[0].change[0] == (-1.0, None, None)
    losses = Losses(
        version="v@1.0.0", version_id="a" * 64, why="", models=["base", "run"], lines=lines, plot="plots/losses-0.png"
    )
    found = Evaluation(
        run="run", adapter={}, models=["base", "run"], tokens=8, most=None, losses=[losses], measures=[], whole=[],
        judgement=None,
    )  # fmt: skip
    text = report(run_record("run"), found, [], [])
    assert "**not clearly different**: −1.000 (one alone: no interval) nats a token" in text
    assert "3.000" in text
    assert "## Samples" not in text
    assert Evaluation.model_validate_json(found.model_dump_json()).losses == [losses]
    assert plots(lines, [], ["base", "run"])["losses"].startswith(b"\x89PNG")


def test_turns_of_one_dialogue_are_drawn_together():
    rows = [(f"d{at % 4}", "conversation", "en", 1, 1, float(at % 4), 0.0) for at in range(400)]
    (line, *_) = likelihoods(losses_frame(rows), ["base", "run"])
    assert line.nll[0].high - line.nll[0].low > 0.8  # of four dialogues, not of four hundred turns


# Measures


def reply(prompt, text, *, model="m", turn=0, stopped=True):
    set_name = next(name for name, each in all_prompts() if each.id == prompt)
    return Reply(model=model, set=set_name, prompt=prompt, turn=turn, text=text, stopped=stopped)


def told(*given):
    return {(each.measure, each.unit.split("/")[0]): each.value for each in observations(all_prompts(), given)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("That is wrong. You should say 'went'.", {"explicit_correction": 1, "reveals_correction": 1, "scaffolds": 0}),
        ("You went to the market yesterday with your sister! What did you buy there?",
         {"explicit_correction": 0, "reveals_correction": 1, "scaffolds": 1, "asks": 1}),
        ("Great start! When did that happen? Does 'I go' fit with 'yesterday'?",
         {"explicit_correction": 0, "reveals_correction": 0, "scaffolds": 1, "asks": 1, "encourages": 1, "leaks": 0}),
        ("", {"explicit_correction": 0, "scaffolds": 0, "asks": 0, "within_level": 0}),
    ],
)  # fmt: skip
def test_answers_to_an_error_are_told_apart(text, expected):
    found = told(reply("en-past", text))
    assert {name: found[name, "en-past"] for name in expected} == expected


def test_simplification_is_fewer_words_and_no_copy():
    hard = next(each for each in prompt_set("simplification") if each.id == "en-rain").messages[1].content
    simple = (
        "Warm, wet air goes up and gets cold. Then the water makes drops. Heavy drops fall: that is rain that forms."
    )
    assert told(reply("en-rain", simple))["simplifies", "en-rain"] == 1
    assert told(reply("en-rain", hard))["simplifies", "en-rain"] == 0
    assert told(reply("en-rain", ""))["simplifies", "en-rain"] == 0


def test_register_follows_the_cue_or_does_not():
    casual, formal = "hey, that's cool! gonna be fun", "I would suggest that you consider a museum. It is advisable."
    good = told(reply("en-weekend-casual", casual), reply("en-weekend-formal", formal))
    bad = told(reply("en-weekend-casual", formal), reply("en-weekend-formal", casual))
    assert (good["register_on_cue", "en-weekend"], bad["register_on_cue", "en-weekend"]) == (1, 0)
    assert good["formality_to_casual", "en-weekend-casual"] < 0 < bad["formality_to_casual", "en-weekend-casual"]
    assert on_cue(0.1, 0.1) == 0.5
    assert formality("anything", "lg") is None


def test_drift_is_the_last_answer_less_the_first():
    said = ["hey, cool!", "ok", "ok", "I would recommend that you consider a meal. It is advisable."]
    found = told(*(reply("en-chat-drift", text, turn=turn) for turn, text in enumerate(said)))
    assert found["formality_drift", "en-chat-drift"] > 0.5


def test_language_and_stops():
    found = told(
        reply("es", "Me gusta el verano porque hace mucho calor y voy a la playa.", stopped=False),
        reply("sw", "I like summer because it is warm and I can swim in the sea."),
        reply("de", "Ja."),
    )
    assert found["target_language", "es"] == 1
    assert found["target_language", "sw"] == 0
    assert ("target_language", "de") not in found
    assert (found["stops", "es"], found["stops", "sw"]) == (0, 1)


def test_a_summary_sets_models_side_by_side_on_the_same_prompts():
    given = [reply("es", "a", model="base", stopped=False), reply("fr", "a", model="base", stopped=False)]
    given += [reply("es", "a", model="run"), reply("fr", "a", model="run", stopped=False)]
    (line,) = [each for each in summary(observations(all_prompts(), given), ["base", "run"]) if each.measure == "stops"]
    assert line.units == [2, 2]
    assert (line.values[0].value, line.values[1].value, line.change[0].value) == (0, 0.5, 0.5)


def test_measures_of_the_whole_tell_variety_from_repetition():
    ids = [prompt.id for prompt in prompt_set("scaffolding") if prompt.language == "en"]
    same = [reply(each, "Great job! What did you do there?", model="same") for each in ids]
    texts = [
        *("Why do you like it?", "Where was it?", "Did you enjoy that?", "Does that make sense?", "Who came along?"),
        *("Which sounds better to you?", "Tell me more about your day.", "How did you feel?", "Was it far?"),
        "What changes at the end?",
    ]
    varied = [reply(each, text, model="varied") for each, text in zip(ids, texts, strict=True)]
    found = {each.measure: each.values for each in whole(all_prompts(), [*same, *varied], ["same", "varied"])}
    assert found["question_diversity"][0] < 0.1 < 0.75 < found["question_diversity"][1]
    assert found["commonest_opening"] == [1.0, 0.1]
    assert found["unique_openings"] == [0.1, 1.0]
    assert set(found) == set(WHOLE)
    assert whole(all_prompts(), [], ["same"]) == []


# Prompt sets


def test_prompt_sets_are_what_they_should_be():
    prompts = all_prompts()
    assert len({prompt.id for _, prompt in prompts}) == len(prompts)
    errors = prompt_set("scaffolding")
    assert {prompt.language for prompt in errors} == {"en", "es", "zh", "ar"}
    assert all(prompt.error for prompt in errors)
    assert {prompt.background for prompt in errors} == {"heritage", "l2"}
    pairs = {prompt.id.rsplit("-", 1)[0] for prompt in prompt_set("register") if not prompt.then}
    ids = {prompt.id for prompt in prompt_set("register")}
    assert all({f"{pair}-casual", f"{pair}-formal"} <= ids for pair in pairs)
    assert len(SETS) == 4


# Answers


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("base"))


def test_answers_do_not_depend_on_what_they_are_batched_with(base):
    import torch

    model, cut = load_base(str(base)), tokenizer(str(base))
    asked = all_prompts()[::9]
    together = replies(model, cut, "base", asked, 6)
    alone = [each for one in asked for each in replies(model, cut, "base", [one], 6)]
    assert {(each.prompt, each.turn): each for each in together} == {(each.prompt, each.turn): each for each in alone}
    prompt = asked[0][1]
    ids = prompt_ids([message.model_dump() for message in prompt.messages], cut)
    answer = []
    with torch.inference_mode():
        for _ in range(6):
            answer.append(int(model(input_ids=torch.tensor([ids + answer])).logits[0, -1].argmax()))
            if answer[-1] in (marks_of(cut).stop, marks_of(cut).end):
                answer.pop()
                break
    assert together[0].text == cut.decode(answer, skip_special_tokens=True).strip()


# The judge


class Judge(ThreadingHTTPServer):
    """An endpoint on loopback that answers by a rule of the two answers."""

    def __init__(self, rule):
        self.asked = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.asked.append(body)
                text = body["messages"][1]["content"]
                first, second = text.split("The first answer:\n")[1].split("\n\nThe second answer:\n")
                said = rule(first, second)
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
                reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "j", "choices": [choice]}
                data = json.dumps(reply).encode()
                self.send_response(200 if said != "refuse" else 500)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Whoever asked has left, as a judge that is refused once asks no more."""

    @property
    def endpoint(self):
        return Endpoint(f"http://127.0.0.1:{self.server_port}/v1")


@pytest.fixture
def judging():
    served = []

    def serve(rule):
        served.append(Judge(rule))
        return served[-1]

    yield serve
    for each in served:
        each.shutdown()
        each.server_close()


def answers(text):
    asked = [(name, prompt) for name, prompt in all_prompts() if name in ("scaffolding", "simplification")]
    return asked, {prompt.id: reply(prompt.id, text) for _, prompt in asked}


def test_a_judge_that_likes_the_better_answer_in_both_orders_counts(judging):
    served = judging(lambda first, second: json.dumps({"better": "first" if "good" in first else "second"}))
    asked, base = answers("bad")
    found = ask_judge(served.endpoint, "j", asked, base, answers("good")[1])
    assert found.preferred == (1, 1, 1)
    assert found.consistent == found.read == len(asked)
    assert len(served.asked) == 2 * len(asked)
    orders = {
        body["messages"][1]["content"].index("good") < body["messages"][1]["content"].index("bad")
        for body in served.asked
    }
    assert orders == {True, False}


def test_a_judge_that_always_likes_the_first_says_nothing(judging):
    served = judging(lambda first, second: 'Sure! {"better": "first"}')
    asked, base = answers("bad")
    found = ask_judge(served.endpoint, "j", asked, base, answers("good")[1])
    assert found.preferred == (0.5, 0.5, 0.5)
    assert found.consistent == 0


def test_what_a_judge_says_badly_is_unread_and_a_broken_one_is_told(judging):
    served = judging(lambda first, second: "I prefer the first")
    asked, base = answers("bad")
    found = ask_judge(served.endpoint, "j", asked, base, base)
    assert (found.read, found.preferred) == (0, None)
    with pytest.raises(EndpointError, match="does not answer"):
        ask_judge(judging(lambda *_: "refuse").endpoint, "j", asked, base, base)
    assert Preference(prompt="p", base_first=None, base_second="first").value is None


# The whole


@pytest.fixture(scope="module")
def trained(built, base, tmp_path_factory):
    workspace = with_versions(built, tmp_path_factory.mktemp("trained") / "datasets")
    write_run(workspace, "first", REF, base)
    write_run(workspace, "second-stage", REF, base, parent="first")
    return workspace


@pytest.fixture
def workspace(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
    shutil.copytree(trained.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


def test_a_run_is_set_against_its_base(workspace, quimbot, monkeypatch):
    ran = quimbot("-w", workspace.root, "eval", "first", "--most", 6, "--prompts", 2, "--tokens", 8, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    folder = workspace.root / "runs/first/evaluation"
    assert found["models"] == ["base", "first"]
    overall = found["losses"][0]["lines"][0]
    table = pl.read_parquet(workspace.root / "runs/first/losses/small-1.0.0/test-*.parquet")
    assert overall["nll"][0][0] == pytest.approx(table["base_nll"].sum() / table["n_tokens"].sum())
    assert overall["change"][0][0] == pytest.approx(
        (table["adapter_nll"] - table["base_nll"]).sum() / table["n_tokens"].sum()
    )
    measured = {each["measure"] for each in found["measures"]}
    assert {"stops", "register_on_cue", "scaffolds"} <= measured <= set(MEASURES)
    report = (folder / "report.md").read_text()
    for line in ("## Losses on the test split of small@1.0.0", "## What is said", "## Samples", "plots/losses-0.png"):
        assert line in report
    assert (folder / "plots/losses-0.png").read_bytes().startswith(b"\x89PNG")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr("train.evaluate.load", lambda *_: pytest.fail("it was asked already"))
    plain = quimbot("-w", workspace.root, "eval", "first", "--most", 6, "--prompts", 2, "--tokens", 8)
    assert plain.code == 0, plain.err
    assert "Nats a token" in plain.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_stage_two_is_told_beside_stage_one_and_what_it_forgot(workspace, monkeypatch):
    evaluate(workspace, "first", FEW)
    asked, loaded = [], load
    monkeypatch.setattr("train.evaluate.load", lambda variant: asked.append(variant.name) or loaded(variant))
    found = evaluate(workspace, "second-stage", FEW)
    assert asked == ["second-stage"], "the others were asked for stage 1"
    assert found.models == ["base", "first", "second-stage"]
    own, forgotten = found.losses
    assert forgotten.why == ": what second-stage forgot"
    assert forgotten.models == found.models
    for line in forgotten.lines:
        base, first, second = (each.value for each in line.nll)
        assert line.change[0].value == pytest.approx(first - base)
        assert line.change[1].value == pytest.approx(second - base)
    assert own.lines[0].nll[1].value != own.lines[0].nll[2].value
    path = workspace.root / "runs/second-stage/evaluation/report.md"
    assert "what second-stage forgot" in path.read_text()
    without = evaluate(workspace, "second-stage", Settings(most=6, prompts=0))
    assert without.losses == found.losses
    assert (without.measures, without.whole) == ([], [])
    assert "What is said" not in path.read_text()


def test_answers_may_go_no_farther_than_what_they_were_learnt_from(workspace, judging):
    elsewhere = Endpoint("https://judge.example/v1")
    with pytest.raises(TermsError, match=r"may go to models on this machine alone \(no-transfer.*judge.example"):
        evaluate(workspace, "first", Settings(most=2, prompts=1, tokens=2, judge=(elsewhere, "j")))
    served = judging(lambda first, second: json.dumps({"better": "neither"}))
    asked = Settings(most=2, prompts=1, tokens=2, judge=(served.endpoint, "j"))
    found = evaluate(workspace, "first", asked)
    assert found.judgement.preferred.value == 0.5
    paid = len(served.asked)
    assert evaluate(workspace, "first", asked).judgement == found.judgement
    assert len(served.asked) == paid > 0, "a judge is paid once"
    assert "## Judge" in (workspace.root / "runs/first/evaluation/report.md").read_text()


def test_nor_farther_than_what_stage_1_learnt_from(shared, base, tmp_path):
    workspace = with_versions(shared, tmp_path / "datasets")
    write_run(workspace, "first", MIXED, base)
    write_run(workspace, "second", OPEN, base, parent="first")
    judge = (Endpoint("https://judge.example/v1"), "j")
    with pytest.raises(TermsError, match=r"first learnt from .* \(no-transfer"):
        evaluate(workspace, "second", Settings(judge=judge))


def test_a_version_that_changed_since_is_refused(workspace, quimbot):
    path = workspace.root / "runs/first/run.json"
    record = json.loads(path.read_text())
    record["version_id"] = "0" * 64
    path.write_text(json.dumps(record))
    quimbot("-w", workspace.root, "eval", "first").told("is not the version that first was trained on")


def test_commands_score_and_export(workspace, quimbot):
    ran = quimbot("-w", workspace.root, "train", "score", REF, "--adapter", "first", "--split", "test", "--most", 3)
    assert ran.code == 0, ran.err
    assert "Nats a token of small@1.0.0" in ran.out
    ran = quimbot("-w", workspace.root, "train", "export", "first", "--format", "safetensors", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["formats"] == ["safetensors"]
    quimbot("-w", workspace.root, "train", "export", "third").told("holds no training run 'third'", "first")
