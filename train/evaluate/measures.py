"""What replies show: one value a reply (or pair, or chat), so that base and adapter can be set side by side by prompt.

The critics of `quimbot_data.pedagogy` judge what a tutor says to a learner's error; the rest is counted here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from quimbot_data.language import UMBRELLAS, detect
from quimbot_data.pedagogy.adaptation import simplify_fault
from train.evaluate.register import formality, on_cue
from train.evaluate.replies import Asked, Reply
from train.evaluate.to_errors import to_error
from train.prompts import Prompt, PromptError

#: Characters below which no detector is asked for the language of a reply.
LEAST_CHARACTERS: Final = 12


class About(NamedTuple):
    """What a measure tells, and where it should lie: pedagogy's ranges where there are some."""

    says: str
    good: str


MEASURES: Final[Mapping[str, About]] = {
    "stops": About("answers that the model ended itself", "1"),
    "target_language": About("answers in the language of the prompt, of those long enough to tell", "1"),
    "explicit_correction": About("answers to an error that correct it outright", "≤ .005"),
    "reveals_correction": About("answers to an error that hold its correction", "recasts alone"),
    "leaks": About("questions and hints about an error that hold its correction", "≤ .02"),
    "scaffolds": About("answers to an error that keep the invariant of one of the four strategies", "≥ .95"),
    "asks": About("answers to an error that ask something", ".50–.75"),
    "open_question": About("of the answers that ask, those with an open question", ".10–.40"),
    "encourages": About("answers to an error that praise or encourage", ".3–.6"),
    "within_level": About("answers within the learner's level", "≥ .95"),
    "simplifies": About("answers to confusion that are shorter and no harder, and no copy", "1"),
    "register_on_cue": About("pairs in which formal words get the more formal answer; a tie counts half", "1"),
    "formality_to_casual": About("formality of answers to casual words, from -1 to 1", "< 0"),
    "formality_drift": About("formality of a casual chat's last answer less that of its first", "≤ 0"),
}


class Observation(NamedTuple):
    """One value of a measure."""

    model: str
    measure: str
    unit: str
    """Prompt, or pair of prompts, that it is of."""
    language: str
    value: float


def observations(asked: Sequence[Asked], replies: Sequence[Reply]) -> list[Observation]:
    """Every value that replies give, in the order of the replies."""
    prompts = {prompt.id: prompt for _, prompt in asked}
    found = list(_of_languages(prompts, replies))
    for reply in replies:
        prompt = prompts[reply.prompt]
        found += [
            Observation(reply.model, name, f"{prompt.id}/{reply.turn}", prompt.language, value)
            for name, value in _of_reply(prompt, reply)
        ]
    return found + list(_of_registers(prompts, replies))


def _of_reply(prompt: Prompt, reply: Reply) -> Iterator[tuple[str, float]]:
    yield "stops", float(reply.stopped)
    if prompt.error is not None:
        yield from _of_error(prompt, prompt.error, reply.text)
    if reply.set == "simplification":
        earlier = prompt.messages[-2].content
        yield "simplifies", float(bool(reply.text) and simplify_fault(reply.text, earlier, prompt.language) is None)


def _of_error(prompt: Prompt, error: PromptError, text: str) -> Iterator[tuple[str, float]]:
    told = to_error(prompt, error, text)
    yield "explicit_correction", float(told.explicit)
    yield "reveals_correction", float(told.reveals)
    yield "scaffolds", float(bool(told.strategies))
    yield "asks", float(bool(told.questions))
    yield "encourages", float(told.encourages)
    if told.leads:
        yield "leaks", float(told.reveals)
    if told.questions:
        yield "open_question", float(told.open)
    if told.within_level is not None:
        yield "within_level", float(told.within_level)


def _of_languages(prompts: Mapping[str, Prompt], replies: Sequence[Reply]) -> Iterator[Observation]:
    long = [reply for reply in replies if len(reply.text) >= LEAST_CHARACTERS]
    guesses = detect(pl.Series("text", [reply.text for reply in long], dtype=pl.String))
    for reply, language in zip(long, guesses["language"], strict=True):
        wanted = prompts[reply.prompt].language
        same = language is not None and UMBRELLAS.get(language, language) == UMBRELLAS.get(wanted, wanted)
        yield Observation(reply.model, "target_language", f"{reply.prompt}/{reply.turn}", wanted, float(same))


def _of_registers(prompts: Mapping[str, Prompt], replies: Sequence[Reply]) -> Iterator[Observation]:
    """Values of pairs of prompts that differ in register, and of casual chats."""
    said: dict[tuple[str, str, int], float] = {}
    for reply in replies:
        prompt = prompts[reply.prompt]
        found = formality(reply.text, prompt.language)
        if prompt.register_of is not None and found is not None:
            said[reply.model, prompt.id, reply.turn] = found
    for (model, name, turn), value in said.items():
        prompt, last = prompts[name], len(prompts[name].then)
        if prompt.register_of == "casual":
            yield Observation(model, "formality_to_casual", f"{name}/{turn}", prompt.language, value)
        pair = name.removesuffix("-casual")
        if pair != name and (model, f"{pair}-formal", 0) in said:
            cue = on_cue(value, said[model, f"{pair}-formal", 0])
            yield Observation(model, "register_on_cue", pair, prompt.language, cue)
        if last and turn == last:
            yield Observation(model, "formality_drift", name, prompt.language, value - said[model, name, 0])
