"""Versions to pass on: `mixed@1.0.0` holds rows that may not leave, rows of unknown terms, and messages that must not
be learnt; `lax@1.0.0` rows of unknown terms; `open@1.0.0` only what anybody may have.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
from raw_rows import write_lines

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources import lmsys, messages, openhermes, prosocial
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import parse_recipe

MIXED, LAX, OPEN = Ref("mixed", "1.0.0"), Ref("lax", "1.0.0"), Ref("open", "1.0.0")
RECIPE = """
name = "{name}"
unit = "dialogues"
size = "max"
profile = "{profile}"
{components}
[safety]
flagged = "untrain"
[splits]
validation = 0.2
test = 0.2
"""
COMPONENT = """
[[components]]
family = "{family}"
weight = {weight}
sources = ["{source}"]
"""
#: What JSON, and readers of lines, might trip over.
AWKWARD = (
    '"quoted" \\ and \\n',
    "two\n\nparagraphs\tand a tab",
    "a\u2028line\u2029apart",
    "한국어 🙂 a\u0323\u0301",
    "</s>{{x}}",
    "null",
)


def lmsys_rows() -> list[dict[str, Any]]:
    """Two exchanges each; every fourth is flagged in its first answer."""
    rows = []
    for number in range(40):
        said = [f"How tall is hill number {number}?", "I do not know.", f"And hill {number + 500}?", "Nor that one."]
        flags = [place == 1 and number % 4 == 0 for place in range(4)]
        rows.append(
            {
                "conversation_id": f"c{number:03}",
                "model": "m",
                "language": "English",
                "conversation": [{"role": ("user", "assistant")[p % 2], "content": c} for p, c in enumerate(said)],
                "openai_moderation": [{"flagged": f, "categories": {"hate": f, "violence": False}} for f in flags],
            }
        )
    return rows


def openhermes_rows() -> list[dict[str, Any]]:
    """Every third opens with system text; of every fifth the second answer of three has the weight 0."""
    rows = []
    for number in range(30):
        turns = [
            {"from": "human", "value": f"Count from {number}."},
            {"from": "gpt", "value": f"{number}, {number + 1}, {number + 2}."},
            {"from": "human", "value": "Go on."},
            {"from": "gpt", "value": f"{number + 3}!", "weight": 0 if number % 5 == 0 else None},
            {"from": "human", "value": "Thank you."},
            {"from": "gpt", "value": "My pleasure."},
        ]
        row: dict[str, Any] = {"conversations": turns, "source": "airoboros2.2", "id": f"o{number}"}
        rows.append(row | ({"system_prompt": f"You count, number {number}."} if number % 3 == 0 else {}))
    return rows


def tutor_rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"t{number}",
            "messages": [
                {"role": "user", "content": f"I goed to lesson {number}. {AWKWARD[number % len(AWKWARD)]}"},
                {"role": "assistant", "content": f"You went to lesson {number}? {AWKWARD[-1 - number % len(AWKWARD)]}"},
            ],
        }
        for number in range(40)
    ]


def prosocial_rows() -> list[dict[str, Any]]:
    return [
        {
            "context": f"I took my sister's kettle number {number}.",
            "response": f"You should give kettle {number} back to her.",
            "rots": ["You should not take what is not yours."],
            "safety_label": "__casual__",
            "safety_annotations": ["casual"] * 3,
            "safety_annotation_reasons": ["…"] * 3,
            "source": "socialchemistry",
            "etc": None,
            "dialogue_id": number,
            "response_id": 0,
            "episode_done": True,
        }
        for number in range(30)
    ]


PARTS = {
    MIXED: (
        "private",
        [("lmsys", "conversation", 0.4), ("openhermes", "instruction", 0.3), ("tutor", "pedagogical", 0.3)],
    ),
    LAX: ("private", [("openhermes", "instruction", 0.5), ("tutor", "pedagogical", 0.5)]),
    OPEN: ("redistributable", [("tutor", "pedagogical", 0.6), ("prosocial", "safety", 0.4)]),
}


def build_version(workspace: Workspace, ref: Ref) -> None:
    profile, parts = PARTS[ref]
    components = "".join(COMPONENT.format(source=s, family=f, weight=w) for s, f, w in parts)
    recipe = RECIPE.format(name=ref.name, profile=profile, components=components)
    build(workspace, parse_recipe(recipe, "test"), ref)


def ingest_corpora(root: Path) -> Workspace:
    """A workspace of the four corpora."""
    workspace, raw = Workspace(root / "datasets"), root / "raw"
    for source in ("lmsys", "openhermes", "tutor", "prosocial"):
        (raw / source).mkdir(parents=True)
    pl.DataFrame(lmsys_rows()).write_parquet(raw / "lmsys" / "rows.parquet")
    (raw / "openhermes" / "rows.json").write_text(json.dumps(openhermes_rows()), "utf-8")
    write_lines(tutor_rows(), raw / "tutor" / "rows.jsonl")
    write_lines(prosocial_rows(), raw / "prosocial" / "train.json")
    tutor = messages.corpus("tutor", "pedagogical", "CC-BY-4.0", ["attribution"], attribution="Lessons by the tutors.")
    for corpus in (lmsys.CORPUS, openhermes.CORPUS, tutor, prosocial.CORPUS):
        ingest(workspace, corpus, [raw / corpus.dossier.name], Options())
    return workspace


def version_rows(workspace: Workspace, ref: Ref) -> pl.DataFrame:
    """All rows of a version, in its files' order, with their split."""
    manifest = workspace.version_manifest(ref)
    parts = [
        pl.read_parquet(workspace.version(ref) / entry.path).with_columns(
            split=pl.lit(Path(entry.path).name.partition("-")[0])
        )
        for entry in manifest.data
    ]
    return pl.concat(parts)
