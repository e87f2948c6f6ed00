"""What a seed puts into the slots of a grammar, and what may not be given away."""

import re
from functools import lru_cache
from typing import Final

from quimbot_data.pedagogy.tokens import words_of
from schemas.learner import Cefr
from schemas.seed import Seed
from synth.grammar.notation import Grammar, Script
from synth.scenarios import cue_within_reach
from synth.seeds import topics

#: Words; of Chinese, characters.
_WORD: Final = re.compile(r"\w+(?:[-'’]\w+)*")
_MARK: Final = re.compile(r"[.,;:!?…¿¡،؛؟，。；：！？]+")
#: Marks that part a clause from another.
_PAUSE: Final = re.compile(r"[,;،؛，；]")
#: What a cue quotes.
_QUOTED: Final = re.compile(r"[“«]([^”»]+)[”»]|(?<!\w)'([^']+)'(?!\w)")
#: Most words of a clause that is quoted whole, of a phrase with the words that decide, of one that beginners compare as
#: it stands, and of a cue that is short.
LONGEST_CLAUSE: Final = 8
LONGEST_COMPARED: Final = 10
LONGEST_AT_A1: Final = 5
LONGEST_CUE: Final = 6
_UNIT: Final = re.compile(r"\w")
_STOP: Final = re.compile(r"[.!?。！？؟]+$")
#: Sentence ends after which a small letter grows; opening marks may stand between. Dots may be a mere pause.
_START: Final = re.compile(r"(^|(?<!\.)[.!?]\s+)([¿¡“\"«(]*)([^\W\d_])")


