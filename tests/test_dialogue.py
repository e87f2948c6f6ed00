"""The unified dialogue as Pydantic sees it, and its exported JSON Schema."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from strategies import Row, accepted, bare_row, changed, dialogues, full_row, full_text, messages_of, sealed, texts

from schemas.dialogue import Dialogue, Message, content_hash, netstring, turn_structure_fault
from schemas.export import FOLDER, MODELS, exported
from schemas.fields import FAMILIES, TERMS, WHITESPACE, text_fault
from schemas.learner import LearnerText

ROLES = st.lists(st.sampled_from(["system", "user", "assistant"]), max_size=6)


@given(dialogues())
def test_sound_dialogues_pass_and_come_back_whole(row: Row) -> None:
    assert Dialogue.model_validate(row).model_dump() == row
    assert Dialogue.model_validate_json(json.dumps(row)).model_dump() == row


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("n_tokens",), "21"),
        (("n_tokens",), 21.0),
        (("n_tokens",), True),
        (("quality", "truncated_prompt"), 0),
        (("language_agrees",), "no"),
        (("untrained",), (2, 4)),
        (("messages", 0, "content"), b"Hi"),
        (("messages", 0, "role"), "tool"),
        (("license",), None),
        (("surprise",), 1),
        (("messages", 0, "weight"), 1),
        (("pedagogy", "learner", "age"), 7),
    ],
)
def test_nothing_is_coerced_and_no_key_is_unknown(place: tuple[str | int, ...], value: Any) -> None:
    assert not accepted(Dialogue, changed(full_row(), place, value))


@pytest.mark.parametrize("column", list(Dialogue.model_fields))
def test_every_column_must_be_there(column: str) -> None:
    row = full_row()
    del row[column]
    assert not accepted(Dialogue, row)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 1.1])
def test_shares_lie_between_0_and_1(value: float) -> None:
    assert not accepted(Dialogue, full_row() | {"language_confidence": value})


def test_models_are_immutable() -> None:
    with pytest.raises(ValidationError):
        Dialogue.model_validate(full_row()).language = "en"


@given(ROLES)
def test_turn_rules_say_none_exactly_for_alternating_turns(roles: list[str]) -> None:
    turns = roles[1:] if roles[:1] == ["system"] else roles
    sound = bool(turns) and len(turns) % 2 == 0 and turns == ["user", "assistant"] * (len(turns) // 2)
    assert (turn_structure_fault(roles) is None) == sound


@pytest.mark.parametrize("blank", ["", *WHITESPACE, WHITESPACE])
def test_blank_text_is_empty(blank: str) -> None:
    assert text_fault(blank) == "empty-content"


@pytest.mark.parametrize("text", ["a\tb\nc", "\u200b", "👩\u200d🌾", "\u00ad", "क\u093c", "한국어", "흐\u11f0"])
def test_these_are_no_faults(text: str) -> None:
    assert text_fault(text) is None


@pytest.mark.parametrize("text", ["e\u0301", "\u0958", "\u212b", "\u1112\u1161\u11ab", "\uac00\u11a8", "a\u0301\u0323"])
def test_text_that_is_not_nfc_is_a_fault(text: str) -> None:
    assert text_fault(text) == "not-nfc"
    with pytest.raises(ValidationError, match="not-nfc"):
        Message(role="user", content=text)


@pytest.mark.parametrize("untrained", [[0], [1, 1], [3, 1], [2], [-1], [4]])
def test_untrained_holds_sorted_unique_assistants(untrained: list[int]) -> None:
    row = sealed(bare_row() | {"messages": messages_of("a", "b", "c", "d")})
    assert accepted(Dialogue, row | {"untrained": [1, 3]})
    assert not accepted(Dialogue, row | {"untrained": untrained})


def test_a_netstring_counts_bytes() -> None:
    assert netstring("é") == "2:é,".encode()


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), texts), max_size=3), texts)
def test_another_message_is_another_hash(messages: list[tuple[str, str]], text: str) -> None:
    assert content_hash(messages) != content_hash([*messages, ("user", text)])


def test_learner_texts_are_held_to_their_hash_and_counts() -> None:
    assert accepted(LearnerText, full_text())
    for change in ({"content_hash": "0" * 64}, {"n_chars": 3}, {"terms": ["unknown", "attribution"]}, {"text": ""}):
        assert not accepted(LearnerText, full_text() | change)


# The exported schemas


@pytest.mark.parametrize("name", list(MODELS))
def test_the_committed_json_schema_is_the_models(name: str) -> None:
    found = (FOLDER / name).read_text(encoding="utf-8")
    assert found == exported(MODELS[name]), "run `python -m schemas.export`"


@pytest.mark.parametrize("name", list(MODELS))
def test_the_json_schema_is_strict_and_complete(name: str) -> None:
    schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    model: type[BaseModel] = MODELS[name]
    assert list(schema["properties"]) == list(model.model_fields)
    assert schema["required"] == [key for key, field in model.model_fields.items() if field.is_required()]
    objects = (
        [schema, *(part for part in schema["$defs"].values() if part["type"] == "object")]
        if "$defs" in schema
        else [schema]
    )
    assert all(part["additionalProperties"] is False for part in objects)


def test_the_json_schema_lists_the_valid_values() -> None:
    properties = json.loads((FOLDER / "dialogue.schema.json").read_text(encoding="utf-8"))["properties"]
    assert properties["family"]["enum"] == list(FAMILIES)
    assert properties["terms"]["items"]["enum"] == list(TERMS)
    assert properties["language"]["pattern"] == "^[a-z]{2,3}$"
