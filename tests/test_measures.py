"""Measures of dialogues: what each counts, what it says where it cannot count, and the report of all."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Ran
from scaffolding import valid_dialogues

from quimbot_data.pedagogy.coherence import coherence
from quimbot_data.pedagogy.conduct import drift, evenness, judged, leaks, valid_strategies
from quimbot_data.pedagogy.contamination import contamination, evaluation_sets
from quimbot_data.pedagogy.dialogues import merged_dialogues
from quimbot_data.pedagogy.layouts import merged
from quimbot_data.pedagogy.measures import TARGETS, Measure, measures
from quimbot_data.pedagogy.profiles import background_recovery, masked
from quimbot_data.pedagogy.questions import KINDS, is_closed, is_open, question_kind, questions_of
from quimbot_data.pedagogy.report import human_figures, measured_humans
from quimbot_data.pedagogy.tone import encouraging, praise_of
from quimbot_data.pedagogy.turns import tutor_turns
from quimbot_data.pedagogy.uptake import uptake
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
real = pytest.mark.skipif(not REAL.is_dir(), reason="no real rows beside the project (../shared/real)")
PLACES = ["market", "station", "museum", "garden", "school", "library", "river", "office", "theatre", "bakery"]
FOODS = ["soup", "bread", "apples", "cheese", "rice", "fish", "cake", "honey"]


def talk(*texts: str, **other: Any) -> dict[str, Any]:
    """A dialogue that opens with the learner."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)], **other}


def named(dialogues: list[dict[str, Any]]) -> dict[str, Measure]:
    return {measure.target.name: measure for measure in measures(dialogues)}


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [
        ("en", "Did you go there?", "closed"),
        ("en", "What did you buy?", "wh"),
        ("en", "How many did you buy?", "wh"),
        ("en", "Why did you like it?", "open"),
        ("en", "Does that make sense?", "check"),
        ("en", "Which sounds better to you?", "reflective"),
        ("en", "Did you see the river?", "closed"),
        ("es", "¿Fuiste sola?", "closed"),
        ("es", "¿Qué compraste?", "wh"),
        ("es", "¿Cuántos compraste?", "wh"),
        ("es", "¿Por qué te gustó?", "open"),
        ("es", "¿Me entiendes?", "check"),
        ("es", "¿Cuál te suena mejor?", "reflective"),
        ("zh", "你一个人去的吗？", "closed"),
        ("zh", "你买了什么？", "wh"),
        ("zh", "你为什么喜欢？", "open"),
        ("zh", "明白了吗？", "check"),
        ("zh", "哪个听起来更好？", "reflective"),
        ("ar", "هل ذهبت وحدك؟", "closed"),
        ("ar", "ماذا اشتريت؟", "wh"),
        ("ar", "لماذا أعجبك؟", "open"),
        ("ar", "هل فهمت؟", "check"),
        ("ar", "أيهما يبدو أفضل؟", "reflective"),
    ],
)
def test_kinds_of_questions(language: str, question: str, kind: str) -> None:
    assert question_kind(question, language) == kind
    assert questions_of(f"{question} {question}" if language != "zh" else question * 2, language) == [kind] * 2
    assert is_open(question, language) is (kind == "open")


@pytest.mark.parametrize(
    ("question", "closed"),
    [
        ("You know what I mean?", True),
        ("When you were there, did you see it?", True),
        ("And, uh, is it large?", True),
        ("So Frank, what kind do you have?", False),
        ("If you could choose, where would you go?", False),
        ("It was blue, wasn't it?", True),
        ("Your family's from where?", False),
    ],
)
def test_closed_questions_of_talk(question: str, closed: bool) -> None:
    assert is_closed(question, "en") is closed


def test_questions_in_a_language_without_words_are_not_counted() -> None:
    assert questions_of("Où es-tu ?", "fr") == []
    found = named([talk("Bonjour", "Où es-tu ?", language="fr")])
    assert found["open share"].value is None
    assert "fr" in found["open share"].note


def test_praise_and_encouragement() -> None:
    assert praise_of("Great job! What comes next?", "en") == ["great job"]
    assert encouraging("Keep going, what comes next?", "en")
    assert not encouraging("What comes next?", "en")
    assert praise_of("¡Muy bien! ¿Y luego?", "es") == ["muy bien"]
    assert praise_of("真棒！然后呢？", "zh") == ["真棒"]
    assert praise_of("ممتاز! وماذا بعد؟", "ar") == ["ممتاز"]


def test_uptake_grows_with_what_returns() -> None:
    said = "I planted tomatoes in my garden"
    more, less = ("What else grows beside the tomatoes?", "What else happened to you today?")
    assert uptake(said, more, "en") > uptake(said, less, "en") > uptake(said, "Okay.", "en")


