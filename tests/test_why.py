"""The story of one dialogue: kept, dropped at any step, refused, or unknown."""

import shutil

import polars as pl
import pytest
from conftest import REF

from quimbot_data.why import Story, why
from quimbot_data.workspace import Workspace
from schemas.errors import MissingError


def first(workspace: Workspace, **where: str) -> str:
    fates = pl.read_parquet(workspace.version(REF) / "fates.parquet")
    return str(fates.filter(**where).sort("dialogue_id")["dialogue_id"][0])


def told(story: Story, beginning: str) -> str:
    (line,) = [line for line in story.lines() if line.strip().startswith(beginning)]
    return line


def test_a_kept_row(built, raw):
    name = first(built, fate="kept", source="tutor")
    story = why(built, name)
    assert story.row is not None
    assert story.row["dialogue_id"] == name
    (fate,) = story.fates
    assert (fate.version, fate.fate, fate.reason) == ("small@1.0.0", "kept", None)
    assert fate.u < fate.threshold
    (place,) = story.origins
    line = (raw["tutor"] / place["raw_file"]).read_text("utf-8").split("\n")[place["raw_row"]]
    assert story.row["provenance"]["raw_id"] in line
    assert f"kept, {fate.split}" in told(story, "small@1.0.0")
    assert told(story, "licence").endswith("CC-BY-4.0; terms attribution")
    assert why(built, name, REF) == story


@pytest.mark.parametrize("step", ["filter", "safety", "dedup", "mix"])
def test_a_dropped_row_names_its_step(built, step):
    story = why(built, first(built, step=step))
    (fate,) = story.fates
    assert fate.fate == "dropped"
    line = told(story, "small@1.0.0")
    assert f"dropped at {step}: {fate.reason}" in line
    if step == "dedup":
        assert fate.detail in line
    if step == "mix":
        assert fate.u >= fate.threshold
        assert f"its draw u is {fate.u:.6f}" in line


def test_rows_of_several_raw_rows_name_them_all(built):
    names = pl.concat([pl.read_parquet(path) for path in built.corpus("prosocial").glob("origins-*")])
    name = names.group_by("dialogue_id").len().filter(pl.col("len") == 3).sort("dialogue_id")["dialogue_id"][0]
    assert len(why(built, name).origins) == 3


def test_a_derived_row_says_by_what(built):
    assert "template:waxal/" in told(why(built, first(built, source="waxal", fate="kept")), "made by")


def test_a_refused_raw_row(built):
    story = why(built, "tutor:t15")
    assert (story.row, story.fates, story.origins) == (None, [], [])
    (row,) = story.rejected
    assert (row["reason"], row["raw_row"]) == ("no-conversation", 15)
    assert "no-conversation" in told(story, "refused")
    assert "raw" not in row, "raw text may hold personal data"


def test_refused_rows_go_by_whole_ids_of_any_kind(built):
    for name in ("toefl11:900005", "prosocial:13", "lmsys:" + "0" * 30 + "12"):
        assert why(built, name).rejected, name
    for part in ("tutor:t", "tutor:conversation", "prosocial:3.", "waxal:lug_"):
        with pytest.raises(MissingError):
            why(built, part)


def test_an_unknown_id(built):
    with pytest.raises(MissingError, match=r"Nothing in .* knows tutor:none"):
        why(built, "tutor:none")
    with pytest.raises(MissingError, match="holds no corpus 'nowhere'"):
        why(built, "nowhere:1")
    for malformed in ("just-a-key", "", ":", "../../etc:1"):
        with pytest.raises(MissingError, match="SOURCE:KEY"):
            why(built, malformed)


def test_a_version_outlives_its_corpus(copied):
    name = first(copied, fate="kept", source="tutor")
    shutil.rmtree(copied.corpus("tutor"))
    story = why(copied, name)
    assert story.row is None
    assert [fate.fate for fate in story.fates] == ["kept"]


def test_a_version_that_is_not_there(built):
    with pytest.raises(MissingError, match=r"no version small@7\.0\.0"):
        why(built, first(built, fate="kept"), type(REF)("small", "7.0.0"))
