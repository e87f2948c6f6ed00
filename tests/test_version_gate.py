"""The number of a version says what changed: PATCH, MINOR or MAJOR against the version below, and no other number."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chats import data_of, ids_of, ingested, made, mix, talk, talks, unlike
from conftest import Ran, files_below
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.build import build
from quimbot_data.diff import diff
from quimbot_data.takedowns.purge import purge
from quimbot_data.takedowns.report import report
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.version_gate import following, level, summary
from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.diff import ChangeCount, Diff, KeyChange, VersionSide
from schemas.errors import ExistsError, VersionNumberError
from schemas.recipe import Recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]

WIDE = {"validation": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A corpus of 40 talks. Not to be written to."""
    workspace = Workspace(tmp_path_factory.mktemp("gate") / "datasets")
    ingested(workspace, "old", talks(range(40)))
    return workspace


@pytest.fixture
def own(corpora: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(corpora.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


def published(workspace: Workspace) -> dict[str, bytes]:
    return files_below(workspace.root / "versions")


def assert_due(workspace: Workspace, asked: Recipe, due: str, *others: str, words: str = "") -> None:
    """Hold that one number is due: others are refused with its name and leave nothing, and that one is taken."""
    before = published(workspace)
    for number in others:
        with pytest.raises(VersionNumberError) as refused:
            build(workspace, asked, Ref(asked.name, number))
        assert f"--version {due}`" in str(refused.value)
        assert words in str(refused.value)
        assert published(workspace) == before
        assert files_below(workspace.root / ".scratch") == {}
        assert not workspace.version(Ref(asked.name, number)).exists()
    manifest, new = build(workspace, asked, Ref(asked.name, due))
    assert (manifest.version, new) == (due, True)


@pytest.mark.parametrize("number", ["0.1.0", "7.3.2"])
def test_the_first_version_may_have_any_number(own: Workspace, number: str) -> None:
    assert build(own, mix("old"), Ref("chats", number))[0].version == number


def test_documents_alone_are_a_patch(own: Workspace) -> None:
    build(own, mix("old"), Ref("chats", "1.4.2"))
    titled, words = mix("old", title="Another title"), "is a PATCH version: the same rows"
    assert_due(own, titled, "1.4.3", "1.4.4", "1.5.0", "2.0.0", words=words)


def test_rows_only_added_are_a_minor_version(own: Workspace) -> None:
    build(own, mix("old", size=20), Ref("chats", "1.4.2"))
    words = "is a MINOR version: 5 added (5 recipe: size)"
    assert_due(own, mix("old", size=25), "1.5.0", "1.4.3", "1.6.0", "2.0.0", words=words)


def test_rows_removed_are_a_major_version(own: Workspace) -> None:
    build(own, mix("old", size=20), Ref("chats", "1.4.2"))
    words = "is a MAJOR version: 5 removed (5 recipe: size)"
    assert_due(own, mix("old", size=15), "2.0.0", "1.4.3", "1.5.0", words=words)


def test_rows_that_move_or_change_are_a_major_version(own: Workspace) -> None:
    build(own, mix("old", splits=WIDE), Ref("chats", "1.0.0"))
    assert_due(own, mix("old", splits={"validation": 0.0, "test": 0.2}), "2.0.0", "1.1.0", words="moved")
    ingested(own, "old", [row | {"lang": "de"} for row in talks(range(40))])
    assert_due(own, mix("old", splits={"validation": 0.0, "test": 0.2}), "3.0.0", "2.0.1", words="changed")


def test_another_schema_is_a_major_version(own: Workspace) -> None:
    ref = made(own, mix("old"))
    manifest = own.version_manifest(ref)
    older = manifest.model_copy(
        update={"identity": manifest.identity.model_copy(update={"schema_version": 0}), "id": "0" * 64}
    )
    write_model(own.version(ref) / "manifest.json", older)
    assert_due(own, mix("old"), "2.0.0", "1.0.1", words="schema version 0 became 1")


# Takedowns


@pytest.fixture
def take(own: Workspace) -> Callable[[set[str]], None]:
    """Take some dialogues down."""
    return lambda ids: add(own, Request(sorted(ids), [], []), "its author asked", "Ana") and None


def test_a_takedown_with_what_takes_its_place_is_a_patch(own: Workspace, take: Callable[[set[str]], None]) -> None:
    a = made(own, mix("old", size=20))
    gone = set(sorted(ids_of(own, a))[:3])
    take(gone)
    words = "is a PATCH version: 3 removed (3 takedown: taken-down), 3 added (3 over budget)"
    assert_due(own, mix("old", size=20), "1.0.1", "1.1.0", "2.0.0", words=words)
    found = diff(own, a, Ref("chats", "1.0.1"))
    assert (found.rows("removed"), found.rows("added"), found.kept) == (3, 3, 17)
    assert gone.isdisjoint(ids_of(own, Ref("chats", "1.0.1")))


def test_a_takedown_that_nothing_replaces_is_a_patch(own: Workspace, take: Callable[[set[str]], None]) -> None:
    a = made(own, mix("old"))
    take(set(sorted(ids_of(own, a))[:3]))
    assert_due(own, mix("old"), "1.0.1", "1.1.0", words="3 removed (3 takedown: taken-down)")


def test_rows_that_no_corpus_holds_any_more_count_as_taken_down(
    own: Workspace, take: Callable[[set[str]], None]
) -> None:
    gone = sorted(ids_of(own, made(own, mix("old", size=20))))[:3]
    take(set(gone))
    ingested(own, "old", [row for row in talks(range(40)) if f"old:{row['id']}" not in gone])
    words = "is a PATCH version: 3 removed (3 takedown: purged), 3 added (3 over budget)"
    assert_due(own, mix("old", size=20), "1.0.1", "2.0.0", words=words)


@pytest.mark.slow
def test_a_takedown_beside_other_changes_counts_as_those_do(own: Workspace, take: Callable[[set[str]], None]) -> None:
    a = made(own, mix("old", size=20))
    take(set(sorted(ids_of(own, a))[:3]))
    assert_due(own, mix("old", size=25), "1.1.0", "1.0.1", "2.0.0")
    assert_due(own, mix("old", size=15), "2.0.0", "1.1.1", "1.2.0")


@pytest.mark.slow
def test_a_takedown_of_repeats_is_a_patch(own: Workspace, take: Callable[[set[str]], None]) -> None:
    part = {"family": "conversation", "weight": 1.0, "sources": ["old"], "max_epochs": 3}
    asked = mix(components=[part], size=50)
    a = made(own, asked)
    take(set(sorted(ids_of(own, a))[:3]))
    assert_due(own, asked, "1.0.1", "1.1.0", "2.0.0", words="epochs")
    assert data_of(own, Ref("chats", "1.0.1")).height == 50


def test_rows_that_no_longer_fit_after_a_takedown_follow_from_it(own: Workspace) -> None:
    """The size is what every component can fill: where the binding one loses rows, the other must give up some."""
    ingested(own, "other", [talk(f"o{number}", f"Ask {number}.", unlike(number + 1000)) for number in range(20)])
    parts = [{"family": "conversation", "weight": 0.5, "sources": [source]} for source in ("old", "other")]
    asked = mix(components=parts)
    taken = [name for name in sorted(ids_of(own, made(own, asked))) if name.startswith("other:")][:3]
    add(own, Request(taken, [], []), "its author asked", "Ana")
    words = "is a PATCH version: 6 removed (3 over budget, 3 takedown: taken-down)"
    assert_due(own, asked, "1.0.1", "1.1.0", "2.0.0", words=words)


@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_number_that_was_withdrawn_does_not_come_back(own: Workspace, all_of_them: bool) -> None:
    asked, noted = mix("old", size=20), []
    for _ in range(2):
        last = made(own, asked)
        request = Request(sorted(ids_of(own, last))[:2], [], [])
        noted.append(add(own, request, "its author asked", "Ana").entry)
    assert last == Ref("chats", "1.0.1")
    purge(own, noted if all_of_them else noted[-1:])
    assert last in own.withdrawn()
    with pytest.raises(ExistsError, match="withdrawn"):
        build(own, asked, last)
    assert made(own, asked) == Ref("chats", "1.0.2")


def test_the_patch_of_a_version_that_was_withdrawn_is_due_by_its_recipe(own: Workspace) -> None:
    """What `show` advises of a withdrawn version is taken, also where an older one stands, whose rows are others."""
    made(own, mix("old", size=10))
    ref = made(own, mix("old", size=20))
    assert ref == Ref("chats", "1.1.0")
    fresh = sorted(ids_of(own, ref) - ids_of(own, Ref("chats", "1.0.0")))[:2]
    purge(own, [add(own, Request(fresh, [], []), "its author asked", "Ana").entry])
    assert own.withdrawn() == [ref]
    with pytest.raises(VersionNumberError, match=r"Its number is 1\.2\.0"):  # another recipe is held to what stands
        build(own, mix("old", size=21), Ref("chats", "1.1.1"))
    assert made(own, own.recipe_of(ref)) == Ref("chats", "1.1.1")


@pytest.mark.parametrize("purged", [False, True])
def test_next_of_a_version_that_was_taken_from_is_the_patch_that_the_report_names(
    own: Workspace, quimbot: Callable[..., Ran], purged: bool
) -> None:
    for size in (20, 25, 15):  # 1.0.0, 1.1.0 and 2.0.0
        made(own, mix("old", size=size))
    gone = sorted(ids_of(own, Ref("chats", "1.1.0")) - ids_of(own, Ref("chats", "1.0.0")))[:2]
    entry = add(own, Request(gone, [], []), "its author asked", "Ana").entry
    (holder,) = report(own, [entry])[0].holders
    assert holder.command == "quimbot build chats@1.1.0 --version 1.1.1"
    if purged:
        purge(own, [entry])
        assert own.withdrawn() == [Ref("chats", "1.1.0")]
    command = ("build", "chats@1.1.0", "--version", "next", "--json", "--workspace", own.root)
    for written in (True, False):
        ran = json.loads(quimbot(*command).out)
        assert (ran["version"], ran["written"]) == ("1.1.1", written)
    assert build(own, mix("old", size=25), None)[0].version == "2.1.0", "a recipe of its own follows the highest"


def test_next_of_a_version_that_nothing_was_taken_from_follows_the_highest(own: Workspace) -> None:
    for size in (20, 15):  # 1.0.0 and 2.0.0
        made(own, mix("old", size=size))
    first = Ref("chats", "1.0.0")
    assert build(own, mix("old", size=20), None, named_by=first)[0].version == "2.1.0"


# What stands already


def test_the_same_under_the_same_number_changes_nothing(own: Workspace) -> None:
    ref = made(own, mix("old", size=20))
    made(own, mix("old", size=25))
    before = published(own)
    for number in (ref, Ref("chats", "1.1.0")):
        size = 20 if number == ref else 25
        assert build(own, mix("old", size=size), number)[1] is False
    with pytest.raises(ExistsError, match="immutable"):
        build(own, mix("old", size=25), ref)
    assert published(own) == before


def test_next_is_the_number_that_is_due_and_what_stands_is_not_built_again(own: Workspace) -> None:
    asked = {"1.0.0": 20, "1.1.0": 25, "2.0.0": 15, "2.1.0": 16}
    for number, size in asked.items():
        for new in (True, False):
            manifest, written = build(own, mix("old", size=size), None)
            assert (manifest.version, written) == (number, new)
    assert [ref.version for ref in own.versions()] == list(asked)


def test_the_version_below_is_the_highest_lower_one(own: Workspace) -> None:
    for size in (20, 25, 15):  # 1.0.0, 1.1.0 and 2.0.0
        made(own, mix("old", size=size))
    assert_due(own, mix("old", size=25, title="Patched"), "1.1.1", "1.1.2", "1.2.0")
    assert_due(own, mix("old", size=26), "1.2.0", "1.1.2")
    with pytest.raises(VersionNumberError, match=r"2\.0\.0 is taken: .*`--version next`, which follows chats@2\.0\.0"):
        build(own, mix("old", size=10), Ref("chats", "1.3.0"))
    assert build(own, mix("old", size=10), None)[0].version == "3.0.0"


def test_a_number_below_all_that_stand_is_refused(own: Workspace) -> None:
    made(own, mix("old", size=20))
    words = "chats@0.9.0 lies below all versions of chats, so nothing can tell what changed. Against chats@1.0.0, it is"
    assert_due(own, mix("old", size=25), "1.1.0", "0.9.0", words=words)


@pytest.mark.slow
def test_another_name_has_numbers_of_its_own(own: Workspace) -> None:
    made(own, mix("old", size=20))
    assert made(own, mix("old", size=5, name="chats-2")) == Ref("chats-2", "1.0.0")


def test_the_command_names_the_number_and_takes_next(own: Workspace, quimbot: Callable[..., Ran]) -> None:
    path = own.root / "chats.toml"
    text = 'name = "chats"\nunit = "dialogues"\nsize = {}\n[[components]]\nfamily = "conversation"\nweight = 1.0\n'
    place = ("--workspace", own.root)
    path.write_text(text.format(20) + 'sources = ["old"]\n')
    first = quimbot("build", path, "--version", "next", "--json", *place)
    assert (json.loads(first.out)["version"], json.loads(first.out)["written"]) == ("1.0.0", True)
    path.write_text(text.format(15) + 'sources = ["old"]\n')
    ran = quimbot("build", path, "--version", "1.0.1", *place)
    assert ran.code == 1
    (error,) = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    for word in ("MAJOR", "5 removed", "recipe: size", "quimbot build RECIPE --version 2.0.0"):
        assert word in error
    again = quimbot("build", path, "--version", "next", *place)
    assert again.code == 0
    assert str(own.version(Ref("chats", "2.0.0"))) in again.out
    told = quimbot("build", path, "--version", "next", *place)
    assert "holds this version already; nothing was changed" in told.out
    for wrong in ("Next", "1.0", "v1.0.0", "1.0.0-beta"):
        quimbot("build", path, "--version", wrong, *place).told("NAME@X.Y.Z")


# The rule alone

SIDE = {"version": "x@1.0.0", "id": "0" * 64, "schema_version": 1, "dialogues": 9, "tokens": 9}
PATCHING = [("removed", "takedown")]
ADDING = [("added", "recipe"), ("added", "source revision"), ("added", "filter"), ("added", "over budget")]
BREAKING = [("removed", "filter"), ("removed", "over budget"), ("changed", "recipe"), ("moved", "takedown")]
counts = st.lists(st.sampled_from([*PATCHING, *ADDING, *BREAKING]), max_size=5)


def differing(rows: list[tuple[str, str]], *keys: str) -> Diff:
    side = VersionSide.model_validate(SIDE)
    made_of: list[Any] = [
        ChangeCount.model_validate({"change": c, "reason": r, "detail": "", "source": "s", "dialogues": 1})
        for c, r in rows
    ]
    recipe = [KeyChange(key=key, a="1", b="2") for key in keys]
    rest: dict[str, Any] = {"sources": [], "handovers": [], "shifts": [], "examples": []}
    return Diff(a=side, b=side, kept=1, counts=made_of, recipe=recipe, **rest)


@given(counts, st.booleans())
def test_the_level_is_that_of_the_worst_change(rows: list[tuple[str, str]], other_recipe: bool) -> None:
    found = level(differing(rows, *(["size"] if other_recipe else ["title"])))
    follows = ("removed", "takedown") in rows and not other_recipe
    own = set(rows) - ({("added", "over budget"), ("removed", "over budget")} if follows else set())
    if own & set(BREAKING):
        assert found == "MAJOR"
    elif own & set(ADDING):
        assert found == "MINOR"
    else:
        assert found == "PATCH"


@given(st.tuples(*[st.integers(0, 10**6)] * 3))
def test_the_number_that_follows_is_the_next_of_its_level(parts: tuple[int, ...]) -> None:
    ref = Ref("x", ".".join(map(str, parts)))
    numbers = [following(ref, step).order()[1] for step in ("PATCH", "MINOR", "MAJOR")]
    assert numbers == [(*parts[:2], parts[2] + 1), (parts[0], parts[1] + 1, 0), (parts[0] + 1, 0, 0)]
    assert parts < numbers[0] < numbers[1] < numbers[2]


def test_a_summary_names_a_few_reasons_and_how_many_more() -> None:
    rows = [("removed", f"reason {n}") for n in range(7)]
    assert summary(differing(rows)) == (
        "7 removed (1 reason 0, 1 reason 1, 1 reason 2, 1 reason 3, and 3 other reasons)"
    )
    assert summary(differing([])) == "the same rows"
