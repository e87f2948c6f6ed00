"""What tests of learner errors read and show."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, corpus_of
from test_toefl11 import HEADER, layout

from quimbot_data.ingest import ingest
from quimbot_data.licenses import Rights
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace
from schemas.seed import Seed
from synth.learner_errors.extract import seeds_from
from synth.learner_errors.sentences import Read

RIGHTS = Rights("CC-BY-SA-4.0", ["attribution", "share-alike"])
Quimbot = Callable[..., Ran]


def told(sentences: Read, corpus: str = "own") -> tuple[list[Seed], Counter[str]]:
    skipped: Counter[str] = Counter()
    return list(seeds_from(corpus, sentences, skipped)), skipped


def shown(seed: Seed) -> str:
    return f"{seed.sentence[: seed.start]}[{seed.original}|{seed.corrected}]{seed.sentence[seed.end :]}"


ESSAYS = {
    "1": "My brother like music. He have writi three songs in English.\nWe was happy then, because they sing well.",
    "2": "In my country, she go to school by bus. That is good for all.",
    "3": "Every people need a friend in live. It is realy so.",
}


@pytest.fixture
def essays(tmp_path: Path) -> Workspace:
    """Three essays, ingested."""
    workspace = Workspace(tmp_path / "datasets")
    index = HEADER + "".join(f"{name}.txt,P1,KOR,low\n" for name in ESSAYS)
    ingest(workspace, corpus_of("toefl11"), [layout(tmp_path / "toefl", index, **ESSAYS)], Options())
    return workspace
