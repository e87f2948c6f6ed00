"""Dialogues as ids and mask: the template's fast twin gives what transformers gives, and trains on the tutor alone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from tiny_qwen import qwen
from transformers import PreTrainedTokenizerFast

from schemas.errors import ModelError
from train.models import QWEN, load_tokenizer
from train.render import END, IGNORED, START, STOP, Rendered, prompt_ids, render, render_all, template_text

#: What a row may hold: NFC, no control characters; and what might be taken for the template's own marks.
TEXTS = st.one_of(
    st.text("ab \n\t.?!éñ漢字한\u0301🙂<|>", min_size=1, max_size=40).map(lambda text: f"{text}x"),
    st.sampled_from(
        [f"I write {END} here", STOP, f"{START}assistant\nYes", "\n\nlines", "  blanks  x", "<think>", "x\n"]
    ),
).map(lambda text: unicodedata.normalize("NFC", text))


@st.composite
def dialogues(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[int]]:
    """Messages and untrained positions, as a version's rows hold them."""
    turns = draw(st.integers(1, 3))
    messages = [{"role": "system", "content": draw(TEXTS)}] if draw(st.booleans()) else []
    for _ in range(turns):
        messages += [{"role": role, "content": draw(TEXTS)} for role in ("user", "assistant")]
    tutor = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    return messages, sorted(draw(st.sets(st.sampled_from(tutor))))


def trained_text(rendered: Rendered, position: int) -> str:
    (span,) = [span for span in rendered.spans if span.position == position]
    return qwen().decode(rendered.ids[span.start : span.end])


def expected_text(messages: list[dict[str, str]]) -> str:
    ends = {"assistant": STOP}
    return "\n".join(f"{START}{m['role']}\n{m['content']}{ends.get(m['role'], END)}" for m in messages)


@given(dialogues())
@tried(60)
def test_decoding_gives_the_text_back(dialogue):
    messages, untrained = dialogue
    assert qwen().decode(render(messages, untrained, qwen()).ids) == expected_text(messages)


@given(dialogues())
@tried(60)
def test_the_mask_is_the_tutors_text_and_its_stop_to_the_token(dialogue):
    messages, untrained = dialogue
    rendered = render(messages, untrained, qwen())
    tutor = [at for at, message in enumerate(messages) if message["role"] == "assistant" and at not in untrained]
    assert [span.position for span in rendered.spans] == tutor
    for position in tutor:
        assert trained_text(rendered, position) == messages[position]["content"] + STOP
    inside = {at for span in rendered.spans for at in range(span.start, span.end)}
    assert [at for at, trained in enumerate(rendered.mask()) if trained] == sorted(inside)
    labels = rendered.labels()
    assert all(
        (label == token) == (at in inside) for at, (token, label) in enumerate(zip(rendered.ids, labels, strict=True))
    )
    assert all(label == IGNORED for at, label in enumerate(labels) if at not in inside)


@given(dialogues())
@tried(60)
def test_the_prompt_of_every_turn_is_a_prefix(dialogue):
    messages, _ = dialogue
    rendered = render(messages, [], qwen())
    for span in rendered.spans:
        assert prompt_ids(messages[: span.position], qwen()) == rendered.ids[: span.start]


@given(dialogues(), st.integers(1, 60))
@tried(100)
def test_what_is_too_long_loses_whole_exchanges(dialogue, most):
    messages, untrained = dialogue
    whole, cut = render(messages, untrained, qwen()), render(messages, untrained, qwen(), most)
    assert len(cut.ids) <= most or cut == whole
    assert cut.ids == whole.ids[: len(cut.ids)]
    assert len(cut.ids) in (0, *whole.ends)
    assert cut.cut == sum(end > len(cut.ids) for end in whole.ends)
    assert [span for span in whole.spans if span.end <= len(cut.ids)] == cut.spans
    longer = [end for end in whole.ends if len(cut.ids) < end <= most]
    assert not longer, "another exchange would have fitted"


PLAIN = [
    {"role": "system", "content": "You help with Spanish."},
    {"role": "user", "content": "Ayer yo ir al cine."},
    {"role": "assistant", "content": "¡Fuiste al cine!\n\n¿Qué película viste?"},
    {"role": "user", "content": "Vi una 映画 🙂"},
    {"role": "assistant", "content": "¿Te gustó?"},
]


def test_it_is_what_transformers_makes_of_the_template():
    """Ids and mask, by `apply_chat_template` with its `generation` blocks."""
    made = qwen().apply_chat_template(PLAIN, return_dict=True, return_assistant_tokens_mask=True)
    rendered = render(PLAIN, [], qwen())
    assert made["input_ids"] == rendered.ids
    assert [bool(bit) for bit in made["assistant_masks"]] == rendered.mask()
    prompt = qwen().apply_chat_template(PLAIN[:2], add_generation_prompt=True)["input_ids"]
    assert prompt == prompt_ids(PLAIN[:2], qwen())


def test_marks_that_a_learner_types_are_text():
    said = [{"role": "user", "content": f"a {END} b"}, {"role": "assistant", "content": f"c {STOP} d"}]
    ids, vocabulary = render(said, [], qwen()).ids, qwen().get_vocab()
    assert [ids.count(vocabulary[mark]) for mark in (START, END, STOP)] == [2, 1, 1]


def test_no_think_block_and_a_trained_stop():
    assert "think" not in template_text().partition("#}")[2]
    ids = render(PLAIN, [], qwen()).labels()
    assert ids[-1] == qwen().eos_token_id == 151_643
    assert qwen().pad_token_id not in (151_643, 151_645)


@pytest.mark.slow
def test_padding_that_generation_left_behind_is_not_seen():
    fresh = load_tokenizer(QWEN)
    fresh(["a", "a b c"], padding=True, truncation=True, max_length=2)
    assert render(PLAIN, [], fresh) == render(PLAIN, [], qwen())


def test_a_batch_is_its_dialogues():
    alone = [render(PLAIN[1:3], [], qwen()), render(PLAIN, [2], qwen())]
    assert list(render_all([(PLAIN[1:3], []), (PLAIN, [2])], qwen())) == alone


def test_a_tokenizer_without_chatml_is_refused():
    from tokenizers import Tokenizer, models

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, "a")))
    with pytest.raises(ModelError, match="lacks <|im_start|>, <|im_end|>, <|endoftext|>".replace("|", r"\|")):
        render(PLAIN, [], bare)
