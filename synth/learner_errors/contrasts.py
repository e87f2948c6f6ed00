"""Right and wrong form of an English error as two phrases that can be heard by themselves."""

from typing import TYPE_CHECKING, Final

from schemas.seed import Seed

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

#: Words on either side of an error, and the most behind it where a phrase would else break off.
_NEIGHBOURS: Final = 2
_MOST_BEHIND: Final = 6
#: Words that begin something: no phrase ends in one.
_OPEN_TAGS: Final = frozenset({"CC", "DT", "IN", "MD", "PDT", "POS", "PRP$", "TO", "WDT", "WP", "WP$", "WRB"})
_OPEN_DEPENDENCIES: Final = frozenset(
    {
        "advmod",
        "amod",
        "aux",
        "auxpass",
        "compound",
        "det",
        "expl",
        "mark",
        "neg",
        "nsubj",
        "nsubjpass",
        "nummod",
        "poss",
    }
)
#: What begins another clause or another of a row.
_BOUNDARY_TAGS: Final = frozenset({"CC", "WDT", "WP", "WP$", "WRB"})


def contrast(seed: Seed, doc: "Doc") -> list[str]:
    """The right phrase and the wrong one, with the same neighbours; empty where no phrase can be cut.

    Args:
        seed: whose words they are.
        doc: its corrected sentence, parsed.
    """
    text, stop = doc.text, seed.start + len(seed.corrected)
    before = _clause([token for token in doc if token.idx + len(token) <= seed.start][::-1])[:_NEIGHBOURS][::-1]
    behind = _ended(_clause([token for token in doc if token.idx >= stop]))
    last = behind[-1] if behind else next((token for token in reversed(doc) if token.idx < stop), None)
    if last is None or _opens(last) or (before and before[0].i and not doc[before[0].i - 1].whitespace_):
        return []
    left = text[before[0].idx if before else seed.start : seed.start]
    right = text[stop : behind[-1].idx + len(behind[-1]) if behind else stop]
    phrases = [(left + form + right).strip(" ,.") for form in (seed.corrected, seed.original)]
    if not all(phrases) or phrases[0] == phrases[1]:  # a mark at the edge
        return []
    if doc[0].tag_ in ("NNP", "NNPS") or doc[0].text == "I" or seed.start > len(left):
        return phrases
    return [phrase[:1].lower() + phrase[1:] for phrase in phrases]


def _clause(tokens: "list[Token]") -> "list[Token]":
    """Tokens up to the first mark or conjunction."""
    parts = (token.is_punct or token.dep_ in ("cc", "mark") or token.tag_ in _BOUNDARY_TAGS for token in tokens)
    end = next((at for at, ends in enumerate(parts) if ends), len(tokens))
    return tokens[:end]


def _ended(tokens: "list[Token]") -> "list[Token]":
    """Two tokens, or as many more as the last one needs to be no beginning; else what is left without beginnings."""
    for count in range(min(_NEIGHBOURS, len(tokens)), min(_MOST_BEHIND, len(tokens)) + 1):
        if count and not _opens(tokens[count - 1]):
            return tokens[:count]
    held = tokens[:_NEIGHBOURS]
    while held and _opens(held[-1]):
        held = held[:-1]
    return held


def _opens(token: "Token") -> bool:
    """Whether a word only begins something that comes behind it."""
    before_head = token.head.i > token.i and token.dep_ in _OPEN_DEPENDENCIES
    return before_head or (token.tag_ in _OPEN_TAGS and token.dep_ not in ("prt", "advmod"))
