"""What trained critics look at, as named numbers: mostly the rules of untrained critics, and words with answers masked.

Each function gives the features of one row; those that are 0 may be absent. Numbers stay between 0 and about 2, so that
one strength of regularisation suits all.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from quimbot_data.pedagogy.feedback import NAMED_FORM, REMOVAL, is_direct, new_words
from quimbot_data.pedagogy.tokens import sentences_of, words_of
from quimbot_data.pedagogy.validation.labelled import Answer, Feedback

Features = dict[str, float]

_QUOTED: Final = re.compile(r"[\"'“‘]([^\"'”’]+)[\"'”’]")
_LED_TO: Final = re.compile(
    r"\b(?:to|use|using|say|is|with|by|as|like|add|adding|instead)\b[^\"']{0,25}[\"']([^\"']+)[\"']", re.I
)
_NUMBER_NAMED: Final = re.compile(r"\b(?:to )?be (?:a |an |the )?(?:plural|singular)", re.I)
_MARKS_NAMED: Final = re.compile(r"\b(?:hyphen|apostrophe|comma|period|capital|quotation)", re.I)
_DIGITS: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
_STATES: Final = (
    r"(?:is|are|equals?|get|gives?|us|makes?|be|=|to|of|has|have|into)\s+"
    r"(?:actually |equal to |approximately |about |only |just )?\$?"
)
_RESULT: Final = re.compile(
    r"\b(?:answer|result|total|sum|product|difference|value|area|quotient)\b[^.?!]{0,40}"
    r"\b(?:is|are|was|be|would be|equals|should be)\b",
    re.I,
)
_CONCLUDES: Final = re.compile(r"\b(?:so|therefore|thus|which means|this means|actually)\b", re.I)
_INVITES: Final = re.compile(r"\b(?:let's|try|can you|could you|how|what|think|remember)\b", re.I)
PIECES: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d[\d,./]*|[?!=.]")


def feedback_features(row: Feedback) -> Features:
    """For direct feedback or a hint: where the correction stands, and how the last sentence asks for it."""
    text = row.text
    last = (sentences_of(text) or [text])[-1]
    new = new_words(row.original, row.corrected, "en")
    quoted, quoted_last, led_to = (
        " ".join(pattern.findall(part)) for pattern, part in ((_QUOTED, text), (_QUOTED, last), (_LED_TO, text))
    )
    in_last, removes = _all_in(new, last), bool(REMOVAL.search(text))
    form = bool(NAMED_FORM.search(last))
    told = {
        "direct": is_direct(text, row.original, row.corrected, "en"),
        "occurs": _all_in(new, text),
        "occurs:last": in_last,
        "occurs:quoted": _all_in(new, quoted),
        "occurs:quoted-last": _all_in(new, quoted_last),
        "occurs:led-to": _all_in(new, led_to),
        "deletion": not row.corrected,
        "insertion": not row.original,
        "nothing-new": not new,
        "removes": removes,
        "removes:deletion": removes and not row.corrected,
        "removes:last": bool(REMOVAL.search(last)) and not row.corrected,
        "form": form,
        "form:told": form and in_last,
        "form:untold": form and not in_last,
        "number-named": bool(_NUMBER_NAMED.search(last)),
        "marks-named": bool(_MARKS_NAMED.search(last)) and not new,
    }
    masked = words_of(_QUOTED.sub(" qq ", text), "en")
    words = runs(masked, "w", (1, 2))
    return held(told) | _scaled(words, 2 / math.sqrt(max(len(words), 1)))


def _all_in(words: Sequence[str], text: str) -> bool:
    return bool(words) and set(words) <= set(words_of(text, "en"))


def answer_features(row: Answer) -> Features:
    """For an answer revealed: numbers that the talk did not hold, whose they are, and how they are put."""
    text = row.text
    last_said = row.said[-1][1] if row.said else ""
    asked = next((turn for role, turn in reversed(row.said) if role == "assistant"), "")
    known = set(numbers_of(" ".join(turn for _, turn in row.said)))
    given, worked = numbers_of(text), set(numbers_of(row.solution or ""))
    final = numbers_of(row.solution or "")[-1:]
    new = [number for number in given if number not in known]
    plain = text.replace(",", "")
    made = _results(numbers_of(asked)[:6])
    told = {
        "answer": bool(final and final[0] in given),
        "answer:new": bool(final and final[0] in new),
        "answer:unknown": not final,
        "answer:in-talk": not final and bool(new),
        "new": bool(new),
        "new:last": bool(new) and given[-1] == new[-1],
        "new:worked": any(number in worked for number in new),
        "new:stated": any(re.search(_STATES + re.escape(number), plain) for number in new),
        "new:equals": any(re.search(r"=\s*\$?" + re.escape(number), plain) for number in new),
        "new:made": any(_value(number) in _results(numbers_of(f"{asked} {last_said} {text}")[:24]) for number in new),
        "asked:made": any(_value(number) in made and number not in numbers_of(asked) for number in given),
        "equals": "=" in text,
        "result": bool(_RESULT.search(text)),
        "concludes": bool(_CONCLUDES.search(text)),
        "invites": bool(_INVITES.search(text)),
        "?": "?" in text,
        "?last": text.rstrip().endswith("?"),
        "asked": "?" in asked,
    }
    joined = ("answer", "answer:new", "new", "new:worked", "new:stated", "asked:made", "new:made")
    contexts = ("?last", "answer:unknown", "equals", "result", "invites")
    told |= {f"{one}&{other}": told[one] and told[other] for one in joined for other in contexts}
    counted = {
        "numbers": min(len(given), 10) / 5,
        "new:count": min(len(new), 5) / 2,
        "length": min(len(text.split()), 60) / 30,
    }
    return held(told) | counted | _scaled(runs(_masked(text), "w", (1, 2)), 0.5)


def numbers_of(text: str) -> list[str]:
    """Numbers in a text, without separators and closing zeros of decimals."""
    found = (match.replace(",", "") for match in _DIGITS.findall(text))
    return [number.rstrip("0").rstrip(".") if "." in number else number for number in found]


def _results(numbers: Sequence[str]) -> set[float]:
    """What one operation of two of these numbers gives."""
    values = [value for number in numbers if (value := _value(number)) is not None]
    pairs = [(a, b) for i, a in enumerate(values) for j, b in enumerate(values) if i != j]
    found = {result for a, b in pairs for result in (a + b, a - b, a * b)} | {a / b for a, b in pairs if b}
    return {round(result, 4) for result in found}


def _value(number: str) -> float | None:
    return None if "/" in number or not number else round(float(number), 4)


def _masked(text: str) -> list[str]:
    return ["#" if piece[0].isdigit() else piece for piece in PIECES.findall(text.lower())]


def runs(words: Sequence[str], name: str, lengths: Iterable[int]) -> Features:
    """Runs of words of these lengths, as features."""
    return {
        f"{name}{length}:{' '.join(words[start : start + length])}": 1.0
        for length in lengths
        for start in range(len(words) - length + 1)
    }


def _scaled(features: Features, norm: float) -> Features:
    return dict.fromkeys(features, norm)


def held(told: Mapping[str, bool]) -> Features:
    """What holds, as features."""
    return {name: 1.0 for name, holds in told.items() if holds}
