"""Words for a tutor, made for English seeds out of corpora, so that the offline engine can use them as well.

The recast is the corrected sentence in second person; the contrast cuts both forms out as phrases; cues are those of
the family, questions those that fit what is said of oneself, of the past, in general or as a thought. All of it is held
to the critics: a seed that fails them, or a sentence that cannot be said back ("you" in it, a question, a quotation, an
error that is left), stays without words, as it was.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from quimbot_data.pedagogy.critics import check_turn
from quimbot_data.pedagogy.edits import Edit
from quimbot_data.pedagogy.levels import length_fault, most_above, reach
from quimbot_data.pedagogy.strategies import explore_fault, hint_fault
from schemas.seed import ErrorFamily, Seed
from synth.learner_errors.contrasts import contrast
from synth.learner_errors.errant_edits import parser
from synth.learner_errors.statements import Kind, kind_of, said_back, sayable, sound, well_turned

if TYPE_CHECKING:
    from spacy.tokens import Doc

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
#: Questions that ask on, by what the statement is about: nobody asks of what happened once since when it is so.
_QUESTIONS: Final[dict[Kind, tuple[str, ...]]] = {
    "own-past": (
        *("How did you feel about it?", "What happened after that?", "Why do you still think of it?"),
        *("What did your friends say about it?", "Would you like it to happen again?", "What did you learn from it?"),
    ),
    "own": (
        *("What makes you say that?", "Can you give me an example?", "Why does it matter to you?"),
        *("Would your friends say the same?", "Do you talk about it at home?", "When did you first think about it?"),
        *("Are there people who see it another way?", "Has it always been that way?"),
    ),
    "past": (
        *("What happened after that?", "How did you hear about it?", "What do you think of that?"),
        *("Why did it go that way?", "Did anything surprise you there?", "Do people still talk about it?"),
    ),
    "general": (
        *("What makes you say that?", "Can you give me an example?", "Who else thinks so?"),
        *("How did you find that out?", "Where have you seen it yourself?", "Would your friends say the same?"),
        *("Why does it matter to you?", "Has it always been that way?", "How do people around you feel about it?"),
        *("Do you talk about it at home?", "When did you first think about it?", "Could it be different one day?"),
        *("Are there people who see it another way?", "What do you think of that?"),
    ),
    "thought": (
        *("What makes you say that?", "Who else thinks so?", "Would your friends say the same?"),
        *("What could come next?", "Why does it matter to you?", "When did you first think about it?"),
        *("How do people around you feel about it?", "Are there people who see it another way?"),
        *("Do you talk about it at home?", "What else could happen?"),
    ),
}
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
    english = seed.language == "en" and not seed.recast and seed.family in _CUES
    return english and sayable(seed.corrected_sentence)


def _with_words(seed: Seed, doc: "Doc") -> Seed:
    """The seed with words, or as it was."""
    if not sound(doc):
        return seed
    recast, phrases = said_back(doc), contrast(seed, doc)
    if not phrases or not well_turned(recast):
        return seed
    told = seed.model_copy(
        update={
            "recast": recast,
            "questions": _drawn(_QUESTIONS[kind_of(doc)], seed.seed_id, 2),
            "cue": _drawn(_CUES[seed.family], seed.seed_id, 1)[0],
            "contrast": phrases,
            "cefr": _level(seed.corrected_sentence, recast),
        }
    )
    return told if told.cefr and _passes(told) else seed


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
