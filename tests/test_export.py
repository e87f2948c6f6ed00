"""Exports: what other tools read is what the version holds, less what is named; a folder is whole or not there."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from conftest import files_below
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st
from property_tests import tried
from versions_to_share import MIXED, OPEN, version_rows

from quimbot_data.commands import interchange
from quimbot_data.export import Choice, export
from quimbot_data.export.formats import FORMATS, Format
from quimbot_data.export.register import exports_of, strike
from quimbot_data.takedowns.request import add
from quimbot_data.takedowns.resolve import Request
from quimbot_data.transfer import total
from quimbot_data.workspace import Ref, Workspace, write_model
from schemas.clearance import Clearances
from schemas.errors import ExistsError, IntegrityError, LockedError, MissingError, TermsError, WorkspaceError
from schemas.manifest import SPLITS
from schemas.recipe import Profile

Messages = list[dict[str, Any]]


def exported_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all files, in the order of splits, with their split."""
    rows = []
    for split in SPLITS:
        if (folder / f"{split}.parquet").exists():
            rows += [row | {"split": split} for row in pl.read_parquet(folder / f"{split}.parquet").to_dicts()]
        if (folder / f"{split}.jsonl").exists():
            lines = (folder / f"{split}.jsonl").read_bytes().split(b"\n")
            assert lines.pop() == b""
            rows += [json.loads(line) | {"split": split} for line in lines]
    return rows


def plain(messages: Messages) -> Messages:
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def expected(workspace: Workspace, ref: Ref, *, untrained: bool) -> list[dict[str, Any]]:
    """What a version's rows are in JSON: with those that hold untrained messages, or without."""
    return [row for row in version_rows(workspace, ref).to_dicts() if untrained or not row["untrained"]]


# What is in the files


def test_there_are_untrained_messages_to_care_about(shared):
    by_source = Counter(row["source"] for row in expected(shared, MIXED, untrained=True) if row["untrained"])
    assert min(by_source["lmsys"], by_source["openhermes"]) > 2


def test_messages_are_those_of_the_version_without_untrained_dialogues(to_share):
    exported, folder, new = export(to_share, MIXED, Choice("messages-jsonl", "private"))
    kept = expected(to_share, MIXED, untrained=False)
    found = exported_rows(folder)
    assert new
    assert [row["messages"] for row in found] == [row["messages"] for row in kept]
    for name in ("dialogue_id", "split", "source", "language", "license"):
        assert [row[name] for row in found] == [row[name] for row in kept]
    everything = expected(to_share, MIXED, untrained=True)
    left_out = Counter(row["source"] for row in everything if row["untrained"])
    assert exported.left_out == {"untrained": dict(left_out)}
    assert exported.dialogues + total(exported.left_out) == len(everything)
    assert folder == to_share.root / "exports" / "mixed-1.0.0-messages-jsonl"


def test_carried_untrained_messages_are_marked_one_by_one(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("messages-jsonl", "private", carry_untrained=True))
    rows = expected(to_share, MIXED, untrained=True)
    found = exported_rows(folder)
    assert (exported.left_out, exported.untrained) == ({}, "carried")
    assert [plain(row["messages"]) for row in found] == [row["messages"] for row in rows]
    for row, wanted in zip(found, rows, strict=True):
        marks = [
            message["role"] == "assistant" and place not in wanted["untrained"]
            for place, message in enumerate(wanted["messages"])
        ]
        assert [message["train"] for message in row["messages"]] == marks


def test_parquet_is_the_version_with_every_column(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "private"))
    assert (exported.left_out, exported.untrained) == ({}, "column")
    parts = [pl.read_parquet(folder / f"{split}.parquet").with_columns(split=pl.lit(split)) for split in SPLITS]
    assert pl.concat(parts).equals(version_rows(to_share, MIXED))


def test_the_record_names_what_is_there(to_share):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "research"))
    manifest = to_share.version_manifest(MIXED)
    record = json.loads((folder / "export.json").read_text("utf-8"))
    assert record == exported.model_dump(mode="json")
    assert (record["ref"], record["id"], record["profile"]) == ("mixed@1.0.0", manifest.id, "research")
    for entry in record["files"]:
        data = (folder / entry["path"]).read_bytes()
        assert entry["bytes"] == len(data)
    assert [line["source"] for line in record["attribution"]] == ["lmsys", "tutor"], "openhermes is left out"
    assert record["attribution"][0]["text"] == manifest.sources["lmsys"]["attribution"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bytes_every_time(to_share, tmp_path, form):
    choice = Choice(form, "private")
    _, first, _ = export(to_share, OPEN, choice)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in first.iterdir()}
    _, again, new = export(to_share, OPEN, choice)
    assert (again, new) == (first, False)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in again.iterdir()} == before
    _, elsewhere, new = export(to_share, OPEN, choice, output=tmp_path / "deep" / "elsewhere")
    assert new
    assert files_below(elsewhere) == files_below(first)
    assert sorted(path.name for path in (to_share.root / "exports").iterdir()) == [first.name]
    assert sorted(path.name for path in elsewhere.parent.iterdir()) == ["elsewhere"]


