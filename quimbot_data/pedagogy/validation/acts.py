"""What the critics of acts look at in a reply to a learner of Italian: who said which of the words that were sought.

Its own words count as runs of one to three, with the words sought masked; a dozen plain rules count by themselves, with
what the learner did (asked, tried, or neither), and with whether the reply asks.
"""

import re
import unicodedata
from itertools import combinations
from typing import Final

from quimbot_data.pedagogy.tokens import words_of
from quimbot_data.pedagogy.validation.features import PIECES, Features, held, runs
from quimbot_data.pedagogy.validation.labelled import Reply

NEGATES: Final = re.compile(
    r"\b(?:no|not|nope|almost|close|but|actually|incorrect|wrong|should be|instead|try again|forgot|missing|careful"
    r"|check|however)\b",
    re.I,
)
CONFIRMS: Final = re.compile(
    r"\b(?:yes|correct|right|good|great|perfect|excellent|well done|exactly|awesome|nice|bravo)\b", re.I
)
CONFIRMS_FIRST: Final = re.compile(r"\s*(?:yes|correct|good|great|perfect|excellent|that is correct|right)", re.I)
#: Plain rules over the reply.
_RULES: Final[dict[str, re.Pattern[str]]] = {
    "negates": NEGATES,
    "negates:first": re.compile(rf"^(?:\S+\s+){{0,3}}\S*?{NEGATES.pattern}", re.I),
    "confirms": CONFIRMS,
    "confirms:first": CONFIRMS_FIRST,
    "nearly": re.compile(r"\b(?:good|great|nice) (?:try|attempt|start|guess)|almost|close|not quite|nearly", re.I),
    "reminds": re.compile(r"\b(?:remember|don't forget|keep in mind)\b", re.I),
    "translates": re.compile(r"\b(?:is|are|means|translates?|called)\b", re.I),
    "grammar": re.compile(
        r"adjective|noun|follow|order|prepend|preposition|vowel|feminine|masculine|gender|article|phrase", re.I
    ),
    "quotes": re.compile(r"[\"“]"),
    "sets on": re.compile(r"\b(?:try|put|now|can you|complete|fill)", re.I),
    "mends": re.compile(
        r"\b(?:should|need|instead|change|missing|forgot|switch|wrong|incorrect|mistake|check|careful|spell)", re.I
    ),
    "but": re.compile(r"\b(?:but|however|just|except|only)\b", re.I),
    "calls right": re.compile(
        r"\b(?:is|are|was|were|that's|you're) (?:all |almost |mostly |partly )?(?:correct|right)", re.I
    ),
    "calls wrong": re.compile(
        r"(?:not|n't|isn't) (?:quite |exactly |entirely )?(?:correct|right)|incorrect|wrong|mistake", re.I
    ),
    "asks which": re.compile(r"\b(?:what|how|which|do you|can you|are you)\b[^.]*\?", re.I),
    "?": re.compile(r"\?"),
    "?last": re.compile(r"\?\s*$"),
}
#: How a reply opens; the first that fits.
_OPENINGS: Final[dict[str, re.Pattern[str]]] = {
    "nearly": re.compile(
        r"\s*(?:almost|(?:so |very )?close|not quite|you(?:'re| are) (?:close|almost|very)|nearly"
        r"|(?:good|nice|great) (?:try|start|attempt|guess))",
        re.I,
    ),
    "no": re.compile(r"\s*(?:no|not|nope|incorrect|wrong|actually|hmm|um|well|but)\b", re.I),
    "yes": re.compile(
        r"\s*(?:yes|yep|yeah|correct|right|exactly|that's (?:right|correct)|that is|perfect|great|good|excellent"
        r"|awesome|well done|very good|nice|you got)",
        re.I,
    ),
    "okay": re.compile(r"\s*(?:ok|okay|alright|sure|oh|so)\b", re.I),
}
_ASKS_HELP: Final = re.compile(
    r"\b(?:what|how|which|can you|could you|do you|is it|is that|am i|are|does|should|help|hint|not sure"
    r"|don't (?:know|remember))\b",
    re.I,
)
#: Italian words of the exercises that are not among those sought.
_ITALIAN: Final = frozenset(
    ("il", "la", "lo", "l", "e", "è", "di", "al", "alla", "dello", "della", "gatto", "cane", "coniglio", "pianta")
)


def act_features(row: Reply) -> Features:
    """Features of one reply."""
    told = _rules(row) | _tried(row)
    state = _state(row)
    text = row.text.lower()
    pieces = _masked(text, _sought(row))
    words = {
        **{f"{state}:{word}": 1.0 for word in {*pieces[:2], "brief" if len(pieces) < 6 else "long"}},
        **{f"open:{' '.join(pieces[:count])}": 1.0 for count in (1, 2)},
        f"end:{' '.join(pieces[-2:])}": 1.0,
        **{f"learner1:{word}": 1.0 for word in PIECES.findall(_learner(row))[:2]},
    }
    return told | _joined(told, state) | _counts(row, pieces) | words | runs(pieces, "w", (1, 2, 3))


