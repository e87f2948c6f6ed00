"""Raw rows of every corpus in its published layout, made up for tests: sentences out of word lists, and planted faults.

`lay_out` writes them as the publishers do; a `Cut` says into how many files, in which order and under which names, so
that two cuts hold the same rows and nothing else alike.
"""

import csv
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

Rows = list[dict[str, Any]]

ACTS = ("plant", "mend", "describe", "clean", "carry", "paint", "measure", "share", "borrow", "remember")
KINDS = ("small", "heavy", "quiet", "yellow", "broken", "friendly", "ancient", "wooden", "simple", "bright")
THINGS = ("bicycle", "garden", "kettle", "letter", "bridge", "window", "orchard", "lantern", "basket", "harbour")
REASONS = ("before winter comes", "with my neighbours", "on a rainy morning", "without any tools", "for a school play")
LUGANDA = ("omwana", "omupiira", "oluguudo", "emmere", "ekitabo", "amazzi", "ennyumba", "omulimu", "abantu", "essomero")
MODERATION = ("harassment", "hate", "sexual", "violence")


def question(number: int) -> str:
    act, kind = ACTS[number % 10], KINDS[number // 10 % 10]
    return f"How do I {act} a {kind} {THINGS[number // 100 % 10]} {REASONS[number % 5]}? Case {number}."


def answer(number: int) -> str:
    thing, kind = THINGS[number // 100 % 10], KINDS[number // 10 % 10]
    return (
        f"Start by looking at the {kind} {thing} from every side and note what it needs. "
        f"Then {ACTS[number % 10]} it slowly, and ask a friend when in doubt. That is note {number} on the matter."
    )


def lmsys(count: int) -> Rows:
    """Every 19th row ends in a user message, every 23rd has a blank one, every 29th repeats the id before it, every
    31st the content; every 11th is flagged at its first message."""
    rows: Rows = []
    for number in range(count):
        said = number - 1 if number % 31 == 30 else number
        messages = [
            {"content": say(said * 3 + turn), "role": role}
            for turn in range(1 + said % 3)
            for say, role in ((question, "user"), (answer, "assistant"))
        ]
        if number % 19 == 18:
            messages.pop()
        if number % 23 == 22:
            messages[0]["content"] = " \n"
        flagged = number % 11 == 10
        rows.append(
            {
                "conversation_id": f"{number - (number % 29 == 28):032x}",
                "model": "vicuna-13b",
                "conversation": messages,
                "turn": len(messages) // 2,
                "language": "English",
                "openai_moderation": [
                    {
                        "categories": {name: flagged and not place and name == "hate" for name in MODERATION},
                        "category_scores": dict.fromkeys(MODERATION, 0.5),
                        "flagged": flagged and not place,
                    }
                    for place in range(len(messages))
                ],
                "redacted": False,
            }
        )
    return rows


def magpie(count: int) -> Rows:
    """Every 7th row resembles the one before it, every 20th has no answer, every 13th asks what lmsys was asked."""
    rows: Rows = []
    for number in range(count):
        asked = number * 3 if number % 13 == 12 else 4000 + number
        pair = [{"from": "human", "value": question(asked)}, {"from": "gpt", "value": answer(asked)}]
        uuid = f"m-{number:05}"
        near = f"m-{number - 1:05}" if number % 7 == 6 else uuid
        text = pair[:1] if number % 20 == 19 else pair
        rows.append({"uuid": uuid, "conversations": text, "min_similar_uuid": near, "difficulty": "easy"})
    return rows


def openhermes(count: int) -> Rows:
    """Few rows have ids; every 9th repeats the row before it, every 10th has system text, every 25th no text at all."""
    rows: Rows = []
    for number in range(count):
        said = 8000 + (number - 1 if number % 9 == 8 else number)
        turns: Rows = [
            {"from": "human", "value": question(said)},
            {"from": "gpt", "value": answer(said), "weight": 0 if number % 40 == 3 else None},
        ]
        row: dict[str, Any] = {"conversations": [] if number % 25 == 24 else turns, "source": "airoboros2.2"}
        if number % 10 == 5:
            row["system_prompt"] = "You are a patient helper."
        if number % 6 == 1:
            row["id"] = f"oh-{number}"
        if number % 30 == 2:
            row["source"] = "lmsys1m"
        rows.append(row)
    return rows


def prosocial(dialogues: int, first: int = 0) -> Rows:
    """One to three rows a dialogue; every 14th dialogue lacks its second response id, every 5th is labelled unsafe.

    Odd dialogues say something else where `first` is another, even ones repeat themselves.
    """
    rows: Rows = []
    for dialogue in range(first, first + dialogues):
        turns = 1 + dialogue % 3
        for turn in range(turns):
            number = 12_000 + dialogue * 3 + turn + first * 1000 * (dialogue % 2)
            rows.append(
                {
                    "context": f"I took my sister's {THINGS[number % 10]} and hid it, number {number}.",
                    "response": f"You should give it back and say sorry to her. {answer(number)}",
                    "rots": ["You should not take what is not yours."],
                    "safety_label": "__needs_caution__" if dialogue % 5 == 4 else "__casual__",
                    "safety_annotations": ["casual"] * 3,
                    "safety_annotation_reasons": ["…"] * 3,
                    "source": "socialchemistry",
                    "etc": None,
                    "dialogue_id": dialogue,
                    "response_id": turn + (dialogue % 14 == 13 and turn == 1),
                    "episode_done": turn == turns - 1,
                }
            )
    return rows


def waxal(count: int) -> Rows:
    """Every 12th transcript is blank, every 15th too short to cut."""
    rows: Rows = []
    for number in range(count):
        words = [LUGANDA[(number * step + step) % 10] for step in range(1, 10)]
        text = " ".join(words).capitalize() + f" {number}."
        text = " " if number % 12 == 11 else "Omwana azannya." if number % 15 == 14 else text
        rows.append(
            {
                "id": f"lug_{number}",
                "speaker_id": "7",
                "transcription": text,
                "language": "lug",
                "gender": "Female",
                "audio": {"bytes": b"RIFF\x00\x01", "path": f"{number}.wav"},
            }
        )
    return rows


def tutor(count: int) -> Rows:
    """Rows in the layout of `messages`, by the id key; every 16th holds no conversation."""
    rows: Rows = []
    for number in range(count):
        text = [
            {"role": "user", "content": f"I goed to the {THINGS[number % 10]} yesterday, lesson {number}."},
            {"role": "assistant", "content": f"Nearly: I went. {answer(20_000 + number)}"},
        ]
        rows.append({"id": f"t{number}"} | ({"note": "nothing"} if number % 16 == 15 else {"messages": text}))
    return rows


def toefl11(count: int) -> list[list[str]]:
    """Index rows (file, prompt, first language, level); every 6th essay is missing."""
    return [[f"90{number:04}.txt", f"P{number % 8 + 1}", "KOR", "medium"] for number in range(count)]


@dataclass(frozen=True)
class Cut:
    """How the same rows are written: files a source, a seed to shuffle them by, and what file names begin with."""

    files: int = 1
    shuffle: int | None = None
    name: str = "train"

    def parts(self, rows: Sequence[Any]) -> list[list[Any]]:
        rows = list(rows)
        if self.shuffle is not None:
            random.Random(self.shuffle).shuffle(rows)
        return [rows[start :: self.files] for start in range(self.files)]

    def paths(self, folder: Path, stem: str, suffix: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        return [folder / f"{stem}-{part:05}-of-{self.files:05}{suffix}" for part in range(self.files)]


def write_parquet(rows: Rows, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)


def write_array(rows: Rows, path: Path) -> None:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def write_lines(rows: Rows, path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_essays(rows: list[list[str]], folder: Path) -> None:
    """An index with a header, and the essays beside it."""
    originals = folder / "responses" / "original"
    originals.mkdir(parents=True, exist_ok=True)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["Filename", "Prompt", "Language", "Score Level"], *rows])
    for number, (name, *_) in enumerate(rows):
        if number % 6 != 5:
            (originals / name).write_text(f"I am agree with essay {number}.\r\nIt have two reason.", encoding="utf-8")


def lay_out(root: Path, cut: Cut = Cut(), scale: int = 1) -> dict[str, Path]:
    """Write every corpus below `root`, each as its publisher does; returns their folders."""
    write: Callable[[Rows, Path], None]
    layouts: list[tuple[str, str, str, Callable[[Rows, Path], None], Sequence[Any]]] = [
        ("lmsys", f"data/{cut.name}", ".parquet", write_parquet, lmsys(260 * scale)),
        ("magpie", f"data/{cut.name}", ".parquet", write_parquet, magpie(120 * scale)),
        ("openhermes", f"openhermes-{cut.name}", ".json", write_array, openhermes(120 * scale)),
        ("waxal", "data/ASR/lug/lug-train", ".parquet", write_parquet, waxal(120 * scale)),
        ("tutor", f"lessons-{cut.name}", ".jsonl", write_lines, tutor(60 * scale)),
        ("prosocial", "train", ".json", write_lines, prosocial(40 * scale)),
        ("prosocial", "valid", ".json", write_lines, prosocial(12, 7)),
    ]
    for source, stem, suffix, write, rows in layouts:
        place = root / source / stem
        for path, part in zip(cut.paths(place.parent, place.name, suffix), cut.parts(rows), strict=True):
            write(part, path)
    write_essays(toefl11(12), root / "toefl11" / "data" / "text")
    return {source: root / source for source in ("toefl11", *(layout[0] for layout in layouts))}
