"""Seeds out of a corpus's sentences: one a seed-worthy error, everything else in the sentence put right."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, cast

from quimbot_data.pedagogy.folding import fold
from schemas.fields import Term
from schemas.seed import ErrorFamily, Seed
from synth.learner_errors.sentences import Edit, LearnerSentence, Skipped, applied, operation_of, tangled

#: Words of a sentence: a shorter one has no situation, and a longer one is no spoken turn.
LEAST_WORDS: Final = 4
MOST_WORDS: Final = 25
#: Words that an edit takes out or puts in: more is a rewriting, not an error that a hint could point at.
MOST_EDITED: Final = 4
_CHARACTERS_A_WORD: Final = {"zh": 1.6}


def seeds_from(
    corpus: str, sentences: Iterable[LearnerSentence | Skipped], skipped: Counter[str], attribution: str = ""
) -> Iterator[Seed]:
    """Seeds in the order of the sentences, their words for a tutor left empty.

    Args:
        corpus: before the colon of every `seed_id`.
        sentences: of a reader.
        skipped: filled with the reasons why sentences and edits gave no seed.
        attribution: what the corpus asks to be printed.
    """
    seen: set[tuple[str, int, int, str]] = set()
    for sentence in sentences:
        if isinstance(sentence, Skipped):
            skipped[sentence.reason] += 1
        elif reason := _unfit(sentence):
            skipped[reason] += 1
        else:
            for number, edit in enumerate(sentence.edits):
                family, unfit = edit.family, _unfit_edit(sentence, edit)
                if family is None or unfit:
                    skipped[unfit or "no-family"] += 1
                    continue
                seed = _seed(corpus, sentence, number, family, attribution)
                identity = (seed.sentence, seed.start, seed.end, seed.corrected)
                if identity in seen:
                    skipped["repeated"] += 1
                    continue
                seen.add(identity)
                yield seed


def write_lines(seeds: Iterable[Seed]) -> bytes:
    """Seeds as JSON Lines, which `synth.seeds.read_seeds` reads."""
    lines = (json.dumps(seed.model_dump(mode="json"), ensure_ascii=False) + "\n" for seed in seeds)
    return "".join(lines).encode()


def _unfit(sentence: LearnerSentence) -> str | None:
    words = word_count(sentence.text, sentence.language)
    if not sentence.edits:
        return "no-error"
    if words < LEAST_WORDS:
        return "too-short"
    if words > MOST_WORDS:
        return "too-long"
    return "overlapping-edits" if tangled(sentence.text, sentence.edits) else None


def word_count(text: str, language: str) -> int:
    """Words between blanks; in Chinese an estimate from the characters."""
    if language in _CHARACTERS_A_WORD:
        return round(sum(char.isalnum() for char in text) / _CHARACTERS_A_WORD[language])
    return sum(any(char.isalnum() for char in word) for word in text.split())


def _unfit_edit(sentence: LearnerSentence, edit: Edit) -> str:
    """Why an edit gives no seed; empty where it does."""
    original = sentence.text[edit.start : edit.end]
    last = edit.end >= len(sentence.text.rstrip())
    if last and not any(char.isalnum() for char in original + edit.corrected):
        return "final-mark"  # nobody hears it, and chats go without
    if original.strip() == edit.corrected.strip():
        return "blanks-only"
    if fold(original) == fold(edit.corrected):
        return "case-only"  # a tutor who quotes the two within a sentence would write them alike
    return "rewritten" if max(len(original.split()), len(edit.corrected.split())) > MOST_EDITED else ""


def _seed(corpus: str, sentence: LearnerSentence, number: int, family: ErrorFamily, attribution: str) -> Seed:
    """The seed of one edit, the others made."""
    edit = sentence.edits[number]
    before = applied(sentence.text[: edit.start], sentence.edits[:number])
    later = tuple(
        other._replace(start=other.start - edit.end, end=other.end - edit.end) for other in sentence.edits[number + 1 :]
    )
    original = sentence.text[edit.start : edit.end]
    return Seed(
        seed_id=f"{corpus}:{sentence.key}/{number}",
        language=sentence.language,
        family=family,
        type=edit.type,
        sentence=before + original + applied(sentence.text[edit.end :], later),
        start=len(before),
        end=len(before) + len(original),
        original=original,
        corrected=edit.corrected,
        operation=operation_of(original, edit.corrected),
        generalizable=edit.generalizable,
        is_variation=edit.is_variation,
        cefr=None,
        backgrounds=list(sentence.backgrounds),
        topic=None,
        recast=None,
        questions=[],
        cue=None,
        contrast=[],
        detected=edit.detected,
        license=sentence.rights.license,
        terms=cast(list[Term], sentence.rights.terms),
        attribution=attribution,
    )
