"""Critics against people's labels: readers, folds, trained weights, and the commands; on rows written by us."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran
from hypothesis import given
from hypothesis import strategies as st
from labelled_sets import write_sets

from quimbot_data.pedagogy.feedback import is_direct
from quimbot_data.pedagogy.validation import labelled
from quimbot_data.pedagogy.validation.agreement import f1, macro_f1, majority_macro_f1, spearman
from quimbot_data.pedagogy.validation.linear import FOLDS, Training, fit, fold_of, matrix, predictions
from quimbot_data.pedagogy.validation.validate import TrainedCritics, train, validate
from quimbot_data.workspace import read_model
from schemas.errors import InputError

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
real = pytest.mark.skipif(not REAL.is_dir(), reason="no real rows beside the project (../shared/real)")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("sets"))


def test_readers_give_what_people_say(sets: Path) -> None:
    feedback = labelled.human_feedback(sets / "wcf_hints/human_feedback.json")
    assert len(feedback) == 48, "an error that a teacher let stand is left out"
    assert feedback[0].original == "go"
    assert [row.direct for row in feedback[:2]] == [True, False]
    rated = labelled.rated_feedback(sets / "wcf_hints/rated_feedback.json")
    assert len(rated) == 144, "a rating that is neither is left out"
    assert (rated[0].original, rated[0].corrected) == ("go", "went"), "the edit is where the two texts differ"
    reply = labelled.replies(sets / "cima/dataset.json")[1]
    assert [act for act, done in reply.acts.items() if done] == ["hint"]
    assert reply.target == ("e dietro", "l'albero", "rosa")
    answer = labelled.answers(sets / "mrbench/MRBench_V2.json")[1]
    assert (answer.system, answer.revealed, answer.encouraging, answer.solution) == ("Ben", True, False, None)
    assert [role for role, _ in answer.said] == ["assistant", "user"]
    assert {row.text for row in labelled.questions(sets / "swda_questions/questions.csv") if not row.closed} == {
        "What did you see?"
    }, "rhetorical questions are of neither form"
    assert len(labelled.exchanges(sets / "uptake/uptake_data.csv")) == 20, "what was not rated is left out"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("wcf_hints/human_feedback.json", "{", "Expecting"),
        ("wcf_hints/human_feedback.json", "{}", "not an array"),
        ("wcf_hints/human_feedback.json", "[]", "no labelled row"),
        ("wcf_hints/human_feedback.json", '[{"feedback": 1}]', "row 0 has no field 'error_properties'"),
        ("wcf_hints/rated_feedback.json", '[{"is_direct": "Direct", "instance_text": 5}]', "row 0"),
        ("cima/dataset.json", "[]", "prepDataset"),
        ("cima/dataset.json", '{"prepDataset": {"0": {}}}', "no field"),
        ("mrbench/MRBench_V2.json", '[{"conversation_id": "a"}]', "no field 'conversation_history'"),
        ("swda_questions/questions.csv", "a,b\n1,2\n", "no field 'da'"),
        ("swda_questions/questions.csv", "dialogue,text,da\n1,Why?\n", "more or fewer fields"),
        ("uptake/uptake_data.csv", "obs_id,student_text,teacher_text,uptake_zscore\n1,a,b,much\n", "row 0"),
    ],
)
def test_a_malformed_file_is_named_with_its_row(tmp_path: Path, name: str, content: str, told: str) -> None:
    write_sets(tmp_path)
    for other in tmp_path.iterdir():  # the sets that would be judged before it
        if other.name != Path(name).parts[0]:
            shutil.rmtree(other)
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(InputError, match="cannot be read as the labelled set") as caught:
        validate(tmp_path)
    assert told in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.slow
def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    write_sets(tmp_path)
    path = tmp_path / "mrbench/MRBench_V2.json"
    path.write_text(path.read_text("utf-8").replace('"No"', '"Perhaps"'), "utf-8")
    with pytest.raises(InputError, match="'Perhaps' is no label; valid: Yes, No"):
        validate(tmp_path)


def test_every_line_of_the_table_is_judged(sets: Path) -> None:
    found = validate(sets)
    names = [line.critic for line in found.lines]
    assert names[:3] == ["direct feedback", "direct feedback, LLM-written", "correction act"]
    assert len(names) == 11
    assert not [line.critic for line in found.lines if line.missing]
    agreement = {line.critic: line.agreement for line in found.lines}
    assert min(value for value in agreement.values() if value is not None) > 0.8, "these rows are easy"
    acts = [agreement[f"{act} act"] for act in ("correction", "question", "hint", "confirmation")]
    assert agreement["four acts, mean"] == pytest.approx(sum(acts) / 4)


@pytest.mark.slow
def test_the_same_rows_in_another_order_agree_as_much(sets: Path, tmp_path: Path) -> None:
    shutil.copytree(sets, tmp_path / "turned")
    path = tmp_path / "turned/mrbench/MRBench_V2.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8"))[::-1]), "utf-8")
    one, other = validate(sets), validate(tmp_path / "turned")
    assert [line.agreement for line in one.lines] == [line.agreement for line in other.lines]


def test_no_group_and_no_system_is_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    from quimbot_data.pedagogy.validation import linear

    groups = [f"g{place % 20}" for place in range(120)]
    systems = [f"s{place % 3}" for place in range(120)]
    seen: list[list[int]] = []

    def spied(
        features: linear.Matrix, rows: list[int], truth: object, groups: object, training: Training
    ) -> linear.Weights:
        seen.append(list(rows))
        return linear.Weights(bias=1.0, weights={})

    monkeypatch.setattr(linear, "fit", spied)
    truth = [place % 2 == 0 for place in range(120)]
    asked = [place % 3 != 2 for place in range(120)]
    found = predictions([{"a": 1.0}] * 120, truth, groups, systems, asked, Training(1.0, False))
    assert [one is not None for one in found] == asked
    for system in ("s0", "s1"):
        for fold in sorted({fold_of(group) for group in groups}):
            held = {p for p in range(120) if asked[p] and systems[p] == system and fold_of(groups[p]) == fold}
            rows = seen.pop(0) if held else []
            assert not {groups[p] for p in held} & {groups[p] for p in rows}
            assert system not in {systems[p] for p in rows}
    assert seen == []


def test_missing_sets_are_said_and_none_is_an_error(sets: Path, tmp_path: Path) -> None:
    shutil.copytree(sets / "uptake", tmp_path / "some/uptake")
    found = validate(tmp_path / "some")
    told = {line.critic: line.missing for line in found.lines}
    assert told["uptake"] is None
    assert "wcf_hints/human_feedback.json is not there" in (told["direct feedback"] or "")
    assert "cima/dataset.json" in (told["four acts, mean"] or "")
    with pytest.raises(InputError, match="none of the labelled sets"):
        validate(tmp_path)


@pytest.mark.slow
def test_files_may_lie_side_by_side(sets: Path, tmp_path: Path) -> None:
    for path in sets.rglob("*.*"):
        shutil.copy(path, tmp_path / path.name)
    assert [line.agreement for line in validate(tmp_path).lines] == [line.agreement for line in validate(sets).lines]


def test_trained_weights_are_the_same_bytes_and_judge_other_rows(
    sets: Path, tmp_path: Path, quimbot: Callable[..., Ran]
) -> None:
    first, second = tmp_path / "one.json", tmp_path / "two.json"
    assert quimbot("critics", "train", sets, "--output", first).code == 0
    assert quimbot("critics", "train", sets, "--output", second).code == 0
    assert first.read_bytes() == second.read_bytes()
    quimbot("critics", "validate", sets, "--critics", first).told("were trained on", "--critics")
    other = tmp_path / "other"
    shutil.copytree(sets, other)
    for name in read_model(first, TrainedCritics).made_from:
        path = other / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")), indent=1), "utf-8")
    ran = quimbot("critics", "validate", other, "--critics", first, "--json")
    lines = {line["critic"]: line for line in json.loads(ran.out)["lines"]}
    assert lines["answer revealed"]["how"] == "trained on other files"
    assert lines["answer revealed"]["agreement"] > 0.9
    quimbot("critics", "validate", sets, "--critics", tmp_path / "none.json").told("There is no file")


def test_validate_prints_figures_beside_what_is_stated(sets: Path, quimbot: Callable[..., Ran], tmp_path: Path) -> None:
    ran = quimbot("critics", "validate", sets)
    assert ran.code == 0
    for word in ("majority", "rule .938", "0.930", "systems left out", "reaches reached"):
        assert word in ran.out
    shutil.copytree(sets / "uptake", tmp_path / "some/uptake")
    ran = quimbot("critics", "validate", tmp_path / "some")
    assert "Not judged: direct feedback" in ran.err
    quimbot("critics", "validate", tmp_path / "nowhere").told("none of the labelled sets")


def test_weights_say_what_the_model_says() -> None:
    rows = [{"long": 1.0, f"w:{place % 5}": 1.0} for place in range(40)] + [{"short": 1.0}] * 40
    truth, groups = [True] * 40 + [False] * 40, [str(place) for place in range(80)]
    critic = fit(matrix(rows), range(80), truth, groups, Training(1.0, balanced=True))
    assert [critic.says(row) for row in rows] == truth
    assert critic.says({"short": 1.0, "unseen": 5.0}) is False
    one_sided = fit(matrix(rows), range(40), truth, groups, Training(1.0, balanced=True))
    assert one_sided.says({}) is True


@pytest.mark.parametrize(
    ("text", "original", "corrected", "direct"),
    [
        ('Change "go" to "went."', "go", "went", True),
        ("What form do we need for yesterday?", "go", "went", False),
        ('"Lands" is plural here. Change it to the singular form of "land" as in other texts.', "lands", "land", True),
        ('"Land" is not countable. Change "lands" to its singular form.', "lands", "land", False),
        ('Remove the word "the."', "the", "", True),
        ('Is "the" needed here?', "the", "", False),
        ('Write "part time jobs."', "jobs of part time", "part time jobs", True),
        ("Think of the order.", "jobs of part time", "part time jobs", False),
    ],
)
def test_direct_feedback(text: str, original: str, corrected: str, direct: bool) -> None:
    assert is_direct(text, original, corrected, "en") is direct


def test_measures_of_agreement() -> None:
    truth = [True, True, False, False]
    assert f1(truth, [True, False, False, False]) == pytest.approx(2 / 3)
    assert macro_f1(truth, truth) == 1
    assert majority_macro_f1([True, True, True, False]) == pytest.approx(3 / 7)
    assert f1([False], [False]) == 0
    assert spearman([1, 2, 2, 3], [10, 20, 20, 30]) == pytest.approx(1)
    assert spearman([1, 2, 3], [5, 5, 5]) == 0


@given(st.text(max_size=20))
def test_folds_are_folds(group: str) -> None:
    assert fold_of(group) in range(FOLDS)


@real
@pytest.mark.slow
def test_every_reach_is_reached_on_real_labels() -> None:
    found = validate(REAL)
    assert not [line.critic for line in found.lines if line.missing]
    short = {line.critic: (line.agreement, line.reach) for line in found.lines if line.reached is False}
    assert short == {}
    ahead = [line for line in found.lines if (line.agreement or 0) < (line.baseline or 0)]
    assert ahead == [], "no critic is worse than its cheap baseline"


@real
@pytest.mark.slow
def test_training_leaves_out_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "cima").mkdir()
    shutil.copy(REAL / "cima/dataset.json", tmp_path / "cima/dataset.json")
    trained, missing = train(tmp_path)
    assert set(trained.critics) == {f"{act} act" for act in ("correction", "question", "hint", "confirmation")}
    assert missing == ["wcf_hints/rated_feedback.json", "mrbench/MRBench_V2.json"]
