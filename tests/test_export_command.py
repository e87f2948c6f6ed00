"""`quimbot export`: what it tells, and that nothing is written elsewhere whatever is asked."""

import json
import os
from pathlib import Path
from typing import get_args

from conftest import files_below
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st
from property_tests import tried
from versions_to_share import MIXED, OPEN

from quimbot_data.commands import interchange
from quimbot_data.export.formats import FORMATS, Format
from schemas.manifest import SPLITS
from schemas.recipe import Profile


def test_the_command_tells_what_was_left_out(quimbot, to_share, tmp_path):
    place = ("--workspace", to_share.root)
    ran = quimbot("export", MIXED, "--format", "messages-jsonl", "--output", tmp_path / "out", *place)
    assert ran.code == 0
    assert "no-transfer: 40 of lmsys; untrained: 6 of openhermes" in ran.out
    assert "never leave the workspace" in ran.err
    told = json.loads(
        quimbot("export", MIXED, "--format", "messages-jsonl", "--output", tmp_path / "out", "--json", *place).out
    )
    assert told == json.loads((tmp_path / "out" / "export.json").read_text()) | {
        "path": str(tmp_path / "out"),
        "written": False,
    }
    again = quimbot("-w", to_share.root, "export", MIXED, "--format", "messages-jsonl", "--output", tmp_path / "out")
    assert "holds this export already; nothing was changed" in again.out


def test_the_recipes_profile_is_the_default(quimbot, to_share):
    told = json.loads(quimbot("export", OPEN, "--format", "parquet", "--json", "-w", to_share.root).out)
    assert told["profile"] == "redistributable"


def test_splits_and_wrong_usage(quimbot, to_share):
    place = ("-w", to_share.root)
    told = json.loads(
        quimbot("export", OPEN, "--format", "parquet", "--split", "test", "--split", "train", "--json", *place).out
    )
    assert [entry["path"] for entry in told["files"]] == ["train.parquet", "test.parquet"]
    for wrong in (
        ["--format", "csv"],
        [],
        ["--format", "parquet", "--split", "dev"],
        ["--format", "parquet", "--profile", "public"],
        ["--format", "sharegpt-jsonl", "--carry-untrained"],
    ):
        assert quimbot("export", OPEN, *wrong, *place).code == 2, wrong
    quimbot("export", "open", "--format", "parquet", *place).told("NAME@X.Y.Z")


def test_choices_of_the_command_are_those_of_the_package():
    assert get_args(interchange.Format) == get_args(Format) == FORMATS
    assert get_args(interchange.Profile) == get_args(Profile)
    assert tuple(interchange.Split) == SPLITS


WORDS = st.one_of(
    st.sampled_from(["", ".", "..", "/", "~", "exports", "versions", "out", "a b", "-x", "--", "é", "datasets", "*"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0/"), max_size=8),
)
PATHS = st.lists(WORDS, min_size=1, max_size=4).map("/".join).filter(lambda path: not path.startswith("/"))
REFS = st.one_of(
    st.sampled_from(["open@1.0.0", "mixed@1.0.0", "open@2.0.0", "open", "@", "open@1.0.0/../..", "../open@1.0.0"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12),
)
OPTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("--profile"), st.sampled_from([*get_args(Profile), "none", ""])),
        st.tuples(st.just("--split"), st.sampled_from([*SPLITS, "dev"])),
        st.sampled_from([("--replace",), ("--carry-untrained",), ("--json",), ("--nonsense",)]),
    ),
    max_size=3,
)


@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REFS, st.sampled_from([*FORMATS, "csv"]), st.one_of(st.none(), PATHS), OPTIONS)
@example("open@1.0.0", "parquet", "..", [("--replace",)])
@example("open@1.0.0", "parquet", "../datasets", [("--replace",)])
@example("open@1.0.0", "parquet", "", [])
def test_whatever_is_asked_nothing_is_written_elsewhere(
    quimbot, to_share, tmp_path, monkeypatch, ref, form, output, more
):
    here = tmp_path / "here"
    here.mkdir(exist_ok=True)
    (here / "mine.txt").write_text("mine")
    monkeypatch.chdir(here)
    assume(output is None or Path(os.path.realpath(output)).is_relative_to(tmp_path))
    named = [] if output is None else [f"--output={output}"]
    before = files_below(tmp_path)
    ran = quimbot(
        "export", "-w", to_share.root, "--format", form, *(word for o in more for word in o), *named, "--", ref
    )
    assert ran.code in (0, 1, 2)
    assert "Traceback" not in ran.err
    assert "defect" not in ran.err
    after = files_below(tmp_path)
    place = Path(os.path.realpath(output)) if output is not None else to_share.root / "exports"
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    strays = [
        path
        for path in changed
        if not (tmp_path / path).is_relative_to(place)
        and not path.startswith(("datasets/.locks/", "datasets/exports.json"))
    ]
    assert strays == []
    if ran.code:
        assert {path for path in changed if ".locks" not in path} == set()
