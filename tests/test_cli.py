"""The command line: workspaces, exit codes, JSON for machines, one line for errors."""

import json
import subprocess
import sys
from importlib import metadata

import click
import pytest
import typer
from conftest import RECIPE, REF, corpus_bytes, files_below
from raw_rows import write_lines

from quimbot_data.cli import app
from quimbot_data.recipes import recipe_names, recipe_text
from quimbot_data.sample import sample_dialogues
from quimbot_data.workspace import Workspace

COMMANDS = sorted(click.Group.list_commands(typer.main.get_command(app), None))
SCRIPT = "from quimbot_data.cli import main; main()"


def process(*arguments, **options):
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(quimbot, command):
    for flag in ("--help", "-h"):
        ran = quimbot(command, flag)
        assert ran.code == 0
        assert f" {command} [OPTIONS]" in ran.out
        assert "--workspace" in ran.out


def test_the_version_of_the_package(quimbot):
    ran = quimbot("--version")
    assert (ran.code, ran.out) == (0, f"quimbot-data {metadata.version('quimbot-data')}\n")


def test_usage_errors_exit_2(quimbot):
    for arguments in (
        ["nonsense"],
        ["build", "demo"],
        ["ingest"],
        ["show"],
        ["versions", "--colour"],
        ["build", "--threads", "0"],
    ):
        ran = quimbot(*arguments)
        assert ran.code == 2, arguments
        assert "Traceback" not in ran.err


def test_the_workspace_before_and_after_the_command_and_by_environment(quimbot, built, tmp_path, monkeypatch):
    def names(*arguments: object) -> list[str]:
        return [row["version"] for row in json.loads(quimbot(*arguments).out)]

    found = ["small@1.0.0"]
    assert names("--workspace", built.root, "versions", "--json") == found
    assert names("versions", "--json", "--workspace", built.root) == found
    assert names("-w", tmp_path, "versions", "--json", "-w", built.root) == found
    monkeypatch.setenv("QUIMBOT_WORKSPACE", str(built.root))
    assert names("versions", "--json") == found
    assert names("versions", "--json", "--workspace", tmp_path) == []
    monkeypatch.delenv("QUIMBOT_WORKSPACE")
    monkeypatch.chdir(tmp_path)
    assert names("versions", "--json") == []
    assert list(tmp_path.iterdir()) == [], "looking makes no folder"


def test_versions_json(quimbot, built):
    manifest = built.version_manifest(REF)
    (row,) = json.loads(quimbot("versions", "--json", "--workspace", built.root).out)
    assert row == {
        "version": "small@1.0.0",
        "id": manifest.id,
        "dialogues": 360,
        "tokens": sum(split.tokens for split in manifest.identity.splits.values()),
        "profile": "private",
        "created": manifest.record["created"],
    }


def test_show_json_is_the_manifest(quimbot, built):
    shown = json.loads(quimbot("show", REF, "--json", "--workspace", built.root).out)
    assert shown == json.loads((built.version(REF) / "manifest.json").read_text("utf-8"))


def test_show_prints_mix_splits_ledger_and_files(quimbot, built):
    ran = quimbot("show", REF, "--workspace", built.root)
    assert ran.code == 0
    manifest = built.version_manifest(REF)
    for word in ("Mix", "Splits", "Ledger", "Files", manifest.id[:16], "over-budget", "fates.parquet", str(built.root)):
        assert word in ran.out


def test_sources_json(quimbot, built):
    rows = {row["source"]: row for row in json.loads(quimbot("sources", "--json", "--workspace", built.root).out)}
    assert set(rows) >= {"lmsys", "magpie", "openhermes", "waxal", "toefl11", "prosocial", "synthetic", "tutor"}
    assert (rows["tutor"]["dialogues"], rows["tutor"]["family"]) == (57, "pedagogical")
    assert (rows["toefl11"]["dialogues"], rows["toefl11"]["learner_texts"]) == (0, 10)
    assert (rows["synthetic"]["dialogues"], rows["synthetic"]["revision"]) == (None, None)
    assert rows["lmsys"]["terms"] == ["no-transfer"]
    assert quimbot("sources", "--workspace", built.root).code == 0


def test_sample_json_is_drawn_alike_every_time(quimbot, built):
    def drawn(*more: object) -> list[dict]:
        ran = quimbot("sample", REF, "-n", "7", "--json", *more, "--workspace", built.root)
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    rows = drawn()
    assert len(rows) == 7
    assert {"dialogue_id", "messages", "split", "source", "license", "n_tokens"} <= set(rows[0])
    assert drawn() == rows
    assert drawn("--seed", "1") != rows
    assert {row["source"] for row in drawn("--where", "source = 'waxal'")} == {"waxal"}
    assert drawn("--where", "false") == []


