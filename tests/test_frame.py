"""The columnar check and the published hashes against Pydantic and hashlib."""

import hashlib
import struct
import unicodedata
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from property_tests import tried
from pydantic import BaseModel
from strategies import (
    TRICKY,
    Row,
    accepted,
    alternatives,
    bare_row,
    changed,
    complaint,
    dialogues,
    error_at,
    frame_of,
    full_row,
    full_text,
    learner_texts,
    messages_of,
    near_dialogues,
    near_learner_texts,
    neighbours,
    places,
    sealed,
    texts,
    turn_at,
    value_at,
)

from schemas.columns import arrow_schema
from schemas.dialogue import Dialogue, content_hash, turn_structure_fault
from schemas.fields import CONTROL_CLASS, WHITESPACE, nfc_suspects, text_fault
from schemas.frame import (
    content_hashes,
    counts,
    dialogue_schema,
    faults,
    polars_schema,
    row_digests,
    sha256,
    turn_faults,
    turns_signature,
)
from schemas.learner import LearnerText

ALL_CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
PLENTY = tried(100, suppress_health_check=[HealthCheck.too_slow])
SOME = tried(40, PLENTY)


def verdicts(model: type[BaseModel], rows: list[Row], *established: str) -> list[str | None]:
    return frame_of(model, rows).select(faults(model, established)).to_series().to_list()


def assert_same_verdict(model: type[BaseModel], rows: list[Row]) -> tuple[int, int]:
    frame = frame_of(model, rows)
    found = frame.select(faults(model)).to_series().to_list()
    held = frame.to_dicts()  # what the frame holds is what both judge
    for row, fault in zip(held, found, strict=True):
        said = complaint(model, row)
        assert (said is None) == (fault is None), (row, said, fault)
        # A rule across fields has one name in both, unless the row breaks several.
        if fault and not fault.startswith("field:") and said and not said.startswith(fault):
            assert any(rule in said for rule in (*RULES, *TURN_FAULTS, *TEXT_FAULTS)), (said, fault)
    return found.count(None), len(found)


# One row for each rule across fields, that breaks this rule alone.

TURN_FAULTS = {
    "no-turns": sealed(bare_row() | {"messages": [], "untrained": []}),
    "late-system": sealed(bare_row() | {"messages": messages_of("a", "b") + messages_of("c", "d", system="e")}),
    "opens-with-assistant": sealed(bare_row() | {"messages": messages_of("a", "b")[1:]}),
    "same-role-twice": sealed(bare_row() | {"messages": messages_of("a", "b")[:1] + messages_of("a", "b")}),
    "dangling-user": sealed(bare_row() | {"messages": messages_of("a", "b", "c")}),
}
TEXT_FAULTS = {
    "empty-content": sealed(bare_row() | {"messages": messages_of("a", " \n")}),
    "control-character": sealed(bare_row() | {"messages": messages_of("a\rb", "b")}),
    "not-nfc": sealed(bare_row() | {"messages": messages_of("a", "e\u0301")}),
}
RULES = {
    "dialogue-id": bare_row() | {"dialogue_id": "tutors:7"},
    "untrained": bare_row() | {"untrained": [0]},
    "positions": changed(full_row(), ("safety", "flagged_positions"), [1, 7]),
    "counts": bare_row() | {"n_chars": 8},
    "terms-order": bare_row() | {"terms": ["unknown", "attribution"]},
    "content-hash": bare_row() | {"content_hash": "0" * 64},
}


@pytest.mark.parametrize("row", [full_row(), bare_row()], ids=["full", "bare"])
def test_a_sound_row_passes_both(row: Row) -> None:
    assert complaint(Dialogue, row) is None
    assert verdicts(Dialogue, [row]) == [None]
    assert complaint(LearnerText, full_text()) is None
    assert verdicts(LearnerText, [full_text()]) == [None]


@pytest.mark.parametrize("rule", [*TURN_FAULTS, *TEXT_FAULTS, *RULES])
def test_each_rule_has_one_name(rule: str) -> None:
    row = (TURN_FAULTS | TEXT_FAULTS | RULES)[rule]
    assert verdicts(Dialogue, [row]) == [rule]
    assert str(complaint(Dialogue, row)).startswith(f"{rule}:")


