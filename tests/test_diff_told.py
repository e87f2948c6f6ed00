"""What `diff` shows: examples, the command's forms, and a version's `CHANGES.md`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from chats import ingested, made, mix, talk, talks
from conftest import RECIPE, Ran, files_below
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.diff import diff, examples
from quimbot_data.diff.changes import changes
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, read_model
from schemas.diff import Diff
from schemas.manifest import Documents
from schemas.recipe import parse_recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]


# Examples and forms


def test_examples_are_the_first_by_id_and_the_same_every_time(five_versions: Workspace) -> None:
    a, b = five_versions.versions()[:2]
    found = diff(five_versions, a, b, examples=2)
    assert found == diff(five_versions, a, b, examples=2, threads=1)
    whole = diff(five_versions, a, b, examples=10**6).examples
    assert len(whole) == sum(count.dialogues for count in found.counts)
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in whole:
        groups.setdefault((row.change, row.reason, row.detail, row.source), []).append(row.dialogue_id)
    shown: dict[tuple[str, ...], list[str]] = {}
    for row in found.examples:
        shown.setdefault((row.change, row.reason, row.detail, row.source), []).append(row.dialogue_id)
    assert shown == {key: sorted(ids)[:2] for key, ids in groups.items()}


def test_an_opening_is_cut_and_on_one_line() -> None:
    assert examples._said({"role": "user", "content": " a\n\nb "}) == "user: a b"
    assert len(examples._said({"role": "user", "content": "word " * 99})) == len("user: ") + 160


@pytest.mark.parametrize(("terms", "quoted"), [((), True), (("no-transfer", "unknown"), False)])
def test_a_document_quotes_what_may_travel_and_what_its_version_holds(
    to_compare: Workspace, terms: tuple[str, ...], quoted: bool
) -> None:
    ingested(to_compare, "third", talks(range(200, 230)), "CC0-1.0", *terms)
    a, b = made(to_compare, mix("old", size=20)), made(to_compare, mix("third", size=20))
    found = diff(to_compare, a, b)
    text = changes(found)
    texts = {row.change: row.text for row in found.examples}
    assert "Say 2" in str(texts["added"])
    assert texts["removed"]
    added, removed = ([row for row in found.examples if row.change == change] for change in ("added", "removed"))
    assert all(row.dialogue_id in text for row in (*added, *removed))
    assert all((str(row.text).splitlines()[1] in text) == quoted for row in added)
    assert not any(str(row.text).splitlines()[1] in text for row in removed)


def test_text_in_a_document_is_no_markup(to_compare: Workspace) -> None:
    ingested(to_compare, "third", [talk("a|b`c", "<b>Hi</b> | *there*", "# No heading\n> [no](link)")])
    a, b = made(to_compare, mix("old", size=20)), made(to_compare, mix("old", "third"))
    text = changes(diff(to_compare, a, b, examples=99))
    assert r"\<b\>Hi\</b\> \| \*there\*" in text
    assert r"\[no\](link)" in text
    assert "`third:a\\|b'c`" in text


def test_the_command_prints_a_table_json_or_markdown(
    five_versions: Workspace, quimbot: Callable[..., Ran], tmp_path: Path
) -> None:
    a, b = five_versions.versions()[:2]
    place = ("--workspace", five_versions.root)
    table = quimbot("diff", a, b, *place)
    assert (table.code, table.err) == (0, "")
    for word in ("Rows", "recipe: sources", "kept", "Recipe", "Sources", "Shifts", "Examples", str(a), str(b)):
        assert word in table.out, word
    told = quimbot("diff", a, b, "--json", *place)
    assert Diff.model_validate_json(told.out) == diff(five_versions, a, b)
    text = quimbot("diff", a, b, "--markdown", *place).out
    assert text == changes(diff(five_versions, a, b))
    assert quimbot("-w", five_versions.root, "diff", a, b, "--output", tmp_path / "new" / "CHANGES.md").code == 0
    assert (tmp_path / "new" / "CHANGES.md").read_text("utf-8") == text
    assert quimbot("diff", a, b, "--json", "--output", tmp_path / "diff.json", *place).code == 0
    assert json.loads((tmp_path / "diff.json").read_text("utf-8")) == json.loads(told.out)
    inside = five_versions.version(b) / "x.md"
    quimbot("diff", a, b, "--output", inside, *place).told("lies among the files")
    assert not inside.exists()


refs = st.one_of(
    st.sampled_from(["chats@1.0.0", "chats@2.0.0", "chats@9.9.9", "other@1.0.0", "chats", "chats@1.0", "../x@1.0.0"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40),
    st.from_regex(r"[a-z]{1,5}@[0-9]{1,5000}\.[0-9]\.[0-9]", fullmatch=True),
)


@given(
    refs, refs, st.lists(st.sampled_from(["--json", "--markdown", "--examples=0", "--examples=-1", "--x"]), max_size=2)
)
@example("chats@" + "9" * 5000 + ".0.0", "chats@1.0.0", [])
@example("chats@1.0.٣", "chats@1.0.0", [])
@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_there_is_an_answer_and_nothing_is_written(
    five_versions: Workspace, quimbot: Callable[..., Ran], a: str, b: str, options: list[str]
) -> None:
    before = sorted(path for path in five_versions.root.parent.rglob("*"))
    ran = quimbot("--workspace", five_versions.root, "diff", *options, a, b)
    assert ran.code in (0, 1, 2)
    assert "Traceback" not in ran.err
    assert "Unexpected" not in ran.err
    assert sorted(path for path in five_versions.root.parent.rglob("*")) == before


# CHANGES.md


def test_a_version_says_what_changed_since_the_one_below(to_compare: Workspace) -> None:
    a, b = made(to_compare, mix("old", size=20)), made(to_compare, mix("old", size=25))
    first, second = ((to_compare.version(ref) / "CHANGES.md").read_text("utf-8") for ref in (a, b))
    assert "`chats@1.0.0` has no version below it" in first
    assert second == changes(diff(to_compare, a, b))
    assert f"# Changes in {b}" in second
    for ref in (a, b):
        assert "CHANGES.md" in read_model(to_compare.version(ref) / "documents.json", Documents).files
        assert verify(to_compare, ref) == []


def test_changes_are_written_again_as_long_as_the_version_below_is_there(
    to_compare: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "documents", lambda folder, manifest: {})
    a, b = made(to_compare, mix("old", size=20)), made(to_compare, mix("old", size=25))
    folder = to_compare.version(b)
    before = files_below(folder)
    (folder / "CHANGES.md").write_text("Painted over.")
    assert verify(to_compare, b) != []
    card.refresh_documents(to_compare, b)
    assert files_below(folder) == before
    shutil.rmtree(to_compare.version(a))
    card.refresh_documents(to_compare, b)
    assert files_below(folder) == before, "what it said is kept"
    (folder / "CHANGES.md").unlink()
    card.refresh_documents(to_compare, b)
    assert "has no version below it" in (folder / "CHANGES.md").read_text("utf-8")
    assert verify(to_compare, b) == []


@pytest.mark.slow
def test_the_card_links_it_and_takes_it_along(to_compare: Workspace, tmp_path: Path) -> None:
    a = made(to_compare, mix("old", size=20))
    card.refresh_documents(to_compare, a)
    assert "(CHANGES.md)" in (to_compare.version(a) / "README.md").read_text("utf-8")
    path = card.copy_card(to_compare, a, tmp_path / "cards")
    assert "(chats-1.0.0/CHANGES.md)" in path.read_text("utf-8")
    copy = tmp_path / "cards" / "chats-1.0.0" / "CHANGES.md"
    assert copy.read_bytes() == (to_compare.version(a) / "CHANGES.md").read_bytes()


@pytest.mark.slow
def test_building_again_writes_the_same_changes(copied: Workspace, tmp_path: Path) -> None:
    smaller = parse_recipe(RECIPE.replace("size = 360", "size = 300"), "small.toml")
    again = Workspace(tmp_path / "again")
    shutil.copytree(copied.root, again.root)
    for workspace, threads in ((copied, 1), (again, 2)):
        build(workspace, smaller, Ref("small", "2.0.0"), threads=threads)
    one, two = ((workspace.version(Ref("small", "2.0.0")) / "CHANGES.md").read_bytes() for workspace in (copied, again))
    assert one == two
