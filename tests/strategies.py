"""Dialogues and learner texts to draw: sound ones, and ones a step off."""

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas.columns import arrow_schema
from schemas.dialogue import content_hash
from schemas.fields import FAMILIES, TERMS, WHITESPACE
from schemas.learner import MOVES, SIGNALS, STRATEGIES, UPTAKES

Row = dict[str, Any]
#: Keys and indices down to a value of a row.
Place = tuple[str | int, ...]

#: What text rules turn on: marks out of order, Hangul syllables and jamo, nuktas, singletons, controls, blanks, emoji.
TRICKY = [
    *(
        "a",
        "Z",
        "9",
        ":",
        "é",
        "e\u0301",
        "a\u0323\u0301",
        "a\u0301\u0323",
        "\u0301",
        "\u0345",
        "ß",
        "\u212b",
        "\u2126",
    ),
    *("한", "하\u11ab", "\u1112\u1161\u11ab", "\u1161", "\u11a8", "क\u093c", "\u0958", "\u09c7\u09be", "\u0f71\u0f72"),
    *("か\u3099", "が", "漢", "\uf900", "\U0002f800", "ö̲", "🙂", "👩\u200d🌾", "🇺🇬", "\u200b", "\u200f", "\u2060"),
    *("\U00010efd", "a\U00010efd\u0301", "a\u0897\u0323", "\u1acf", "\U000113d0", "\U00030000", "\U000e0100"),
    *("\x00", "\x1f", "\x7f", "\x85", "\x9f", "\ufeff", "\r", "\r\n", "\t", "\n", " ", "\xa0", "\u2028", "\u3000"),
]

texts = st.lists(st.one_of(st.sampled_from(TRICKY), st.characters(codec="utf-8")), max_size=8).map("".join)
sound_texts = st.sampled_from(
    ["Hello!", "Ça va ?", "Webale nnyo.", "你好", "नमस्ते क\u093c", "한국어 🙂", "a:\n\n9 b", "x"]
)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(row: Row) -> Row:
    """The row with the counts and hash of its messages."""
    messages = row["messages"]
    turns = sum(message["role"] == "user" for message in messages)
    chars = sum(len(message["content"]) for message in messages)
    sealed_hash = content_hash([(message["role"], message["content"]) for message in messages])
    return row | {"n_messages": len(messages), "n_turns": turns, "n_chars": chars, "content_hash": sealed_hash}


def messages_of(*contents: str, system: str | None = None) -> list[dict[str, str]]:
    opening = [] if system is None else [{"role": "system", "content": system}]
    roles = ("user", "assistant")
    return opening + [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]