def test_sample_prints_text_as_it_is(quimbot, tmp_path, plain_card):
    text = "Is :smile: a face, and [bold]this[/bold] bold? \\[no]"
    rows = [
        {
            "id": str(n),
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": f"{n}: {text}"}],
        }
        for n in range(3)
    ]
    write_lines(rows, tmp_path / "rows.jsonl")
    part = '[[components]]\nfamily = "pedagogical"\nweight = 1\nsources = ["tutor"]\n'
    (tmp_path / "r.toml").write_text(f'name = "plain"\nunit = "dialogues"\nsize = 3\n{part}', "utf-8")
    place = ("--workspace", tmp_path / "w")
    options = ("--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0")
    assert quimbot("ingest", "messages", tmp_path / "rows.jsonl", *options, *place).code == 0
    assert quimbot("build", tmp_path / "r.toml", "--version", "0.1.0", *place).code == 0
    assert quimbot("sample", "plain@0.1.0", *place).out.count(text) == 6


def test_build_reports_and_repeats(quimbot, copied, tmp_path, plain_card):
    (tmp_path / "small.toml").write_text(RECIPE, "utf-8")
    place = ("--workspace", copied.root)
    again = quimbot("build", tmp_path / "small.toml", "--version", "1.0.0", *place)
    assert again.code == 0
    assert "nothing was changed" in again.out
    assert again.err == ""
    told = json.loads(quimbot("build", tmp_path / "small.toml", "--version", "1.0.1", "--json", *place).out)
    assert told["written"] is True
    assert told["id"] == copied.version_manifest(REF).id
    assert told["path"] == str(copied.root / "versions" / "small" / "1.0.1")
    (tmp_path / "small.toml").write_text(RECIPE.replace("size = 360", "size = 300"), "utf-8")
    quimbot("build", tmp_path / "small.toml", "--version", "1.0.0", *place).told("immutable", "higher number")


def test_verify_exits_1_and_says_what_differs(quimbot, copied):
    place = ("--workspace", copied.root)
    ran = quimbot("verify", REF, *place)
    assert ran.code == 0
    assert "small@1.0.0 is whole" in ran.out
    told = json.loads(quimbot("verify", REF, "--json", *place).out)
    assert told == {
        "version": "small@1.0.0",
        "id": copied.version_manifest(REF).id,
        "rebuilt_id": None,
        "problems": [],
        "changed_inputs": [],
    }
    rebuilt = quimbot("verify", REF, "--rebuild", *place)
    assert rebuilt.code == 0
    assert "same id" in rebuilt.out
    (copied.version(REF) / "README.md").write_text("changed", "utf-8")
    ran = quimbot("verify", REF, *place)
    assert (ran.code, ran.out) == (1, "README.md: its bytes differ from what was written\n")
    told = quimbot("verify", REF, "--json", *place)
    assert told.code == 1
    assert json.loads(told.out)["problems"] == ["README.md: its bytes differ from what was written"]


def test_verify_rebuild_tells_of_a_changed_corpus(quimbot, copied, raw):
    place = ("--workspace", copied.root)
    assert quimbot("ingest", "lmsys", raw["lmsys"], "--revision", "another", *place).code == 0
    ran = quimbot("verify", REF, "--rebuild", *place)
    assert ran.code == 1
    assert "the corpus of lmsys has changed since" in ran.err


def test_a_manifest_that_is_no_manifest(quimbot, copied):
    (copied.version(REF) / "manifest.json").write_text('{"id": 7}', "utf-8")
    for command in ("show", "verify"):
        quimbot(command, REF, "--workspace", copied.root).told("manifest.json is not a valid VersionManifest")
    quimbot("versions", "--workspace", copied.root).told("manifest.json is not a valid VersionManifest")
    (copied.corpus("lmsys") / "manifest.json").write_text("{", "utf-8")
    quimbot("sources", "--workspace", copied.root).told("not a valid CorpusManifest")


def test_why_json(quimbot, built):
    place = ("--workspace", built.root)
    told = json.loads(quimbot("why", "tutor:t1", "--json", *place).out)
    assert set(told) == {"dialogue_id", "row", "origins", "fates", "rejected", "takedowns"}
    assert told["row"]["dialogue_id"] == told["dialogue_id"] == "tutor:t1"
    (fate,) = told["fates"]
    named = {"version", "fate", "step", "reason", "detail", "split", "cluster_id", "u", "threshold", "copies"}
    assert set(fate) == named
    assert quimbot("why", "tutor:t1", "--version", REF, *place).out.startswith("tutor:t1\n")
    quimbot("why", "tutor:none", *place).told("Nothing in")
    quimbot("why", "tutor:t1", "--version", "x", *place).told("NAME@X.Y.Z")