def slots_of(seed: Seed, grammar: Grammar, level: Cefr, *, right_first: bool) -> dict[str, str]:
    """The words of a seed by slot: phrases that are spoken about, the cue, the recast, the topic."""
    right, wrong = seed.contrast
    recast, end = str(seed.recast), seed.start + len(seed.corrected)
    cue, language = str(seed.cue), seed.language
    wrong = quoted(compared(wrong, seed.sentence, (seed.start, seed.end), cue, language), grammar.script)
    right = quoted(compared(right, seed.corrected_sentence, (seed.start, end), cue, language), grammar.script)
    pair = [right, wrong]
    if level == "A1" and max(len(_places(each, seed.language)) for each in pair) > LONGEST_AT_A1:
        pair = [quoted(each, grammar.script) for each in seed.contrast]
    first, second = pair if right_first else pair[::-1]
    slots = {
        "wrong": wrong,
        "first": first,
        "second": second,
        "right": right,
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
    """A cue stands after a colon whatever it is; a noun or an indirect question can be thought about, and a short noun
    can stand within a sentence."""
    first, script = cue.split(" ", 1)[0], grammar.script
    if first in script.clauses or _PAUSE.search(cue):
        return {"cue": cue}
    return (
        {"cue": cue, "focus": cue}
        if first in script.asking or long_cue(cue)
        else {"cue": cue, "focus": cue, "thing": cue}
    )


def long_cue(cue: str) -> bool:
    """Whether a cue is a clause rather than a phrase."""
    return bool(_PAUSE.search(cue)) or len(_WORD.findall(cue)) > LONGEST_CUE


@lru_cache(maxsize=1 << 13)
def compared(phrase: str, sentence: str, span: tuple[int, int], cue: str, language: str) -> str:
    """A phrase as it stands in a sentence, with the words that decide, as far as a cue quotes them; see `literal`."""
    stands = literal(phrase, sentence, span, language)
    start = sentence.find(stands)
    end = start + len(stands)
    for found in _quoted_in(cue, sentence, language):
        start, end = min(start, found[0]), max(end, found[1])
    held = sum(start <= at[0] < end for at in _places(sentence, language))
    return sentence[start:end] if held <= LONGEST_COMPARED else stands


def _quoted_in(cue: str, sentence: str, language: str) -> list[tuple[int, int]]:
    """Where what a cue quotes stands in a sentence."""
    quotes = ["".join(either) for either in _QUOTED.findall(cue)]
    edge = "" if language == "zh" else r"\b"
    found = (re.search(f"{edge}{re.escape(quote)}{edge}", sentence, re.IGNORECASE) for quote in quotes)
    return [match.span() for match in found if match]


def literal(phrase: str, sentence: str, span: tuple[int, int], language: str) -> str:
    """A phrase as it stands in a sentence, so that a learner is never quoted with words that they did not say.

    A phrase that does not stand there is the least stretch of the sentence that holds the span and, for each word of
    the phrase, a place of that word: on its own side of the error where it is found there, else the nearest; in
    Chinese, each character's. Where words of it stand nowhere, a short clause around the span is taken whole.

    >>> literal("I go yesterday", "Yesterday I go to the market.", (12, 14), "en")
    'Yesterday I go'
    >>> literal("she make yoga", "My sister make yoga at home.", (10, 14), "en")
    'My sister make yoga at home'
    """
    if same := re.search(re.escape(phrase), sentence, re.IGNORECASE):
        return same[0]
    words, unit = _places(sentence, language), _UNIT if language == "zh" else _WORD
    sought = [each.casefold() for each in unit.findall(phrase)]
    held = [(at[0].casefold(), at.span()) for at in unit.finditer(sentence)]
    found = _found(sought, held, span)
    if len(found) < len(sought) and (clause := _clause(sentence, words, span)):
        return clause
    around = _around(sentence, words, span)
    start, end = min(around[0], *(at[0] for at in found)), max(around[1], *(at[1] for at in found))
    touched = [at for at in words if at[0] < end and at[1] > start]
    return sentence[min(start, *(at[0] for at in touched)) : max(end, *(at[1] for at in touched))].strip()


def _found(sought: list[str], held: list[tuple[str, tuple[int, int]]], span: tuple[int, int]) -> list[tuple[int, int]]:
    """A place for each word of a phrase that stands in a sentence."""
    error = {word for word, at in held if at[0] < span[1] and at[1] > span[0]}
    middle = next((place for place, word in enumerate(sought) if word in error), None)
    found = []
    for place, word in enumerate(sought):
        several = [at for held_word, at in held if held_word == word]
        if middle is not None and place != middle:
            several = [at for at in several if (at[0] < span[0]) == (place < middle)] or several
        if several:
            found.append(min(several, key=lambda at: abs(at[0] - span[0])))
    return found


def _around(sentence: str, words: list[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int]:
    """A span; where it is empty, with the words on both sides of it, as far as no mark stands between."""
    start, end = span
    if start < end:
        return span
    before = [at for at in words if at[0] < start and not _MARK.search(sentence[at[1] : start])]
    after = [at for at in words if at[1] > end and not _MARK.search(sentence[end : at[0]])]
    return (before[-1][0] if before else start, after[0][1] if after else end)


def _clause(sentence: str, words: list[tuple[int, int]], span: tuple[int, int]) -> str:
    """What stands between marks of punctuation around a span; empty where it is long."""
    marks = [found.span() for found in _MARK.finditer(sentence)]
    start = max((at[1] for at in marks if at[1] <= span[0]), default=0)
    end = min((at[0] for at in marks if at[0] >= span[1]), default=len(sentence))
    held = sum(start <= at[0] < end for at in words)
    return sentence[start:end].strip() if held <= LONGEST_CLAUSE else ""


def _places(sentence: str, language: str) -> list[tuple[int, int]]:
    """Where the words of a sentence stand."""
    if language != "zh":
        return [found.span() for found in _WORD.finditer(sentence)]
    places, end = list[tuple[int, int]](), 0
    for word in words_of(sentence, language):
        if (start := sentence.casefold().find(word, end)) >= 0:
            end = start + len(word)
            places.append((start, end))
    return places


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