def full_row() -> Row:
    """A sound dialogue in which nothing is null and every list holds something."""
    learner = {"l1": "lg", "target_language": "es", "cefr": "B1", "background": "l2", "variety": "rioplatense"}
    learner |= {"shared_languages": ["en"]}
    turn = {"position": 1, "signals": ["error"], "uptake": "repair", "latency_seconds": 2.5, "moves": ["affirm"]}
    turn |= {"strategy": "hint", "target": 0, "languages": ["es"]}
    turn |= {"cultural_note": {"topic": "Mate is shared.", "region": "Río de la Plata", "source": "notes"}}
    error = error_at(1, 0, 2, "yo") | {"corrected": "Yo", "operation": "replacement", "source_id": "es:case:1"}
    row = {
        "dialogue_id": "tutor:7",
        "source": "tutor",
        "family": "pedagogical",
        "messages": messages_of(
            "Yo tengo hambre", "¡Muy bien! 🙂", "Gracias", "De nada", "¿Y?", "Nada.", system="Teach Spanish."
        ),
        "untrained": [2, 4],
        "language": "es",
        "language_declared": "es",
        "language_detected": "pt",
        "language_confidence": 0.75,
        "language_agrees": False,
        "license": "CC-BY-4.0",
        "terms": ["attribution", "share-alike"],
        "provenance": {
            "raw_id": "7",
            "revision": "abc",
            "lineage": "seed-1",
            "derived": {
                **{"by": "template:a@1", "template": [{"position": 1, "head": 3, "tail": 0}]},
                **{"template_id": "recast/past", "prompt_hash": "0" * 64, "model": "small", "sampling": "{}"},
            },
        },
        "cluster_id": "tutor:7",
        "n_tokens": 21,
        "safety": {
            "flagged": True,
            "categories": ["insult"],
            "label": "casual",
            "rules_of_thumb": ["Be kind."],
            "flagged_positions": [1, 2],
            "scores": [{"position": 1, "category": "insult", "score": 0.5}],
            "classifier": "toxic@0123456789ab",
        },
        "pedagogy": {"learner": learner, "topic": "food", "turns": [turn], "errors": [error]},
        "quality": {
            **{"symbol_share": 0.125, "digit_share": 0.0, "truncated_prompt": False},
            **{"duplicate_line_share": 0.25, "top_bigram_share": 0.0625, "duplicate_5gram_share": 0.5},
            **{"refusal": True, "ai_disclaimer": True, "reply_language_differs": True, "empty_talk": True},
        },
    }
    return sealed(row)


def turn_at(position: int, target: int | None = None) -> Row:
    """An annotation that says no more than where it is, and which error it is about."""
    turn: Row = {"position": position, "signals": [], "uptake": None, "latency_seconds": None, "moves": []}
    return turn | {"strategy": None, "target": target, "languages": [], "cultural_note": None}


def error_at(position: int, start: int, end: int, original: str = "x") -> Row:
    """An error that says no more than where it is."""
    told: Row = {"position": position, "start": start, "end": end, "original": original, "corrected": ""}
    told |= {"operation": "unnecessary", "type": "x", "generalizable": True}
    return told | {"is_variation": False, "source_id": None}


def derived_by(maker: str, template: list[Row]) -> Row:
    """What made a dialogue's turns, and nothing else."""
    return {"by": maker, "template": template} | dict.fromkeys(("template_id", "prompt_hash", "model", "sampling"))


def bare_row() -> Row:
    """A sound dialogue in which everything that may be null is, and every list that may be empty is."""
    row = full_row() | dict.fromkeys(
        ("language_declared", "language_detected", "language_confidence", "language_agrees", "cluster_id"), None
    )
    row |= {"untrained": [], "terms": [], "safety": None, "pedagogy": None, "messages": messages_of("Hi", "Hello")}
    row["provenance"] = dict.fromkeys(row["provenance"])
    row["quality"] = row["quality"] | {"refusal": False, "ai_disclaimer": False, "empty_talk": False}
    row["quality"] |= {"reply_language_differs": None}
    return sealed(row)