@pytest.mark.parametrize("rule", [*TEXT_FAULTS, *RULES, "turns"])
def test_established_skips_that_rule_and_no_other(rule: str) -> None:
    broken = {**TEXT_FAULTS, **RULES, **TURN_FAULTS}
    found = verdicts(Dialogue, list(broken.values()), rule)
    skipped = set(TURN_FAULTS) if rule == "turns" else {rule}
    assert found == [None if name in skipped else name for name in broken]


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("content-hash", full_text() | {"content_hash": "0" * 64}),
        ("counts", full_text() | {"n_chars": 1}),
        ("terms-order", full_text() | {"terms": ["unknown", "attribution"]}),
    ],
)
def test_each_rule_of_learner_texts(rule: str, row: Row) -> None:
    assert verdicts(LearnerText, [row]) == [rule]
    assert verdicts(LearnerText, [row], rule) == [None]
    assert str(complaint(LearnerText, row)).startswith(f"{rule}:")


def test_a_field_rule_names_its_column() -> None:
    full = full_row()
    near = neighbours(full)
    for column in ("family", "license", "terms", "quality", "messages", "provenance", "safety"):
        rows = [row for row in near if row[column] != full[column]]
        assert rows
        assert f"field:{column}" in verdicts(Dialogue, rows), column


@pytest.mark.parametrize(
    ("model", "row"),
    [(Dialogue, full_row()), (Dialogue, bare_row()), (LearnerText, full_text())],
    ids=["full", "bare", "text"],
)
def test_one_change_at_every_place_gets_the_same_verdict(model: type[BaseModel], row: Row) -> None:
    sound, judged = assert_same_verdict(model, neighbours(row))
    assert 0.05 * judged < sound < 0.6 * judged


def test_every_null_gets_the_same_verdict() -> None:
    nulled = [changed(full_row(), place, None) for place in places(full_row())]
    sound, _ = assert_same_verdict(Dialogue, nulled)
    nullable = [
        *("language_declared", "language_detected", "language_confidence", "language_agrees", "cluster_id", "safety"),
        *("pedagogy", "raw_id", "revision", "lineage", "derived", "label", "strategy", "cultural_note"),
        *(
            "topic",
            "uptake",
            "latency_seconds",
            "target",
            "source_id",
            "template_id",
            "prompt_hash",
            "model",
            "sampling",
        ),
        *("l1", "target_language", "cefr", "background", "variety", "reply_language_differs", "classifier"),
    ]
    assert sound == len(nullable)


def test_every_blank_and_control_character_gets_the_same_verdict() -> None:
    singles = [*WHITESPACE, *map(chr, range(0xA1)), "\ufeff", "\ufffe", "\u200b", "\u180e", "\u2060", *TRICKY]
    contents = [*singles, *(f"{one} {one}" for one in singles), *(f"a{one}" for one in singles), WHITESPACE, ""]
    rows = [sealed(bare_row() | {"messages": messages_of("a", content)}) for content in contents]
    sound, judged = assert_same_verdict(Dialogue, rows)
    assert 0.1 * judged < sound < 0.9 * judged


def test_every_short_order_of_roles_gets_the_same_verdict() -> None:
    orders: list[tuple[str, ...]] = [()]
    for _ in range(5):
        orders += [(*order, role) for order in orders for role in ("system", "user", "assistant")]
    orders = sorted(set(orders))
    frame = pl.DataFrame(
        {"messages": [[{"role": role, "content": "x"} for role in order] for order in orders]},
        schema={"messages": dialogue_schema()["messages"]},
    )
    found = frame.select(turn_faults(turns_signature(pl.col("messages")))).to_series().to_list()
    assert found == [turn_structure_fault(order) for order in orders]
    assert len(orders) == sum(3**length for length in range(6))
    assert found.count(None) == 4


@pytest.mark.parametrize(
    "untrained", [[1], [3], [1, 3], [3, 1], [1, 1], [0], [2], [4], [-1], [5], [-(2**31)], [1, None]]
)
@pytest.mark.parametrize("system", [None, "Be brief."])
def test_untrained_positions_get_the_same_verdict(untrained: list[int | None], system: str | None) -> None:
    row = sealed(bare_row() | {"messages": messages_of("a", "b", "c", "d", system=system), "untrained": untrained})
    assert_same_verdict(Dialogue, [row])


SAFETY, SCORES, TURNS, TEMPLATE, ERRORS = (
    ("safety", "flagged_positions"),
    ("safety", "scores"),
    ("pedagogy", "turns"),
    ("provenance", "derived", "template"),
    ("pedagogy", "errors"),
)