def test_only_the_splits_that_are_asked_for_and_none_without_rows(to_share):
    _, folder, _ = export(to_share, OPEN, Choice("parquet", "private", splits=("test",)))
    assert {path.name for path in folder.iterdir()} == {"test.parquet", "export.json"}
    shutil.rmtree(folder)
    manifest = to_share.version_manifest(OPEN)
    data = [entry for entry in manifest.data if not entry.path.startswith("data/validation")]
    path = to_share.version(OPEN) / "manifest.json"
    path.write_text(manifest.model_copy(update={"data": data}).model_dump_json(), "utf-8")
    _, folder, _ = export(to_share, OPEN, Choice("sharegpt-jsonl", "private"))
    assert {path.name for path in folder.iterdir()} == {"train.jsonl", "test.jsonl", "dataset_info.json", "export.json"}
    assert set(json.loads((folder / "dataset_info.json").read_text())) == {"open-1.0.0-train", "open-1.0.0-test"}


# Terms


def test_a_profile_leaves_out_what_it_forbids(to_share):
    rows = version_rows(to_share, MIXED)
    for profile, barred in (("research", {"unknown"}), ("redistributable", {"unknown", "no-transfer"})):
        exported, folder, _ = export(to_share, MIXED, Choice("parquet", profile), replace=True)
        found = {row["dialogue_id"] for row in exported_rows(folder)}
        assert found == {row["dialogue_id"] for row in rows.to_dicts() if not barred & set(row["terms"])}
        assert set(exported.left_out) == barred
        assert exported.dialogues + total(exported.left_out) == rows.height


def test_what_the_workspace_has_cleared_enters_research(to_share):
    record = {"source": "openhermes", "license": "LicenseRef-OpenHermes-2.5", "by": "Ada", "reason": "A mail."}
    cleared = Clearances.model_validate_json(json.dumps({"cleared": [record | {"on": "2026-05-01"}]}))
    write_model(to_share.root / "clearances.json", cleared)
    assert export(to_share, MIXED, Choice("parquet", "research"))[0].left_out == {}
    commercial, _, _ = export(to_share, MIXED, Choice("parquet", "commercial"), replace=True)
    assert set(commercial.left_out) == {"unknown"}


@pytest.mark.parametrize("profile", get_args(Profile))
def test_rows_under_no_transfer_never_leave_the_workspace(to_share, tmp_path, profile):
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", profile), output=tmp_path / "out")
    assert not [row for row in exported_rows(folder) if "no-transfer" in row["terms"]]
    assert exported.left_out["no-transfer"] == {"lmsys": 40}
    assert not any(b"hill number" in data for data in files_below(folder).values())


def test_a_link_out_of_the_workspace_is_outside(to_share, tmp_path):
    (tmp_path / "away").mkdir()
    (to_share.root / "exports").symlink_to(tmp_path / "away")
    exported, folder, _ = export(to_share, MIXED, Choice("parquet", "private"))
    assert folder == tmp_path / "away" / "mixed-1.0.0-parquet"
    assert set(exported.left_out) == {"no-transfer"}


def test_nothing_left_is_an_error_and_leaves_nothing(to_share, tmp_path):
    manifest = to_share.version_manifest(OPEN)
    path = to_share.version(OPEN) / "manifest.json"
    path.write_text(manifest.model_copy(update={"data": []}).model_dump_json(), "utf-8")
    with pytest.raises(TermsError, match="these splits hold no dialogue"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".writing-*"))


# The folder


