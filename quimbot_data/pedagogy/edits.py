"""Whether a text holds a correction, or the error, of something that a learner said.

A word of content counts wherever it stands; a small word ("the", "to", "is") says nothing by itself, so it counts
together with the nearest word of content beside it. Person may shift, as when a tutor says things back: my, your.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from quimbot_data.pedagogy.folding import fold, quotations
from quimbot_data.pedagogy.lemmas import lemma
from quimbot_data.pedagogy.lexicon import function_words, lexicon

Pieces = tuple[str, ...]

#: A word, its contracted end ("'re", "n't") by itself; where no blanks part words, a character.
_PIECE: Final = re.compile(
    r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+?(?=n't\b)|n't\b|'(?:m|s|re|ve|ll|d)\b|[^\W_\u3400-\u9fff]+"
)
_SENTENCE_END: Final = re.compile(r"[.!?。！？؟\n]")
#: Endings that one tense of Spanish has in several persons; the first row that fits a form is its tense.
_TENSES: Final = (
    ("aba", "abas", "ábamos", "aban"),
    ("ía", "ías", "íamos", "ían"),
    ("aré", "arás", "ará", "aremos", "arán", "eré", "erás", "erá", "eremos", "erán", "iré", "irás", "irá", "irán"),
    (
        *("é", "í", "aste", "iste", "ó", "amos", "imos", "aron", "ieron", "eron"),
        *("fui", "fue", "uve", "use", "ude", "ice", "ine", "ije", "uje", "uvo", "uso", "udo", "izo", "ino", "ijo"),
    ),
    ("o", "oy", "as", "es", "a", "e", "emos", "an", "en", "ás"),
)
#: Words between a small word and the word of content that it is known by.
_REACH: Final = 3


@lru_cache(maxsize=1 << 15)
def pieces(text: str) -> Pieces:
    """Words of folded text, contracted ends by themselves.

    >>> pieces("You’re not at María's!")
    ('you', "'re", 'not', 'at', 'maría', "'s")
    """
    return tuple(_PIECE.findall(fold(text)))


def place_of(wanted: Sequence[str], held: Sequence[str], start: int = 0) -> int:
    """Where some words stand in a row among others, from `start` on; -1 where nowhere or nothing is wanted."""
    size = len(wanted)
    if not size:
        return -1
    first, run = wanted[0], tuple(wanted)
    for at in range(start, len(held) - size + 1):
        if held[at] == first and tuple(held[at : at + size]) == run:
            return at
    return -1


@dataclass(frozen=True)
class Edit:
    """A learner's error within the sentence it stands in, and what is right in its place."""

    sentence: str
    start: int
    end: int
    corrected: str
    language: str

    @cached_property
    def _span(self) -> tuple[int, int]:
        """The error, widened to whole words, so that a letter's error is its word's."""
        start, end, text = self.start, self.end, self.sentence
        inserts = self.corrected[:1].isalnum() or self.original[:1].isalnum()
        while inserts and start > 0 and _joined(text[start - 1], text[start : start + 1] or self.corrected[:1]):
            start -= 1
        closes = self.corrected[-1:].isalnum() or self.original[-1:].isalnum()
        while closes and end < len(text) and _joined(text[end - 1 : end] or self.corrected[-1:], text[end]):
            end += 1
        return start, end

    @cached_property
    def original(self) -> str:
        """What the learner said there."""
        return self.sentence[self.start : self.end]

    @cached_property
    def _parts(self) -> tuple[Pieces, Pieces, Pieces, Pieces]:
        """Words before the error, of the error, of the correction, and behind; what both share is before or behind."""
        start, end = self._span
        text = self.sentence
        said = pieces(text[start:end])
        right = pieces(text[start : self.start] + self.corrected + text[self.end : end])
        head = _shared(said, right)
        tail = _shared(said[head:][::-1], right[head:][::-1])
        before = pieces(_SENTENCE_END.split(text[:start])[-1]) + said[:head]
        behind = said[len(said) - tail :] + pieces(_SENTENCE_END.split(text[end:])[0])
        return before, said[head : len(said) - tail], right[head : len(right) - tail], behind

    @property
    def left(self) -> Pieces:
        """Words before, of the same sentence."""
        return self._parts[0]

    @property
    def said(self) -> Pieces:
        """Words of the error."""
        return self._parts[1]

    @property
    def right(self) -> Pieces:
        """Words of the correction."""
        return self._parts[2]

    @property
    def after(self) -> Pieces:
        """Words behind, of the same sentence."""
        return self._parts[3]

    @cached_property
    def corrected_sentence(self) -> str:
        """The sentence that the error stands in, put right."""
        before = _SENTENCE_END.split(self.sentence[: self.start])[-1]
        behind = _SENTENCE_END.split(self.sentence[self.end :])[0]
        return before + self.corrected + behind

    def held_in(self, text: str, *, shifted: bool = False) -> bool:
        """Whether a text holds the correction.

        Args:
            text: a tutor's turn.
            shifted: person and its verb forms may be another's, as in a recast.
        """
        if self.right == self.said:
            return self._spelt(self.corrected) in text
        cited = self.right and any(pieces(quoted) == self.right for quoted in quotations(fold(text)))
        return bool(cited) or self._stands(self.right, self.said, pieces(text), shifted=shifted)

    def error_in(self, text: str) -> bool:
        """Whether a text holds the error, in its context."""
        if self.right == self.said:
            return self._spelt(self.original) in text
        return self._stands(self.said, self.right, pieces(text), shifted=True, always=True)

    def _spelt(self, middle: str) -> str:
        """What stands in the error's place, letter by letter, where capitals or punctuation are all that differs."""
        start, end = self._span
        widened = self.sentence[start : self.start] + middle + self.sentence[self.end : end]
        if any(map(str.isalnum, widened)):
            return widened
        before, behind = self.sentence[:start], self.sentence[end:]
        return "".join((before.split(" ")[-1] if before[-1:] != " " else "", widened, behind.split(" ")[0]))

    def _stands(self, wanted: Pieces, other: Pieces, held: Pieces, *, shifted: bool, always: bool = False) -> bool:
        new = list(wanted)
        for word in other:
            if word in new:
                new.remove(word)
        said = [word for word in new if self._is_content(word)]
        # One character is in many words, so that it counts in its context, as a small word does.
        alone = len(said) > (self.language == "zh") or (not new and len(wanted) > 1)
        if wanted and alone and not always:
            return self._occurs(wanted, held, shifted=shifted, barred=other)
        beside = [self.left[-1:] + wanted, wanted + self.after[:1]] if shifted and wanted and not always else []
        runs = [*self._runs(wanted), *(run for run in beside if len(run) > len(wanted))]
        return any(self._occurs(run, held, shifted=shifted, barred=other) for run in runs)

    def _runs(self, wanted: Pieces) -> list[Pieces]:
        """The words with the nearest word of content before, or behind; with both where there are no words."""
        before, behind = self._reach(self.left[::-1])[::-1], self._reach(self.after)
        if self.language == "zh":  # a neighbouring character is a part of what the reader takes in at once
            before, behind = self.left[-1:], self.after[:1]
        if not wanted:
            beside = self.left[-1:] + behind if behind else before + self.after[:1]
            return [beside] if len(beside) > 1 else []
        if not before and not behind:
            return [self.left[-1:] + wanted + self.after[:1]]
        near = (before[:1] + wanted if before else (), wanted + behind[-1:] if behind else ())
        return [run for run in (before and before + wanted, behind and wanted + behind, *near) if run]

    def _reach(self, words: Pieces) -> Pieces:
        for count, word in enumerate(words[:_REACH], 1):
            if self._is_content(word):
                return words[:count]
        return ()

    def _is_content(self, word: str) -> bool:
        return word not in function_words(self.language) and not word.startswith("'")

    def _occurs(self, run: Pieces, held: Pieces, *, shifted: bool, barred: Pieces) -> bool:
        if not shifted:
            return place_of(run, held) >= 0
        size = len(run)
        return any(
            all(self._fits(word, held[at + i], barred) for i, word in enumerate(run))
            for at in range(len(held) - size + 1)
            if self._fits(run[0], held[at], barred)
        )

    def _fits(self, word: str, found: str, barred: Pieces) -> bool:
        if word == found:
            return True
        if found in lexicon(self.language).shifts.get(word, ()):
            return True
        if self.language not in ("es", "ar") or found in barred or not self._is_content(word):
            return False
        same_verb = lemma(word, self.language) == lemma(found, self.language)
        return same_verb and (self.language == "ar" or _other_person(word, found))


def _other_person(word: str, found: str) -> bool:
    """Whether two forms of a Spanish verb may be one tense's, of other persons."""
    return _tense(word) == _tense(found)


def _tense(word: str) -> int:
    return next((at for at, ends in enumerate(_TENSES) if word.endswith(ends)), -1)


def _shared(first: Pieces, second: Pieces) -> int:
    """How many words two runs begin with alike."""
    pairs = zip(first, second, strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _joined(first: str, second: str) -> bool:
    """Whether two characters belong to one word; where no blanks part words, none do."""
    return (
        first.isalnum()
        and second.isalnum()
        and not "\u3400" <= first <= "\u9fff"
        and not "\u3400" <= second <= "\u9fff"
    )
