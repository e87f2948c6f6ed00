"""Whether a corrected sentence can be said back by a tutor, judged by its parse, and how it reads then.

A corrector may leave something: what a rule still finds, a word that nobody writes, a subject whose verb is another's.
Such a sentence gets no words; a model that reads it whole can still use it.
"""

import re
from typing import TYPE_CHECKING, Final, Literal

from quimbot_data.pedagogy.tokens import zipf
from synth.learner_errors.detect import corrected_by_rule

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

#: What a statement is about: something of the learner's own or not, past, general or only thought of.
Kind = Literal["own-past", "own", "past", "general", "thought"]

_SHIFTS: Final = {
    **{"i": "you", "me": "you", "we": "you", "us": "you", "my": "your", "our": "your", "mine": "yours"},
    **{"ours": "yours", "myself": "yourself", "ourselves": "yourselves"},
}
_VERBS: Final = {"am": "are", "'m": "'re", "was": "were"}
#: What cannot be said back by turning its persons.
_NOT_SAID_BACK: Final = re.compile(
    r"[?\"“”;:()]|\b(you|your|yours|yourself|let's|let us)\b|[.!…].+\w|\d \d|^i\b|\si\b", re.IGNORECASE
)
_CAPITAL_I: Final = re.compile(r"\bI\b")
_ENDS: Final = re.compile(r"[\w%'’](\.|!|\.\.\.|…)$")
#: A turned sentence that went wrong: a verb of another person, or one that was left in the first.
_ILL_TURNED: Final = re.compile(r"\byou (am|is|was|has|does)\b|\b(am|i'm)\b|^you'?s\b", re.IGNORECASE)
_REPLIES: Final = frozenset(
    {"also", "because", "but", "me", "no", "not", "ok", "okay", "or", "well", "wow", "yeah", "yes"}
)
_FINITE: Final = frozenset({"MD", "VBD", "VBP", "VBZ"})
_SINGULAR: Final = frozenset({"he", "it", "she"})
_PLURAL: Final = frozenset({"i", "they", "we", "you"})
#: Helpers of what has not happened; what can or must be so is a general matter.
_IMAGINED: Final = frozenset({"'d", "'ll", "could", "may", "might", "will", "would"})
#: Least Zipf value of the words in small letters: below it stand misspellings that a corrector overlooked.
_WRITTEN: Final = 2.8


def sayable(text: str) -> bool:
    """Whether a sentence is written as one, with nothing in it that another person cannot say."""
    own = _CAPITAL_I.sub("me", text)
    begins = text[:1].isupper() or text[:1].isdigit()
    return begins and not text.isupper() and bool(_ENDS.search(text)) and not _NOT_SAID_BACK.search(own)


def sound(doc: "Doc") -> bool:
    """Whether a sentence says something of its own, and nothing in it is seen to be wrong."""
    return _states(doc) and all(map(_agrees, doc)) and all(map(_written, doc)) and corrected_by_rule(doc) == doc.text


def _states(doc: "Doc") -> bool:
    """A subject and its finite verb, and no question or answer to what stood before."""
    first = doc[0]
    if first.pos_ == "INTJ" or first.lower_ in _REPLIES or (first.tag_[0] == "W" and first.lower_ != "when"):
        return False
    roots = [token for token in doc if token.dep_ == "ROOT"]
    return len(roots) == 1 and _finite(roots[0]) and _subject(roots[0]) is not None


def _finite(verb: "Token") -> bool:
    return any(token.tag_ in _FINITE for token in (verb, *verb.children) if token is verb or token.dep_[:3] == "aux")


def _subject(verb: "Token") -> "Token | None":
    return next((child for child in verb.children if child.dep_ in ("expl", "nsubj", "nsubjpass", "csubj")), None)


def _agrees(subject: "Token") -> bool:
    """Whether a pronoun has the verb of its person; other subjects are the rules' affair."""
    low, verb = subject.lower_, subject.head
    if not subject.dep_.startswith("nsubj") or low not in _SINGULAR | _PLURAL or verb.pos_ not in ("VERB", "AUX"):
        return True
    helpers = [child for child in verb.children if child.dep_.startswith("aux") and child.i < verb.i]
    first = next(iter(helpers), verb)
    if first.lower_ in ("was", "am"):
        return low == "i" or (low in _SINGULAR and first.lower_ == "was")
    return first.tag_ not in (("VBP", "VB") if low in _SINGULAR else ("VBZ",)) and first.tag_ != "VBN"


def _written(token: "Token") -> bool:
    return not (token.text.isalpha() and token.text.islower()) or zipf(token.text, "en") >= _WRITTEN


def kind_of(doc: "Doc") -> Kind:
    """What a sound statement is about."""
    root = next(token for token in doc if token.dep_ == "ROOT")
    tags = {token.tag_ for token in (root, *root.children) if token is root or token.dep_.startswith("aux")}
    own = any(token.lower_ in _SHIFTS for token in doc)
    if any(token.lower_ in _IMAGINED for token in root.children):
        return "thought"
    if "VBD" in tags:
        return "own-past" if own else "past"
    return "own" if own else "general"


def said_back(doc: "Doc") -> str:
    """A statement as the listener says it back: "I was late" becomes "You were late."."""
    pieces = [_turned(token) + token.whitespace_ for token in doc]
    text = "".join(pieces).strip().rstrip(".!… ")
    return text[:1].upper() + text[1:] + "."


def well_turned(recast: str) -> bool:
    """Whether no verb of a sentence said back is left in a person that is not its subject's."""
    return not _ILL_TURNED.search(recast)


def _turned(token: "Token") -> str:
    low = token.lower_
    verb = token.head if token.dep_.startswith("aux") else token
    if low in _VERBS and any(child.lower_ == "i" and child.dep_.startswith("nsubj") for child in verb.children):
        return _VERBS[low]
    if low not in _SHIFTS:
        return token.text
    return _SHIFTS[low].capitalize() if token.i == 0 else _SHIFTS[low]
