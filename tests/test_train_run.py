"""Training runs: what they leave and how they go on, on a tiny random model that reads bytes."""

import json
import resource
import shutil
from typing import Any

import polars as pl
import pytest
import torch
from conftest import files_below
from run_records import write_run_record
from tiny_qwen import tiny_qwen3
from tiny_run import tiny_llama, tokenizer
from tiny_training import STEPS, no_weights, refused, tiny_recipe
from versions_to_share import LAX, MIXED, OPEN

from quimbot_data.sql.query import run_query
from quimbot_data.workspace import RUN, SEEN, Workspace, this_host
from schemas.errors import (
    ExistsError,
    IntegrityError,
    MissingError,
    ModelError,
    WorkspaceError,
)
from schemas.run import ADAPTER_WEIGHTS
from schemas.training import Parent, TrainRecipe
from train import plan as plans
from train import run as runs
from train.checkpoints import checkpoint_at, checkpoints, last_checkpoint
from train.models import load_base
from train.recipe import changed
from train.record import read_metrics, read_record
from train.run import run

#: TRL and transformers use names of each other's that they renamed.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    """They take half of a tiny run's time; `trained` has them."""
    monkeypatch.setattr(runs, "write_plots", lambda *_: None)


@pytest.fixture(autouse=True)
def tokenizer_made_once(monkeypatch):
    monkeypatch.setattr(plans, "load_tokenizer", lambda name, *_: tokenizer(name))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return tiny_recipe(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="module")
