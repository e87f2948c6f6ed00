"""One source of the chat template: Jinja for training, Go for Ollama, and llama.cpp's, all say the same."""

import gotpl
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from schemas.errors import ModelError
from train.export.go_template import go_template, served_template
from train.export.modelfile import modelfile
from train.render import STOPS, template_text

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30) | st.sampled_from(
    ["{{ .Role }}", '"""', "a\n\nb ", "{% for %}", "<|im_end|>", "\\n"]
)


@st.composite
def chats(draw):
    turns = draw(st.lists(TEXT, min_size=1, max_size=5))
    messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(turns)]
    return [{"role": "system", "content": draw(TEXT)}, *messages] if draw(st.booleans()) else messages


def as_ollama_sees(messages):
    return {"Messages": [{"Role": message["role"], "Content": message["content"]} for message in messages]}


@tried(150)
@given(chats())
def test_go_and_jinja_render_the_same(messages):
    jinja = jinja2.Environment(keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True)
    wanted = jinja.from_string(served_template(template_text())).render(messages=messages, add_generation_prompt=True)
    assert gotpl.render(go_template(template_text()), as_ollama_sees(messages)) == wanted
    assert "<|im_start|>assistant\n" in wanted


@pytest.mark.parametrize(
    "template",
    [
        "{% for message in messages %}{{ message['role'] | upper }}{% endfor %}",
        "{% for message in messages %}{{ message['tools'] }}{% endfor %}",
        "{% for tool in tools %}{% endfor %}",
        "{% set x = 1 %}",
        "{% if messages[0]['role'] != 'system' %}{% endif %}",
    ],
)
def test_what_has_no_translation_is_refused(template):
    with pytest.raises(ModelError, match=r"Line 1 of the chat template holds a \w+ that has no translation"):
        go_template(template)


def test_a_modelfile_stops_where_training_stopped():
    made = modelfile("tutor-Q8_0.gguf", template_text(), STOPS, "Apache-2.0", 4096)
    assert made.startswith("FROM ./tutor-Q8_0.gguf\n")
    assert [line for line in made.splitlines() if "stop" in line] == [f'PARAMETER stop "{stop}"' for stop in STOPS]
    template = made.split('TEMPLATE """')[1].split('"""')[0]
    assert template == go_template(template_text())
    with pytest.raises(ModelError, match="three quotation marks"):
        modelfile("x.gguf", template_text(), STOPS, 'say """', 4096)
