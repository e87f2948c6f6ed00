"""Runs of `synth generate --engine llm` against a stand-in, and what they leave."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from conftest import Ran
from llm_author import author
from llm_standin import Answer, Script

from synth.llm.outcome import FailureRow, failures_beside

SECRET = "sk-quimbot-0123456789"
Quimbot = Callable[..., Ran]


@pytest.fixture
def key_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def arguments(url: str, folder: Path, count: int = 12, **more: object) -> list[str]:
    told = {"engine": "llm", "profile": "english-l2", "model": "small", "base-url": url, "count": count}
    told |= {"output": folder / "made.parquet", "workspace": folder / "datasets", "attempts": 3}
    return ["synth", "generate", *(f"--{name}={value}" for name, value in (told | more).items())]


def failures(folder: Path) -> list[FailureRow]:
    lines = failures_beside(folder / "made.parquet").read_text(encoding="utf-8").splitlines()
    return [FailureRow.model_validate_json(line) for line in lines]


def made(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "made.parquet")


def files(folder: Path) -> dict[str, bytes]:
    """What a run wrote, but its account, which tells what it cost this time."""
    return {path.name: path.read_bytes() for path in folder.glob("made.*") if "account" not in path.name}


def after(*first: Answer) -> Script:
    """These answers to the first requests, then the author's."""
    waiting = list(first)
    return lambda payload, again: waiting.pop(0) if waiting else author(payload, again)
