"""Words for a tutor, made for English seeds out of corpora, so that the offline engine can use them as well.

The recast is the corrected sentence in second person; the contrast cuts both forms out with their neighbours; cues are
those of the family, questions ask on about any statement. All of it is held to the critics: a seed that fails them, or
a sentence that cannot be said back ("you" in it, a question, a quotation), stays without words, as it was.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from quimbot_data.pedagogy.critics import check_turn
from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.levels import length_fault, most_above, reach
from quimbot_data.pedagogy.strategies import explore_fault, hint_fault
from schemas.seed import ErrorFamily, Seed
from synth.learner_errors.errant_edits import parser

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_SHIFTS: Final = {
    **{"i": "you", "me": "you", "we": "you", "us": "you", "my": "your", "our": "your", "mine": "yours"},
    **{"ours": "yours", "myself": "yourself", "ourselves": "yourselves"},
}
_VERBS: Final = {"am": "are", "'m": "'re", "was": "were"}
#: What cannot be said back by turning its persons.
_NOT_SAID_BACK: Final = re.compile(r"[?\"“”;:()]|\b(you|your|yours|yourself|let's)\b|[.!…].+\w", re.IGNORECASE)
_REPLIES: Final = frozenset(
    {"also", "because", "but", "me", "no", "not", "ok", "okay", "or", "well", "wow", "yeah", "yes"}
)
_CUES: Final[dict[ErrorFamily, tuple[str, ...]]] = {
    "agreement": ("who or what does it: one, or more than one", "how many the sentence is about at that place"),
    "article": ("whether it is one special thing or just any", "the small word that stands before a thing"),
    "aspect": ("whether it is finished or still going on at that time", "how the time goes on there"),
    "copula": ("the little word that links two parts", "what links a thing and how it is"),
    "lexis": ("what exactly one of the words says",),
    "noun-number": ("how many there are", "whether there is one or more than one"),
    "orthography": ("the letters of one word", "a word as it sounds and as it looks"),
    "preposition": ("the little word that links two parts", "the small word between two others"),
    "pronoun": ("who is meant there", "whose it is, or who it is about"),
    "punctuation": ("where there is a pause or a mark", "the small mark that a reader needs"),
    "verb-form": ("the form that follows the word before it", "the form that goes with its helper"),
    "verb-tense": ("the time that it happens", "when it happens: then, or now"),
    "word-order": ("which word comes first", "the order of the words"),
}
_QUESTIONS: Final = (
    "What makes you say that?",
    "Can you give me an example?",
    "Who else thinks so?",
    "How did you find that out?",
    "Since when has it been like that?",
    "Where have you seen it yourself?",
    "Would your friends say the same?",
    "Is it the same in your town?",
    "Why does it matter to you?",
    "Did anything surprise you there?",
    "Has it always been that way?",
    "What would be the opposite?",
    "How do people around you feel about it?",
    "What could come next?",
    "Do you talk about it at home?",
    "Which part is the most important to you?",
    "When did you first think about it?",
    "Could it be different one day?",
    "What do you like about it?",
    "Are there people who see it another way?",
)
#: Words on either side of an error in a contrast.
_NEIGHBOURS: Final = 2
_LEVELS: Final[tuple[Literal["A1", "A2", "B1", "B2"], ...]] = ("A1", "A2", "B1", "B2")


def worded(seeds: Iterable[Seed]) -> Iterator[Seed]:
    """The seeds in their order, the English ones with words for a tutor where those pass the critics."""
    held = list(seeds)
    english = [seed for seed in held if _can_be_worded(seed)]
    docs = parser().pipe(seed.corrected_sentence for seed in english)
    found = {seed.seed_id: _with_words(seed, doc) for seed, doc in zip(english, docs, strict=True)}
    for seed in held:
        yield found.get(seed.seed_id, seed)


def _can_be_worded(seed: Seed) -> bool:
    sayable = not _NOT_SAID_BACK.search(seed.corrected_sentence) and not seed.corrected_sentence.isupper()
    return seed.language == "en" and not seed.recast and seed.family in _CUES and sayable


def _with_words(seed: Seed, doc: "Doc") -> Seed:
    """The seed with words, or as it was."""
    if not _states(doc):
        return seed
    recast = said_back(doc)
    told = seed.model_copy(
        update={
            "recast": recast,
            "questions": _drawn(_QUESTIONS, seed.seed_id, 2),
            "cue": _drawn(_CUES[seed.family], seed.seed_id, 1)[0],
            "contrast": _contrast(seed, doc),
            "cefr": _level(seed.corrected_sentence, recast),
        }
    )
    return told if told.cefr and _passes(told) else seed


def _states(doc: "Doc") -> bool:
    """Whether a sentence says something of its own: a subject and a verb, and no answer to what stood before."""
    replies = doc[0].pos_ == "INTJ" or doc[0].lower_ in _REPLIES
    tensed = any(token.dep_ == "ROOT" and token.pos_ in ("VERB", "AUX") for token in doc)
    return tensed and not replies and any(token.dep_.startswith("nsubj") for token in doc)


def said_back(doc: "Doc") -> str:
    """A statement as the listener says it back: "I was late" becomes "You were late."."""
    pieces = [_turned(token) + token.whitespace_ for token in doc]
    text = "".join(pieces).strip().rstrip(".!… ")
    return text[:1].upper() + text[1:] + "."


def _turned(token: "Token") -> str:
    low = token.lower_
    verb = token.head if token.dep_.startswith("aux") else token
    if low in _VERBS and any(child.lower_ == "i" and child.dep_.startswith("nsubj") for child in verb.children):
        return _VERBS[low]
    if low not in _SHIFTS:
        return token.text
    return _SHIFTS[low].capitalize() if token.i == 0 else _SHIFTS[low]


def _contrast(seed: Seed, doc: "Doc") -> list[str]:
    """Right and wrong with up to two words before and behind; none of them crosses a mark."""
    before = _words_of(seed.sentence[: seed.start])[-_NEIGHBOURS:]
    behind = _words_of(seed.sentence[seed.end :][::-1])[-_NEIGHBOURS:]
    left, right = "".join(before), "".join(behind)[::-1]
    phrases = [(left + form + right).strip(" ,.") for form in (seed.corrected, seed.original)]
    if doc[0].tag_ in ("NNP", "NNPS") or doc[0].text == "I" or seed.start > len(left):
        return phrases
    return [phrase[:1].lower() + phrase[1:] for phrase in phrases]


def _words_of(text: str) -> list[str]:
    """Words with their blanks, after the last mark."""
    return re.findall(r"[^\s]+\s*|^\s+", re.split(r"[,.!?…]", text)[-1])


def _drawn(pool: tuple[str, ...], key: str, count: int) -> list[str]:
    """Some of a pool, in its order, told by a key and nothing else."""
    first = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    step = 1 + first // len(pool) % max(len(pool) - 1, 1)
    return [pool[(first + each * step) % len(pool)] for each in range(count)]


def _level(sentence: str, recast: str) -> Literal["A1", "A2", "B1", "B2"] | None:
    """The lowest level whose words and lengths both keep; None where none does."""
    for level in _LEVELS:
        found = reach([sentence, recast], "en", level)
        if len(found.above) <= most_above(found.words) and (level != "A1" or not length_fault(recast, "en")):
            return level
    return None


def _passes(seed: Seed) -> bool:
    edit = Edit(seed.sentence, seed.start, seed.end, seed.corrected, seed.language)
    right, wrong = seed.contrast
    if hint_fault(str(seed.cue), edit, seed.type) and seed.generalizable:
        return False
    if explore_fault(f"“{right}” or “{wrong}”: which sounds better?", edit) or edit.held_in(str(seed.cue)):
        return False
    return not any(edit.held_in(question) or _faults(seed, question) for question in seed.questions)


def _faults(seed: Seed, question: str) -> bool:
    return bool(
        check_turn(
            f"{seed.recast} {question}",
            seed.language,
            learner_said=[seed.sentence],
            sentence=seed.sentence,
            start=seed.start,
            end=seed.end,
            corrected=seed.corrected,
            strategy="recast",
            cefr=seed.cefr,
        )
    )
