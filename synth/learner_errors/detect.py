"""English errors found by rule where no person corrected a text: few, and those that are hardly ever anything else.

Each rule reads spaCy's tags and yields replacements of tokens. Of 126 finds in JFLEG's dev sources 125 stand where one
of four correctors changed something too, .89 of them to the letter (`tests/test_learner_errors_real.py` holds .95).
The rest of a sentence may hold errors that no rule sees; seeds made of it say so by `detected`.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from quimbot_data.pedagogy.tokens import zipf

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token


class Replacement(NamedTuple):
    """Characters of a sentence, and what should stand there."""

    start: int
    end: int
    corrected: str


#: What a clause may begin after, so that the pronoun that follows is the subject of the verb after it.
_CLAUSE_OPENERS: Final = frozenset({"and", "because", "but", "if", "so", "when", ",", ";", "."})
_THIRD: Final = frozenset({"he", "she"})
_OTHERS: Final = frozenset({"i", "they", "we", "you"})
_ONE: Final = frozenset({"a", "an", "each", "every", "this", "that"})
_MASS: Final = frozenset(
    {"advice", "equipment", "furniture", "homework", "information", "knowledge", "luggage", "software"}
)
_COUNTING: Final = frozenset({"both", "few", "many", "several", "these", "those"})
_COUNTING_NUMBERS: Final = frozenset({"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"})
_VOWEL_SOUND: Final = re.compile(
    r"(?!(uni|use|usu|uti|eu|ewe|one|once|ura|ure|uto))[aeiou]|hour|honest|honor|honour|heir"
)
_UNCLEAR_SOUND: Final = re.compile(r"h[^aeiou]|un(i|a)|herb|histor|hotel|habit|u[a-z]?$")
_IRREGULAR: Final = {"am": "is", "are": "is", "have": "has", "do": "does"}
#: Least frequency of a word that a misspelling is taken for, as a Zipf value.
_COMMON: Final = 4.0
_SHORTEST_MISSPELT: Final = 6
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def corrected_by_rule(doc: "Doc") -> str:
    """A sentence with what the rules find put right; the sentence itself where they find nothing.

    Args:
        doc: one sentence, parsed by `errant_edits.parser`.
    """
    found = sorted({replacement for rule in _RULES for replacement in rule(doc)}, reverse=True)
    text, limit = doc.text, len(doc.text) + 1
    for start, end, corrected in found:
        if end <= limit:
            text, limit = text[:start] + corrected + text[end:], start
    return text


def _put(token: "Token", corrected: str) -> Replacement:
    return Replacement(token.idx, token.idx + len(token), corrected)


def _without(token: "Token") -> Replacement:
    """The token out, and the blank after it."""
    return Replacement(token.idx, token.idx + len(token.text_with_ws), "")


def _article_sound(doc: "Doc") -> Iterator[Replacement]:
    """A friend, an hour: by the sound that follows, where spelling tells it."""
    for article, word in pairwise(doc):
        following = word.text
        if article.lower_ not in ("a", "an") or not following.islower() or zipf(following, "en") < _COMMON - 1:
            continue
        right = "an" if _VOWEL_SOUND.match(following) else "a"
        if article.lower_ != right and not _UNCLEAR_SOUND.match(following):
            yield _put(article, right.capitalize() if article.text.istitle() else right)


def _mass_plural(doc: "Doc") -> Iterator[Replacement]:
    """Informations, advices: what English does not count."""
    for token in doc:
        if token.lower_.endswith("s") and token.lower_[:-1] in _MASS and token.tag_ in ("NNS", "NNP", "NNPS", "NN"):
            yield _put(token, token.text[:-1])


def _person(doc: "Doc") -> Iterator[Replacement]:
    """He go, they goes: a pronoun that opens a clause, and the verb right after it."""
    for subject, verb in pairwise(doc):
        opens = subject.i == 0 or doc[subject.i - 1].lower_ in _CLAUSE_OPENERS
        if not opens or not verb.text.isalpha() or verb.dep_ == "amod" or zipf(verb.lower_, "en") < _COMMON - 1:
            continue
        if subject.lower_ in _THIRD and verb.tag_ == "VBP" and verb.lower_ not in ("were", "ai"):
            yield _put(verb, _IRREGULAR.get(verb.lower_) or _inflected(verb, "VBZ"))
        elif subject.lower_ in _OTHERS and verb.tag_ == "VBZ" and verb.lower_ not in ("is", "'s", "s"):
            yield _put(verb, verb.lemma_)
        elif subject.lower_ in ("they", "we", "you") and verb.lower_ == "is":
            yield _put(verb, "are")


def _people(doc: "Doc") -> Iterator[Replacement]:
    """People is: many, whatever it looks like."""
    plural = {"has": "have", "is": "are", "was": "were"}
    for subject, verb in pairwise(doc):
        alone = subject.i == 0 or doc[subject.i - 1].lower_ in _CLAUSE_OPENERS | {"most", "many", "some", "young"}
        if subject.lower_ == "people" and alone and verb.lower_ in plural and subject.dep_.startswith("nsubj"):
            yield _put(verb, plural[verb.lower_])


def _singular_subject(doc: "Doc") -> Iterator[Replacement]:
    """A doctor need: one noun that opens a clause, and the verb right after it."""
    for article, noun, verb in zip(doc, doc[1:], doc[2:], strict=False):
        opens = article.i == 0 or doc[article.i - 1].lower_ in _CLAUSE_OPENERS
        one = article.lower_ in _ONE and noun.tag_ == "NN" and noun.dep_.startswith("nsubj")
        if opens and one and verb.tag_ == "VBP" and verb.text.isalpha() and verb.lower_ not in ("were", "ai"):
            yield _put(verb, _IRREGULAR.get(verb.lower_) or _inflected(verb, "VBZ"))


def _there_is(doc: "Doc") -> Iterator[Replacement]:
    """There is many shops."""
    plural = {"is": "are", "was": "were"}
    for there, verb, count in zip(doc, doc[1:], doc[2:], strict=False):
        if there.lower_ == "there" and verb.lower_ in plural and count.lower_ in ("many", "several", "two", "three"):
            yield _put(verb, plural[verb.lower_])


def _modal_to(doc: "Doc") -> Iterator[Replacement]:
    """Can to go."""
    for modal, particle, verb in zip(doc, doc[1:], doc[2:], strict=False):
        if modal.tag_ == "MD" and particle.lower_ == "to" and verb.tag_ == "VB":
            yield _without(particle)


def _after_auxiliary(doc: "Doc") -> Iterator[Replacement]:
    """Can swims, didn't went: the bare verb after a modal, and after do with not."""
    for auxiliary, middle, verb in zip(doc, doc[1:], doc[2:], strict=False):
        bare = auxiliary.tag_ == "MD" or auxiliary.lower_ in ("do", "does", "did")
        if bare and middle.lower_ in ("n't", "not") and verb.tag_ in ("VBD", "VBZ") and verb.text.isalpha():
            yield _put(verb, verb.lemma_)
        elif auxiliary.tag_ == "MD" and middle.tag_ in ("VBD", "VBZ") and middle.text.isalpha():
            yield _put(middle, middle.lemma_)