def score_at(position: int) -> Row:
    return {"position": position, "category": "x", "score": 0.5}


@pytest.mark.parametrize(
    ("place", "value", "sound"),
    [
        (SAFETY, [], True),
        (SAFETY, [0, 6], True),
        (SAFETY, [7], False),
        (SAFETY, [2, 1], False),
        (SAFETY, [1, 1], False),
        (SCORES, [], True),
        (SCORES, [score_at(6), score_at(0), score_at(0)], True),
        (SCORES, [score_at(7)], False),
        (TURNS, [], True),
        (TURNS, [turn_at(0), turn_at(6)], True),
        (TURNS, [turn_at(7)], False),
        (TURNS, [turn_at(1, target=0)], True),
        (TURNS, [turn_at(1, target=1)], False),
        (TURNS, [turn_at(2), turn_at(1)], False),
        (TURNS, [turn_at(1), turn_at(1)], False),
        (TEMPLATE, [], True),
        (TEMPLATE, [{"position": 1, "head": 7, "tail": 8}, {"position": 3, "head": 0, "tail": 7}], True),
        (TEMPLATE, [{"position": 1, "head": 8, "tail": 8}], False),
        (TEMPLATE, [{"position": 1, "head": 2**31 - 1, "tail": 2**31 - 1}], False),
        (TEMPLATE, [{"position": 3, "head": 1, "tail": 0}, {"position": 1, "head": 1, "tail": 0}], False),
        (TEMPLATE, [{"position": 1, "head": 1, "tail": 0}, {"position": 1, "head": 0, "tail": 1}], False),
        (TEMPLATE, [{"position": 7, "head": 0, "tail": 0}], False),
        (ERRORS, [], True),
        (ERRORS, [error_at(3, 0, 7), error_at(1, 15, 15), error_at(1, 0, 3)], True),
        (ERRORS, [error_at(3, 0, 8)], False),
        (ERRORS, [error_at(3, 2, 1)], False),
        (ERRORS, [error_at(7, 0, 0)], False),
    ],
)
def test_what_points_into_the_messages_must_find_its_place(
    place: tuple[str, ...], value: list[Any], sound: bool
) -> None:
    row = changed(full_row(), ("pedagogy", "turns", 0, "target"), None) if place == ERRORS else full_row()
    row = changed(row, place, value)  # message 1 has 15 characters, message 3 has 7, and 6 is the last
    assert verdicts(Dialogue, [row, full_row()]) == [None if sound else "positions", None]
    assert (complaint(Dialogue, row) or "").startswith("" if sound else "positions:")
    assert accepted(Dialogue, row) == sound


def test_absent_columns_point_nowhere() -> None:
    rows = frame_of(Dialogue, [bare_row(), RULES["positions"]])
    absent = rows.head(1).select(faults(Dialogue, absent=("safety", "pedagogy")))
    assert absent.to_series().to_list() == [None]


@PLENTY
@given(st.lists(near_dialogues(), min_size=1, max_size=8))
def test_the_check_accepts_a_dialogue_exactly_when_pydantic_does(rows: list[Row]) -> None:
    assert_same_verdict(Dialogue, rows)


@tried(60, PLENTY)
@given(st.lists(near_learner_texts(), min_size=1, max_size=8))
def test_the_check_accepts_a_learner_text_exactly_when_pydantic_does(rows: list[Row]) -> None:
    assert_same_verdict(LearnerText, rows)


def test_an_empty_frame_passes() -> None:
    empty = pl.DataFrame(schema=dialogue_schema())
    assert empty.select(faults(Dialogue)).height == 0
    assert empty.select(row_digests(Dialogue)).height == 0


# Text classes: the regexes of polars against the lists and tables of Python


def test_blank_means_white_space_to_both() -> None:
    characters = pl.Series(ALL_CHARACTERS)
    blank = characters.filter(~characters.str.contains(r"\S")).to_list()
    assert blank == sorted(WHITESPACE)
    assert characters.filter(characters.str.strip_chars() == "").to_list() == blank


def test_control_characters_are_the_same_to_both() -> None:
    characters = pl.Series(ALL_CHARACTERS)
    found = characters.filter(characters.str.contains(CONTROL_CLASS)).to_list()
    assert found == [chr(code) for code in range(0xA0) if not 0x20 <= code < 0x7F and chr(code) not in "\t\n"] + [
        "\ufeff"
    ]
    assert {text_fault(f"a{one}") for one in found} == {"control-character"}


