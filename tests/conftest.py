"""What several tests share: a workspace of every corpus with a version built from it, and the command line."""

import gc
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hub_standin import HubStandIn
from raw_rows import Cut, lay_out
from versions_to_share import LAX, MIXED, OPEN, build_version, ingest_corpora

from quimbot_data import card, samples
from quimbot_data.build import build
from quimbot_data.cli import main
from quimbot_data.ingest import ingest
from quimbot_data.recipes import shipped_recipe
from quimbot_data.sources import SOURCES, messages, refuse_other_corpora
from quimbot_data.sources.source import Corpus, Options
from quimbot_data.workspace import Ref, Workspace, atomic
from schemas.manifest import VersionManifest
from schemas.recipe import Recipe, parse_recipe

#: Modules that hold fixtures of several others.
pytest_plugins = ("versions_to_compare", "sql_workspace", "stories", "corrected_corpora", "llm_runs")

RECIPE = """
name = "small"
unit = "dialogues"
size = 360

[[components]]
family = "conversation"
weight = 0.4
sources = ["lmsys"]

[[components]]
family = "instruction"
weight = 0.3
sources = ["magpie", "openhermes"]

[[components]]
family = "multilingual"
weight = 0.15
sources = ["waxal"]

[[components]]
family = "pedagogical"
weight = 0.1
sources = ["tutor"]

[[components]]
family = "safety"
weight = 0.05
sources = ["prosocial"]

[filters]
max_chars = 770

[splits]
validation = 0.1
test = 0.1
"""
REF = Ref("small", "1.0.0")
#: Test modules by the library, or the fixture, whose loading takes most of their time; the first that fits counts.
LOADED_TOGETHER = {
    "torch": (
        *(
            "test_evaluation",
            "test_export_model",
            "test_safety_classifier",
            "test_score",
            "test_sft",
            "test_train_path",
        ),
        *(
            "test_train_processes",
            "test_train_refusals",
            "test_train_run",
            "test_training_data",
            "test_render",
            "test_export_template",
        ),
    ),
    "diff": ("test_diff*",),
    "samples": ("test_demo", "test_recipes", "test_samples"),
    "spacy": ("test_learner_errors*", "test_lemmas", "test_seeds"),
    "datasets": ("test_card", "test_export*", "test_load_dataset", "test_push", "test_readers", "test_croissant"),
}


def pytest_configure() -> None:
    """The ordinary loop's profile, unless `--hypothesis-profile` names another, which is loaded after this."""
    import property_tests

    property_tests.settings.load_profile("ordinary")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: a module's tests go to one worker, which makes its fixtures once, and those that load the
    same heavy library to the same one. What takes minutes comes first, so that no worker waits for it at the end."""
    items.sort(key=lambda item: item.getparent(pytest.Module).get_closest_marker("slow") is None)  # type: ignore[union-attr]
    for item in items:
        name = item.path.stem
        groups = (g for g, modules in LOADED_TOGETHER.items() if any(fnmatchcase(name, each) for each in modules))
        group = next(groups, name)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """What was made so far stays: sweeps of garbage, a trainer's own among them, need not go through it each time."""
    gc.freeze()


def corpus_of(source: str) -> Corpus:
    """The corpus behind a folder of `raw_rows.lay_out`."""
    if source == "tutor":
        return messages.corpus("tutor", "pedagogical", "CC-BY-4.0", ["attribution"])
    return SOURCES[source]


def ingest_all(workspace: Workspace, folders: dict[str, Path], threads: int = 2) -> None:
    for source, folder in folders.items():
        ingest(workspace, corpus_of(source), [folder], Options(), threads=threads)


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def corpus_bytes(workspace: Workspace, source: str) -> dict[str, bytes]:
    """A corpus's files but its manifest, which records when and how fast it was written."""
    return {path: data for path, data in files_below(workspace.corpus(source)).items() if path != "manifest.json"}


