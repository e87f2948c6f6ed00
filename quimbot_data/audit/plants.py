"""What an audit plants: rows whose right fate is known, and beside them rows that must be left alone.

Everything follows from the originals and a seed, so an audit of one version plants the same rows on every run.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from quimbot_data.audit.foreign import SENTENCES
from quimbot_data.words import words

Messages = list[dict[str, str]]

#: How near a planted near-duplicate comes at the most, and a near miss at the least and the most, in Jaccard.
NEAREST: Final = 0.97
MISSES: Final = (0.3, 0.6)


@dataclass(frozen=True)
class Original:
    """A dialogue of the version's candidates that plants are made from; its text is wholly its own."""

    dialogue_id: str
    family: str
    language: str
    messages: Messages


@dataclass(frozen=True)
class Plant:
    """One planted raw row.

    Attributes:
        key: its id, unique.
        kind: what it is planted for, a name of `quimbot_data.audit.KINDS`.
        family: the family it goes by.
        row: the raw row, in the `messages` layout.
        guilty: whether its step must act on it; else it must not.
        secret: for personal data, the value that must be gone; for a trap, the one that must stay.
        of: for duplicates, the original's id.
    """

    key: str
    kind: str
    family: str
    row: dict[str, Any]
    guilty: bool
    secret: str = ""
    of: str = ""


def _plant(kind: str, number: int, family: str, messages: object, *, guilty: bool, **more: Any) -> Plant:
    side = "guilty" if guilty else "clean"
    key = f"{kind}-{side}-{number:05}"
    row = {"id": key, "messages": messages} | ({"language": more.pop("language")} if "language" in more else {})
    return Plant(key, kind, family, row, guilty, **more)


# Duplicates


def exact_duplicates(originals: Sequence[Original], seed: str) -> Iterator[Plant]:
    """Copies to the letter; and dialogues with one letter more, which are no exact duplicates."""
    for number, original in enumerate(originals):
        copy = [dict(message) for message in original.messages]
        yield _plant("exact", number, original.family, copy, guilty=True, of=original.dialogue_id)
        altered = [dict(message) for message in original.messages]
        altered[-1]["content"] += " ☙"
        yield _plant("exact", number, original.family, altered, guilty=False, of=original.dialogue_id)


def near_duplicates(originals: Sequence[Original], seed: str, ngram: int, threshold: float) -> Iterator[Plant]:
    """Copies with some words replaced: as many as leave the Jaccard at or above the threshold, or well below it."""
    for number, original in enumerate(originals):
        rng = random.Random(f"{seed}|near|{original.dialogue_id}")  # noqa: S311 - no secret hangs on it
        for guilty, (low, high) in ((True, (threshold, NEAREST)), (False, MISSES)):
            edited = _edited(original.messages, rng, ngram, low, high)
            if edited is not None:
                yield _plant("near", number, original.family, edited, guilty=guilty, of=original.dialogue_id)


def _edited(messages: Messages, rng: random.Random, ngram: int, low: float, high: float) -> Messages | None:
    """The messages with words replaced until their Jaccard with what they were is in [low, high]; None if none is."""
    whole = _shingles(messages, ngram)
    for _ in range(20):
        edited = [dict(message) for message in messages]
        share = rng.uniform(low, high)
        while _jaccard(whole, _shingles(edited, ngram)) > share:
            message = rng.choice(edited)
            pieces = message["content"].split(" ")
            pieces[rng.randrange(len(pieces))] = f"quill{rng.randrange(10_000)}"
            message["content"] = " ".join(pieces)
        if low <= _jaccard(whole, _shingles(edited, ngram)) <= high:
            return edited
    return None


def _shingles(messages: Messages, ngram: int) -> set[tuple[str, ...]]:
    found: list[str] = words(pl.Series(["\n".join(message["content"] for message in messages)])).item().to_list()
    runs = {tuple(found[at : at + ngram]) for at in range(len(found) - ngram + 1)}
    return runs or {tuple(found)}


def _jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other)


# Personal data


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _luhn(rng: random.Random) -> str:
    body = "4" + _digits(rng, 14)
    total = sum(sum(divmod(int(d) * (2 if at % 2 == 0 else 1), 10)) for at, d in enumerate(body))
    number = body + str(-total % 10)
    return rng.choice([number, " ".join(number[at : at + 4] for at in range(0, 16, 4))])


def _iban(rng: random.Random) -> str:
    country, account = rng.choice([("DE", _digits(rng, 18)), ("ES", _digits(rng, 20)), ("PL", _digits(rng, 24))])
    spelled = "".join(str(int(letter, 36)) for letter in account + country + "00")
    return f"{country}{98 - int(spelled) % 97:02}{account}"


def _email(rng: random.Random) -> str:
    name = rng.choice(["maria.lopez", "j_smith", "li.wei", "amina"]) + _digits(rng, 2)
    return f"{name}@{rng.choice(['example.org', 'mail.example.com', 'correo.example.es'])}"