def test_a_pattern_ends_where_the_text_does() -> None:
    rows = [bare_row() | {"language": language} for language in ("en", "en\n", "\nen", "en\nen")]
    assert verdicts(Dialogue, rows) == [None, *["field:language"] * 3]
    assert [accepted(Dialogue, row) for row in rows] == [True, False, False, False]


def changed_by_nfc_without_a_suspect(candidates: pl.Series) -> list[str]:
    return candidates.filter(
        (candidates.str.normalize("NFC") != candidates) & ~candidates.str.contains(nfc_suspects())
    ).to_list()


def test_no_single_character_escapes_the_nfc_gate() -> None:
    assert changed_by_nfc_without_a_suspect(pl.Series(ALL_CHARACTERS)) == []


@pytest.mark.parametrize("around", ["{}\u0334", "\u0345{}"])
def test_no_mark_escapes_the_nfc_gate(around: str) -> None:
    # U+0334 sorts before all other marks and U+0345 after them, so each mark changes places with one of the two.
    characters = pl.Series(ALL_CHARACTERS)
    pairs = pl.Series([around.format(one) for one in ALL_CHARACTERS])
    marks = characters.filter(pairs.str.normalize("NFC") != pairs)
    assert len(marks) > 800
    assert marks.filter(~marks.str.contains(nfc_suspects())).to_list() == []


def test_no_composition_escapes_the_nfc_gate() -> None:
    composites = [one for one in ALL_CHARACTERS if unicodedata.normalize("NFD", one) != one]
    decomposed = pl.Series([unicodedata.normalize("NFD", one) for one in composites])
    assert len(decomposed) > 12_000  # 11,172 Hangul syllables among them
    assert changed_by_nfc_without_a_suspect(decomposed) == []


@tried(150, PLENTY)
@given(st.lists(texts, min_size=1, max_size=10))
def test_no_text_escapes_the_nfc_gate(contents: list[str]) -> None:
    assert changed_by_nfc_without_a_suspect(pl.Series(contents)) == []


def test_pydantic_and_the_check_share_one_unicode() -> None:
    # U+10EFD came with Unicode 15: by older tables it is no mark, and the order of the two would not matter.
    assert text_fault("a\u0301\U00010efd") == "not-nfc"
    assert text_fault("a\U00010efd") is None


# Types


def test_columns_stand_in_the_order_of_the_model() -> None:
    assert list(dialogue_schema()) == list(Dialogue.model_fields)
    assert polars_schema(Dialogue)["untrained"] == pl.List(pl.Int32)
    assert polars_schema(Dialogue)["n_chars"] == pl.Int64
    assert arrow_schema(Dialogue).names == list(Dialogue.model_fields)


def test_a_type_without_a_column_is_refused() -> None:
    class Odd(BaseModel):
        when: bytes

    with pytest.raises(TypeError, match="no column type"):
        polars_schema(Odd)


# Hashes


def netstring(text: str) -> bytes:
    return str(len(text.encode())).encode() + b":" + text.encode() + b","


@SOME
@given(st.lists(dialogues(texts), min_size=1, max_size=5))
def test_content_hashes_agree_with_hashlib(rows: list[Row]) -> None:
    frame = frame_of(Dialogue, rows)
    columnar = frame.select(content_hashes(pl.col("messages"))).to_series().to_list()
    assert columnar == frame["content_hash"].to_list()  # made by the scalar twin
    naive = []
    for row in rows:
        stream = b"".join(netstring(message["role"]) + netstring(message["content"]) for message in row["messages"])
        naive.append(hashlib.sha256(stream).hexdigest())
    assert columnar == naive


@given(texts)
def test_sha256_is_hashlibs(text: str) -> None:
    assert pl.select(sha256(pl.lit(text))).item() == hashlib.sha256(text.encode()).hexdigest()


def test_netstrings_keep_messages_apart() -> None:
    pairs = [[("user", "a"), ("assistant", "b")], [("user", "a9:assistant,1:b")], [("user", "ab"), ("assistant", "")]]
    assert len({content_hash(pair) for pair in pairs}) == 3


def test_the_content_hash_is_pinned() -> None:
    messages = [("system", "Sé breve."), ("user", "¿Qué hora es?"), ("assistant", "Las dos. 🙂")]
    assert content_hash(messages) == "0de9e4e524940c6864f08c01747010cc1eaca545db7eef204c2c12b4af1fdad7"