def test_a_true_next_turn_is_told_from_a_random_one() -> None:
    own = [talk(f"I went to the {a} for {b}", f"You like the {a}! Was the {b} good?") for a in PLACES for b in FOODS]
    swapped = [
        talk(one["messages"][0]["content"], other["messages"][1]["content"])
        for one, other in zip(own, own[9:] + own[:9], strict=True)
    ]
    good, bad = (coherence(tutor_turns(dialogues)).auc or 0 for dialogues in (own, swapped))
    assert good > 0.95
    assert bad < 0.65
    assert coherence(tutor_turns(own[:1])).auc is None
    assert coherence([]).uptake is None


def test_drift_and_evenness() -> None:
    growing = talk("a", "One two.", "b", "One two.", "c", "One two three four.", "d", "One two three four.")
    assert drift([row.scene for row in judged([growing])]) == (1, 2.0)
    assert drift([]) == (0, None)
    from collections import Counter

    assert evenness(Counter(KINDS), 5) == pytest.approx(1)
    assert evenness(Counter(closed=4), 5) == 0
    assert evenness(Counter(), 5) is None


def test_valid_dialogues_have_valid_strategies_and_broken_ones_have_not() -> None:
    rows = judged(valid_dialogues())
    share = valid_strategies(rows)
    assert share.of > 5
    assert share.value == 1
    assert leaks(rows).value == 0
    told = deepcopy(valid_dialogues())
    for dialogue in told:
        for turn in dialogue["pedagogy"]["turns"]:
            if turn["strategy"] in ("question", "hint"):
                error = dialogue["pedagogy"]["errors"][turn["target"]]
                said = dialogue["messages"][error["position"]]["content"]
                right = said[: error["start"]] + error["corrected"] + said[error["end"] :]
                dialogue["messages"][turn["position"]]["content"] = f"{right} {right}"
    assert leaks(judged(told)).value == 1
    assert (valid_strategies(judged(told)).value or 0) < 1


def test_measures_of_valid_dialogues_in_four_languages() -> None:
    dialogues = valid_dialogues()
    assert {dialogue["language"] for dialogue in dialogues} == {"en", "es", "zh", "ar"}
    found = measures(dialogues)
    assert [measure.target for measure in found] == list(TARGETS[:-1])
    values = {measure.target.name: measure for measure in found}
    assert values["explicit correction"].value == 0
    assert values["level fit"].value == 1
    assert values["heritage against L2 AUC"].value is None
    assert "fewer than 20" in values["heritage against L2 AUC"].note
    assert all(measure.value is not None or measure.note for measure in found), "what is not measured says why"
    assert found == measures(dialogues), "the same again"


def test_dialogues_without_annotations_say_what_cannot_be_measured() -> None:
    found = named([talk("I go yesterday", "You went! What did you see?") for _ in range(3)])
    assert found["valid strategies"].value is None
    assert found["valid strategies"].note == "no annotated error turns"
    assert found["explicit correction"].value == 0
    assert found["unique openings"].value == pytest.approx(1 / 3)
    assert found["unique openings"].within is False
    assert found["uptake"].within is None, "no range is set"


def annotated(background: str, place: int, words: str) -> dict[str, Any]:
    learner = {"background": background, "target_language": "en", "cefr": "A2"}
    said = f"I like the {PLACES[place % 10]}"
    return talk(said, f"{words} {FOODS[place % 8]}?", seed_id=f"s{place // 2}", pedagogy={"learner": learner})


def test_backgrounds_are_told_by_the_tutors_words_alone() -> None:
    apart = [annotated(*each) for place in range(60) for each in (
        ("heritage", place, "At your table, who cooks the"), ("l2", place, "Can you say more about the"))]  # fmt: skip
    alike = [annotated(background, place, "Do you like") for place in range(60) for background in ("heritage", "l2")]
    by_name = [annotated(*each) for place in range(60) for each in (
        ("heritage", place, "As a native, do you like"), ("l2", place, "As a beginner, do you like"))]  # fmt: skip
    assert (background_recovery(apart).auc or 0) > 0.95
    assert (background_recovery(alike).auc or 0) < 0.65
    assert (background_recovery(by_name).auc or 0) < 0.65, "words of the profile are masked"
    assert masked("Do Dominicans speak Spanish?", "en") == "do dominicans speak"


def test_contamination_by_runs_and_by_words(tmp_path: Path) -> None:
    asked = "Compose an engaging travel blog post about a recent trip to Hawaii with your friends"
    short = "Name three blue birds of Kenya"
    path = tmp_path / "bench.jsonl"
    path.write_text("\n".join(json.dumps({"id": n, "prompt": text}) for n, text in enumerate([asked, short])), "utf-8")
    sets = evaluation_sets([path])
    dialogues = [
        talk("So: compose an engaging travel blog post about a recent trip to Kenya", "Gladly!"),
        talk("Of Kenya: name three blue birds", "The roller is one."),
        talk("Name three green birds of Peru", "The parrot is one."),
    ]
    assert contamination(dialogues, sets).found == {0: "bench", 1: "bench"}
    with pytest.raises(InputError, match="Two evaluation sets are named 'bench'"):
        evaluation_sets([path, path])