def version_bytes(workspace: Workspace, ref: Ref = REF) -> dict[str, bytes]:
    """A version's data and fates."""
    files = files_below(workspace.version(ref))
    return {path: data for path, data in files.items() if path.startswith("data/") or path == "fates.parquet"}


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return parse_recipe(RECIPE, "small.toml")


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Raw files of every corpus: source to folder. Not to be written to."""
    return lay_out(tmp_path_factory.mktemp("raw"))


def write_plain_card(folder: Path, manifest: VersionManifest) -> None:
    """In place of card and plots, which take longer than the data of a sample."""
    with atomic(folder / "README.md") as stream:
        stream.write(f"# {manifest.id}\n".encode())


@pytest.fixture
def plain_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "write_documents", write_plain_card)


@pytest.fixture(scope="module")
def no_plots() -> Iterator[None]:
    """True cards, but for their plots, which take longer than all else; `test_card.py` looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card.plots, "plots", lambda facts: {})
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, raw: dict[str, Path], recipe: Recipe) -> Workspace:
    """A workspace of every corpus and `small@1.0.0`, with a plain card. Not to be written to: see `copied`."""
    workspace = Workspace(tmp_path_factory.mktemp("built"))
    ingest_all(workspace, raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        build(workspace, recipe, REF)
    return workspace


@pytest.fixture(scope="session")
def samples_ingested(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The bundled samples of every corpus, laid out below `raw`, with `demo@0.1.0` and a plain card. Not to be written
    to."""
    workspace = Workspace(tmp_path_factory.mktemp("samples"))
    for source, folder in samples.lay_out(workspace.root / "raw").items():
        refuse_other_corpora(SOURCES[source], [folder])
        ingest(workspace, SOURCES[source], [folder], Options())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        build(workspace, shipped_recipe("demo"), Ref("demo", "0.1.0"))
    return workspace


@pytest.fixture
def copied(built: Workspace, tmp_path: Path) -> Workspace:
    """`built`, to be spoiled."""
    shutil.copytree(built.root, tmp_path / "copied")
    return Workspace(tmp_path / "copied")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> Workspace:
    """Every corpus with its raw files in the workspace, and a version. Not to be written to: see `ready`."""
    workspace = Workspace(tmp_path_factory.mktemp("whole") / "w")
    for source, folder in lay_out(workspace.root / "raw", Cut(files=2)).items():
        ingest(workspace, corpus_of(source), [folder], Options())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        build(workspace, recipe, REF)
    return workspace


@pytest.fixture
def ready(whole: Workspace, tmp_path: Path) -> Workspace:
    """`whole`, to be purged."""
    shutil.copytree(whole.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    def told(self, *words: str) -> None:
        """Hold that it failed with one paragraph that names these, and no traceback."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert self.err.startswith("Error: "), self.err
        assert len(self.err.strip().splitlines()) == 1, self.err
        for word in words:
            assert word in self.err, (word, self.err)

    def told_at_last(self, *words: str) -> None:
        """The same of a long run, which may have said how far it was."""
        assert "Traceback" not in self.err, self.err
        replace(self, err=self.err.splitlines()[-1]).told(*words)


@pytest.fixture
def quimbot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """Run the command line within this process, through `main` as the console script does."""
    monkeypatch.delenv("QUIMBOT_WORKSPACE", raising=False)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["quimbot", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return Ran(int(stop.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStandIn]:
    from huggingface_hub import close_session, constants

    close_session()  # made anew below this fixture's environment
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)  # else it asks huggingface.co who calls
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # as set at the start of a command
    with HubStandIn() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        yield standin
        close_session()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace of `versions_to_share`; `open@1.0.0` has a true card. Not to be written to: see `to_share`."""
    workspace = ingest_corpora(tmp_path_factory.mktemp("shared"))
    build_version(workspace, OPEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "write_documents", write_plain_card)
        build_version(workspace, MIXED)
        build_version(workspace, LAX)
    return workspace


@pytest.fixture
def to_share(shared: Workspace, tmp_path: Path) -> Workspace:
    """Its versions alone, in a workspace of one's own."""
    shutil.copytree(shared.root / "versions", tmp_path / "datasets" / "versions")
    return Workspace(tmp_path / "datasets")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Qwen3 and its tokenizer. Not to be written to."""
    from tiny_qwen import tiny_qwen3

    return tiny_qwen3(tmp_path_factory.mktemp("base") / "tiny")
