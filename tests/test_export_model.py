"""A run as files: what transformers reads is the adapted model, what llama.cpp reads says the same."""

import json
import shutil
from types import SimpleNamespace

import pytest
from tiny_run import tiny_llama, tokenizer, with_versions, write_run

from quimbot_data.workspace import Ref, Workspace, file_digest
from schemas.errors import MissingError, ModelError, WorkspaceError
from schemas.run import RunRecord
from train.estimate import Device, estimate
from train.export import RECORD, export, parity_prompts
from train.export.architectures import architecture_of, arranged, cutting_rule
from train.export.parity import Parity, PromptParity, divergence, served
from train.models import load_base
from train.render import marks_of

REF = Ref("small", "1.0.0")
#: Progress of the export that these tests share.
TOLD: list[tuple[object, ...]] = []


@pytest.fixture(scope="module")
def trained(built, tmp_path_factory):
    workspace = with_versions(built, tmp_path_factory.mktemp("trained") / "datasets")
    base = tiny_llama(tmp_path_factory.mktemp("base"))
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    write_run(workspace, "first", REF, base)
    return workspace


@pytest.fixture(scope="module")
def exported(trained):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
        made = export(trained, "first", progress=lambda *told: TOLD.append(told))
    return trained.root / "runs" / "first" / "export", made


def test_llama_cpp_says_what_transformers_says(exported):
    _, made = exported
    f16, q8 = made.parity
    assert (f16.file, q8.file) == ("first-F16.gguf", "first-Q8_0.gguf")
    assert len(f16.prompts) == 10
    assert f16.equal >= 9
    assert f16.holds
    assert f16.tokenizer_equal == f16.template_equal == 10
    assert 0 <= f16.kl < 1e-3
    assert f16.kl <= q8.kl < 0.05
    assert (f16.quantized, q8.quantized, q8.holds) == (False, True, True)


def test_progress_tells_every_step_to_its_end(exported):
    steps = {step: rest for step, *rest in TOLD}
    begun = [step for step, *rest in TOLD if rest == [0]]
    assert begun == list(steps)
    assert begun[0] == "merge"
    assert {step: done for step, (*_, done) in steps.items() if "tensors" in step} == {
        "F16, tensors": 20,
        "Q8_0, tensors": 20,
    }
    assert [steps[step] for step in begun if "prompts" in step] == [[10, 10], [10, 10]]


def test_the_plan_tells_the_disk_that_an_export_takes(exported, trained):
    folder, _ = exported
    recipe = RunRecord.model_validate_json((trained.root / "runs/first/run.json").read_bytes()).recipe
    needs = estimate(recipe, Device("cpu", "CPU", "fp32", 0))
    taken = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".gguf", ".safetensors"))
    assert needs.export == pytest.approx(taken, rel=0.3), "names and shapes weigh something in so small a model"


def outcome(quantized, equal, kl, read=10):
    prompts = [PromptParity(prompt="p", compared=24, equal=24 if at < equal else 5, kl=kl) for at in range(10)]
    return Parity(file="f", quantized=quantized, prompts=prompts, tokenizer_equal=read, template_equal=10)


def test_what_a_file_must_hold():
    assert outcome(False, 9, 1e-5).holds
    assert not outcome(False, 8, 1e-5).holds
    assert outcome(True, 4, 3e-3).holds
    assert not outcome(True, 10, 0.06).holds
    assert not outcome(False, 10, 1e-5, read=9).holds


def test_safetensors_are_the_adapted_model(exported, trained):
    import torch
    from peft import PeftModel

    folder, made = exported
    ids = torch.tensor([parity_prompts(tokenizer(str(folder)))[0].ids])
    record = json.loads((trained.root / "runs/first/run.json").read_text())
    base = load_base(record["base"]["name"])
    with torch.inference_mode():
        plain = base(input_ids=ids).logits
        wanted = PeftModel.from_pretrained(base, str(trained.root / "runs/first/adapter")).eval()(input_ids=ids).logits
        found = load_base(str(folder))(input_ids=ids).logits
    assert torch.allclose(found, wanted, atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-2)
    generation = json.loads((folder / "generation_config.json").read_text())
    marks = marks_of(tokenizer(str(folder)))
    assert generation["eos_token_id"] == [marks.stop, marks.end]
    assert generation["pad_token_id"] not in generation["eos_token_id"]
    assert made.files == {path.name: file_digest(path) for path in folder.iterdir() if path.name != RECORD}


def test_the_chat_template_of_the_export_is_that_of_training(exported):
    from transformers import AutoTokenizer

    folder, _ = exported
    read = AutoTokenizer.from_pretrained(folder)
    for asked in parity_prompts(tokenizer(str(folder))):
        told = read.apply_chat_template(asked.messages, add_generation_prompt=True, return_dict=False)
        assert told == asked.ids


def test_the_card_tells_lineage_and_licences(exported, trained):
    folder, _ = exported
    card = (folder / "README.md").read_text()
    assert "stop at `<|endoftext|>` and `<|im_end|>`" in card, "to be copied as it stands"
    record = json.loads((trained.root / "runs/first/run.json").read_text())
    for told in (
        "small@1.0.0",
        record["version_id"][:16],
        "Base: apache-2.0",
        "LicenseRef-LMSYS-Chat-1M",
        "no-transfer",
    ):
        assert told in card
    assert "license: other" in card.split("---")[1]
    assert "10 of 10" in card or "9 of 10" in card


