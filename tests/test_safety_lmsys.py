"""Moderation labels and scores of LMSYS rows; entries may be more or fewer than the messages."""

import polars as pl
import pytest

from quimbot_data.shard import make_shard
from quimbot_data.sources.lmsys import CORPUS
from quimbot_data.sources.source import ORIGIN_SCHEMA, Options, RawBatch
from schemas.dialogue import Dialogue
from schemas.frame import dialogue_schema

TURNS = [{"role": "user", "content": "What is a pear?"}, {"role": "assistant", "content": "A fruit."}]


def safety_of(entries: list[dict[str, object]], turns: list[dict[str, str]] = TURNS) -> dict[str, object]:
    row = {"conversation_id": "a", "model": "m", "conversation": turns, "openai_moderation": entries}
    origins = pl.DataFrame({"raw_file": ["f"], "raw_row": [0]}, schema=ORIGIN_SCHEMA)
    shard = make_shard(CORPUS, RawBatch(origins, pl.DataFrame([row])), Options(), annotate=False)
    (made,) = shard.rows.select(list(dialogue_schema())).to_dicts()
    Dialogue.model_validate(made)
    safety: dict[str, object] = made["safety"]
    return safety


@pytest.mark.parametrize(
    ("flags", "positions"),
    [
        ((False, True), [1]),
        ((True,), [0]),
        ((True, True, True, True), [0, 1]),
        ((False, False, True), []),
    ],
)
def test_labels_are_of_messages_that_are_there(flags: tuple[bool, ...], positions: list[int]) -> None:
    safety = safety_of([{"categories": {"hate": flag}, "flagged": flag} for flag in flags])
    assert safety["flagged_positions"] == positions
    assert safety["flagged"] == bool(positions)
    assert safety["categories"] == (["hate"] if positions else [])


def entry(hate: float | None, violence: float | None = 0.0) -> dict[str, object]:
    scores = {"violence": violence, "hate": hate}
    return {"categories": {"hate": False, "violence": False}, "category_scores": scores, "flagged": False}


def score(position: int, category: str, value: float) -> dict[str, object]:
    return {"position": position, "category": category, "score": value}


ONE, TWO = TURNS
MERGED = [score(0, "hate", 0.75), score(1, "hate", 0.25), score(1, "violence", 0.5)]
BOTH = [score(0, "hate", 0.5), score(0, "violence", 0.25), score(1, "hate", 0.75)]


@pytest.mark.parametrize(
    ("entries", "turns", "scores"),
    [
        ([entry(0.5, 0.25), entry(0.75)], [ONE, TWO], BOTH),
        ([entry(0.00999), entry(0.01)], [ONE, TWO], [score(1, "hate", 0.01)]),
        ([entry(0.123456), entry(1.5)], [ONE, TWO], [score(0, "hate", 0.1235), score(1, "hate", 1.0)]),
        ([entry(float("nan"), None), entry(None)], [ONE, TWO], []),
        ([entry(0.0), entry(0.5), entry(0.9)], [ONE, TWO], [score(1, "hate", 0.5)]),  # one entry too many
        ([entry(0.5)], [ONE, TWO], [score(0, "hate", 0.5)]),  # one too few
        # The last user message, which nobody answers, goes with its scores.
        ([entry(0.5, 0.25), entry(0.75), entry(0.9, 0.9)], [ONE, TWO, ONE], BOTH),
        # Two messages of one role become one, with the higher score.
        ([entry(0.5), entry(0.75), entry(0.25, 0.5)], [ONE, ONE, TWO], MERGED),
    ],
)
def test_scores_are_kept_by_message_and_category(
    entries: list[dict[str, object]], turns: list[dict[str, str]], scores: list[dict[str, object]]
) -> None:
    safety = safety_of(entries, turns)
    assert safety["scores"] == scores
    assert (safety["flagged"], safety["classifier"]) == (False, None)


def test_entries_without_scores_give_none() -> None:
    assert safety_of([{"categories": {"hate": True}, "flagged": True}])["scores"] == []


def test_last_messages_of_many_rows_go_with_their_scores() -> None:
    rows = [[ONE, TWO, ONE], [ONE, TWO, ONE, TWO, ONE], [ONE, TWO]]
    scored = pl.DataFrame(
        [
            {
                "conversation_id": str(number),
                "model": "m",
                "conversation": turns,
                "openai_moderation": [entry(0.1 * place, 0.5) for place in range(len(turns))],
            }
            for number, turns in enumerate(rows)
        ]
    )
    origins = pl.DataFrame({"raw_file": ["f"] * 3, "raw_row": [0, 1, 2]}, schema=ORIGIN_SCHEMA)
    made = make_shard(CORPUS, RawBatch(origins, scored), Options(), annotate=False).rows.sort("dialogue_id")
    positions = made["safety"].struct.field("scores").list.eval(pl.element().struct.field("position"))
    assert positions.to_list() == [[0, 1, 1], [0, 1, 1, 2, 2, 3, 3], [0, 1, 1]]
