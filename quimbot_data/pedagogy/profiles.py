"""Can the learner's background be told by the tutor's words alone: heritage speakers are not to be served as beginners.

A logistic regression over words and pairs of words, by cross-validation in which a seed never stands on both sides.
Names of languages, countries and levels are masked first: they would tell without any difference in teaching.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from quimbot_data.pedagogy.tokens import words_of
from quimbot_data.pedagogy.tutor_words import folded, tutor_words
from schemas.errors import InputError

#: Dialogues that each background needs in a language, and at most so many are looked at.
LEAST: Final = 20
MOST: Final = 2_000
_FOLDS: Final = 5


class Recovery(NamedTuple):
    """How well a background is told: dialogues, the AUC over languages by their dialogues, each language's."""

    dialogues: int
    auc: float | None
    by_language: dict[str, float]


def masked(text: str, language: str) -> str:
    """Words of a text in lower case, without those that name a profile."""
    words = tutor_words(language)
    plain = words.profile.sub(" ", folded(text)) if words else text
    return " ".join(words_of(plain, language))


def background_recovery(dialogues: Sequence[Mapping[str, Any]]) -> Recovery:
    """AUC of heritage against L2 by the tutor's words.

    Raises:
        InputError: scikit-learn is not installed.
    """
    by_language: dict[str, list[tuple[str, bool, str]]] = defaultdict(list)
    for place, dialogue in enumerate(dialogues):
        learner = (dialogue.get("pedagogy") or {}).get("learner") or {}
        if learner.get("background") in ("heritage", "l2"):
            language = learner.get("target_language") or dialogue.get("language") or "en"
            said = " ".join(m["content"] for m in dialogue["messages"] if m["role"] == "assistant")
            group = _seed(dialogue) or str(place)
            by_language[language].append((masked(said, language), learner["background"] == "heritage", group))
    enough = {
        language: rows[:MOST]
        for language, rows in sorted(by_language.items())
        if min(sum(row[1] for row in rows[:MOST]), sum(not row[1] for row in rows[:MOST])) >= LEAST
    }
    found = {language: _auc(rows) for language, rows in enough.items()}
    count = sum(map(len, enough.values()))
    mean = sum(found[language] * len(enough[language]) for language in found) / count if count else None
    return Recovery(count, mean, found)


def _seed(dialogue: Mapping[str, Any]) -> str | None:
    seed = dialogue.get("seed_id") or (dialogue.get("provenance") or {}).get("lineage")
    return str(seed) if seed else None


def _auc(rows: Sequence[tuple[str, bool, str]]) -> float:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import GroupKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
    except ImportError as error:
        raise needs_sklearn() from error
    texts, heritage, groups = zip(*rows, strict=True)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+", min_df=2)  # noqa: S106
    model = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    folds = GroupKFold(min(_FOLDS, len(set(groups))))
    told = cross_val_predict(model, texts, heritage, groups=groups, cv=folds, method="decision_function")
    return float(roc_auc_score(heritage, told))


def needs_sklearn() -> InputError:
    """What to say where scikit-learn is absent."""
    return InputError(
        "scikit-learn is not installed: critics are trained and classifiers fitted with it.",
        next_step="Run `pip install 'quimbot-data[synth]'`.",
    )
