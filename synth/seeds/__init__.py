"""Seeds of learner errors: the banks that the package ships, written for this project, and files of one's own.

`<language>.toml` are the banks (see `synth.seeds.bank` for how they are written), `topics.toml` the topics that seeds
are about. A file of one's own, as `quimbot synth seeds extract` writes it, is JSON Lines, a `Seed` a line.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import InputError
from schemas.fields import NonEmpty, Strict, Subtag
from schemas.seed import Seed
from synth.seeds.bank import Bank, parse_bank, seeds_of


class Topic(Strict):
    """What a sentence is about."""

    name: NonEmpty
    labels: dict[Subtag, NonEmpty]
    """What it is called in each language of the banks, as it stands within a sentence ("the city", "la ciudad")."""


@cache
def topics() -> dict[str, Topic]:
    """The topics by name, in their order."""
    table = tomllib.loads((files(__name__) / "topics.toml").read_text(encoding="utf-8"))
    return {name: Topic(name=name, labels=labels) for name, labels in table.items()}


def seed_languages() -> list[str]:
    """Languages with a shipped bank, sorted."""
    names = (path.name for path in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and name != "topics.toml")


@cache
def shipped_bank(language: str) -> Bank:
    """A shipped bank as it is written.

    Raises:
        InputError: there is none in this language.
    """
    if language not in seed_languages():
        raise InputError(
            f"There is no seed bank in {language!r}.",
            valid=f"Shipped: {', '.join(seed_languages())}.",
            next_step="Extract seeds from a corpus with `quimbot synth seeds extract`.",
        )
    return parse_bank((files(__name__) / f"{language}.toml").read_text(encoding="utf-8"), f"{language}.toml")


def load_seeds(languages: Sequence[str] | None = None) -> list[Seed]:
    """Shipped seeds of some languages, or of all: by language as given, each bank in its order.

    Raises:
        InputError: a language without a bank, or a bank that is not valid.
    """
    return [
        seed
        for language in (seed_languages() if languages is None else languages)
        for seed in seeds_of(shipped_bank(language), f"{language}.toml")
    ]


def read_seeds(path: Path) -> list[Seed]:
    """Seeds of one's own out of JSON Lines.

    Raises:
        InputError: the file is not there, or a line is no seed, or repeats one; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InputError(
            f"{path} cannot be read as seeds: {why}.",
            valid="Seeds are JSON Lines, a seed a line, as `quimbot synth seeds extract` writes them.",
        ) from error
    seeds: dict[str, Seed] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            seed = _seed_in(line, f"{path}, line {number}")
            if seeds.setdefault(seed.seed_id, seed) is not seed:
                raise InputError(f"{path}, line {number}: seed {seed.seed_id!r} stands above.")
    return list(seeds.values())


def seeds_with(path: Path | None, *, shipped: bool = True) -> list[Seed]:
    """The shipped seeds and those of a file of one's own, which stand in for shipped ones of their ids.

    Args:
        path: JSON Lines; None for no file.
        shipped: False for the file's alone.

    Raises:
        InputError: see `read_seeds`.
    """
    own = read_seeds(path) if path else []
    taken = {seed.seed_id for seed in own}
    return [seed for seed in (load_seeds() if shipped else []) if seed.seed_id not in taken] + own


def _seed_in(line: str, place: str) -> Seed:
    try:
        return Seed.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        found = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
        raise InputError(
            f"{place} is no seed: {found}.",
            next_step="Write the file with `quimbot synth seeds extract`.",
        ) from error
