"""Evaluation items for tests of decontamination, and what is hit by them."""

import polars as pl

from quimbot_data.decontamination.index import Rule, seek
from quimbot_data.decontamination.matching import MATCHES_SCHEMA, matches
from quimbot_data.decontamination.sets import EvaluationSet, Item, Said, evaluation_set

ITEM = "A farmer sells three baskets of plums, and each basket weighs four kilos more than the last. What is the total?"
THIRTEEN = "a farmer sells three baskets of plums and each basket weighs four"
ZH_ITEM = "小明的爷爷今年七十二岁，正好是小明年龄的六倍，请问再过几年爷爷的年龄是小明的四倍？"
TH_ITEM = "แม่ค้าขายมะม่วงวันแรกได้สามสิบลูก วันที่สองขายได้มากกว่าวันแรกเจ็ดลูก รวมสองวันขายมะม่วงได้ทั้งหมดกี่ลูก"
SHORT = "What is the capital of Mongolia?"


def set_of(*texts: str, name: str = "bench") -> EvaluationSet:
    return evaluation_set(name, [Item(f"q{number}", [Said(True, text)]) for number, text in enumerate(texts)])


def hits(sets: list[EvaluationSet], *dialogues: str, **numbers: int) -> list[tuple[str, ...]]:
    """Matches as (dialogue, set, item, rule, match)."""
    found = matches(seek(sets, Rule(**numbers)), ids(len(dialogues)), pl.Series(dialogues, dtype=pl.String))
    assert found.schema == MATCHES_SCHEMA
    return found.rows()


def ids(count: int) -> pl.Series:
    return pl.Series([f"d{number}" for number in range(count)], dtype=pl.String)
