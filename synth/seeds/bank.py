"""How a bank is written: TOML, one table a seed, the error marked in the learner's sentence as `[said|meant]`.

    language = "en"
    license = "CC-BY-4.0"
    reviewed = false                   # by a native teacher of the language

    [[seeds]]
    id = "verb-tense:1"                # family and number within it
    type = "R:VERB:TENSE"
    cefr = "A1"
    topic = "food"
    sentence = "Yesterday I [go|went] to the market with my aunt."
    recast = "You went to the market with your aunt yesterday."
    questions = ["What did the two of you buy?", "Is it a busy place?"]
    cue = "the word 'yesterday'"
    contrast = ["I went yesterday", "I go yesterday"]

What is missing or too much carries the blank that goes with it: `to [|the ]market`, `to [the |]home`. A family's seeds
are generalizable or not by `error_families.GENERALIZABLE`, unless the table says otherwise.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from pydantic import Field, ValidationError

from quimbot_data.licenses import terms_of
from quimbot_data.pedagogy.error_families import GENERALIZABLE
from schemas.errors import InputError
from schemas.fields import NonEmpty, Strict, Subtag
from schemas.learner import Background, Operation
from schemas.seed import Seed

_MARK: Final = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_OPERATIONS: Final[dict[tuple[bool, bool], Operation]] = {
    (False, True): "missing",
    (True, False): "unnecessary",
    (True, True): "replacement",
}


class Entry(Strict):
    """One table of a bank; see `schemas.seed.Seed` for what the fields mean."""

    id: NonEmpty
    type: NonEmpty
    cefr: Literal["A1", "A2", "B1", "B2"]
    topic: NonEmpty
    sentence: NonEmpty
    recast: NonEmpty | None = None
    """None where the sentence is legitimate variation, which no tutor corrects."""
    questions: list[NonEmpty]
    cue: NonEmpty | None = None
    contrast: list[NonEmpty] = Field(default=[])
    generalizable: bool | None = None
    is_variation: bool = False
    backgrounds: list[Background] | None = None
    varieties: list[str] = Field(default=[])


class Bank(Strict):
    """A bank as it is written."""

    language: Subtag
    license: NonEmpty
    reviewed: bool
    """A native teacher of the language has read it."""
    backgrounds: list[Background] = Field(default=["heritage", "l2"], min_length=1)
    """Of entries that name none."""
    seeds: list[Entry]


def parse_bank(text: str, name: str) -> Bank:
    """A bank out of TOML.

    Raises:
        InputError: not TOML, or an entry is not valid; names the entry.
    """
    try:
        table = tomllib.loads(text)
        return Bank.model_validate(table)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"Seed bank {name} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        entry = _entry_named(table, first["loc"])
        raise InputError(f"Seed bank {name}, {entry or place}: {place}: {first['msg']}.") from error


def _entry_named(table: dict[str, object], place: tuple[int | str, ...]) -> str:
    entries = table.get("seeds")
    if len(place) < 2 or not isinstance(entries, list) or not isinstance(place[1], int):
        return ""
    entry = entries[place[1]]
    return str(entry.get("id", "")) if isinstance(entry, dict) else ""


def seeds_of(bank: Bank, name: str) -> list[Seed]:
    """The seeds of a bank, in its order.

    Raises:
        InputError: a sentence holds no mark or several, an id is none or is taken, or the seed is not valid.
    """
    seeds = [_seed(entry, bank, name) for entry in bank.seeds]
    _refuse_repeats((seed.seed_id for seed in seeds), name)
    return seeds


def _seed(entry: Entry, bank: Bank, name: str) -> Seed:
    marks = list(_MARK.finditer(entry.sentence))
    if len(marks) != 1 or len(re.findall(r"[\[\]|]", entry.sentence)) != 3:
        raise InputError(f"Seed bank {name}, {entry.id}: {len(marks)} marks.", valid="One error, as [said|meant].")
    [mark] = marks
    family = entry.id.rpartition(":")[0]
    said, meant = mark.groups()
    fields = entry.model_dump(exclude={"id", "sentence"}) | {
        "seed_id": f"{bank.language}:{entry.id}",
        "language": bank.language,
        "family": family,
        "sentence": entry.sentence[: mark.start()] + said + entry.sentence[mark.end() :],
        "start": mark.start(),
        "end": mark.start() + len(said),
        "original": said,
        "corrected": meant,
        "operation": _OPERATIONS.get((bool(said), bool(meant)), ""),
        "generalizable": GENERALIZABLE.get(family) if entry.generalizable is None else entry.generalizable,
        "backgrounds": entry.backgrounds or bank.backgrounds,
        "license": bank.license,
        "terms": terms_of(bank.license),
    }
    try:
        return Seed.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"Seed bank {name}, {entry.id}: {place}: {first['msg']}.") from error


def _refuse_repeats(ids: Iterable[str], name: str) -> None:
    repeated = sorted(seed_id for seed_id, count in Counter(ids).items() if count > 1)
    if repeated:
        raise InputError(f"Seed bank {name}: {', '.join(repeated)} repeat.", valid="Every seed has an id of its own.")