def test_ingest_prints_its_ledger(quimbot, raw, tmp_path):
    ran = quimbot("ingest", "waxal", raw["waxal"], "--workspace", tmp_path)
    assert ran.code == 0
    for words in (("raw rows", "120"), ("no-transcript", "10"), ("too-short", "6"), ("dialogues", "104")):
        assert any(all(word in line for word in words) for line in ran.out.splitlines()), (words, ran.out)


def test_ingest_reads_the_workspace_s_raw_folder(quimbot, raw, tmp_path):
    workspace = Workspace(tmp_path)
    workspace.raw("prosocial").parent.mkdir(parents=True)
    workspace.raw("prosocial").symlink_to(raw["prosocial"])
    told = json.loads(quimbot("ingest", "prosocial", "--json", "--workspace", tmp_path).out)
    assert told["source"] == "prosocial"
    assert {row["path"] for row in told["record"]["raw_files"]} == set(files_below(raw["prosocial"]))


# Of real processes


def test_the_process_exits_as_promised(built, tmp_path):
    done = process("show", "none@1.0.0", "--workspace", built.root)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    debug = process("--debug", "show", "none@1.0.0", "--workspace", built.root)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize("form", ["--json", pytest.param("", marks=pytest.mark.slow)])
def test_a_closed_pipe_is_no_error(built, form):
    sample = f'"{sys.executable}" -c "{SCRIPT}" sample {REF} -n 300 {form} --workspace "{built.root}"'
    command = f'{sample} | head -c 10; exit "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.returncode == 0


def test_output_is_utf_8_whatever_the_locale(built):
    done = process("sources", "--workspace", built.root, env={"LC_ALL": "C", "PATH": "/usr/bin"})
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_recipes_are_listed_and_printed(quimbot):
    listed = json.loads(quimbot("recipes", "--json").out)
    assert [row["recipe"] for row in listed] == recipe_names()
    assert quimbot("recipes", "demo").out.strip() == recipe_text("demo").strip()
    quimbot("recipes", "dema").told("There is no recipe", "demo")


def test_terms_follow_from_the_licence(quimbot, tmp_path):
    row = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n")
    facts = ("ingest", "messages", tmp_path / "mine.jsonl", "--as", "mine", "--family", "safety", "-w", tmp_path / "w")
    assert "terms: attribution, non-commercial" in quimbot(*facts, "--license", "CC-BY-NC-4.0").out
    assert "terms: unknown" in quimbot(*facts, "--license", "LicenseRef-mine").out
    quimbot(*facts, "--license", "Apache").told("no licence", "SPDX")


def test_an_ingest_that_keeps_nothing_replaces_nothing(quimbot, copied, tmp_path):
    before = corpus_bytes(copied, "magpie")
    (tmp_path / "x.jsonl").write_text('{"uuid": "a", "instruction": "Go on:", "conversations": null}\n')
    ran = quimbot("-w", copied.root, "ingest", "magpie", tmp_path / "x.jsonl")
    ran.told("none was kept", "The corpus of magpie is as it was.")
    assert corpus_bytes(copied, "magpie") == before
    fresh = quimbot("-w", tmp_path / "fresh", "ingest", "magpie", tmp_path / "x.jsonl")
    fresh.told("Nothing was kept", "FROM rejected")
    assert "refused" in fresh.out
    told = quimbot("-w", tmp_path / "fresh", "ingest", "magpie", tmp_path / "x.jsonl", "--json")
    assert (told.code, json.loads(told.out)["dialogues"]) == (1, [])


@pytest.mark.slow
def test_verify_says_which_corpus_has_changed(quimbot, copied, tmp_path):
    row = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row) + "\n")
    facts = ("--as", "tutor", "--family", "pedagogical", "--license", "CC-BY-4.0")
    assert quimbot("-w", copied.root, "ingest", "messages", tmp_path / "mine.jsonl", *facts).code == 0
    ran = quimbot("-w", copied.root, "verify", "small@1.0.0", "--rebuild")
    assert ran.code == 1
    assert "the corpus of tutor has changed" in ran.err
    (gone,) = (row["dialogue_id"] for row in sample_dialogues(copied, REF, 1, where="source = 'tutor'", seed=0))
    assert "no longer holds it" in quimbot("-w", copied.root, "why", gone).out
