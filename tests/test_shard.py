"""From a raw batch to finished rows: every raw row is carried or refused, and batches share no state."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from strategies import Row, hashed, messages_of, texts

from quimbot_data.shard import KEYED, MAX_MESSAGE_CHARS, REJECTED_SCHEMA, Shard, make_shard
from quimbot_data.sources.source import (
    DRAFT_SCHEMA,
    ORIGIN_SCHEMA,
    TEXT_SCHEMA,
    Corpus,
    Dossier,
    Normalized,
    Options,
    RawBatch,
    drafts,
    rejects,
)
from schemas.dialogue import Dialogue
from schemas.frame import dialogue_schema, faults, polars_schema
from schemas.learner import LearnerText

DOSSIER = Dossier("tutor", "Tutor", "pedagogical", "CC-BY-4.0", ("attribution",), "https://example.org", "Ask for it.")
UNKNOWN = {"raw_id": None, "revision": None, "lineage": None, "derived": None}

SAFETY: Row = {"flagged": True, "categories": [], "label": None, "rules_of_thumb": [], "flagged_positions": []}
SAFETY |= {"scores": [], "classifier": None}
SPAN = {"position": 0, "head": 0, "tail": 0}


def draft(*contents: str, key: str | None = None, parts: Sequence[int] = (0,), **changes: Any) -> Row:
    """A draft of alternating turns from these raw rows."""
    facts = {"key": key, "parts": list(parts), "messages": messages_of(*contents), "untrained": []}
    return facts | {"license": "CC-BY-4.0", "terms": ["attribution"], "provenance": UNKNOWN} | changes


def corpus(made: Sequence[Row], refused: Sequence[tuple[int, str, str]] = (), **options: Any) -> Corpus:
    """A corpus whose every batch becomes these drafts and refusals."""
    dossier = options.pop("dossier", DOSSIER)
    normalized = Normalized(drafts(made), rejects(refused), **options)
    return Corpus(dossier, lambda paths: iter(()), lambda batch, options: normalized, lambda names: False)


def batch(rows: int, start: int = 0, **options: Any) -> RawBatch:
    origins = pl.DataFrame(
        {"raw_file": ["f.jsonl"] * rows, "raw_row": range(start, start + rows)}, schema=ORIGIN_SCHEMA
    )
    return RawBatch(origins, [{"raw": number} for number in range(start, start + rows)], **options)


def shard_of(made: Sequence[Row], rows: int = 1, *, annotate: bool = False, **options: Any) -> Shard:
    return make_shard(corpus(made, **options), batch(rows), Options(), annotate=annotate)


def refusals(shard: Shard) -> list[tuple[str, int]]:
    return shard.rejected.select("reason", "raw_row").rows()


def test_a_finished_row_is_a_sound_dialogue_with_its_key_and_raw_rows() -> None:
    shard = shard_of([draft(" Hi\r\n", "Hello", key=" k ", parts=[0, 2])], rows=3, refused=[(1, "empty", "no turns")])
    assert shard.rows.schema == pl.Schema({**dialogue_schema(), **KEYED})
    (row,) = shard.rows.to_dicts()
    assert (row.pop("key"), row["dialogue_id"]) == ("k", "tutor:k")
    assert row.pop("origins") == [{"raw_file": "f.jsonl", "raw_row": 0}, {"raw_file": "f.jsonl", "raw_row": 2}]
    assert Dialogue.model_validate(row).messages[0].content == "Hi"
    assert (row["family"], row["language"], row["n_tokens"]) == ("pedagogical", "und", 0)
    assert shard.cleaned == {"carriage-return": 1}
    assert shard.raw_rows == 3
    assert refusals(shard) == [("empty", 1)]


@pytest.mark.parametrize("key", [None, "", " \n"])
def test_without_a_key_the_content_names_the_row(key: str | None) -> None:
    (row,) = shard_of([draft("Hi", "Hello", key=key)]).rows.to_dicts()
    assert row["key"] is None
    assert row["dialogue_id"] == f"tutor:{row['content_hash']}"


@pytest.mark.parametrize(
    ("reason", "made"),
    [
        ("empty-content", draft("\x00", "b")),
        ("empty-content", draft("a", " \n\xa0")),
        ("dangling-user", draft("a")),
        ("no-turns", draft()),
        ("message-too-long", draft("a", "b" * (MAX_MESSAGE_CHARS + 1))),
        ("untrained", draft("a", "b", untrained=[0])),
        ("terms-order", draft("a", "b", terms=["unknown", "attribution"])),
        ("positions", draft("a", "b", safety=SAFETY | {"flagged_positions": [2]})),
        ("positions", draft("a", "b", safety=SAFETY | {"flagged_positions": [1, 0]})),
        ("positions", draft("a", "b", provenance=UNKNOWN | {"derived": {"by": "x", "template": [SPAN | {"head": 2}]}})),
        ("field:license", draft("a", "b", license="")),
        ("field:terms", draft("a", "b", terms=["mystery"])),
        ("field:provenance", draft("a", "b", provenance=None)),
    ],
)
def test_a_faulty_draft_is_refused_by_the_rule_it_breaks(reason: str, made: Row) -> None:
    shard = shard_of([made, draft("c", "d", parts=[1])], rows=2)
    assert shard.rows.height == 1
    assert refusals(shard) == [(reason, 0)]
    (rejected,) = shard.rejected.to_dicts()
    assert json.loads(rejected["raw"]) == {"raw": 0}
    assert "b" * 5 not in rejected["detail"]  # says what is wrong, and quotes nobody


def test_annotations_must_still_fit_their_text() -> None:
    learner = {"l1": None, "target_language": "es", "cefr": None, "background": None, "variety": None}
    learner |= {"shared_languages": []}
    pedagogy: Row = {"learner": learner, "topic": None, "turns": [], "errors": []}
    moved, sound = draft("a\r\nb", "c", pedagogy=pedagogy), draft("a\nb", "c", pedagogy=pedagogy, parts=[1])
    shard = shard_of([moved, sound], rows=2)
    assert refusals(shard) == [("annotated-text-changed", 0)]


def test_a_message_of_the_greatest_length_is_kept() -> None:
    assert shard_of([draft("a", "b" * MAX_MESSAGE_CHARS)]).rows["n_chars"].to_list() == [MAX_MESSAGE_CHARS + 1]
    # Characters count, not bytes.
    assert shard_of([draft("a", "б" * MAX_MESSAGE_CHARS)]).rows["n_chars"].to_list() == [MAX_MESSAGE_CHARS + 1]


def test_a_raw_row_that_one_good_draft_carries_is_not_refused() -> None:
    good, faulty = draft("a", "b", parts=[0, 1]), draft("a", parts=[1, 2])
    shard = shard_of([good, faulty], rows=3)
    assert refusals(shard) == [("dangling-user", 2)]


def test_a_raw_row_is_refused_once() -> None:
    shard = shard_of([draft("a", parts=[0]), draft(parts=[0])], refused=[(0, "first", "")])
    assert refusals(shard) == [("first", 0)]


def test_unreadable_lines_are_raw_rows_and_refused_in_their_place() -> None:
    lines = [("f.jsonl", 0, "not-json", "line 1", "{"), ("f.jsonl", 5, "not-json", "line 6", "}")]
    names = ["raw_file", "raw_row", "reason", "detail", "raw"]
    unreadable = pl.DataFrame(lines, schema=names, orient="row")
    torn = batch(2, start=1, unreadable=unreadable, repaired={"lone-surrogate": 1})
    shard = make_shard(corpus([draft("a", "b\r", parts=[0])], [(1, "empty", "")]), torn, Options(), annotate=False)
    assert shard.rejected.schema == REJECTED_SCHEMA
    assert refusals(shard) == [("not-json", 0), ("empty", 2), ("not-json", 5)]
    assert shard.raw_rows == 4
    assert shard.repaired == {"lone-surrogate": 1}


def test_a_batch_may_be_refused_whole() -> None:
    shard = shard_of([], rows=2, refused=[(0, "empty", ""), (1, "empty", "")])
    assert shard.rows.schema == pl.Schema({**dialogue_schema(), **KEYED})
    assert (shard.rows.height, len(refusals(shard))) == (0, 2)


def test_repairs_count_dialogues_and_not_messages() -> None:
    shard = shard_of([draft("a\r", "b\r\n"), draft("c", "e\u0301\r", parts=[1]), draft("x", "y", parts=[2])], rows=3)
    assert shard.cleaned == {"carriage-return": 2, "nfc": 1}


def test_only_what_is_kept_is_counted_as_changed() -> None:
    refused = draft("a\r", "me@example.org", "b\xa0")
    assert shard_of([refused], annotate=True).cleaned == {}
    shard = shard_of([refused, draft("c\r", "me@example.org", parts=[1])], rows=2, annotate=True)
    assert shard.cleaned == {"carriage-return": 1}
    assert list(shard.redacted.values()) == [1]


def test_learner_texts_are_kept_verbatim() -> None:
    text = " Caf\u0065\u0301\r\n\x00 me@example.org "
    row = {"key": "1.txt", "parts": [0], "text": text, "language": "en", "license": "L", "terms": ["no-transfer"]}
    frame = pl.DataFrame([row, row | {"text": "", "parts": [1]}], schema=TEXT_SCHEMA)
    shard = shard_of([], rows=2, texts=frame)
    (kept,) = shard.rows.to_dicts()
    assert (kept.pop("key"), kept.pop("origins")) == ("1.txt", [{"raw_file": "f.jsonl", "raw_row": 0}])
    made = LearnerText.model_validate(kept)
    assert (made.text, made.text_id, made.content_hash) == (text, "tutor:1.txt", hashed(text))
    assert shard.rows.schema == pl.Schema({**polars_schema(LearnerText), **KEYED})
    assert refusals(shard) == [("field:text", 1)]


@tried(25)
@given(st.lists(st.lists(texts, max_size=4), min_size=1, max_size=5), st.integers(0, 4))
def test_batches_share_no_state_and_lose_no_row(contents: list[list[str]], at: int) -> None:
    made = [draft(*row, key=f"k{number}", parts=[number]) for number, row in enumerate(contents)]
    whole = shard_of(made, rows=len(made))
    at = min(at, len(made))
    rest = [row | {"parts": [number]} for number, row in enumerate(made[at:])]
    parts = [
        make_shard(corpus(made[:at]), batch(at), Options(), annotate=False),
        make_shard(corpus(rest), batch(len(rest), start=at), Options(), annotate=False),
    ]
    assert pl.concat([part.rows for part in parts]).equals(whole.rows)
    assert pl.concat([part.rejected for part in parts]).equals(whole.rejected)
    carried = [place["raw_row"] for places in whole.rows["origins"] for place in places]
    assert sorted([*carried, *(row for _, row in refusals(whole))]) == list(range(len(made)))
    # What is passed on as established was established: the whole check finds nothing either.
    assert whole.rows.select(faults(Dialogue)).to_series().null_count() == whole.rows.height


def test_annotation_reads_what_no_template_wrote() -> None:
    head, tail = "Translate this into English, please: ", " Thank you very much indeed, my dear friend"
    own = "Nazungumza Kiswahili na rafiki zangu kila siku sokoni asubuhi 12345"
    span = {"position": 0, "head": len(head), "tail": len(tail)}
    derived = UNKNOWN | {"derived": {"by": "template:x@1", "template": [span]}}
    answer = "Ninapenda kusoma vitabu vya hadithi nyumbani jioni."
    shard = shard_of(
        [
            draft(head + own + tail, answer, provenance=derived, language_declared="Swahili"),
            draft("Continue this sentence:", "The weather was very nice this morning in the old town.", parts=[1]),
        ],
        rows=2,
        annotate=True,
    )
    made, plain = shard.rows.to_dicts()
    assert (made["language"], made["language_detected"]) == ("sw", "sw")
    assert made["quality"]["digit_share"] == pytest.approx(5 / (len(own) + 1 + len(answer)), abs=1e-4)
    assert not made["quality"]["truncated_prompt"]
    assert (plain["language"], plain["language_agrees"]) == ("en", None)
    assert plain["quality"]["truncated_prompt"]
    assert made["n_tokens"] > plain["n_tokens"] > 0  # tokens are of the whole text, templates included


def test_signals_read_what_no_template_wrote() -> None:
    wrote = "Please say it again, slowly: " * 20
    made = draft(f"{wrote}hello", "Hello!", provenance=UNKNOWN | {"derived": {"by": "x", "template": []}})
    span = SPAN | {"head": len(wrote)}
    spared = draft(
        f"{wrote}hello", "Hello!", parts=[1], provenance=UNKNOWN | {"derived": {"by": "x", "template": [span]}}
    )
    seen, unseen = shard_of([made, spared], rows=2, annotate=True).rows["quality"].to_list()
    assert seen["duplicate_5gram_share"] > 0.9
    assert unseen["duplicate_5gram_share"] == 0
    assert (seen["empty_talk"], unseen["empty_talk"]) == (False, True)


def test_without_annotation_signals_say_nothing() -> None:
    (row,) = shard_of([draft("Hi:", "As an AI, I can't help with that.")]).rows.to_dicts()
    assert not any(row["quality"].values())


def test_redaction_is_counted_and_hashed_after() -> None:
    shard = shard_of([draft("Write to jane.doe@example.com please", "I did.")], annotate=True)
    (row,) = shard.rows.to_dicts()
    assert "jane.doe" not in row["messages"][0]["content"]
    assert sum(shard.redacted.values()) == 1
    assert Dialogue.model_validate({name: row[name] for name in dialogue_schema()})


def test_drafts_have_the_columns_of_the_contract() -> None:
    assert drafts([draft("a", "b")]).schema == DRAFT_SCHEMA