def _phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"+1 212-555-{_digits(rng, 4)}",
            f"(646) 555-{_digits(rng, 4)}",
            f"+34 6{_digits(rng, 2)} {_digits(rng, 3)} {_digits(rng, 3)}",
            f"+49 151 {_digits(rng, 8)}",
            f"+52 55 {_digits(rng, 4)} {_digits(rng, 4)}",
        ]
    )


def _ip(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(11, 250)) for _ in range(4))


def _secret(rng: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "AKIA" + "".join(rng.choice(letters) for _ in range(16))


VALUES: Final[dict[str, Callable[[random.Random], str]]] = {
    "e-mail": _email,
    "phone": _phone,
    "ip": _ip,
    "card": _luhn,
    "iban": _iban,
    "secret": _secret,
}
_TRAPS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda rng: f"the years {rng.randrange(1800, 1990)}-{rng.randrange(1990, 2030)}",
    lambda rng: f"version {rng.randrange(1, 20)}.{rng.randrange(40)}.{rng.randrange(40)}",
    lambda rng: f"about {rng.randrange(1, 900)}.{_digits(rng, 5)} metres",
    lambda rng: f"ISBN 978-3-16-{_digits(rng, 6)}-0",
    lambda rng: f"x = {_digits(rng, 3)} + {_digits(rng, 3)}",
    lambda rng: f"the @teacher of room {_digits(rng, 3)}",
)


def personal_data(originals: Sequence[Original], seed: str) -> Iterator[Plant]:
    """A value of each kind in turn at the end of the first message; and figures that are nobody's."""
    kinds = list(VALUES)
    for number, original in enumerate(originals):
        rng = random.Random(f"{seed}|pii|{original.dialogue_id}")  # noqa: S311 - no secret hangs on it
        kind = kinds[number % len(kinds)]
        value, trap = VALUES[kind](rng), _TRAPS[number % len(_TRAPS)](rng)
        guilty = _with_note(original.messages, f"Here it is: {value}")
        yield _plant(f"pii {kind}", number, original.family, guilty, guilty=True, secret=value)
        clean = _with_note(original.messages, f"It says {trap}.")
        yield _plant(f"pii {kind}", number, original.family, clean, guilty=False, secret=trap)


def _with_note(messages: Messages, note: str) -> Messages:
    noted = [dict(message) for message in messages]
    first = next(message for message in noted if message["role"] == "user")
    first["content"] = f"{first['content']} {note}"
    return noted


# Evaluation text, defects, languages


def contaminated(originals: Sequence[Original], seed: str, texts: Sequence[str]) -> Iterator[Plant]:
    """An evaluation item within a dialogue; and the item's words in another order.

    The dialogues are originals with their words mixed: near-duplicates would never come to this step.
    """
    for number, (original, text) in enumerate(zip(originals, texts, strict=False)):
        rng = random.Random(f"{seed}|evaluation|{original.dialogue_id}")  # noqa: S311 - no secret hangs on it
        for guilty, note in ((True, text), (False, _mixed(text, rng))):
            talk = [message | {"content": _mixed(message["content"], rng)} for message in original.messages]
            yield _plant("evaluation", number, original.family, _with_note(talk, note), guilty=guilty)


def _mixed(text: str, rng: random.Random) -> str:
    pieces = text.split()
    rng.shuffle(pieces)
    return " ".join(pieces)


_DEFECTS: Final[tuple[Callable[[Messages], object], ...]] = (
    lambda messages: None,
    lambda messages: "no list of turns",
    lambda messages: [],
    lambda messages: [{"role": "user", "content": " "}, {"role": "assistant", "content": "Yes."}],
    lambda messages: [{"role": "critic", "content": "Hm."}, *messages],
    lambda messages: [{"role": "assistant", "content": "Hello!"}, *messages],
    lambda messages: [{"role": "user", "content": 7}, {"role": "assistant", "content": "Seven."}],
    lambda messages: [*messages, {"role": "system", "content": "Be brief."}],
)


def malformed(originals: Sequence[Original], seed: str) -> Iterator[Plant]:
    """Rows that the reader or the check must refuse; and the same dialogues whole, with one letter more."""
    for number, original in enumerate(originals):
        defect = _DEFECTS[number % len(_DEFECTS)](original.messages)
        yield _plant("malformed", number, original.family, defect, guilty=True)
        sound = _with_note(original.messages, "❦")
        yield _plant("malformed", number, original.family, sound, guilty=False)


def wrong_language(families: Sequence[str], seed: str, count: int) -> Iterator[Plant]:
    """Talk in one language that declares another; and talk that declares its own."""
    languages = list(SENTENCES)
    for number in range(count):
        rng = random.Random(f"{seed}|language|{number}")  # noqa: S311 - no secret hangs on it
        spoken = languages[number % len(languages)]
        other = rng.choice([language for language in languages if language != spoken])
        for guilty, declared in ((True, other), (False, spoken)):
            asked, answered = rng.sample(SENTENCES[spoken], 2)
            messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
            family = families[number % len(families)]
            yield _plant("language", number, family, messages, guilty=guilty, language=declared)


def as_json_lines(plants: Iterable[Plant]) -> bytes:
    """The raw file of some plants."""
    return b"".join(json.dumps(plant.row, ensure_ascii=False).encode() + b"\n" for plant in plants)
