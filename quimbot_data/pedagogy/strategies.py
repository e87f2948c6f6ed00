"""Critics of the four strategies, each over a tutor's words and the error that they are about.

In Lyster & Ranta's (1997) terms recast, elicitation or clarification, metalinguistic clue, and comparison elicitation.
Each function says what is at fault, or None.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from quimbot_data.pedagogy.code_switching import token_languages
from quimbot_data.pedagogy.cues import cue_kinds
from quimbot_data.pedagogy.edits import Edit, Pieces, pieces, place_of
from quimbot_data.pedagogy.folding import QUOTED, bare, fold, quotations
from quimbot_data.pedagogy.lemmas import content_lemmas
from quimbot_data.pedagogy.lexicon import compiled, lexicon
from quimbot_data.pedagogy.tokens import QUESTION_MARKS, sentences_of
from quimbot_data.pedagogy.wording import phrases_in, questions, scripts

#: Share of the learner's content lemmas that a recast keeps.
LEAST_KEPT: Final = 0.5
_OPENS_WITH_NO: Final = re.compile(r"\W*no\s*[,.!:;]")
#: In place of a variant.
_RIGHT: Final = "\1"
_OTHER: Final = "\2"
#: What marks one of two variants as the better.
_MARKED: Final = re.compile(r"[*✓✔✗✘❌✅☑☒✖]|\((?:x|right|wrong|correct|better|bien|mal|correcto|incorrecto|对|错)\)")


class Order(NamedTuple):
    """Where the two variants of an explore stand, by the words or quotations of the turn."""

    right: int
    other: int


def recast_fault(text: str, edit: Edit, said: Sequence[str] = ()) -> str | None:
    """Invariant 3: the correction in context, the error gone, no talk of grammar, then a question about meaning.

    Args:
        text: the tutor's turn.
        edit: the error that it is about.
        said: what the learner said before; words of theirs are no grammar terms.
    """
    sentences = sentences_of(text)
    told = [sentence for sentence in sentences if not _asks(sentence)] or sentences[:1]
    if not _recasts(text, edit):
        return f"It does not hold the correction {edit.corrected!r} in its context."
    if any(edit.error_in(sentence) for sentence in told):
        return f"It holds the error {edit.original!r}."
    if '"' in fold(text) or QUOTED.search(fold(text)):
        return "It has quotation marks; a recast says things in passing."
    if terms := [term for term in phrases_in(text, "terms") if not _said(term, said)]:
        return f"It has a grammar term: {terms[0]!r}."
    kept, meant = content_lemmas(text, edit.language), _meant(edit)
    if len(kept & meant) < LEAST_KEPT * len(meant):
        return f"It keeps {len(kept & meant)} of the learner's {len(meant)} content words."
    return _asking_fault(sentences, edit)


@lru_cache(maxsize=1 << 12)
def _meant(edit: Edit) -> frozenset[str]:
    """What the learner says in the target language; words of another may come back in either."""
    other = "es" if edit.language == "en" else "en"
    tokens = token_languages(edit.corrected_sentence, (edit.language, other))
    own = " ".join(token.text for token in tokens if token.language == edit.language)
    if edit.language == "zh":  # characters stand in one token, so it is cut by its words
        own = edit.corrected_sentence
    return content_lemmas(own, edit.language)


def _recasts(text: str, edit: Edit) -> bool:
    if edit.held_in(text, shifted=True):
        return True
    # What was too much is gone wherever the words beside it stand.
    beside = content_lemmas(_joined((*edit.left[-2:], *edit.after[:2]), edit), edit.language)
    return not edit.right and bool(beside & content_lemmas(text, edit.language)) and not edit.error_in(text)


def _asking_fault(sentences: Sequence[str], edit: Edit) -> str | None:
    """What is wrong with the question that follows the correction."""
    first = next((i for i in range(len(sentences)) if _recasts(" ".join(sentences[: i + 1]), edit)), 0)
    asked = [sentence for sentence in sentences[first:] if _asks(sentence) or phrases_in(sentence, "invitations")]
    if not asked:
        return "It does not ask on about what the learner means."
    form = next((sentence for sentence in asked if phrases_in(sentence, "form")), None)
    return f"It asks about form: {form!r}." if form else None


def question_fault(text: str, edit: Edit, error_type: str = "") -> str | None:
    """Invariant 4: asks, cites the error or its context, does not hold the correction.

    Args:
        text: the tutor's turn.
        edit: the error that it is about.
        error_type: its tag.
    """
    if not questions(text):
        return "It asks nothing."
    if edit.held_in(text):
        return f"It holds the correction {edit.corrected!r}."
    if not _cites(text, edit):
        return f"It cites neither {edit.original!r} nor what stands around it."
    return None


def _cites(text: str, edit: Edit) -> bool:
    if edit.error_in(text) or any(pieces(quoted) == edit.said for quoted in quotations(fold(text))):
        return True
    around = content_lemmas(_joined((*edit.left[-4:], *edit.said, *edit.after[:4]), edit), edit.language)
    around = around or content_lemmas(edit.corrected_sentence, edit.language)
    if edit.language == "zh" and any(pair in "".join(pieces(text)) for pair in _pairs(edit)):
        return True
    return bool(around & content_lemmas(text, edit.language)) or place_of(edit.said, pieces(text)) >= 0


def _pairs(edit: Edit) -> list[str]:
    """Neighbouring characters around a Chinese error: words are cut otherwise where some are missing."""
    words = (*edit.left[-4:], *edit.said, *edit.after[:4])
    return ["".join(pair) for pair in pairwise(words)]


def hint_fault(text: str, edit: Edit, error_type: str = "", *, generalizable: bool = True) -> str | None:
    """Invariant 5: a cue of the error's family, and not the correction; only where a rule leads to it.

    Args:
        text: the tutor's turn.
        edit: the error that it is about.
        error_type: its tag.
        generalizable: a rule covers the error.
    """
    if not generalizable:
        return "No rule leads to the correction: such an error gets a recast or an explore."
    if edit.held_in(text):
        return f"It holds the correction {edit.corrected!r}."
    kinds = cue_kinds(error_type)
    words = bare(text)
    named = any(compiled(language, f"cues.{kind}").among(words) for language in scripts(words) for kind in kinds)
    return None if named or _points_at(text, edit) else f"It gives no cue of {' or '.join(kinds) or 'any kind'}."


def _points_at(text: str, edit: Edit) -> bool:
    """Whether a turn quotes what stands around the error in the learner's sentence."""
    quoted = [pieces(each) for each in quotations(fold(text))]
    return any(each != edit.said and place_of(each, pieces(edit.sentence)) >= 0 for each in quoted)