def test_another_export_is_replaced_only_if_asked(to_share, tmp_path):
    place = tmp_path / "out"
    export(to_share, OPEN, Choice("parquet", "private"), output=place)
    before = files_below(place)
    with pytest.raises(ExistsError, match=r"another export.*--replace"):
        export(to_share, MIXED, Choice("messages-jsonl", "private"), output=place)
    assert files_below(place) == before
    export(to_share, MIXED, Choice("messages-jsonl", "private"), output=place, replace=True)
    assert {path.name for path in place.iterdir()} == {*(f"{split}.jsonl" for split in SPLITS), "export.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "out"]


@pytest.mark.parametrize("replace", [False, True])
def test_files_that_no_export_wrote_are_never_replaced(to_share, tmp_path, replace):
    place = tmp_path / "out"
    export(to_share, OPEN, Choice("parquet", "private"), output=place)
    (place / "notes.txt").write_text("mine")
    before = files_below(place)
    with pytest.raises(ExistsError, match=r"notes\.txt, which no export wrote"):
        export(to_share, OPEN, Choice("sharegpt-jsonl", "private"), output=place, replace=replace)
    with pytest.raises(ExistsError, match="no export wrote"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path, replace=replace)
    assert files_below(place) == before


def test_an_empty_folder_is_filled(to_share, tmp_path):
    (tmp_path / "out").mkdir()
    assert export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")[2]


@pytest.mark.parametrize("inside", ["", ".", "exports", "versions/open/1.0.0/x", "corpus", "x", "exports/../raw/x"])
def test_among_what_the_workspace_keeps_there_is_no_place(to_share, inside):
    before = files_below(to_share.root)
    with pytest.raises(WorkspaceError, match=r"in the workspace, among what it keeps\. Name a folder below"):
        export(to_share, OPEN, Choice("parquet", "private"), output=to_share.root / inside)
    assert files_below(to_share.root) == before


def test_what_is_no_folder(to_share, tmp_path):
    (tmp_path / "file").write_text("x")
    for output in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("n" * 300), tmp_path / "a\udcffb"):
        with pytest.raises(WorkspaceError):
            export(to_share, OPEN, Choice("parquet", "private"), output=output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "file"]


