"""The optional classifier, with a tiny model of random weights."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from quimbot_data.classifier import SCHEMA, classify
from schemas.errors import InputError, MissingError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "how", "do", "i", "bake", "bread", "kill", "a", "process"]
TEXTS = ["How do I bake bread", None, "How do I kill a process", " \n", "bread", "a a a a a a a a a a a a a a a a"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch", reason="the extra `classify` is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra `classify` is not installed")
    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        id2label={0: "safe", 1: "unsafe"},
        label2id={"safe": 0, "unsafe": 1},
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_every_text_with_words_gets_a_label_and_its_probability(model: Path) -> None:
    found = classify(pl.Series(TEXTS), model, max_tokens=32)
    assert found.schema == SCHEMA
    assert [label is None for label in found["label"]] == [text is None or not text.strip() for text in TEXTS]
    assert set(found["label"].drop_nulls()) <= {"safe", "unsafe"}
    assert found["score"].drop_nulls().is_between(0.5, 1).all()


def test_order_and_batches_decide_nothing(model: Path) -> None:
    found = classify(pl.Series(TEXTS), model, max_tokens=32)
    alone = pl.concat([classify(pl.Series([text], dtype=pl.String), model, max_tokens=32) for text in TEXTS])
    assert found["label"].equals(alone["label"], null_equal=True)
    assert ((found["score"] - alone["score"]).abs().drop_nulls() <= 1e-4).all()
    assert classify(pl.Series(TEXTS[::-1]), model, max_tokens=32)["label"].equals(found["label"].reverse())


def test_nothing_to_read_is_nothing_found(model: Path) -> None:
    assert classify(pl.Series([], dtype=pl.String), model).schema == SCHEMA


def test_a_folder_without_a_classifier_is_named(model: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"config\.json"):
        classify(pl.Series(["a"]), tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="sequence classifier"):
        classify(pl.Series(["a"]), tmp_path)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import polars as pl; from pathlib import Path\n"
        "from quimbot_data.classifier import classify\n"
        "from schemas.errors import MissingError\n"
        "try: classify(pl.Series(['a']), Path('.'))\n"
        "except MissingError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quimbot-data[classify]" in run.stdout


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, quimbot_data.classifier; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