def test_files_of_others_are_read_as_dialogues(tmp_path: Path) -> None:
    layouts: dict[str, Any] = {
        "mathdial.jsonl": {"conversation": "Teacher: (focus)How many?|EOM|DeAndre: Ten|EOM|Teacher: (generic)Why ten?"},
        "bridge.json": [
            {
                "c_h": [{"user": "tutor", "text": "Add."}, {"user": "student", "text": "4"}],
                "c_r_": [{"text": "Which did you add?"}],
            }
        ],
        "cima.json": {"prepDataset": {"0": {"past_convo": ["Hi", "Tree?"], "tutorResponses": ["Albero.", "Think!"]}}},
        "chat.jsonl": {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]},
        "turns.jsonl": {"instruction": "Hi", "output": "Hello!"},
    }
    said = {}
    for name, value in layouts.items():
        (tmp_path / name).write_text(json.dumps(value, indent=1 if name == "cima.json" else None), "utf-8")
        read = list(merged_dialogues(tmp_path / name))
        said[name] = [[(m["role"][0], m["content"]) for m in dialogue["messages"]] for dialogue in read]
    assert said["mathdial.jsonl"] == [[("a", "How many?"), ("u", "Ten"), ("a", "Why ten?")]]
    assert said["bridge.json"] == [[("u", "4"), ("a", "Which did you add?")]]
    assert said["cima.json"] == [[("u", "Tree?"), ("a", "Albero.")], [("u", "Tree?"), ("a", "Think!")]]
    assert said["chat.jsonl"] == said["turns.jsonl"] == [[("u", "Hi"), ("a", "Hello!")]]
    parts = [{"role": role, "content": text} for role, text in (("user", "a"), ("user", "b"), ("assistant", " "))]
    assert merged(parts) == [{"role": "user", "content": "a b"}]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"text": "no turns"}\n', "row 0 is no dialogue"),
        ('{"messages": [{"role": "oracle", "content": "x"}]}\n', "oracle"),
        ('{"messages": "hello"}\n{"a": 1}\n', "row 0 is no dialogue"),
        ("not json at all", "no JSON Lines"),
    ],
)
def test_a_file_without_dialogues_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        list(merged_dialogues(path))
    assert told in str(caught.value)


def test_the_report_in_all_its_forms(tmp_path: Path, quimbot: Callable[..., Ran]) -> None:
    path = tmp_path / "ours.jsonl"
    path.write_text("\n".join(json.dumps(dialogue, ensure_ascii=False) for dialogue in valid_dialogues()), "utf-8")
    bench = tmp_path / "bench.txt"
    bench.write_text("Compose an engaging travel blog post about a recent trip to Hawaii\n", "utf-8")
    ran = quimbot("critics", "report", path, "-e", bench, "-o", tmp_path / "out")
    assert ran.code == 0
    for word in ("next-turn AUC", "≥ 0.8", "mathdial", "looked for bench"):
        assert word in ran.out
    told = json.loads(quimbot("critics", "report", path, "-e", bench, "--json").out)
    assert told == json.loads((tmp_path / "out/measures.json").read_text("utf-8"))
    assert [line["name"] for line in told["lines"]] == [target.name for target in TARGETS]
    assert told["lines"][-1]["value"] == 0
    document = (tmp_path / "out/measures.md").read_text("utf-8")
    assert quimbot("critics", "report", path, "-e", bench, "--markdown").out.strip() == document.strip()
    assert "| strategy entropy" in document
    assert (tmp_path / "out/measures.png").read_bytes().startswith(b"\x89PNG")
    quimbot("critics", "report", tmp_path / "none.jsonl").told("neither a file nor a version")


def test_a_version_is_measured_by_its_annotated_share(
    tmp_path: Path, quimbot: Callable[..., Ran], built: Workspace
) -> None:
    quimbot("critics", "report", "small@1.0.0", "-w", built.root).told("small@1.0.0", "no annotated dialogue")


def test_parquet_is_read_as_json_lines_are(tmp_path: Path) -> None:
    rows = [talk("Hi", "Hello! How are you?", language="en", seed_id="s1")] * 3
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    one, other = (list(merged_dialogues(tmp_path / f"rows.{kind}")) for kind in ("parquet", "jsonl"))
    assert [d["messages"] for d in one] == [d["messages"] for d in other]
    assert one[0]["seed_id"] == "s1"


@real
@pytest.mark.slow
def test_shipped_figures_of_human_teachers_are_what_the_sets_give() -> None:
    found = measured_humans(REAL)
    assert found == human_figures(), "run benchmarks/human_figures.py"
    # The specification's ranges of human teachers (§6) hold for the two sets whose tutors wrote freely.
    for name in ("mathdial", "bridge"):
        assert 0.54 <= (found.sets[name]["diversity/unique openings"] or 0) <= 0.89
        assert 0.26 <= (found.sets[name]["diversity/self-BLEU"] or 0) <= 0.38


def test_refs_that_are_none(tmp_path: Path, quimbot: Callable[..., Ran]) -> None:
    quimbot("critics", "report", "nothing@1.0.0", "-w", tmp_path).told("nothing@1.0.0")
    assert Ref.parse("a@1.0.0").name == "a"