def trained(shared, recipe, tmp_path_factory):
    """A workspace with the run `tiny`, trained without a break. Not to be written to."""
    place = Workspace(tmp_path_factory.mktemp("trained"))
    shutil.copytree(shared.root / "versions", place.root / "versions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "load_tokenizer", lambda name, *_: tokenizer(name))
        record, new = run(place, recipe)
    assert (record.status, new) == ("finished", True)
    return place


@pytest.fixture
def place(trained, tmp_path):
    """Its versions and tokens, without the run."""
    for name in ("versions", "cache"):
        shutil.copytree(trained.root / name, tmp_path / "datasets" / name)
    return Workspace(tmp_path / "datasets")


@pytest.fixture
def with_run(trained, tmp_path):
    shutil.copytree(trained.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


def weights(workspace: Workspace, name: str = "tiny") -> bytes:
    return (workspace.run(name) / "adapter" / ADAPTER_WEIGHTS).read_bytes()


class Killed(BaseException):
    """Nothing in the product catches it."""


def kill_at(step: int) -> Any:
    def listen(prepared: object, line: dict[str, Any]) -> None:
        if line["step"] == step:
            raise Killed

    return listen


# What a run leaves


def test_the_record_says_what_the_run_was_made_of(trained, recipe, shared):
    record = read_record(trained, "tiny")
    manifest = shared.version_manifest(MIXED)
    assert (record.version, record.version_id, record.recipe) == (str(MIXED), manifest.id, recipe)
    assert (record.steps, record.steps_done, record.stage, record.precision) == (STEPS, STEPS, 1, "fp32")
    assert [(link.kind, link.name) for link in record.lineage] == [("base", recipe.base)]
    assert record.packages.keys() >= {"torch", "transformers", "peft", "trl"}
    metrics = read_metrics(trained.run("tiny"))
    assert [line["step"] for line in metrics] == list(range(1, STEPS + 1))
    assert record.final_loss == metrics[-1]["loss"]
    seen = pl.read_parquet(trained.run("tiny") / SEEN)
    assert sum(line["tokens"] for line in metrics) == sum(family.tokens for family in record.families)
    assert sum(sum(line["trained"].values()) for line in metrics) == sum(f.trained_tokens for f in record.families)
    assert sum(family.dialogues for family in record.families) == seen["times"].sum()
    assert seen["first_step"].max() == STEPS


def test_the_folder_holds_what_is_needed_to_use_the_adapter(trained, recipe):
    from peft import PeftModel
    from transformers import AutoTokenizer

    folder, record = trained.run("tiny"), read_record(trained, "tiny")
    assert {"adapter_config.json", ADAPTER_WEIGHTS, "tokenizer.json", "chat_template.jinja"} <= record.adapter.keys()
    tokenizer = AutoTokenizer.from_pretrained(folder / "adapter")
    assert tokenizer.eos_token == "<|endoftext|>"
    model = PeftModel.from_pretrained(load_base(recipe.base), folder / "adapter")
    moved = [weight.abs().sum().item() for name, weight in model.named_parameters() if "lora_B" in name]
    assert min(moved) > 0, "every layer has learnt"
    assert {path.name for path in (folder / "plots").iterdir()} == {"loss.png", "loss_by_family.png"}


def test_the_log_of_runs_is_made_of_their_records(trained, recipe):
    record, text = read_record(trained, "tiny"), (trained.root / "runs" / "RUNLOG.md").read_text()
    assert text.count("\n## ") == 1
    for told in ("## tiny", f"finished, {STEPS} of {STEPS} steps", str(MIXED), recipe.base, record.version_id[:16]):
        assert told in text
    for family in record.families:
        row = f"| {family.family} | {family.dialogues:,} | {family.tokens:,} | {family.trained_tokens:,} |"
        assert row in text


def test_a_finished_run_is_left_as_it_is(with_run, recipe):
    before = files_below(with_run.run("tiny"))
    record, new = run(with_run, recipe)
    assert (record.status, new) == ("finished", False)
    assert files_below(with_run.run("tiny")) == before


@pytest.mark.slow
def test_marks_are_trained_and_no_other_embedding(place, recipe, tmp_path):
    from peft import PeftModel

    base = str(tiny_qwen3(tmp_path / "untied", tied=False))
    run(place, changed(recipe, {"base": base, "adapter.train_marks": True, "optimization.steps": 2}))
    before = load_base(base).get_input_embeddings().weight
    after = PeftModel.from_pretrained(load_base(base), place.run("tiny") / "adapter").merge_and_unload()
    moved = (after.get_input_embeddings().weight - before).abs().sum(1).nonzero().flatten()
    assert moved.tolist() == [151_644, 151_645]


# Going on


@pytest.mark.parametrize("amid_a_checkpoint", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_that_was_killed_ends_as_one_that_was_not(place, recipe, trained, monkeypatch, amid_a_checkpoint):
    """Between two checkpoints, then in the middle of one: what was written of it before its seal does not count."""
    with pytest.raises(Killed):
        run(place, recipe, listen=kill_at(3))
    folder = place.run("tiny")
    assert read_record(place, "tiny").status == "interrupted"
    assert f"interrupted, 3 of {STEPS} steps" in (place.root / "runs" / "RUNLOG.md").read_text()
    assert [path.name for path in checkpoints(folder / "checkpoints")] == ["checkpoint-2"]
    if amid_a_checkpoint:
        with monkeypatch.context() as patch:
            patch.setattr("train.sft.seal", lambda _: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                run(place, recipe)
        assert checkpoint_at(folder / "checkpoints", 4).exists()
        assert last_checkpoint(folder / "checkpoints") == checkpoint_at(folder / "checkpoints", 2)
    record, new = run(place, recipe)
    assert (record.status, new, record.steps_done) == ("finished", True, STEPS)
    assert weights(place) == weights(trained)
    assert record.adapter == read_record(trained, "tiny").adapter
    timeless = [
        [{key: value for key, value in line.items() if key != "seconds"} for line in read_metrics(each.run("tiny"))]
        for each in (place, trained)
    ]
    assert timeless[0] == timeless[1]
    assert (folder / SEEN).read_bytes() == (trained.run("tiny") / SEEN).read_bytes()


def test_a_run_whose_process_is_gone_is_interrupted_whatever_it_said_last(tmp_path, quimbot):
    place = Workspace(tmp_path)
    assert "holds no training run" in quimbot("train", "runs", "-w", place.root).out
    write_run_record(place, "here", status="running", host=this_host(), steps_done=3, steps=9)
    write_run_record(place, "there", status="running", host="another machine")

    def statuses():
        told = {row["run"]: row["status"] for row in json.loads(quimbot("train", "runs", "--json", "-w", tmp_path).out)}
        rows = run_query(place, "SELECT run, status FROM runs").to_pylist()
        assert told == {row["run"]: row["status"] for row in rows}
        return told

    assert statuses() == {"here": "interrupted", "there": "running"}
    with place.lock("runs", "here"):
        assert statuses() == {"here": "running", "there": "running"}
        quimbot("eval", "here", "-w", tmp_path).told("is running at step 3 of 9", "Wait for it")
    quimbot("eval", "here", "-w", tmp_path).told("is interrupted at step 3 of 9", "`quimbot train run`")


def test_a_loss_that_is_no_number_ends_the_run(place, recipe):
    with pytest.raises(ModelError, match=r"loss of step \d is nan.*learning_rate"):
        run(place, changed(recipe, {"optimization.learning_rate": 1e30}), "wild")
    assert read_record(place, "wild").status == "interrupted"


def test_memory_that_does_not_suffice_is_no_defect(place, recipe, monkeypatch):
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(runs, "_train", exhausted)
    with pytest.raises(ModelError, match=r"is exhausted.*rows_at_once"):
        run(place, recipe, "large")


@pytest.mark.slow
def test_a_run_that_was_killed_after_its_last_step_only_has_to_end(place, recipe, trained, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(runs, "publish_adapter", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run(place, recipe)
        assert not (place.run("tiny") / "adapter").exists()
    monkeypatch.setattr(runs, "starting_model", no_weights)
    record, _ = run(place, recipe)
    assert record.status == "finished"
    assert weights(place) == weights(trained)


@pytest.mark.slow
def test_a_checkpoint_with_a_flipped_byte_is_passed_over(place, recipe, trained):
    with pytest.raises(Killed):
        run(place, recipe, listen=kill_at(5))
    newest = checkpoint_at(place.run("tiny") / "checkpoints", 4)
    data = bytearray((newest / "optimizer.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "optimizer.pt").write_bytes(data)
    assert last_checkpoint(newest.parent) == checkpoint_at(newest.parent, 2)
    run(place, recipe)
    assert weights(place) == weights(trained)


@pytest.mark.slow
def test_a_full_disk_at_a_checkpoint_leaves_those_before(place, recipe, trained):
    """`RLIMIT_FSIZE`: the system refuses to write, in the middle of the second checkpoint."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(prepared: object, line: dict[str, Any]) -> None:
        if line["step"] == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))

    try:
        with pytest.raises(WorkspaceError, match="cannot be written"):
            run(place, recipe, listen=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    folder = place.run("tiny") / "checkpoints"
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["checkpoint-2"]
    assert last_checkpoint(folder) == checkpoint_at(folder, 2)
    run(place, recipe)
    assert weights(place) == weights(trained)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": str(LAX)}, "version, another recipe"),
        ({"optimization.learning_rate": 3e-3}, "another recipe."),
        ({"seed": 3}, "recipe, another packed rows"),
    ],
)
def test_a_run_folder_is_not_gone_on_with_by_another(with_run, recipe, change, told):
    before = files_below(with_run.run("tiny"))
    refused(with_run, changed(recipe, change), ExistsError, "runs/tiny was begun with another", told, "--name")
    assert files_below(with_run.run("tiny")) == before


def test_nor_with_another_template_or_base(with_run, recipe, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(runs, "template_hash", lambda: "0" * 64)
        refused(with_run, recipe, ExistsError, "another chat template")
    other = tiny_llama(tmp_path / "other", seed=1)
    refused(with_run, changed(recipe, {"base": str(other)}), ExistsError, "recipe", "base model")


# Stage 2


def second(recipe: TrainRecipe, mode: str) -> TrainRecipe:
    stage = {"name": "second", "stage": 2, "parent": Parent(run="tiny", mode=mode), "version": str(OPEN)}
    return recipe.model_copy(update=stage | {"optimization": recipe.optimization.model_copy(update={"steps": 2})})


@pytest.mark.parametrize("mode", ["continue", pytest.param("merge", marks=pytest.mark.slow)])
def test_stage_2_starts_where_stage_1_ended(with_run, recipe, mode, monkeypatch):
    from peft import PeftModel

    with pytest.raises(Killed):
        run(with_run, second(recipe, mode), listen=kill_at(1))
    record, _ = run(with_run, second(recipe, mode))
    parent, manifest = read_record(with_run, "tiny"), with_run.version_manifest(MIXED)
    assert [(link.kind, link.name, link.mode) for link in record.lineage] == [
        ("base", recipe.base, None),
        ("run", "tiny", mode),
    ]
    assert (record.lineage[1].version_id, record.lineage[1].adapter) == (manifest.id, parent.adapter[ADAPTER_WEIGHTS])
    assert record.version_id == with_run.version_manifest(OPEN).id != manifest.id
    assert (with_run.run("second") / "base").exists() == (mode == "merge")
    # The first step's loss is that of stage 1's model, not of the bare base.
    ids = torch.tensor([tokenizer(recipe.base).encode("I goed to lesson 3. You went?")])
    first = PeftModel.from_pretrained(load_base(recipe.base), with_run.run("tiny") / "adapter").eval()
    if mode == "merge":
        merged = load_base(str(with_run.run("second") / "base"))
        with torch.no_grad():
            assert torch.allclose(merged(ids).logits, first(ids).logits, atol=1e-5)
    else:
        names = {name for name, _ in first.named_parameters() if "lora" in name}
        then = PeftModel.from_pretrained(load_base(recipe.base), with_run.run("second") / "adapter")
        moved = dict(then.named_parameters())
        far = [
            (moved[name] - weight).norm() / weight.norm() for name, weight in first.named_parameters() if name in names
        ]
        assert 0 < max(far) < 1, "it moved on from there, not from elsewhere"


def test_an_adapter_of_another_base(with_run, recipe, tmp_path):
    other = tiny_llama(tmp_path / "other", seed=1)
    wanted = changed(second(recipe, "continue"), {"base": str(other)})
    refused(with_run, wanted, ModelError, "adapter of tiny belongs to another base", str(other), name="second")


def test_a_parent_that_is_missing_unfinished_or_changed(with_run, recipe):
    wanted = second(recipe, "merge")
    refused(with_run, changed(wanted, {"parent.run": "none"}), MissingError, "no training run 'none'", "tiny", name="s")
    adapter = with_run.run("tiny") / "adapter" / ADAPTER_WEIGHTS
    data = bytearray(adapter.read_bytes())
    data[-1] ^= 1
    adapter.write_bytes(data)
    refused(with_run, wanted, IntegrityError, "is not the file that the run tiny wrote", name="second")
    path = with_run.run("tiny") / RUN
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "interrupted", "steps_done": 3}))
    refused(with_run, wanted, MissingError, "tiny is interrupted at step 3 of 5", name="second")


# The command line


def test_the_commands(trained, recipe, tmp_path, quimbot):
    file = tmp_path / "tiny.toml"
    file.write_text(
        f'name = "tiny"\nversion = "{MIXED}"\nbase = "{recipe.base}"\ncheckpoint_every = 2\n'
        "[adapter]\nrank = 2\nalpha = 4\ndropout = 0.1\n"
        f"[optimization]\nsteps = {STEPS}\nbatch = 2\nmax_length = 256\nlearning_rate = 1e-2\nwarmup = 0\n"
    )
    at = ("--workspace", trained.root)
    told = quimbot("train", "plan", file, *at)
    assert told.code == 0
    assert "5 steps of 2 rows of 256 tokens, filled to" in told.out
    for family in ("conversation", "instruction", "pedagogical"):
        assert family in told.out
    assert "runs/tiny is there already: nothing is left to do." in told.err
    assert "an export 0.00 GB more" in told.out
    made = json.loads(quimbot("train", "plan", file, "--json", *at).out)
    assert made["estimate"]["trained_parameters"] == 2048
    assert made["estimate"]["parameters"] == sum(weight.numel() for weight in load_base(recipe.base).parameters())
    ran = quimbot("train", "run", file, *at)
    assert "runs/tiny is finished already; nothing was changed." in ran.out
    assert json.loads(quimbot("train", "run", file, "--json", *at).out)["trained"] is False
    quimbot("train", "run", file, "--steps", 9, *at).told("begun with another recipe")
    assert "begun with another recipe: give" in quimbot("train", "plan", file, "--steps", 9, *at).err
    quimbot("train", "run", file, "--base", "nowhere", "--name", "other", *at).told("no base model 'nowhere'")
    assert "stage1-linguist" in quimbot("train", "recipes").out
    assert quimbot("train", "recipes", "spanish-l2").out.startswith("# 2026")
    rows = json.loads(quimbot("sql", "SELECT run, version, profile, steps_done FROM runs", "--format", "json", *at).out)
    assert rows == [{"run": "tiny", "version": str(MIXED), "profile": "private", "steps_done": STEPS}]
