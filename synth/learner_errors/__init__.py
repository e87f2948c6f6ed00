"""Learner errors out of corpora: readers that yield sentences with their errors, and seeds made of them.

A reader is the function `read(path, language, rights)` of the module that a format is called by; it yields
`LearnerSentence`s, and what it cannot use as `Skipped`, with the reason. `extract.seeds_from` makes one seed of each
error that a family of `schemas.seed` covers. TOEFL11 is read from a workspace: `toefl11.read`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.licenses import Rights
from synth.learner_errors.sentences import Read

Reader = Callable[[Path, str, Rights], Read]


class Format(NamedTuple):
    """What a format's files are in where nobody says otherwise."""

    language: str
    license: str | None
    """None where files of anybody's may be in the format."""
    attribution: str = ""


FORMATS: Final[Mapping[str, Format]] = {
    "cowsl2h": Format(
        "es",
        "Apache-2.0",
        "COWS-L2H (Yamada et al. 2020), Apache-2.0.",
    ),
    "m2": Format("en", None),
    "pairs": Format("en", None),
}


def reader(form: str) -> Reader:
    """The reader of a format of `FORMATS`."""
    read: Reader = import_module(f"{__name__}.{form}").read
    return read
