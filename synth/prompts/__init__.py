"""What models are told: Markdown files with Jinja's braces, known by the hash of their content.

`dialogue.md` and `scenario.md` ask for a dialogue in one call; `learner.md`, `tutor.md` and `turn.md` for one turn of
a role; `repair.md` for another go; `judge.md` and `pair.md` for a judgement; `rules.md` is part of several.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from schemas.dialogue import netstring
from schemas.seed import ErrorFamily

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def prompt_files() -> dict[str, str]:
    """The files by name: prompts, and what learners may believe."""
    shipped = sorted(files(__name__).iterdir(), key=lambda path: path.name)
    return {path.name: path.read_text(encoding="utf-8") for path in shipped if path.name.endswith((".md", ".toml"))}


def prompt_hash(names: Iterable[str]) -> str:
    """sha256 over the netstrings of name and content of some files, by name: 64 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(netstring(name) + netstring(prompt_files()[name]))
    return digest.hexdigest()


def render(name: str, **values: object) -> str:
    """A prompt with its blanks filled in.

    Raises:
        jinja2.UndefinedError: a value is missing.
    """
    return _environment().get_template(name).render(values).strip()


@cache
def misconceptions() -> dict[ErrorFamily, list[str]]:
    """What a learner may believe who makes errors of a family."""
    table: dict[ErrorFamily, list[str]] = tomllib.loads(prompt_files()["misconceptions.toml"])  # type: ignore[assignment]
    return table


@cache
def _environment() -> "Environment":
    from jinja2 import DictLoader, Environment, StrictUndefined

    # Text for a model, not for a browser: nothing is to be escaped.
    return Environment(  # noqa: S701
        loader=DictLoader(prompt_files()), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
