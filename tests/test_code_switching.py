"""Words of switched text get their language, on sentences made for it and on tweets that people labelled."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimbot_data.pedagogy.code_switching import languages_of, token_languages

LABELLED = Path(__file__).parents[1] / ".." / "shared" / "real" / "codeswitch_es_en" / "borrowing_dev.conll"


@pytest.mark.parametrize(
    ("text", "languages", "in_second"),
    [
        ("Ayer fui al grocery store con mi abuela, you know.", ("es", "en"), ["grocery", "store", "you", "know"]),
        ("I told her que no quería ir.", ("es", "en"), ["I", "told", "her"]),
        ("Me gusta mucho la comida de mi abuela.", ("es", "en"), []),
        ("我昨天去了 shopping mall 买东西。", ("zh", "en"), ["shopping", "mall"]),
        ("أريد coffee من فضلك", ("ar", "en"), ["coffee"]),
        ("@friend https://the-best.com/of", ("es", "en"), []),
    ],
)
def test_words_of_the_second_language(text: str, languages: tuple[str, str], in_second: list[str]) -> None:
    tokens = token_languages(text, languages)
    assert [token.text for token in tokens if token.language == languages[1]] == in_second
    assert all(text[token.start : token.end] == token.text for token in tokens)


def test_languages_of_a_text() -> None:
    assert languages_of("Mi mamá said que you should come mañana.") == ["en", "es"]
    assert languages_of("¿Qué hiciste ayer?") == ["es"]
    assert languages_of("...") == []


@given(st.text(max_size=60))
def test_any_text_is_cut_into_words_of_its_own(text: str) -> None:
    assert all(text[token.start : token.end] == token.text for token in token_languages(text))


@pytest.mark.skipif(not LABELLED.exists(), reason="no real rows beside the project (../shared/real)")
def test_labelled_tweets() -> None:
    right = total = hits = found = switched = 0
    for block in LABELLED.read_text(encoding="utf-8").split("\n\n"):
        cells = [line.split("\t") for line in block.splitlines() if line.count("\t") == 1]
        labels = {word.strip("'\""): {"SPA": "es", "ENG": "en"}.get(label) for word, label in cells}
        told = [
            (token.language, labels[token.text])
            for token in token_languages(" ".join(labels))
            if labels.get(token.text)
        ]
        right += sum(ours == theirs for ours, theirs in told)
        total += len(told)
        mixed, truth = (len({pair[side] for pair in told}) == 2 for side in (0, 1))
        hits, found, switched = hits + (mixed and truth), found + mixed, switched + truth
    assert total > 10_000
    assert right / total >= 0.99
    assert 2 * hits / (found + switched) >= 0.88