def test_damaged_data_is_not_exported(to_share, tmp_path):
    entry = to_share.version_manifest(OPEN).data[0]
    path = to_share.version(OPEN) / entry.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"not the file that its manifest states.*quimbot verify"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    path.unlink()
    with pytest.raises(IntegrityError, match="not the file"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_broke_off_leaves_nothing_and_can_be_made_again(to_share, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("quimbot_data.export.write_model", full)
        with pytest.raises(WorkspaceError, match="Free some space"):
            export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets"]
    (tmp_path / ".writing-out" / "new").mkdir(parents=True)  # of a run that was killed
    (tmp_path / ".writing-out" / "new" / "train.parquet").write_text("half")
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "out"]


KILLED = """
import os, sys
from pathlib import Path
from quimbot_data.export import Choice, export
from quimbot_data.workspace import Ref, Workspace
root, out, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def hook(event, arguments):
    global left
    if event in ("os.rename", "os.mkdir", "os.rmdir") and str(out.parent) in str(arguments[0]):
        if left == 0:
            os._exit(9)
        left -= 1
sys.addaudithook(hook)
export(Workspace(root), Ref("open", "1.0.0"), Choice("messages-jsonl", "private"), output=out, replace=True)
"""


@pytest.mark.slow
def test_killed_before_any_step_the_folder_is_whole_or_not_there(to_share, tmp_path):
    out = tmp_path / "place" / "out"
    export(to_share, OPEN, Choice("messages-jsonl", "private"), output=tmp_path / "new")
    for point in range(30):
        export(to_share, OPEN, Choice("parquet", "private"), output=out, replace=True)
        before = files_below(out)
        command = [sys.executable, "-c", KILLED, str(to_share.root), str(out), str(point)]
        code = subprocess.run(command, timeout=60, check=False).returncode
        assert files_below(out) in (before, {}, files_below(tmp_path / "new")), point
        if code == 0:
            break
        assert code == 9
    assert point > 6
    assert files_below(out.parent) == {f"out/{path}": data for path, data in files_below(tmp_path / "new").items()}


def test_one_export_at_a_time_and_none_while_the_version_is_written(to_share):
    for held in (("export",), ("version", "open", "1.0.0")):
        with to_share.lock(*held), pytest.raises(LockedError):
            export(to_share, OPEN, Choice("parquet", "private"))


def test_no_such_version(to_share):
    with pytest.raises(MissingError, match="holds no version"):
        export(to_share, Ref("open", "9.9.9"), Choice("parquet", "private"))
    assert not (to_share.root / "exports").exists()
    assert not (to_share.root / ".locks").exists()


# Read back by the tools


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """`datasets.load_dataset` offline, from a fresh cache."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()

    def read(kind: str, folder: Path, suffix: str) -> dict[str, Any]:
        files = {split: str(folder / f"{split}.{suffix}") for split in SPLITS}
        return datasets.load_dataset(kind, data_files=files, cache_dir=str(tmp_path / "cache"))

    return read


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("form", ["messages-jsonl", "parquet"])
def test_datasets_reads_the_rows_of_the_version(to_share, reading, form):
    _, folder, _ = export(to_share, MIXED, Choice(form, "private"))
    found = reading(*(("parquet", folder, "parquet") if form == "parquet" else ("json", folder, "jsonl")))
    rows = expected(to_share, MIXED, untrained=form == "parquet")
    assert {split: part.num_rows for split, part in found.items()} == Counter(row["split"] for row in rows)
    read_back = [row for split in SPLITS for row in found[split]]
    assert [plain(row["messages"]) for row in read_back] == [row["messages"] for row in rows]
    if form == "parquet":
        assert [row["untrained"] for row in read_back] == [row["untrained"] for row in rows]


TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"


def rendered(messages: Messages) -> str:
    return "".join(f"<|{message['role']}|>{message['content']}<|end|>" for message in messages)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_trl_takes_the_messages_as_a_conversation(to_share, reading):
    pytest.importorskip("trl")
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl.data_utils import apply_chat_template, is_conversational

    _, folder, _ = export(to_share, MIXED, Choice("messages-jsonl", "private"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), chat_template=TEMPLATE)
    found = reading("json", folder, "jsonl")
    texts = []
    for split in SPLITS:
        for row in found[split]:
            assert is_conversational(row)
            texts.append(apply_chat_template({"messages": row["messages"]}, tokenizer)["text"])
    assert texts == [rendered(row["messages"]) for row in expected(to_share, MIXED, untrained=False)]


def learnt_by_axolotl(row: dict[str, Any], *, roles_to_train: tuple[str, ...]) -> list[bool]:
    """Which messages Axolotl learns under `message_field_training: train`: `ChatTemplateStrategy` in short.

    A message's own mark decides; where there is none, its role does.
    """
    marks = [message.get("train") for message in row["messages"]]
    roles = [message["role"] in roles_to_train for message in row["messages"]]
    return [role if mark is None else mark for mark, role in zip(marks, roles, strict=True)]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("roles_to_train", [(), ("assistant",)])
def test_axolotl_learns_what_is_trained_and_nothing_else(to_share, reading, roles_to_train):
    _, folder, _ = export(to_share, MIXED, Choice("messages-jsonl", "private", carry_untrained=True))
    found = reading("json", folder, "jsonl")
    rows = expected(to_share, MIXED, untrained=True)
    learnt = [
        [place for place, trained in enumerate(learnt_by_axolotl(row, roles_to_train=roles_to_train)) if trained]
        for split in SPLITS
        for row in found[split]
    ]
    assert learnt == [
        [p for p, m in enumerate(row["messages"]) if m["role"] == "assistant" and p not in row["untrained"]]
        for row in rows
    ]


def read_by_llama_factory(folder: Path, row: dict[str, Any], name: str) -> tuple[str, Messages]:
    """A row as LLaMA-Factory aligns it: system text, then user and assistant in turn.

    Written from its `data/README.md` and the checks of its sharegpt converter: roles at odd and even places, an even
    number of messages.
    """
    described = json.loads((folder / "dataset_info.json").read_text("utf-8"))[name]
    assert described["formatting"] == "sharegpt"
    columns, tags = described["columns"], described["tags"]
    roles = {tags["user_tag"]: "user", tags["assistant_tag"]: "assistant"}
    messages = [
        {"role": roles[turn[tags["role_tag"]]], "content": turn[tags["content_tag"]]}
        for turn in row[columns["messages"]]
    ]
    assert [message["role"] for message in messages] == ["user", "assistant"] * (len(messages) // 2)
    return row[columns["system"]], messages


@pytest.mark.filterwarnings("default")
def test_llama_factory_aligns_the_messages_of_the_version(to_share, reading):
    exported, folder, _ = export(to_share, MIXED, Choice("sharegpt-jsonl", "private"))
    found = reading("json", folder, "jsonl")
    read_back = []
    for split in SPLITS:
        for row in found[split]:
            system, messages = read_by_llama_factory(folder, row, f"mixed-1.0.0-{split}")
            read_back.append([{"role": "system", "content": system}] * bool(system) + messages)
    rows = expected(to_share, MIXED, untrained=False)
    assert read_back == [row["messages"] for row in rows]
    assert any(messages[0]["role"] == "system" for messages in read_back)
    assert set(exported.left_out) == {"untrained"}


# The command


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


# The register


def ids(workspace: Workspace, *refs: Ref) -> set[str]:
    return {workspace.version_manifest(ref).id for ref in refs}


def known(workspace: Workspace, *refs: Ref) -> list[tuple[str, bool, bool]]:
    """Folder, whether outside, whether gone of the exports of some versions."""
    return [(held.folder, held.outside, held.gone) for held in exports_of(workspace, ids(workspace, *refs))]


def test_every_export_is_registered_wherever_it_lies(to_share, tmp_path):
    assert exports_of(to_share, ids(to_share, OPEN)) == []
    export(to_share, OPEN, Choice("parquet", "private"))
    export(to_share, OPEN, Choice("sharegpt-jsonl", "private"), output=tmp_path / "out")
    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "other")
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, False), ("exports/open-1.0.0-parquet", False, False)]
    outside, _ = exports_of(to_share, ids(to_share, OPEN))
    assert (outside.version, outside.format) == ("open@1.0.0", "sharegpt-jsonl")
    assert outside.when
    assert len(known(to_share, OPEN, MIXED)) == 3


def test_an_export_that_is_there_already_is_registered_once(to_share, tmp_path):
    register, choice = to_share.root / "exports.json", Choice("parquet", "private")
    export(to_share, OPEN, choice, output=tmp_path / "out")
    before = register.read_bytes()
    assert export(to_share, OPEN, choice, output=tmp_path / "out")[2] is False
    assert register.read_bytes() == before
    register.unlink()  # as it was before there was one
    assert export(to_share, OPEN, choice, output=tmp_path / "out")[2] is False
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, False)]


def test_what_gave_way_to_another_export_is_no_longer_told(to_share, tmp_path):
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    before = (to_share.root / "exports.json").read_bytes()
    with pytest.raises(ExistsError):
        export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out")
    assert (to_share.root / "exports.json").read_bytes() == before
    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([], [(str(tmp_path / "out"), True, False)])
    shutil.rmtree(tmp_path / "out")
    assert known(to_share, OPEN) == []


def test_folders_that_are_gone_may_have_been_moved_and_are_told(to_share, tmp_path):
    _, within, _ = export(to_share, OPEN, Choice("parquet", "private"))
    export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    shutil.rmtree(within)
    (tmp_path / "out").rename(tmp_path / "moved")
    assert known(to_share, OPEN) == [(str(tmp_path / "out"), True, True), ("exports/open-1.0.0-parquet", False, True)]
    strike(to_share, ["exports/open-1.0.0-parquet"])  # as a purge does
    (told,) = exports_of(to_share, ids(to_share, OPEN))
    assert told.written() == f"open@1.0.0 was exported to {tmp_path / 'out'}"


def test_a_workspace_that_is_moved_takes_its_exports_along(to_share, tmp_path):
    export(to_share, OPEN, Choice("parquet", "private"), output=to_share.root / "exports" / "a" / "b")
    to_share.root.rename(tmp_path / "elsewhere")
    moved = Workspace(tmp_path / "elsewhere")
    assert known(moved, OPEN) == [("exports/a/b", False, False)]
    (moved.root / "exports.json").unlink()  # of before there was one
    assert known(moved, OPEN) == [("exports/a/b", False, False)]


def test_an_export_is_registered_before_it_is_there(to_share, tmp_path, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out")
    monkeypatch.setattr("quimbot_data.export.strike_replaced", killed)
    with pytest.raises(KeyboardInterrupt):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([(str(tmp_path / "out"), True, False)], [])
    monkeypatch.setattr("quimbot_data.export.settle", killed)
    with pytest.raises(KeyboardInterrupt):
        export(to_share, MIXED, Choice("parquet", "private"), output=tmp_path / "out", replace=True)
    assert (known(to_share, OPEN), known(to_share, MIXED)) == ([(str(tmp_path / "out"), True, False)], [])


def test_a_broken_register_is_not_written_over(to_share, tmp_path):
    (to_share.root / "exports.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"exports\.json.*Restore it"):
        export(to_share, OPEN, Choice("parquet", "private"), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (to_share.root / "exports.json").read_text() == "{}"


# Takedowns


def test_a_version_that_holds_what_was_taken_down_is_not_copied(to_share, tmp_path):
    row = expected(to_share, OPEN, untrained=True)[0]["dialogue_id"]
    entry = add(to_share, Request([row], [], []), "its author asked", "Ana").entry
    for output in (None, tmp_path / "elsewhere"):
        with pytest.raises(TermsError, match=rf"{entry.id} \d.*quimbot build open@1.0.0 --version 1.0.1"):
            export(to_share, OPEN, Choice("messages-jsonl", "private"), output=output)
    assert not (to_share.root / "exports").exists()
    assert not (tmp_path / "elsewhere").exists()
