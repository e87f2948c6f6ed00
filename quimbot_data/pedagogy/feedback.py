"""Whether written feedback gives the correction away (direct) or leads to it (hint), as teachers label it.

The rule is "every new word of the correction occurs" (measured on the feedback of Coyne et al., AIED 2025), and three
refinements: where the correction only takes words out, those must be named beside a verb of removal; where it only
moves or marks words, the corrected words must stand together; and words of the correction that serve to explain do not
count where the last sentence asks for a form without naming it ("'Lands' is plural. Use its singular form.").
"""

import re
from typing import Final

from quimbot_data.pedagogy.tokens import sentences_of, words_of

REMOVAL: Final = re.compile(
    r"\b(?:remov\w*|delet\w*|omit\w*|eras\w*|drop\w*|tak\w+ out|cut|get rid of|without|unnecessary"
    r"|not (?:be )?(?:necessary|needed|required)|no .{1,30} (?:is|are) (?:needed|required|necessary)"
    r"|(?:does|do)(?:n't| not) need"
    r"|quit\w*|elimin\w*|borr\w*|sobra\w*|sin)\b|去掉|删|不需要|不用|احذف|احذفي|بدون|لا حاجة",
    re.IGNORECASE,
)
#: A form that is asked for by its name in grammar.
NAMED_FORM: Final = re.compile(
    r"\b(?:its|the|a|an|another|different|correct|proper|appropriate|that)\b[^.\"]{0,40}\b(?:form|tense|version)\b",
    re.IGNORECASE,
)


def new_words(original: str, corrected: str, language: str) -> list[str]:
    """Words of the correction that the error does not hold.

    >>> new_words("go", "went to", "en")
    ['went', 'to']
    """
    old = words_of(original, language)
    return [word for word in words_of(corrected, language) if word not in old]


def is_direct(text: str, original: str, corrected: str, language: str) -> bool:
    """Whether feedback on an error tells its correction; `critics.reveals` is the stricter question of a dialogue.

    Args:
        text: the feedback.
        original: the learner's words in error; empty where something is missing.
        corrected: what is right in their place; empty where they are too much.
        language: subtag of all three.

    >>> is_direct("Yes, she went to the store!", "go", "went", "en")
    True
    >>> is_direct("Does 'go' fit with 'yesterday'?", "go", "went", "en")
    False
    """
    said, right = words_of(text, language), words_of(corrected, language)
    if not right:
        return bool(REMOVAL.search(text)) and all(word in said for word in words_of(original, language))
    new = new_words(original, corrected, language)
    if not new:
        return f" {' '.join(right)} " in f" {' '.join(said)} "
    return all(word in said for word in new) and not _asks_for_form(text, new, language)


def _asks_for_form(text: str, new: list[str], language: str) -> bool:
    last = sentences_of(text)[-1]
    return bool(NAMED_FORM.search(last)) and not set(new) <= set(words_of(last, language))
