"""What a seed puts into the slots of a grammar, and what may not be given away."""

import re
from typing import Final

from schemas.learner import Cefr
from schemas.seed import Seed
from synth.grammar.notation import Grammar, Script
from synth.scenarios import cue_within_reach
from synth.seeds import topics

_STOP: Final = re.compile(r"[.!?。！？؟]+$")
#: Sentence ends after which a small letter grows; opening marks may stand between. Dots may be a mere pause.
_START: Final = re.compile(r"(^|(?<!\.)[.!?]\s+)([¿¡“\"«(]*)([^\W\d_])")


def slots_of(seed: Seed, grammar: Grammar, level: Cefr, *, right_first: bool) -> dict[str, str]:
    """The words of a seed by slot: phrases that are spoken about, the cue, the recast, the topic."""
    right, wrong = seed.contrast
    recast = str(seed.recast)
    slots = {
        "wrong": quoted(wrong, grammar.script),
        "first": quoted(right if right_first else wrong, grammar.script),
        "second": quoted(wrong if right_first else right, grammar.script),
        "right": quoted(right, grammar.script),
        "sentence": seed.sentence,
        "corrected": seed.corrected_sentence,
        "recast": recast,
        "bare": _STOP.sub("", recast),
    }
    if seed.original.strip():
        slots["original"] = quoted(seed.original.strip(), grammar.script)
    if seed.cue and cue_within_reach(seed, level):
        slots |= _cue_slots(seed.cue, grammar)
    if (low := lowered(slots["bare"], grammar.script)) is not None:
        slots["low"] = low
    if seed.topic and (topic := topics().get(seed.topic)) and seed.language in topic.labels:
        slots["topic"] = topic.labels[seed.language]
    return slots


def _cue_slots(cue: str, grammar: Grammar) -> dict[str, str]:
    """A cue stands after a colon whatever it is; only a noun or an indirect question can be thought about."""
    first, script = cue.split(" ", 1)[0], grammar.script
    if first in script.clauses:
        return {"cue": cue}
    return {"cue": cue, "focus": cue} if first in script.asking else {"cue": cue, "focus": cue, "thing": cue}


def quoted(text: str, script: Script) -> str:
    """A phrase between the language's quotation marks."""
    return f"{script.quotes[0]}{text}{script.quotes[1]}"


def lowered(text: str, script: Script) -> str | None:
    """A sentence as it goes on after a comma; None where its first word may be a name."""
    marks = text[: len(text) - len(text.lstrip("¿¡"))]
    bare = text[len(marks) :]
    first = re.split(r"[ ,.!?…，。！？]", bare, maxsplit=1)[0]
    if first in script.lowered or (first and first[0].isalpha() and not first[0].isupper()):
        return marks + bare[0].lower() + bare[1:]
    return None


def capitalised(text: str) -> str:
    """Sentences begin with a capital."""
    return _START.sub(lambda found: found[1] + found[2] + found[3].upper(), text)
