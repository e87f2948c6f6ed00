"""Critics of respect for who the learner is: heritage and second-language learners, and cultural notes."""

import re
from collections.abc import Iterator
from typing import Final

from quimbot_data.pedagogy.code_switching import token_languages
from quimbot_data.pedagogy.course import PATIENCE, failed_supports
from quimbot_data.pedagogy.folding import QUOTED, bare, fold
from quimbot_data.pedagogy.invariants import Failure
from quimbot_data.pedagogy.lemmas import content_words, known
from quimbot_data.pedagogy.scene import LEARNER, Scene, Turn, texts
from quimbot_data.pedagogy.tokens import QUESTION_MARKS, listed_languages, zipf
from quimbot_data.pedagogy.tone import insults
from quimbot_data.pedagogy.wording import phrases_in

#: Words of another language that an L2 turn may hold outside of quotations and brackets: names, borrowings.
MOST_FOREIGN_SHARE: Final = 0.25
MOST_FOREIGN: Final = 2
#: The Zipf value from which on everybody knows a word.
EVERYDAY: Final = 4.0
#: Letters that two spellings of one word begin with.
STEM: Final = 3
_BRACKETED: Final = re.compile(r"\([^()]*\)")


def background(scene: Scene) -> Iterator[Failure]:
    """Invariant 13, of one dialogue.

    Heritage: switching is never forbidden, variation never a target, no deficit terms. L2: one language but for
    glosses, at least one comprehension check, and `explain` only where it is asked for or supports failed.
    """
    for turn in scene.tutor:
        yield from respect(turn, scene.said_before(turn))
        error = scene.error_of(turn)
        if error is not None and error.get("is_variation"):
            yield Failure("background", turn.position, f"{error.get('original')!r} is variation, and no target.")
        if scene.learner.get("background") == "heritage" and (found := switched_target(scene, turn)):
            yield Failure("background", turn.position, f"{found!r} is a switch of language, and no error.")
        if scene.annotated and "explain" in turn.moves and (found := _explain_fault(scene, turn)):
            yield Failure("background", turn.position, found)
    if scene.learner.get("background") == "l2":
        yield from _second_language(scene)


def switched_target(scene: Scene, turn: Turn) -> str | None:
    """What a turn is about, where that is words of a shared language that the target language does not know."""
    edit, target = scene.edit_of(turn), scene.language
    if edit is None or len(edit.original) < 2 or any(known(word, target) for word in edit.said):
        return None
    if bare(edit.original)[:STEM] == bare(edit.corrected)[:STEM]:  # a word of the target, badly spelt
        return None
    shared = [other for other in texts(scene.learner.get("shared_languages")) if other != target]
    for other in shared:
        if edit.said and all(zipf(word, other) >= EVERYDAY for word in edit.said):
            return edit.original
    return None


def respect(turn: Turn, said: list[str]) -> Iterator[Failure]:
    """What a tutor's turn says against a learner, or against a learner's language or languages."""
    if found := insults(turn.text, said):
        yield Failure("background", turn.position, f"{found[0]!r} insults.")
    if found := phrases_in(turn.text, "deficits", said):
        yield Failure("background", turn.position, f"{found[0]!r} calls the learner's language deficient.")
    if found := phrases_in(turn.text, "policing", said):
        yield Failure("background", turn.position, f"{found[0]!r} penalises another language.")


def _second_language(scene: Scene) -> Iterator[Failure]:
    if not any("comprehension_check" in turn.moves for turn in scene.tutor):
        yield Failure("background", None, "A dialogue with an L2 learner has no comprehension check.")
    shared = texts(scene.learner.get("shared_languages"))
    others = {str(language) for language in (scene.learner.get("l1"), "en", *shared) if language} - {scene.language}
    for turn in scene.tutor:
        if scene.language in listed_languages() and (found := _foreign(turn.text, scene.language, sorted(others))):
            yield Failure("background", turn.position, f"More than a gloss in another language: {', '.join(found)}.")


def _foreign(text: str, language: str, others: list[str]) -> list[str]:
    """Words outside of quotations and brackets in another language, where they are more than a gloss."""
    own = _BRACKETED.sub(" ", QUOTED.sub(" ", fold(text)))
    for other in (each for each in others if each in listed_languages()):
        tokens = token_languages(own, (language, other))
        found = [token.text for token in tokens if token.language == other]
        if len(found) > MOST_FOREIGN and len(found) > MOST_FOREIGN_SHARE * len(tokens):
            return found
    return []


def _explain_fault(scene: Scene, turn: Turn) -> str | None:
    """What is wrong with an explanation: who gets it, when, or what it gives away."""
    if scene.learner.get("background") != "l2":
        return "Explanations are for L2 learners only."
    asked = scene.before(turn, LEARNER)
    if not (asked is not None and _asks(asked)) and failed_supports(scene, turn) < PATIENCE:
        return "The learner did not ask, and no two supports failed."
    edits = [edit for number, edit in enumerate(scene.edits) if _open(scene, turn, number)]
    told = next((edit.corrected for edit in edits if edit is not None and edit.held_in(turn.text)), None)
    return f"The explanation gives the answer {told!r}." if told is not None else None


def _asks(turn: Turn) -> bool:
    """Whether a learner asks for an explanation: in so many words, or with a question that is no try of their own."""
    wonders = turn.uptake is None and bool(set(bare(turn.text)) & set(QUESTION_MARKS))
    return wonders or bool(phrases_in(turn.text, "asking"))


def _open(scene: Scene, turn: Turn, number: int) -> bool:
    """Whether an error was made and not yet repaired before a turn."""
    supports = [each for each in scene.tutor if each.position < turn.position and each.target == number]
    answers = [scene.after(each) for each in supports]
    repaired = any(answer is not None and answer.uptake == "repair" for answer in answers)
    made = int(str(scene.errors[number].get("position") or 0)) < turn.position
    return made and not repaired


def cultural_note(scene: Scene) -> Iterator[Failure]:
    """Invariant 14: at most one note a dialogue, its region named, hedged, nothing of all people anywhere."""
    noted = [turn for turn in scene.tutor if turn.note is not None or "cultural_note" in turn.moves]
    for extra in noted[1:]:
        yield Failure("cultural-note", extra.position, "A second cultural note in one dialogue.")
    for turn in noted:
        if found := _note_fault(turn, scene.language):
            yield Failure("cultural-note", turn.position, found)


def _note_fault(turn: Turn, language: str) -> str | None:
    if turn.note is None:
        return "The note has no topic, region and source."
    if "cultural_note" not in turn.moves:
        return "The note is no move of the turn."
    region = str(turn.note.get("region") or "")
    if not _named(region, turn.text, language):
        return f"The region {region!r} is not named."
    if found := phrases_in(turn.text, "absolutes"):
        return f"{found[0]!r} says it of everyone."
    return None if phrases_in(turn.text, "hedges") else "It is not hedged."


def _named(region: str, text: str, language: str) -> bool:
    """Whether half of a region's words occur in a text: "casas dominicanas" names "la República Dominicana"."""
    words = [bare(word).removeprefix("ال") for word in content_words(region, language)]
    return bool(words) and 2 * sum(word in bare(text) for word in words) >= len(words)