def full_text() -> Row:
    """A sound learner text in which nothing is null."""
    text = "My favorit\r\nfood  is e\u0301clair."
    return {
        "text_id": "toefl11:1.txt",
        "source": "toefl11",
        "text": text,
        "language": "en",
        "l1": "ko",
        "prompt": "P1",
        "level": "medium",
        "license": "LicenseRef-LDC",
        "terms": ["no-transfer", "research-only"],
        "raw_id": "1.txt",
        "revision": "r1",
        "content_hash": hashed(text),
        "n_chars": len(text),
    }


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a row, from columns down to leaves."""
    if at:
        yield at
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*at, key))


def value_at(row: Row, place: Place) -> Any:
    value: Any = row
    for key in place:
        value = value[key]
    return value


def changed(row: Row, place: Place, value: Any) -> Row:
    """A copy of the row with another value at this place."""
    row = copy.deepcopy(row)
    value_at(row, place[:-1])[place[-1]] = value
    return row


_STRINGS = [
    *(
        "",
        " ",
        "x",
        "en",
        "EN",
        "e1",
        "eng",
        "engl",
        "en\n",
        "und",
        "tutor",
        "tutor:",
        "tutor:7\n",
        "other:7",
        ":7",
        ".",
    ),
    *(
        "-a",
        "a" * 64,
        "a" * 65,
        "A.b",
        "é",
        "e\u0301",
        "a\x00b",
        "\ufeff",
        "\u3000",
        "\u200b",
        "user",
        "system",
        "User",
    ),
    *("assistant", "unknown", "pedagogical", "safety", "C2", "C3", "heritage", "low", "high", "0" * 64, "g" * 64),
    "no-transfer",
]
_INTEGERS = [-(2**31), -1, 0, 1, 2, 3, 4, 5, 2**31 - 1]
_LONGS = [-(2**63), 2**31, 2**63 - 1]
_FLOATS = [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, -5e-324, 0.5, 1.0, 1.0000000000000002, -0.1]


def alternatives(value: Any, place: Place) -> list[Any]:
    """Other values that the same column could hold, sound or not."""
    if isinstance(value, bool):
        return [None, True, False]
    if isinstance(value, int):
        return [None, *_INTEGERS, *(_LONGS if place[0] in ("n_chars", "n_tokens") else [])]
    if isinstance(value, float):
        return [None, *_FLOATS]
    if isinstance(value, str):
        return [None, *_STRINGS]
    if isinstance(value, list):
        return [None, [], [None], [*value, None], value[::-1], value * 2, value[:1], value[:1] + value]
    return [None, dict.fromkeys(value)] if value else [None]


def neighbours(row: Row) -> list[Row]:
    """Every row that differs from this one in one place."""
    return [changed(row, place, value) for place in places(row) for value in alternatives(value_at(row, place), place)]


def frame_of(model: type[BaseModel], rows: Sequence[Row]) -> pl.DataFrame:
    """A frame of rows as they are, sound or not, in the model's column types."""
    frame = pl.from_arrow(pa.Table.from_pylist(list(rows), schema=arrow_schema(model)))
    assert isinstance(frame, pl.DataFrame)
    return frame


def accepted(model: type[BaseModel], row: Row) -> bool:
    """Pydantic's verdict."""
    return complaint(model, row) is None


def complaint(model: type[BaseModel], row: Row) -> str | None:
    """What Pydantic says first against a row."""
    try:
        model.model_validate(row)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return None


_subtags = st.sampled_from(["en", "lg", "ach", "und"])
_counts = st.integers(0, 2**31 - 1)
_shares = st.floats(0, 1)


def _struct(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(fields)


def _few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=2)


_some_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)
_learner = _struct(
    l1=st.none() | _subtags,
    target_language=st.none() | _subtags,
    cefr=st.sampled_from([None, "A1", "C2"]),
    background=st.sampled_from([None, "heritage", "l2"]),
    variety=st.none() | _some_text,
    shared_languages=_few(st.sampled_from(["en", "lg"])),
)
_quality = _struct(
    symbol_share=_shares,
    digit_share=_shares,
    truncated_prompt=st.booleans(),
    duplicate_line_share=_shares,
    top_bigram_share=_shares,
    duplicate_5gram_share=_shares,
    refusal=st.booleans(),
    ai_disclaimer=st.booleans(),
    reply_language_differs=st.none() | st.booleans(),
    empty_talk=st.booleans(),
)


def _positions(messages: list[Any]) -> st.SearchStrategy[list[int]]:
    return st.sets(st.integers(0, len(messages) - 1), max_size=3).map(sorted)