def test_a_second_export_does_nothing_and_a_spoiled_one_is_made_again(exported, trained, monkeypatch):
    folder, made = exported
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
    monkeypatch.setattr("train.export.merge", lambda *_: pytest.fail("it is there already"))
    assert export(trained, "first") == made
    monkeypatch.undo()
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
    copy = Workspace(folder.parents[3] / "copy")
    shutil.copytree(trained.root, copy.root)
    (copy.root / "runs/first/export/first-F16.gguf").write_bytes(b"spoiled")
    again = export(copy, "first", compare=False)
    assert again.files["first-F16.gguf"] == made.files["first-F16.gguf"]
    assert again.files["model.safetensors"] == made.files["model.safetensors"]


def test_safetensors_alone(trained, monkeypatch, tmp_path):
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(trained.root, copy.root, ignore=shutil.ignore_patterns("export"))
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))
    made = export(copy, "first", ["safetensors"])
    assert not [name for name in made.files if name.endswith(".gguf")]
    assert "model.safetensors" in made.files
    assert made.parity == []
    monkeypatch.setattr("train.export.merge", lambda *_: pytest.fail("it is there already"))
    assert export(copy, "first", ["safetensors"]) == made
    monkeypatch.setattr("train.export.find_spec", lambda _: None)
    with pytest.raises(MissingError, match="--no-compare"):
        export(copy, "first", ["gguf"])
    monkeypatch.setattr("train.export.load_config", lambda *_: SimpleNamespace(to_dict=lambda: {"model_type": "gpt2"}))
    with pytest.raises(ModelError, match="'gpt2', which this export to GGUF does not know"):
        export(copy, "first", ["gguf"])


def test_a_full_disk_leaves_no_export(trained, monkeypatch, tmp_path):
    import errno

    copy = Workspace(tmp_path / "copy")
    shutil.copytree(trained.root, copy.root, ignore=shutil.ignore_patterns("export"))
    monkeypatch.setattr("train.variants.load_tokenizer", lambda name, revision: tokenizer(name))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("train.export.write_gguf", full)
    with pytest.raises(WorkspaceError, match="Free some space"):
        export(copy, "first")
    assert not (copy.root / "runs/first/export").exists()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"model_type": "gpt2"}, "'gpt2', which this export to GGUF does not know"),
        ({"model_type": "qwen3", "rope_parameters": {"rope_type": "yarn"}}, "scales its rotary positions"),
    ],
)
def test_what_gguf_cannot_hold_is_refused(config, told):
    with pytest.raises(ModelError, match=told):
        architecture_of(config)


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(ModelError, match="qwen2, smollm, gpt-2"):
        cutting_rule({"pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "BPE"}})


def test_rotary_rows_are_reordered_for_llama_only():
    import numpy as np

    config = {"num_attention_heads": 1, "num_key_value_heads": 1}
    rows = np.arange(8, dtype=np.float32).reshape(8, 1)
    name = "model.layers.0.self_attn.q_proj.weight"
    llama = arranged(architecture_of({"model_type": "llama"}), name, rows, config)
    assert llama[:, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    assert arranged(architecture_of({"model_type": "qwen3"}), name, rows, config) is rows


def test_divergence_is_that_of_the_distributions():
    import torch

    mine, theirs = torch.tensor([0.5, 0.3, 0.2]).log(), torch.tensor([0.4, 0.4, 0.2]).log()
    whole = (mine.exp() * (mine - theirs)).sum().item()
    assert divergence(mine, dict(enumerate(theirs.tolist()))) == pytest.approx(whole, abs=1e-6)
    assert divergence(mine, dict(enumerate(mine.tolist()))) == pytest.approx(0, abs=1e-6)
    assert 0 < divergence(mine, {0: theirs[0].item()}) < whole


def test_a_gguf_file_holds_what_llama_cpp_needs(exported):
    from gguf import GGUFReader

    folder, _ = exported
    reader = GGUFReader(folder / "first-F16.gguf")
    told = {name: field.contents() for name, field in reader.fields.items() if len(field.data) == 1}
    marks = marks_of(tokenizer(str(folder)))
    assert told["general.architecture"] == "llama"
    assert told["general.license"] == "apache-2.0"
    assert told["tokenizer.ggml.pre"] == "gpt-2"
    assert (told["tokenizer.ggml.eos_token_id"], told["tokenizer.ggml.eot_token_id"]) == (marks.stop, marks.end)
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    assert (len(tokens), tokens[marks.start], tokens[271]) == (272, "<|im_start|>", "[PAD271]")
    by_name = {tensor.name: tensor for tensor in reader.tensors}
    assert by_name["blk.0.attn_norm.weight"].tensor_type.name == "F32"
    assert by_name["blk.0.ffn_down.weight"].tensor_type.name == "F16"


def test_what_llama_cpp_cannot_load_is_told(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"llama.cpp cannot load .*x.gguf"), served(tmp_path / "x.gguf"):
        pass
