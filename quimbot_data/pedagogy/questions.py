"""Questions by what they ask for: a yes or no, a fact, an account, a sign of understanding, a look at language.

    closed      Did you go there?            wh      What did you buy?         open   Why did you like it?
    check       Does that make sense?        reflective   Which sounds better to you?

The form (closed or other) follows the tags of Switchboard, qy against qw and qo (Jurafsky et al. 1997); that a hint at
one's own thinking is a kind of its own follows the taxonomies of teacher questions (Mehan 1979; Nystrand 1997).
"""

import re
from typing import Final, Literal, get_args

from quimbot_data.pedagogy.tokens import QUESTION_MARKS, sentences_of
from quimbot_data.pedagogy.tutor_words import folded, tutor_words

Kind = Literal["closed", "wh", "open", "check", "reflective"]
KINDS: Final = get_args(Kind)
_CLAUSE: Final = re.compile(r"[,;?.!]|--")


def questions_of(text: str, language: str) -> list[Kind]:
    """Kinds of the questions in a text, in their order; none in a language whose words are not listed."""
    if tutor_words(language) is None:
        return []
    return [question_kind(sentence, language) for sentence in sentences_of(text) if is_question(sentence)]


def is_question(sentence: str) -> bool:
    """Whether a sentence ends in a question mark of any of the scripts."""
    return sentence.rstrip(" \"'”’»)").endswith(tuple(QUESTION_MARKS))


def question_kind(sentence: str, language: str) -> Kind:
    """What a question asks for; `closed` in a language whose words are not listed."""
    words = tutor_words(language)
    text = folded(sentence)
    if words is None:
        return "closed"
    if words.check.search(text):
        return "check"
    if words.reflective.search(text):
        return "reflective"
    asks = _asks(text, language)
    if words.open.search(text) and not words.factual.search(text) and (asks or not words.question.search(text)):
        return "open"
    return "wh" if asks else "closed"


def is_open(question: str, language: str) -> bool:
    """Whether a question leaves the answer open: `open`, or `reflective` with more to say than which or whether."""
    words, text = tutor_words(language), folded(question)
    return (
        words is not None
        and question_kind(question, language) in ("open", "reflective")
        and bool(words.open.search(text) and not words.factual.search(text))
    )


def is_closed(question: str, language: str) -> bool:
    """Whether a question asks for yes, no, or one of what it names; its mark may be missing, as in transcripts."""
    return not _asks(folded(question), language)


def _asks(text: str, language: str) -> bool:
    """Whether the question is about something: its last clause in the form of a question says, else its first word."""
    words = tutor_words(language)
    if words is None:
        return False
    for clause in reversed(_CLAUSE.split(text)):
        if words.clause_closed.search(clause):
            return False
        if words.clause_asks.search(clause):
            return True
    if words.not_asked.search(text) or words.closed.search(text):
        return False
    return bool(words.opening.search(text) or words.asked_for.search(text))
