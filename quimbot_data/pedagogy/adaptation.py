"""Critics of how a tutor adapts: to confusion, to a slow response, to the learner's level."""

from collections.abc import Iterator
from typing import Final

from quimbot_data.pedagogy.code_switching import token_languages
from quimbot_data.pedagogy.folding import fold, quotations
from quimbot_data.pedagogy.invariants import Failure
from quimbot_data.pedagogy.lemmas import content_lemmas
from quimbot_data.pedagogy.levels import length_fault, most_above, reach
from quimbot_data.pedagogy.readability import reading_ease
from quimbot_data.pedagogy.scene import TUTOR, Scene, Turn, same_text, within
from quimbot_data.pedagogy.tokens import listed_languages, words_of
from quimbot_data.pedagogy.wording import phrases_in
from schemas.learner import CEFR_LEVELS

#: Words of a simplified turn, by those of the turn that confused.
MOST_WORDS: Final = 0.8
#: Lemmas of a simplified turn that stood in the other.
LEAST_OVERLAP: Final = 0.3
#: Points of reading ease that two syllables more make in one word; of few words the formulas say little.
_TWO_SYLLABLES: Final = 170.0


def simplify(scene: Scene) -> Iterator[Failure]:
    """Invariant 9: after confusion the same in at least 20 % fewer words, no harder to read, in other words."""
    for turn in scene.tutor:
        cause, earlier = scene.before(turn, "user"), _earlier(scene, turn)
        if cause is None or "confusion" not in cause.signals or "explain" in turn.moves:  # who asks why is answered
            continue
        if "simplify" not in turn.moves:
            yield Failure("simplify", turn.position, "The learner is confused, and the turn does not simplify.")
        elif earlier is not None and (found := simplify_fault(turn.text, earlier.text, scene.language)):
            yield Failure("simplify", turn.position, found)


def simplify_fault(text: str, earlier: str, language: str) -> str | None:
    """Why a turn is no simplification of an earlier one; None where it is.

    Args:
        text: the simpler turn.
        earlier: the one that confused.
        language: subtag.
    """
    words, before = len(words_of(text, language)), len(words_of(earlier, language))
    if words > MOST_WORDS * before:
        return f"{words} words after {before}: not a fifth fewer."
    if same_text(text, earlier) or within(text, earlier):
        return "It repeats the earlier turn word by word."
    if reading_ease(text, language) < reading_ease(earlier, language) - _TWO_SYLLABLES / max(words, 1):
        return "It is harder to read than the turn before."
    share = _overlap(content_lemmas(text, language), content_lemmas(earlier, language))
    return f"{share:.0%} of its content words stood in the turn before." if share < LEAST_OVERLAP else None


def slow_response(scene: Scene) -> Iterator[Failure]:
    """Invariant 10: after a slow response a shorter turn with a hint or a choice of two, and nothing new."""
    for turn in scene.tutor:
        cause, earlier = scene.before(turn, "user"), _earlier(scene, turn)
        if cause is not None and "slow_response" in cause.signals and (found := _slow_fault(scene, turn, earlier)):
            yield Failure("slow-response", turn.position, found)


def _slow_fault(scene: Scene, turn: Turn, earlier: Turn | None) -> str | None:
    if earlier is not None:
        words, before = (len(words_of(each.text, scene.language)) for each in (turn, earlier))
        if words >= before:
            return f"{words} words after {before}: not shorter."
    if "hint" not in (*turn.moves, turn.strategy) and not offers_choice(turn.text):
        return "It gives neither a hint nor a choice of two."
    if new := {"cultural_note", "explain"} & set(turn.moves):
        return f"It brings something new: {', '.join(sorted(new))}."
    targets = {each.target for each in scene.tutor if each.position < turn.position and each.target is not None}
    if targets and turn.target is not None and turn.target not in targets:
        return "It turns to another error."
    same = earlier is None or (turn.target is not None and turn.target in targets) or _goes_on(scene, turn)
    return None if same else "None of its content words was there before."


def _goes_on(scene: Scene, turn: Turn) -> bool:
    so_far = [each.text for each in scene.turns if each.position < turn.position]
    known = frozenset[str]().union(*(content_lemmas(text, scene.language) for text in so_far))
    own = content_lemmas(turn.text, scene.language)
    return not own or bool(own & known)


def offers_choice(text: str) -> bool:
    """Whether a turn sets two things side by side to choose from."""
    side_by_side = len(quotations(fold(text))) == 2 and bool(phrases_in(text, "which"))
    return side_by_side or bool(phrases_in(text, "alternatives"))


def level(scene: Scene) -> Iterator[Failure]:
    """Invariant 11: at most 5 % of the tutor's content words above the next level; at A1 short sentences and turns."""
    cefr = scene.learner.get("cefr")
    if cefr not in CEFR_LEVELS:
        return
    own = [turn.text for turn in scene.turns if turn.role != TUTOR]
    right = [edit.corrected_sentence for edit in scene.edits if edit is not None]
    known = frozenset[str]().union(*(content_lemmas(text, scene.language) for text in (*own, *right)))
    found = reach([_in_target_language(scene, turn) for turn in scene.tutor], scene.language, str(cefr), known)
    if len(found.above) > most_above(found.words):
        told = ", ".join(sorted(set(found.above)))
        yield Failure("level", None, f"{found.share:.0%} of content words above the level after {cefr}: {told}.")
    for turn in scene.tutor if cefr == "A1" else ():
        if fault := length_fault(turn.text, scene.language):
            yield Failure("level", turn.position, fault)


def _in_target_language(scene: Scene, turn: Turn) -> str:
    """A turn without the words of another language that it mixes in: those are the learner's own."""
    others = [language for language in turn.languages if language != scene.language]
    if not others or {scene.language, *others} - listed_languages():
        return turn.text
    tokens = token_languages(turn.text, (scene.language, others[0]))
    blank = "" if scene.language == "zh" else " "
    return blank.join(token.text for token in tokens if token.language == scene.language)


def _in_target(scene: Scene, turn: Turn) -> str:
    """What a turn says in the target language: words of another that learner and tutor share are no matter of level."""
    text = turn.text
    for other in set(turn.languages) - {scene.language} if len(turn.languages) > 1 else ():
        foreign = [token for token in token_languages(text, (scene.language, other)) if token.language == other]
        for token in reversed(foreign):
            text = text[: token.start] + text[token.end :]
    return text


def _earlier(scene: Scene, turn: Turn) -> Turn | None:
    return scene.before(turn, TUTOR)


def _overlap(of: frozenset[str], among: frozenset[str]) -> float:
    return len(of & among) / len(of) if of else 1.0