def explore_fault(text: str, edit: Edit) -> str | None:
    """Invariant 6, of one turn: both variants, neither marked, and which.

    Args:
        text: the tutor's turn.
        edit: the error that it is about.
    """
    if variant_order(text, edit) is None:
        return f"It does not set {edit.corrected!r} beside {edit.original!r}."
    if marked := _MARKED.search(fold(text)):
        return f"It marks a variant: {marked[0]!r}."
    if not any(phrases_in(sentence, "which") for sentence in sentences_of(text) if _asks(sentence)):
        return "It does not ask which."
    return None


def variant_order(text: str, edit: Edit) -> Order | None:
    """Where the right and the other variant stand in a turn; None where one is not there."""
    quoted = [pieces(each) for each in quotations(fold(text))]
    pairs = [(a, b) for a in range(len(quoted)) for b in range(len(quoted)) if a != b]
    for test in (_differ_by, _hold):
        for right, other in pairs:
            if test(quoted[right], quoted[other], edit):
                return Order(right, other)
    return None if len(quoted) > 1 else _unquoted_order(pieces(text), edit)


def _differ_by(right: Pieces, other: Pieces, edit: Edit) -> bool:
    size = len(edit.right)
    places = (at for at in range(len(right) - size + 1) if right[at : at + size] == edit.right)
    return any(right[:at] + edit.said + right[at + size :] == other for at in places)


def _hold(right: Pieces, other: Pieces, edit: Edit) -> bool:
    return right != other and place_of(edit.right, right) >= 0 and place_of(edit.said, other) >= 0


def _unquoted_order(words: Pieces, edit: Edit) -> Order | None:
    """Two runs of words that do not overlap, the longer one looked for first."""
    long, short = sorted((edit.right, edit.said), key=len, reverse=True)
    at = place_of(long, words)
    if at < 0 or not short:
        return None
    rest = (*words[:at], *[""] * len(long), *words[at + len(long) :])
    other = place_of(short, rest)
    if other < 0:
        return None
    return Order(at, other) if long is edit.right else Order(other, at)


def contrast_in(text: str, edit: Edit) -> bool:
    """Whether a turn corrects by contrast: "no" and the right form, or the right form, "not", the other.

    What is quoted counts as a whole.
    """
    if not edit.right or not edit.said:
        return False
    words = _with_variants(text, edit)
    if words[:1] == ("no",) and _RIGHT in words[1:4] and _OPENS_WITH_NO.match(bare(text)):
        return True
    middles = [pieces(phrase) for phrase in lexicon(edit.language).contrasts]
    for at in (at for at, word in enumerate(words) if word == _RIGHT):
        behind = [words[at + 1 + skipped :] for skipped in (0, 1)]
        if any(
            each[: len(middle)] == middle and _OTHER in each[len(middle) :][:2] for each in behind for middle in middles
        ):
            return True
    return False


def _with_variants(text: str, edit: Edit) -> Pieces:
    """The words of a turn, with one mark for the right form and one for the other, or for a quotation that holds it."""
    parts = QUOTED.split(fold(text))  # outside, double quotation or None, single quotation or None, outside …
    words: list[str] = []
    for at in range(0, len(parts), 3):
        words += _marked(pieces(parts[at]), edit)
        quoted = next((part for part in parts[at + 1 : at + 3] if part is not None), None)
        if quoted is not None:
            inside = _marked(pieces(quoted), edit)
            words.append(next((mark for mark in (_RIGHT, _OTHER) if mark in inside), ""))
    return tuple(words)


def _marked(words: Pieces, edit: Edit) -> list[str]:
    marked = list(words)
    for mark, run in sorted(((_RIGHT, edit.right), (_OTHER, edit.said)), key=lambda each: -len(each[1])):
        while (at := place_of(run, marked)) >= 0:
            marked[at : at + len(run)] = [mark]
    return marked


def _joined(words: Pieces, edit: Edit) -> str:
    return ("" if edit.language == "zh" else " ").join(words)


def _asks(sentence: str) -> bool:
    return any(mark in QUOTED.sub("", fold(sentence)) for mark in QUESTION_MARKS)


def _said(term: str, said: Sequence[str]) -> bool:
    return any(bare(term) in bare(text) for text in said)