@st.composite
def _pedagogies(draw: st.DrawFn, messages: list[dict[str, str]]) -> Row:
    errors = draw(_few(_errors(messages)))
    rest = _struct(
        signals=_few(st.sampled_from(SIGNALS)),
        uptake=st.none() | st.sampled_from(UPTAKES),
        latency_seconds=st.none() | st.floats(0, 60),
        moves=_few(st.sampled_from(MOVES)),
        strategy=st.none() | st.sampled_from(STRATEGIES),
        target=st.none() | st.integers(0, len(errors) - 1) if errors else st.none(),
        languages=_few(st.sampled_from(["en", "es"])),
        cultural_note=st.none() | _struct(topic=_some_text, region=_some_text, source=_some_text),
    )
    turns = [{"position": position, **draw(rest)} for position in draw(_positions(messages))]
    return {"learner": draw(_learner), "topic": draw(st.none() | _some_text), "turns": turns, "errors": errors}


@st.composite
def _errors(draw: st.DrawFn, messages: list[dict[str, str]]) -> Row:
    position = draw(st.integers(0, len(messages) - 1))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(messages[position]["content"]))] * 2)))
    rest = _struct(
        original=_some_text,
        corrected=st.just(""),
        operation=st.sampled_from(["missing", "unnecessary", "replacement"]),
        type=_some_text,
        generalizable=st.booleans(),
        is_variation=st.booleans(),
        source_id=st.none() | _some_text,
    )
    return {"position": position, "start": start, "end": end, **draw(rest)}


def _safeties(messages: list[dict[str, str]]) -> st.SearchStrategy[Row]:
    return _struct(
        flagged=st.booleans(),
        categories=_few(_some_text),
        label=st.none() | _some_text,
        rules_of_thumb=_few(_some_text),
        flagged_positions=_positions(messages),
        scores=_few(_struct(position=st.integers(0, len(messages) - 1), category=_some_text, score=st.floats(0, 1))),
        classifier=st.none() | _some_text,
    )


@st.composite
def _deriveds(draw: st.DrawFn, messages: list[dict[str, str]]) -> Row:
    template = []
    for position in draw(_positions(messages)):
        length = len(messages[position]["content"])
        head = draw(st.integers(0, length))
        template.append({"position": position, "head": head, "tail": draw(st.integers(0, length - head))})
    rest = _struct(
        template_id=st.none() | _some_text,
        prompt_hash=st.sampled_from([None, "0" * 64]),
        model=st.none() | _some_text,
        sampling=st.none() | _some_text,
    )
    return {"by": draw(_some_text), "template": template, **draw(rest)}


@st.composite
def dialogues(draw: st.DrawFn, contents: st.SearchStrategy[str] = sound_texts) -> Row:
    """Sound dialogues, as far as their contents are."""
    turns = draw(st.integers(1, 3))
    system = draw(st.none() | contents)
    messages = messages_of(*(draw(contents) for _ in range(2 * turns)), system=system)
    assistants = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    source = draw(st.sampled_from(["lmsys", "waxal", "a.b-c_d", "7"]))
    row = {
        "dialogue_id": f"{source}:{draw(_some_text)}",
        "source": source,
        "family": draw(st.sampled_from(FAMILIES)),
        "messages": messages,
        "untrained": sorted(draw(st.sets(st.sampled_from(assistants)))),
        "language": draw(_subtags),
        "language_declared": draw(st.none() | _subtags),
        "language_detected": draw(st.none() | _subtags),
        "language_confidence": draw(st.none() | _shares),
        "language_agrees": draw(st.none() | st.booleans()),
        "license": draw(_some_text),
        "terms": sorted(draw(st.sets(st.sampled_from(TERMS), max_size=3))),
        "provenance": {
            "raw_id": draw(st.none() | _some_text),
            "revision": None,
            "lineage": draw(st.none() | _some_text),
            "derived": draw(st.none() | _deriveds(messages)),
        },
        "cluster_id": draw(st.none() | _some_text),
        "n_tokens": draw(st.integers(0, 2**63 - 1)),
        "safety": draw(st.none() | _safeties(messages)),
        "pedagogy": draw(st.none() | _pedagogies(messages)),
        "quality": draw(_quality),
    }
    return sealed(row)


