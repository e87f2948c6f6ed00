"""The ledger: what adds up passes, and each way to lose rows is caught."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.ledger import LEDGER_SCHEMA, check_conservation, ledger_frame, merge_counts, step_lines
from schemas.errors import IntegrityError
from schemas.manifest import LedgerLine


def story(source: str = "lmsys") -> list[LedgerLine]:
    """A corpus read and filtered: 100 raw rows, 90 carried by 45 dialogues, 33 kept."""
    return [
        *step_lines(source, "read", "raw rows", 100, {"empty": 7, "cut": 3}, rows_out=90),
        *step_lines(source, "assembled", "dialogues", 90, {}, rows_out=45),
        *step_lines(source, "repaired", "dialogues", 45, {"nfc": 20, "carriage-return": 50}, rows_out=45),
        *step_lines(source, "redacted", "dialogues", 45, {}, rows_out=45),
        *step_lines(source, "filter", "dialogues", 45, {"max_chars": 10, "min_chars": 0}),
        *step_lines(source, "dedup", "dialogues", 35, {"exact-duplicate": 2}),
    ]


def without(lines: list[LedgerLine], step: str, reason: str | None) -> list[LedgerLine]:
    return [line for line in lines if (line.step, line.reason) != (step, reason)]


def with_change(lines: list[LedgerLine], step: str, reason: str | None = None, /, **change: object) -> list[LedgerLine]:
    return [line.model_copy(update=change) if (line.step, line.reason) == (step, reason) else line for line in lines]


def test_a_step_says_what_passed_then_each_reason_by_name() -> None:
    lines = step_lines("waxal", "filter", "dialogues", 10, {"long": 3, "none": 0, "alien": 1})
    assert [(line.reason, line.rows) for line in lines] == [(None, 6), ("alien", 1), ("long", 3)]
    assert {(line.rows_in, line.rows_out, line.unit) for line in lines} == {(10, 6, "dialogues")}


def test_a_sound_story_passes() -> None:
    check_conservation(story())
    check_conservation([])
    check_conservation(step_lines("s", "read", "raw rows", 0, {}, rows_out=0))


def test_stories_may_be_told_one_after_the_other_or_by_turns() -> None:
    one, other = story("lmsys"), story("waxal")
    check_conservation([*one, *other])
    check_conservation([line for pair in zip(one, other, strict=True) for line in pair])


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        # A step drops more, or fewer, than its reasons name.
        (
            step_lines("s", "filter", "dialogues", 10, {"long": 3}, rows_out=6),
            "at 'filter': 10 in, 3 dropped by name, 6",
        ),
        (step_lines("s", "read", "raw rows", 10, {"long": 3}, rows_out=8), "at 'read'"),
        (without(story(), "read", "cut"), "at 'read'"),
        (without(story(), "dedup", "exact-duplicate"), "at 'dedup'"),
        (with_change(story(), "filter", "max_chars", rows=9), "at 'filter'"),
        # A step that mends loses rows, or drops by a reason.
        (step_lines("s", "repaired", "dialogues", 10, {"nfc": 2}, rows_out=8), "at 'repaired'"),
        (step_lines("s", "redacted", "dialogues", 10, {}, rows_out=11), "at 'redacted'"),
        # Rows vanish between two steps.
        (
            without(without(story(), "filter", None), "filter", "max_chars"),
            "loses 10 dialogues before the step 'dedup'",
        ),
        ([*story(), *step_lines("lmsys", "mix", "dialogues", 30, {})], "loses 3 dialogues before the step 'mix'"),
        ([*story(), *step_lines("lmsys", "mix", "dialogues", 34, {})], "loses -1 dialogues before the step 'mix'"),
        # Carried raw rows do not all reach the assembly, or all are lost in it.
        (
            [*story()[:3], *step_lines("lmsys", "assembled", "dialogues", 80, {}, rows_out=45)],
            "loses 10 raw rows before the step 'assembled'",
        ),
        (step_lines("s", "assembled", "dialogues", 80, {}, rows_out=0), "at 'assembled'"),
        (step_lines("s", "assembled", "dialogues", 0, {}, rows_out=2), "at 'assembled'"),
        # The unit changes without an assembly.
        (
            [*story(), *step_lines("lmsys", "mix", "learner texts", 33, {})],
            "turns dialogues into learner texts at 'mix'",
        ),
        # Lines of one step disagree, or none says what passed.
        (with_change(story(), "filter", "max_chars", rows_out=30), "at 'filter'"),
        (with_change(story(), "filter", rows=34), "at 'filter'"),
        (without(story(), "filter", None), "at 'filter'"),
        ([*story()[:1], *story()], "at 'read'"),
    ],
)
def test_each_way_to_lose_rows_is_caught(lines: list[LedgerLine], told: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        check_conservation(lines)
    assert told in str(caught.value)


def test_a_gap_is_seen_across_the_lines_of_another_source() -> None:
    one, other = story("lmsys"), story("waxal")
    gap = without(without(one, "filter", None), "filter", "max_chars")
    with pytest.raises(IntegrityError, match="lmsys"):
        check_conservation([*gap[:-2], *other, *gap[-2:]])


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 20), max_size=3), min_size=1, max_size=5),
    st.data(),
)
def test_one_wrong_count_anywhere_is_caught(drops: list[dict[str, int]], data: st.DataObject) -> None:
    lines: list[LedgerLine] = []
    rows = 400
    for number, reasons in enumerate(drops):
        lines += step_lines("s", f"step {number}", "dialogues", rows, reasons)
        rows -= sum(reasons.values())
    check_conservation(lines)
    at = data.draw(st.integers(0, len(lines) - 1))
    count = data.draw(st.sampled_from(["rows", "rows_in", "rows_out"]))
    off = data.draw(st.sampled_from([-1, 1]))
    lines[at] = lines[at].model_copy(update={count: getattr(lines[at], count) + off})
    with pytest.raises(IntegrityError):
        check_conservation(lines)


def test_the_frame_holds_every_line() -> None:
    frame = ledger_frame(story())
    assert frame.schema == LEDGER_SCHEMA
    assert [LedgerLine.model_validate(row) for row in frame.to_dicts()] == story()
    assert ledger_frame([]).schema == LEDGER_SCHEMA


def test_counts_merge_by_name_in_one_order() -> None:
    parts = [{"b": 1, "a": 2}, {"c": 3}, {"a": 5}, {}]
    for order in itertools.permutations(parts):
        assert list(merge_counts(*order).items()) == [("a", 7), ("b", 1), ("c", 3)]
