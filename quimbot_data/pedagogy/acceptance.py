"""Is it accepted that a heritage learner moves between languages: by the answer to each message that does.

An answer accepts where it forbids and slights no language, corrects nothing outright, is about none of the switched
words, and does not say the learner's words back with others of the target language in place of the switched ones.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from quimbot_data.pedagogy.background import EVERYDAY, STEM, respect, switched_target
from quimbot_data.pedagogy.code_switching import Token, token_languages
from quimbot_data.pedagogy.folding import bare
from quimbot_data.pedagogy.lemmas import known, lemma
from quimbot_data.pedagogy.lexicon import function_words, lexicon
from quimbot_data.pedagogy.scene import LEARNER, TUTOR, Scene, Turn, texts
from quimbot_data.pedagogy.tokens import listed_languages, zipf
from quimbot_data.pedagogy.wording import explicit_corrections

#: Words of a language from which on a text without annotations counts as being in it, too: one may be a name.
HEARD: Final = 2
_BREAK: Final = re.compile(r"[^\w\s'’-]|\s-\s|\n")


class Answered(NamedTuple):
    """A switched message of a learner, the tutor's answer, and what in that does not accept it."""

    said: Turn
    answer: Turn
    refusal: str | None


def switched_turns(scene: Scene) -> Iterator[Answered]:
    """Messages in two languages that are answered; none of L2 learners, to whom a tutor speaks one.

    Where a dialogue has annotations they say which are switched; elsewhere a message is that holds `HEARD` words of
    its own language and of English.
    """
    if scene.learner.get("background") == "l2":
        return
    for turn in scene.turns:
        answer = scene.after(turn)
        if turn.role == LEARNER and answer is not None and answer.role == TUTOR and _switches(scene, turn):
            yield Answered(turn, answer, _refusal(scene, turn, answer))


def _switches(scene: Scene, turn: Turn) -> bool:
    if scene.annotated:
        return "code_switch" in turn.signals
    if scene.language == "en" or scene.language not in listed_languages():
        return False
    spoken = [token.language for token in token_languages(turn.text, (scene.language, "en"))]
    return min(spoken.count(scene.language), spoken.count("en")) >= HEARD


def _refusal(scene: Scene, turn: Turn, answer: Turn) -> str | None:
    said = scene.said_before(answer)
    if failure := next(respect(answer, said), None):
        return failure.detail
    if found := explicit_corrections(answer.text, said):
        return f"{found[0]!r} corrects outright."
    if target := switched_target(scene, answer):
        return f"It is about {target!r}, a switch."
    others = [other for other in texts(scene.learner.get("shared_languages")) or ("en",) if other != scene.language]
    replaced = (switch_replaced(turn.text, answer.text, (scene.language, other)) for other in others)
    return next((f"It says {words!r} back in one language." for words in replaced if words), None)


def switch_replaced(said: str, answer: str, languages: tuple[str, str]) -> str | None:
    """Switched words that an answer replaces, saying the rest of their clause back; None where it does not.

    An answer that is in both languages itself accepts both. A clause that is switched as a whole is not found: that
    would take a dictionary.

    Args:
        said: the learner's message.
        answer: the tutor's.
        languages: subtags, the target language first.

    >>> switch_replaced("Mi cousin vive en Texas.", "¡Ah, tu primo vive en Texas! ¿Desde cuándo?", ("es", "en"))
    'cousin'
    >>> switch_replaced("Mi cousin vive en Texas.", "¿Y tu cousin cuándo llegó a Texas?", ("es", "en"))
    """
    heard = _words(answer, languages)
    if sum(token.language == languages[1] for token in heard) >= HEARD:  # the answer goes along, in its own way
        return None
    spoken = {token.text.lower() for token in heard}
    told = list(_clauses(answer, heard))
    for clause in _clauses(said, _words(said, languages)):
        if len({token.language for token in clause}) == 2:
            for other in told:
                gone = _replaced(clause, other, languages)
                if gone and not spoken & {token.text.lower() for token in gone}:
                    return " ".join(token.text for token in gone)
    return None


def _words(text: str, languages: tuple[str, str]) -> list[Token]:
    """Words by language: what the target language does not know, and everybody in the other, is the other's."""
    target, other = languages
    return [
        token._replace(language=other) if _stranger(token.text.lower(), target, other) else token
        for token in token_languages(text, languages)
    ]


def _stranger(word: str, target: str, other: str) -> bool:
    return zipf(word, other) >= EVERYDAY and not known(word, target)


def _clauses(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Words between marks of punctuation: what commas set off ("So, …", "…, you know?") is no part of a clause."""
    clause: list[Token] = []
    for token in tokens:
        if clause and _BREAK.search(text, clause[-1].end, token.start):
            yield clause
            clause = []
        clause.append(token)
    if clause:
        yield clause


def _replaced(said: list[Token], told: list[Token], languages: tuple[str, str]) -> list[Token]:
    """The switched words in place of which a clause that says another back has words of the target language."""
    target, other = languages
    parts = SequenceMatcher(None, [_key(each) for each in said], [_key(each) for each in told], autojunk=False)
    found = parts.get_opcodes()
    kept = [token for kind, i, j, _, _ in found if kind == "equal" for token in said[i:j]]
    own = [token for token in said if token.language == target]
    if 2 * sum(token.language == target for token in kept) < len(own) or not any(map(_says_something, kept)):
        return []
    for kind, i, j, m, n in found:
        gone = [token for token in said[i:j] if token.language == other and _says_something(token)]
        rest = [token for token in said[i:j] if token.language == target]
        if kind == "replace" and gone and not any(map(_says_something, rest)):
            put = told[m:n]
            own_words = all(token.language == target for token in put) and any(map(_says_something, put))
            if own_words and not _stems(gone) & _stems(put):
                return gone
    return []


def _stems(tokens: Sequence[Token]) -> set[str]:
    """How words begin: "television" for "televisión" is a word of the target language, badly spelt."""
    return {bare(token.text)[:STEM] for token in tokens}


def _key(token: Token) -> str:
    """What a word is told by, whoever says it: person shifts, and so do forms of verbs."""
    word = token.text.lower()
    shifted = lexicon(token.language).shifts.get(word)
    return min(word, *shifted) if shifted else lemma(word, token.language)


def _says_something(token: Token) -> bool:
    return token.text.lower() not in function_words(token.language)
