"""Labelled sets in the layouts of their authors, a few rows each written by us: enough for readers and training."""

import csv
import json
from pathlib import Path
from typing import Any

#: Verbs whose past a learner missed, and what is right.
VERBS = [("go", "went"), ("see", "saw"), ("buy", "bought"), ("eat", "ate"), ("make", "made"), ("take", "took")]
PLACES = ["market", "station", "museum", "garden", "school", "library", "river", "office", "theatre", "bakery"]


def write_sets(folder: Path) -> Path:
    """All sets below a folder."""
    _json(folder / "wcf_hints/human_feedback.json", human_feedback())
    _json(folder / "wcf_hints/rated_feedback.json", rated_feedback())
    _json(folder / "cima/dataset.json", {"prepDataset": exercises()})
    _json(folder / "mrbench/MRBench_V2.json", conversations())
    _csv(folder / "swda_questions/questions.csv", questions())
    _csv(folder / "uptake/uptake_data.csv", exchanges())
    return folder


def feedback_texts(verb: str, past: str) -> list[tuple[str, str, bool]]:
    """Explanation, suggestion, and whether they are direct."""
    return [
        ("This happened yesterday.", f'Change "{verb}" to "{past}."', True),
        (f'"{verb}" is in the present.', f'Change "{verb}" to its past form.', False),
    ]


def human_feedback() -> list[dict[str, Any]]:
    rows = []
    for verb, past in VERBS:
        for place in PLACES[:4]:
            source = f"Yesterday I {verb} to the {place}."
            start = source.index(verb)
            told = feedback_texts(verb, past)
            for explanation, suggestion, direct in told:
                rows.append(
                    {
                        "user_id": "a_1",
                        "instance_text": {"source": source, "corrected": source.replace(verb, past)},
                        "error_properties": {
                            "error_start": str(start),
                            "error_end": str(start + len(verb)),
                            "error_text": verb,
                            "correction_text": past,
                        },
                        "feedback": {
                            "feedback_explanation": explanation,
                            "feedback_suggestion": suggestion,
                            "feedback_is_direct": direct,
                        },
                    }
                )
    left_alone = {"feedback_explanation": None, "feedback_suggestion": None, "feedback_is_direct": None}
    return [*rows, {**rows[0], "feedback": left_alone}]


def rated_feedback() -> list[dict[str, Any]]:
    rows = []
    for system in ("human", "tagless", "template"):
        for row in human_feedback()[:-1]:
            told = row["feedback"]
            text = f"{told['feedback_explanation']} {told['feedback_suggestion']}"
            rating = "Direct" if told["feedback_is_direct"] else "Hint"
            rows.append(
                {"fb_source": system, "is_direct": rating, "instance_text": {**row["instance_text"], "feedback": text}}
            )
    return [*rows, {**rows[0], "is_direct": "N/A"}]


def exercises() -> dict[str, Any]:
    found = {}
    for number in range(30):
        asked = ["How do you say tree?", "il gatto e rosa", "l'albero rosa"][number % 3]
        found[str(number)] = {
            "past_convo": ["Please try to fill in the blank.", asked],
            "img": f'"pictures/{number}.png"',
            "prep": "e dietro", "engPrep": "is behind the", "obj": "l'albero", "engObj": "tree",
            "color": "rosa", "engColor": "pink",
            "tutorResponses": ["What is the word for pink?", '"tree" is "albero"', "Almost, try.", "Yes, well done!"],
            "tutorActions": [[at == place for at in range(5)] for place in range(4)],
        }  # fmt: skip
    return found


def conversations() -> list[dict[str, Any]]:
    found = []
    for number in range(24):
        answer = 100 + number
        replies = {
            "Ada": (f"Great job! The answer is {answer}.", "Yes (and the answer is correct)", "Encouraging"),
            "Ben": (f"So we get 3 + 4 = {answer}.", "Yes (but the answer is incorrect)", "Neutral"),
            "Cleo": ("Nice try! What could we do first?", "No", "Encouraging"),
            "Dan": ("How did you work that out?", "No", "Neutral"),
        }
        found.append(
            {
                "conversation_id": f"c{number}",
                "conversation_history": f"Tutor: What is the sum? \n Student: I think it is {number}.",
                "Ground_Truth_Solution": f"It is\n {answer}" if number % 2 else "Not Available",
                "anno_llm_responses": {
                    name: {"response": text, "annotation": {"Revealing_of_the_Answer": told, "Tutor_Tone": tone}}
                    for name, (text, told, tone) in replies.items()
                },
            }
        )
    return found


def questions() -> list[dict[str, str]]:
    told = [("Have you seen it?", "qy"), ("What did you see?", "qw"), ("Or was it blue?", "qrr"), ("Who knows?", "qh")]
    return [
        {"split": "train", "dialogue": str(number), "speaker": "A", "text": text, "da": act}
        for number in range(10)
        for text, act in told
    ]


def exchanges() -> list[dict[str, str]]:
    rows = []
    for number, place in enumerate(PLACES):
        said = f"The {place} has seven blue windows"
        for text, rating in ((f"So the {place} has seven windows?", "1.2"), ("Okay.", "-0.9"), ("Sit down.", "")):
            rows.append({"obs_id": str(number), "student_text": said, "teacher_text": text, "uptake_zscore": rating})
    return rows


def _json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def _csv(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
