"""What `diff` counts is what the files hold, for every pair of versions."""

from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest
from chats import data_of, made, mix
from conftest import Ran
from versions_to_compare import counted

from quimbot_data.diff import diff, sides
from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.errors import IntegrityError, MissingError

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


def test_counts_are_those_of_the_files_for_every_pair(five_versions: Workspace) -> None:
    refs = five_versions.versions()
    assert len(refs) == 5
    held = {ref: {row["dialogue_id"]: row for row in data_of(five_versions, ref).to_dicts()} for ref in refs}
    for a, b in permutations(refs, 2):
        found = diff(five_versions, a, b, examples=0)
        left, right = held[a], held[b]
        both = left.keys() & right.keys()
        rewritten = {key for key in both if left[key] | {"split": ""} != right[key] | {"split": ""}}
        moved = {key for key in both - rewritten if left[key]["split"] != right[key]["split"]}
        expected = {
            "removed": [left[key] for key in left.keys() - right.keys()],
            "added": [right[key] for key in right.keys() - left.keys()],
            "changed": [left[key] for key in rewritten],
            "moved": [left[key] for key in moved],
        }
        for change, rows in expected.items():
            by_source = Counter(row["source"] for row in rows)
            said: Counter[str] = Counter()
            for count in found.counts:
                if count.change == change:
                    said[count.source] += count.dialogues
            assert said == by_source, (str(a), str(b), change)
        assert found.kept == len(both) - len(rewritten) - len(moved)
        assert (found.a.dialogues, found.b.dialogues) == (len(left), len(right))
        assert found.examples == []


def test_a_version_against_itself_is_the_same(five_versions: Workspace, quimbot: Callable[..., Ran]) -> None:
    ref = five_versions.versions()[0]
    found = diff(five_versions, ref, ref)
    assert found.same_rows()
    assert (found.kept, found.recipe, found.shifts) == (30, [], [])
    told = quimbot("diff", ref, ref, "--workspace", five_versions.root)
    assert (told.code, "They are the same" in told.out) == (0, True)


def test_the_same_rows_of_another_recipe_say_so(to_compare: Workspace, quimbot: Callable[..., Ran]) -> None:
    a, b = made(to_compare, mix("old", title="One")), made(to_compare, mix("old", title="Two"))
    told = quimbot("diff", a, b, "--workspace", to_compare.root)
    assert "Both hold the same 45 dialogues" in told.out
    assert "title" in told.out
    assert "Shifts" not in told.out


def test_a_damaged_version_is_named(to_compare: Workspace) -> None:
    a, b = made(to_compare, mix("old")), made(to_compare, mix("old", size=9))
    fates = (to_compare.version(a) / "fates.parquet").rename(to_compare.root / "aside")
    with pytest.raises(IntegrityError, match=rf"The files of {a}.*quimbot verify {a}"):
        diff(to_compare, a, b)
    fates.rename(to_compare.version(a) / "fates.parquet")
    for path in (to_compare.version(b) / "data").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match=rf"The files of {b}.*quimbot verify {b}"):
        diff(to_compare, a, b)
    with pytest.raises(MissingError, match="Built here"):
        diff(to_compare, a, Ref("nowhere", "1.0.0"))


def test_versions_of_two_schemas_are_compared_by_what_they_share(to_compare: Workspace) -> None:
    a, b = made(to_compare, mix("old")), made(to_compare, mix("old", size=30))
    manifest = to_compare.version_manifest(a)
    for entry in manifest.data:
        pl.read_parquet(to_compare.version(a) / entry.path).drop("quality").write_parquet(
            to_compare.version(a) / entry.path
        )
    write_model(
        to_compare.version(a) / "manifest.json",
        manifest.model_copy(update={"identity": manifest.identity.model_copy(update={"schema_version": 0})}),
    )
    found = diff(to_compare, a, b)
    assert (found.a.schema_version, found.b.schema_version) == (0, 1)
    assert counted(found) == {("removed", "recipe: size"): 15}


def test_no_text_is_read_but_that_of_examples(five_versions: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(path: Path, columns: list[str]) -> pl.DataFrame:
        read.extend(columns)
        return pl.read_parquet(path, columns=columns)

    monkeypatch.setattr(sides, "read_parquet", watched)
    diff(five_versions, five_versions.versions()[0], five_versions.versions()[1], examples=0)
    assert "content_hash" in read
    assert "messages" not in read
