"""Losses by turn: right against a plain forward pass, whole after a kill, and answered by SQL."""

import json
import shutil

import polars as pl
import pytest
from tiny_run import tiny_llama, tokenizer, with_versions, write_run

from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import IntegrityError, MissingError, ModelError
from schemas.losses import SCORED
from train.models import load_base
from train.render import render_all
from train.score import LOSSES, Scope, losses_of, score

torch = pytest.importorskip("torch")
REF = Ref("small", "1.0.0")
SOME = Scope(("test", "validation"), most=4)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(built, base, tmp_path_factory):
    workspace = with_versions(built, tmp_path_factory.mktemp("trained") / "datasets")
    write_run(workspace, "first", REF, base)
    return workspace


@pytest.fixture
def workspace(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
    shutil.copytree(trained.root, tmp_path / "datasets")
    return Workspace(tmp_path / "datasets")


def plain_loss(model, ids, start, end):
    """Summed loss of tokens [start, end) by the model's own full forward pass over one dialogue."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    return torch.nn.functional.cross_entropy(logits[start - 1 : end - 1], torch.tensor(ids[start:end]), reduction="sum")


def test_losses_are_those_of_a_plain_forward_pass(workspace, base):
    from peft import PeftModel

    losses = losses_of(workspace, score(workspace, REF, "first", SOME), "test")
    rows = pl.read_parquet(workspace.version(REF) / "data" / "test-*.parquet").head(4)
    model = load_base(str(base))
    dialogues = list(zip(rows["messages"].to_list(), rows["untrained"].to_list(), strict=True))
    rendered = list(render_all(dialogues, tokenizer(str(base))))
    expected = {
        (id_, span.position): plain_loss(model, each.ids, span.start, span.end).item()
        for id_, each in zip(rows["dialogue_id"], rendered, strict=True)
        for span in each.spans
    }
    told = {(row["dialogue_id"], row["position"]): row for row in losses.iter_rows(named=True)}
    assert told.keys() == expected.keys()
    assert len({each for each, _ in told}) == 4
    for key, nats in expected.items():
        assert told[key]["base_nll"] == pytest.approx(nats, rel=1e-5)
    adapted = PeftModel.from_pretrained(model, str(workspace.root / "runs/first/adapter")).eval()
    id_, each = next(zip(rows["dialogue_id"], rendered, strict=True))
    span = each.spans[0]
    found = told[id_, span.position]
    nats = plain_loss(adapted, each.ids, span.start, span.end).item()
    assert found["adapter_nll"] == pytest.approx(nats, rel=1e-5)
    assert abs(found["adapter_nll"] - found["base_nll"]) > 0.01
    assert found["n_tokens"] == span.end - span.start
    text = rows["messages"][0][span.position]["content"]
    assert found["n_bytes"] == len(text.encode())


def test_untrained_turns_are_not_scored(workspace):
    losses = losses_of(workspace, score(workspace, REF, "first", Scope(("train",), most=16)), "train")
    rows = pl.read_parquet(workspace.version(REF) / "data" / "train-*.parquet").head(16)
    trained = {
        (row["dialogue_id"], at)
        for row in rows.iter_rows(named=True)
        for at, message in enumerate(row["messages"])
        if message["role"] == "assistant" and at not in row["untrained"]
    }
    assert set(losses.select("dialogue_id", "position").iter_rows()) == trained


def test_the_same_bytes_again_and_no_work_twice(workspace, monkeypatch):
    first = score(workspace, REF, "first", SOME)
    folder = workspace.root / "runs" / "first" / "losses" / "small-1.0.0"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("train.score.load_pair", lambda *_: pytest.fail("everything was scored"))
    assert score(workspace, REF, "first", SOME) == first
    monkeypatch.undo()
    (folder / SCORED).unlink()
    score(workspace, REF, "first", SOME)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_killed_score_goes_on_where_it_was(workspace, monkeypatch):
    whole = score(workspace, REF, "first", SOME)
    folder = workspace.root / "runs" / "first" / "losses" / "small-1.0.0"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    from train import score as module

    published, calls = module._published, []

    def killed(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return published(*arguments)

    monkeypatch.setattr(module, "_published", killed)
    with pytest.raises(KeyboardInterrupt):
        score(workspace, REF, "first", SOME)
    monkeypatch.undo()
    assert len(json.loads((folder / SCORED).read_text())["files"]) == 1
    assert score(workspace, REF, "first", SOME) == whole
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_sql_tells_what_is_hard_and_what_got_worse(workspace, quimbot):
    score(workspace, REF, "first", Scope(("test",), most=10))
    turns = run_query(workspace, "SELECT * FROM losses", version=REF).to_pylist()
    table = losses_of(workspace, score(workspace, REF, "first", Scope(("test",), most=10)), "test")
    assert len(turns) == table.height >= 10
    dialogues = run_query(workspace, "SELECT * FROM dialogue_losses ORDER BY dialogue_id", version=REF).to_pylist()
    expected = (
        table.group_by("dialogue_id").agg(pl.col("base_nll", "adapter_nll", "n_tokens").sum()).sort("dialogue_id")
    )
    for row, want in zip(dialogues, expected.iter_rows(named=True), strict=True):
        assert row["base_loss"] == pytest.approx(want["base_nll"] / want["n_tokens"])
        assert row["change"] == pytest.approx((want["adapter_nll"] - want["base_nll"]) / want["n_tokens"])
    worse = quimbot("-w", workspace.root, "sql", "@losses-worse", "--json", "--param", "most=500")
    got_worse = {row["dialogue_id"] for row in dialogues if row["change"] > 0}
    assert {row["dialogue_id"] for row in json.loads(worse.out)} == got_worse
    assert got_worse
    score(workspace, REF, "first", Scope(("validation",), most=3))
    by_source = json.loads(quimbot("-w", workspace.root, "sql", "@losses-by-source", "--json").out)
    counted = {
        split: sum(row["dialogues"] for row in by_source if row["split"] == split) for split in ("test", "validation")
    }
    assert counted == {"test": len(dialogues), "validation": 3}


def test_what_was_scored_serves_whoever_wants_less_of_it(workspace, monkeypatch):
    whole = score(workspace, REF, "first", Scope(("test", "validation"), most=6))
    six = losses_of(workspace, whole, "test")
    with monkeypatch.context() as patch:
        patch.setattr("train.score.load_pair", lambda *_: pytest.fail("it was scored already"))
        assert score(workspace, REF, "first", Scope(("test",), most=2)) == whole
    first = pl.read_parquet(workspace.version(REF) / "data" / "test-*.parquet")["dialogue_id"][:2].to_list()
    assert losses_of(workspace, whole, "test", 2).equals(six.filter(pl.col("dialogue_id").is_in(first)))
    wider = score(workspace, REF, "first", Scope(("test",), most=8))
    assert wider.most == {"test": 8, "validation": 6}
    assert losses_of(workspace, wider, "test")["dialogue_id"].n_unique() == 8
    assert losses_of(workspace, wider, "validation").equals(losses_of(workspace, whole, "validation"))


def test_progress_ends_at_all_dialogues_also_of_one_that_goes_on(workspace, monkeypatch):
    monkeypatch.setattr("train.score._CHUNK", 3)
    told = []
    score(workspace, REF, "first", Scope(("validation",), most=4))
    score(workspace, REF, "first", SOME, lambda *each: told.append(each))
    assert {step for step, *_ in told} == {"losses of first on small@1.0.0"}
    assert [count for _, *count in told] == [[0], [7, 8], [8, 8]]


@pytest.mark.slow
def test_losses_are_shown_with_the_version_that_was_scored(workspace):
    score(workspace, REF, "first", Scope(("test",), most=3))
    assert run_query(workspace, "SELECT * FROM losses").num_rows > 0
    assert set(run_query(workspace, "SELECT * FROM losses", version=REF).column_names) >= {"split", "change"}
    assert set(LOSSES) - {"base_nll", "adapter_nll"} <= set(run_query(workspace, "SELECT * FROM losses").column_names)


def test_another_base_is_refused_before_anything_is_scored(workspace, tmp_path, base):
    folder = workspace.root / "runs" / "first"
    other = tiny_llama(tmp_path / "other", seed=1)
    record = json.loads((folder / "run.json").read_text())
    record["base"]["name"] = str(other)
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(ModelError, match="is not the base that first was trained on"):
        score(workspace, REF, "first", SOME)
    shutil.rmtree(folder / "adapter")
    with pytest.raises(IntegrityError, match="is not the file that the run first wrote"):
        score(workspace, REF, "first", SOME)
    with pytest.raises(MissingError, match="Runs here: first"):
        score(workspace, REF, "second", SOME)


def test_a_flipped_byte_of_the_version_is_found(workspace):
    path = next((workspace.version(REF) / "data").glob("test-*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="is not what its manifest states"):
        score(workspace, REF, "first", Scope(("test",), most=3))
