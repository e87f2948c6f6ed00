"""Writes what a good model would: dialogues out of the shipped seeds, for a stand-in endpoint to answer with.

It reads what the prompts say (the learner's sentence, the numbered exchanges), as a model does.
"""

import json
import re
from collections.abc import Sequence
from functools import cache

from llm_standin import Answer, Payload

from schemas.seed import Seed
from synth.seeds import load_seeds

_STEP = re.compile(r"^\d+\. Learner: (.*)\n   Tutor: (.*)$", re.MULTILINE)


@cache
def seeds() -> dict[str, Seed]:
    return {seed.sentence: seed for seed in load_seeds(["en"])}


def author(payload: Payload, again: int) -> Answer:
    """A dialogue, a turn, or the same dialogue once more."""
    messages = payload["messages"]
    system, asked = messages[0]["content"], messages[1]["content"]
    if "exchanges" in system:
        return Answer(dialogue(asked, payload.get("seed", 0), mended=len(messages) > 2), usage=usage(payload))
    seed = next((seed for sentence, seed in seeds().items() if sentence in system + asked), None)
    told = asked.rpartition("What you do now: ")[2]
    if seed is None or '"moves"' not in system:
        text = learner(seed, told, payload.get("seed", 0)) if seed else "Hello!"
        return Answer(json.dumps({"text": text}), usage=usage(payload))
    return Answer(json.dumps({"text": tutor(seed, told, order_in(system)), "moves": []}), usage=usage(payload))


def usage(payload: Payload) -> tuple[int, int]:
    return (sum(len(message["content"]) for message in payload["messages"]) // 4, 200)


def dialogue(asked: str, number: int, *, mended: bool = False) -> str:
    """The first one says too much to learners who are confused or silent; the mended one does not."""
    [sentence] = re.findall(r"^The learner's sentence with the error: (.*)$", asked, re.MULTILINE)
    seed = seeds()[sentence]
    exchanges = [
        {
            "learner": "" if at == 0 else learner(seed, said, number),
            "tutor": tutor(seed, told, order_in(asked), short=mended),
            "moves": [],
        }
        for at, (said, told) in enumerate(_STEP.findall(asked))
    ]
    return json.dumps({"exchanges": exchanges})


def order_in(prompt: str) -> list[str]:
    [both] = re.findall(r"^For `explore`, in this order: (.*)$", prompt, re.MULTILINE)
    return str(both).split(" / ")


def learner(seed: Seed, told: str, number: int) -> str:
    if "does not understand" in told:
        return "Sorry, I do not understand."
    if "long silence" in told:
        return "Hm."
    if "right form" in told and "finds" in told:
        return seed.corrected_sentence
    if "same error" in told:
        return seed.sentence
    if "not yet to the right one" in told:
        return "I think it is another word."
    if "winds the chat up" in told:
        return "I have to go now, bye!"
    return f"It was very nice, number {number % 1000}."


def tutor(seed: Seed, told: str, order: Sequence[str], *, short: bool = False) -> str:
    question = seed.questions[0]
    if short and ("`simplify`" in told or "shorter" in told):
        return shorter(seed, told, order)
    if "goodbye" in told:
        return "It was nice to hear about it. Bye!"
    if "glad" in told or "takes up" in told:
        check = " Is that clear?" if "follows" in told else ""
        return f"I like that.{check or ' ' + question}"
    if "`explain`" in told:
        return f"Look at {seed.cue}. Does that help?"
    if "`recast`" in told:
        return f"{seed.recast} {question}" + (" I am curious." if "statement" in told else "")
    if "`question`" in told:
        return f"You said '{seed.sentence}'. Does it fit with {seed.cue}?"
    if "`hint`" in told:
        return f"Look at {seed.cue}." + ("" if "statement" in told else " What changes?")
    first, second = order
    return f"Listen: {first}, or {second}. Which one sounds better?"


def shorter(seed: Seed, told: str, order: Sequence[str]) -> str:
    first, second = order
    if "`recast`" in told:
        return f"{seed.recast} {min(seed.questions, key=len)}"
    if "`question`" in told:
        return f"Does '{seed.contrast[1]}' fit?"
    return f"{(seed.cue or '').capitalize()}?" if "`hint`" in told else f"{first}, or {second}: which one?"
