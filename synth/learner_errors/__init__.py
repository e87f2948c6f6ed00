"""Learner errors out of corpora: readers that yield sentences with their errors, and seeds made of them.

A reader is a function of a module of its own, from a path to `LearnerSentence`s; what it cannot use it yields as
`Skipped`, with the reason. `extract.seeds_from` makes one seed of each error that a family of `schemas.seed` covers.
`key` tells the sentence, so that splits keep all seeds of one together (see `schemas.seed.sentence_id`).
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, get_args

from quimbot_data.licenses import Rights
from synth.learner_errors.sentences import Read

#: Formats of files; TOEFL11 is read from a workspace (`toefl11.read`).
FileFormat = Literal["m2", "pairs"]
FILE_FORMATS: Final = get_args(FileFormat)

Reader = Callable[[Path, str, Rights], Read]

_MODULES: Final[Mapping[str, str]] = {"m2": "m2", "pairs": "pairs"}


def reader(form: FileFormat) -> Reader:
    """The reader of a format: `(path, language, rights)` to sentences."""
    read: Reader = import_module(f"{__name__}.{_MODULES[form]}").read
    return read
