"""Moderation labels of LMSYS rows whose entries are more or fewer than the messages."""

import polars as pl
import pytest

from quimbot_data.shard import make_shard
from quimbot_data.sources.lmsys import CORPUS
from quimbot_data.sources.source import ORIGIN_SCHEMA, Options, RawBatch
from schemas.dialogue import Dialogue
from schemas.frame import dialogue_schema


def safety_of(*flags: bool) -> dict[str, object]:
    turns = [{"role": "user", "content": "What is a pear?"}, {"role": "assistant", "content": "A fruit."}]
    entries = [{"categories": {"hate": flag}, "flagged": flag} for flag in flags]
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
    safety = safety_of(*flags)
    assert safety["flagged_positions"] == positions
    assert safety["flagged"] == bool(positions)
    assert safety["categories"] == (["hate"] if positions else [])
