"""JSON Schemas of the models, for readers without Python: `python -m schemas.export` writes them beside this file.

They carry types, patterns and bounds; the rules across fields stand in the models alone.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from schemas.dialogue import Dialogue
from schemas.learner import LearnerText
from schemas.recipe import Recipe

FOLDER: Final = Path(__file__).parent
MODELS: Final[dict[str, type[BaseModel]]] = {
    "dialogue.schema.json": Dialogue,
    "learner_text.schema.json": LearnerText,
    "recipe.schema.json": Recipe,
}


def exported(model: type[BaseModel]) -> str:
    """The JSON Schema (draft 2020-12) of a model as text: two blanks deep, one newline at the end."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(_summarized(schema), ensure_ascii=False, indent=2) + "\n"


def _summarized(value: Any) -> Any:
    """Descriptions are docstrings: keep the first paragraph, which says what a thing is."""
    if isinstance(value, list):
        return [_summarized(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _summarized(item) for key, item in value.items()}
    if isinstance(schema.get("description"), str):
        schema["description"] = " ".join(schema["description"].split("\n\n")[0].split())
    return schema


def write() -> None:
    """Write every schema."""
    for name, model in MODELS.items():
        (FOLDER / name).write_text(exported(model), encoding="utf-8")


if __name__ == "__main__":
    write()
