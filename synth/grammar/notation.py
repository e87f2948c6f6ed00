"""Grammars: rules out of TOML.

    [rules]
    greeting = ["(Hi|Hello)<name>!", "Good (morning|evening)<name>."]
    name = ["", " there"]
    "name@A1" = [""]

`(a|b|)` is a choice, `<rule>` another rule, `{slot}` a word of the scenario. A rule may have forms for a level or a
background (`name@A1`, `name@heritage`), which stand in for it there. An alternative whose slot the scenario does not
fill is passed over.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import Field, ValidationError

from schemas.errors import InputError
from schemas.fields import NonEmpty, Strict, Subtag

_PIECE: Final = re.compile(r"\(|\)|\||<[\w-]+>|\{\w+\}|[^()|<>{}]+")


@dataclass(frozen=True)
class Text:
    """Words as they stand."""

    text: str


@dataclass(frozen=True)
class Slot:
    """A word of the scenario."""

    name: str


@dataclass(frozen=True)
class Rule:
    """Another rule, expanded in its place."""

    name: str


@dataclass(frozen=True)
class Choice:
    """One of several sequences of parts."""

    options: tuple["Sequence_", ...]


Sequence_ = tuple[Text | Slot | Rule | Choice, ...]


class Script(Strict):
    """How a language is written."""

    space: str
    """Between sentences."""
    again: str
    """Stands for a phrase that was just said."""
    quotes: list[str]
    """Opening and closing mark around a phrase that is spoken about."""
    stop: str = "."
    clauses: list[NonEmpty] = Field(default=[])
    """First words of cues that are clauses ("that ..."): these stand after a colon only."""
    asking: list[NonEmpty] = Field(default=[])
    """First words of cues that are indirect questions ("how many ..."): these can be thought about, and do nothing."""
    lowered: list[NonEmpty] = Field(default=[])
    """Words that lose their capital when a sentence goes on with them."""


class GrammarFile(Strict):
    """A grammar as it is written."""

    language: Subtag
    reviewed: bool
    """A native teacher of the language has read it."""
    script: Script
    rules: dict[NonEmpty, list[str]]


@dataclass(frozen=True)
class Grammar:
    """The rules of one language."""

    language: str
    script: Script
    rules: Mapping[str, tuple[Sequence_, ...]]

    def alternatives(self, name: str, forms: Sequence[str]) -> tuple[str, tuple[Sequence_, ...]]:
        """A rule in the first of these forms that it has, and the name of that.

        Raises:
            InputError: there is no such rule.
        """
        for form in forms:
            if (full := f"{name}@{form}") in self.rules:
                return full, self.rules[full]
        if name not in self.rules:
            raise InputError(f"The grammar of {self.language!r} has no rule {name!r}.")
        return name, self.rules[name]


@cache
def load_grammar(language: str) -> Grammar:
    """The shipped grammar of a language.

    Raises:
        InputError: there is none, or it is not valid.
    """
    path = files("synth.grammar") / "rules" / f"{language}.toml"
    if not path.is_file():
        raise InputError(f"There is no grammar of {language!r}.", valid=f"Shipped: {', '.join(grammar_languages())}.")
    return parse_grammar(path.read_text(encoding="utf-8"), f"{language}.toml")


def grammar_languages() -> list[str]:
    """Languages with a shipped grammar, sorted."""
    return sorted(path.name.removesuffix(".toml") for path in (files("synth.grammar") / "rules").iterdir())


def parse_grammar(text: str, name: str) -> Grammar:
    """A grammar out of TOML.

    Raises:
        InputError: not TOML, a key that is none, an unbalanced alternative, or a rule that is named and not there.
    """
    try:
        file = GrammarFile.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"Grammar {name} is not valid: {error}.") from error
    rules = {rule: tuple(_parsed(each, f"{name}, {rule}") for each in found) for rule, found in file.rules.items()}
    bare = {rule.partition("@")[0] for rule in rules}
    named = {
        each.name for found in rules.values() for parts in found for each in _walk(parts) if isinstance(each, Rule)
    }
    if missing := named - bare:
        raise InputError(f"Grammar {name} names rules that it does not have: {', '.join(sorted(missing))}.")
    return Grammar(file.language, file.script, rules)


def _walk(parts: Sequence_) -> Iterator[Text | Slot | Rule | Choice]:
    for part in parts:
        yield part
        if isinstance(part, Choice):
            for option in part.options:
                yield from _walk(option)


def _parsed(text: str, place: str) -> Sequence_:
    pieces = _PIECE.findall(text)
    if "".join(pieces) != text:
        raise InputError(f"Grammar {place}: {text!r} cannot be read.", valid="(a|b), <rule>, {slot} and text.")
    try:
        parts, rest = _sequence(pieces)
    except _OpenChoiceError:
        parts, rest = (), pieces
    if rest:
        raise InputError(f"Grammar {place}: {text!r} is not balanced.", valid="Every ( has its ), and | stands within.")
    return parts


class _OpenChoiceError(ValueError):
    """A choice that does not end."""


def _sequence(pieces: list[str]) -> tuple[Sequence_, list[str]]:
    parts: list[Text | Slot | Rule | Choice] = []
    while pieces and pieces[0] not in ("|", ")"):
        piece, pieces = pieces[0], pieces[1:]
        if piece == "(":
            choice, pieces = _choice(pieces)
            parts.append(choice)
        elif piece[0] == "<":
            parts.append(Rule(piece[1:-1]))
        else:
            parts.append(Slot(piece[1:-1]) if piece[0] == "{" else Text(piece))
    return tuple(parts), pieces


def _choice(pieces: list[str]) -> tuple[Choice, list[str]]:
    options = []
    while True:
        option, pieces = _sequence(pieces)
        options.append(option)
        if not pieces:
            raise _OpenChoiceError
        closing, pieces = pieces[0], pieces[1:]
        if closing == ")":
            return Choice(tuple(options)), pieces