def _twice_compared(doc: "Doc") -> Iterator[Replacement]:
    """More better."""
    for more, word in pairwise(doc):
        if more.lower_ == "more" and word.tag_ in ("JJR", "RBR") and word.lower_ not in ("more", "less", "fewer"):
            yield _without(more)


def _counted_singular(doc: "Doc") -> Iterator[Replacement]:
    """Many student, two week: a noun alone after a word that counts more than one."""
    for count, noun in pairwise(doc):
        counts = count.lower_ in _COUNTING or (count.lower_ in _COUNTING_NUMBERS and count.dep_ == "nummod")
        following = doc[noun.i + 1] if noun.i + 1 < len(doc) else None
        ends = following is None or following.pos_ in ("PUNCT", "VERB", "AUX", "ADP", "CCONJ", "SCONJ", "PRON")
        if counts and ends and noun.tag_ == "NN" and noun.text.islower() and noun.head is not count:
            plural = _inflected(noun, "NNS")
            if plural != noun.text and zipf(plural, "en") >= max(_COMMON - 0.5, zipf(noun.text, "en") - 1):
                yield _put(noun, plural)


def _misspelt(doc: "Doc") -> Iterator[Replacement]:
    """A word that nobody writes, one letter away from exactly one that everybody does."""
    for token in doc:
        word = token.text
        if len(word) < _SHORTEST_MISSPELT or not (word.isascii() and word.isalpha() and word.islower()):
            continue
        if zipf(word, "en") > 0:
            continue
        near = {other for other in _one_letter_away(word) if zipf(other, "en") >= _COMMON - 1}
        common = [other for other in near if zipf(other, "en") >= _COMMON]
        if len(near) == 1 and common:
            yield _put(token, common[0])


def _one_letter_away(word: str) -> Iterator[str]:
    """Words with one letter dropped, swapped with the next, changed or added (Norvig's `edits1`)."""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in _LETTERS)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in _LETTERS)


def _inflected(token: "Token", tag: str) -> str:
    import lemminflect

    forms: tuple[str, ...] = lemminflect.getInflection(token.lemma_, tag)
    return forms[0] if forms else token.text


_RULES: Final[tuple[Callable[["Doc"], Iterator[Replacement]], ...]] = (
    *(_article_sound, _mass_plural, _person, _people, _singular_subject, _there_is, _modal_to, _after_auxiliary),
    *(_twice_compared, _counted_singular, _misspelt),
)
