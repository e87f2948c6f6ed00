"""Tools read exports as they should: `datasets`, TRL, Axolotl, LLaMA-Factory."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from exported import Messages, expected, plain
from versions_to_share import MIXED

from quimbot_data.export import Choice, export
from schemas.manifest import SPLITS


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