def _rules(row: Reply) -> Features:
    opening = next((name for name, pattern in _OPENINGS.items() if pattern.match(row.text)), "other")
    found = {f"rule:{name}": bool(pattern.search(row.text)) for name, pattern in _RULES.items()}
    return held(found) | {f"opens:{opening}": 1.0}


def _tried(row: Reply) -> Features:
    """What the learner's turn and the reply hold of the phrase that is sought."""
    said, text = _plain(_learner(row)), _plain(row.text)
    preposition, thing, colour = (_plain(word) for word in row.target)
    noun = thing.split()[-1]
    whole = f"{preposition} {thing} {colour}"
    both = noun in said and colour in said
    before = _plain(row.said[-2]) if len(row.said) > 1 else ""
    return held(
        {
            "learner:whole": whole in said,
            "learner:preposition": preposition in said,
            "learner:order": both and said.find(noun) < said.find(colour),
            "learner:wrong order": both and said.find(noun) > said.find(colour),
            "gives:whole": whole in text,
            "repeats itself": before == text,
            "said before": any(_plain(turn) == text for turn in row.said),
        }
    )


def _state(row: Reply) -> str:
    """Whether the learner asks, tries, or does neither."""
    said, sought = _learner(row), _sought(row)
    pieces = PIECES.findall(said)
    italian = sum(piece in sought for piece in pieces)
    english = sum(piece.isalpha() and piece not in sought for piece in pieces)
    asks = bool(_ASKS_HELP.search(said))
    if italian >= 2 and not (asks and english > 2):
        return "tries"
    return "asks" if asks else "other"


def _joined(told: Features, state: str) -> Features:
    """Rules by what the learner did, by how far the phrase got, and by whether the reply asks; openings by rules."""
    stage = "whole" if "learner:whole" in told else "begun" if "learner:preposition" in told else "none"
    asks = "rule:?" in told
    joined = {f"{state}&{name}": 1.0 for name in told} | {f"{stage}&{name}": 1.0 for name in told}
    joined |= {f"asks {asks}&{name}": 1.0 for name in told if name.startswith("rule:")}
    pairs = (pair for pair in combinations(sorted(told), 2) if any(name.startswith("opens:") for name in pair))
    return joined | {"&".join(pair): 1.0 for pair in pairs} | {f"state:{state}": 1.0}


def _counts(row: Reply, pieces: list[str]) -> Features:
    """How much of what was sought the learner had, and the reply gives."""
    said, text = _learner(row), row.text.lower()
    had = [word.removeprefix("l'") in said for word in row.target]
    gives = [word.removeprefix("l'") in text for word in row.target]
    new = min(sum(give and not have for give, have in zip(gives, had, strict=True)), 2)
    old = min(sum(give and have for give, have in zip(gives, had, strict=True)), 2)
    asked = [word in said for word in row.english]
    state, sought = _state(row), _sought(row)
    italian = sum(piece in sought for piece in PIECES.findall(said))
    shared = set(words_of(text, "it")) & set(words_of(said, "it")) & sought
    told = {
        "gives:asked": any(a and b for a, b in zip(asked, gives, strict=True)),
        "learner:?": "?" in said,
        "learner:no italian": not italian,
        **{f"{state}:new{new}": True, f"{state}:old{old}": True, f"{state}:had{sum(had)}": True},
        f"{state}:had{sum(had)}:new{new}": True,
    }
    return held(told) | {
        "length": min(len(pieces), 40) / 20,
        "learner:italian": min(italian, 6) / 3,
        "had": sum(had) / 3,
        "gives": sum(gives) / 3,
        "new": float(new),
        "old": float(old),
        "shared": min(len(shared), 5) / 3,
        "turn": min(len(row.said), 12) / 12,
    }


def _learner(row: Reply) -> str:
    return row.said[-1].lower() if row.said else ""


def _sought(row: Reply) -> frozenset[str]:
    return frozenset(word for phrase in row.target for word in words_of(phrase, "it")) | _ITALIAN


def _masked(text: str, sought: frozenset[str]) -> list[str]:
    """Words of a reply, runs of Italian as one mark."""
    words = ["IT" if word in sought else word for word in PIECES.findall(text)]
    return [word for place, word in enumerate(words) if word != "IT" or place == 0 or words[place - 1] != "IT"]


def _plain(text: str) -> str:
    """Lower case, without accents and marks: learners write "e", "è" and "l albero" alike."""
    letters = (char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^\w\s]", " ", "".join(letters)).split())
