import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.sources.turns import ROLES, Assembled, Refusal, Turn, assemble, is_blank, read_turns
from schemas.dialogue import turn_structure_fault

S, U, A = ("system", "Be kind."), ("user", "Name a fruit."), ("assistant", "A pear.")


def told(turns: list[tuple[str, str]], system: str | None = None) -> Assembled:
    dialogue = assemble(turns, system)
    assert isinstance(dialogue, Assembled)
    return dialogue


def letters(dialogue: Assembled) -> str:
    return "".join(message["role"][0] for message in dialogue.messages)


@pytest.mark.parametrize("turns", [[U, A], [S, U, A], [S, U, A, U, A]])
def test_sound_turns_stay_as_they_are(turns: list[tuple[str, str]]) -> None:
    dialogue = told(turns)
    assert [(m["role"], m["content"]) for m in dialogue.messages] == turns
    assert dialogue.positions == list(range(len(turns)))
    assert dialogue.repairs == frozenset()


@pytest.mark.parametrize(
    ("repair", "turns", "system", "roles", "positions"),
    [
        ("blank-system", [("system", " \n"), U, A], None, "ua", [None, 0, 1]),
        ("blank-system", [U, ("system", ""), A], None, "ua", [0, None, 1]),
        ("same-role-merged", [U, U, A, A], None, "ua", [0, 0, 1, 1]),
        ("same-role-merged", [S, S, U, A], None, "sua", [0, 0, 1, 2]),
        ("system-from-column", [U, A], "Be brief.", "sua", [1, 2]),
        ("system-column-dropped", [S, U, A], "Be brief.", "sua", [0, 1, 2]),
        ("dangling-user-dropped", [U, A, U], None, "ua", [0, 1, None]),
        ("dangling-user-dropped", [U, A, ("user", " ")], None, "ua", [0, 1, None]),
    ],
)
def test_each_repair(
    repair: str, turns: list[tuple[str, str]], system: str | None, roles: str, positions: list[int | None]
) -> None:
    dialogue = told(turns, system)
    assert dialogue.repairs == {repair}
    assert letters(dialogue) == roles
    assert dialogue.positions == positions


def test_merged_turns_are_joined_by_a_blank_line() -> None:
    assert told([U, ("human", "And a nut."), A]).messages[0]["content"] == "Name a fruit.\n\nAnd a nut."


def test_the_system_text_of_the_turns_wins_over_the_column() -> None:
    assert told([S, U, A], "Be brief.").messages[0]["content"] == "Be kind."
    assert told([S, U, A], " Be kind.\n").repairs == frozenset()
    assert told([U, A], " ").repairs == frozenset()
    assert told([("system", ""), U, A], "Be brief.").repairs == {"blank-system", "system-from-column"}


@pytest.mark.parametrize(
    ("reason", "turns"),
    [
        ("unknown-role", [U, ("tool", "42"), A]),
        ("late-system", [U, A, S, U, A]),
        ("late-system", [U, S]),
        ("opens-with-assistant", [A, U, A]),
        ("opens-with-assistant", [S, A]),
        ("no-turns", []),
        ("no-turns", [S]),
        ("no-turns", [U]),
        ("no-turns", [S, U, U]),
        ("empty-content", [("user", "\u3000\n"), A]),
        ("empty-content", [U, ("assistant", "")]),
        ("empty-content", [U, A, ("user", ""), A]),
        ("empty-content", [U, ("user", ""), A]),
    ],
)
def test_each_refusal(reason: str, turns: list[tuple[str, str]]) -> None:
    refused = assemble(turns)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert refused.detail


def test_a_late_system_turn_is_refused_behind_a_column_too() -> None:
    refused = assemble([U, S, A], "Be brief.")
    assert isinstance(refused, Refusal)
    assert refused.reason == "late-system"


def test_merging_keeps_the_whole_out_of_the_loss_where_a_part_is() -> None:
    dialogue = told([U, A, A, U, A, U], "Be brief.")
    assert dialogue.untrained([False, True, False, False, True, False]) == [2]
    assert dialogue.untrained([True] * 6) == []


@pytest.mark.parametrize("name", [*ROLES, "Human", " GPT "])
def test_roles_go_by_many_names(name: str) -> None:
    dialogue = assemble([(name, "x"), U, A])
    assert isinstance(dialogue, Refusal if ROLES[name.strip().lower()] == "assistant" else Assembled)


def test_turns_are_read_from_either_spelling() -> None:
    spelled = [
        {"role": "user", "content": "a"},
        {"from": "gpt", "value": "b", "weight": 0},
        {"role": "user", "value": None},
    ]
    assert read_turns(spelled) == [Turn("user", "a"), Turn("gpt", "b"), Turn("user", "")]


def test_text_parts_are_joined_by_newlines() -> None:
    parts = [{"type": "text", "text": "a"}, {"text": ""}, {"type": "text", "text": "b"}]
    assert read_turns([{"role": "user", "content": parts}]) == [Turn("user", "a\nb")]


@pytest.mark.parametrize(
    ("reason", "turns"),
    [
        ("no-conversation", None),
        ("no-conversation", "text"),
        ("no-conversation", {"role": "user"}),
        ("malformed-turn", ["text"]),
        ("malformed-turn", [{"role": "user", "content": 7}]),
        ("malformed-turn", [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]),
        ("malformed-turn", [{"role": "user", "content": ["text"]}]),
        ("unknown-role", [{"content": "text"}]),
        ("unknown-role", [{"role": 1, "content": "text"}]),
    ],
)
def test_what_is_no_list_of_turns_is_refused(reason: str, turns: object) -> None:
    refused = read_turns(turns)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason


@given(
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.sampled_from(["", " ", "a", "b"]))),
    st.sampled_from([None, "", "a"]),
)
def test_what_is_told_keeps_the_rules_and_every_turn_is_placed(
    turns: list[tuple[str, str]], system: str | None
) -> None:
    dialogue = assemble(turns, system)
    if isinstance(dialogue, Refusal):
        return
    assert turn_structure_fault([message["role"] for message in dialogue.messages]) is None
    assert not any(is_blank(message["content"]) for message in dialogue.messages)
    assert len(dialogue.positions) == len(turns)
    for (role, text), position in zip(turns, dialogue.positions, strict=True):
        if position is not None:
            assert dialogue.messages[position]["role"] == role
            assert text in dialogue.messages[position]["content"].split("\n\n")