@SOME
@given(st.lists(dialogues(texts), min_size=1, max_size=4))
def test_counts_are_pythons(rows: list[Row]) -> None:
    frame = frame_of(Dialogue, rows)
    assert frame.select(counts(pl.col("messages"))).equals(frame.select("n_messages", "n_turns", "n_chars"))


def canonical(value: Any, dtype: pl.DataType) -> bytes:
    """The published form, written from its definition."""
    if value is None:
        return b"~"
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        return b"[%d," % len(value) + b"".join(canonical(item, inner) for item in value)
    if isinstance(dtype, pl.Struct):
        fields = [(value[field.name], field.dtype) for field in dtype.fields]
        return b"{" + b"".join(canonical(item, kind) for item, kind in fields if isinstance(kind, pl.DataType))
    if dtype == pl.String:
        return netstring(value)
    if dtype == pl.Boolean:
        return b"t" if value else b"f"
    if dtype == pl.Float64:
        return b"d%d," % struct.unpack(">Q", struct.pack(">d", value))[0]
    return b"i%d," % value


def digests(model: type[BaseModel], rows: list[Row]) -> list[str]:
    return frame_of(model, rows).select(row_digests(model)).to_series().to_list()


def reference(model: type[BaseModel], row: Row) -> str:
    columns = [canonical(row[name], dtype) for name, dtype in polars_schema(model).items()]
    return hashlib.sha256(b"".join(columns)).hexdigest()


def test_the_row_digest_is_pinned() -> None:
    assert digests(Dialogue, [full_row(), bare_row()]) == [
        "cdf171680b246f8798cc09c2498239940466791c672c93bd704a42552643f906",
        "3363781af8eb91177d427d03befa89c565a2d9598399ea8ab0919bff64856af0",
    ]
    assert digests(LearnerText, [full_text()]) == ["284cd4a6a4c271bc548b9ec97b7c019c003bea57a00654a25c9dbb0275283530"]


@SOME
@given(st.lists(near_dialogues(), min_size=1, max_size=6))
def test_row_digests_follow_their_published_form(rows: list[Row]) -> None:
    assert digests(Dialogue, rows) == [reference(Dialogue, row) for row in frame_of(Dialogue, rows).to_dicts()]


@SOME
@given(learner_texts())
def test_row_digests_of_learner_texts_follow_it_too(row: Row) -> None:
    assert digests(LearnerText, [row]) == [reference(LearnerText, row)]


@pytest.mark.parametrize(("model", "row"), [(Dialogue, full_row()), (LearnerText, full_text())], ids=["full", "text"])
def test_any_change_of_any_value_changes_the_row_digest(model: type[BaseModel], row: Row) -> None:
    own = digests(model, [row])[0]
    others = [
        changed(row, place, other)
        for place in places(row)
        for other in alternatives(value_at(row, place), place)
        if repr(other) != repr(value_at(row, place))  # repr: -0.0 is another value than 0.0
    ]
    found = digests(model, others)
    assert own not in found
    assert len(set(found)) == len({repr(other) for other in others})


def test_a_null_struct_is_not_a_struct_of_nulls() -> None:
    rows = [full_row() | {"pedagogy": None}, full_row() | {"pedagogy": dict.fromkeys(full_row()["pedagogy"])}]
    assert len(set(digests(Dialogue, rows))) == 2


@tried(25, SOME)
@given(st.lists(near_dialogues(), min_size=2, max_size=6), st.data())
def test_hashes_do_not_depend_on_chunks_or_slices(rows: list[Row], data: st.DataObject) -> None:
    whole, cut = frame_of(Dialogue, rows), data.draw(st.integers(1, len(rows) - 1))
    chunked = pl.concat([whole[:cut], whole[cut:]], rechunk=False)
    columns = [row_digests(Dialogue), faults(Dialogue)]
    assert chunked.select(columns).equals(whole.select(columns))
    assert whole[cut:].select(columns).equals(whole.select(columns)[cut:])


def test_equal_rows_have_equal_digests_whatever_made_them() -> None:
    table = pa.Table.from_pylist([full_row()], schema=arrow_schema(Dialogue))
    by_python = pl.DataFrame([full_row()], schema=dialogue_schema())
    assert by_python.select(row_digests(Dialogue)).item() == pl.DataFrame(table).select(row_digests(Dialogue)).item()