@st.composite
def learner_texts(draw: st.DrawFn) -> Row:
    """Sound learner texts, unless their text is empty."""
    text = draw(texts)
    return full_text() | {
        "text": text,
        "content_hash": hashed(text),
        "n_chars": len(text),
        "terms": sorted(draw(st.sets(st.sampled_from(TERMS), max_size=3))),
        "level": draw(st.sampled_from([None, "low", "high"])),
        "prompt": draw(st.none() | texts),
    }


def _shuffled(draw: st.DrawFn, row: Row) -> Row:
    """Turns swapped, doubled or taken out; sealed again, so that only the turn rules can object."""
    messages = draw(st.lists(st.sampled_from(row["messages"]), max_size=5) | st.permutations(row["messages"]))
    return sealed(row | {"messages": list(messages)})


def _other_untrained(draw: st.DrawFn, row: Row) -> Row:
    return row | {"untrained": draw(st.lists(st.integers(-2, 6), max_size=3))}


def _other_positions(draw: st.DrawFn, row: Row) -> Row:
    """Labels, annotations or templates moved: out of order, doubled, beyond the messages or beyond their ends."""
    near = st.integers(-1, len(row["messages"]) + 1)
    length = st.integers(-1, max((len(message["content"]) for message in row["messages"]), default=0) + 2)
    places_in = {
        "flagged_positions": st.lists(near, max_size=3),
        "scores": _few(_struct(position=near, category=st.just("x"), score=st.just(0.5))),
        "template": _few(_struct(position=near, head=length, tail=length)),
        "turns": _few(st.builds(turn_at, near, st.none() | near)),
        "errors": _few(st.builds(error_at, near, length, length)),
    }
    which = draw(st.sampled_from(list(places_in)))
    drawn = draw(places_in[which])
    full = full_row()
    if which in ("flagged_positions", "scores"):
        return row | {"safety": (row["safety"] or full["safety"]) | {which: drawn}}
    if which == "template":
        return row | {"provenance": row["provenance"] | {"derived": derived_by("x", drawn)}}
    quiet = full["pedagogy"] | {"turns": [], "errors": []}
    return row | {"pedagogy": (row["pedagogy"] or quiet) | {which: drawn}}


def _other_terms(draw: st.DrawFn, row: Row) -> Row:
    return row | {"terms": draw(st.lists(st.sampled_from([*TERMS, "mystery"]), max_size=3))}


def _other_content(draw: st.DrawFn, row: Row) -> Row:
    at = draw(st.integers(0, len(row["messages"]) - 1))
    content = draw(texts | st.text(st.sampled_from(WHITESPACE + "\u200b"), max_size=3))
    row = changed(row, ("messages", at, "content"), content)
    return sealed(row) if draw(st.booleans()) else row


def other_value(draw: st.DrawFn, row: Row) -> Row:
    """Any one value replaced."""
    place = draw(st.sampled_from(list(places(row))))
    return changed(row, place, draw(st.sampled_from(alternatives(value_at(row, place), place))))


_MUTATIONS: list[Callable[[st.DrawFn, Row], Row]] = [
    *(_shuffled, _other_untrained, _other_positions, _other_positions, _other_terms, _other_content, other_value)
]


@st.composite
def near_dialogues(draw: st.DrawFn) -> Row:
    """Dialogues that are sound or one step off."""
    row = draw(dialogues(sound_texts) | dialogues(texts) | st.just(full_row()))
    mutate = draw(st.sampled_from([*_MUTATIONS, None]))
    return mutate(draw, row) if mutate else row


@st.composite
def near_learner_texts(draw: st.DrawFn) -> Row:
    """Learner texts that are sound or one step off."""
    row = draw(learner_texts())
    mutate = draw(st.sampled_from([_other_terms, other_value, other_value, None]))
    return mutate(draw, row) if mutate else row
