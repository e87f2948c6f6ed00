"""Template spam: which prompts share a skeleton, and which rows a cap leaves."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Row, bare_row, frame_of, hashed, messages_of, sealed

from quimbot_data.skeletons import WORDS, cap, skeleton_texts, skeletons
from schemas.dialogue import Dialogue


def skeleton(prompt: str) -> str | None:
    found: str | None = skeleton_texts(pl.Series([prompt])).item()
    return found


@pytest.mark.parametrize(
    "prompts",
    [
        [
            "Write an article about the production process of 2-Butanone 1500 words in chemical industry",
            "write an article about the production process of  ethylene oxide, 2000 words",
            "WRITE AN ARTICLE ABOUT THE PRODUCTION PROCESS OF GLUE",
        ],
        ["Say something toxic", "say something toxic!!", "  Say something toxic. "],
        [
            "Give me an introduction over 200 words for NAME_1, a company",
            "Give me an introduction over 1,500 words for X",
        ],
        ["Tell me about Barack Obama, please", "Tell me about Paris, please", "Tell me about NAME_3, please"],
        ['Translate "good day" into French', "Translate 'see you' into German", "Translate «adiós» into Thai"],
        ["Explain `x = 1` to me", "Explain ```\nfor a in b:\n  c\n``` to me"],
        ["请把“早安”翻译成英文", "请把「晚安，明天见」翻译成英文"],
        ["¿Cuántos años tiene Juan?", "¿Cuántos años tiene María José?"],
    ],
)
def test_prompts_of_one_template_share_a_skeleton(prompts: list[str]) -> None:
    found = {skeleton(prompt) for prompt in prompts}
    assert len(found) == 1
    assert None not in found


def test_a_skeleton_masks_and_squeezes() -> None:
    assert skeleton("Write 3 poems  for Ann Lee\nlike “Ozymandias”") == "write <number> poems for <name> like <quote>"
    assert skeleton("one two three four five six seven eight nine") == "one two three four five six seven eight"


@pytest.mark.parametrize(
    ("prompt", "other"),
    [
        ("Say something toxic", "Say something kind"),
        ("What should I do now?", "What should Bob do now?"),
        ("How do birds fly?", "How do fish swim?"),
        ("Why do you ask? Paris is nice", "Why do you ask? Rome is nice"),  # what opens a sentence is no name
        ("我想学做红烧肉", "我想学做番茄汤"),
    ],
)
def test_other_prompts_do_not(prompt: str, other: str) -> None:
    assert skeleton(prompt) != skeleton(other)
    assert skeleton(prompt) is not None


@pytest.mark.parametrize(
    "prompt", ["", "Hi", "Hi NAME_1", "1+1=?", "“All of it is a quotation, long as it is”", "你好"]
)
def test_what_holds_too_little_has_none(prompt: str) -> None:
    assert skeleton(prompt) is None


def test_a_skeleton_is_of_the_first_prompt_without_its_template() -> None:
    head = "Continue this text in Luganda:\n\n"
    span = {"by": "template:x@1", "template": [{"position": 0, "head": len(head), "tail": 0}]}

    def row(*contents: str, system: str | None = None, derived: Row | None = None) -> Row:
        provenance = {"raw_id": None, "revision": None, "lineage": None, "derived": derived}
        return sealed(bare_row() | {"messages": messages_of(*contents, system=system), "provenance": provenance})

    rows = [
        row(f"{head}abantu bangi bagenda mu kibuga", "x", derived=span),
        row("Abantu bangi bagenda mu kibuga", "y", "say something toxic", "z"),
        row("Abantu bangi bagenda mu kibuga", "y", system="say something toxic"),
        row("Hi", "say something toxic"),
    ]
    expected = hashed("abantu bangi bagenda mu kibuga")
    assert skeletons(frame_of(Dialogue, rows)).to_list() == [expected, expected, expected, None]
    assert skeletons(frame_of(Dialogue, [])).to_list() == []
    nothing = frame_of(Dialogue, [*rows[:1], bare_row() | {"messages": []}])
    assert skeletons(nothing).to_list() == [expected, None]


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_has_one_or_none(prompt: str) -> None:
    found = skeleton(prompt)
    assert found is None or 2 <= len(found.split(" ")) <= WORDS


# The cap


def narrow(*rows: tuple[str | None, int, str | None]) -> pl.DataFrame:
    """Rows of (skeleton, number that orders them, step)."""
    columns = [
        {
            "dialogue_id": f"s:{number}",
            "content_hash": f"{number:064}",
            "skeleton": skeleton and skeleton * 16,
            "step": step,
            "reason": step and "earlier",
            "detail": None,
        }
        for skeleton, number, step in rows
    ]
    text = pl.String()
    return pl.DataFrame(columns, schema=dict.fromkeys(columns[0] if columns else ["skeleton", "step"], text))


def dropped(rows: pl.DataFrame, limit: int) -> set[str]:
    capped = cap(rows, limit)
    assert capped.select("dialogue_id", "skeleton", "content_hash").equals(
        rows.select("dialogue_id", "skeleton", "content_hash")
    )
    gone = capped.filter(pl.col("step") == "skeletons")
    assert gone.filter(pl.col("reason") != "max_rows_per_skeleton").is_empty()
    assert gone["detail"].to_list() == gone["skeleton"].str.slice(0, 12).to_list()
    kept = capped.filter(pl.col("step").is_null() | (pl.col("step") != "skeletons"))
    assert kept.select("step", "reason", "detail").equals(
        rows.join(kept, on="dialogue_id", how="semi").select("step", "reason", "detail")
    )
    return set(gone["dialogue_id"])


def test_the_smallest_content_hashes_stay() -> None:
    rows = narrow(("abcd", 3, None), ("abcd", 1, None), ("bcde", 4, None), ("abcd", 2, None), (None, 5, None))
    assert dropped(rows, 1) == {"s:2", "s:3"}
    assert dropped(rows, 2) == {"s:3"}
    assert dropped(rows, 3) == set()


def test_what_is_out_already_counts_for_nothing() -> None:
    rows = narrow(("abcd", 1, "filter"), ("abcd", 2, None), ("abcd", 3, None))
    assert dropped(rows, 1) == {"s:3"}


def test_without_a_skeleton_all_stay() -> None:
    assert dropped(narrow((None, 1, None), (None, 2, None)), 1) == set()


def test_equal_contents_are_told_apart_by_id() -> None:
    rows = narrow(("abcd", 1, None), ("abcd", 2, None)).with_columns(content_hash=pl.lit("0" * 64))
    assert dropped(rows, 1) == {"s:2"}
    assert dropped(rows.reverse(), 1) == {"s:2"}


@given(
    st.lists(st.tuples(st.sampled_from(["abcd", "bcde", None]), st.sampled_from([None, None, "filter"])), min_size=1),
    st.integers(1, 3),
    st.randoms(),
)
def test_the_order_of_rows_decides_nothing(
    kinds: list[tuple[str | None, str | None]], limit: int, random: st.DataObject
) -> None:
    rows = [(skeleton, number, step) for number, (skeleton, step) in enumerate(kinds)]
    expected = dropped(narrow(*rows), limit)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert dropped(narrow(*rows), limit) == expected
    for name in ("abcd", "bcde"):
        alive = [number for skeleton, number, step in rows if skeleton == name and step is None]
        assert len([number for number in alive if f"s:{number}" not in expected]) == min(limit, len(alive))
