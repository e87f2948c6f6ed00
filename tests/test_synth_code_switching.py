"""The table of switched turns: natural, about the topics of the seeds, and heard as switched by the recogniser."""

import pytest

from quimbot_data.pedagogy.code_switching import languages_of
from synth.code_switching import LanguagePair, language_pair
from synth.seeds import topics


def pair_of(target: str) -> LanguagePair:
    pair = language_pair(target, "en")
    assert pair is not None
    return pair


@pytest.mark.parametrize("target", ["es", "zh"])
def test_turns_are_about_the_topics_and_differ(target: str) -> None:
    pair = pair_of(target)
    assert {turn.topic for turn in pair.turns} <= set(topics())
    texts = [text for turn in pair.turns for text in (turn.said, turn.reply, turn.question)]
    texts += pair.openings + pair.closings + pair.tutor_openings + pair.affirmations
    assert len(set(texts)) == len(texts)
    assert all(turn.question.endswith(("?", "？")) and not turn.reply.endswith(("?", "？")) for turn in pair.turns)


def test_every_topic_has_spanish_english_turns() -> None:
    assert {turn.topic for turn in pair_of("es").turns} == set(topics())


@pytest.mark.parametrize("target", ["es", "zh"])
def test_turns_are_heard_as_switched(target: str) -> None:
    pair = pair_of(target)
    texts = [text for turn in pair.turns for text in (turn.said, turn.reply)] + pair.affirmations
    heard = [text for text in texts if len(languages_of(text, (target, "en"))) == 2]
    assert len(heard) / len(texts) >= 0.98, sorted(set(texts) - set(heard))


def test_no_table_of_other_pairs() -> None:
    assert language_pair("ar", "en") is None
