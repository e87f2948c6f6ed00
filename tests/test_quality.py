"""Each quality signal: what raises it, what does not, and that batches decide nothing."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from strategies import messages_of, texts

from quimbot_data.flat import FlatMessages, flatten
from quimbot_data.quality import signals, unmeasured
from quimbot_data.quality.reply_language import reply_language_differs
from quimbot_data.quality.stock_phrases import DISCLAIMERS, REFUSALS
from schemas.dialogue import Quality
from schemas.frame import dialogue_schema, polars_schema

LONG = "Could you please tell me how the weather is going to be in the mountains tomorrow morning?"


def measured(*dialogues: list[dict[str, str]]) -> list[dict[str, Any]]:
    messages = pl.Series("messages", dialogues, dtype=dialogue_schema()["messages"])
    text = messages.list.eval(pl.element().struct.field("content")).list.join("\n")
    return signals(flatten(messages), text).to_list()


def signal(name: str, *contents: str, system: str | None = None) -> Any:
    (found,) = measured(messages_of(*contents, system=system))
    return found[name]


def test_signals_are_the_fields_of_the_schema() -> None:
    messages = pl.Series("messages", [messages_of("a", "b")], dtype=dialogue_schema()["messages"])
    found = signals(flatten(messages), pl.Series(["a\nb"]))
    assert found.dtype == pl.Struct(polars_schema(Quality)) == pl.select(unmeasured()).to_series().dtype
    assert found.name == "quality"
    assert pl.select(unmeasured()).item() == {
        name: None if name == "reply_language_differs" else False if name in FLAGS else 0.0
        for name in Quality.model_fields
    }


FLAGS = ("truncated_prompt", "refusal", "ai_disclaimer", "empty_talk")


@pytest.mark.parametrize(
    ("contents", "symbols", "digits"),
    [(("ab", "cd"), 0.0, 0.0), (("a!", "1é"), 0.2, 0.2), (("१२", "??"), 0.4, 0.4), (("नमस्ते", "한국"), 0.0, 0.0)],
)
def test_shares_of_symbols_and_digits(contents: tuple[str, str], symbols: float, digits: float) -> None:
    assert (signal("symbol_share", *contents), signal("digit_share", *contents)) == (symbols, digits)


@pytest.mark.parametrize(
    ("contents", "cut"),
    [(("Rewrite this:", "What?"), True), (("Why?", "Note:"), False), (("Do this:", "What?", "This.", "Ok"), False)],
)
def test_an_instruction_that_ends_in_a_colon_was_cut(contents: tuple[str, ...], cut: bool) -> None:
    assert signal("truncated_prompt", *contents) == cut


# Refusals


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t help you with this request.",
        "I cannot fulfill your request.",
        "Sorry, I am unable to provide medical advice.",
        "Unfortunately, I cannot generate images.",
        "I apologize, but I am not able to create such content.",
        "As an AI language model, I cannot provide personal opinions.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Lo siento, como modelo de lenguaje no puedo proporcionar esa información.",
        "No puedo cumplir con esa solicitud.",
        "很抱歉，我无法提供这方面的信息。",
        "對不起，我不能幫助您做這件事。",
        "我不能帮你这样做。",
        "عذرًا، لا أستطيع مساعدتك في هذا الطلب.",
        "آسف، لا يمكنني تقديم هذه المعلومات.",
    ],
)
def test_a_reply_that_refuses(reply: str) -> None:
    assert signal("refusal", LONG, reply)
    assert signal("refusal", LONG, "It is sunny.", "And then?", f"**{reply}**")
    assert not signal("refusal", reply, "Why do you say so?")  # the user's words are no refusal of the assistant's


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry to hear that. What happened?",
        "I'm sorry, I made a mistake: the verb is irregular.",
        "Unfortunately, the shop is closed on Sundays.",
        "I can help you with that.",
        "I cannot recommend this book enough!",
        "You cannot provide two subjects for one verb.",
        "Lo siento mucho, perdí tu libro.",
        "No puedo esperar a verte.",
        "对不起，我来晚了。",
        "我不能喝酒。",
        "آسف على التأخير.",
        "The sign says: I'm sorry, but I can't help you.",
    ],
)
def test_a_reply_that_does_not_refuse(reply: str) -> None:
    assert not signal("refusal", LONG, reply)


@pytest.mark.parametrize("phrase", [phrase for phrases in DISCLAIMERS.values() for phrase in phrases])
def test_a_model_that_speaks_of_itself(phrase: str) -> None:
    assert signal("ai_disclaimer", "Hi", f"Well, {phrase.capitalize()} I can try. It is noon.")
    assert not signal("ai_disclaimer", f"Well, {phrase} I can try.", "It is noon.")


def test_speaking_of_models_is_not_speaking_of_oneself() -> None:
    for reply in ("A language model predicts words.", "As an airline, they fly.", "Training an AI model takes weeks."):
        assert not signal("ai_disclaimer", "Hi", reply)


def test_both_lists_cover_the_same_languages() -> None:
    assert set(REFUSALS) == set(DISCLAIMERS) == {"en", "es", "zh", "ar"}


# Empty talk


@pytest.mark.parametrize(
    ("prompts", "empty"),
    [
        (["Hi"], True),
        (["Hello there!!"], True),
        (["¡Hola! ¿Cómo estás?"], True),
        (["你好，在吗？"], True),
        (["السلام عليكم"], True),
        (["...?"], True),
        (["hi", "ok thanks"], True),
        (["hi", "What is a noun?"], False),
        (["Hit"], False),
        (["2+2"], False),
        (["hello world program in C"], False),
        (["你好吃吗苹果"], False),
        (["Hi " * 40], False),
    ],
)
def test_greetings_alone_are_empty_talk(prompts: list[str], empty: bool) -> None:
    contents = [content for prompt in prompts for content in (prompt, "Hello! How can I help you today?")]
    assert signal("empty_talk", *contents) == empty


def test_nothing_of_ones_own_is_no_empty_talk() -> None:
    assert not signal("empty_talk", "", "Webale nnyo ssebo.")  # a template wrote all of the prompt


# The reply's language

SPANISH = "Mañana por la mañana hará mucho frío en las montañas, así que lleva ropa de abrigo."
CODE = "function convert(f) {\n  const c = (f - 32) * 5 / 9;\n  return c;\n}\nconsole.log(convert(212));"


@pytest.mark.parametrize(
    ("prompt", "reply", "differs"),
    [
        (LONG, SPANISH, True),
        (SPANISH, LONG, True),
        (LONG, LONG, False),
        (SPANISH, SPANISH, False),
        (LONG, "明天早上山里会很冷，请多穿一些衣服，最好带上帽子和手套。下午会暖和一些，但是晚上又会变冷。", True),
        (LONG, "Sí, hará frío.", None),
        ("¿Y?", LONG, None),
        (LONG, CODE, None),
        (LONG, f"{SPANISH} {LONG}", None),
        (LONG, "1234567890 " * 10, None),
        (None, LONG, None),
    ],
)
def test_another_language_is_claimed_where_both_are_sure(prompt: str | None, reply: str, differs: bool | None) -> None:
    found = reply_language_differs(pl.Series([prompt], dtype=pl.String), pl.Series([reply]))
    assert found.to_list() == [differs]


def test_the_last_exchange_counts() -> None:
    assert signal("reply_language_differs", LONG, SPANISH, LONG, LONG) is False
    assert signal("reply_language_differs", LONG, LONG, LONG, SPANISH, system=SPANISH) is True


# Batches


@tried(40)
@given(st.lists(st.lists(texts, max_size=5), max_size=6), st.integers(0, 6))
def test_each_dialogue_is_measured_alone(contents: list[list[str]], at: int) -> None:
    dialogues = [messages_of(*one) for one in contents]  # whole or broken: what is refused later is measured too
    assert measured(*dialogues) == [*measured(*dialogues[:at]), *measured(*dialogues[at:])]


def test_no_dialogue_gives_no_signal() -> None:
    assert measured() == []
    assert isinstance(flatten(pl.Series("m", [], dtype=dialogue_schema()["messages"])), FlatMessages)
