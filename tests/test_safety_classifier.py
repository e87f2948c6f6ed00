"""The optional classifier, with a tiny model of random weights."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
import transformers
from conftest import Ran
from strategies import bare_row, frame_of, full_row, messages_of

from quimbot_data.classifier import Classifier, load_classifier
from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.dialogue import Dialogue
from schemas.errors import InputError, MissingError
from schemas.fields import LEAST_SCORE
from schemas.frame import faults

pytestmark = pytest.mark.slow  # whole workspaces and commands, many times over

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "how", "do", "i", "bake", "bread", "kill", "a", "process"]
TEXTS = ["How do I bake bread", "How do I kill a process", "bread", "a a a a a a a a a a a a a a a a"]


def saved(folder: Path, problem: str = "single_label_classification", *, head: bool = True) -> Path:
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=0.5,  # so that texts differ in their scores
        problem_type=problem,
        id2label={0: "toxic", 1: "calm"},
        label2id={"toxic": 0, "calm": 1},
    )
    made = transformers.BertForSequenceClassification(config) if head else transformers.BertModel(config)
    made.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return load_classifier(saved(tmp_path_factory.mktemp("models") / "tiny"))


def test_exclusive_labels_share_one(model: Classifier) -> None:
    found = model.probabilities(TEXTS)
    assert found.shape == (len(TEXTS), 2)
    assert abs(found.sum(axis=1) - 1).max() <= 1e-4
    assert len({tuple(row) for row in found.tolist()}) == len(TEXTS)


def test_labels_that_do_not_exclude_each_other_are_scored_each(tmp_path: Path, model: Classifier) -> None:
    each = load_classifier(saved(tmp_path / "each", "multi_label_classification")).probabilities(TEXTS)
    exclusive = model.probabilities(TEXTS)
    # The weights are the same: a softmax of two is the sigmoid of their difference.
    odds = (each / (1 - each))[:, 0] / (each / (1 - each))[:, 1]
    assert abs(odds / (1 + odds) - exclusive[:, 0]).max() < 1e-3


def test_order_and_batches_move_no_more_than_the_fourth_decimal(model: Classifier) -> None:
    found = model.probabilities(TEXTS)
    assert abs(model.probabilities(TEXTS[::-1])[::-1] - found).max() <= 1e-4
    assert max(abs(model.probabilities([text])[0] - row).max() for text, row in zip(TEXTS, found, strict=True)) <= 1e-4


def test_a_text_beyond_the_models_reach_is_cut(model: Classifier) -> None:
    assert abs(model.probabilities(["a " * 29]) - model.probabilities(["a " * 3000])).max() <= 1e-4


def test_dialogues_without_labels_get_the_scores_of_each_message(model: Classifier) -> None:
    labelled, bare = full_row(), bare_row()
    scored = model.score(frame_of(Dialogue, [labelled, bare, bare | {"dialogue_id": "tutor:8"}]))
    assert scored.select(faults(Dialogue)).to_series().null_count() == 3
    first, *rest = scored["safety"].to_list()
    assert first == labelled["safety"]
    values = model.probabilities([message["content"] for message in bare["messages"]])
    for safety in rest:
        assert safety["classifier"] == model.name
        assert (safety["flagged"], safety["categories"], safety["label"]) == (False, [], None)
        assert safety["scores"] == [
            {"position": at, "category": name, "score": pytest.approx(value, abs=1e-4)}
            for at, row in enumerate(values.tolist())
            for name, value in sorted(zip(model.labels, row, strict=True))
            if value >= LEAST_SCORE
        ]


def test_nothing_to_score_changes_nothing(model: Classifier) -> None:
    labelled = frame_of(Dialogue, [full_row()])
    assert model.score(labelled).equals(labelled)
    assert model.score(labelled.clear()).equals(labelled.clear())
    assert model.probabilities([]).shape == (0, 2)


def test_the_name_follows_the_bytes(tmp_path: Path, model: Classifier) -> None:
    same = load_classifier(saved(tmp_path / "tiny"))
    assert same.name == model.name == f"tiny@{model.name.partition('@')[2]}"
    config = tmp_path / "tiny" / "config.json"
    config.write_text(config.read_text() + "\n")
    assert load_classifier(tmp_path / "tiny").name != model.name


def said(number: int) -> str:
    return " ".join(WORDS[5 + number * step % 8] for step in range(1, 4 + number % 9))


def chats(folder: Path, name: str, numbers: range) -> None:
    folder.mkdir(exist_ok=True)
    rows = [{"messages": messages_of(said(n), said(n * 3 + 1))} for n in numbers]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_corpus_is_scored_the_same_whatever_the_threads_and_files(tmp_path: Path, model: Classifier) -> None:
    chats(tmp_path / "whole", "a.jsonl", range(80))
    chats(tmp_path / "parts", "b.jsonl", range(50, 80))
    chats(tmp_path / "parts", "c.jsonl", range(50))
    corpus, made = messages.corpus("mine", "conversation", "MIT", []), []
    for number, (folder, threads) in enumerate((("whole", 1), ("whole", 2), ("parts", 2))):
        place = Workspace(tmp_path / f"datasets-{number}")
        ingest(place, corpus, [tmp_path / folder], Options(), threads=threads, classifier=model)
        made.append(place.corpus_manifest("mine").digest())
    assert len(set(made)) == 1


def test_the_command_line_scores_and_a_recipe_decides(quimbot: Callable[..., Ran], tmp_path: Path) -> None:
    folder, place = saved(tmp_path / "tiny"), tmp_path / "datasets"
    chats(tmp_path / "raw", "chats.jsonl", range(40))
    facts = ["--as", "mine", "--family", "conversation", "--license", "MIT", "--classifier", str(folder)]
    assert quimbot("ingest", "messages", str(tmp_path / "raw"), *facts, "-w", place).code == 0
    mine = Workspace(place).corpus("mine")
    held = pl.concat(pl.read_parquet(mine / entry.path) for entry in Workspace(place).corpus_manifest("mine").dialogues)
    toxic = held.select(
        "dialogue_id",
        score=pl.col("safety")
        .struct.field("scores")
        .list.eval(pl.element().filter(pl.element().struct.field("category") == "toxic").struct.field("score"))
        .list.max(),
    )
    limit = float(toxic["score"].median())
    (tmp_path / "calm.toml").write_text(
        'name = "calm"\nunit = "dialogues"\nsize = "max"\n[[components]]\nfamily = "conversation"\nweight = 1\n'
        f'sources = ["mine"]\n[safety]\nflagged = "drop"\n[safety.scores]\ntoxic = {limit}\n'
        '[filters]\nexact_duplicates = "keep"\n'
    )
    assert quimbot("build", str(tmp_path / "calm.toml"), "--version", "1.0.0", "-w", place).code == 0
    version = Workspace(place).version(Ref("calm", "1.0.0"))
    kept = pl.concat(pl.read_parquet(file, columns=["dialogue_id"]) for file in (version / "data").iterdir())
    expected = toxic.filter(pl.col("score") < limit)["dialogue_id"]
    assert 0 < len(expected) < 40
    assert sorted(kept["dialogue_id"]) == sorted(expected)
    name = load_classifier(folder).name
    card = (version / "README.md").read_text()
    assert f"the scores of `{name}`" in card
    assert f"a message counts as `toxic` from a score of {limit}" in card
    told = quimbot("why", toxic["dialogue_id"][0], "-w", place).out
    assert f"by {name}" in told
    told = quimbot("ingest", "messages", str(tmp_path / "raw"), *facts[:-1], str(tmp_path), "-w", place)
    told.told("config.json")


def test_a_folder_without_a_trained_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"config\.json"):
        load_classifier(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="sequence classifier"):
        load_classifier(tmp_path)
    with pytest.raises(InputError, match=r"no trained classifier: .*classifier\.weight"):
        load_classifier(saved(tmp_path / "base", head=False))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from quimbot_data.classifier import load_classifier\n"
        "from schemas.errors import MissingError\n"
        f"try: load_classifier(Path({str(tmp_path)!r}))\n"
        "except MissingError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quimbot-data[classify]" in run.stdout


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, quimbot_data.classifier; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
