import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from told import DATA, Told, expected, tell

from quimbot_data.sources.openhermes import CORPUS, DOSSIER, from_lmsys, recognizes
from schemas.errors import InputError

_OF_BOTH = "LicenseRef-LMSYS-Chat-1M AND LicenseRef-OpenHermes-2.5"
PAIR = [{"from": "human", "value": "Name a fruit."}, {"from": "gpt", "value": "A pear."}]


def told(folder: Path, rows: Iterable[Any]) -> Told:
    path = folder / "rows.json"
    path.write_text(json.dumps(list(rows)))
    return tell(CORPUS, path)


def test_the_fixture_is_told_as_expected() -> None:
    outcome = tell(CORPUS, DATA / "provided" / "openhermes.json", revision="r1")
    assert outcome.dialogues == expected("openhermes")
    assert outcome.rejected == [
        ("openhermes.json", 5, "no-conversation"),
        ("openhermes.json", 6, "no-conversation"),
        ("openhermes.json", 7, "opens-with-assistant"),
        ("openhermes.json", 8, "empty-content"),
        ("openhermes.json", 9, "unknown-role"),
        ("openhermes.json", 10, "not-an-object"),
    ]
    repairs = (
        "blank-system",
        "system-from-column",
        "system-column-dropped",
        "same-role-merged",
        "dangling-user-dropped",
    )
    assert outcome.repaired == dict.fromkeys(repairs, 1)
    assert len(outcome.raw_rows) == len(json.loads((DATA / "provided" / "openhermes.json").read_text()))


@pytest.mark.parametrize("source", ["lmsys1m", "LMSys Chatbot Arena", "LMSYS-Chat-1M", "chatbot_arena", "lmsys 1m"])
def test_rows_out_of_lmsys_data_may_not_be_passed_on(tmp_path: Path, source: str) -> None:
    (dialogue,) = told(tmp_path, [{"conversations": PAIR, "source": source}]).dialogues
    assert (dialogue["license"], dialogue["terms"]) == (_OF_BOTH, ["no-transfer", "unknown"])


@pytest.mark.parametrize("source", [None, "", "airoboros2.2", "GPT-4 Comparison Data", "caseus_custom", 7])
def test_other_rows_have_the_terms_of_the_whole(tmp_path: Path, source: object) -> None:
    assert not from_lmsys(source)
    (dialogue,) = told(tmp_path, [{"conversations": PAIR, "source": source}]).dialogues
    assert (dialogue["license"], dialogue["terms"]) == (DOSSIER.license, ["unknown"])


@pytest.mark.parametrize(
    ("weight", "untrained"), [(0, [1]), (0.0, [1]), (1, []), (0.5, []), (None, []), ("absent", [])]
)
def test_weight_zero_keeps_an_assistant_turn_out_of_the_loss(
    tmp_path: Path, weight: object, untrained: list[int]
) -> None:
    weighed = {} if weight == "absent" else {"weight": weight}
    turns = [{**PAIR[0], "weight": 0}, {**PAIR[1], **weighed}]
    (dialogue,) = told(tmp_path, [{"conversations": turns}]).dialogues
    assert dialogue["untrained"] == untrained


def test_untrained_positions_follow_the_repairs(tmp_path: Path) -> None:
    human, gpt = PAIR
    turns = [{"from": "system", "value": " "}, human, gpt, human, {**gpt, "weight": 0}, gpt, human]
    (dialogue,) = told(tmp_path, [{"conversations": turns, "system_prompt": "Be kind."}]).dialogues
    assert [m["role"][0] for m in dialogue["messages"]] == list("suaua")
    assert dialogue["untrained"] == [4]


@pytest.mark.parametrize(("given", "key"), [("a-1", "a-1"), ("", None), ("  ", None), (None, None), (12, None)])
def test_the_key_is_the_id_where_that_is_text(tmp_path: Path, given: object, key: str | None) -> None:
    (dialogue,) = told(tmp_path, [{"conversations": PAIR, "id": given, "hash": 5, "idx": 6}]).dialogues
    assert (dialogue["key"], dialogue["provenance"]["raw_id"]) == (key, key)


def test_lines_and_parquet_tell_the_same(tmp_path: Path) -> None:
    rows = [{"conversations": PAIR, "id": f"r-{n}", "language": "English"} for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    lines, parquet = (tell(CORPUS, tmp_path / name).dialogues for name in ("rows.jsonl", "rows.parquet"))
    assert [row | {"from": None} for row in lines] == [row | {"from": None} for row in parquet]
    assert {row["language_declared"] for row in lines} == {"English"}


def test_a_cut_download_stops_with_row_and_character(tmp_path: Path) -> None:
    whole = json.dumps([{"conversations": PAIR}] * 3)
    (tmp_path / "rows.json").write_text(whole[:-30])
    with pytest.raises(InputError, match=f"row 2, character {len(whole) - 30}: the file ends within it"):
        tell(CORPUS, tmp_path)


def test_other_corpora_with_conversations_are_not_recognized() -> None:
    assert recognizes(frozenset({"conversations"}))
    assert recognizes(frozenset({"conversations", "source", "id", "unheard_of"}))
    assert not recognizes(frozenset({"conversations", "uuid"}))
    assert not recognizes(frozenset({"conversation", "conversation_id"}))
